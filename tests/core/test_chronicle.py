"""One log out of many chains: never an effect before its cause, whatever the clocks say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.chronicle import Item, merge


def chain(*entries: tuple[str, str | None, str]) -> list[Item[str]]:
    return [Item(at, author, what) for at, author, what in entries]


def test_chains_are_merged_by_time() -> None:
    assert merge([chain(("1", "a", "x"), ("4", "a", "y")), chain(("2", "b", "p"), ("3", "b", "q"))]) == list("xpqy")
    assert merge([]) == []
    assert merge([[], chain(("1", None, "x"))]) == ["x"]


def test_within_a_chain_the_order_is_the_chains_whatever_the_clocks_say() -> None:
    assert merge([chain(("9", "a", "release"), ("1", "b", "claim")), chain(("5", "c", "else"))]) == [
        "else",
        "release",
        "claim",
    ]


def test_what_a_worker_says_after_its_claim_comes_after_it_though_the_former_holders_clock_was_ahead() -> None:
    task = chain(("13:00", "ahead", "release"), ("12:01", "ben", "claim"))
    log = chain(("12:02", "ben", "tests pass"))
    assert merge([task, log]) == ["release", "claim", "tests pass"]


def test_a_worker_whose_own_clock_went_back_cannot_stop_the_log() -> None:
    one = chain(("5", "a", "1"), ("1", "a", "2"))
    other = chain(("4", "a", "3"), ("2", "a", "4"))
    found = merge([one, other])
    assert sorted(found) == ["1", "2", "3", "4"]
    assert found.index("1") < found.index("2")
    assert found.index("3") < found.index("4")


entries = st.tuples(st.sampled_from("123456789"), st.sampled_from(["a", "b", "c", None]))


@given(st.lists(st.lists(entries, max_size=6), max_size=6))
def test_nothing_is_lost_and_every_chain_keeps_its_order(chains: list[list[tuple[str, str | None]]]) -> None:
    named = [
        [Item(at, author, (number, place)) for place, (at, author) in enumerate(chain)]
        for number, chain in enumerate(chains)
    ]
    found = merge(named)
    assert sorted(found) == [(number, place) for number, chain in enumerate(chains) for place in range(len(chain))]
    for number, chain in enumerate(chains):
        assert [place for whose, place in found if whose == number] == list(range(len(chain)))


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), min_size=1, max_size=4), st.randoms())
def test_with_true_clocks_it_is_simply_the_order_of_time(chains: list[list[str]], random: object) -> None:
    """Where every clock is right the causal order is the order of time."""
    total = sum(map(len, chains))
    turns = [number for number, chain in enumerate(chains) for _ in chain]
    random.shuffle(turns)  # type: ignore[attr-defined]
    made: list[list[Item[int]]] = [[] for _ in chains]
    for moment, number in enumerate(turns):
        author = chains[number][len(made[number])]
        made[number].append(Item(f"{moment:03}", author, moment))
    assert merge(made) == list(range(total))
