"""What the machine says about itself, and LE08: when a pid proves that its process is dead."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitcoord.errors import GitFailed
from gitcoord.git import host

_VERDICT = "import sys; from gitcoord.git import host; a = sys.argv; print(host.process_verdict(int(a[1]), *a[2:5]))"

_KILL = """
import errno, os, sys
try:
    os.kill(int(sys.argv[1]), 0)
except OSError as error:
    print(errno.errorcode[error.errno])
"""


def _facts(pid: int) -> tuple[str, str, str]:
    start, ns, boot = host.pid_start(pid), host.pid_ns(), host.boot_id()
    assert start is not None
    assert ns is not None
    assert boot is not None
    return start, ns, boot


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


linux = pytest.mark.skipif(sys.platform != "linux", reason="boot ids and pid namespaces are Linux's")


@linux
def test_le08_a_running_process_is_alive_and_an_ended_one_dead(sleeper: subprocess.Popen[bytes]) -> None:
    facts = _facts(sleeper.pid)
    assert host.process_verdict(sleeper.pid, *facts) == "alive"
    sleeper.kill()
    sleeper.wait()
    assert host.process_verdict(sleeper.pid, *facts) == "dead"
    assert host.pid_start(sleeper.pid) is None


@linux
def test_le08_pid_reuse_and_zombie_another_start_time_is_dead(sleeper: subprocess.Popen[bytes]) -> None:
    start, ns, boot = _facts(sleeper.pid)
    assert host.process_verdict(sleeper.pid, str(int(start) - 1), ns, boot) == "dead"


@linux
def test_le08_a_pid_without_a_recorded_start_time_proves_death_but_not_life(sleeper: subprocess.Popen[bytes]) -> None:
    _, ns, boot = _facts(sleeper.pid)
    assert host.process_verdict(sleeper.pid, None, ns, boot) == "unknown"
    sleeper.kill()
    sleeper.wait()
    assert host.process_verdict(sleeper.pid, None, ns, boot) == "dead"


@linux
def test_le08_pid_reuse_and_zombie_a_zombie_is_dead(sleeper: subprocess.Popen[bytes]) -> None:
    facts = _facts(sleeper.pid)
    sleeper.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # ended, not yet collected
    assert Path(f"/proc/{sleeper.pid}/stat").exists()
    assert host.process_verdict(sleeper.pid, *facts) == "dead"


@linux
def test_le08_a_program_named_like_a_stat_line_does_not_deceive(tmp_path: Path) -> None:
    program = tmp_path / "a) Z 1 (b"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    with subprocess.Popen([program, "60"]) as process:
        try:
            time_out = time.monotonic() + 5
            while b"Z 1" not in Path(f"/proc/{process.pid}/stat").read_bytes() and time.monotonic() < time_out:
                pass  # between fork and exec the process still has our name
            facts = _facts(process.pid)
            assert facts[0].isdecimal()
            assert host.process_verdict(process.pid, *facts) == "alive"
        finally:
            process.kill()


@linux
def test_le08_somebody_elses_process_is_alive() -> None:
    """EPERM. Root may signal everybody, so there the question is asked without that capability."""
    root = os.geteuid() == 0
    asker = ["setpriv", "--bounding-set=-kill", "--inh-caps=-kill"] if root else []
    with subprocess.Popen(["sleep", "60"], user=65534 if root else None) as process:
        pid = process.pid if root else 1
        argv = [*asker, sys.executable, "-c", f"{_KILL}{_VERDICT}", str(pid), *_facts(pid)]
        child = subprocess.run(argv, capture_output=True, text=True, check=True)
        process.kill()
    assert child.stdout.split() == ["EPERM", "alive"]


@linux
def test_le08_another_pid_namespace_with_the_same_boot_id_proves_nothing(sleeper: subprocess.Popen[bytes]) -> None:
    inside = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
        pytest.skip("this system does not let us make a pid namespace")
    start, ns, boot = _facts(sleeper.pid)
    argv = [*inside, sys.executable, "-c", _VERDICT, str(sleeper.pid), start, ns, boot]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip() == "unknown"


@linux
@pytest.mark.parametrize("pid", [0, -1, -(1 << 40), 1 << 40])
def test_le08_an_impossible_pid_is_never_signalled(pid: int) -> None:
    _, ns, boot = _facts(os.getpid())
    assert host.process_verdict(pid, "1", ns, boot) == "unknown"


@linux
def test_le08_another_boot_or_none_proves_nothing(sleeper: subprocess.Popen[bytes]) -> None:
    start, ns, boot = _facts(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert (
        host.process_verdict(sleeper.pid, start, ns, boot.replace(boot[0], "f" if boot[0] != "f" else "0")) == "unknown"
    )
    assert host.process_verdict(sleeper.pid, start, ns, None) == "unknown"
    assert host.process_verdict(sleeper.pid, start, None, boot) == "unknown"


def test_the_question_to_ps_tells_processes_apart(sleeper: subprocess.Popen[bytes]) -> None:
    """Where there is no /proc. Asked directly, so that it is tested on Linux too."""
    if not os.access("/bin/ps", os.X_OK):
        pytest.skip("there is no /bin/ps")
    found = host._look_with_ps(sleeper.pid)
    assert found is not None
    assert found[0] in "SRDI"
    assert str(time.gmtime().tm_year) in found[1]
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert (host._look_with_ps(sleeper.pid) or ("Z",))[0] == "Z"
    sleeper.wait()
    assert host._look_with_ps(sleeper.pid) is None


def test_the_uptime_never_runs_backwards() -> None:
    assert 0 < host.uptime() <= host.uptime()


def test_the_host_id_stays_and_is_private(tmp_path: Path) -> None:
    first = host.host_id(str(tmp_path))
    assert len(first) == 16
    assert host.host_id(str(tmp_path)) == first
    assert (tmp_path / "coord").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "coord" / "host").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path / "coord") == ["host"]


def test_two_clones_on_one_machine_and_one_clone_on_two_machines_are_different_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    here = host.host_id(str(tmp_path / "a"))
    assert host.host_id(str(tmp_path / "b")) != here
    other = tmp_path / "machine-id"
    other.write_text("0" * 32 + "\n")
    monkeypatch.setattr(host, "_MACHINE_FILES", (str(other),))
    assert host.host_id(str(tmp_path / "a")) != here


def test_all_that_ask_first_at_once_get_the_same_host_id(tmp_path: Path) -> None:
    for round_ in range(20):
        common = tmp_path / str(round_)
        common.mkdir()
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(host.host_id, [str(common)] * 8))) == 1


def _as_garbage(path: Path) -> None:
    path.write_text("not hexadecimal, but thirty-two c\n")


def _as_empty(path: Path) -> None:
    path.write_text("")


@pytest.mark.parametrize("spoil", [_as_garbage, _as_empty])
def test_a_spoilt_host_file_is_replaced_once(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    (tmp_path / "coord").mkdir()
    spoil(tmp_path / "coord" / "host")
    assert host.host_id(str(tmp_path)) == host.host_id(str(tmp_path))


def test_a_coord_directory_that_points_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "coord").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GitFailed, match="in the way"):
        host.host_id(str(tmp_path))
    assert os.listdir(tmp_path / "elsewhere") == []
