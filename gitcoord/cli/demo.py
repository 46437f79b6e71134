"""``demo``: a one-minute tour on real repositories in a temporary directory, with real processes, removed at the end.

Every step runs the very commands that a user would type; nothing is faked, and a step that does not do what the text
says ends the demo with an error.
"""

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping

from gitcoord.cli.context import Context
from gitcoord.cli.declare import command
from gitcoord.cli.render.safe import safe
from gitcoord.cli.reply import Reply
from gitcoord.core.ids import AGENT_IDS
from gitcoord.errors import Bug
from gitcoord.git.repo import clean_env
from gitcoord.git.run import Done, launch, run
from gitcoord.lean import msgspec

_WORKER = 'cd "$1" && shift && "$@" --pid $$ && exec sleep 600'


@command(
    "demo",
    group="Set-up",
    summary="A one-minute tour in a temporary directory: a race, hooks, a handoff, a crash and a second clone.",
    example="git coord demo",
    codes=("bug",),
)
def demo(ctx: Context) -> Reply:
    tour = Tour(ctx.environ, quiet=ctx.options.json or ctx.options.porcelain or ctx.options.z or ctx.options.quiet)
    begun = time.monotonic()
    try:
        tour.all()
    finally:
        tour.remove()
    seconds = round(time.monotonic() - begun, 1)
    tour.say(f"\nThat took {seconds} s; {tour.place} is removed again. Begin with 'git coord init' in your repository.")
    return Reply({"steps": tour.steps, "seconds": seconds})


