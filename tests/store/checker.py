"""Judges a recorded history of swaps and reads on one ref: is there one order of events that explains all of it?

Every write has an oid of its own (the nonce), so the successful swaps must form one chain without a fork, and what
reads saw must never go back in real time. That is enough for compare-and-swap; no search is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec


class Op(msgspec.Struct, frozen=True):
    """One finished operation; times are of the clock that all processes of a machine share, in nanoseconds."""

    kind: Literal["read", "swap"]
    begun: int
    ended: int
    expected: str | None
    """What a swap expected."""
    value: str | None
    """What a read saw, or what a successful swap wrote."""


def judge(ops: Iterable[Op], final: str | None) -> list[str]:
    """What is wrong with the history that ended with the ref at ``final``; nothing when it is sound."""
    ops = list(ops)
    swaps = [op for op in ops if op.kind == "swap"]
    place, wrong = _chain(swaps, final)
    return wrong or _real_time(ops, place)


def _chain(swaps: Sequence[Op], final: str | None) -> tuple[dict[str | None, int], list[str]]:
    """The place of every value in the one chain, or why there is none."""
    successor: dict[str | None, str | None] = {}
    for swap in swaps:
        if swap.expected in successor:
            return {}, [f"two swaps from {swap.expected} both succeeded: {successor[swap.expected]} and {swap.value}"]
        successor[swap.expected] = swap.value
    place: dict[str | None, int] = {None: 0}
    at: str | None = None
    while at in successor:
        at = successor[at]
        if at in place:
            return {}, [f"the chain runs in a circle at {at}"]
        place[at] = len(place)
    if len(place) != len(swaps) + 1:
        return {}, [f"{len(swaps) + 1 - len(place)} successful swaps are not in the chain that ends at {at}"]
    if at != final:
        return {}, [f"the last successful swap wrote {at}, but the ref is at {final}"]
    return place, []


def _real_time(ops: Sequence[Op], place: dict[str | None, int]) -> list[str]:
    """No operation may see less than what had been seen or written before it began."""
    wrong = [f"a read saw {op.value}, which nobody wrote" for op in ops if op.value not in place]
    if wrong:
        return wrong
    ended = sorted(ops, key=lambda op: op.ended)
    known = known_at = 0
    for op in sorted(ops, key=lambda op: op.begun):
        while known_at < len(ended) and ended[known_at].ended < op.begun:
            known = max(known, place[ended[known_at].value])
            known_at += 1
        if place[op.value] < known:
            wrong.append(f"{op.kind} saw or wrote step {place[op.value]} after step {known} was known")
    return wrong


def double_wins(wins: Iterable[tuple[str, str]]) -> list[str]:
    """Names that more than one creator was told to have won; ``wins`` are (name, oid) of all processes."""
    seen: set[str] = set()
    twice = []
    for name, _ in wins:
        if name in seen:
            twice.append(name)
        seen.add(name)
    return twice
