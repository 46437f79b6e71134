"""However a launched program ends, or its launcher, the record says what is true. Real signals, real terminals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.support import Shell, coordinated, eventually, kill_group, running, sessions, shim, task, written
from tests.support import Scratch

TELLS = "echo $$ >{0}/pid; trap 'echo heard >>{0}/heard; exit {1}' {2}; "
WAITS = "sleep 60 & wait $!"
"""A shell hears a signal at once while it waits, and only later while a program is in its foreground."""


@pytest.fixture
def repo(scratch: Scratch) -> Scratch:
    return coordinated(scratch)


@pytest.fixture
def shell(repo: Scratch, tmp_path: Path) -> Iterator[Shell]:
    opened = Shell(repo.path, shim(tmp_path / "tools"))
    yield opened
    opened.close()


def ended(repo: Scratch) -> dict[str, object]:
    """The newest session, as soon as it is over."""
    found: dict[str, object] = eventually(
        lambda: next((one for one in sessions(repo)[:1] if one["state"] != "live"), None)
    )
    return found


# -- signals ---------------------------------------------------------------------------------------------------------


def test_a_killed_program_is_recorded_and_its_work_offered(repo: Scratch, tmp_path: Path) -> None:
    script = f"echo x >new; echo $$ >{tmp_path}/pid; exec sleep 60"
    with running(repo.path, "--task", "15", "--", "sh", "-c", script) as child:
        os.kill(int(written(tmp_path / "pid")), signal.SIGKILL)
        assert child.wait(30) == 137
    assert ended(repo)["exit_code"] == 137
    found = task(repo, "15")
    assert (found["state"], found["handoff"]["note"]) == ("offered", "sh ended with exit code 137")
    assert found["handoff"]["rescue"]


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "USR1"])
def test_what_we_are_told_the_program_is_told(repo: Scratch, tmp_path: Path, name: str) -> None:
    script = TELLS.format(tmp_path, 5, name) + WAITS
    with running(repo.path, "--", "sh", "-c", script) as child:
        written(tmp_path / "pid")
        child.send_signal(getattr(signal, f"SIG{name}"))
        assert child.wait(30) == 5
    assert (tmp_path / "heard").read_text() == "heard\n"
    assert ended(repo)["exit_code"] == 5


def test_a_program_that_does_not_listen_is_killed_after_its_grace(repo: Scratch, tmp_path: Path) -> None:
    script = f"trap '' TERM; echo $$ >{tmp_path}/pid; exec sleep 60"
    with running(repo.path, "--grace", "1s", "--", "sh", "-c", script) as child:
        written(tmp_path / "pid")
        child.terminate()
        assert child.wait(30) == 137
    assert ended(repo)["exit_code"] == 137


def test_a_stopped_program_is_woken_to_hear_that_it_shall_end(repo: Scratch, tmp_path: Path) -> None:
    with running(repo.path, "--", "sh", "-c", TELLS.format(tmp_path, 5, "TERM") + WAITS) as child:
        os.kill(int(written(tmp_path / "pid")), signal.SIGSTOP)
        child.terminate()
        assert child.wait(30) == 5


def test_started_with_nohup_it_outlives_its_terminal(repo: Scratch, tmp_path: Path) -> None:
    script = f"echo $$ >{tmp_path}/pid; exec sleep 60"
    with running(repo.path, "--", "sh", "-c", script, prefix=["nohup"]) as child:
        pid = int(written(tmp_path / "pid"))
        os.killpg(child.pid, signal.SIGHUP)
        os.kill(pid, signal.SIGTERM)
        assert child.wait(30) == 143  # and not 129


def test_the_launcher_killed_the_program_goes_on_and_holds_its_claim(repo: Scratch, tmp_path: Path) -> None:
    script = f"echo $$ >{tmp_path}/pid; exec sleep 60"
    repo.coord("start", "other")
    with running(repo.path, "--task", "15", "--", "sh", "-c", script) as child:
        pid = int(written(tmp_path / "pid"))
        child.kill()
        child.wait()
        assert repo.coord("claim", "15", "--json").error["code"] == "held"
        assert next(one for one in sessions(repo) if one["pid"] == pid)["shown"] == "active"
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{pid}").exists())
        assert repo.coord("claim", "15", "--json").result["taken_from_name"] == "sh"
    dead = next(one for one in sessions(repo) if one["pid"] == pid)
    assert (dead["state"], dead["why"]) == ("expired", "it was expired: its process was gone")


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP"])
def test_told_to_end_before_the_program_runs_it_takes_everything_back(repo: Scratch, tmp_path: Path, name: str) -> None:
    hook = repo.path / ".git/hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\necho x >{tmp_path}/claiming; while ! test -e {tmp_path}/go; do sleep .05; done\n")
    hook.chmod(0o755)
    with running(repo.path, "--task", "15", "--", "touch", f"{tmp_path}/ran") as child:
        eventually((tmp_path / "claiming").exists)
        child.send_signal(getattr(signal, f"SIG{name}"))
        (tmp_path / "go").touch()
        assert child.wait(30) == 130
    assert not (tmp_path / "ran").exists()
    assert task(repo, "15")["state"] == "pending"
    assert ended(repo)["state"] == "ended"


def test_the_launcher_killed_before_the_program_runs_leaves_nothing_alive(repo: Scratch, tmp_path: Path) -> None:
    env = {"GITCOORD_FAILPOINT": "before_worktree:kill"}
    with running(repo.path, "--task", "15", "--", "touch", f"{tmp_path}/ran", env=env) as child:
        assert child.wait(30) == -signal.SIGKILL
    session = sessions(repo)[0]
    eventually(lambda: not Path(f"/proc/{session['pid']}").exists())
    repo.coord("start", "other")
    assert repo.coord("claim", "15", "--json").result["taken_from"] == session["id"]
    assert not (tmp_path / "ran").exists()


# -- terminals -------------------------------------------------------------------------------------------------------


HEARS = """
import os, signal, time
heard = os.open("heard", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
signal.signal(signal.SIGINT, lambda *_: os.write(heard, b"x"))
signal.signal(signal.SIGUSR1, lambda *_: os.write(heard, b"u"))
print("launched by", os.getppid(), "!", flush=True)
while not os.path.exists("go"):
    time.sleep(0.05)
"""


def test_ctrl_c_reaches_the_program_once_and_we_stay_until_it_ends(shell: Shell, repo: Scratch, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(HEARS)
    shell.type(f"git coord run -- {sys.executable} -I {tmp_path}/program.py\n")
    shell.wait_for("\nlaunched by ")
    launcher = int(shell.wait_for("!").rstrip("!"))
    heard = repo.path / "heard"
    os.kill(launcher, signal.SIGSTOP)  # signals that come together are one: the program's comes first
    shell.type("\x03")
    assert eventually(heard.read_bytes) == b"x"
    os.kill(launcher, signal.SIGUSR1)
    os.kill(launcher, signal.SIGCONT)
    eventually(lambda: heard.read_bytes().endswith(b"u"))
    assert heard.read_bytes() == b"xu"
    (repo.path / "go").touch()
    shell.wait_for("ended with exit code 0")
    shell.wait_for("ready> ")
    assert ended(repo)["exit_code"] == 0


def test_ctrl_c_ends_a_program_that_does_not_care(shell: Shell, repo: Scratch) -> None:
    shell.type("git coord run -- sh -c 'echo running; exec sleep 60'\n")
    shell.wait_for("\nrunning\n")
    shell.type("\x03")
    shell.wait_for("was killed by SIGINT")
    shell.wait_for("ready> ")
    assert ended(repo)["exit_code"] == 130


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_ctrl_z_stops_the_job_and_fg_lets_it_go_on(shell: Shell, repo: Scratch) -> None:
    shell.type("git coord run -- sh -c 'echo process $$ !; read line; echo got $line; exit 4'\n")
    shell.wait_for("\nprocess ")
    pid = int(shell.wait_for("!").rstrip("!"))
    shell.type("\x1a")
    shell.wait_for("Stopped")
    shell.wait_for("ready> ")
    eventually(lambda: is_stopped(pid))  # told to, it takes one more byte from the terminal if that comes first
    shell.type("fg\n")
    shell.wait_for("git coord run")
    eventually(lambda: not is_stopped(pid))
    shell.type("text\n")
    shell.wait_for("got text")
    shell.wait_for("ready> ")
    assert ended(repo)["exit_code"] == 4


def test_a_program_that_stops_itself_stops_the_job(shell: Shell, repo: Scratch) -> None:
    shell.type("git coord run -- sh -c 'echo running; kill -STOP $$; echo again; exit 4'\n")
    shell.wait_for("\nrunning\n")
    shell.wait_for("Stopped")
    shell.wait_for("ready> ")
    shell.type("fg\n")
    shell.wait_for("\nagain\n")
    shell.wait_for("ready> ")
    assert ended(repo)["exit_code"] == 4


def test_the_terminal_is_the_programs_own(shell: Shell) -> None:
    shell.type("git coord run -q -- sh -c 'stty size; test -t 0 && test -t 1 && test -t 2 && echo all'\n")
    shell.wait_for("\n33 99\n")
    shell.wait_for("all\n")


def test_a_pipe_beside_it_keeps_the_terminal(shell: Shell) -> None:
    shell.type("git coord run -q -- echo through | { read line </dev/tty; echo $line; cat; }\n")
    shell.type("typed\n")
    shell.wait_for("\ntyped\nthrough\n")


def test_a_lost_terminal_ends_the_program_and_is_recorded(shell: Shell, repo: Scratch, tmp_path: Path) -> None:
    shell.type(
        f"git coord run --task 15 -- sh -c 'echo x >new; echo $$ >{tmp_path}/pid; echo running; exec sleep 60'\n"
    )
    shell.wait_for("\nrunning\n")
    shell.hang_up()
    assert ended(repo)["exit_code"] == 129
    assert task(repo, "15")["state"] == "offered"


def test_in_the_background_it_works_too(shell: Shell, repo: Scratch) -> None:
    shell.type("git coord run -- sh -c 'exit 6' & wait $!; echo code $?\n")
    shell.wait_for("\ncode 6\n")
    assert ended(repo)["exit_code"] == 6


def test_no_group_is_left_behind(repo: Scratch, tmp_path: Path) -> None:
    with running(repo.path, "--", "sh", "-c", f"echo $$ >{tmp_path}/pid") as child:
        assert child.wait(30) == 0
        kill_group(child.pid)  # there is nobody left to be killed
        assert not Path(f"/proc/{written(tmp_path / 'pid')}").exists()


def test_nobody_gets_the_task_while_the_work_of_a_killed_program_is_being_saved(repo: Scratch, tmp_path: Path) -> None:
    slow = f"sh -c 'echo x >{tmp_path}/saving; while ! test -e {tmp_path}/go; do sleep .05; done; cat'"
    repo.git("config", "filter.slow.clean", slow)
    repo.commit("attributes", {".gitattributes": "*.slow filter=slow\n"})
    repo.coord("start", "other")
    script = f"echo x >new.slow; echo $$ >{tmp_path}/pid; exec sleep 60"
    with running(repo.path, "--task", "15", "--", "sh", "-c", script) as child:
        os.kill(int(written(tmp_path / "pid")), signal.SIGKILL)
        eventually((tmp_path / "saving").exists)
        assert repo.coord("claim", "15", "--no-worktree", "--json").error["code"] == "held"
        (tmp_path / "go").touch()
        assert child.wait(30) == 137
    assert task(repo, "15")["state"] == "offered"
