"""Hooks by file, for Gits before 2.54: ours stands where Git looks, and runs what stood there before it.

Owns one event in one directory of hook files: taking the place, giving it back. The former hook stays beside ours as
``<event>.gitcoord-chained``, the same file, be it a script, a binary, a symbolic link or not executable. Other
managers move hooks too: pre-commit puts what it finds aside as ``.legacy`` and runs it first, lefthook as ``.old`` and
does not run it. Nobody's edits are lost: what cannot be undone cleanly is left as it is and reported.
"""

from __future__ import annotations

import filecmp
import os
import stat

from gitcoord.errors import GitFailed
from gitcoord.git.hooks_table import BEGIN, CHAINED, END, HookChange
from gitcoord.git.localfile import read_all, write_atomic
from gitcoord.lean import msgspec

_SHEBANG = b"#!/bin/sh\n"
_LEFTHOOK = b"LEFTHOOK"
_NOTE = b"""# The hook beside this one is lefthook's. By the word LEFTHOOK it takes this file for its own and writes
# over it; else it would move it to .old, and fail where the hook that it found there once is kept already.
"""


class Slot(msgspec.Struct, frozen=True):
    """The files of one event. ``path`` is the one that Git starts."""

    directory: str
    event: str

    @property
    def path(self) -> str:
        return os.path.join(self.directory, self.event)

    @property
    def former(self) -> str:
        return self.path + CHAINED

    def ours(self) -> str | None:
        """The file that holds our hook, wherever another manager may have put it; None when there is none."""
        return next((path for path in (self.path, self.path + ".legacy", self.path + ".old") if _is_ours(path)), None)

    def reached(self) -> str | None:
        """The file that holds our hook if something runs it: Git itself, or pre-commit."""
        if _is_ours(self.path):
            return self.path
        return self.path + ".legacy" if _is_pre_commit(self.path) and _is_ours(self.path + ".legacy") else None


def install(slot: Slot, script: bytes, *, dry_run: bool) -> HookChange:
    """Put ``script`` where Git, or the manager in charge, runs it. Raises GitFailed."""
    mine = slot.reached()
    if mine is not None:
        return _refresh(slot, mine, script, dry_run=dry_run)
    # Under pre-commit, not over it: it would put us aside as .legacy and so destroy the hook that it keeps there.
    path = slot.path + ".legacy" if _is_pre_commit(slot.path) else slot.path
    if os.path.isdir(path):
        return HookChange(f"hook {slot.event}", path, "refused", "there is a directory in its place")
    if not dry_run:
        try:
            os.makedirs(slot.directory, exist_ok=True)
            if _is_ours(slot.path + ".old"):
                _give_back(slot, slot.path + ".old")
            _keep_former(slot, path)
            _write(path, _text(slot, script))
        except OSError as error:
            raise GitFailed(f"{path} cannot be written: {error.strerror}") from None
    return HookChange(f"hook {slot.event}", path, "written")


def _refresh(slot: Slot, path: str, script: bytes, *, dry_run: bool) -> HookChange:
    """Bring our part up to date and keep what others added around it."""
    before, part, after = _split(_read(path))
    if not part:
        why = "somebody changed our part of it"
        return HookChange(f"hook {slot.event}", path, "refused", why, f"delete {path}, then 'git coord hooks install'")
    wanted = before + _split(_text(slot, script))[1] + after
    if wanted == before + part + after and os.access(path, os.X_OK):
        return HookChange(f"hook {slot.event}", path, "unchanged")
    if not dry_run:
        try:
            _write(path, wanted)
        except OSError as error:
            raise GitFailed(f"{path} cannot be written: {error.strerror}") from None
    return HookChange(f"hook {slot.event}", path, "written")


def _text(slot: Slot, script: bytes) -> bytes:
    return script.replace(BEGIN, BEGIN + _NOTE, 1) if _LEFTHOOK in _read(slot.former) else script


