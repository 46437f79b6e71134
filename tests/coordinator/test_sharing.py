"""Shared data: conditions are decided inside the swap, nothing is counted twice, private stays here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.core import names
from gitcoord.errors import Conflict, Corrupt, NotFound, Usage, WrongState
from tests.faults.support import Office
from tests.support import Scratch


def codes(coord: Coordinator) -> list[str]:
    return [notice.code for notice in coord.notices]


@pytest.mark.parametrize("value", ["text", "", 0, -1, 1.5, True, None, [1, [2]], {"a": {"b": []}}, "日本語 🙂"])
def test_any_json_comes_back_as_it_went_in(office: Office, value: Any) -> None:
    ann = office.hire("ann")
    written = ann.set("issue:15", "key", value)
    assert (written.value, written.version, written.by) == (value, 1, ann.wanted)
    assert office.coord().get("issue:15", "key") == written


def test_a_whole_scope_is_read_at_one_version(office: Office) -> None:
    ann = office.hire("ann")
    ann.set("project:api", "b", 1)
    ann.set("project:api", "a", 2)
    whole = ann.get("project:api")
    assert (whole.scope, whole.version, list(whole.entries)) == ("project:api", 2, ["a", "b"])
    assert [item.version for item in whole.entries.values()] == [2, 1]


def test_what_is_not_there_is_not_found_or_the_default(office: Office) -> None:
    coord = office.coord()
    with pytest.raises(NotFound):
        coord.get("issue:15")
    with pytest.raises(NotFound):
        coord.get("issue:15", "phase")
    assert coord.get("issue:15", "phase", None).value is None
    missing = coord.get("issue:15", "phase", "plan")
    assert (missing.value, missing.version, missing.by, missing.at) == ("plan", 0, None, None)


def test_a_stale_version_is_a_conflict_that_says_what_is_there_now(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    seen = ann.set("issue:15", "phase", "plan")
    ben.set("issue:15", "phase", "code", if_version=seen.version)
    with pytest.raises(Conflict) as refusal:
        ann.set("issue:15", "phase", "review", if_version=seen.version)
    fields = refusal.value.fields
    assert (fields["key"], fields["version"], fields["value"]) == ("phase", 2, "code")
    with pytest.raises(Conflict):
        ann.set("issue:15", "phase", "x", if_absent=True)
    with pytest.raises(Conflict):
        ann.unset("issue:15", "phase", if_version=1)
    assert ann.get("issue:15", "phase").value == "code"


def test_unset_takes_out_one_key_or_all_and_versions_go_on(office: Office) -> None:
    ann = office.hire("ann")
    for key in "abc":
        ann.set("s:x", key, key)
    assert ann.unset("s:x", "b").removed == ("b",)
    assert ann.unset("s:x").removed == ("a", "c")
    assert [row.scope for row in ann.scopes()] == []
    assert ann.set("s:x", "a", 1).version == 6  # a version that was seen once never comes back
    with pytest.raises(NotFound):
        ann.unset("s:x", "b")


def test_scopes_are_listed_by_glob(office: Office) -> None:
    ann = office.hire("ann")
    for name in ("issue:15", "issue:16", "project:api", "private:notes"):
        ann.set(name, "k", 1)
    assert [row.scope for row in ann.scopes("issue:*")] == ["issue:15", "issue:16"]
    rows = {row.scope: row for row in ann.scopes()}
    assert sorted(rows) == ["issue:15", "issue:16", "private:notes", "project:api"]
    assert (rows["private:notes"].private, rows["issue:15"].private, rows["issue:15"].keys) == (True, False, 1)


def test_counting_begins_at_nothing_and_refuses_what_is_no_number(office: Office) -> None:
    ann = office.hire("ann")
    assert [ann.incr("s:x", "n").value, ann.incr("s:x", "n", 5).value, ann.incr("s:x", "n", -2).value] == [1, 6, 4]
    ann.set("s:x", "text", "one")
    with pytest.raises(WrongState):
        ann.incr("s:x", "text")


def test_no_session_is_needed_and_nobody_is_named_then(office: Office) -> None:
    nobody = office.coord()
    assert nobody.set("s:x", "k", 1).by is None
    assert nobody.incr("s:x", "n").by is None
    assert codes(nobody) == ["no-session"]
    gone = office.hire("gone")
    gone.end()
    assert gone.set("s:x", "k", 2).by is None  # what has ended signs nothing


def test_writing_counts_as_a_sign_of_life(office: Office) -> None:
    ann = office.hire("ann")
    office.silence(str(ann.wanted), 1000)
    before = office.refs()[names.heartbeat_ref(str(ann.wanted))]
    ann.set("s:x", "k", 1)
    assert office.refs()[names.heartbeat_ref(str(ann.wanted))] != before


@pytest.mark.parametrize("scope", ["", " ", "a b", "-x", "a\nb", ":x", "x" * 300])
def test_a_scope_that_would_mislead_is_refused(office: Office, scope: str) -> None:
    for verb in (office.coord().get, office.coord().unset):
        with pytest.raises(Usage):
            verb(scope)
    with pytest.raises(Usage):
        office.coord().set(scope, "k", 1)


def test_a_scope_that_cannot_be_read_is_no_empty_one(office: Office) -> None:
    ann = office.hire("ann")
    ann.set("s:x", "k", 1)
    ann.set("s:y", "k", 1)
    office.plant(names.data_ref("s:x"), b"garbage")
    for verb in (lambda: ann.get("s:x"), lambda: ann.set("s:x", "k", 2), lambda: ann.incr("s:x", "n")):
        with pytest.raises(Corrupt):
            verb()
    assert [row.scope for row in ann.scopes()] == ["s:y"]
    assert "corrupt" in codes(ann)


def test_a_record_under_another_scopes_ref_is_corrupt(office: Office) -> None:
    ann = office.hire("ann")
    ann.set("s:x", "k", 1)
    office.scratch.git("update-ref", names.data_ref("s:y"), names.data_ref("s:x"))
    with pytest.raises(Corrupt):
        ann.get("s:y")


def test_fields_of_a_later_gitcoord_survive_a_write(office: Office) -> None:
    ann = office.hire("ann")
    ann.set("s:x", "k", 1)
    record = office.record(names.data_ref("s:x"))
    record["later"] = {"a": 1}
    record["entries"]["k"]["unit"] = "ms"
    office.plant(names.data_ref("s:x"), record)
    ann.set("s:x", "other", 2)
    after = office.record(names.data_ref("s:x"))
    assert (after["later"], after["entries"]["k"]["unit"]) == ({"a": 1}, "ms")


# -- several at once -------------------------------------------------------------------------------------------------

COUNT = """
import sys
from gitcoord import Coordinator
with Coordinator.open(sys.argv[1]) as coord:
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(int(sys.argv[3])):
        print(coord.incr("project:migrations", "next").value)
        coord.set("project:migrations", f"{sys.argv[2]}-{turn}", turn)
