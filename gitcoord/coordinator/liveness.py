"""Liveness and heartbeats: gathering evidence about sessions, expiring the dead, and saying that we are alive.

The verdict itself is ``core.lease.judge``. An expiry is a swap that also verifies that the heartbeat ref has not moved,
so a heartbeat and an expiry can never both succeed. A hub compares only what a push moves: with one, an expiry moves
the heartbeat, too.
"""

from __future__ import annotations

import os

from gitcoord.coordinator import observed
from gitcoord.coordinator.base import Base
from gitcoord.coordinator.records import Loaded
from gitcoord.core import ids, lease, names
from gitcoord.core import session as rules
from gitcoord.core.codec import encode
from gitcoord.core.lease import Evidence, Verdict
from gitcoord.core.model import Beat, Boot, Ending, LastBeat, Session
from gitcoord.errors import CoordError
from gitcoord.git import beatfile, host, hubnote
from gitcoord.lean import msgspec
from gitcoord.store.base import Blob, Busy, Change, Lost


class Liveness(Base):
    """Who is alive, and how we know."""

    # -- judging others -------------------------------------------------------------------------------------------

    def verdict(self, session: Loaded[Session]) -> Verdict:
        """The verdict on a session; reads its heartbeat if that is not in view yet."""
        return lease.judge(session.record, self._evidence(session), self.policy)

    def _evidence(self, session: Loaded[Session]) -> Evidence:
        now = self.boot()
        record = session.record
        if record.state != "live":
            return Evidence(since_ending=self._since_ending(session, now))
        beat = self._beat_of(record.id)
        age = age_of(beat.record, now) if beat is not None else None
        oid = beat.oid if beat is not None else ""
        silence = 0.0
        if age is None:
            silence = self.seen_for(record.id, oid)
        same_host = record.host == self.host
        if not same_host:
            silence = max(0.0, silence - self.unheard())
        process = record.process
        verdict = (
            host.process_verdict(process.pid, process.start, process.ns, record.boot_id)
            if process is not None and same_host
            else "unknown"
        )
        rebooted = same_host and record.boot_id is not None and now is not None and record.boot_id != now.id
        return Evidence(age=age, silence=silence, process=verdict, rebooted=rebooted)

    def _beat_of(self, sid: str) -> Loaded[Beat] | None:
        """A session's heartbeat; one that cannot be read counts as none, which only ever delays an expiry."""
        try:
            return self.records.get(names.heartbeat_ref(sid), Beat)
        except CoordError:
            return None

    def _since_ending(self, session: Loaded[Session], now: Boot | None) -> float:
        """How long ago the session ended, as far as our own clock can tell; 0 where it cannot."""
        ending = session.record.ending
        if ending is None or ending.how != "observed":
            return 0.0
        if ending.boot is not None and now is not None and ending.boot.id == now.id and ending.boot.at <= now.at:
            return now.at - ending.boot.at
        return self.seen_for(f"{session.record.id}.end", session.oid)

    def seen_for(self, name: str, value: str) -> float:
        """Seconds on our own clock that this clone has seen ``name`` at ``value``; 0 when that is news."""
        return observed.unchanged_for(os.path.join(self.repo.coord_dir, "observed"), name, value, self.running())

    def expiry(self, session: Loaded[Session], verdict: Verdict, by: str | None) -> list[Change]:
        """The changes that expire a session found dead or stale; they fail if it beats meanwhile."""
        ending = Ending(
            how="dead" if verdict.proven else "observed",
            by=by,
            silent=None if verdict.silent is None else round(verdict.silent, 1),
            boot=self.boot(),
            host=self.host,
            reason=verdict.why,
        )
        event = rules.Expire(at=self.now(), session=session.record.id, ending=ending)
        record = rules.step(session.record, event)
        return [
            self.write(session.ref, session, record, event, f"expire {session.record.name}: {verdict.why}"),
            self._last_beat(session.record.id),
        ]

    def _last_beat(self, sid: str) -> Change:
        """The heartbeat must be what it was when its session was found silent, also where a push decides."""
        ref = names.heartbeat_ref(sid)
        beat = self.records.get(ref, Beat)
        if self.config.hub is None:
            return Change(ref, beat.oid if beat else None, None)
        last = LastBeat(**msgspec.structs.asdict(self._beat()), nonce=ids.nonce(self.chance.bytes(ids.NONCE_BYTES)))
        return Change(ref, beat.oid if beat else None, Blob(encode(last)))

    def expiry_if_dead(self, session: Loaded[Session] | None, verdict: Verdict | None, by: str | None) -> list[Change]:
        """The same for a session whose death a decision was founded on; nothing for one that lives or has ended.

        Nor for the one that acts: however silent it was, here it is. Nor, unless the hub is going to judge it, for one
        elsewhere: it may have been heard of there, and what is written down here counts in every later decision.
        """
        if session is None or verdict is None or verdict.live or session.record.state != "live":
            return []
        if session.record.id == by or (not self.asking and self.config.hub and session.record.host != self.host):
            return []
        return self.expiry(session, verdict, by)

    # -- saying that we live --------------------------------------------------------------------------------------

    def beat_age(self, sid: str) -> float | None:
        """Seconds since the session's last heartbeat, where this machine's clock can tell."""
        beat = self._beat_of(sid)
        return None if beat is None else age_of(beat.record, self.boot())

    def beat_change(self, session: Loaded[Session], *, if_older: float | None = None) -> list[Change]:
        """The change that refreshes a session's heartbeat, or nothing while the last one is young enough."""
        ref = names.heartbeat_ref(session.record.id)
        beat = self.records.get(ref, Beat)
        age = age_of(beat.record, self.boot()) if beat is not None else None
        if age is not None and age < (self.policy.interval if if_older is None else if_older):
            return []
        fresh = self._beat()
        if beat is not None and beat.record == fresh:
            return []
        return [Change(ref, beat.oid if beat else None, Blob(encode(fresh)))]

    def first_beat(self, sid: str) -> Change:
        """The heartbeat of a session that is just starting."""
        return Change(names.heartbeat_ref(sid), None, Blob(encode(self._beat())))

    def _beat(self) -> Beat:
        bucket = self.policy.bucket
        boot = self.boot()
        return Beat(
            utc=int(self.clock.now()) // bucket * bucket,
            boot=boot.id if boot else None,
            up=int(boot.at) // bucket * bucket if boot else None,
        )

    def note_beat(self, session: Loaded[Session]) -> None:
        """Tell the Git hooks when this session last beat, so that they need not ask Git. Best effort."""
        self.note_hub()
        try:
            beatfile.write(
                self.repo.common,
                session.record.id,
                beatfile.BeatFile(
                    record=session.oid,
                    interval=max(1, int(self.policy.interval)),
                    bucket=self.policy.bucket,
                    boot=self.clock.boot(),
                    up=int(self.clock.up()),
                    utc=int(self.clock.now()),
                ),
            )
        except CoordError:
            pass  # read-only .git: the hooks find out by themselves

    def note_hub(self) -> None:
        """Tell the Git hooks whether there is a hub, and how often they may start a sync. Best effort."""
        config = self.config
        interval = None if config.sync == "manual" else config.sync_interval
        hubnote.agree(self.repo.common, hub=config.hub is not None, interval=interval)

    def touch(self, session: Loaded[Session], *, if_older: float | None = None) -> bool:
        """Refresh a session's heartbeat if it is due. Never fails: True when one was written."""
        try:
            change = self.beat_change(session, if_older=if_older)
            if not change:
                return False
            self.store.swap([*self.verify(session), *change])
        except (CoordError, Lost, Busy):
            return False  # another process of the same session beat, or it was expired: the next command says so
        self.note_beat(session)
        return True


def age_of(beat: Beat, now: Boot | None) -> float | None:
    """Seconds since a beat written on this very boot, else None. One from the future is no evidence at all."""
    if now is None or beat.boot != now.id or beat.up is None:
        return None
    age = now.at - beat.up
    return max(0.0, age) if age > -60 else None
