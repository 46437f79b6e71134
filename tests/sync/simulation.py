"""A whole world from one seed: five clones, one hub, a bad network, and a day's work in no sensible order.

Every decision is taken by the real coordinator over stores in memory; only git itself (``sim_wire``), clocks and chance
are replaced. ``sim_truth`` watches. One seed is one run, always the same: ``python -m tests.sync.simulation 17``.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from random import Random

import msgspec

from gitcoord.coordinator import Coordinator
from gitcoord.core import codec, conflicts, names
from gitcoord.core.merge import Link, link, nonce
from gitcoord.errors import CoordError
from gitcoord.store.base import Change, Commit
from tests.sync.sim_clock import YEAR, Dice, NodeClock
from tests.sync.sim_truth import Violation, Witness, require
from tests.sync.sim_verbs import VERBS
from tests.sync.sim_wire import Crash, Hub, SimRepo, Store

NODES, STEPS = 5, 200
TTL = 1800.0
EXPECTED = frozenset(
    [
        *("held", "not-holder", "stale-token", "wrong-state", "blocked", "nothing-ready", "exists", "not-found"),
        *("ended", "unsafe", "no-session", "conflict", "contended", "unknown", "hub-unreachable", "git"),
    ]
)
"""What a verb may say in this world. That the hub lost state, or that something is corrupt, nobody may be told."""

_PASSING = [0.0, 0.0, 0.0, 0.1, 1.0, 1.0, 5.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0]
_MOOT = ("expire", "free", "edit", "unlock", "unlock-all", "drop-locks")
"""Events that may turn out to have come about anyway; then nobody needs to be told."""
_SETTINGS = {
    "coord.durability": "relaxed",
    "coord.sync": "manual",
    "user.name": "Sim",
    "user.email": "sim@example.org",
}


class Node:
    """One machine with its clone; ``sids`` are the sessions that work there, ``ended`` those that were."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.down = False
        self.paused = 0
        self.busy = False
        self.sids: list[str] = []
        self.ended: list[str] = []
        self.clock = NodeClock(world, number)
        self.store = Store(self._fate, self._wrote)
        common = world.root / str(number)
        (common / "coord").mkdir(parents=True, mode=0o700)
        (common / "coord" / "host").write_text(f"{number:032x}\n")
        place = str(common)
        self.repo = SimRepo(
            common=place,
            git_dir=place,
            top=None,
            bare=True,
            object_format="sha1",
            env={},
            store=self.store,
            hub=world.hub,
            fault=self._fault,
            meanwhile=world.meanwhile,
            values=dict(_SETTINGS),
        )
        self.coord: Coordinator = self.opened()

    def opened(self) -> Coordinator:
        """The coordinator as a new process has it."""
        return Coordinator(self.repo, {}, clock=self.clock, chance=Dice(self.world.rng), store=self.store)

    def _fate(self) -> float:
        if self.world.quiet or self.world.rng.random() > 0.004:
            return 1.0
        return self.world.rng.random()

    def _fault(self, verb: str) -> str:
        rng = self.world.rng
        if self.world.quiet:
            return "ok"
        if self.down or rng.random() < 0.03:
            return "down"
        if verb != "push" or rng.random() > 0.12:
            return "ok"
        return rng.choice(["lost", "cut", "cut", "late", "late", "twice", "die", "applied, die"])

    def _wrote(self, change: Change) -> None:
        """Remember what was decided here without the hub, and which refusals were kept for its author."""
        assert isinstance(change.new, Commit)
        if change.ref == conflicts.REF:
            entries = codec.convert(codec.decode_raw(change.new.payload), conflicts.Conflicts).entries
            self.world.told.update(nonce(Link("", (entry.event or "").encode())) for entry in entries)
        elif change.ref.startswith(names.ROOT):
            item = link(change.new.message)
            event = msgspec.json.decode(item.event or b"{}")
            if event.get("type") not in _MOOT:
                subject = change.new.message.splitlines()[0]
                self.world.written[nonce(item)] = f"node {self.number}, {change.ref}: {subject}"
            if event.get("type") == "claim":
                self.world.wanted[nonce(item)] = (f"task {event['id']}", event["session"])

    def act(self, name: str) -> None:
        """Do one verb, as a process of its own that may die of it."""
        self.busy = True
        coord = self.coord
        coord.notices.clear()
        coord.records.forget()
        try:
            VERBS[name](self, self.world.rng)
            self.world.note(self.number, name, "ok")
        except CoordError as error:
            self.world.note(self.number, name, error.code)
            if error.code == "ended" and coord.wanted in self.sids:
                self.ended.append(self.sids.pop(self.sids.index(coord.wanted)))
            require(error.code in EXPECTED, f"node {self.number}, {name}: {error.code}: {error.message}")
        except Crash:
            self.world.note(self.number, name, "died")
            self.coord = self.opened()
        finally:
            self.busy = False


