"""What must hold in the simulation, and who watches over it: one witness who sees every move of the hub's refs.

The witness knows the true time and everything that was acknowledged to anybody. Must not know how it came about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from gitcoord.core import codec, merge, names
from gitcoord.core.locks import LockTable
from gitcoord.core.model import Session, Task
from gitcoord.core.scope import Scope
from gitcoord.store.base import Entry
from tests.sync.sim_wire import Command, Store

SKEW = 1.25
"""How much faster than true time a clock in the simulation may run; the fence allows for 1.5."""


class Violation(AssertionError):
    """Something happened that never may."""


def require(holds: bool, message: str) -> None:
    if not holds:
        raise Violation(message)


class Witness:
    """Watches the hub. ``time`` is the true time."""

    def __init__(self, time: Callable[[], float], ttl: float) -> None:
        self._time = time
        self._ttl = ttl
        self.grants: dict[tuple[str, int], str] = {}
        """Who was granted a task or lock under which token, as the hub's history says."""
        self.nonces: set[str] = set()
        self.ended: set[str] = set()
        self.numbers: dict[str, set[int]] = {}
        self.over: set[str] = set()
        """Sessions of which somebody was told that they have ended."""
        self._beats: dict[str, float] = {}
        self._hosts: dict[str, str] = {}

    def sees(self, hub: Store, moves: Sequence[Command]) -> None:
        """Check one push that the hub just took; heartbeats last, as what is decided beside them came before."""
        for move in sorted(moves, key=lambda move: (move.ref.startswith(names.HEARTBEATS), move.ref)):
            if move.ref.startswith(names.HEARTBEATS):
                self._beat(move.ref.removeprefix(names.HEARTBEATS))
            else:
                self._chain(hub, move)

    def _beat(self, sid: str) -> None:
        self._beats[sid] = self._time()

    def _chain(self, hub: Store, move: Command) -> None:
        chain = hub.history([move.new])[move.new]
        at = next((place for place, entry in enumerate(chain) if entry.oid == move.old), len(chain))
        require(move.old is None or at < len(chain), f"{move.ref} at the hub lost what it had")
        fresh = chain[:at][::-1]
        payloads = hub.load([entry.oid for entry in chain[: at + 1]])
        before = payloads.get(move.old or "")
        for entry in fresh:
            self._step(move.ref, before, payloads[entry.oid], entry)
            before = payloads[entry.oid]

    def _step(self, ref: str, before: bytes | None, after: bytes, entry: Entry) -> None:
        link = merge.link(entry.message)
        mark = merge.nonce(link)
        require(mark not in self.nonces, f"{ref}: the event '{entry.message.splitlines()[0]}' counts twice")
        if mark is not None:
            self.nonces.add(mark)
        event = msgspec.json.decode(link.event or b"{}")
        for prefix, kind, check in (
            (names.TASKS, Task, self._task),
            (names.SESSIONS, Session, self._session),
            (names.LOCKS, LockTable, self._table),
            (names.DATA, Scope, self._scope),
        ):
            if ref.startswith(prefix):
                old = None if before is None else codec.convert(codec.decode_raw(before), kind)
                check(old, codec.convert(codec.decode_raw(after), kind), event)

    def _granted(self, what: str, token: int, sid: str) -> None:
        known = self.grants.setdefault((what, token), sid)
        require(known == sid, f"{what} has two holders under token {token}: {known} and {sid}")

    def _task(self, old: Any, new: Any, event: Mapping[str, Any]) -> None:
        before = old.token if old is not None else 0
        claimed = new.claim is not None and (old is None or new.claim != old.claim)
        require(new.token == before + claimed, f"task {new.id}: token {before} became {new.token} by {event['type']}")
        if not claimed:
            return
        require(new.claim.token == new.token, f"task {new.id}: claim and record differ in their token")
        self._granted(f"task {new.id}", new.token, new.claim.session)
        if old is not None and old.claim is not None and not event.get("force"):
            self._require_silent(old.claim.session, self._hosts.get(new.claim.session), f"task {new.id}")

    def _require_silent(self, loser: str, taker: str | None, what: str) -> None:
        """Nobody elsewhere loses what it holds whom the hub has not been missing for a TTL, by any honest clock."""
        if loser in self.ended or self._hosts.get(loser) == taker:
            return
        silent = self._time() - self._beats.get(loser, 0.0)
        require(silent >= self._ttl / SKEW, f"{what} was taken from {loser}, who was heard of {silent:.0f} s before")

    def _session(self, old: Any, new: Any, event: Mapping[str, Any]) -> None:
        require(new.state != "live" or new.id not in self.ended, f"session {new.id} came back")
        if new.state == "expired" and old is not None and old.state == "live":
            self._require_silent(new.id, new.ending.host, "a session's life")
        if new.state != "live":
            self.ended.add(new.id)
        self._hosts[new.id] = new.host

    def _table(self, old: Any, new: Any, event: Mapping[str, Any]) -> None:
        before = {lock.token for lock in old.locks} if old is not None else set()
        high = old.next_token if old is not None else 1
        require(new.next_token >= high, "the next token of the lock table fell")
        for lock in new.locks:
            require(lock.token in before or lock.token >= high, f"lock {lock.target.text} got an old token")
            self._granted("lock", lock.token, f"{lock.session} on {lock.target.text}")
        held = [lock.target.text for lock in new.locks if lock.mode == "exclusive"]
        require(len(held) == len(set(held)), f"a lock has two holders: {held}")

    def _scope(self, old: Any, new: Any, event: Mapping[str, Any]) -> None:
        before = old.version if old is not None else 0
        require(new.version == before + 1, f"scope {new.name}: version {before} became {new.version}")

    # -- what was acknowledged ----------------------------------------------------------------------------------------

    def told_granted(self, what: str, token: int, sid: str) -> None:
        """Somebody was told that it holds something, confirmed."""
        known = self.grants.get((what, token))
        require(known == sid, f"{sid} was told that it holds {what}, token {token}; at the hub that is {known}")

    def told_number(self, key: str, number: int) -> None:
        """Somebody was told a number of a counter."""
        given = self.numbers.setdefault(key, set())
        require(number not in given, f"{key} handed out {number} twice")
        given.add(number)
