"""``HubStore``: the same refs and the same swap, decided by the hub. A swap is one push with exact leases.

Reads are local: the local refs contain what the hub was last seen to have. A swap pushes first and moves local refs
only after the hub said yes; the expected value there is what was last seen of it. When the hub refuses, it is fetched
and merged, and the swap is ``Lost``: the loop decides again. What was only to be verified goes along where the hub does
not have it yet, so that others can name whoever was granted something. Must not know records.
"""

from __future__ import annotations

from gitcoord.errors import Conflict, CoordError, Corrupt, GitFailed, HubRefused, HubUnreachable, UnknownOutcome
from gitcoord.git import remote as git
from gitcoord.git.remote import LostContact, NotAtomic, Remote, Update
from gitcoord.git.remote_report import Verdict, limited
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, Protocol
from gitcoord.store.base import Blob, Busy, Change, Commit, Entry, Existing, Lost, RefStore, Snapshot
from gitcoord.store.checks import ordered
from gitcoord.store.deposit import deposit
from gitcoord.store.objects import Obj, build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


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


class HubStore:
    """The refs of one clone, decided by its hub.

    ``mate`` says of a ref that is only verified which other one is to go along with it, or None where it is somebody
    else's: a push does not compare what it does not move, so then the hub is asked first. ``beside``: branches that
    move together with every swap, or not at all.
    """

    kind = "hub"

    def __init__(
        self, local: RefStore, line: Line, mate: Callable[[str], str | None], beside: Sequence[Update] = ()
    ) -> None:
        self._local = local
        self._line = line
        self._mate = mate
        self._beside = beside
        self._in_vain = 0
        """Pushes in a row that were refused as if others had been first, when nobody was."""

    # -- reading is local ---------------------------------------------------------------------------------------------

    def read(self, refs: Sequence[str]) -> dict[str, Snapshot | None]:
        return self._local.read(refs)

    def list_refs(self, prefix: str) -> dict[str, str]:
        return self._local.list_refs(prefix)

    def load(self, oids: Iterable[str]) -> dict[str, bytes]:
        return self._local.load(oids)

    def files(self, oid: str, paths: Sequence[str]) -> dict[str, bytes]:
        return self._local.files(oid, paths)

    def history(self, oids: Iterable[str], limit: int | None = None) -> dict[str, list[Entry]]:
        return self._local.history(oids, limit)

    def close(self) -> None:
        self._local.close()

    # -- deciding is the hub's ----------------------------------------------------------------------------------------

    def swap(self, changes: Sequence[Change]) -> Mapping[str, str]:
        """As in the protocol. Raises HubUnreachable, HubRefused (nothing was granted), UnknownOutcome."""
        changes = ordered(changes)
        objects, new = self._made(changes)
        if not new:
            return {}
        verified = {change.ref: self._mate(change.ref) for change in changes if change.new is None}
        if None in verified.values() and not self._line.fresh:
            self._line.catch_up()
        refs = list(dict.fromkeys([*(change.ref for change in changes), *filter(None, verified.values())]))
        tracked = self._line.remote.tracked
        now = self._oids([*refs, *(tracked(ref) for ref in refs)])
        for change in changes:
            if now[change.ref] != change.expected:
                raise Lost(change.ref)
        seen = {ref: now[tracked(ref)] for ref in refs}
        self._require_descent(changes, new, seen)
        self._require_newer(changes, now, seen)
        ahead = [ref for ref in refs if seen[ref] is not None and now[ref] != seen[ref]]
        if ahead and self._line.ask(ahead):
            raise Lost(ahead[0])
        deposit(self._line.repo, objects, durable=self._line.durable)
        goal = {**{ref: oid for ref in refs if (oid := now[ref]) is not None and seen[ref] != oid}, **new}
        self._push(goal, seen, [change.ref for change in changes if isinstance(change.new, Commit | Existing)])
        self._follow(changes, goal, seen, new)
        return new

    def _made(self, changes: Sequence[Change]) -> tuple[list[Obj], dict[str, str]]:
        """The objects of a swap, and where each ref goes that moves."""
        objects: list[Obj] = []
        new: dict[str, str] = {}
        for change in changes:
            if isinstance(change.new, Commit | Blob):
                made = build(change.new, change.expected, self._line.repo.object_format)
                objects += made
                new[change.ref] = made[-1].oid
            elif isinstance(change.new, Existing):
                new[change.ref] = change.new.oid
            elif change.new is not None:
                raise ValueError(f"{change.ref}: nothing is deleted at a hub")
        return objects, new

    def _oids(self, refs: Sequence[str]) -> dict[str, str | None]:
        return {ref: None if found is None else found.oid for ref, found in self._local.read(refs).items()}

    def _require_descent(
        self, changes: Sequence[Change], new: Mapping[str, str], seen: Mapping[str, str | None]
    ) -> None:
        """A value may replace the hub's only if it was decided on top of it. Raises Lost (after a merge), Corrupt.

        That goes for what is only verified and goes along, too: a process killed between fetch and merge leaves it old.
        """
        for change in changes:
            known = seen[change.ref]
            goes = isinstance(change.new, Commit) or (change.new is None and self._mate(change.ref) is not None)
            if known is None or known == change.expected or not goes:
                continue
            if change.expected is None or not self._line.has(change.expected, known):
                if change.ref in self._line.merge():
                    raise Corrupt(f"{change.ref} cannot be read at {self._line.remote.name}; nothing was granted")
                raise Lost(change.ref)

    def _require_newer(
        self, changes: Sequence[Change], now: Mapping[str, str | None], seen: Mapping[str, str | None]
    ) -> None:
        """The same for blobs, which have no history: those that move, and those that go along. Raises Lost.

        Where one of the hub's was fetched and not merged, ours would otherwise replace what nobody here has seen.
        """
        chained = {change.ref for change in changes if not isinstance(change.new, Blob)}
        for ref, known in seen.items():
            if ref not in chained and known is not None and known != now[ref] and self._line.behind(ref):
                self._line.merge()
                raise Lost(ref)

    def _push(self, goal: Mapping[str, str], seen: Mapping[str, str | None], deciding: Sequence[str]) -> None:
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
                f"{item.ref} at {self._line.remote.name} has commits that yours does not: {verdict.reason}",
                hint="git fetch, bring your branch up to date, then run the same command again",
                ref=item.ref,
            )
        if verdict.state == "refused":
            raise HubRefused(f"{self._line.remote.name} does not take {item.ref}: {verdict.reason}", ref=item.ref)

    def _one_by_one(self, goal: Mapping[str, str], seen: Mapping[str, str | None], deciding: Sequence[str]) -> None:
        """Without atomic push: what only goes along first, then the one ref that decides. Raises NotAtomic for more."""
        if len(deciding) > 1 or self._beside:
            raise NotAtomic(f"{self._line.remote.name} cannot move several refs at once, which this needs")
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
        now = self._oids([self._line.remote.tracked(ref) for ref in goal])
        moved = any(now[self._line.remote.tracked(ref)] != seen[ref] for ref in goal)
        self._in_vain = 0 if moved else self._in_vain + 1
        if self._in_vain >= IN_VAIN:
            raise self._refusal(ref, f"{reason}, although nobody else has changed it")

    def _refusal(self, ref: str, reason: str) -> HubRefused:
        return HubRefused(
            f"{self._line.remote.name} does not take {ref}: {reason}",
            hint=(
                "nothing was granted; it limits how often one may push, so try again in a minute"
                if limited(reason)
                else "see what it allows with 'git coord hub probe'"
            ),
            remote=self._line.remote.name,
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
            f"{self._line.remote.name} took the change and did not answer: whether it counts is not known yet ({lost})",
            hint="git coord sync",
        )

    def _follow(
        self,
        changes: Sequence[Change],
        goal: Mapping[str, str],
        seen: Mapping[str, str | None],
        new: Mapping[str, str],
    ) -> None:
        """The hub said yes: local refs, and what is noted of the hub, follow."""
        tracked = self._line.remote.tracked
        notes = [Change(tracked(ref), seen[ref], Existing(oid)) for ref, oid in goal.items()]
        moves = [Change(item.ref, item.expected, Existing(new[item.ref])) for item in changes if item.ref in new]
        try:
            self._local.swap([*moves, *notes])
            return
        except (Lost, Busy):
            pass  # another process of this clone wrote meanwhile: its change goes on top of what the hub has
        try:
            self._line.catch_up()
        except CoordError as error:
            raise GitFailed(
                f"{self._line.remote.name} granted it, but it could not be noted here: {error.message}",
                hint="git coord sync",
            ) from None
