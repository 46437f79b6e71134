"""One push that decides, and what the hub made of it: taken, lost to somebody else, refused, or not known.

Owns the telling apart. Must not know records, nor where the local refs stand.
"""

from __future__ import annotations

from gitcoord.errors import Conflict, HubRefused, HubUnreachable, UnknownOutcome
from gitcoord.git import remote as git
from gitcoord.git.remote import LostContact, NotAtomic, Remote, Update
from gitcoord.git.remote_report import Verdict, limited
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, Protocol
from gitcoord.store.base import Lost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

IN_VAIN = 4
"""Such pushes before it is believed to be the host: two that meet at one lock file also come away with nothing."""


class Line(Protocol):
    """What there is of a connection to the hub besides the push itself."""

    @property
    def repo(self) -> Repo: ...
    @property
    def remote(self) -> Remote: ...
    @property
    def durable(self) -> bool: ...
    @property
    def fresh(self) -> bool:
        """Whether the hub was heard of since this command began."""

    def catch_up(self) -> None:
        """Fetch and merge. Raises HubUnreachable, HubRefused."""

    def merge(self) -> Sequence[str]:
        """Merge what is known of the hub already; the refs that cannot be merged because they cannot be read."""

    def has(self, tip: str | None, oid: str) -> bool:
        """Whether ``oid`` is ``tip`` or in its chain."""

    def ask(self, refs: Sequence[str]) -> bool:
        """Find out about the holders from whom ``refs`` were taken by this clone alone; whether there were any."""

    def behind(self, ref: str) -> bool:
        """Whether a blob that is known of the hub is to replace the one here, and was not merged yet."""

    def doubt(self, moves: Mapping[str, str]) -> None:
        """Remember moves of unknown outcome."""


class Decider:
    """The pushes of one decision, tried until it is taken.

    ``beside``: branches that move together with every one, or not at all. ``known``: what refs here are at, by which it
    is seen whether the hub has moved.
    """

    def __init__(
        self, line: Line, beside: Sequence[Update], known: Callable[[Sequence[str]], Mapping[str, str | None]]
    ) -> None:
        self._line = line
        self._beside = beside
        self._known = known
        self._in_vain = 0
        """Pushes in a row that were refused as if others had been first, when nobody was."""

    def push(self, goal: Mapping[str, str], seen: Mapping[str, str | None], deciding: Sequence[str]) -> None:
        """Move the hub's refs to ``goal``, from where they were ``seen``; ``deciding``: those on which it turns.

        Raises Lost, HubRefused, HubUnreachable, Conflict, UnknownOutcome.
        """
        try:
            try:
                self._judge(self._sent(goal, seen), goal, seen)
            except NotAtomic:
                self._one_by_one(goal, seen, deciding)
        except LostContact as lost:
            self._find_out(lost, goal, seen, deciding)

    def _sent(self, goal: Mapping[str, str], seen: Mapping[str, str | None]) -> dict[str, Verdict]:
        there = self._line.remote.there
        updates = [Update(there(ref), oid, seen[ref]) for ref, oid in goal.items()]
        verdicts = git.push(
            self._line.repo,
            self._line.remote,
            [*updates, *self._beside],
            atomic=len(updates) + len(self._beside) > 1,
            hooks=bool(self._beside),
        )
        for item in self._beside:
            self._require_moved(item, verdicts[item.ref])
        return {ref: verdicts[there(ref)] for ref in goal}

    def _require_moved(self, item: Update, verdict: Verdict) -> None:
        """Raises Conflict, HubRefused where a branch did not move for a reason of its own."""
        if verdict.state == "stale":
            raise Conflict(
                f"{item.ref} at {self._line.remote.shown} has commits that yours does not: {verdict.reason}",
                hint="git fetch, bring your branch up to date, then run the same command again",
                ref=item.ref,
            )
        if verdict.state == "refused":
            raise HubRefused(f"{self._line.remote.shown} does not take {item.ref}: {verdict.reason}", ref=item.ref)

    def _one_by_one(self, goal: Mapping[str, str], seen: Mapping[str, str | None], deciding: Sequence[str]) -> None:
        """Without atomic push: what only goes along first, then the one ref that decides. Raises NotAtomic for more."""
        if len(deciding) > 1 or self._beside:
            raise NotAtomic(f"{self._line.remote.shown} cannot move several refs at once, which this needs")
        # What goes along is compared a moment before what decides: a heartbeat in between does not stop an expiry.
        for ref in sorted(goal, key=lambda ref: ref in deciding):
            self._judge(self._sent({ref: goal[ref]}, seen), {ref: goal[ref]}, seen)

    def _judge(self, verdicts: Mapping[str, Verdict], goal: Mapping[str, str], seen: Mapping[str, str | None]) -> None:
        """Returns when all of it moved. Raises Lost (after having caught up) or HubRefused."""
        refused = [ref for ref in goal if verdicts[ref].state == "refused"]
        if refused:
            raise self._refusal(refused[0], verdicts[refused[0]].reason)
        stale = [ref for ref in goal if verdicts[ref].state == "stale"]
        lost = stale or [ref for ref in goal if verdicts[ref].state == "beside"]
        if lost:
            self._line.catch_up()
            self._require_race(lost[0], verdicts[lost[0]].reason, [*goal], seen)
            raise Lost(lost[0])

    def _require_race(self, ref: str, reason: str, goal: Sequence[str], seen: Mapping[str, str | None]) -> None:
        """Raises HubRefused when it is in vain to try again: a host that cannot write, or does not want to, may say
        the same as one where others were first ("atomic transaction failed", of every ref). Then nothing has moved.
        """
        now = self._known([self._line.remote.tracked(ref) for ref in goal])
        moved = any(now[self._line.remote.tracked(ref)] != seen[ref] for ref in goal)
        self._in_vain = 0 if moved else self._in_vain + 1
        if self._in_vain >= IN_VAIN:
            raise self._refusal(ref, f"{reason}, although nobody else has changed it")

    def _refusal(self, ref: str, reason: str) -> HubRefused:
        return HubRefused(
            f"{self._line.remote.shown} does not take {ref}: {reason}",
            hint=(
                "nothing was granted; it limits how often one may push, so try again in a minute"
                if limited(reason)
                else "see what it allows with 'git coord hub probe'"
            ),
            remote=self._line.remote.shown,
        )

    def _find_out(
        self, lost: LostContact, goal: Mapping[str, str], seen: Mapping[str, str | None], deciding: Sequence[str]
    ) -> None:
        """The answer did not come: look what the hub has. Returns when it moved; else nobody knows, as it may yet."""
        there = self._line.remote.there
        try:
            now = git.ls_remote(self._line.repo, self._line.remote, [there(ref) for ref in goal])
        except HubUnreachable:
            now = None
        if now is not None and all(now.get(there(ref)) == oid for ref, oid in goal.items()):
            return
        self._line.doubt({ref: goal[ref] for ref in deciding or goal})
        if now is not None and any(now.get(there(ref)) != seen[ref] for ref in deciding):
            self._line.catch_up()  # others moved it: if ours came first, it is in their chain
            raise Lost(deciding[0])
        raise UnknownOutcome(
            f"{self._line.remote.shown} took the change without an answer: whether it counts is not known yet ({lost})",
            hint="git coord sync",
        )
