"""Commands that are killed: the state is the old or the new one, and running them again brings about what was asked.

FAULTS CR02 above the stores, and CR13 for claims. Each case is one command line, run as a process that kills itself at
a failpoint (``gitcoord/failpoint.py``), at its n-th write if it has several.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gitcoord.git import binding, claimfile
from tests.faults.support import DELAY, TTL, Office, end, process
from tests.support import Scratch, coord_argv


class Case(msgspec.Struct, frozen=True):
    """``prepare`` returns the session that runs the command; ``writes``: how many swaps it makes; ``holds`` at the end.

    ``again``: exit codes of the second run; 1 where it finds that nothing is left to do.
    """

    words: str
    prepare: Callable[[Office], str | None]
    holds: Callable[[Office], bool]
    writes: int = 1
    again: tuple[int, ...] = (0,)
    places: tuple[str, ...] = ()


def nobody(office: Office) -> str | None:
    return None


def ann(office: Office) -> str | None:
    return office.hire("ann").wanted


def holding(office: Office) -> str | None:
    """Ann holds 15, with something uncommitted in its worktree."""
    coord = office.hire("ann")
    path = coord.claim("15").task.worktree
    Path(str(path), "new.txt").write_text("precious\n")
    return coord.wanted


def offered(office: Office, *, gone: bool = False) -> str | None:
    """Ann has offered 15 with uncommitted work; it is Ben who acts."""
    coord = office.coord(holding(office))
    path = coord.claim("15").task.worktree
    coord.handoff("15", note="n")
    if gone:
        office.scratch.git("worktree", "remove", "--force", str(path))
    return office.hire("ben").wanted


def offered_elsewhere(office: Office) -> str | None:
    return offered(office, gone=True)


def offering(office: Office) -> str | None:
    coord = office.coord(holding(office))
    coord.handoff("15", note="n")
    return coord.wanted


def abandoned(office: Office) -> str | None:
    """Ann is long silent; it is Ben who acts."""
    office.silence(str(holding(office)), TTL + DELAY + 10)
    return office.hire("ben").wanted


def contested(office: Office) -> str | None:
    holding(office)
    return office.hire("ben").wanted


def expired(office: Office) -> str | None:
    """Ann was expired while she held 15 and 16."""
    sid = str(holding(office))
    office.coord(sid).claim("16", worktree=False)
    office.silence(sid, TTL + DELAY + 10)
    other = office.hire("other")
    other.claim("x", worktree=False)
    other._expire(sid, None, other.policy.cleanup)
    return None


def idle_place(office: Office) -> str | None:
    """Ann holds 15 with nothing in its worktree."""
    coord = office.hire("ann")
    coord.claim("15")
    return coord.wanted


def by_hand(office: Office) -> str | None:
    coord = office.hire("ann")
    coord.claim("15", worktree=False)
    office.scratch.git("worktree", "add", "-q", "-b", "mine", "by-hand")
    return coord.wanted


def damaged(office: Office) -> str | None:
    coord = office.hire("ann")
    coord.claim("15", worktree=False)
    (office.scratch.path / ".git/refs/coord/tasks/15").write_bytes(b"")
    return coord.wanted


# -- what was asked for ---------------------------------------------------------------------------------------------


def claimed_by(name: str, token: int, *, worktree: bool = True) -> Callable[[Office], bool]:
    def holds(office: Office) -> bool:
        task = office.task("15")
        holder = task["claim"]["session"]
        named = office.record(f"refs/coord/sessions/{holder}")["name"]
        if (named, task["token"], task["claim"]["token"]) != (name, token, token):
            return False
        return not worktree or is_workplace(office, str(next(iter(task["worktrees"].values()))), holder, token)

    return holds


def is_workplace(office: Office, path: str, holder: str, token: int) -> bool:
    """A worktree that is whole and bound, so that the holder can go on in it."""
    git_dir = Scratch(Path(path)).git("rev-parse", "--absolute-git-dir")
    assert binding.bound_session(git_dir) == holder
    assert claimfile.read(git_dir) == claimfile.ClaimFile("15", holder, token)
    assert (Path(path) / "README.md").read_text() == "hello\n"
    assert office.coord(at=path).progress(percent=99).id == "15"
    return True


def with_the_work(check: Callable[[Office], bool]) -> Callable[[Office], bool]:
    """And what was uncommitted is there, in the worktree and in the snapshot."""

    def holds(office: Office) -> bool:
        path = next(iter(office.task("15")["worktrees"].values()))
        assert Path(path, "new.txt").read_text() == "precious\n"
        return check(office) and rescued(office)

    return holds


def rescued(office: Office) -> bool:
    return office.scratch.git("show", "refs/coord/rescue/15:new.txt") == "precious"


def state_is(state: str) -> Callable[[Office], bool]:
    return lambda office: office.task("15")["state"] == state


def ended(state: str) -> Callable[[Office], bool]:
    def holds(office: Office) -> bool:
        (session,) = [office.record(ref) for ref in office.refs() if "/sessions/" in ref]
        return session["state"] == "ended" and office.task("15")["state"] == state and rescued(office)

    return holds


def signed_on(office: Office) -> bool:
    """Every session that there is has its heartbeat: none was left half made."""
    sids = {ref.rpartition("/")[2] for ref in office.refs() if "/sessions/" in ref}
    beats = {ref.rpartition("/")[2] for ref in office.refs() if "/heartbeats/" in ref}
    return bool(sids) and sids == beats


def resumed(office: Office) -> bool:
    holders = {office.task(name)["claim"]["session"] for name in ("15", "16")}
    records = [office.record(ref) for ref in office.refs() if "/sessions/" in ref]
    heirs = [record["id"] for record in records if record["resumed_from"]]
    return set(heirs) == holders and len(heirs) == 1


def is_clean(office: Office) -> bool:
    states = [office.record(ref)["state"] for ref in office.refs() if "/sessions/" in ref]
    return sorted(states) == ["expired", "live"] and office.task("15")["state"] == "pending"


def is_mended(office: Office) -> bool:
    token = office.hire("cat").claim("15", worktree=False).task.token
    return token > 1 and len(list((office.scratch.path / ".git/coord/quarantine").iterdir())) == 1


CASES = (
    Case("task add title --id 15", nobody, state_is("pending"), again=(0, 1)),
    Case("start ann", nobody, signed_on),
    Case("claim 15", ann, claimed_by("ann", 1), places=("before_worktree", "mid_worktree", "mid_binding")),
    Case("claim 15 --no-worktree", ann, claimed_by("ann", 1, worktree=False)),
    Case("progress 15 50", holding, lambda office: office.task("15")["progress"]["percent"] == 50),
    Case("release 15 --reason r", holding, state_is("pending"), again=(0, 1)),
    Case("done 15", holding, state_is("done"), again=(0, 1)),
    Case("handoff 15 --note n", holding, lambda o: state_is("offered")(o) and rescued(o), writes=2, again=(0, 1)),
    Case("accept 15", offered, with_the_work(claimed_by("ben", 2)), places=("before_worktree", "mid_worktree")),
    Case(
        "accept 15",
        offered_elsewhere,
        with_the_work(claimed_by("ben", 2)),
        places=("before_worktree", "mid_worktree", "mid_binding", "mid_restore"),
    ),
    Case("withdraw 15", offering, with_the_work(claimed_by("ann", 2))),
    Case("claim 15", abandoned, with_the_work(claimed_by("ben", 2)), writes=2, places=("mid_worktree",)),
    Case("takeover 15 --reason r", abandoned, with_the_work(claimed_by("ben", 2)), writes=2, places=("mid_binding",)),
    Case(
        "takeover 15 --reason r --force --token 1",
        contested,
        with_the_work(claimed_by("ben", 2)),
        writes=3,
        places=("mid_worktree", "mid_restore"),
        again=(0,),
    ),
    Case("end --force", holding, ended("pending"), writes=3, again=(0, 1)),
    Case("end --handoff n", holding, ended("offered"), writes=3, again=(0, 1)),
    Case("cleanup", abandoned, is_clean, writes=2),
    Case("resume ann", expired, resumed, writes=3),
    Case("worktree remove 15", idle_place, lambda office: not office.task("15")["worktrees"], again=(0, 1)),
    Case("worktree adopt by-hand --task 15", by_hand, lambda office: bool(office.task("15")["worktrees"])),
    Case("doctor --fix", damaged, is_mended),
)
POINTS = [
    pytest.param(case, f"{point}@{number}", id=f"{case.words}-{case.prepare.__name__}-{point}-{number}")
    for case in CASES
    for number in range(1, case.writes + 1)
    for point in (("after_objects", "before_ref", "after_ref") if number == 1 else ("before_ref", "after_ref"))
] + [
    pytest.param(case, place, id=f"{case.words}-{case.prepare.__name__}-{place}")
    for case in CASES
    for place in case.places
]


@pytest.mark.parametrize(("case", "point"), POINTS)
def test_cr02_a_command_killed_anywhere_can_be_run_again(office: Office, case: Case, point: str) -> None:
    sid = case.prepare(office)
    env = {"GIT_COORD_SESSION": sid} if sid else {}
    mine = office.scratch.user_state()
    killed = office.scratch.coord(*case.words.split(), env={**env, "GITCOORD_FAILPOINT": f"{point}:kill"})
    assert killed.code == -signal.SIGKILL, killed
    if case.prepare is not damaged:
        assert office.scratch.git("fsck", "--no-progress", "--no-dangling", "--connectivity-only") == ""
    assert office.scratch.user_state() == mine
    begun = time.monotonic()
    again = office.scratch.coord(*case.words.split(), env=env)
    assert again.code in case.again, again
    assert time.monotonic() - begun < 10  # 2 s on a machine with nothing else to do; see test_kill9
    assert case.holds(office)
    assert office.scratch.user_state() == mine


# -- CR13 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", [False, True], ids=["gitcoord", "with its git"])
@pytest.mark.parametrize("who", ["the same session", "another session"])
def test_cr13_a_claim_killed_in_the_middle_of_its_checkout_is_finished(
    office: Office, tmp_path: Path, group: bool, who: str
) -> None:
    scratch = office.scratch
    scratch.commit("files", {f"f{number}.txt": f"{number}\n" for number in range(30)})
    scratch.commit("slow", {".gitattributes": "f1*.txt filter=slow\n", "f11.txt": "eleven\n"})
    mark = tmp_path / "reached"
    go_on = tmp_path / "go on"
    wait = f"touch {mark}; while [ ! -e '{go_on}' ]; do sleep 0.01; done; cat"
    scratch.git("config", "filter.slow.smudge", f'sh -c "{wait}"')
    with process() as agent:
        sid = office.hire("ann", pid=agent.pid).wanted
        claiming = subprocess.Popen(
            coord_argv("claim", "15", "--session", str(sid)),
            cwd=scratch.path,
            env=os.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not mark.exists():
            assert claiming.poll() is None
            time.sleep(0.005)
        end(claiming, group=group)
        if who == "another session":
            end(agent)
            sid = office.hire("ben").wanted
        go_on.touch()  # a checkout that goes on by itself comes to its end
        scratch.git("config", "--unset", "filter.slow.smudge")
        ran = scratch.coord("claim", "15", "--json", "--session", str(sid))
    assert ran.code == 0, ran
    work = Scratch(Path(ran.result["worktree"]))
    assert work.git("status", "--porcelain") == ""
    assert work.git("ls-files") == scratch.git("ls-files")
    assert office.coord(at=work.path).whoami().id == sid
    assert ran.result["token"] == (1 if who == "the same session" else 2)
    assert "locked" not in scratch.git("worktree", "list", "--porcelain")
