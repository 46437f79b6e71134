"""Who counts as live: the verdict on a session from evidence that the caller gathered.

The rules (DESIGN, "Leases, liveness and fencing"):

* Liveness belongs to the session. Its heartbeat is evidence of life; silence for a TTL makes it *stale*, and a stale
  session's claims are free to take. Silence is counted on a clock of ours that keeps running in suspend, never on
  somebody's wall clock.
* A process proven gone, or a reboot under a pid-bound session, is death: no TTL, no delay.
* Where death is not proven, the next grant waits out the lock delay after the TTL, so that what the former holder had
  under way has landed.

Must not know refs, files, clocks or processes.
"""

from __future__ import annotations

from gitcoord.core.model import Beat, Boot, Ending, Hold, Session, Struct
from gitcoord.core.times import rfc3339
from gitcoord.core.views import Shown
from gitcoord.errors import Usage
from gitcoord.lean import Literal


class Policy(Struct, frozen=True, kw_only=True):
    """The durations that decide, in seconds."""

    heartbeat: float = 300.0
    idle: float = 600.0
    ttl: float = 1800.0
    lock_delay: float = 60.0
    cleanup: float = 86400.0

    @property
    def interval(self) -> float:
        """Seconds between heartbeats: never more than a third of the TTL, so that one missed beat harms nobody."""
        return min(self.heartbeat, self.ttl / 3)

    @property
    def bucket(self) -> int:
        """Width of a heartbeat's time bucket in whole seconds: a tenth of the interval, 1 to 10."""
        return max(1, min(10, int(self.interval // 10)))


FENCE = 2 / 3
"""The part of the TTL after which a holder that the hub has not heard of counts itself as unconfirmed.

Its clock may run up to half as fast again as that of whoever takes it for gone, and it still stops first.
"""

_BOUNDS = {
    "heartbeat": (1.0, 3600.0),
    "idle": (1.0, 7 * 86400.0),
    "ttl": (2.0, 30 * 86400.0),
    "lock_delay": (0.0, 3600.0),
    "cleanup": (60.0, 365 * 86400.0),
}


def checked(policy: Policy) -> Policy:
    """``policy`` itself, or Usage naming the absurd value: a TTL of a millisecond would hand out everybody's work."""
    for name, (low, high) in _BOUNDS.items():
        value = getattr(policy, name)
        if not low <= value <= high:
            key = "coord." + {"lock_delay": "lockDelay"}.get(name, name)
            raise Usage(
                f"{key} is {value:g} s; it must lie between {low:g} s and {high:g} s",
                hint=f"git config {key} {getattr(Policy(), name):g}s",
            )
    return policy


class Evidence(Struct, frozen=True, kw_only=True):
    """What one observer knows about one session's life, in seconds of the observer's running clock.

    ``age``: age of the heartbeat where it can be told directly (same boot). ``silence``: how long this observer has
    seen the heartbeat ref not change. ``since_ending``: how long ago the session's record
    came to its end, as far as we saw.
    """

    age: float | None = None
    silence: float = 0.0
    process: Literal["alive", "dead", "unknown"] = "unknown"
    rebooted: bool = False
    since_ending: float = 0.0


class Verdict(Struct, frozen=True, kw_only=True):
    """``live``: its claims and locks are in force. ``proven``: death is certain. ``wait``: seconds before a grant."""

    shown: Shown
    live: bool
    proven: bool = False
    silent: float | None = None
    wait: float = 0.0
    why: str


def judge(session: Session, evidence: Evidence, policy: Policy) -> Verdict:
    """The verdict on ``session``."""
    silent = evidence.silence if evidence.age is None else evidence.age
    if session.state == "ended":
        return Verdict(shown="ended", live=False, proven=True, silent=silent, why="it ended")
    if session.state == "expired":
        wait = delay_left(session.ending, evidence.since_ending, policy)
        return Verdict(shown="expired", live=False, silent=silent, wait=wait, why=_ended_why(session.ending))
    if session.process is not None and evidence.process == "dead":
        why = f"its process {session.process.pid} is gone"
        return Verdict(shown="stale", live=False, proven=True, silent=silent, why=why)
    if session.process is not None and evidence.rebooted:
        return Verdict(shown="stale", live=False, proven=True, silent=silent, why="its machine was started anew")
    seen = "no heartbeat for" if evidence.age is not None else "no new heartbeat seen for"
    if silent >= policy.ttl:
        wait = max(0.0, policy.ttl + policy.lock_delay - silent)
        return Verdict(shown="stale", live=False, silent=silent, wait=wait, why=f"{seen} {span(silent)}")
    if silent >= policy.idle:
        return Verdict(shown="idle", live=True, silent=silent, why=f"{seen} {span(silent)}")
    known = f"last heartbeat {span(silent)} ago" if evidence.age is not None else "its heartbeat was seen to change"
    return Verdict(shown="active", live=True, silent=silent, why=known)


def _ended_why(ending: Ending | None) -> str:
    if ending is None or ending.silent is None:
        return "it was expired"
    if ending.how == "dead":
        return "it was expired: its process was gone"
    return f"it was expired after {span(ending.silent)} without a heartbeat"


def delay_left(ending: Ending | None, since: float, policy: Policy) -> float:
    """Seconds of the lock delay still to pass after an expiry; 0 after an end or a proven death.

    Counted from the moment the lease ran out, so a session silent for far longer than its TTL delays nobody.
    """
    if ending is None or ending.how != "observed":
        return 0.0
    return max(0.0, policy.ttl + policy.lock_delay - (ending.silent or 0.0) - since)


def hold_left(hold: Hold | None, now: Boot | None, seen: float) -> float:
    """Seconds until the next grant of a task after a forced take-over.

    ``now`` is our running clock; ``seen`` how long we have known the record, used where the clocks cannot be compared.
    """
    if hold is None:
        return 0.0
    if hold.boot is not None and now is not None and hold.boot.id == now.id and now.at >= hold.boot.at:
        return max(0.0, hold.seconds - (now.at - hold.boot.at))
    return max(0.0, hold.seconds - seen)


def last_activity(session: Session, beat: Beat | None) -> str | None:
    """When the session last beat, by its own wall clock, for people; beats are coarse, so never before it started."""
    if beat is None or not 0 <= beat.utc < 1 << 36:  # the year 4147: later ones cannot be written as a date
        return None
    return max(rfc3339(beat.utc), session.started_at)


def span(seconds: float) -> str:
    """A duration for people: ``45 s``, ``12 min``, ``3 h``, ``2 d``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} d"
