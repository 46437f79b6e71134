"""Lock verbs: lock, unlock, locks, check. Loaded when first used (``commons``); granting itself is in ``granting``."""

from __future__ import annotations

from gitcoord.coordinator import sight as seeing
from gitcoord.coordinator.granting import Granting, Taken, Wish
from gitcoord.coordinator.sight import Sight
from gitcoord.coordinator.tasks import Tasks
from gitcoord.coordinator.turns import in_turn
from gitcoord.core import lock_events as on
from gitcoord.core import locking, locks, names
from gitcoord.core.lock_events import LockEvent, Target
from gitcoord.core.model import Session, Struct
from gitcoord.core.pattern import is_pattern
from gitcoord.core.views import Guarantee, LockView, Notice
from gitcoord.errors import Held, NotHolder, Usage
from gitcoord.git import changes
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitcoord.coordinator.sessions import Sessions


class Locked(Struct, frozen=True, kw_only=True):
    """Granted locks, those held before included; ``token``: the highest of theirs."""

    locks: tuple[LockView, ...]
    token: int
    guarantee: Guarantee
    changed: bool
    """False when all of it was held already and nothing was written."""
    notices: tuple[Notice, ...] = ()


class HeldPath(Struct, frozen=True, kw_only=True):
    """A path and somebody else's lock that covers it."""

    path: str
    lock: LockView


class Checked(Struct, frozen=True, kw_only=True):
    """Paths that are free, or mine."""

    paths: tuple[str, ...]
    free: bool = True


class Locks:
    """The verbs, over a Coordinator."""

    def __init__(self, coord: Sessions) -> None:
        self.coord = coord

    def lock(self, wish: Wish, *, wait: float | None = None) -> Locked:
        """Take everything in ``wish`` or nothing, waiting up to ``wait`` seconds for its turn."""
        granting = Granting(self.coord)
        if wait:
            from gitcoord.coordinator.queueing import Queueing

            return self._granted(Queueing(self.coord).wait(wish, wait))
        self.coord.begin(*self.coord.my_refs(), names.LOCKS)

        def decide() -> Plan[Taken]:
            taken = granting.take(self.coord.me(), wish)
            return Plan(taken.changes, taken)

        return self._granted(in_turn(self.coord, decide, "locks", exclusive=True))

    def _granted(self, taken: Taken) -> Locked:
        for name in taken.gone:
            self.coord.notice("taken-over", f"taken from {name}, which no longer holds it")
        return Locked(
            locks=taken.locks,
            token=max(lock.token for lock in taken.locks),
            guarantee=self.coord.guarantee,
            changed=taken.changed,
            notices=tuple(self.coord.notices),
        )

    def unlock(self, wanted: Sequence[str], *, path: bool = False, all: bool = False) -> list[LockView]:  # noqa: A002
        """Give locks back: those named, all of mine, or my only one; what was given back."""
        if wanted and all:
            raise Usage("name locks or say --all, and not both", hint="git coord unlock --all")
        self.coord.begin(*self.coord.my_refs(), names.LOCKS)

        def decide() -> Plan[list[LockView]]:
            me = self.coord.me()
            seen = seeing.look(self.coord, me)
            event: LockEvent
            if all:
                event = on.ReleaseAll(at=self.coord.now(), session=me.record.id)
            else:
                chosen = tuple(self._mine(seen, me.record, wanted, path=path))
                event = on.Release(at=self.coord.now(), session=me.record.id, targets=chosen)
            after = locking.step(seen.table, event, seen.facts)
            gone = locks.displaced(seen.table, after)
            if after is seen.table:
                return Plan([], [])
            subject = f"unlock {', '.join(lock.target.text for lock in gone)} by {me.record.name}"
            change = self.coord.write(names.LOCKS, seen.base, after, event, subject)
            together = Tasks.changes(change, self.coord.verify(me), self.coord.beat_change(me))
            return Plan(together, seeing.views(self.coord, seen, gone))

        return in_turn(self.coord, decide, "locks")

    def _mine(self, seen: Sight, me: Session, wanted: Sequence[str], *, path: bool) -> Iterable[Target]:
        """What is meant by ``wanted``: what I hold under that text, be it a name or a pattern; my only lock if none."""
        held = [lock.target for lock in seen.table.locks if lock.session == me.id]
        if not wanted:
            if len(held) == 1:
                return held
            if not held:
                raise NotHolder(f"{me.name} holds no lock", hint="git coord locks")
            several = ", ".join(target.text for target in held)
            raise Usage(f"you hold several locks: {several}", hint="say which, or --all")
        return [
            next((target for target in held if target.text == text and (target.path is not None or not path)), None)
            or on.target(text, path=path or is_pattern(text))
            for text in wanted
        ]

    def locks(self) -> list[LockView]:
        """Every lock, oldest first; those that are no longer in force are free to take."""
        self.coord.begin(*self.coord.my_refs(), names.LOCKS)
        return seeing.views(self.coord, seeing.look(self.coord, self.coord.find_me()))

    def check(self, paths: Sequence[str], *, staged: bool = False) -> Checked:
        """Whether others' locks cover any of ``paths`` (relative to the top). Raises Held, which lists them."""
        if not paths and not staged:
            raise Usage("name paths, or say --staged", hint="git coord check src/main.c")
        self.coord.begin(*self.coord.my_refs(), names.LOCKS)
        asked = tuple(dict.fromkeys([*paths, *(changes.staged(self.coord.repo) if staged else ())]))
        found = self.covering(asked)
        if not found:
            return Checked(paths=asked)
        first = found[0].lock
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise Held(
            f"{found[0].path} is locked by {seeing.described(first)}{more}",
            hint="see who holds what with 'git coord locks'",
            holder=first.session,
            holder_name=first.session_name,
            token=first.token,
            since=first.since,
            heartbeat_age=None,
            paths=found,
        )

    def covering(self, paths: Iterable[str]) -> list[HeldPath]:
        """The paths that others' locks in force cover, each with its lock."""
        me = self.coord.find_me()
        seen = seeing.look(self.coord, me if me is not None and me.record.state == "live" else None)
        found = locks.covering(seen.table, paths, me.record.id if me else None, seen.facts)
        view = {lock.token: seeing.views(self.coord, seen, [lock])[0] for _path, lock in found}
        return [HeldPath(path=path, lock=view[lock.token]) for path, lock in found]
