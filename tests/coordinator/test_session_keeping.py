"""What stays of a session on this machine: packed, archived and removed, with the record and its events kept."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import msgspec
import pytest

from gitcoord.core.names import session_ref
from gitcoord.core.views import SessionView
from gitcoord.errors import Exists, NotFound, Unsafe, Usage
from tests.faults.support import FakeClock, Office

DAY = 86400.0


def private(office: Office, sid: str) -> Path:
    return office.scratch.common_dir() / "coord" / "sessions" / sid


def ended(office: Office, name: str = "backend", **files: str) -> SessionView:
    """A session that worked on task 15, left ``files`` and a link to what is shared, and ended."""
    shared = office.scratch.path.parent / "shared"
    shared.mkdir(exist_ok=True)
    (shared / "skill.md").write_text("shared")
    coord = office.hire(name)
    coord.claim("15", worktree=False)
    coord.event("note", "found it")
    coord.release("15", reason="not now")
    sid = str(coord.wanted)
    folder = private(office, sid)
    for path, text in {"history.jsonl": "typed", **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "skills").symlink_to(shared)
    return coord.end().session


def unpacked(path: str | Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        members = tar.getmembers()
        assert all(member.isreg() and (member.uid, member.gid, member.mtime) == (0, 0, 0) for member in members)
        return {member.name: io.BytesIO(tar.extractfile(member).read()).read() for member in members}  # type: ignore[union-attr]


def test_export_packs_record_events_and_private_files_and_no_link(office: Office, tmp_path: Path) -> None:
    session = ended(office)
    with office.hire("other") as other:
        other.claim("15", worktree=False)
    done = office.coord().export_session(session.id, str(tmp_path / "x.tar.gz"))
    found = unpacked(done.path)
    assert msgspec.json.decode(found[f"{session.id}/record.json"])["name"] == "backend"
    events = [msgspec.json.decode(line) for line in found[f"{session.id}/events.jsonl"].splitlines()]
    said = [event["message"] for event in events]
    assert "found it" in said
    assert any("claim 15 by other" in message for message in said)
    assert found[f"{session.id}/private/history.jsonl"] == b"typed"
    manifest = msgspec.json.decode(found[f"{session.id}/manifest.json"])
    assert set(manifest["links"]) == {"skills"}
    assert not any("skill.md" in name for name in found)
    assert os.stat(done.path).st_mode & 0o777 == 0o600


def test_the_same_session_gives_the_same_archive(office: Office, tmp_path: Path) -> None:
    session = ended(office)
    first = office.coord().export_session(session.id, str(tmp_path / "1.tar.gz"))
    os.utime(private(office, session.id) / "history.jsonl", (1, 1))
    second = office.coord().export_session(session.id, str(tmp_path / "2.tar.gz"))
    assert Path(first.path).read_bytes() == Path(second.path).read_bytes()


def test_export_never_writes_over_a_file(office: Office, tmp_path: Path) -> None:
    session = ended(office)
    target = tmp_path / "x.tar.gz"
    target.write_text("mine")
    with pytest.raises(Exists):
        office.coord().export_session(session.id, str(target))
    assert target.read_text() == "mine"


def test_masking_takes_secrets_out_and_leaves_out_what_is_no_text(office: Office, tmp_path: Path) -> None:
    secret = "sk-ant-oat01-abcdefghijABCDEFGH1234567890"
    session = ended(office, **{"log": f"key {secret}", "claude/.credentials.json": secret, "db": f"\0{secret}"})
    plain = office.coord().export_session(session.id, str(tmp_path / "plain.tar.gz"))
    assert secret.encode() in unpacked(plain.path)[f"{session.id}/private/log"]
    assert plain.left_out == {"claude/.credentials.json": "a login"}
    done = office.coord().export_session(session.id, str(tmp_path / "x.tar.gz"), mask=True)
    found = unpacked(done.path)
    assert secret.encode() not in b"".join(found.values())
    assert found[f"{session.id}/private/log"] == b"key [masked: an Anthropic API key]"
    assert done.masked == 1
    assert set(done.left_out) == {"claude/.credentials.json", "db"}


def test_removing_takes_the_directory_and_keeps_the_record(office: Office) -> None:
    session = ended(office)
    removed = office.coord().remove_session(session.id, shred=True)
    assert removed.shredded == removed.files > 0
    assert not private(office, session.id).exists()
    assert (office.scratch.path.parent / "shared" / "skill.md").read_text() == "shared"
    assert office.scratch.git("rev-parse", "--verify", session_ref(session.id))
    assert [view.id for view in office.coord().choose_sessions(all=True)] == [session.id]
    with pytest.raises(NotFound):
        office.coord().remove_session(session.id)


def test_a_live_session_and_one_whose_process_lives_keep_their_directory(office: Office) -> None:
    coord = office.hire("backend", pid=os.getpid())
    sid = str(coord.wanted)
    with pytest.raises(Unsafe, match="has not ended"):
        office.coord().remove_session(sid)
    coord.end()
    with pytest.raises(Unsafe, match="still runs"):
        office.coord().remove_session(sid)
    assert private(office, sid).is_dir()
    assert office.coord().archive_sessions(older_than=0).sessions == ()


def age(folder: Path, when: float) -> None:
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (when, when), follow_symlinks=False)


def test_archiving_packs_what_ended_long_ago_and_leaves_the_young(timed: Office, clock: FakeClock) -> None:
    old = ended(timed, "old")
    age(private(timed, old.id), clock.wall)
    clock.move(31 * DAY)
    young = ended(timed, "young")
    age(private(timed, young.id), clock.wall)
    planned = timed.coord().archive_sessions(dry_run=True)
    assert [item.session for item in planned.sessions] == [old.id]
    assert private(timed, old.id).exists()
    done = timed.coord().archive_sessions()
    assert done.sessions == planned.sessions
    assert not private(timed, old.id).exists()
    assert private(timed, young.id).exists()
    assert unpacked(done.sessions[0].path)[f"{old.id}/private/history.jsonl"] == b"typed"
    assert {view.id for view in timed.coord().choose_sessions(all=True)} == {old.id, young.id}
    assert timed.coord().show_session(old.id).archives == (done.sessions[0].path,)
    assert timed.coord().archive_sessions().sessions == ()


def test_a_directory_with_nothing_of_anybodys_goes_without_an_archive(timed: Office, clock: FakeClock) -> None:
    coord = timed.hire()
    sid = str(coord.wanted)
    coord.end()
    age(private(timed, sid), clock.wall)
    clock.move(31 * DAY)
    planned = timed.coord().archive_sessions(dry_run=True)
    assert (planned.sessions, planned.bare) == ((), (sid,))
    assert private(timed, sid).exists()
    assert timed.coord().archive_sessions().bare == (sid,)
    assert not private(timed, sid).exists()
    assert not (timed.scratch.common_dir() / "coord" / "archive").exists()


def test_what_was_written_to_lately_is_not_archived_however_long_ago_the_record_says(
    timed: Office, clock: FakeClock
) -> None:
    session = ended(timed)
    clock.move(31 * DAY)
    age(private(timed, session.id), clock.wall - DAY)
    assert timed.coord().archive_sessions().sessions == ()


def test_an_archiving_that_was_killed_before_it_removed_is_finished_without_a_second_archive(
    timed: Office, clock: FakeClock
) -> None:
    session = ended(timed)
    age(private(timed, session.id), clock.wall)
    clock.move(31 * DAY)
    saved = {path.name: path.read_bytes() for path in private(timed, session.id).iterdir() if path.is_file()}
    first = timed.coord().archive_sessions().sessions[0]
    folder = private(timed, session.id)
    folder.mkdir()
    for name, data in saved.items():
        (folder / name).write_bytes(data)
    (folder / "skills").symlink_to(timed.scratch.path.parent / "shared")
    age(folder, clock.wall - 31 * DAY)
    assert [item.path for item in timed.coord().archive_sessions().sessions] == [first.path]
    assert not folder.exists()
    assert len(os.listdir(os.path.dirname(first.path))) == 1


def test_the_time_after_which_sessions_are_archived_is_a_setting(timed: Office, clock: FakeClock) -> None:
    session = ended(timed)
    age(private(timed, session.id), clock.wall)
    clock.move(2 * DAY)
    assert timed.coord().archive_sessions(dry_run=True).sessions == ()
    timed.scratch.git("config", "coord.sessionRetention", "1d")
    assert [item.session for item in timed.coord().archive_sessions(dry_run=True).sessions] == [session.id]


def test_sessions_are_sorted_and_chosen_as_asked(timed: Office, clock: FakeClock) -> None:
    coords = {}
    for name, agent, label in (("zoe", "claude", {"team": "web"}), ("Abe", "codex", {}), ("mia", "claude", {})):
        coords[name] = timed.coord()
        coords[name].wanted = coords[name].start(name, agent=agent, labels=label, bind=False).id
        clock.move(400)
    coords["zoe"].heartbeat()
    coords["mia"].end()

    def chosen(**choice: object) -> list[str]:
        return [view.name for view in timed.coord().choose_sessions(**choice)]  # type: ignore[arg-type]

    assert chosen() == ["Abe", "zoe"]
    assert chosen(all=True) == ["mia", "Abe", "zoe"]
    assert chosen(sort="name") == ["Abe", "zoe"]
    assert chosen(all=True, sort="activity") == ["zoe", "mia", "Abe"]
    assert chosen(all=True, sort="status") == ["zoe", "Abe", "mia"]
    assert chosen(status=["ended"]) == ["mia"]
    assert chosen(status=["active"]) == ["zoe"]
    assert chosen(agent="claude") == ["zoe"]
    assert chosen(label=["team=web"]) == chosen(label=["team"]) == chosen(name="z*") == ["zoe"]
    assert chosen(label=["team=app"]) == []
    assert chosen(all=True, here=True) == ["mia", "Abe", "zoe"]
    with pytest.raises(Usage):
        chosen(sort="age")


def test_a_purge_of_the_state_keeps_what_programs_left_and_takes_the_notes(timed: Office, clock: FakeClock) -> None:
    archived, kept, bare = ended(timed, "archived"), ended(timed, "kept"), timed.hire("bare").end().session
    age(private(timed, archived.id), clock.wall)
    clock.move(31 * DAY)
    (private(timed, kept.id) / "history.jsonl").write_text("typed again")
    age(private(timed, kept.id), clock.wall)
    done = timed.coord().archive_sessions().sessions
    assert [item.session for item in done] == [archived.id]
    last = timed.coord()
    last.uninstall(purge_state=True)
    assert (private(timed, kept.id) / "history.jsonl").read_text() == "typed again"
    assert os.path.exists(done[0].path)
    assert not private(timed, bare.id).exists()
    assert sorted(os.listdir(timed.scratch.common_dir() / "coord")) == ["archive", "sessions"]
    assert any(kept.id in notice.message for notice in last.notices)


def test_a_purge_leaves_nothing_where_there_is_nothing_of_anybodys(office: Office) -> None:
    office.hire().end()
    last = office.coord()
    last.uninstall(purge_state=True)
    assert not (office.scratch.common_dir() / "coord").exists()
    assert last.notices == []