class Tour:
    """The demo's repository, its three sessions and its voice."""

    def __init__(self, environ: Mapping[str, str], *, quiet: bool) -> None:
        self.place = os.path.realpath(tempfile.mkdtemp(prefix="gitcoord-demo-"))
        self.repo = os.path.join(self.place, "shop")
        self.quiet = quiet
        self.steps: list[str] = []
        self.workers: list[int] = []
        self.env = {
            **{name: value for name, value in clean_env(environ).items() if not name.startswith("GIT_COORD_")},
            "HOME": self.place,
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_NAME": "Demo" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "demo@example.org" for who in ("AUTHOR", "COMMITTER")},
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        for name, _agent in AGENT_IDS:
            self.env.pop(name, None)

    # -- the tour -----------------------------------------------------------------------------------------------------

    def all(self) -> None:
        self.set_up()
        self.race()
        self.beat()
        self.hand_over()
        self.crash()
        self.across()
        self.look_back()

    def set_up(self) -> None:
        self.step("A repository with three tasks")
        self.git("init", "-q", "-b", "main", self.repo)
        self.write(self.repo, "cart.py", "total = 0\n")
        self.git("-C", self.repo, "add", ".")
        self.git("-C", self.repo, "commit", "-q", "-m", "A shop")
        self.git("-C", self.repo, "config", "coord.heartbeat", "1s")  # the tour has no five minutes to wait
        self.show(self.repo, "init")
        for name, title in (("cart", "Count the items"), ("login", "Let users log in"), ("search", "Find products")):
            self.coord(self.repo, "task", "add", title, "--id", name)
        self.show(self.repo, "ready")

    def race(self) -> None:
        self.step("Three sessions want the same task at the same moment; one gets it")
        self.coord(self.repo, "start", "alice", "--no-bind")
        self.coord(self.repo, "start", "bob", "--no-bind")
        worker = [*_ME, "start", "carol", "--no-bind"]
        self.workers.append(launch(["sh", "-c", _WORKER, "sh", self.repo, *worker], env=self.env))
        self.until(lambda: "carol" in self.coord(self.repo, "sessions").text, "carol signs on")
        answers: dict[str, Done] = {}

        def claim(name: str) -> None:
            answers[name] = self.try_coord(self.repo, "claim", "cart", "--session", name)

        racers = [threading.Thread(target=claim, args=(name,)) for name in ("alice", "bob", "carol")]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        for name, done in answers.items():
            self.say(f"  $ git coord claim cart --session {name}\n{_indented(done)}")
        winners = [name for name, done in answers.items() if done.code == 0]
        self.check(len(winners) == 1, "exactly one of three claims wins")
        self.order = winners + [name for name in answers if name not in winners]
        if self.order[0] == "carol":  # carol is the one who crashes later, with a task of her own
            self.coord(self.repo, "release", "cart", "--session", "carol", "--reason", "alice knows the cart")
            self.show(self.repo, "claim", "cart", "--session", "alice")
            self.order = ["alice", "bob", "carol"]
        self.holder = self.order[0]
        self.other = "bob" if self.holder == "alice" else "alice"

    def beat(self) -> None:
        self.step(f"{self.holder} commits in a worktree; the Git hook says 'alive', without starting Python")
        self.cart = os.path.join(self.repo, ".worktrees", "cart")
        self.write(self.cart, "cart.py", "total = 0\nitems = []\n")
        before = self.heartbeats()
        time.sleep(2.1)
        self.git("-C", self.cart, "commit", "-q", "-am", "Count the items")
        after = self.heartbeats()
        self.check(before != after, "the commit moved the heartbeat")
        self.say(f"  $ git commit -am 'Count the items'      heartbeat ref: {before[:10]} → {after[:10]}")
        self.show(self.cart, "progress", "60", "--phase", "build", "-m", "counting works")

    def hand_over(self) -> None:
        self.step(f"{self.holder} hands over in mid-work: staged, unstaged and untracked files go along")
        self.write(self.cart, "cart.py", "total = 0\nitems = []\ncount = len(items)\n")
        self.git("-C", self.cart, "add", "cart.py")
        self.write(self.cart, "cart.py", "total = 0\nitems = []\ncount = len(items)  # check empty carts\n")
        self.write(self.cart, "notes.txt", "ask about discounts\n")
        before = self.git("-C", self.cart, "status", "--short").text
        self.show(self.cart, "handoff", "--note", "empty carts are still wrong", "--to", self.other)
        self.show(self.repo, "accept", "cart", "--session", self.other)
        after = self.git("-C", self.cart, "status", "--short").text
        self.check(before == after, "the uncommitted work arrives as it was")
        self.say("  $ git status --short\n" + "\n".join(f"    {line}" for line in after.splitlines()))
        self.git("-C", self.cart, "add", ".")
        self.git("-C", self.cart, "commit", "-q", "-m", "Handle empty carts")
        self.show(self.cart, "done", "--summary", "empty carts count as 0")

    def crash(self) -> None:
        self.step("carol takes the next task and is killed (kill -9); her claim is simply free")
        self.show(self.repo, "claim", "--next", "--session", "carol")
        task = msgspec.json.decode(self.coord(self.repo, "task", "list", "--state", "claimed", "--json").out)["result"][
            0
        ]
        self.write(task["worktree"], "draft.py", "half a thought\n")
        os.kill(self.workers[0], signal.SIGKILL)
        os.waitpid(self.workers.pop(), 0)
        self.say("  $ kill -9 <carol>")
        self.show(self.repo, "claim", task["id"], "--session", self.holder)
        rescued = self.git("-C", self.repo, "ls-tree", "--name-only", f"refs/coord/rescue/{task['id']}").text
        self.check("draft.py" in rescued, "what carol had not committed is kept")
        self.say("  her uncommitted draft.py is still in the worktree, and in a rescue snapshot")

    def across(self) -> None:
        self.step("A second clone, as on another machine: the remote decides who gets a task")
        hub, laptop = os.path.join(self.place, "hub.git"), os.path.join(self.place, "laptop")
        self.git("init", "-q", "--bare", "-b", "main", hub)
        self.git("-C", self.repo, "remote", "add", "origin", hub)
        self.git("-C", self.repo, "push", "-q", "origin", "main")
        self.show(self.repo, "hub", "set", "origin")
        self.git("clone", "-q", hub, laptop)
        self.show(laptop, "init", "--no-hooks", "--hub", "origin")
        self.coord(laptop, "start", "dave", "--no-bind")
        self.show(self.repo, "claim", "payment", "--no-worktree", "--session", self.other)
        denied = self.try_coord(laptop, "claim", "payment", "--session", "dave")
        self.check(denied.code == 1 and self.other.encode() in denied.err, "the other clone is told who has it")
        self.say(f"  laptop$ git coord claim payment --session dave\n{_indented(denied)}")
        self.show(self.repo, "handoff", "payment", "--note", "needs a card reader", "--session", self.other)
        self.show(laptop, "accept", "payment", "--session", "dave")

    def look_back(self) -> None:
        self.step("Who does what, and what happened")
        self.show(self.repo, "status")
        self.show(self.repo, "log", "--task", "cart")

    # -- means --------------------------------------------------------------------------------------------------------

    def step(self, title: str) -> None:
        self.steps.append(title)
        self.say(f"\n{len(self.steps)}. {title}")

    def say(self, text: str) -> None:
        if not self.quiet:
            sys.stdout.write("\n".join(safe(line) for line in text.split("\n")) + "\n")
            sys.stdout.flush()

    def check(self, holds: bool, what: str) -> None:
        if not holds:
            raise Bug(f"the demo expected that {what}, and it is not so")

    def show(self, where: str, *args: str) -> None:
        shown = " ".join(f"'{arg}'" if " " in arg else arg for arg in args)
        self.say(f"  $ git coord {shown}")
        self.say(_indented(self.coord(where, *args)))

    def coord(self, where: str, *args: str) -> Done:
        done = self.try_coord(where, *args)
        self.check(done.code == 0, f"'git coord {' '.join(args)}' succeeds ({done.complaint})")
        return done

    def try_coord(self, where: str, *args: str) -> Done:
        return run([*_ME, "-C", where, *args], env=self.env)

    def git(self, *args: str) -> Done:
        done = run(["git", *args], env=self.env)
        self.check(done.code == 0, f"'git {' '.join(args)}' succeeds ({done.complaint})")
        return done

    def heartbeats(self) -> str:
        answer = msgspec.json.decode(self.coord(self.cart, "whoami", "--json").out)["result"]
        return self.git("-C", self.repo, "rev-parse", f"refs/coord/heartbeats/{answer['id']}").text

    def write(self, where: str, name: str, text: str) -> None:
        with open(os.path.join(where, name), "w", encoding="utf-8") as file:
            file.write(text)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 20
        while not holds():
            self.check(time.monotonic() < deadline, what)
            time.sleep(0.05)

    def remove(self) -> None:
        for pid in self.workers:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        shutil.rmtree(self.place, ignore_errors=True)


_ME = (sys.executable, "-m", "gitcoord")


def _indented(done: Done) -> str:
    text = (done.out + done.err).decode("utf-8", "replace")
    return "\n".join(f"    {line}" for line in text.splitlines())
