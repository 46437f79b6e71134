"""Sessions around real programs: the launcher, the hooks that agents call, their set-up, and the MCP server.

A ring of its own beside ``cli``: both build on ``coordinator`` and neither on the other, except that commands import
what they start. Nothing here is imported by the everyday verbs.
"""
