"""``doctor --report``: what helpers ask for, in a repository that is well, broken or absent; and never a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Coord
from tests.support import Scratch

SECTIONS = ("Versions", "Platform", "Repository", "Settings", "Checks", "Hooks", "Records", "Bug reports")


def section(text: str, title: str) -> str:
    """What stands in the code block of a section."""
    found = re.search(rf"^## {re.escape(title)}.*?\n\n```text\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def test_the_report_has_what_whoever_helps_asks_for(signed_on: Coord, scratch: Scratch) -> None:
    signed_on("claim", "15", "--no-worktree")
    signed_on("claim", "16", "--no-worktree")
    done = signed_on("doctor", "--report")
    assert done.code == 0
    for title in SECTIONS:
        assert section(done.out, title)
    assert re.search(r"^git +\d", section(done.out, "Versions"), re.MULTILINE)
    assert re.search(r"^task +2 ", section(done.out, "Records"), re.MULTILINE)
    assert "ok       state: repository r-" in section(done.out, "Checks")
    assert "claim ok task=16 token=1" in section(done.out, "Last 50 lines of session.log")
    assert signed_on("doctor", "--report", "--json").result["report"].startswith("# gitcoord report")


def test_no_secret_of_settings_variables_records_or_logs_is_in_it(signed_on: Coord, scratch: Scratch) -> None:
    secret = "hunter2-S3cret"
    token = "ghp_" + "a1B2" * 9
    scratch.git("config", "coord.hub", f"https://ann:{secret}@127.0.0.1:1/x.git?private_token={token}")
    scratch.git("config", "coord.sync", "manual")
    scratch.git("config", "http.extraHeader", f"Authorization: Basic {secret}")
    scratch.git("config", "core.gitProxy", secret)
    scratch.git("config", "credential.helper", f"!echo {secret}")
    scratch.git("remote", "add", "origin", f"https://{secret}@host/x")
    scratch.git("config", "coord.branch", f"x-password={secret}")
    with_hub = {"GITHUB_TOKEN": secret, "CLAUDE_API_KEY": token, "GIT_ASKPASS": secret}
    signed_on("set", "a", "b", secret)
    signed_on("event", "note", secret)
    signed_on("claim", f"password={secret}", "--no-worktree", "--provisional")
    done = signed_on("doctor", "--report", env=with_hub)
    assert done.code == 0
    assert secret not in done.out
    assert token not in done.out
    assert "coord.hub = https://***@127.0.0.1:1/x.git" in done.out
    assert "CLAUDE_API_KEY" in section(done.out, "Variables that are set")


def test_the_home_directory_is_a_tilde(scratch: Scratch) -> None:
    assert scratch.coord("init", "--no-hooks").code == 0
    done = scratch.coord("doctor", "--report", env={"HOME": str(scratch.path.parent)})
    assert str(scratch.path.parent) not in done.out
    assert "~/repo/.git" in section(done.out, "Repository")


def test_a_broken_repository_still_gets_its_report(signed_on: Coord, scratch: Scratch) -> None:
    signed_on("claim", "15", "--no-worktree")
    (scratch.common_dir() / "refs/coord/tasks/15").write_text("")
    done = signed_on("doctor", "--report")
    assert done.code == 0
    assert "refs/coord/tasks/15 is corrupt" in section(done.out, "Checks")
    assert re.search(r"^task +1 ", section(done.out, "Records"), re.MULTILINE)
    (scratch.common_dir() / "refs/coord/meta/repo").write_text("")
    assert signed_on("doctor", "--report").code == 0


def test_outside_of_a_repository_it_says_what_it_can(scratch: Scratch, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = Scratch(empty).coord("doctor", "--report")
    assert done.code == 0
    assert section(done.out, "Versions").startswith("version")
    assert section(done.out, "Records").startswith("not to be had")


def test_what_was_written_by_others_cannot_leave_its_block(signed_on: Coord, scratch: Scratch) -> None:
    scratch.git("config", "coord.branch", "x```\n# <script>\x1b[2J")
    done = signed_on("doctor", "--report")
    assert "\x1b" not in done.out
    assert done.out.count("```") == 2 * done.out.count("```text")


@pytest.mark.parametrize("extra", [(), ("--fix",)])
def test_with_fix_it_reports_what_was_repaired(extra: tuple[str, ...], signed_on: Coord, scratch: Scratch) -> None:
    signed_on("claim", "15", "--no-worktree")
    (scratch.common_dir() / "refs/coord/tasks/15").write_text("")
    done = signed_on("doctor", "--report", *extra)
    assert ("fixed    refs:" in done.out) is bool(extra)
