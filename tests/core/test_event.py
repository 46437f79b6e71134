"""A session's own log entries: what may be written, and that nothing can pass for something else."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from gitcoord.core import event as rules
from gitcoord.core.event import MAX_META, MAX_TEXT, RESERVED, Logged, checked_type, step
from gitcoord.core.lock_events import AnyLockEvent
from gitcoord.core.scope import AnyScopeEvent
from gitcoord.core.session import SessionEvent
from gitcoord.core.task_events import TaskEvent
from gitcoord.errors import Usage

AT = "2026-11-20T13:03:11.402Z"


def logged(**given: object) -> Logged:
    return Logged(**{"type": "deploy", "at": AT, "session": "s-aaaaaaaaaa", "text": "v1 is out", **given})  # type: ignore[arg-type]


def test_entries_are_counted_and_hold_what_was_said() -> None:
    first = step(None, logged(meta={"version": "1.0"}, task="15"))
    assert (first.seq, first.type, first.text, first.task, first.meta) == (
        1,
        "deploy",
        "v1 is out",
        "15",
        {"version": "1.0"},
    )
    assert step(first, logged(text="and back")).seq == 2


@pytest.mark.parametrize("name", ["deploy", "a", "ci.build-2_x", "a" * 50, "note"])
def test_types_are_short_lower_case_words(name: str) -> None:
    assert checked_type(name) == name


@pytest.mark.parametrize("name", ["", "Deploy", "-x", "1a", "a b", "a\n", "ä", "a" * 51, "a\x1b"])
def test_other_types_are_refused(name: str) -> None:
    with pytest.raises(Usage, match="no type of event"):
        checked_type(name)


def test_nobody_can_write_what_looks_like_a_records_own_event() -> None:
    kinds = [*TaskEvent.__subclasses__(), *SessionEvent.__subclasses__(), *get_args(AnyLockEvent)]
    kinds += get_args(AnyScopeEvent)
    tags = {str(kind.__struct_config__.tag) for kind in kinds}
    assert tags - {"note"} <= RESERVED
    for tag in RESERVED:
        with pytest.raises(Usage, match="written by gitcoord itself"):
            step(None, logged(type=tag))


@pytest.mark.parametrize(
    "given",
    [
        {"text": " "},
        {"text": "x" * (MAX_TEXT + 1)},
        {"meta": {str(number): "" for number in range(MAX_META + 1)}},
        {"meta": {" ": "x"}},
        {"meta": {"a\nb": "x"}},
        {"meta": {"k" * 101: "x"}},
        {"meta": {"k": "x" * 2001}},
        {"meta": {str(number): "x" * 2000 for number in range(10)}},
        {"text": "lone \udcff"},
    ],
    ids=["empty", "long", "many facts", "blank name", "line break", "long name", "long fact", "all together", "bytes"],
)
def test_what_does_not_belong_into_a_log_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(Usage):
        step(None, logged(**given))


def test_an_entry_of_the_largest_size_fits_its_record() -> None:
    entry = step(None, logged(text="ä" * MAX_TEXT, meta={"k": "x" * 2000, "l": "y" * 2000}))
    assert len(msgspec.json.encode(entry)) < rules.MAX_BYTES + 1000
