"""``git coord mcp``: the verbs as tools of the Model Context Protocol, for agents that cannot or may not run commands.

* ``wishes``: what each tool takes. ``tools``: the table of tools, and what each does. ``words``: what a model is told.
* ``seat``: which session this server acts as. ``desk``: one call, from its arguments to an answer.
* ``answer``: the envelope of CONTRACT, and its schemas. ``server``: the protocol; alone imports the SDK, which costs
  half a second and is an extra, so nothing else may import it.
"""
