"""What a failed swap turns out to have been, read off the refs."""

from __future__ import annotations

import pytest

from gitcoord.errors import UnknownOutcome
from gitcoord.store.base import Change, Delete, Lost
from gitcoord.store.outcome import settle, targets
from tests.store.changes import T1, T2, T3, record

OLD, NEW, ELSE = "0" * 39 + "1", "0" * 39 + "2", "0" * 39 + "3"
CHANGES = [Change(T1, OLD, record()), Change(T2, None, record()), Change(T3, OLD, None)]
WRITTEN = {T1: NEW, T2: NEW}


def judge(t1: str | None, t2: str | None, t3: str | None, *, begun: bool, ours: tuple[str, ...] = ()) -> str:
    current = {T1: t1, T2: t2, T3: t3}
    return settle(CHANGES, WRITTEN, current, begun=begun, contains=lambda tip, oid: tip in ours and oid == NEW)


def test_where_every_ref_was_meant_to_go() -> None:
    changes = [*CHANGES[:2], Change(T3, OLD, Delete())]
    assert targets(changes, WRITTEN) == {T1: NEW, T2: NEW, T3: None}
    assert targets(CHANGES, WRITTEN) == {T1: NEW, T2: NEW, T3: OLD}


@pytest.mark.parametrize("begun", [True, False])
def test_nothing_moved(begun: bool) -> None:
    assert judge(OLD, None, OLD, begun=begun) == "untouched"


def test_everything_moved() -> None:
    assert judge(NEW, NEW, OLD, begun=True) == "applied"


def test_everything_moved_and_others_went_on_from_there() -> None:
    assert judge(ELSE, NEW, ELSE, begun=True, ours=(ELSE,)) == "applied"


@pytest.mark.parametrize(("now", "lost"), [((ELSE, None, OLD), T1), ((OLD, ELSE, OLD), T2), ((OLD, None, ELSE), T3)])
@pytest.mark.parametrize("begun", [True, False])
def test_another_writer_was_first(now: tuple[str | None, str | None, str | None], lost: str, begun: bool) -> None:
    with pytest.raises(Lost) as error:
        judge(*now, begun=begun)
    assert error.value.ref == lost


@pytest.mark.parametrize("t2", [None, ELSE])
def test_half_of_it_moved(t2: str | None) -> None:
    with pytest.raises(UnknownOutcome, match="half way") as error:
        judge(NEW, t2, OLD, begun=True)
    assert error.value.exit == 4