class World:
    """Everything there is; ``steps`` verbs happen, then it is quiet, and all must be one."""

    def __init__(self, seed: int, root: Path) -> None:
        self.rng = Random(seed)
        self.root = root
        self.time = 1_000_000.0
        self.quiet = True
        self.depth = 0
        self.log: list[str] = []
        self.written: dict[str | None, str] = {}
        self.wanted: dict[str | None, tuple[str, str]] = {}
        self.told: set[str | None] = set()
        self.truth = Witness(lambda: self.time, TTL)
        self.hub = Hub(self.rng, self.truth.sees)
        self.nodes = [Node(self, number) for number in range(NODES)]
        self.nodes[0].coord.init(hooks=False)
        for node in self.nodes:
            node.coord.hub_set("origin")
            node.act("start")
            node.act("sync")
        self.quiet = False

    def note(self, node: int, verb: str, came: str) -> None:
        self.log.append(f"{self.time:.0f} node {node}: {verb}: {came}")

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.passes()
            self.step()
        self.settle()

    def passes(self) -> None:
        """Time goes by; lines fail and come back, machines pause, clocks are set, messages arrive."""
        rng = self.rng
        self.time += rng.choice(_PASSING) if rng.random() < 0.98 else rng.uniform(600.0, 3000.0)
        self.hub.arrive(0.3)
        node = rng.choice(self.nodes)
        fate = rng.random()
        if fate < (0.1 if node.down else 0.02):
            node.down = not node.down
        elif fate < 0.105:
            node.paused = rng.randrange(30)
        elif fate < 0.12:
            node.clock.wall += rng.choice([-3600.0, 3600.0, -YEAR, YEAR])
        elif fate < 0.123:
            node.clock.reboot()
            node.coord = node.opened()

    def step(self) -> None:
        """One of those who are awake does something."""
        idle = [node for node in self.nodes if not node.busy]
        for node in idle:
            node.paused = max(0, node.paused - 1)
        awake = [node for node in idle if not node.paused]
        if awake:
            self.rng.choice(awake).act(self.rng.choice(_MIX))

    def meanwhile(self) -> None:
        """While one waits for the hub, another may act."""
        if self.quiet or self.depth >= 2 or self.rng.random() > 0.3:
            return
        self.depth += 1
        try:
            self.hub.arrive(0.3)
            self.step()
        finally:
            self.depth -= 1

    # -- the end ------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Nothing goes wrong any more: then everybody has the same, and nothing that was said is lost."""
        self.hub.arrive(1.0)
        self.quiet = True
        for _ in range(3):
            for node in self.nodes:
                node.down = False
                self.time += 10.0
                node.act("sync")
        there = self.hub.refs()
        for node in self.nodes:
            here = node.store.list_refs(names.ROOT)
            differ = sorted(ref for ref in {*here, *there} if here.get(ref) != there.get(ref))
            require(not differ, f"node {node.number} and the hub still differ in {differ}")
            require(not node.coord.hub_show().doubts, f"node {node.number} still doubts")
        require(self.truth.over <= self.truth.ended, "a session that was ended goes on")
        for mark, what in self.written.items():
            came = mark in self.truth.nonces or mark in self.told or self._has_it(mark)
            require(came, f"vanished without a word: {what}")

    def _has_it(self, mark: str | None) -> bool:
        """Whether a claim that is gone had been granted to the same session anyway."""
        return self.wanted.get(mark) in {(what, sid) for (what, _), sid in self.truth.grants.items()}


_MIX = [name for name, weight in {
    "claim": 6, "claim next": 2, "release": 2, "done": 2, "takeover": 2, "handoff": 2, "accept": 2, "progress": 3,
    "lock": 3, "unlock": 2, "incr": 3, "set": 2, "set if": 2, "edit": 2, "heartbeat": 3, "cleanup": 1, "sync": 5,
    "end": 1, "resume": 1, "start": 1, "reopen": 2, "provisional": 1, "cancel": 1, "event": 1,
}.items() for _ in range(weight)]  # fmt: skip


def run(seed: int, steps: int = STEPS) -> World:
    """The world of ``seed``, run to its end. Raises Violation, which says how to see it again."""
    root = Path(tempfile.mkdtemp(prefix="coord-sim-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    world: World | None = None
    try:
        world = World(seed, root)
        world.run(steps)
        return world
    except Violation as found:
        last = "\n".join(world.log[-12:]) if world else ""
        raise Violation(
            f"{found}\nseed {seed}, again with: python -m tests.sync.simulation {seed} {steps}\n{last}"
        ) from None
    finally:
        shutil.rmtree(root)


def main() -> None:
    """``SEED [STEPS]``: one run, told step by step; ``FIRST-LAST``: many, of which only the bad ones are told."""
    first, _, last = sys.argv[1].partition("-")
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else STEPS
    for seed in range(int(first), int(last or first) + 1):
        try:
            world = run(seed, steps)
            if not last:
                sys.stdout.write("\n".join([*world.log, "no violation\n"]))
        except Exception as found:
            sys.stdout.write(f"seed {seed}: {type(found).__name__}: {found}\n")


if __name__ == "__main__":
    main()
