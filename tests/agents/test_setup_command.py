"""``git coord setup AGENT`` from the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitcoord.agents.setup import AGENTS
from tests.support import Scratch

FILES = {
    "claude": [".claude/settings.json", ".claude/skills/gitcoord/SKILL.md"],
    "codex": [".codex/hooks.json", "AGENTS.md"],
    "gemini": [".gemini/settings.json", "GEMINI.md"],
    "cursor": [".cursor/hooks.json", ".cursor/rules/gitcoord.mdc"],
    "copilot": [".github/hooks/gitcoord.json", ".github/copilot-instructions.md"],
}
USER_FILES = {
    "claude": [".claude/settings.json", ".claude/skills/gitcoord/SKILL.md"],
    "codex": [".codex/hooks.json", ".codex/AGENTS.md", ".codex/config.toml"],
    "gemini": [".gemini/settings.json", ".gemini/GEMINI.md"],
    "cursor": [".cursor/hooks.json", ".cursor/mcp.json"],
    "copilot": [".copilot/hooks/gitcoord.json", ".copilot/copilot-instructions.md", ".copilot/mcp-config.json"],
}


@pytest.mark.parametrize("agent", AGENTS)
def test_each_agent_is_set_up_checked_and_taken_out(agent: str, scratch: Scratch) -> None:
    before = scratch.user_state()
    missing = scratch.coord("setup", agent, "--check", "--no-mcp", "--json")
    assert (missing.code, missing.error["code"]) == (1, "not-found")
    assert missing.error["hint"] == f"git coord setup {agent}"
    assert [file["action"] for file in missing.error["files"]] == ["create", "create"]
    paths = [str(scratch.path / name) for name in FILES[agent]]
    made = scratch.coord("setup", agent, "--no-mcp", "--json").result
    assert made == [{"path": path, "action": "create"} for path in paths]
    assert scratch.coord("setup", agent, "--check", "--no-mcp").code == 0
    assert scratch.coord("setup", agent, "--no-mcp").out == f"nothing to do: {agent} is set up already\n"
    gone = scratch.coord("setup", agent, "--remove", "--json").result
    assert gone == [{"path": path, "action": "remove"} for path in paths]
    assert scratch.coord("setup", agent, "--remove").out == "nothing to take out\n"
    assert scratch.user_state() == before


def test_a_check_tells_what_is_missing_from_what_is_out_of_date(scratch: Scratch) -> None:
    scratch.coord("setup", "gemini", "--no-mcp")
    path = scratch.path / ".gemini" / "settings.json"
    path.write_text(path.read_text().replace("git-coord hook agent", "git coord hook agent"))
    (scratch.path / "GEMINI.md").unlink()
    ran = scratch.coord("setup", "gemini", "--no-mcp", "--check")
    assert ran.code == 1
    assert ran.out.splitlines() == [f"  out of date  {path}", f"  missing      {scratch.path}/GEMINI.md"]
    assert scratch.coord("setup", "gemini", "--no-mcp").code == 0
    assert scratch.coord("setup", "gemini", "--no-mcp", "--check").code == 0


def test_printing_writes_nothing_and_shows_a_diff(scratch: Scratch) -> None:
    path = scratch.path / "AGENTS.md"
    path.write_text("ours\n")
    ran = scratch.coord("setup", "codex", "--print", "--no-mcp")
    assert (ran.code, path.read_text()) == (0, "ours\n")
    assert not (scratch.path / ".codex").exists()
    assert f"--- {path}\n+++ {path}\n@@ -1 +1," in ran.out
    assert f"--- /dev/null\n+++ {scratch.path}/.codex/hooks.json\n" in ran.out
    assert "\n ours\n+\n+<!-- >>> gitcoord >>>" in ran.out
    assert not (scratch.path / ".git" / "coord" / "setup").exists()
    printed = scratch.coord("setup", "codex", "--print", "--no-mcp", "--json").result
    assert [file["action"] for file in printed] == ["create", "update"]
    assert printed[1]["diff"].startswith(f"--- {path}\n")


def test_a_removal_can_be_printed_first(scratch: Scratch) -> None:
    scratch.coord("setup", "codex", "--no-mcp")
    ran = scratch.coord("setup", "codex", "--print", "--remove")
    assert f"--- {scratch.path}/AGENTS.md\n+++ /dev/null\n" in ran.out
    assert (scratch.path / "AGENTS.md").exists()


def test_text_of_others_in_a_diff_cannot_steer_a_terminal(scratch: Scratch) -> None:
    (scratch.path / "AGENTS.md").write_text("evil \x1b]0;title\x07\n")
    assert "\x1b" not in scratch.coord("setup", "codex", "--print").out


def test_a_linked_worktree_gets_files_of_its_own(scratch: Scratch) -> None:
    scratch.git("worktree", "add", "-q", "../linked tree", "-b", "side")
    linked = Scratch(scratch.path.parent / "linked tree")
    (linked.path / "deep").mkdir()
    assert Scratch(linked.path / "deep").coord("setup", "claude", "--no-mcp").code == 0
    assert (linked.path / ".claude" / "settings.json").exists()
    assert not (linked.path / "deep" / ".claude").exists()
    assert not (scratch.path / ".claude").exists()
    assert scratch.coord("setup", "claude", "--no-mcp").code == 0
    assert linked.coord("setup", "claude", "--remove").code == 0
    assert not (linked.path / ".claude").exists()
    assert (scratch.path / ".claude" / "settings.json").exists()


def test_without_a_worktree_there_is_no_place(tmp_path: Path) -> None:
    bare = Scratch.create(tmp_path / "bare.git", "--bare")
    ran = bare.coord("setup", "claude", "--json")
    assert (ran.code, ran.error["code"]) == (128, "no-repository")
    assert "--user" in ran.error["hint"]
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    assert Scratch(nowhere).coord("setup", "claude").code == 128
    assert list(nowhere.iterdir()) == []


@pytest.mark.parametrize("agent", AGENTS)
def test_the_users_own_settings_need_no_repository(agent: str, tmp_path: Path) -> None:
    home = Path(os.environ["HOME"])
    before = sorted(home.rglob("*"))
    here = Scratch(tmp_path)
    made = here.coord("setup", agent, "--user", "--mcp", "--json")
    assert [file["path"] for file in made.result] == [str(home / name) for name in USER_FILES[agent]]
    assert here.coord("setup", agent, "--user", "--mcp", "--check").code == 0
    assert here.coord("setup", agent, "--user", "--remove").code == 0
    left = [path for path in sorted(home.rglob("*")) if path not in before]
    assert [path.name for path in left] in ([], [".local", "state"])
    assert list(tmp_path.iterdir()) == []


def test_the_users_settings_may_have_moved(tmp_path: Path) -> None:
    here = Scratch(tmp_path)
    moved = {"CLAUDE_CONFIG_DIR": str(tmp_path / "moved")}
    assert here.coord("setup", "claude", "--user", "--no-mcp", env=moved).code == 0
    assert (tmp_path / "moved" / "skills" / "gitcoord" / "SKILL.md").exists()
    assert here.coord("setup", "claude", "--user", "--remove", env=moved).code == 0
    assert list(tmp_path.iterdir()) == []


def test_users_are_told_what_is_left_for_them_to_do(scratch: Scratch) -> None:
    ran = scratch.coord("setup", "claude", "--user", "--mcp")
    assert "claude mcp add --scope user" in ran.err
    assert ran.out.splitlines()[-1] == "undo: git coord setup claude --user --remove"
    assert "/hooks" in scratch.coord("setup", "codex").err
    assert "git coord init" in scratch.coord("setup", "gemini").err
    scratch.coord("init", "--no-hooks")
    assert "git coord init" not in scratch.coord("setup", "gemini").err


@pytest.mark.parametrize(
    "options", [["--check", "--remove"], ["--check", "--print"], ["--mcp", "--no-mcp"], ["--nix"], ["vim"]]
)
def test_what_makes_no_sense_is_a_usage_error(scratch: Scratch, options: list[str]) -> None:
    assert scratch.coord("setup", "claude", *options).code == 129
    assert scratch.coord("setup").code == 129
    assert not (scratch.path / ".claude").exists()


def test_a_broken_settings_file_is_named_and_left_alone(scratch: Scratch) -> None:
    path = scratch.path / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text('{"a": 1,')
    ran = scratch.coord("setup", "claude", "--json")
    assert (ran.code, ran.error["code"], ran.error["path"]) == (1, "unsafe", str(path))
    assert path.read_text() == '{"a": 1,'
    assert sorted(scratch.path.joinpath(".claude").iterdir()) == [path]


def test_several_at_once_write_what_one_writes(scratch: Scratch) -> None:
    path = scratch.path / "AGENTS.md"
    path.write_text("others")
    running = [scratch.start_coord("setup", "codex", "--no-mcp") for _ in range(4)]
    assert [one.wait(60) for one in running] == [0] * 4
    for one in running:
        one.communicate()
    assert path.read_text().count(">>> gitcoord >>>") == 1
    assert scratch.coord("setup", "codex", "--check", "--no-mcp").code == 0
    assert scratch.coord("setup", "codex", "--remove", "-q").out == ""
    assert path.read_text().strip() == "others"
    assert sorted(scratch.path.iterdir()) == [scratch.path / ".git", path, scratch.path / "README.md"]


def test_it_goes_by_the_worktree_also_when_git_dir_is_exported(scratch: Scratch) -> None:
    (scratch.path / "sub").mkdir()
    env = {"GIT_DIR": str(scratch.path / ".git")}
    assert Scratch(scratch.path / "sub").coord("setup", "codex", "--no-mcp", env=env).code == 0
    assert (scratch.path / "AGENTS.md").exists()


def test_a_directory_that_cannot_be_written_is_an_error_in_words(scratch: Scratch) -> None:
    if os.geteuid() == 0:
        (scratch.path / ".codex").symlink_to("/proc/self/nowhere")
        assert scratch.coord("setup", "codex").code == 1
        return
    scratch.path.chmod(0o500)
    ran = scratch.coord("setup", "codex", "--json")
    scratch.path.chmod(0o700)
    assert (ran.code, ran.error["code"]) == (128, "git")
