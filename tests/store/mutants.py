"""Stores broken on purpose, each in one way: the race tests must catch every one, or they prove nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pygit2
from pygit2.references import References

from gitcoord.git.repo import Repo
from gitcoord.store.base import Busy, Change, Lost
from gitcoord.store.libgit import LibgitStore


class CreateUnsafe(LibgitStore):
    """Creates with ``references.create(force=False)``, which looks for the ref before it locks it."""

    def _move(self, changes: Sequence[Change], new: Mapping[str, str]) -> None:
        for change in changes:
            try:
                if change.expected is None:
                    References(self._handle()).create(change.ref, new[change.ref], force=False)
                else:
                    super()._move([change], new)
            except pygit2.AlreadyExistsError:
                raise Lost(change.ref) from None
            except (pygit2.GitError, OSError):
                raise Busy(change.ref) from None


class NoLock(LibgitStore):
    """Compares, then replaces the file, with nothing to keep others out in between."""

    def _move(self, changes: Sequence[Change], new: Mapping[str, str]) -> None:
        self._compare(changes)
        for change in changes:
            path = Path(self._common, change.ref)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{os.getpid()}.lock")
            part.write_text(new[change.ref] + "\n")
            part.replace(path)


class NoCompare(LibgitStore):
    """Takes the lock, and does not look again under it."""

    def _compare(self, changes: Sequence[Change]) -> None:
        return


class BlindForce(LibgitStore):
    """Overwrites whatever is there."""

    def _move(self, changes: Sequence[Change], new: Mapping[str, str]) -> None:
        for change in changes:
            try:
                References(self._handle()).create(change.ref, new[change.ref], force=True)
            except (pygit2.GitError, OSError):
                raise Busy(change.ref) from None


class SwallowError(LibgitStore):
    """Reports a lost race as a success."""

    def _move(self, changes: Sequence[Change], new: Mapping[str, str]) -> None:
        try:
            super()._move(changes, new)
        except Lost:
            return


class DeleteUnsafe(LibgitStore):
    """Deletes through libgit2, which writes packed-refs back as it was before it got the lock on it."""

    def swap(self, changes: Sequence[Change]) -> Mapping[str, str]:
        for change in changes:
            References(self._handle()).delete(change.ref)
        return {}


MUTANTS: dict[str, type[LibgitStore]] = {
    "create-unsafe": CreateUnsafe,
    "no-lock": NoLock,
    "no-compare": NoCompare,
    "blind-force": BlindForce,
    "swallow-error": SwallowError,
}
OTHERS: dict[str, type[LibgitStore]] = {"delete-unsafe": DeleteUnsafe}


def open_mutant(kind: str, repo: Repo) -> LibgitStore:
    return {**MUTANTS, **OTHERS}[kind](repo, durable=False)
