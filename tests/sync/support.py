"""What the tests across machines share: a bare hub, clones of it, and a line to the hub that can be made to fail."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from gitcoord.coordinator import Coordinator
from gitcoord.coordinator.clock import Clock
from gitcoord.git.remote import Remote
from gitcoord.git.repo import Repo, discover
from tests.support import Scratch

# Stands between a clone and git-receive-pack; the file "mode" beside it says what goes wrong.
_WRAPPER = """#!/bin/sh
mode=$(cat "{mode}" 2>/dev/null)
echo "$mode" >>"{mode}.count"
case $mode in
refuse) echo "no" >&2; exit 1 ;;
hang) exec sleep 60 ;;
esac
exec git-receive-pack "$@"
"""
_CUT = """#!/bin/sh
[ "$1" = committed ] && [ "$(cat "{mode}" 2>/dev/null)" = cut ] && kill -9 $PPID
exit 0
"""


@dataclass
class Town:
    """A hub and the machines around it."""

    root: Path
    hub: Scratch
    opened: list[Coordinator] = field(default_factory=list)

    @classmethod
    def build(cls, root: Path) -> Town:
        seed = Scratch.create(root / "seed")
        hub = Scratch.create(root / "hub.git", "--bare")
        head = Path("refs", "heads", "main")
        shutil.copytree(seed.path / ".git" / "objects", hub.path / "objects", dirs_exist_ok=True)
        shutil.copy(seed.path / ".git" / head, hub.path / head)  # a push, without the five programs it takes
        return cls(root, hub)

    @property
    def url(self) -> str:
        return f"file://{self.hub.path}"

    def clone(self, name: str, *, hub: bool = False) -> Scratch:
        """A machine's clone; with ``hub`` coordinated through it, without hooks."""
        path = self.root / name
        self.hub.git("clone", "-q", self.url, str(path))
        clone = Scratch(path)
        clone.git("config", "coord.durability", "relaxed")
        if hub:
            with self.coord(clone) as coord:
                coord.init(hooks=False)
                coord.hub_set("origin")
        return clone

    def coord(self, clone: Scratch, session: str | None = None, *, clock: Clock | None = None) -> Coordinator:
        opened = Coordinator.open(str(clone.path), dict(os.environ), session=session, clock=clock)
        self.opened.append(opened)
        return opened

    def hire(self, clone: Scratch, name: str, *, clock: Clock | None = None) -> Coordinator:
        """A worker with a session in that clone."""
        coord = self.coord(clone, clock=clock)
        coord.wanted = coord.start(name, bind=False).id
        return coord

    def close(self) -> None:
        for coord in self.opened:
            coord.close()

    def refs(self) -> dict[str, str]:
        """The hub's coordination refs."""
        return coord_refs(self.hub)

    def trouble(self, clone: Scratch, mode: str = "") -> Path:
        """Put a faulty line between a clone and the hub; the file returned says which fault, and counts its pushes."""
        mode_file = self.root / f"{clone.path.name}.mode"
        mode_file.write_text(mode)
        wrapper = self.root / f"{clone.path.name}.receive"
        wrapper.write_text(_WRAPPER.format(mode=mode_file))
        wrapper.chmod(0o755)
        clone.git("config", "remote.origin.receivepack", str(wrapper))
        cut = self.hub.path / "hooks" / "reference-transaction"
        cut.parent.mkdir(exist_ok=True)
        cut.write_text(_CUT.format(mode=mode_file))
        cut.chmod(0o755)
        return mode_file


def pushes(mode_file: Path) -> int:
    """How often a clone with a troubled line has called the hub to push."""
    count = Path(f"{mode_file}.count")
    return len(count.read_text().splitlines()) if count.exists() else 0


def coord_refs(scratch: Scratch, below: str = "refs/coord/") -> dict[str, str]:
    lines = scratch.git("for-each-ref", "--format=%(refname) %(objectname)", below).splitlines()
    return dict(line.split(" ") for line in lines)


def opened(scratch: Scratch) -> Repo:
    return discover(str(scratch.path), os.environ)


ORIGIN = Remote("origin")
