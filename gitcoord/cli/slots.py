"""What may stand where on a command line, as far as completion knows: a slot for every parameter.

A slot is a list of kinds joined by ``,``: what ``offers`` writes (``open``, ``offered``, ``held``, ``ended``,
``place``, ``session``, ``lock``, ``scope``), then perhaps ``file``; or one of ``file``, ``dir``, ``ref``, ``remote``,
``verb``; or ``=`` and the words themselves; or ``-`` for nothing that could be known. The scripts in
gitcoord/shell know these names too.
"""

from __future__ import annotations

from gitcoord.cli.declare import Command, Param

_OPEN = "open,offered,held"

_BY_METAVAR = {
    "ID": _OPEN,
    "[ID] [PERCENT]": "held",
    "ID|PATH": "place,file",
    "TASK": _OPEN,
    "S": "session",
    "NAME|PATTERN": "lock,file",
    "PATTERN": "lock,file",
    "SCOPE": "scope",
    "REV": "ref",
    "B": "ref",
    "REFSPEC": "ref",
    "REMOTE": "remote",
    "FILE": "file",
    "PATH": "file",
    "DIR": "dir",
    "COMMAND": "verb",
    "0..4": "=0,1,2,3,4",
    "FILE.tar.gz": "file",
    "CMD": "file",
}

_BY_PLACE = {
    ("start", "--external-id"): "-",
    ("task add", "--id"): "-",
    ("claim", "ID"): "open,offered",
    ("accept", "ID"): "offered",
    ("withdraw", "ID"): "offered",
    ("release", "ID"): "held",
    ("done", "ID"): "held",
    ("handoff", "ID"): "held",
    ("takeover", "ID"): "held",
    ("push", "--task"): "held",
    ("worktree create", "ID"): "held",
    ("worktree path", "ID"): "place",
    ("task show", "ID"): f"{_OPEN},ended",
    ("task edit", "ID"): f"{_OPEN},ended",
    ("log", "--task"): f"{_OPEN},ended",
}


def slot(command: Command | None, param: Param) -> str:
    """What completion offers for the value of ``param``; ``command`` is None for an option before the verb."""
    mark = param.mark
    if command is not None:
        for name in (*mark.names, mark.metavar):
            if (command.verb, name) in _BY_PLACE:
                return _BY_PLACE[command.verb, name]
        if command.verb == "recipes":
            from gitcoord.cli.recipes import names

            return "=" + ",".join(names())
    words = getattr(mark.parse, "allowed", ())
    return "=" + ",".join(words) if words else _BY_METAVAR.get(mark.metavar, "-")


def options(params: tuple[Param, ...], command: Command | None) -> list[tuple[str, str, str]]:
    """Every option in ``params``, by each of its names: name, slot (``flag`` for a flag), what it is."""
    return [
        (name, "flag" if param.flag else slot(command, param), param.mark.about)
        for param in params
        for name in param.mark.names
    ]


def positions(command: Command) -> list[str]:
    """The slots of the positional parameters, in order; ``*`` behind the last one says that it repeats."""
    return [slot(command, param) + ("*" if param.mark.many else "") for param in command.params if param.positional]
