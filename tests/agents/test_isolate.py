"""A session's private directory: what is in it, what is shared, what is merged, and what a successor finds."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gitcoord.agents import isolate_toml
from gitcoord.agents.isolate import Former, prepare
from gitcoord.core import names
from gitcoord.errors import Usage

A, B, C = "s-aaaaaaaaaa", "s-bbbbbbbbbb", "s-cccccccccc"


class Desk:
    """A user's home, a project and the directories of sessions."""

    def __init__(self, at: Path) -> None:
        self.home, self.project, self.sessions = at / "the home", at / "projekt ü", at / "coord" / "sessions"
        for folder in (self.home, self.project, self.sessions):
            folder.mkdir(parents=True)

    def put(self, name: str, content: Any) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else msgspec.json.encode(content).decode())
        return path

    def prepare(
        self,
        sid: str = A,
        agent: str = "claude",
        *,
        former: Sequence[Former] = (),
        environ: Mapping[str, str] | None = None,
        **config: Sequence[str],
    ) -> dict[str, str]:
        (self.sessions / sid).mkdir(exist_ok=True)
        return prepare(
            agent=agent,
            sid=sid,
            session_dir=str(self.sessions / sid),
            environ={"HOME": str(self.home), **(environ or {})},
            config={f"coord.isolate.{agent}.{name}": values for name, values in config.items()},
            project=str(self.project),
            former=former,
        )

    def read(self, name: str, sid: str = A) -> Any:
        return msgspec.json.decode((self.sessions / sid / "claude" / name).read_bytes())

    def former(self, sid: str, *, gone: bool = True) -> list[Former]:
        return [Former(str(self.sessions / sid), gone)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_is_private_is_a_directory_of_its_own_that_nobody_else_may_enter(desk: Desk) -> None:
    desk.put(".claude/history.jsonl", "what others typed\n")
    desk.put(".claude/projects/x/1.jsonl", "a transcript\n")
    env = desk.prepare()
    private = Path(env["CLAUDE_CONFIG_DIR"])
    assert private == desk.sessions / A / "claude"
    assert env["CLAUDE_HISTORY_FILE"] == str(private / "history.jsonl")
    assert env["CLAUDE_TODOS_DIR"] == str(private / "todos")
    assert not (private / "history.jsonl").exists()
    assert list((private / "projects").iterdir()) == []
    for path in (private, private / "todos", private / "shell-snapshots", Path(env["CLAUDE_MCP_STATE_DIR"])):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


def test_what_is_shared_is_a_link_to_the_users_own_and_what_is_not_there_is_left_out(desk: Desk) -> None:
    skill = desk.put(".claude/skills/review/SKILL.md", "how we review")
    login = desk.put(".claude/.credentials.json", "{}")
    private = Path(desk.prepare()["CLAUDE_CONFIG_DIR"])
    assert (private / "skills" / "review" / "SKILL.md").samefile(skill)
    assert os.readlink(private / ".credentials.json") == str(login)
    assert not os.path.lexists(private / "agents")
    desk.put(".claude/agents/one.md", "new")
    login.unlink()
    desk.prepare()
    assert (private / "agents" / "one.md").read_text() == "new"
    assert not os.path.lexists(private / ".credentials.json")


def test_a_file_that_replaced_a_link_stays_with_its_session(desk: Desk) -> None:
    desk.put(".claude/.credentials.json", "old")
    own = Path(desk.prepare()["CLAUDE_CONFIG_DIR"]) / ".credentials.json"
    own.unlink()
    own.write_text("renewed")
    desk.prepare()
    assert own.read_text() == "renewed"
    assert (desk.home / ".claude/.credentials.json").read_text() == "old"


def test_settings_are_merged_from_shared_configured_and_own_ones(desk: Desk) -> None:
    desk.put(".claude/settings.json", {"model": "opus", "env": {"A": "1", "B": "2"}, "allow": ["x"], "gone": True})
    mine = desk.put("isolated.json", {"env": {"B": "3"}, "gone": None})
    (desk.sessions / A).mkdir()
    (desk.sessions / A / "settings.json").write_text('{"env": {"C": "4"}, "allow": ["y"]}')
    desk.prepare(settings=[str(mine)])
    assert desk.read("settings.json") == {"model": "opus", "env": {"A": "1", "B": "3", "C": "4"}, "allow": ["y"]}
    desk.prepare(B)
    assert desk.read("settings.json", B)["env"] == {"A": "1", "B": "2"}


def test_what_a_session_changed_in_its_copy_outlives_the_next_start(desk: Desk) -> None:
    desk.put(".claude/settings.json", {"model": "opus", "theme": "dark", "old": 1})
    desk.prepare()
    copy = desk.sessions / A / "claude" / "settings.json"
    copy.write_text('{"theme": "light", "old": 1, "mine": true}')
    desk.put(".claude/settings.json", {"model": "haiku", "theme": "dark", "new": 2})
    for _ in range(2):
        desk.prepare()
        assert desk.read("settings.json") == {"theme": "light", "mine": True, "new": 2}
    assert desk.home.joinpath(".claude/settings.json").read_text().count("haiku") == 1


def test_claude_json_is_copied_without_what_others_typed(desk: Desk) -> None:
    entry = {"history": ["secret plans"], "hasTrustDialogAccepted": True}
    desk.put(".claude.json", {"userID": "u", "projects": {str(desk.project): entry}})
    desk.prepare()
    projects = {str(desk.project): {"hasTrustDialogAccepted": True}}
    assert desk.read(".claude.json") == {"userID": "u", "projects": projects}
    assert stat.S_IMODE((desk.sessions / A / "claude" / ".claude.json").stat().st_mode) == 0o600


def test_every_mcp_server_that_is_a_program_has_its_own_place_in_every_session(desk: Desk) -> None:
    server = {"command": "srv", "env": {"KEY": "k"}}
    desk.put(".claude.json", {"mcpServers": {"../../etc": server, "b": {"command": "b"}, "web": {"url": "https://x"}}})
    places = set()
    for sid in (A, B):
        desk.prepare(sid)
        servers = desk.read(".claude.json", sid)["mcpServers"]
        assert servers["web"] == {"url": "https://x"}
        assert servers["../../etc"]["env"]["KEY"] == "k"
        for name in ("../../etc", "b"):
            place = Path(servers[name]["env"]["CLAUDE_MCP_STATE_DIR"])
            assert place.is_dir()
            assert place.parent == desk.sessions / sid / "mcp"
            places.add(place)
    assert len(places) == 4


def test_a_server_that_is_shared_no_more_goes_from_the_copy_too(desk: Desk) -> None:
    desk.put(".claude.json", {"mcpServers": {"a": {"command": "a"}, "b": {"command": "b"}}})
    desk.prepare()
    desk.put(".claude.json", {"mcpServers": {"b": {"command": "b2"}}})
    desk.prepare()
    servers = desk.read(".claude.json")["mcpServers"]
    assert set(servers) == {"b"}
    assert servers["b"]["command"] == "b2"


def test_a_projects_own_servers_are_taken_in_only_when_the_user_agreed_to_them(desk: Desk) -> None:
    (desk.project / ".mcp.json").write_text('{"mcpServers": {"good": {"command": "g"}, "evil": {"command": "e"}}}')
    entry: dict[str, Any] = {"enabledMcpjsonServers": ["good"]}
    desk.put(".claude.json", {"projects": {str(desk.project): entry}})
    desk.prepare()
    servers = desk.read(".claude.json")["projects"][str(desk.project)]["mcpServers"]
    assert set(servers) == {"good"}
    assert servers["good"]["env"]["CLAUDE_MCP_STATE_DIR"] == str(desk.sessions / A / "mcp" / "good")
    desk.put(".claude.json", {"projects": {str(desk.project): {"enabledMcpjsonServers": []}}})
    desk.prepare()
    assert desk.read(".claude.json")["projects"][str(desk.project)].get("mcpServers", {}) == {}


@pytest.mark.parametrize("garbage", ["{", "[]", '{"mcpServers": 1}', "[" * 100_000])
def test_garbage_in_a_projects_file_is_no_hindrance(desk: Desk, garbage: str) -> None:
    (desk.project / ".mcp.json").write_text(garbage)
    desk.prepare()


def test_settings_with_comments_and_trailing_commas_are_read(desk: Desk) -> None:
    desk.put(".claude/settings.json", '{\n  // why\n  "env": {"A": "//1", }, /* and */ "allow": ["x",],\n}\n')
    desk.prepare()
    assert desk.read("settings.json") == {"env": {"A": "//1"}, "allow": ["x"]}


def test_a_shared_file_that_cannot_be_read_is_named_and_nothing_is_half_done(desk: Desk) -> None:
    desk.put(".claude/settings.json", "{not json")
    with pytest.raises(Usage, match=r"settings\.json cannot be understood"):
        desk.prepare()
    assert not (desk.sessions / A / "claude" / "settings.json").exists()


def test_inside_of_an_isolated_session_the_users_own_directory_is_still_the_source(desk: Desk) -> None:
    desk.put(".claude/skills/one.md", "x")
    desk.put(".claude.json", {"userID": "u"})
    env = desk.prepare(A)
    desk.prepare(B, environ=env)
    assert os.readlink(desk.sessions / B / "claude" / "skills") == str(desk.home / ".claude" / "skills")
    assert desk.read(".claude.json", B) == {"userID": "u"}


def test_a_config_directory_of_the_users_choice_is_the_source(desk: Desk) -> None:
    desk.put("elsewhere/CLAUDE.md", "be brief")
    desk.put("elsewhere/.claude.json", {"userID": "other"})
    private = Path(desk.prepare(environ={"CLAUDE_CONFIG_DIR": str(desk.home / "elsewhere")})["CLAUDE_CONFIG_DIR"])
    assert (private / "CLAUDE.md").read_text() == "be brief"
    assert desk.read(".claude.json") == {"userID": "other"}


@pytest.mark.parametrize("gone", [True, False])
def test_a_successor_finds_what_the_session_before_it_had(desk: Desk, gone: bool) -> None:
    desk.put(".claude/settings.json", {"theme": "dark"})
    old = Path(desk.prepare(A)["CLAUDE_CONFIG_DIR"])
    (old / "history.jsonl").write_text("mine\n")
    (old / "settings.json").write_text('{"theme": "light"}')
    (desk.sessions / A / "todos").mkdir()
    (desk.sessions / A / "todos" / "1").write_text("x")
    (desk.sessions / B / "todos").mkdir(parents=True)
    new = Path(desk.prepare(B, former=desk.former(A, gone=gone))["CLAUDE_CONFIG_DIR"])
    assert (new / "history.jsonl").read_text() == "mine\n"
    assert (desk.sessions / B / "todos" / "1").read_text() == "x"
    assert desk.read("settings.json", B) == {"theme": "light"}
    assert (old / "history.jsonl").exists() is not gone
    (new / "history.jsonl").write_text("mine\nand more\n")
    (desk.sessions / B / "todos" / "1").unlink()
    desk.prepare(B, former=desk.former(A, gone=gone))
    assert (new / "history.jsonl").read_text() == "mine\nand more\n"
    assert list((desk.sessions / B / "todos").iterdir()) == []


def test_a_successor_of_a_successor_finds_what_its_own_predecessor_never_used(desk: Desk) -> None:
    (Path(desk.prepare(A)["CLAUDE_CONFIG_DIR"]) / "history.jsonl").write_text("mine\n")
    (desk.sessions / B / "todos").mkdir(parents=True)
    (desk.sessions / B / "todos" / "1").write_text("x")
    former = [*desk.former(B), *desk.former(A)]
    assert (Path(desk.prepare(C, former=former)["CLAUDE_CONFIG_DIR"]) / "history.jsonl").read_text() == "mine\n"
    assert (desk.sessions / C / "todos" / "1").read_text() == "x"


def test_another_agent_is_isolated_as_the_settings_say(desk: Desk) -> None:
    desk.put(".robot/tools/hammer", "x")
    desk.put(".robot/memory", "shared memory")
    env = desk.prepare(
        agent="robot", variable=["ROBOT_HOME", "ROBOT_STATE"], home=["~/.robot"], shared=["tools"], private=["log/"]
    )
    private = desk.sessions / A / "robot"
    assert env["ROBOT_HOME"] == env["ROBOT_STATE"] == str(private)
    assert sorted(path.name for path in private.iterdir()) == ["log", "tools"]


def test_a_built_in_agent_can_be_told_to_keep_more_for_itself(desk: Desk) -> None:
    desk.put(".claude/plugins/p", "x")
    private = Path(desk.prepare(private=["plugins/"])["CLAUDE_CONFIG_DIR"])
    assert list((private / "plugins").iterdir()) == []
    assert not (private / "plugins").is_symlink()


@pytest.mark.parametrize(
    "config",
    [
        {"shared": ["../../.ssh"]},
        {"shared": ["/etc/passwd"]},
        {"private": ["a/../../b/"]},
        {"shared": [""]},
        {"variable": ["LD PRELOAD"]},
        {"home": ["relative"]},
        {"settings": ["/nowhere/at/all.json"]},
    ],
)
def test_a_description_that_leads_outside_is_refused(desk: Desk, config: dict[str, Any]) -> None:
    with pytest.raises(Usage):
        desk.prepare(**config)


def test_an_agent_nobody_described_is_refused_with_the_settings_that_would_help(desk: Desk) -> None:
    with pytest.raises(Usage, match="how to isolate 'make' is not known") as told:
        desk.prepare(agent="make")
    assert "coord.isolate.make.variable" in told.value.hint


def test_codex_gets_its_configuration_as_toml(desk: Desk) -> None:
    desk.put(".codex/config.toml", 'model = "gpt"\n[mcp_servers."a b"]\ncommand = "x"\nargs = ["1", "-2"]\n')
    desk.put(".codex/auth.json", "{}")
    private = Path(desk.prepare(agent="codex")["CODEX_HOME"])
    copy = tomllib.loads((private / "config.toml").read_text())
    assert copy["model"] == "gpt"
    place = copy["mcp_servers"]["a b"]["env"]["CLAUDE_MCP_STATE_DIR"]
    assert place == str(desk.sessions / A / "mcp" / names.key("a b"))
    assert (private / "auth.json").is_symlink()


def test_gemini_finds_its_folder_in_what_the_variable_names(desk: Desk) -> None:
    desk.put(".gemini/settings.json", {"mcpServers": {"a": {"command": "x"}}})
    outer = Path(desk.prepare(agent="gemini")["GEMINI_CLI_HOME"])
    copy = msgspec.json.decode((outer / ".gemini" / "settings.json").read_bytes())
    assert copy["mcpServers"]["a"]["env"]["CLAUDE_MCP_STATE_DIR"] == str(desk.sessions / A / "mcp" / "a")


def test_toml_that_is_written_reads_as_the_same() -> None:
    text = """
top = 1
big = 1e300
day = 2026-11-20
at = 2026-11-20T13:03:11Z
clock = 13:03:11
yes = true
"odd key\\n" = "tab\\t quote\\" back\\\\ bell\\u0007 ü \\U0001F600"
list = [1, [2, {a = "x", "b c" = {d = []}}]]
[empty]
[a]
[a.b]
x = -0.5
[[many]]
n = 1
[many.sub]
k = inf
[[many]]
"""
    data = tomllib.loads(text)
    assert tomllib.loads(isolate_toml.dumps(data)) == data
