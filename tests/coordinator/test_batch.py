"""Many tasks at once: all or none, every mistake named by its line, in time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.errors import Blocked, CoordError, Exists, NothingReady, Usage
from tests.faults.support import Office, process
from tests.support import Ran, Scratch


def added(office: Office, *items: Mapping[str, Any]) -> tuple[str, ...]:
    return office.coord().task_add_many(items).tasks


def test_a_batch_is_added_in_its_order_with_all_that_each_task_has(office: Office) -> None:
    ann = office.hire("ann")
    made = ann.task_add_many(
        [
            {"title": "Later", "id": 15, "after": [14, "14"], "labels": ["web", "web"], "priority": 1, "body": "x\ny"},
            {"title": "First", "id": "14"},
            {"title": "Other"},
            {"title": "Other"},
        ]
    )
    assert made.added == 4
    assert made.tasks[:2] == ("15", "14")
    assert len(set(made.tasks)) == 4
    fifteen = ann.task_show("15")
    assert (fifteen.after, fifteen.labels, fifteen.priority, fifteen.body) == (("14",), ("web",), 1, "x\ny")
    assert fifteen.blocked_by == ("14",)
    assert [task.id for task in ann.ready()] == list(made.tasks[1:])
    assert office.task("14")["created_by"] == ann.wanted
    assert office.events("refs/coord/tasks/14")[0]["type"] == "add"


def test_a_whole_batch_is_one_write(office: Office) -> None:
    before = office.refs()
    names = added(office, *({"title": f"Task {number}"} for number in range(200)))
    assert set(office.refs()) - set(before) == {f"refs/coord/tasks/{name}" for name in names}
    assert len(set(names)) == 200
    assert [task.id for task in office.coord().ready()] == list(names)


BAD: dict[str, tuple[list[Any], type[CoordError], str]] = {
    "no object": ([{"title": "ok"}, ["x"]], Usage, "item 2: Expected `object`"),
    "no title": ([{"title": "ok"}, {"id": "x"}], Usage, "item 2: Object missing required field `title`"),
    "an unknown field": ([{"title": "ok", "prio": 1}], Usage, "item 1: .*unknown field `prio`"),
    "a title of blanks": ([{"title": " "}], Usage, "item 1: a title has"),
    "a wrong type": ([{"title": "ok", "priority": "high"}], Usage, "item 1: Expected `int`.*priority"),
    "a wrong priority": ([{"title": "ok", "priority": 9}], Usage, "item 1: a priority is"),
    "an impossible id": ([{"title": "ok", "id": "a\nb"}], Usage, "item 1: a task id has no control characters"),
    "an id twice": ([{"title": "a", "id": "x"}, {"title": "b"}, {"title": "c", "id": "x"}], Exists, "item 3: .*item 1"),
    "an id that is taken": ([{"title": "a"}, {"title": "b", "id": "old"}], Exists, "item 2: there is a task old"),
    "itself": ([{"title": "a", "id": "x", "after": ["x"]}], Blocked, "item 1: task x would wait for itself: x → x"),
    "a circle": (
        [{"title": "a", "id": "a", "after": ["b"]}, {"title": "b", "id": "b", "after": ["a"]}],
        Blocked,
        "a → b → a",
    ),
    "a circle through what is there": (
        [{"title": "a", "id": "a", "after": ["waiting"]}],
        Blocked,
        "item 1: .*a → waiting → a",
    ),
    "too many": ([{"title": "a"}] * 50_001, Usage, "too many at once"),
}


@pytest.mark.parametrize(("items", "kind", "message"), BAD.values(), ids=BAD.keys())
def test_one_mistake_and_nothing_is_written(
    office: Office, items: list[Any], kind: type[CoordError], message: str
) -> None:
    coord = office.coord()
    coord.task_add("old", id="old")
    coord.task_add("waiting", id="waiting", after=["a"])
    before = office.refs()
    with pytest.raises(kind, match=message):
        coord.task_add_many(items)
    assert office.refs() == before


def test_an_id_that_somebody_takes_meanwhile_is_refused_as_a_whole(office: Office) -> None:
    """The list was free of it when it was read; the swap is what decides."""
    late = office.coord()
    plain = late.store.swap

    def swap(changes: Any) -> Any:
        late.store.swap = plain  # type: ignore[method-assign]
        office.coord().task_add("mine", id="x7")
        return plain(changes)

    late.store.swap = swap  # type: ignore[method-assign]
    with pytest.raises(Exists, match="item 8"):
        late.task_add_many([{"title": "t", "id": f"x{number}"} for number in range(100)])
    assert [task.id for task in office.coord().task_list()] == ["x7"]


def test_nothing_to_add_is_no_mistake(office: Office) -> None:
    assert added(office) == ()


# -- from the command line ---------------------------------------------------------------------------------------------


@pytest.fixture
def repo(scratch: Scratch) -> Scratch:
    scratch.git("config", "coord.durability", "relaxed")
    scratch.coord("init", "--no-hooks")
    return scratch


def batch(repo: Scratch, text: str, *args: str) -> Ran:
    return repo.coord("task", "add", "--batch", "-", *args, stdin=text)


def test_a_batch_comes_from_standard_input_or_a_file(repo: Scratch) -> None:
    assert batch(repo, '{"title": "One", "id": "1"}\n\n  \n{"title": "Two", "id": 2}').out == "added 2 tasks\n"
    (repo.path / "list").write_text('{"title": "Three \u2028 and a bit", "id": "3"}\n')
    made = repo.coord("task", "add", "--batch", "list", "--json").result
    assert made == {"added": 1, "tasks": ["3"]}
    assert batch(repo, '{"title": "Four", "id": "4"}', "--porcelain").out == "task=4\n"
    assert [task["id"] for task in repo.coord("task", "list", "--json").result] == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"title": "a"}\n\n{"title": }\n', "line 3 is not JSON"),
        ('{"title": "a"}\n\n{"titel": "b"}\n', "line 3: "),
        ("[" * 100_000, "line 1 is not JSON"),
        ('{"title": "\\ud800"}', "line 1"),
    ],
)
def test_mistakes_are_named_by_their_line(repo: Scratch, text: str, said: str) -> None:
    ran = batch(repo, text, "--json")
    assert (ran.code, ran.error["code"]) == (129, "usage")
    assert said in ran.error["message"]
    assert repo.coord("task", "list", "--json").result == []


def test_a_batch_excludes_what_describes_one_task(repo: Scratch) -> None:
    assert repo.coord("task", "add", "Title", "--batch", "-", "--json").error["code"] == "usage"
    assert repo.coord("task", "add", "--batch", "-", "-l", "x", "--json").error["code"] == "usage"
    assert repo.coord("task", "add", "--json").error["code"] == "usage"


# -- the queue ---------------------------------------------------------------------------------------------------------


def test_the_next_task_with_a_label_is_found_among_the_others(office: Office) -> None:
    added(office, {"title": "a", "id": "a"}, {"title": "b", "id": "b", "labels": ["web", "now"]})
    ann = office.hire("ann")
    assert ann.claim(next=True, label=["web"], worktree=False).task.id == "b"
    with pytest.raises(NothingReady):
        ann.claim(next=True, label=["web"], worktree=False)


def test_a_failed_task_is_tried_again_and_the_attempts_are_counted(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.claim("15", worktree=False)
    failed = ann.done("15", status="failed", summary="no luck").task
    assert (failed.state, failed.attempts) == ("failed", 1)
    again = ben.claim("15", worktree=False).task
    assert (again.state, again.attempts, again.token, again.result) == ("claimed", 2, 2, None)
    assert ben.done("15").task.state == "done"


def test_a_worker_that_dies_gives_its_task_back(office: Office) -> None:
    added(office, {"title": "a", "id": "a"})
    with process() as agent:
        office.hire("ann", pid=agent.pid).claim(next=True, worktree=False)
        assert office.coord().ready() == []
    assert [task.id for task in office.coord().ready()] == ["a"]
    again = office.hire("ben").claim(next=True, worktree=False)
    assert (again.task.id, again.task.attempts, again.taken_from_name) == ("a", 2, "ann")


@pytest.mark.parametrize("locked", [False, True])
def test_many_refs_are_packed_as_soon_as_they_are_there(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    """Somebody else's lock on the packed refs is left alone, and told of; the tasks are there in any case."""
    monkeypatch.setattr("gitcoord.coordinator.batch.MANY", 20)
    common = scratch.common_dir()
    with Coordinator.open(str(scratch.path), os.environ) as coord:
        coord.init(hooks=False)
        coord.task_add_many([{"title": f"few {n}"} for n in range(19)])
        assert not (common / "packed-refs").exists()
        if locked:
            (common / "packed-refs.lock").touch()
        coord.task_add_many([{"title": f"many {n}"} for n in range(20)])
        loose = [path for path in (common / "refs" / "coord" / "tasks").rglob("*") if path.is_file()]
        assert len(loose) == (39 if locked else 0)
        assert [notice.code for notice in coord.notices] == (["not-packed"] if locked else [])
        assert len(coord.task_list()) == 39


@pytest.mark.nightly
def test_ten_thousand_tasks_are_added_within_twenty_seconds(scratch: Scratch) -> None:
    import time

    scratch.coord("init", "--no-hooks")
    lines = (
        msgspec.json.encode({"title": f"Task {n}", "id": f"t{n}", "labels": ["x"]}).decode() for n in range(10_000)
    )
    text = "\n".join(lines)
    begun = time.monotonic()
    ran = scratch.coord("task", "add", "--batch", "-", stdin=text)
    assert ran.out == "added 10000 tasks\n", ran.err
    assert time.monotonic() - begun < 20
    scratch.coord("start", "ann")
    assert scratch.coord("claim", "--next", "--no-worktree", "--json").result["id"] == "t0"
