"""What other tools take to claim an item, in turn with ours. Nothing is invented: what is not here is told as absent.

A server that a tool needs has to run already; what is written there ends by itself or is taken out again. Exclusive is
a tool of which a second claim of the same item was seen to be refused.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from tests.bench.measure import BARE, Action, Failed, bare, command, coord, in_turn
from tests.bench.table import Row, absent, times
from tests.support import Scratch

OURS = "git coord claim"


@dataclass(frozen=True)
class Peer:
    """How an item is claimed in a tool, with ``ITEM`` for its name, and what has to be there before."""

    argv: str
    won: str = ""
    """Stands in what the winner reads, and nobody else."""
    server: str = "no server"
    stdin: str = ""
    setup: tuple[str, ...] = ()
    makes: str = ""
    """A command that prints the ID of a new item, where items have to exist before they can be claimed."""
    rival: str = ""
    """The same claim by somebody else, where the tool gives to one and the same what it has already."""
    cleanup: str = ""

    @property
    def name(self) -> str:
        return f"peer: {self.argv.split()[0]}"

    @property
    def told(self) -> str:
        """What exactly is run."""
        return f"{self.argv} <<< '{' '.join(self.stdin.split())}'" if self.stdin else self.argv


PEERS = [
    Peer("redis-cli SET gitcoord-bench:ITEM me NX EX 60", won="OK", server="needs a server"),
    Peer(
        "etcdctl txn",
        stdin='create("gitcoord-bench/ITEM") = "0"\n\nput gitcoord-bench/ITEM me\n\n\n',
        won="SUCCESS",
        server="needs a server",
        cleanup="etcdctl del --prefix gitcoord-bench/",
    ),
    Peer("task rc:/dev/null rc.data.location=. add ITEM start:now"),
    Peer(
        "bd update ITEM --claim",
        setup=("bd init",),
        makes="bd create --silent item",
        rival="bd --actor rival update ITEM --claim",
    ),
    Peer("git-lfs lock ITEM", won="Locked", server="needs a server"),
    Peer(
        "git-bug bug new -t ITEM -m ITEM --non-interactive",
        setup=("git-bug user new -n bench -e bench@example.org --non-interactive",),
    ),
]


def rows(place: Path) -> Iterator[Row]:
    """Our claim, and that of every peer that works here, all in turn; then why the others do not."""
    repo = Scratch.create(place / "ours")
    for args in (["init", "--no-hooks"], ["start", "bench"]):
        coord(repo.path, *args)()
    numbers = itertools.count()
    actions: dict[str, Action] = {
        BARE: bare(repo.path),
        OURS: lambda: coord(repo.path, "claim", f"item{next(numbers)}", "--no-worktree")(),
    }
    notes, missing = {}, []
    for number, peer in enumerate(PEERS):
        try:
            actions[peer.name], notes[peer.name] = _tried(peer, place / f"peer{number}")
        except (OSError, Failed, subprocess.SubprocessError) as error:
            missing.append(absent(peer.name, str(error)))
    try:
        taken = in_turn(actions)
    finally:
        for peer in PEERS:
            if peer.name in actions and peer.cleanup:
                _said(peer.cleanup.split(), place)
    yield taken.row(OURS, BARE, times(4), note="exclusive, no server: git coord claim ITEM --no-worktree")
    for name, note in notes.items():
        yield taken.row(name, OURS, note=note)
    yield from missing


def _tried(peer: Peer, home: Path) -> tuple[Action, str]:
    """What claims an item of its own each time, and what is to be known of it; raises where it does not work."""
    if which(peer.argv.split()[0]) is None:
        raise Failed("not installed")
    repo = Scratch.create(home)
    repo.commit("an item", {"ITEM": "x\n"})
    for line in peer.setup:
        _said(line.split(), home)
    numbers = itertools.count()
    items: Callable[[], str] = lambda: f"item{home.name}-{next(numbers)}"  # noqa: E731
    if peer.makes:
        made = iter([_said(peer.makes.split(), home).strip() for _ in range(40)])
        items = lambda: next(made)  # noqa: E731
    first = items()
    return _claim(peer, home, items), f"{_exclusive(peer, home, first)}, {peer.server}: {peer.told}"


def _claim(peer: Peer, home: Path, items: Callable[[], str]) -> Action:
    def claim() -> None:
        item = items()
        argv, stdin = peer.argv.replace("ITEM", item), peer.stdin.replace("ITEM", item)
        command(argv.split(), home, stdin.encode())()

    return claim


def _exclusive(peer: Peer, home: Path, item: str) -> str:
    """Claims one item twice: the first time it must be got, and the second time it should not."""
    stdin = peer.stdin.replace("ITEM", item)
    said = _said(peer.argv.replace("ITEM", item).split(), home, stdin)
    if peer.won not in said:
        raise Failed(f"does not work here: {said.strip()}")
    try:
        again = _said((peer.rival or peer.argv).replace("ITEM", item).split(), home, stdin)
    except Failed:
        return "exclusive"
    return "not exclusive" if peer.won in again else "exclusive"


def _said(argv: list[str], cwd: Path, stdin: str = "") -> str:
    done = subprocess.run(argv, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=30)
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
        raise Failed(f"does not work here: {words[-1]}")
    return done.stdout
