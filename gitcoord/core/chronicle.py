"""One log out of many chains: causal order first, then time.

What is known for certain: within a chain every entry was written on top of the one before it. What is nearly certain:
one worker's own entries happened in the order of its own clock. Different machines' clocks are believed only where
neither says anything. Must not know commits or records.
"""

from __future__ import annotations

from heapq import heappop, heappush

from gitcoord.lean import TYPE_CHECKING, Generic, TypeVar, msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

T = TypeVar("T")


class Item(msgspec.Struct, Generic[T], frozen=True):
    """One entry of a chain: when its author's clock said it was, who that was (None: unknown), and the entry itself."""

    at: str
    author: str | None
    what: T


def merge(chains: Iterable[Sequence[Item[T]]]) -> list[T]:
    """All entries in one order; ``chains`` are oldest first."""
    return _Merge([chain for chain in chains if chain]).run()


_Head = tuple[str, int, int]  # when, in which chain, at which place there


class _Merge(Generic[T]):
    """The earliest entry whose chain has come to it and whose author has nothing earlier to come; and so on."""

    def __init__(self, chains: list[Sequence[Item[T]]]) -> None:
        self.chains = chains
        self.heads: list[_Head] = []
        self.parked: dict[str, list[_Head]] = {}
        self.to_come: dict[str, list[str]] = {}
        for number, chain in enumerate(chains):
            heappush(self.heads, (chain[0].at, number, 0))
            for item in chain:
                if item.author is not None:
                    self.to_come.setdefault(item.author, []).append(item.at)
        for times in self.to_come.values():
            times.sort(reverse=True)  # the next one last, where it is cheap to take

    def run(self) -> list[T]:
        merged: list[T] = []
        while self.heads or self.parked:
            if self.heads:
                head = heappop(self.heads)
                author = self._item(head).author
                if author is not None and self.to_come[author][-1] < head[0]:
                    heappush(self.parked.setdefault(author, []), head)
                    continue
            else:
                head = self._despite_its_clock()
            merged.append(self._item(head).what)
            self._go_on(head)
        return merged

    def _item(self, head: _Head) -> Item[T]:
        return self.chains[head[1]][head[2]]

    def _go_on(self, head: _Head) -> None:
        """``head`` is out: its chain's next entry comes up, and so do those that waited for it alone."""
        at, number, place = head
        author = self._item(head).author
        if place + 1 < len(self.chains[number]):
            heappush(self.heads, (self.chains[number][place + 1].at, number, place + 1))
        if author is None:
            return
        times = self.to_come[author]
        if times[-1] == at:
            times.pop()
        else:
            times.remove(at)
        waiting = self.parked.get(author, [])
        while waiting and waiting[0][0] <= times[-1]:
            heappush(self.heads, heappop(waiting))
        if not waiting:
            self.parked.pop(author, None)

    def _despite_its_clock(self) -> _Head:
        """Some worker's clock went back and contradicts the chains, which are right: the earliest of these goes on."""
        author = min(self.parked, key=lambda name: self.parked[name][0])
        head = heappop(self.parked[author])
        if not self.parked[author]:
            del self.parked[author]
        return head
