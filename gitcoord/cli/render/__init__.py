"""The only place that knows how things look to people.

One module per noun turns results into documents (``doc``); ``plain`` and ``fancy`` put a document on paper. All text
that reaches either of them passes ``safe``: most of it came out of refs, which whoever can push has written.
"""
