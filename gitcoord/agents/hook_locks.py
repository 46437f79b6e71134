"""Whether an edit can touch what somebody else has locked, by a note about the lock table instead of the table itself.

Owns ``<common>/coord/path-locks``: ``2 <oid of the table>``, then for each session and each name with which paths that
it has locked begin, ``<session> <name in hex>`` (``*`` where that may be any). While the table is the same, an edit
below other names than others' is free; whether the others still live is not even asked. Losing it costs one look.
"""

from __future__ import annotations

import os

from gitcoord.agents.hook_payload import Call
from gitcoord.agents.hook_place import Place, find, note, read

LOCKS = "refs/coord/locks/table"
_LARGEST = 32 << 10


def clear(call: Call, place: Place, sid: str) -> bool:
    """Whether nobody but ``sid`` can have locked any of the call's files; False where the table has to be read."""
    known = noted(place)
    if known is None:
        return False
    others = {first for session, first in known if session != sid}
    if not others:
        return True
    if "*" in others:
        return False
    return all(os.fsencode(path.split("/")[0]).hex() not in others for path in inside(call, place))


def noted(place: Place) -> list[tuple[str, str]] | None:
    """Which session has locked paths below which name, as the note says; None where the table has to be read."""
    oid = place.ref(LOCKS)
    if oid == "":
        return []  # there has never been a lock
    lines = (read(os.path.join(place.common, "coord", "path-locks"), _LARGEST) or b"").decode("ascii", "replace")
    head, *rest = lines.split("\n")
    if oid is None or head != f"2 {oid}" or rest[-1:] != [""]:
        return None
    found = [(words[0], words[2]) for line in rest[:-1] if (words := line.partition(" "))]
    return found if all(session and first for session, first in found) else None


def remember(place: Place, oid: str, locked: set[tuple[str, bytes | None]]) -> None:
    """Note it: sessions, each with a name that paths it has locked begin with. Best effort."""
    lines = [f"2 {oid}", *sorted(f"{sid} {'*' if first is None else first.hex() or '*'}" for sid, first in locked)]
    text = "\n".join(lines)
    if len(text) < _LARGEST:
        note(os.path.join(place.common, "coord", "path-locks"), text)


def inside(call: Call, place: Place) -> list[str]:
    """The files of a call that belong to this repository, in whichever worktree, relative to that worktree's root.

    A file that is a symbolic link counts by both its names.
    """
    found: dict[str, None] = {}
    for named in call.paths:
        path = os.path.join(call.cwd or place.top, os.path.expanduser(named))
        folder, name = os.path.split(os.path.normpath(path))
        folder = os.path.realpath(folder)
        home = find(folder, {})
        if home is None or os.path.realpath(home.common) != os.path.realpath(place.common):
            continue  # another repository's, or nobody's
        for each in (os.path.join(folder, name), os.path.realpath(os.path.join(folder, name))):
            relative = os.path.relpath(each, os.path.realpath(home.top))
            if relative.split(os.sep)[0] not in ("..", ".git"):
                found[relative] = None
    return list(found)
