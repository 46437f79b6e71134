"""The pure rules: what a record is, which event may follow which, who counts as live.

Nothing in here does I/O, reads a clock, draws a random number or looks at the environment; all of that arrives as
arguments. May import ``errors``, ``msgspec`` and the standard library's pure parts only (a test checks it).
"""
