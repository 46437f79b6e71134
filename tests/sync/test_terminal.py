"""A person who waits for a hub, and nobody at all: who is told, who is asked, and who is never asked."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import Scratch, coord_argv
from tests.sync.support import Town

# Stands for ssh: says how it was called, asks at the terminal unless that is forbidden, then runs the command here.
_SSH = """#!/bin/sh
case " $* " in *" -G "*) exit 0 ;; esac
echo "$* | askpass=${{GIT_ASKPASS-unset}} ${{SSH_ASKPASS_REQUIRE-}} prompt=$GIT_TERMINAL_PROMPT" >>"{said}"
case " $* " in *BatchMode=yes*) ;; *)
	if printf 'passphrase? ' >/dev/tty && read -r word </dev/tty; then echo "heard $word" >>"{said}"; fi 2>/dev/null ;;
esac
for last; do :; done
exec sh -c "$last"
"""


def by_ssh(town: Town, clone: Scratch) -> tuple[dict[str, str], Path]:
    """From now on this clone reaches the hub by something like ssh; the environment for it, and what it wrote down."""
    said, program = town.root / "said", town.root / "ssh"
    program.write_text(_SSH.format(said=said))
    program.chmod(0o755)
    clone.git("remote", "set-url", "origin", f"ssh://somewhere{town.hub.path}")
    return {"GIT_SSH_COMMAND": str(program)}, said


def at_terminal(at: Path, *args: str, env: Mapping[str, str], answers: str) -> tuple[int, str]:
    """Run it with a controlling terminal, at which a person types ``answers`` whenever asked; what was shown."""
    if shutil.which("setsid") is None:
        pytest.skip("there is no setsid to make a terminal the controlling one")
    master, slave = pty.openpty()
    argv = ["setsid", "--ctty", "--wait", *coord_argv(*args)]
    child = subprocess.Popen(argv, cwd=at, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, **env})
    os.close(slave)
    shown, answered, deadline = "", 0, time.monotonic() + 30
    try:
        while time.monotonic() < deadline:
            ready, _, _ = select.select([master], [], [], 30)
            assert ready, shown
            try:
                data = os.read(master, 65536)
            except OSError:  # Linux says EIO when the other side has closed
                break
            shown += data.decode()
            while shown.count("passphrase? ") > answered:
                answered += 1
                os.write(master, f"{answers}\n".encode())
        return child.wait(20), shown
    finally:
        child.kill()
        child.wait()
        os.close(master)


def test_at_a_terminal_ssh_may_ask(town: Town) -> None:
    clone = town.clone("a", hub=True)
    env, said = by_ssh(town, clone)
    code, shown = at_terminal(clone.path, "sync", env=env, answers="sesame")
    assert code == 0, shown
    assert "in step with origin" in shown
    assert "heard sesame" in said.read_text()
    assert "BatchMode" not in said.read_text()


def test_in_the_background_nobody_is_ever_asked(town: Town) -> None:
    clone = town.clone("a", hub=True)
    env, said = by_ssh(town, clone)
    code, shown = at_terminal(clone.path, "sync", env={**env, "GIT_COORD_BACKGROUND": "1"}, answers="")
    assert code == 0, shown
    assert "passphrase" not in shown
    lines = said.read_text().splitlines()
    assert lines
    assert all("BatchMode=yes" in line and line.endswith("askpass= never prompt=0") for line in lines)


def test_a_detached_sync_says_batch_mode_by_itself(town: Town) -> None:
    clone = town.clone("a", hub=True)
    env, said = by_ssh(town, clone)
    clone.git("config", "core.sshCommand", env["GIT_SSH_COMMAND"])
    clone.git("config", "coord.syncInterval", "0s")
    assert clone.coord("start", "ann").code == 0
    deadline = time.monotonic() + 20
    while not (said.exists() and "receive-pack" in said.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "heard" not in said.read_text()
    assert all("BatchMode=yes" in line for line in said.read_text().splitlines())


def test_another_program_than_openssh_gets_no_option_of_openssh(town: Town) -> None:
    clone = town.clone("a", hub=True)
    env, said = by_ssh(town, clone)
    ran = clone.coord("sync", env={**env, "GIT_COORD_BACKGROUND": "1", "GIT_SSH_VARIANT": "simple"})
    assert ran.code == 0
    assert "BatchMode" not in said.read_text()


def test_a_hub_that_takes_over_a_second_is_named_to_who_waits(town: Town) -> None:
    clone = town.clone("a", hub=True)
    clone.git("config", "remote.origin.uploadpack", "sleep 1.5; git-upload-pack")
    _code, shown = at_terminal(clone.path, "sync", env={}, answers="")
    assert shown.count("waiting for origin ...") == 1
    assert "in step" in shown
    assert "waiting" not in at_terminal(clone.path, "--quiet", "sync", env={}, answers="")[1]
    assert "waiting" not in clone.coord("sync").err


def test_a_quick_hub_is_not_waited_for(town: Town) -> None:
    clone = town.clone("a", hub=True)
    assert "waiting" not in at_terminal(clone.path, "sync", env={}, answers="")[1]


def test_doctor_and_hub_show_say_what_manual_means(town: Town) -> None:
    clone = town.clone("a", hub=True)

    def found() -> dict[str, str]:
        return {check["name"]: check["status"] for check in clone.coord("doctor", "--json").result}

    assert found()["hub"] == "ok"
    clone.git("config", "coord.sync", "manual")
    assert found()["hub"] == "warning"
    assert "for gone" in clone.coord("doctor").out
    assert "taken for gone" in clone.coord("hub", "show").out
    clone.git("config", "--unset", "coord.hub")
    assert "hub" not in found()