"""


def crowd(scratch: Scratch, size: int, turns: int) -> list[list[int]]:
    """Processes that all count, and write keys of their own, in one scope; what each of them got."""
    argv = [sys.executable, "-c", COUNT, str(scratch.path)]
    workers = [
        subprocess.Popen([*argv, str(number), str(turns)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(size)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    answers = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * size
    return [[int(line) for line in answer.split()] for answer in answers]


@pytest.mark.parametrize("store", ["libgit", "plumbing"])
def test_eight_who_count_and_write_at_once_get_every_number_once_and_lose_no_key(scratch: Scratch, store: str) -> None:
    office = Office.found(scratch, store=store)
    turns = 10 if store == "libgit" else 3
    answers = crowd(scratch, 8, turns)
    assert sorted(number for answer in answers for number in answer) == list(range(1, 8 * turns + 1))
    assert all(answer == sorted(answer) for answer in answers)
    entries = office.coord().get("project:migrations").entries
    assert set(entries) == {"next", *(f"{worker}-{turn}" for worker in range(8) for turn in range(turns))}
    office.close()


# -- private, and secret ---------------------------------------------------------------------------------------------


def test_hi10_secret_warning(office: Office, tmp_path: Path) -> None:
    ann = office.hire("ann")
    token = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"
    entry = ann.set("issue:15", "note", f"use {token}")
    assert entry.value == f"use {token}"  # a warning, no refusal
    assert codes(ann) == ["secret"]
    assert "GitHub" in ann.notices[0].message
    assert token not in ann.notices[0].message
    ann.notices.clear()
    ann.set("issue:15", "note", "nothing special")
    ann.set("private:keys", "github", token)
    assert codes(ann) == []

    # What is private is in no namespace that gitcoord, or a plain clone, push or fetch would carry away.
    assert [ref for ref in office.refs() if "private" in ref] == []
    office.scratch.git("rev-parse", "--verify", names.data_ref("private:keys"))
    copy = tmp_path / "copy"
    office.scratch.git("clone", "-q", "-c", "remote.origin.fetch=+refs/coord/*:refs/coord/*", ".", str(copy))
    assert Coordinator.open(str(copy)).get("issue:15", "note").value == "nothing special"
    with pytest.raises(NotFound):
        Coordinator.open(str(copy)).get("private:keys", "github")


def test_the_event_says_who_wrote_what(office: Office) -> None:
    ann = office.hire("ann")
    ann.set("issue:15", "phase", "plan")
    ann.incr("issue:15", "n")
    ref = names.data_ref("issue:15")
    assert office.scratch.git("log", "--format=%s", ref).splitlines() == [
        "incr issue:15 n by 1, version 2",
        "set issue:15 phase, version 1",
    ]
    assert [(event["type"], event["session"]) for event in office.events(ref)] == [
        ("set", ann.wanted),
        ("incr", ann.wanted),
    ]
    assert msgspec.json.decode(office.scratch.git("show", f"{ref}:record.json"))["name"] == "issue:15"
