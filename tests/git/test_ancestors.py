"""Who started us: real chains of processes, read from /proc and from ps."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gitcoord.git import ancestors as asked
from gitcoord.git.ancestors import ancestors


def test_the_nearest_comes_first() -> None:
    script = "from gitcoord.git.ancestors import ancestors; print([one.pid for one in ancestors()])"
    argv = ["/bin/sh", "-c", f'"{sys.executable}" -c "{script}"; true']
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        pids = eval(shell.stdout.read())
        assert pids[:2] == [shell.pid, os.getpid()]


def test_a_command_line_comes_in_words() -> None:
    script = "from gitcoord.git.ancestors import ancestors; print(ancestors()[0].argv)"
    argv = ["/bin/sh", "-c", f'"{sys.executable}" -c "{script}"; true', "a b", "c"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert eval(said) == tuple(argv)


@pytest.mark.skipif(not os.path.exists("/bin/ps"), reason="needs ps")
def test_ps_tells_the_same_where_there_is_no_proc() -> None:
    parent, argv = asked._table()[os.getpid()]
    assert parent == os.getppid()
    assert os.path.basename(argv[0]).startswith("python") or "pytest" in " ".join(argv)


def test_what_cannot_be_seen_ends_the_list() -> None:
    assert asked._in_proc(2**30) is None
    assert all(one.argv and one.pid > 1 for one in ancestors())
