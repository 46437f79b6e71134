"""The doctor: looks at everything that can go wrong and says what to do; with ``fix`` repairs what is safe.

Safe means that nothing readable is lost. A corrupt ref is moved aside, byte for byte, and the epoch of the repository
raised, so that no token given out before can be given again. Corrupt is never taken for free.
"""

from __future__ import annotations

import os

from gitcoord.coordinator import epochs
from gitcoord.coordinator.joins import Joins
from gitcoord.coordinator.setup import repository_version
from gitcoord.core import ids, names
from gitcoord.core.lease import span
from gitcoord.core.model import Meta, Session, Struct, Task
from gitcoord.core.views import Check
from gitcoord.errors import CoordError, GitFailed, NotInitialised
from gitcoord.git import binding, hooks, worktree
from gitcoord.git.repo import OFFLINE
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store import quarantine, recover
from gitcoord.store.base import BROKEN
from gitcoord.store.open import why_not_libgit
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

OLDEST_GIT = (2, 39)
_STOPPED = {
    "packed-refs.lock": "whoever packs or deletes refs",
    "config.lock": "every change of the configuration",
    "HEAD.lock": "commits and checkouts in the main worktree",
    "shallow.lock": "fetches into a shallow clone",
}
"""What a lock file of Git's own stands in the way of; any other stops all who write that ref."""

MANY_REFS = 1000
_UPGRADE = "upgrade gitcoord to work with it"


class Epoch(Struct, frozen=True, kw_only=True):
    """A record was lost: every token from now on is larger than any given before."""

    type: str = "epoch"
    at: str
    reason: str
    nonce: str = ""


