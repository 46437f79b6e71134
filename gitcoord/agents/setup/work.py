"""One agent set up in one place: planned as a whole, then written.

Owns the order of things: every file is read and every new text made before the first one is written, so that one file
that cannot be edited stops everything. Must not know what settings look like.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from gitcoord.agents.setup import files, memory
from gitcoord.agents.setup.files import File
from gitcoord.agents.setup.jsontree import NotJson, read
from gitcoord.agents.setup.pieces import CannotEdit, Taken, is_status_line
from gitcoord.agents.setup.table import AGENTS, Plan, Target, Wish
from gitcoord.errors import Conflict, CoordError, Unsafe
from gitcoord.git.localfile import read_all

Action = Literal["create", "update", "remove", "unchanged"]
_OWN_LINE = "there is a status line already, which stays; ours is 'git coord statusline'"


class Change(msgspec.Struct, frozen=True):
    """What happens to one file; ``new`` is None where it goes, or is not there."""

    path: str
    action: Action
    file: File
    new: bytes | None


class Work(msgspec.Struct, frozen=True):
    """One agent in one place; ``notes`` say what its user should know beside the files."""

    wish: Wish
    todo: Plan
    place: memory.Place
    private: tuple[str, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        agent: str,
        root: str,
        environ: Mapping[str, str],
        *,
        remember: tuple[str, tuple[str, ...]],
        user: bool = False,
        mcp: bool = False,
        status_line: bool = True,
        private: tuple[str, ...] = (),
        removal: bool = False,
    ) -> Work:
        """The work for ``agent`` (a key of AGENTS) in the project at ``root``, or with ``user`` in that home.

        ``remember``: an existing directory and the private ones below it that keep what was there before. ``private``:
        Git directories, which nothing is ever written to. ``removal``: everything of ours is meant.
        """
        wish = Wish(root, user, mcp or removal, status_line or removal, environ)
        if removal:
            return cls(wish, AGENTS[agent](wish), memory.place(*remember, agent, root), private, ())
        notes: tuple[str, ...] = ()
        if agent == "claude" and status_line and _has_own_line(wish):
            wish = msgspec.structs.replace(wish, status_line=False)
            notes = (_OWN_LINE,)
        todo = AGENTS[agent](wish)
        return cls(wish, todo, memory.place(*remember, agent, root), private, (*notes, *todo.notes))

    def plan(self) -> list[Change]:
        """What has to be written, file by file. Raises Unsafe, Conflict and GitFailed; changes nothing."""
        return [self._put(target) for target in self.todo.targets]

    def plan_removal(self) -> list[Change]:
        """What has to be taken out again; files that have nothing of ours are not among it."""
        known = self.place.recall()
        changes = [self._drop(target, known) for target in self.todo.targets]
        return [change for change in changes if change.action != "unchanged"]

    def carry_out(self, changes: Sequence[Change]) -> None:
        """Do what was planned. Raises GitFailed; what was done until then stays done."""
        due = [change for change in changes if change.action != "unchanged"]
        known = self.place.recall()
        for change in due:
            self._remember(known, change)
        self.place.keep(known)
        for change in due:
            assert change.new is not None
            files.write(change.file, change.new)

    def carry_out_removal(self, changes: Sequence[Change]) -> None:
        """The same for a removal; directories that were made for it go when they are empty."""
        known = self.place.recall()
        made = list(known.made)
        for change in changes:
            if change.new is not None:
                files.write(change.file, change.new)
                continue
            files.delete(change.file)
            if not known.files and not self.wish.user:  # another clone's set-up; Git keeps no empty directories
                made += files.parents(change.file, self.wish.root)
        files.prune(made)
        self.place.keep(memory.Memory())

    def _put(self, target: Target) -> Change:
        file = self._look(target.path)
        text, marked = self._text(file, target)
        data = files.bytes_of(_each(file, text, [piece.put for piece in target.pieces]), marked=marked)
        action: Action = "create" if file.data is None else "unchanged" if data == file.data else "update"
        return Change(target.path, action, file, data)

    def _drop(self, target: Target, known: memory.Memory) -> Change:
        file = self._look(target.path)
        if file.data is None:
            return Change(target.path, "unchanged", file, None)
        before = known.files.get(file.real)
        if before is not None and before.fits(file.data):
            old = before.undo(file.data)
            return Change(target.path, "remove" if old is None else "update", file, old)
        text, marked = self._text(file, target)
        new = _dropped(file, target, text)
        if new == text:
            return Change(target.path, "unchanged", file, file.data)
        if new.strip() in ("", "{}") and (before.created if before is not None else _is_all_ours(file, target, text)):
            return Change(target.path, "remove", file, None)
        return Change(target.path, "update", file, files.bytes_of(new, marked=marked))

    def _look(self, path: str) -> File:
        root = self.wish.root
        if self.wish.user and not path.startswith(os.path.join(root, "")):
            root = os.path.dirname(path)  # moved there by a variable of the user's own
        return files.look(path, root, self.private)

    def _text(self, file: File, target: Target) -> tuple[str, bool]:
        text, marked = files.text_of(file, exact=target.json)
        return (text if text.strip() else _blank(target)), marked

    def _remember(self, known: memory.Memory, change: Change) -> None:
        """Note in ``known`` how to get from what ``change`` writes back to what was there before we ever wrote."""
        assert change.new is not None
        old, real = change.file.data, change.file.real
        last = known.files.get(real)
        if old is not None and last is not None and not last.fits(old):
            known.files[real] = msgspec.structs.replace(last, wrote="")  # edited since: there is no way back any more
            return
        if old is not None and last is None:
            target = next(target for target in self.todo.targets if target.path == change.path)
            if _holds_ours(change.file, target, self._text(change.file, target)[0]):
                return  # written by another clone's set-up: what was there before is not known here
        if old is not None and last is not None:
            old = last.undo(old)
        known.files[real] = memory.before(old, change.new)
        known.made += [path for path in files.missing_dirs(change.file) if path not in known.made]


def _each(file: File, text: str, steps: Sequence[Callable[[str], str]]) -> str:
    """``text`` after all steps. Raises Unsafe and Conflict, which name the file."""
    try:
        for step in steps:
            text = step(text)
    except NotJson as error:
        raise _unsafe(file, f"is not valid JSON: {error}") from None
    except CannotEdit as error:
        raise _unsafe(file, f"cannot be edited safely: {error}") from None
    except Taken as error:
        hint = "rename that entry, or leave ours out with --no-mcp"
        raise Conflict(f"{file.path}: {error}; nothing was changed", hint=hint, path=file.path) from None
    return text


def _dropped(file: File, target: Target, text: str) -> str:
    return _each(file, text, [piece.drop for piece in reversed(target.pieces)])


def _holds_ours(file: File, target: Target, text: str) -> bool:
    try:
        return _dropped(file, target, text) != text
    except CoordError:
        return True  # so entangled that it cannot be taken out


def _is_all_ours(file: File, target: Target, text: str) -> bool:
    """Whether the file is what we write where there was none, so that nobody else can have made it."""
    there = [piece.put for piece in target.pieces if _each(file, text, [piece.put]) == text]
    return _each(file, _blank(target), there) == text


def _has_own_line(wish: Wish) -> bool:
    """Whether there is another status line: in the file that we would write, or in one that it would override."""
    home = wish.environ.get("CLAUDE_CONFIG_DIR") or os.path.join(wish.environ.get("HOME", "/"), ".claude")
    names = [os.path.join(home, "settings.json")]
    if not wish.user:
        names += [os.path.join(wish.root, ".claude", name) for name in ("settings.json", "settings.local.json")]
    for name in names:
        try:
            line = read((read_all(os.path.realpath(name)) or b"{}").decode("utf-8-sig")).get("statusLine")
        except (NotJson, UnicodeDecodeError):
            continue  # if it is the one that we edit, that is said then
        if line is not None and not is_status_line(line.value):
            return True
    return False


def _blank(target: Target) -> str:
    return "{}\n" if target.json else ""


def _unsafe(file: File, why: str) -> CoordError:
    return Unsafe(f"{file.path} {why}; nothing was changed", hint="correct it, then run this again", path=file.path)
