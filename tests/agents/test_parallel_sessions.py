"""Sessions side by side on one repository, as real processes: each has its own, and all see each other.

Separate histories, shared skills and separate MCP servers of isolated ones, and the clean-up of old ones, are tests of
their own beside ``isolate``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.agents.support import Shell, coordinated, eventually, history, running, sessions, shim, standin
from tests.support import Scratch


@pytest.fixture
def repo(scratch: Scratch) -> Scratch:
    return coordinated(scratch)


def at_once(repo: Scratch, many: int, folder: Path, *options: str, words: list[str]) -> list[int]:
    """Run as many stand-ins, all of them there before the first one ends; their exit codes.

    In ``words`` ``{n}`` is the number of each.
    """
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                running(
                    repo.path,
                    *options,
                    "--",
                    *standin("touch", str(folder / f"ready{number}"), "await", str(folder / "go")),
                    *(word.format(n=number) for word in words),
                )
            )
            for number in range(many)
        ]
        eventually(lambda: len(list(folder.glob("ready*"))) == many or _one_failed(started))
        (folder / "go").touch()
        return [child.wait(120) for child in started]


def _one_failed(started: list[subprocess.Popen[str]]) -> bool:
    for child in started:
        assert child.poll() in (None, 0), child.communicate()
    return False


def test_two_of_one_name_started_at_once_are_two(repo: Scratch, tmp_path: Path) -> None:
    assert at_once(repo, 2, tmp_path, "--name", "x", words=["say", "from {n}"]) == [0, 0]
    found = sessions(repo)
    assert {session["name"] for session in found} == {"x", "x-2"}
    assert len({session["id"] for session in found}) == 2
    assert sorted(history(repo, session["id"]) for session in found) == [["from 0"], ["from 1"]]


def test_each_has_a_history_and_a_list_of_its_own(repo: Scratch, tmp_path: Path) -> None:
    words = ["say", "typed {n}", "todo", "do {n}", "snapshot", "s {n}", "debug", "d {n}"]
    assert at_once(repo, 3, tmp_path, words=words) == [0, 0, 0]
    said = {session["id"]: history(repo, session["id"]) for session in sessions(repo)}
    assert sorted(said.values()) == [["typed 0"], ["typed 1"], ["typed 2"]]
    places = [repo.common_dir() / "coord/sessions" / sid for sid in said]
    assert [[path.name for path in (place / "todos").iterdir()] for place in places] == [
        [f"{sid}.json"] for sid in said
    ]


def test_a_resumed_one_finds_its_own_again_beside_the_others(repo: Scratch, tmp_path: Path) -> None:
    assert repo.coord("run", "--name", "a", "--on-exit", "keep", "--", *standin("say", "a1")).code == 0
    assert repo.coord("run", "--name", "b", "--on-exit", "keep", "--", *standin("say", "b1")).code == 0
    assert repo.coord("run", "--resume", "a", "--", *standin("say", "a2")).code == 0
    assert sorted(history(repo, session["id"]) for session in sessions(repo)) == [["a1", "a2"], ["b1"]]


def crowd(repo: Scratch, many: int, folder: Path) -> None:
    """So many at once, each with a task of its own, a shared lock, and Git at work in its worktree."""
    for number in range(many):
        repo.coord("task", "add", f"task {number}", "--id", f"t{number}")
    before = repo.user_state()
    script = (
        "echo {n} >file && git add file && git commit -qm work && git gc -q --auto && "
        f'"{standin()[0]}" -m gitcoord progress 50 && "{standin()[0]}" -m gitcoord done'
    )
    with ExitStack() as stack:
        started = [
            stack.enter_context(running(repo.path, "--next", "--", "sh", "-c", script.replace("{n}", str(number))))
            for number in range(many)
        ]
        said = [child.communicate(timeout=240)[1] for child in started]
    assert [text for child, text in zip(started, said, strict=True) if child.returncode] == []
    found = repo.coord("task", "list", "--state", "done", "--json").result
    assert len(found) == many
    assert {task["token"] for task in found} == {1}
    assert {(session["state"], session["exit_code"]) for session in sessions(repo)} == {("ended", 0)}
    branches = repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads/coord").splitlines()
    assert len(branches) == many
    assert {repo.git("rev-list", "--count", f"main..{branch}") for branch in branches} == {"1"}
    assert leftovers(repo) == []
    assert repo.user_state()["status"] == before["status"]
    assert repo.coord("doctor", "--json").code == 0


def leftovers(repo: Scratch) -> list[str]:
    """Lock files and temporary files that somebody forgot."""
    found = repo.common_dir().rglob("*")
    return [str(path) for path in found if path.suffix == ".tmp" or path.name in ("index.lock", "HEAD.lock")]


def test_five_at_once_each_get_a_task_and_do_it(repo: Scratch, tmp_path: Path) -> None:
    crowd(repo, 5, tmp_path)


@pytest.mark.nightly
def test_thirty_at_once_each_get_a_task_and_do_it(repo: Scratch, tmp_path: Path) -> None:
    crowd(repo, 30, tmp_path)


def test_a_lock_file_of_one_worktree_is_nothing_to_another(repo: Scratch) -> None:
    place = repo.coord("run", "--task", "1", "--on-exit", "keep", "--", "git", "rev-parse", "--absolute-git-dir").out
    (Path(place.strip()) / "index.lock").touch()  # somebody is at work there, or was killed
    script = "echo x >x && git add x && git commit -qm x"
    assert repo.coord("run", "--task", "2", "--", "sh", "-c", script).code == 0
    assert repo.coord("run", "--", "git", "commit", "-q", "--allow-empty", "-m", "main").code == 0


@pytest.fixture
def terminals(repo: Scratch, tmp_path: Path) -> Iterator[list[Shell]]:
    tools = shim(tmp_path / "tools")
    opened = [
        Shell(repo.path, tools, env={"SSH_CONNECTION": f"192.0.2.{number} 50000 192.0.2.100 22"})
        for number in (1, 2, 3)
    ]
    yield opened
    for shell in opened:
        shell.close()


def test_three_terminals_see_each_other(repo: Scratch, terminals: list[Shell]) -> None:
    for number, shell in enumerate(terminals, 1):
        shell.type(f"git coord run --name 'terminal {number}' --task t{number} -- sh\n")
        shell.wait_for(f"task t{number}, token 1")
    for shell in terminals:
        shell.type("git coord sessions; echo the end\n")
        seen = shell.wait_for("\nthe end\n")
        assert all(f"terminal {number} " in seen for number in (1, 2, 3)), seen
    first, second, third = terminals
    second.type("git coord claim t1; echo the end\n")
    assert "git coord: held: task t1 is held by terminal 1" in second.wait_for("\nthe end\n")
    assert {session["ssh_client"] for session in sessions(repo)} == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
    third.hang_up()
    eventually(lambda: [one["state"] for one in sessions(repo) if one["name"] == "terminal 3"] == ["ended"])
    first.type("exit\n")
    first.wait_for("terminal 1 ended with exit code 0")
    second.type("git coord sessions; echo the end\n")
    shown = second.wait_for("\nthe end\n").splitlines()
    assert [name for name in ("terminal 1", "terminal 2", "terminal 3") if any(name in line for line in shown)] == [
        "terminal 2"
    ]
