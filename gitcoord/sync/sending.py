"""Pushing what the hub does not have, each ref with its exact lease and for itself.

Some hosts refuse a whole push for one record in it: too big, or not to a hook's liking. Then it is looked for by
halves, so that nothing else waits for it. How often one may push is limited nearly everywhere, so the search is, too,
and what was refused by itself is remembered and goes apart from the rest until it changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitcoord.core.model import Struct
from gitcoord.errors import HubUnreachable
from gitcoord.git import remote as git
from gitcoord.git.remote import LostContact, Update
from gitcoord.git.remote_report import Verdict, limited
from gitcoord.git.repo import Repo
from gitcoord.store.base import Busy, Change, Existing, Lost
from gitcoord.sync.notes import Notes
from gitcoord.sync.sides import Sides

AT_ONCE = 1000
"""Refs in one push: more would not fit a command line everywhere."""

SEARCH = 40
"""Pushes at most to find what a host refuses: one record of a thousand takes about twenty."""


class Refusal(Struct, frozen=True, kw_only=True):
    """A ref that the hub does not take, and why."""

    ref: str
    reason: str


class Sent(Struct, frozen=True, kw_only=True):
    """What became of the refs: how many moved, which were refused, and at which ones others were first."""

    moved: int = 0
    refused: tuple[Refusal, ...] = ()
    late: tuple[Refusal, ...] = ()


class Sending:
    """One round of pushes."""

    def __init__(self, repo: Repo, sides: Sides, notes: Notes) -> None:
        self._repo = repo
        self._sides = sides
        self._notes = notes
        self._ours, self._theirs = sides.local(), sides.tracked()
        self._verdicts: dict[str, Verdict] = {}
        self._alone: set[str] = set()
        """Refused, whatever else there was in the push."""
        self._left = SEARCH

    def send(self, refs: Sequence[str]) -> Sent:
        """Push these refs as they are here. Raises HubUnreachable, GitFailed."""
        known = self._notes.refused
        there = [ref for ref in refs if ref in self._ours]
        apart = [ref for ref in there if known.get(ref) == self._ours[ref]]
        self._alone.update(apart)
        rest = [ref for ref in there if ref not in self._alone]
        for start in range(0, len(rest), AT_ONCE):
            some = rest[start : start + AT_ONCE]
            if not self._push(some):
                self._search(some)
        if apart:
            self._push(apart[:AT_ONCE])
        refused = self._having("refused")
        odd = {item.ref: self._ours[item.ref] for item in refused if item.ref in self._alone}
        if odd != known:
            self._notes.refuse(odd)
        moved = sum(verdict.state in ("moved", "same") for verdict in self._verdicts.values())
        return Sent(moved=moved, refused=refused, late=self._having("stale", "beside", "unknown"))

    def _having(self, *states: str) -> tuple[Refusal, ...]:
        found = sorted((ref, verdict) for ref, verdict in self._verdicts.items() if verdict.state in states)
        return tuple(Refusal(ref=ref, reason=verdict.reason) for ref, verdict in found)

    def _push(self, refs: Sequence[str]) -> bool:
        """Push these together; False where the host refused them as a whole, for what may be wrong with one of them."""
        verdicts = self._pushed(refs)
        refused = [ref for ref in refs if verdicts[ref].state == "refused"]
        if any(limited(verdicts[ref].reason) for ref in refused):
            self._left = 0  # that is about how often, and so about now
            return True
        if len(refused) == len(refs) > 1:
            return False
        self._alone.update(refused)
        return True

    def _search(self, refs: Sequence[str]) -> None:
        """Find what a push was refused for. Where both its first and its last are refused, it is all of them."""
        first, last = self._part(refs[:1]), False
        if not first:
            last = self._part(refs[-1:])
        if first:
            self._halve(refs[1:])
        elif last:
            self._part(refs[1:-1])

    def _part(self, refs: Sequence[str]) -> bool:
        """Push these, and where they are refused as a whole less and less of them, as long as one may.

        Whether all were taken at once.
        """
        if not refs or not self._left:
            return False
        self._left -= 1
        if not self._push(refs):
            self._halve(refs)
        return all(self._verdicts[ref].state != "refused" for ref in refs)

    def _halve(self, refs: Sequence[str]) -> None:
        """There is something wrong with one of these: with one in the second half, if not in the first."""
        half = len(refs) // 2
        if not half:
            self._alone.update(refs)
        elif self._part(refs[:half]):
            self._halve(refs[half:])
        else:
            self._part(refs[half:])

    def _pushed(self, refs: Sequence[str]) -> dict[str, Verdict]:
        remote = self._sides.remote
        updates = [Update(remote.there(ref), self._ours[ref], self._theirs.get(ref)) for ref in refs]
        try:
            answer = git.push(self._repo, remote, updates)
        except LostContact as lost:
            raise HubUnreachable(f"{remote.shown} stopped answering: {lost}", hint="git coord sync") from None
        verdicts = {ref: answer[remote.there(ref)] for ref in refs}
        self._verdicts.update(verdicts)
        self._track({ref: self._ours[ref] for ref in refs if verdicts[ref].state in ("moved", "same")})
        return verdicts

    def _track(self, moved: Mapping[str, str]) -> None:
        """Note what the hub has now. Best effort: what is not noted is found out by the next fetch."""
        changes = [
            Change(self._sides.remote.tracked(ref), self._theirs.get(ref), Existing(oid))
            for ref, oid in moved.items()
            if self._theirs.get(ref) != oid
        ]
        try:
            self._sides.store.swap(changes)
        except (Lost, Busy):
            pass
