"""Completion, jump function, prompt and manual pages in the user's own places: planned as a whole, then written.

Owns the places of each shell and our part of its start-up file, between two marks. What the scripts say comes from the
caller; files that somebody else made are never replaced or removed.
"""

from __future__ import annotations

import os
import re
from shlex import quote
from typing import TYPE_CHECKING

import msgspec

from gitcoord.agents.setup import Change, files
from gitcoord.errors import Conflict, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MADE = "made by gitcoord"
"""Stands near the beginning of every file that is ours."""

_BEGIN = "# >>> git coord setup shell >>>"
_JOINED = f"{_BEGIN} (the line before had no end)"
_END = "# <<< git coord setup shell <<<"
_OURS = re.compile(rf"(\n?){re.escape(_BEGIN)}( [^\n]*)?\n(?:[^\n]*\n)*?{re.escape(_END)}\n")
_NAMED = re.compile(r"made by gitcoord [^\n]*\bjump ([A-Za-z_][A-Za-z0-9_-]*)")


class Places(msgspec.Struct, frozen=True):
    """Where a shell looks: ``script`` at TAB, ``start`` at every start (fish only), ``rc``, the user's own file."""

    home: str
    script: str
    start: str | None
    rc: str | None
    man: str

    @property
    def line(self) -> str | None:
        """What the user's start-up file needs for the jump function and the prompt; None where it needs nothing."""
        return None if self.rc is None else f"if [ -r {quote(self.script)} ]; then . {quote(self.script)}; fi"


def places(shell: str, environ: Mapping[str, str]) -> Places:
    """The places of ``shell`` for the user of ``environ``. Raises Usage where there is no home directory."""
    home = environ.get("HOME", "")
    if not os.path.isabs(home) or not os.path.isdir(home):
        raise Usage("there is no home directory: HOME says nothing useful", hint="set HOME")
    data = _xdg(environ, "XDG_DATA_HOME", os.path.join(home, ".local", "share"))
    man = os.path.join(data, "man", "man1")
    if shell == "bash":
        user_dir = environ.get("BASH_COMPLETION_USER_DIR", "").split(":")[0]
        folder = user_dir if os.path.isabs(user_dir) else os.path.join(data, "bash-completion")
        return Places(home, os.path.join(folder, "completions", "git-coord"), None, os.path.join(home, ".bashrc"), man)
    if shell == "zsh":
        rc = os.path.join(_xdg(environ, "ZDOTDIR", home), ".zshrc")
        return Places(home, os.path.join(data, "zsh", "site-functions", "_git-coord"), None, rc, man)
    fish = os.path.join(_xdg(environ, "XDG_CONFIG_HOME", os.path.join(home, ".config")), "fish")
    script, start = (os.path.join(fish, folder, "git-coord.fish") for folder in ("completions", "conf.d"))
    return Places(home, script, start, None, man)


def _xdg(environ: Mapping[str, str], name: str, default: str) -> str:
    """A directory from the environment; a relative one counts as none, as the XDG specification says."""
    value = environ.get(name, "")
    return value if os.path.isabs(value) else default


def jump_name(where: Places) -> str | None:
    """What the jump function of the installed script is called; None where none is installed."""
    found = _NAMED.search(_text(files.look(where.script, "/")))
    return found[1] if found else None


def plan(where: Places, wanted: Mapping[str, str], *, rc: bool) -> list[Change]:
    """What has to be written so that ``wanted`` (path to text) is there, and with ``rc`` our part of the user's file.

    That part is kept current also without ``rc`` where it is already. Raises Conflict where a file is somebody else's.
    """
    changes = [_put(path, text) for path, text in wanted.items()]
    if where.rc is not None and where.line is not None:
        file = files.look(where.rc, "/")
        old = _text(file)
        if rc or _OURS.search(old):
            changes.append(_change(where.rc, file, _with_part(old, where.line)))
    return changes


def plan_removal(where: Places, wanted: Sequence[str]) -> list[Change]:
    """What has to go: the files of ``wanted`` that are ours, and our part of the user's file."""
    looked = {path: files.look(path, "/") for path in wanted}
    changes = [
        Change(path=path, action="remove", file=file, new=None)
        for path, file in looked.items()
        if file.data is not None and _is_ours(_text(file))
    ]
    if where.rc is not None:
        file = files.look(where.rc, "/")
        left = _without_part(_text(file))
        if file.data is not None and left != _text(file):
            changes.append(_change(where.rc, file, left or None))
    return changes


def carry_out(where: Places, changes: Sequence[Change]) -> None:
    """Do what was planned. Raises GitFailed."""
    for change in changes:
        if change.new is None:
            files.delete(change.file)
            files.prune(files.parents(change.file, where.home))
        elif change.action != "unchanged":
            files.write(change.file, change.new)


def own_pages(where: Places) -> list[str]:
    """The manual pages of ours that are installed for the user, by path."""
    try:
        names = sorted(os.listdir(where.man))
    except OSError:
        return []
    return [os.path.join(where.man, name) for name in names if name.startswith("git-coord") and name.endswith(".1")]


def _put(path: str, text: str) -> Change:
    file = files.look(path, "/")
    if file.data is not None and not _is_ours(_text(file)):
        raise Conflict(f"{path} was made by somebody else; nothing was changed", hint="move it away, then try again")
    return _change(path, file, text)


def _change(path: str, file: files.File, text: str | None) -> Change:
    new = None if text is None else text.encode("utf-8", "surrogateescape")
    if new is None:
        return Change(path=path, action="remove", file=file, new=None)
    action = "create" if file.data is None else "unchanged" if file.data == new else "update"
    return Change(path=path, action=action, file=file, new=new)  # type: ignore[arg-type]


def _is_ours(text: str) -> bool:
    return MADE in text[:1000]


def _text(file: files.File) -> str:
    return (file.data or b"").decode("utf-8", "surrogateescape")


def _with_part(text: str, line: str) -> str:
    found = _OURS.search(text)
    if found:
        begin = f"{_BEGIN}{found[2] or ''}"
        return f"{text[: found.start()]}{found[1]}{begin}\n{line}\n{_END}\n{text[found.end() :]}"
    ended = not text or text.endswith("\n")
    return f"{text}{_BEGIN if ended else chr(10) + _JOINED}\n{line}\n{_END}\n"


def _without_part(text: str) -> str:
    found = _OURS.search(text)
    if not found:
        return text
    kept = "" if found[2] and found.end() == len(text) else found[1]
    return text[: found.start()] + kept + text[found.end() :]
