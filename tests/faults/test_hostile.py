"""Hostile words on the command line, in every field of every command. FAULTS HI04.

Whatever stands where: it is text. No option, path, revision or command comes of it, the user's things stay as they are,
and the answer is an ordinary one (a canary file says whether anything was executed).
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.support import Run, canaries
from tests.support import Scratch

WORDS = {
    "an option of git": "--upload-pack=touch canary",
    "an option of ours": "--force",
    "a short option": "-x",
    "a path upwards": "../../canary",
    "an absolute path": "/tmp/canary",
    "a hook": ".git/hooks/post-commit",
    "a drive": "C:\\canary",
    "a revision": "@{-1}",
    "a search": ":/first",
    "a refspec": "+refs/heads/*:refs/heads/*",
    "a branch": "refs/heads/main",
    "a command": "x; touch canary",
    "a substitution": "$(touch canary)`touch canary`",
    "a pipe": "| touch canary",
    "a transport": "ext::sh -c touch% canary",
    "a line break": "one\ntwo: three",
    "an escape sequence": "\x1b]0;owned\x07",
    "bytes that are no text": "x\udcff\udcfe",
    "a long name": "n" * 3000,
}
"""Python cannot pass NUL in an argument; neither can anybody else."""

FIELDS = (
    ("task", "add", "{}"),
    ("task", "add", "t", "--id", "{}"),
    ("task", "add", "t", "--body", "{}", "--label", "{}"),
    ("task", "add", "t", "--after", "{}"),
    ("task", "show", "{}"),
    ("task", "list", "--label", "{}"),
    ("task", "list", "--state", "{}"),
    ("task", "edit", "spare", "--title", "{}", "--body", "{}"),
    ("task", "edit", "spare", "--label", "{}", "--remove-after", "{}"),
    ("task", "edit", "{}", "--priority", "1"),
    ("task", "cancel", "{}", "--reason", "{}"),
    ("ready", "--label", "{}"),
    ("start", "{}", "--no-bind"),
    ("start", "n", "--no-bind", "--agent", "{}", "--model", "{}"),
    ("start", "n", "--no-bind", "--external-id", "{}", "--label", "k={}"),
    ("resume", "{}"),
    ("end", "{}"),
    ("--session", "{}", "whoami"),
    ("claim", "{}", "--no-worktree"),
    ("claim", "{}"),
    ("claim", "based", "--base", "{}"),
    ("claim", "branched", "--branch", "{}"),
    ("progress", "{}", "5"),
    ("progress", "held", "5", "--phase", "{}", "--message", "{}"),
    ("release", "{}", "--reason", "{}"),
    ("done", "{}", "--summary", "{}"),
    ("done", "other", "--pr", "{}", "--commit", "{}"),
    ("takeover", "{}", "--reason", "{}"),
    ("handoff", "{}", "--note", "n"),
    ("handoff", "held", "--note", "{}", "--to", "{}"),
    ("handoff", "held", "--note", "{}", "--phase", "{}", "--next", "{}", "--context", "k={}"),
    ("accept", "{}"),
    ("withdraw", "{}"),
    ("withdraw", "held"),
    ("worktree", "create", "{}"),
    ("worktree", "remove", "{}"),
    ("worktree", "adopt", "{}", "--task", "held"),
    ("log", "--task", "{}"),
    ("log", "--session", "{}", "--type", "{}"),
    ("cleanup", "--older-than", "{}"),
    ("status",),
    ("task", "list", "--all"),
    ("sessions", "--all"),
    ("log",),
)


def spelled(field: tuple[str, ...], word: str) -> list[str]:
    """The command line with the word in its place; one that begins with a dash as whoever means it must write it."""
    if not word.startswith("-") or field[0] == "--session":
        return [part.replace("{}", word) for part in field]
    options, rest = [], list(field)
    for part, value in pairwise(field):
        if part.startswith("--") and "{}" in value:
            options.append(f"{part}={value.replace('{}', word)}")
            rest.remove(part)
            rest.remove(value)
    first = next((at for at, part in enumerate(rest) if part == "{}"), len(rest))
    return [*rest[:first], *options, "--", *(part.replace("{}", word) for part in rest[first:])]


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS.keys())
def test_hi04_names_options_paths_in_every_field_of_every_command(run: Run, watched: Scratch, word: str) -> None:
    for name in ("spare", "held", "other"):
        run("task", "add", "t", "--id", name)
    for name in ("held", "other"):
        run("claim", name, "--no-worktree")
    mine = watched.user_state()
    for field in FIELDS:
        run(*spelled(field, word))
    for variable in ("GIT_COORD_SESSION", "CLAUDE_CODE_SESSION_ID", "USER", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"):
        run("whoami", more={variable: word})
        run("task", "add", "t", "--id", f"by-{variable.lower()}", more={variable: word})
    run("progress", "held", "5", more={"GIT_COORD_TASK": word, "GIT_COORD_TOKEN": word})
    for verb in ("task show", "claim", "done", "accept", "end"):
        run(*verb.split(), word)
    assert canaries(watched) == []
    after = watched.user_state()
    for kept in ("head", "index", "stash", "config", "status"):
        assert after[kept] == mine[kept]
    assert set(mine["refs"].splitlines()) <= set(after["refs"].splitlines())
    assert watched.git("fsck", "--no-progress", "--no-dangling") == ""
    assert [check["status"] for check in run("doctor").result if check["name"] in ("refs", "state")] == ["ok", "ok"]


@pytest.mark.parametrize("template", ["-x/{task}", "../{task}", "@{-1}", "a b", "refs/heads/{task}", "{task}.lock"])
def test_hi04_a_branch_template_that_makes_no_branch_is_refused(run: Run, watched: Scratch, template: str) -> None:
    watched.git("config", "coord.branch", template)
    ran = run("claim", "15")
    assert ran.code in (1, 129), ran
    assert run("task", "show", "15").code == 0
    assert run("task", "show", "15").result["claim"] is None


def test_hi04_where_worktrees_go_is_local_configuration_and_may_be_anywhere(
    run: Run, watched: Scratch, tmp_path: Path
) -> None:
    watched.git("config", "coord.worktreeDir", str(tmp_path / "elsewhere" / "{task}"))
    assert run("claim", "15").result["worktree"] == str(tmp_path / "elsewhere" / "15")
    assert run("claim", "../16").result["worktree"].startswith(str(tmp_path / "elsewhere" / "16+"))
