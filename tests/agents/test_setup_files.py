"""What an agent's set-up does to files: nothing that is not ours is touched, and all of it can be taken back."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gitcoord.agents.setup import AGENTS, Work
from gitcoord.agents.setup.jsontree import read
from gitcoord.errors import Conflict, Unsafe
from tests.support import Scratch

Setup = Callable[..., Work]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "a project é"
    (root / ".git").mkdir(parents=True)
    return root


@pytest.fixture
def work(project: Path) -> Setup:
    def make(agent: str, **wish: bool) -> Work:
        environ = {"HOME": os.environ["HOME"]}
        remember = (str(project / ".git"), ("coord", "setup"))
        private = (str(project / ".git"),)
        given = {"mcp": True, **wish}
        return Work.of(agent, str(project), environ, remember=remember, private=private, **given)

    return make


def put(work: Work) -> dict[str, str]:
    changes = work.plan()
    work.carry_out(changes)
    return {os.path.relpath(change.path, work.wish.root): change.action for change in changes}


def take_out(work: Work) -> None:
    work.carry_out_removal(work.plan_removal())


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and directory below ``root``, outside of .git, with its mode and content."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if not name.startswith(".git/"):
            found[name] = (stat.S_IMODE(path.stat().st_mode), b"" if path.is_dir() else path.read_bytes())
    return found


OTHERS = b"""\
// settings of this team
{
    "model": "m", // the good one
    "hooks": {
        "PreToolUse": [
            {"matcher": "Bash", "hooks": [{"type": "command", "command": "./check.sh"}]},
        ],
        "Stop": [],
    },
    "mcpServers": {},
}
"""

VARIANTS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda data: data,
    "carriage returns": lambda data: data.replace(b"\n", b"\r\n"),
    "byte-order mark": lambda data: b"\xef\xbb\xbf" + data,
    "no newline at the end": lambda data: data.rstrip(b"\n"),
    "tabs": lambda data: data.replace(b"    ", b"\t"),
    "blank lines at the end": lambda data: data + b"\n\n",
    "empty": lambda data: b"",
    "white space": lambda data: b" \n",
}

TEXT = b"# About this project\n\nDo not touch `x`.\n\n<!-- mine -->\nThe end: \xe9\xff \xe2\x98\x83\n"
TOML = b'# my settings\nmodel = "m" # good\n\n[mcp_servers.github]\ncommand = "gh" \n\n\n[features]\n  web = true\n'

FILES = {
    "claude": {".claude/settings.json": OTHERS, ".mcp.json": OTHERS, ".claude/skills/other/SKILL.md": TEXT},
    "codex": {".codex/hooks.json": OTHERS, ".codex/config.toml": TOML, "AGENTS.md": TEXT},
    "gemini": {".gemini/settings.json": OTHERS, "GEMINI.md": TEXT},
    "cursor": {".cursor/hooks.json": OTHERS, ".cursor/mcp.json": OTHERS, ".cursor/rules/other.mdc": TEXT},
    "copilot": {
        ".github/hooks/other.json": OTHERS,
        ".github/copilot-instructions.md": TEXT,
        ".vscode/mcp.json": OTHERS,
    },
}


def furnish(project: Path, agent: str, variant: str) -> None:
    for name, data in FILES[agent].items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(VARIANTS[variant](data))
        path.chmod(0o640)


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_removal_gives_every_byte_back(project: Path, work: Setup, agent: str, variant: str) -> None:
    furnish(project, agent, variant)
    before = tree(project)
    put(work(agent))
    assert tree(project) != before
    for name, (mode, _data) in before.items():
        assert tree(project)[name][0] == mode
    take_out(work(agent))
    assert tree(project) == before
    assert not (project / ".git" / "coord" / "setup").exists()


@pytest.mark.parametrize("agent", AGENTS)
def test_where_there_was_nothing_nothing_is_left(project: Path, work: Setup, agent: str) -> None:
    assert set(put(work(agent)).values()) == {"create"}
    take_out(work(agent))
    assert tree(project) == {".git": (0o755, b"")}
    assert work(agent).plan_removal() == []


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_twice_is_once(project: Path, work: Setup, agent: str, variant: str) -> None:
    furnish(project, agent, variant)
    put(work(agent))
    once = tree(project)
    assert set(put(work(agent)).values()) == {"unchanged"}
    assert tree(project) == once


@pytest.mark.parametrize("agent", AGENTS)
def test_what_others_wrote_is_still_there(project: Path, work: Setup, agent: str) -> None:
    furnish(project, agent, "as it is")
    put(work(agent))
    for name, data in FILES[agent].items():
        left = iter((project / name).read_bytes())
        assert all(byte in left for byte in data), name


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("variant", ["as it is", "carriage returns", "byte-order mark", "tabs"])
def test_a_clone_that_remembers_nothing_takes_out_ours_only(
    project: Path, work: Setup, agent: str, variant: str
) -> None:
    furnish(project, agent, variant)
    before = tree(project)
    put(work(agent))
    for note in (project / ".git" / "coord" / "setup").iterdir():
        note.unlink()
    take_out(work(agent))
    after = tree(project)
    assert after.keys() == before.keys()
    for name, (_mode, data) in before.items():
        if name.endswith("json"):
            empty: dict[str, object] = {"hooks": {"Stop": []}, "mcpServers": {}}
            left, had = read(after[name][1].decode("utf-8-sig")).value, read(data.decode("utf-8-sig")).value
            assert isinstance(left, dict)
            assert isinstance(had, dict)
            assert {key for key in had if had[key] != empty.get(key)} <= left.keys() <= {*had, "version"}
        else:
            assert after[name][1] == data


@pytest.mark.parametrize("agent", AGENTS)
def test_a_clone_that_remembers_nothing_deletes_files_that_hold_ours_only(
    project: Path, work: Setup, agent: str
) -> None:
    put(work(agent))
    for note in (project / ".git" / "coord" / "setup").iterdir():
        note.unlink()
    take_out(work(agent))
    assert tree(project) == {".git": (0o755, b"")}


@pytest.mark.parametrize("agent", AGENTS)
def test_what_was_edited_since_stays(project: Path, work: Setup, agent: str) -> None:
    put(work(agent))
    for name, (_mode, data) in tree(project).items():
        if name.endswith(".json"):
            (project / name).write_bytes(data.replace(b"{\n", b'{\n  "theirs": [1], // kept\n', 1))
        elif data:
            (project / name).write_bytes(b"added = 1\n" + data)
    take_out(work(agent))
    left = {name: data for name, (_mode, data) in tree(project).items() if data}
    assert left
    for name, data in left.items():
        assert b"added = 1" in data or (b'"theirs": [1]' in data and b"// kept" in data), name
        assert b"gitcoord >>>" not in data
        assert b"git-coord" not in data


def test_a_directory_with_something_else_in_it_stays(project: Path, work: Setup) -> None:
    put(work("claude"))
    (project / ".claude" / "notes.txt").write_text("mine")
    take_out(work("claude"))
    assert set(tree(project)) == {".git", ".claude", ".claude/notes.txt"}


def test_an_older_section_is_brought_up_to_date_where_it_stands(project: Path, work: Setup) -> None:
    put(work("gemini"))
    path = project / "GEMINI.md"
    current = path.read_text()
    begin, end = current.index("\n") + 1, current.rindex("<!--")
    path.write_text("above\n\n" + current[:begin] + "what an older version said\n" + current[end:] + "\nbelow\n")
    assert put(work("gemini"))["GEMINI.md"] == "update"
    assert path.read_text() == "above\n\n" + current + "\nbelow\n"
    take_out(work("gemini"))
    assert path.read_text() == "above\n\nbelow\n"


def test_an_upgrade_after_nobody_else_edited_still_leads_back_to_the_first_bytes(project: Path, work: Setup) -> None:
    furnish(project, "codex", "no newline at the end")
    before = tree(project)
    put(work("codex", mcp=False))
    put(work("codex"))
    take_out(work("codex"))
    assert tree(project) == before


def test_half_a_mark_is_no_place_to_write_to(project: Path, work: Setup) -> None:
    put(work("gemini"))
    path = project / "GEMINI.md"
    path.write_text(path.read_text().replace("<!-- <<< gitcoord <<< -->\n", ""))
    with pytest.raises(Unsafe, match="one of the two marks"):
        work("gemini").plan()


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        (".claude/settings.json", b'{"a": 1', "not valid JSON: line 1, column 8"),
        (".claude/settings.json", b'{"hooks": {"Stop": 1}}', '"Stop" is not an array'),
        (".claude/settings.json", b'{"a": "\xff"}', "not UTF-8"),
        (".claude/settings.json", '{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (".claude/skills/gitcoord/SKILL.md", b"a\0b", "not UTF-8"),
    ],
)
def test_one_file_that_cannot_be_edited_stops_everything(
    project: Path, work: Setup, name: str, data: bytes, why: str
) -> None:
    (project / name).parent.mkdir(parents=True)
    (project / name).write_bytes(data)
    before = tree(project)
    with pytest.raises(Unsafe, match=why) as refusal:
        work("claude").plan()
    assert str(project / name) in refusal.value.message
    assert tree(project) == before


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a = ", Unsafe),
        ("mcp_servers = {}\n", Unsafe),
        ('[mcp_servers.gitcoord]\ncommand = "other"\n', Conflict),
    ],
)
def test_toml_that_has_no_room_is_refused(project: Path, work: Setup, text: str, error: type[Exception]) -> None:
    path = project / ".codex" / "config.toml"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(error, match=r"config\.toml"):
        work("codex").plan()
    assert path.read_text() == text


@pytest.mark.parametrize("below", ["b = 2\n", "[mcp_servers.gitcoord.env]\nX = '1'\n"])
def test_settings_of_others_inside_our_table_keep_it_there(project: Path, work: Setup, below: str) -> None:
    path = project / ".codex" / "config.toml"
    put(work("codex"))
    path.write_text(path.read_text() + below)
    text = path.read_text()
    assert put(work("codex"))[".codex/config.toml"] == "unchanged"
    with pytest.raises(Unsafe, match="cannot be edited safely"):
        work("codex").plan_removal()
    path.write_text(text.replace('"git-coord"', '"/old/git-coord"'))
    assert put(work("codex"))[".codex/config.toml"] == "update"
    assert path.read_text() == text


def test_an_mcp_server_entered_by_hand_is_not_entered_again(project: Path, work: Setup) -> None:
    path = project / ".codex" / "config.toml"
    path.parent.mkdir()
    path.write_text('[mcp_servers.gitcoord]\ncommand = "git-coord"\nargs = ["mcp"]\nstartup_timeout_sec = 30\n')
    assert put(work("codex"))[".codex/config.toml"] == "unchanged"


def test_links_within_the_project_are_written_through(project: Path, work: Setup) -> None:
    (project / "shared").mkdir()
    (project / "shared" / "claude.json").write_text("{}")
    (project / ".claude").mkdir()
    (project / ".claude" / "settings.json").symlink_to("../shared/claude.json")
    put(work("claude"))
    assert (project / ".claude" / "settings.json").is_symlink()
    assert "hooks" in (project / "shared" / "claude.json").read_text()
    take_out(work("claude"))
    assert (project / ".claude" / "settings.json").is_symlink()
    assert (project / "shared" / "claude.json").read_text() == "{}"


@pytest.mark.parametrize("place", ["elsewhere", "git", "new in git"])
def test_links_that_lead_elsewhere_are_refused(project: Path, work: Setup, tmp_path: Path, place: str) -> None:
    target = {"elsewhere": tmp_path / "victim", "git": project / ".git/config", "new in git": project / ".git/hooks/x"}
    if place != "new in git":
        target[place].write_text("{}")
    (project / ".claude").mkdir()
    (project / ".claude" / "settings.json").symlink_to(target[place])
    with pytest.raises(Unsafe, match="leads"):
        work("claude").plan()
    assert place == "new in git" or target[place].read_text() == "{}"


def test_a_directory_that_leads_elsewhere_is_refused_too(project: Path, work: Setup, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (project / ".claude").symlink_to(tmp_path / "victim")
    with pytest.raises(Unsafe, match="leads out of"):
        work("claude").plan()
    assert list((tmp_path / "victim").iterdir()) == []


def test_a_fifo_does_not_hold_us_up(project: Path, work: Setup) -> None:
    (project / ".claude").mkdir()
    os.mkfifo(project / ".claude" / "settings.json")
    with pytest.raises(Unsafe, match="no regular file"):
        work("claude").plan()


def test_a_file_in_the_place_of_a_directory_is_refused(project: Path, work: Setup) -> None:
    (project / ".claude").write_text("mine")
    with pytest.raises(Unsafe, match="file where its directory should be"):
        work("claude").plan()


@pytest.mark.parametrize("where", ["project", "local", "user"])
def test_a_status_line_of_ones_own_stays(project: Path, work: Setup, where: str) -> None:
    base = Path(os.environ["HOME"]) if where == "user" else project
    name = "settings.local.json" if where == "local" else "settings.json"
    (base / ".claude").mkdir(exist_ok=True)
    (base / ".claude" / name).write_text('{"statusLine": {"type": "command", "command": "date"}}')
    made = work("claude")
    assert made.notes == ("there is a status line already, which stays; ours is 'git coord statusline'",)
    put(made)
    settings = msgspec.json.decode((project / ".claude" / "settings.json").read_bytes())
    assert settings.get("statusLine", {}).get("command") == ("date" if where == "project" else None)
    assert "SessionStart" in settings["hooks"]


def test_our_status_line_is_taken_out_also_where_there_is_another_one_by_now(project: Path, work: Setup) -> None:
    put(work("claude"))
    (project / ".claude" / "settings.local.json").write_text('{"statusLine": {"command": "date"}}')
    (project / ".claude" / "settings.json").write_text(
        (project / ".claude" / "settings.json").read_text().replace("{", '{\n  "a": 1,', 1)
    )
    take_out(work("claude", removal=True))
    assert msgspec.json.decode((project / ".claude" / "settings.json").read_bytes()) == {"a": 1}


def test_what_is_remembered_is_private_and_holds_nothing_of_others(scratch: Scratch) -> None:
    path = scratch.path / ".gemini" / "settings.json"
    path.parent.mkdir()
    path.write_text('{\n  "key": "SECRET"\n}\n')
    assert scratch.coord("setup", "gemini").code == 0
    notes = list((scratch.path / ".git" / "coord" / "setup").iterdir())
    assert [stat.S_IMODE(note.stat().st_mode) for note in notes] == [0o600]
    assert b"SECRET" not in notes[0].read_bytes()