def _keep_former(slot: Slot, path: str) -> None:
    """Give the hook at ``path`` its second name, under which ours runs it."""
    if not os.path.lexists(path):
        return
    if os.path.lexists(slot.former):
        if _same(slot.former, path):
            return  # another manager wrote the same file again over ours
        if _LEFTHOOK in _read(slot.former) and _LEFTHOOK in _read(path):
            os.unlink(slot.former)  # a newer edition of itself
        else:
            os.replace(slot.former, slot.former + ".old")
    try:
        # A second link, so that there is a working hook in its place at every moment.
        os.link(path, slot.former, follow_symlinks=False)
    except (OSError, NotImplementedError):
        os.rename(path, slot.former)  # a file system without hard links


def uninstall(slot: Slot) -> HookChange | None:
    """Take our hook away and put the former one back; None when there was nothing of ours. Raises GitFailed."""
    mine = slot.ours()
    try:
        if mine is None:
            return _clear_former(slot)
        before, part, after = _split(_read(mine))
        if part and before == _SHEBANG and not after:
            _give_back(slot, mine)
        elif part and not os.path.lexists(slot.former):
            mode = stat.S_IMODE(os.stat(mine).st_mode)
            _write(mine, before + after)
            os.chmod(mine, mode)
        else:
            return HookChange(
                *(f"hook {slot.event}", mine, "refused", "somebody changed it since, so it was left as it is"),
                f"take out the part between the gitcoord marks; the former hook is {slot.former}",
            )
    except OSError as error:
        raise GitFailed(f"{slot.path} cannot be restored: {error.strerror}") from None
    return HookChange(f"hook {slot.event}", mine, "removed")


def _give_back(slot: Slot, path: str) -> None:
    """The former hook instead of ours at ``path``, or nothing where there was none."""
    if os.path.lexists(slot.former):
        os.replace(slot.former, path)
    else:
        os.unlink(path)


def _clear_former(slot: Slot) -> HookChange | None:
    """Somebody wrote over our hook or deleted it: what is left of us is the former hook's second name."""
    if not os.path.lexists(slot.former):
        return None
    what = f"hook {slot.event}"
    if not os.path.lexists(slot.path):
        os.rename(slot.former, slot.path)
        return HookChange(what, slot.path, "removed")
    if _same(slot.former, slot.path):
        os.unlink(slot.former)
        return HookChange(what, slot.former, "removed")
    why = f"another tool wrote over {slot.path}; the hook that was there before gitcoord is kept here"
    return HookChange(what, slot.former, "refused", why, "delete it, or put it back yourself")


def _split(data: bytes) -> tuple[bytes, bytes, bytes]:
    """What stands before our part, our part with its marks, what stands after; no part when the marks are broken."""
    if data.count(BEGIN) != 1 or data.count(END) != 1 or data.index(BEGIN) > data.index(END):
        return data, b"", b""
    start, end = data.index(BEGIN), data.index(END) + len(END)
    return data[:start], data[start:end], data[end:]


def _is_ours(path: str) -> bool:
    return BEGIN in _read(path)


def _is_pre_commit(path: str) -> bool:
    return b"generated by pre-commit" in _read(path)[:1000]


def _read(path: str) -> bytes:
    """The content of a hook that may be ours; empty for a link, a binary of some size or nothing at all."""
    return read_all(path) or b""


def _same(one: str, other: str) -> bool:
    if os.path.islink(one) or os.path.islink(other):
        return os.path.islink(one) and os.path.islink(other) and os.readlink(one) == os.readlink(other)
    return filecmp.cmp(one, other, shallow=False) and os.access(one, os.X_OK) == os.access(other, os.X_OK)


def _write(path: str, data: bytes) -> None:
    """Replace the file in one step: a commit may run it at this moment. Never in place: it may have other links."""
    write_atomic(path, data, 0o777)  # less the umask, as Git makes its own samples
