"""Turns between processes: in order, never in the way, and given back by whoever gave up waiting."""

from __future__ import annotations

import fcntl
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitcoord.git.filelock import turn

ROOT = Path(__file__).parent.parent.parent
HOG = """
import os, sys, time
from gitcoord.git.filelock import turn
count = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
while os.getppid() == int(sys.argv[3]):
    with turn(sys.argv[1], 5.0):
        time.sleep(0.003)
        os.write(count, b".")
"""


@contextmanager
def hog(path: Path, count: Path) -> Iterator[None]:
    """A process that takes turn after turn, and says so in ``count``."""
    argv = [sys.executable, "-c", HOG, str(path), str(count), str(os.getpid())]
    with subprocess.Popen(argv, cwd=ROOT) as process:
        try:
            while not count.exists() or not count.stat().st_size:
                assert process.poll() is None
                time.sleep(0.005)
            yield
        finally:
            process.kill()


def test_who_takes_turn_after_turn_is_passed_by_who_waits(tmp_path: Path) -> None:
    """Asking again and again, one waits here for a thousand of its turns: between them is a gap of 0.1 ms in 3."""
    path, count = tmp_path / "x.turn", tmp_path / "count"
    passed = []
    with hog(path, count):
        for _ in range(9):
            time.sleep(0.01)  # or we are the one who takes turn after turn
            before = count.stat().st_size
            with turn(str(path), 20.0):
                passed.append(count.stat().st_size - before)
    assert statistics.median(passed) <= 50, passed  # 2 to 8, by how crowded the machine is


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A turn that somebody has, and keeps."""
    path = tmp_path / "x.turn"
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    yield path, fd
    try:
        os.close(fd)
    except OSError:
        pass  # the test gave it back


def is_free(path: Path) -> bool:
    fd = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(fd)


def test_one_who_keeps_it_is_in_nobodys_way(held: tuple[Path, int]) -> None:
    with turn(str(held[0]), 0.05) as waited:
        assert waited


def test_who_gave_up_waiting_leaves_nothing_locked(held: tuple[Path, int]) -> None:
    path, fd = held
    for _ in range(3):
        with turn(str(path), 0.02):
            pass
    os.close(fd)
    end, free = time.monotonic() + 10, 0
    while free < 5:  # those who gave up are still given it, one after the other, and let go of it
        free = free + 1 if is_free(path) else 0
        assert time.monotonic() < end
        time.sleep(0.005)


def test_who_is_interrupted_while_waiting_leaves_nothing_locked(held: tuple[Path, int]) -> None:
    path, fd = held
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt), turn(str(path), 20.0):
        pytest.fail("it was nobody's turn")
    timer.join()
    os.close(fd)
    end = time.monotonic() + 10
    while not is_free(path):
        assert time.monotonic() < end
        time.sleep(0.005)


def test_it_is_held_while_inside_and_free_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.turn"
    with turn(str(path), 1.0) as waited:
        assert not waited
        assert not is_free(path)
    assert is_free(path)


def test_where_no_file_can_be_made_there_is_no_order(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with turn(str(tmp_path / "file" / "x.turn"), 1.0) as waited:
        assert not waited
