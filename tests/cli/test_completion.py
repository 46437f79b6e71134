"""Completion of ``git coord`` by the real shells: what they offer, from where, and that it stays data."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from gitcoord.cli import offers, shellscript, slots
from gitcoord.cli.full import every_command
from gitcoord.coordinator import Coordinator
from gitcoord.errors import Usage
from tests.cli.shells import BREAKS, Shells
from tests.support import Scratch

EVERY = pytest.mark.parametrize("shell", shellscript.SHELLS)

HOSTILE = [
    "$(touch canary)",
    "`touch canary`",
    "a;touch canary",
    'it\'s "quoted" \\ *',
    "${IFS}x",
    "%F{red}x",
    "~x",
    "été",
]
UNSPEAKABLE = ["tab\there", "line\nhere", "\x1b[31mred", "right\u202eleft", "-force"]


@pytest.fixture
def shells(scratch: Scratch, tmp_path: Path) -> Shells:
    scratch.git("config", "coord.durability", "relaxed")
    with Coordinator.open(str(scratch.path), os.environ) as coord:
        coord.init(hooks=False)
        coord.start("backend")
        for task in ("15", "16", "over"):
            coord.task_add(f"task {task}", id=task)
        coord.task_cancel("over", reason="no")
        coord.claim("15")
        coord.lock(["deploy"])
        coord.set("issue:15", "phase", "review")
    return Shells(scratch, tmp_path / "a folder")


def age_refs(repo: Scratch) -> None:
    """As if no ref had changed for a minute: what was read within two seconds of a change is read once more."""
    common = repo.common_dir()
    for place in (common / "refs", *(common / "refs").rglob("*"), common / "packed-refs"):
        if place.exists():
            os.utime(place, (time.time() - 60,) * 2)


# -- what is offered --------------------------------------------------------------------------------------------------


@EVERY
def test_a_shell_understands_its_script(shells: Shells, shell: str) -> None:
    script = shells.script(shell)
    code = "fish --no-execute $argv[1]" if shell == "fish" else f'{shell} -n "$1"'
    assert shells.run(shell, code, script) == ""


@EVERY
def test_verbs_options_and_their_words_are_offered_without_python(shells: Shells, shell: str) -> None:
    firsts = {command.verb.split(" ")[0] for command in every_command() if not command.hidden}
    assert firsts <= set(shells.values(shell, "git", "coord", ""))
    assert "hook" not in shells.values(shell, "git", "coord", "")
    assert {*shells.values(shell, "git", "coord", "task", "")} == {"add", "cancel", "edit", "list", "show"}
    assert {"--next", "--no-worktree"} <= {*shells.values(shell, "git", "coord", "claim", "--n")}
    assert {*shells.values(shell, "git", "coord", "init", "--guard", "")} == {"block", "off", "warn"}
    assert {*shells.values(shell, "git", "coord", "--json", "done", "--status", "p")} == {"passed"}
    assert "--hub" not in shells.values(shell, "git", "coord", "init", "--", "--h")
    assert shells.started == []


@EVERY
def test_each_place_gets_what_fits_there(shells: Shells, shell: str) -> None:
    assert shells.values(shell, "git", "coord", "claim", "") == ["16"]
    age_refs(shells.repo)
    assert shells.values(shell, "git", "coord", "release", "") == ["15"]
    assert shells.values(shell, "git", "coord", "claim", "--label", "x", "1") == ["16"]
    assert sorted(shells.values(shell, "git", "coord", "task", "show", "")) == ["15", "16", "over"]
    assert shells.values(shell, "git", "coord", "--session", "back") == ["backend"]
    assert "show" in shells.values(shell, "git", "coord", "sessions", "")
    assert shells.values(shell, "git", "coord", "sessions", "show", "back") == ["backend"]
    assert shells.values(shell, "git", "coord", "unlock", "d") == ["deploy"]
    assert shells.values(shell, "git", "coord", "unlock", "x", "d") == ["deploy"]
    assert shells.values(shell, "git", "coord", "get", "iss") == ["issue:15"]
    assert "main" in shells.values(shell, "git", "coord", "claim", "16", "--base", "m")
    assert shells.values(shell, "git", "coord", "worktree", "path", "") == ["15"]
    assert shells.values(shell, "git", "coord", "claim", "16", "") == []
    assert shells.values(shell, "git", "coord", "nonsense", "x", "") == []


def test_bash_replaces_only_what_readline_does(shells: Shells) -> None:
    assert shells.tab("bash", "git", "coord", "get", "issue:1") == ["15 "]
    assert shells.tab("bash", "git", "coord", "init", "--guard=b") == ["block "]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("git-coord get issue : ''", "15 "),
        ("git-coord get issue : 1", "15 "),
        ("git-coord init --guard = b", "block "),
        ("git-coord --session = back", "backend "),
        ("git-coord release ''", "15 "),
        ("git-coord --session = x release ''", "15 "),
    ],
)
def test_bash_completes_without_anybodys_help(shells: Shells, typed: str, offered: str) -> None:
    code = f"""
    source "$1"; COMP_WORDBREAKS={shellscript._quoted(BREAKS)}
    COMP_WORDS=({typed}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); __git_coord_main; printf %s "${{COMPREPLY[@]}}"
    """
    assert shells.run("bash", code, shells.script("bash")) == offered


# -- hostile names ----------------------------------------------------------------------------------------------------


@EVERY
def test_a_hostile_name_is_offered_as_data_and_never_run(shells: Shells, shell: str) -> None:
    with Coordinator.open(str(shells.repo.path), os.environ) as coord:
        coord.task_add_many([{"title": "$(touch canary)", "id": each} for each in HOSTILE])
    for _ in ("from Python", "from the cache"):
        assert sorted(shells.values(shell, "git", "coord", "claim", "")) == sorted(["16", *HOSTILE])
        age_refs(shells.repo)
    assert not list(shells.repo.path.rglob("canary"))


def test_a_name_that_cannot_be_typed_is_not_offered() -> None:
    rows = [("open", name, "a\ttitle\n\x1b[31m") for name in (*UNSPEAKABLE, "")]
    assert list(offers._lines([*rows, ("open", "15", "a\ttitle\n")])) == ["open\t15\ta\\x09title\\x0a"]


def test_what_bash_is_offered_continues_an_escaped_or_quoted_word(shells: Shells) -> None:
    with Coordinator.open(str(shells.repo.path), os.environ) as coord:
        coord.task_add_many([{"title": "t", "id": each} for each in ("my task", "my $(id)")])
    assert sorted(shells.tab("bash", "git", "coord", "claim", "my\\ t")) == ["my\\ task "]
    assert shells.tab("bash", "git", "coord", "claim", '"my ') == ["my task"]
    assert shells.tab("bash", "git", "coord", "claim", "'my t") == ["my task"]


def test_a_forged_cache_is_data_too(shells: Shells) -> None:
    cache = shells.repo.common_dir() / "coord" / "complete"
    cache.write_text("open\t$(touch canary)\t$(touch canary)\nopen\t\x1b]0;x\x07\tx\nopen\t-rf\tx\nno tab\n\t\t\n")
    age_refs(shells.repo)
    for shell in shellscript.SHELLS:
        if shutil.which(shell):
            assert shells.values(shell, "git", "coord", "claim", "") == ["$(touch canary)"], shell
    assert shells.started == []
    assert not list(shells.repo.path.rglob("canary"))


# -- the cache --------------------------------------------------------------------------------------------------------


@EVERY
def test_python_is_started_once_and_then_not_before_something_changes(shells: Shells, shell: str) -> None:
    assert shells.values(shell, "git", "coord", "claim", "") == ["16"]
    assert shells.started == ["complete"]
    age_refs(shells.repo)
    assert shells.values(shell, "git", "coord", "claim", "") == ["16"]
    assert shells.values(shell, "git", "coord", "release", "") == ["15"]
    assert shells.started == []
    with Coordinator.open(str(shells.repo.path), os.environ) as coord:
        coord.task_add("new", id="17")
    assert sorted(shells.values(shell, "git", "coord", "claim", "")) == ["16", "17"]
    assert shells.started == ["complete"]
    age_refs(shells.repo)
    shells.repo.git("pack-refs", "--all")
    assert sorted(shells.values(shell, "git", "coord", "claim", "")) == ["16", "17"]
    assert shells.started == ["complete"]


def test_the_cache_is_private_and_dated_before_what_it_was_read_from(shells: Shells) -> None:
    before = time.time()
    assert shells.repo.coord("complete").code == 0
    cache = shells.repo.common_dir() / "coord" / "complete"
    assert cache.stat().st_mode & 0o777 == 0o600
    assert cache.stat().st_mtime < before - 1
    assert shells.repo.coord("complete").out.splitlines() == cache.read_text().splitlines()
    assert [one["value"] for one in shells.repo.coord("complete", "--json").result if one["kind"] == "open"] == ["16"]


def test_a_cache_that_cannot_be_written_only_costs_time(shells: Shells) -> None:
    (shells.repo.common_dir() / "coord" / "complete").mkdir()
    assert shells.values("bash", "git", "coord", "claim", "") == ["16"]
    assert shells.values("bash", "git", "coord", "claim", "") == ["16"]
    assert shells.started == ["complete", "complete"]


def test_looking_for_candidates_is_no_sign_of_life(shells: Shells) -> None:
    common = shells.repo.common_dir()
    for beat in (common / "coord" / "sessions").rglob("beat"):
        beat.unlink()
    refs = shells.repo.git("for-each-ref", "refs/coord")
    assert shells.repo.coord("complete").code == 0
    assert shells.repo.git("for-each-ref", "refs/coord") == refs
    assert not list((common / "coord" / "sessions").rglob("beat"))


@EVERY
def test_where_there_is_no_repository_or_no_state_nothing_is_offered(
    shells: Shells, shell: str, tmp_path: Path
) -> None:
    bare = Scratch.create(tmp_path / "other")
    for place in (tmp_path, bare.path):
        assert shells.tab(shell, "git", "coord", "claim", "", at=place) == []
        assert shells.tab(shell, "git", "coord", "claim", "--nex", at=place) != []


# -- from git's own completion ----------------------------------------------------------------------------------------


def test_gits_own_bash_completion_finds_ours_by_itself(shells: Shells) -> None:
    loader = Path("/usr/share/bash-completion/bash_completion")
    gits = Path("/usr/share/bash-completion/completions/git")
    if not loader.exists() or not gits.exists():
        pytest.skip("bash-completion or git's part of it is not installed")
    place = Path(os.environ["HOME"]) / ".local/share/bash-completion/completions"
    place.mkdir(parents=True)
    (place / "git-coord").write_text(shellscript.whole("bash"))
    code = f"""
    set +o history; source {loader}; source {gits}
    COMP_LINE="git -C $1 coord claim " COMP_WORDS=(git -C "$1" coord claim "") COMP_CWORD=5 COMPREPLY=()
    COMP_POINT=${{#COMP_LINE}}
    __git_wrap__git_main; printf '%s' "${{COMPREPLY[@]}}"
    """
    said = shells.run("bash", code, str(shells.repo.path), at=shells.folder)
    assert said == "16 "


def test_gits_own_fish_completion_finds_ours_by_itself(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("fish") is None:
        pytest.skip("there is no fish here")
    config = Path(os.environ["XDG_CONFIG_HOME"]) / "fish"
    for folder, text in (("completions", shellscript.completion("fish")), ("conf.d", shellscript.functions("fish"))):
        (config / folder).mkdir(parents=True)
        (config / folder / "git-coord.fish").write_text(text)
    script = shells.folder / "probe.fish"
    script.write_text(f"cd {shells.repo.path}; complete -C 'git coord claim '; complete -C 'gcd '")
    import subprocess

    path = f"{shells.folder}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["fish", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == ["16\ttask 16", "15\ttask 15"]


# -- the command ------------------------------------------------------------------------------------------------------


def test_completion_prints_the_script_and_refuses_a_name_that_is_no_function(scratch: Scratch) -> None:
    assert scratch.coord("completion", "bash").out == shellscript.whole("bash")
    assert "cw ()" in scratch.coord("completion", "zsh", "--functions", "--jump", "cw").out
    assert scratch.coord("completion", "tcsh").code == 129
    for bad in ("a b", "", "$(x)", "-x", "a\nb"):
        with pytest.raises(Usage):
            shellscript.whole("bash", bad)


def test_every_kind_that_is_offered_somewhere_exists() -> None:
    known = {"open", "offered", "held", "ended", "place", "session", "lock", "scope", "file"}
    alone = {"file", "dir", "ref", "remote", "verb", "-"}
    for command in every_command():
        for param in command.params:
            slot = slots.slot(command, param)
            assert slot.startswith("=") or slot in alone or known.issuperset(slot.split(",")), command.verb
    assert offers._MOST > 0


def test_the_bash_script_keeps_to_what_bash_3_can_do() -> None:
    script = shellscript.whole("bash")
    for newer in (
        "mapfile",
        "readarray",
        "declare -A",
        "local -A",
        "local -n",
        "${cur,,",
        "${cur^^",
        "&>>",
        "|&",
        "coproc",
    ):
        assert newer not in script