class Doctor:
    """Finding and mending."""

    def __init__(self, coord: Joins) -> None:
        self.coord = coord
        self.repo = coord.repo
        self.records = coord.records
        self.store = coord.store

    def examine(self, *, fix: bool = False) -> list[Check]:
        """Everything that was checked, with what was found."""
        self.records.only_objects()
        checks = [self._git(), self._store(), self._state(fix=fix)]
        checks += self._corrupt_refs(fix=fix)
        checks += self._archive(fix=fix)
        checks += self._size()
        checks += self._locks(fix=fix)
        checks += self._hooks()
        checks += self._bindings(fix=fix)
        checks += self._sessions()
        checks += self._hub()
        return checks

    def _hub(self) -> list[Check]:
        config = self.coord.config
        if config.hub is None:
            return []
        heard = self.coord.unheard()
        last = "not heard of since this machine started" if heard == float("inf") else f"heard of {span(heard)} ago"
        if config.sync != "manual":
            message = f"{config.hub}, {last}; synced by itself at most every {span(config.sync_interval)}"
            return [Check(name="hub", status="ok", message=message)]
        message = (
            f"{config.hub}, {last}; coord.sync is manual, so nothing goes there by itself: others take whoever does "
            f"not sync for {span(self.coord.policy.ttl)} for gone"
        )
        return [Check(name="hub", status="warning", message=message, hint="git coord sync")]

    def _git(self) -> Check:
        version = repository_version(self.repo.git("version").text)
        known = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
        if known < OLDEST_GIT:
            hint = "install git 2.39 or newer"
            return Check(name="git", status="problem", message=f"git {version} is too old", hint=hint)
        return Check(name="git", status="ok", message=f"git {version}")

    def _store(self) -> Check:
        reason = why_not_libgit(self.repo)
        message = f"{self.store.kind}; libgit2 can open this repository" if reason is None else f"plumbing: {reason}"
        return Check(name="store", status="ok", message=f"{message}; durability {self.coord.config.durability}")

    def _state(self, *, fix: bool) -> Check:
        try:
            meta = self.records.get(names.META, Meta)
        except CoordError as error:
            return Check(name="state", status="problem", message=error.message, hint=error.hint)
        if meta is None and self.store.list_refs(names.TASKS):
            if fix:
                self.coord.transact(lambda: self._raise_epoch([names.META]))
                return Check(name="state", status="fixed", message=f"{names.META} was lost, and is made anew")
            hint = "git coord doctor --fix"
            return Check(name="state", status="problem", message=f"{names.META} is lost", hint=hint)
        if meta is None:
            hint = NotInitialised.hint
            return Check(name="state", status="problem", message="this repository does not use gitcoord yet", hint=hint)
        return Check(name="state", status="ok", message=f"repository {meta.record.id}, epoch {meta.record.epoch}")

    # -- refs ---------------------------------------------------------------------------------------------------------

    def _corrupt_refs(self, *, fix: bool) -> list[Check]:
        found, newer = self._unreadable()
        checks = [
            Check(name="refs", status="warning", message=f"{ref} is of a newer gitcoord, and left alone", hint=_UPGRADE)
            for ref in newer
        ]
        if not found and not newer:
            return [Check(name="refs", status="ok", message="every coordination ref can be read")]
        if fix and found and names.META not in found:
            self.coord.transact(lambda: self._raise_epoch(found))  # before anything goes: a kill may come in between
            self.records.forget()
        for ref in found:
            if not fix:
                message = f"{ref} is corrupt: what it held counts as taken until it is mended"
                checks.append(Check(name="refs", status="problem", message=message, hint="git coord doctor --fix"))
                continue
            checks.append(self._mended(ref))
        if fix and names.META in found:
            self.records.forget()
            self.coord.transact(lambda: self._raise_epoch(found))
        return checks

    def _mended(self, ref: str) -> Check:
        try:
            where = quarantine.move_aside(self.repo, ref)
        except GitFailed as error:
            return Check(name="refs", status="problem", message=error.message, hint="git coord doctor --fix")
        return Check(name="refs", status="fixed", message=f"{ref} was corrupt; what was left of it is in {where}")

    def _archive(self, *, fix: bool) -> list[Check]:
        """Whether all that was archived is there. Its pages can be made anew; no repair finds a lost object."""
        if not self.store.list_refs(names.ARCHIVE_FOLDER):
            return []
        from gitcoord.coordinator import archive

        try:
            tasks, bad_tasks = archive.every(self.records, names.TASKS, Task)
            sessions, bad_sessions = archive.every(self.records, names.SESSIONS, Session)
        except CoordError as error:
            if fix and error.code == "corrupt":
                from gitcoord.coordinator.archive_mending import mend

                message = f"{error.message}; made anew from its history: {mend(self.coord)} refs"
                return [Check(name="archive", status="fixed", message=message)]
            hint = "git coord doctor --fix" if error.code == "corrupt" else _UPGRADE
            return [Check(name="archive", status="problem", message=error.message, hint=hint)]
        bad = sorted([*bad_tasks, *bad_sessions])
        if bad:
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            message = f"{bad[0]}{more} cannot be read out of the archive, and counts as taken"
            return [Check(name="archive", status="problem", message=message, hint="git fsck")]
        message = f"{len(tasks)} finished tasks and {len(sessions)} sessions in the archive can be read"
        return [Check(name="archive", status="ok", message=message)]

    def _size(self) -> list[Check]:
        """Every ref is read by each of the user's fetches."""
        count = len(self.store.list_refs(names.ROOT))
        if count <= MANY_REFS:
            return []
        message = f"{count} live coordination refs make fetches slower"
        return [Check(name="size", status="warning", message=message, hint="git coord maintain --dry-run")]

    def _unreadable(self) -> tuple[list[str], list[str]]:
        """Refs that are corrupt, and records of a newer format. Kinds that we do not know are not ours to judge.

        Only what they point to must be there: a ref to a missing object makes the user's `git gc` fail.
        """
        oids = {ref: oid for tree in names.OURS for ref, oid in self.store.list_refs(tree).items()}
        missing = self._missing(oid for oid in oids.values() if oid != BROKEN)
        broken = {ref for ref, oid in oids.items() if oid == BROKEN or oid in missing}
        corrupt, newer = self.records.troubled(oids.keys() - broken)
        return sorted(corrupt | broken), sorted(newer)

    def _missing(self, oids: Iterable[str]) -> set[str]:
        asked = "".join(f"{oid}\n" for oid in oids).encode()
        said = self.repo.git("cat-file", "--batch-check", input=asked, env=OFFLINE).text if asked else ""
        return {line.split(" ")[0] for line in said.split("\n") if line.endswith(" missing")}

    def _raise_epoch(self, lost: list[str]) -> Plan[None]:
        reason = ", ".join(lost)
        base = self.records.get(names.META, Meta)
        if base is None and names.META not in lost:
            return Plan([], None)
        if base is not None:
            meta = msgspec.structs.replace(base.record, epoch=base.record.epoch + 1)
        else:
            repo_id = ids.repository_id(self.coord.chance.bytes(ids.SESSION_BYTES))
            meta = Meta(id=repo_id, epoch=max(2, epochs.first(self.coord)), created_at=self.coord.now())
        epochs.note(self.coord, meta.epoch)
        event = Epoch(at=self.coord.now(), reason=reason[:500])
        return Plan([self.coord.write(names.META, base, meta, event, f"epoch {meta.epoch}: lost {reason}")], None)

    def _locks(self, *, fix: bool) -> list[Check]:
        checks = []
        for lock in recover.stale_locks(self.repo.common):
            age = span(lock.age)
            if lock.recoverable and fix and recover.recover_lock(self.repo.common, lock):
                checks.append(Check(name="locks", status="fixed", message=f"{lock.path} was left behind {age} ago"))
            else:
                stopped = _STOPPED.get(os.path.basename(lock.path), "every writer")
                hint = "git coord doctor --fix" if lock.recoverable else "see whether a git process still runs"
                message = f"{lock.path} is {age} old and stops {stopped}"
                checks.append(Check(name="locks", status="warning", message=message, hint=hint))
        return checks or [Check(name="locks", status="ok", message="no lock file was left behind")]

    # -- hooks, worktrees, sessions -----------------------------------------------------------------------------------

    def _hooks(self) -> list[Check]:
        checks = []
        for item in hooks.status(self.repo):
            if item.fires:
                checks.append(Check(name="hooks", status="ok", message=f"{item.event} fires ({item.how})"))
            else:
                message = f"{item.event} does not fire: {item.why}"
                hint = item.hint or "git coord hooks install"
                checks.append(Check(name="hooks", status="warning", message=message, hint=hint))
        return checks

    def _bindings(self, *, fix: bool) -> list[Check]:
        checks = []
        sessions = self.coord.sessions_loaded()
        for item in worktree.list_worktrees(self.repo):
            sid = binding.bound_session(item.git_dir)
            place = worktree.moved_to(self.repo, item)
            if place is not None:
                checks.append(self._moved(item, place, fix=fix))
                continue
            if sid is None:
                continue
            known = sessions.get(sid)
            if not os.path.isdir(item.path):
                message = f"session {sid} is bound to a missing worktree: {item.path}"
                hint = "git worktree prune" if item.branch is None else f"git coord worktree remove '{item.path}'"
                checks.append(Check(name="worktrees", status="warning", message=message, hint=hint))
            elif known is None or known.record.state != "live":
                state = known.record.state if known else "unknown"
                if fix and binding.unbind(item.git_dir, sid):
                    message = f"{item.path} was bound to {sid}, which is {state}"
                    checks.append(Check(name="worktrees", status="fixed", message=message))
                else:
                    message = f"{item.path} is bound to {sid}, which is {state}"
                    hint = "git coord doctor --fix"
                    checks.append(Check(name="worktrees", status="warning", message=message, hint=hint))
        return checks or [Check(name="worktrees", status="ok", message="every bound worktree serves a live session")]

    def _moved(self, item: worktree.Worktree, place: str, *, fix: bool) -> Check:
        if fix:
            worktree.mend(self.repo, item)
            return Check(name="worktrees", status="fixed", message=f"{item.path} was moved to {place}: Git knows again")
        message = f"{item.path} was moved to {place}, where Git does not look for it"
        return Check(name="worktrees", status="warning", message=message, hint="git coord doctor --fix")

    def _sessions(self) -> list[Check]:
        board = self.coord.board()
        gone = [
            f"{item.record.name} ({board.verdicts[sid].why})"
            for sid, item in board.sessions.items()
            if item.record.state == "live" and not board.verdicts[sid].live
        ]
        if not gone:
            idle = [
                f"{item.record.name} ({board.verdicts[sid].why})"
                for sid, item in board.sessions.items()
                if board.verdicts[sid].shown == "idle"
            ]
            message = "every session that signed on is alive or has ended"
            return [
                Check(name="sessions", status="ok", message=", ".join([message, *(f"idle: {one}" for one in idle)]))
            ]
        message = f"no longer alive: {', '.join(gone)}; what they held is free to take"
        return [Check(name="sessions", status="warning", message=message, hint="git coord cleanup --dry-run")]
