"""The dumb implementation: sessions and tasks in two dictionaries, one machine, one clock, nobody at the same time.

What the coordinator does is held against it, verb by verb (``test_model``). It says for every verb what has to come of
it: None, or the code of the refusal, after which nothing at all may have changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TTL, DELAY, INTERVAL, BUCKET = 1800, 60, 300, 10


class Refusal(Exception):
    """A verb that the rules do not allow; ``args[0]`` is the error's code."""


@dataclass
class Worker:
    beat: int
    state: str = "live"
    heir_of: str | None = None


@dataclass
class Job:
    born: int
    priority: int = 2
    after: tuple[str, ...] = ()
    state: str = "pending"
    holder: str | None = None
    token: int = 0
    giver: str | None = None
    to: str | None = None
    hold: int = 0
    former: tuple[str, int] | None = None
    accepted: bool = False


@dataclass
class Model:
    now: int
    wall: int
    workers: dict[str, Worker] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

    # -- liveness -----------------------------------------------------------------------------------------------------

    def start(self, who: str) -> None:
        self.workers[who] = Worker(self.now // BUCKET * BUCKET)

    def live(self, who: str | None) -> bool:
        found = self.workers.get(who or "")
        return found is not None and found.state == "live" and self.now - found.beat < TTL

    def wait(self, who: str | None) -> int:
        """Seconds that the silence of ``who`` still keeps others out."""
        found = self.workers.get(who or "")
        if found is None or found.state == "ended" or self.live(who):
            return 0
        return max(0, found.beat + TTL + DELAY - self.now)

    def heartbeat(self, who: str, if_older: int = 0) -> None:
        me = self.me(who)
        if self.now - me.beat >= if_older:
            me.beat = self.now // BUCKET * BUCKET

    def me(self, who: str) -> Worker:
        if self.workers[who].state != "live":
            raise Refusal("ended")
        return self.workers[who]

    def bury(self, who: str | None, by: str | None = None) -> None:
        """Whoever decides on the ground that somebody else is dead writes that down."""
        if who not in (None, by) and not self.live(who) and self.workers[who].state == "live":
            self.workers[who].state = "expired"

    # -- grants -------------------------------------------------------------------------------------------------------

    def grant(self, job: Job, who: str) -> None:
        if job.holder is not None:
            job.former = (job.holder, job.token)
        job.state, job.holder, job.giver, job.to, job.hold = "claimed", who, None, None, 0
        job.token += 1
        job.accepted = False
        self.heartbeat(who, INTERVAL)

    def blocked(self, job: Job) -> bool:
        return any(name not in self.jobs or self.jobs[name].state != "done" for name in job.after)

    def delayed(self, job: Job, holder: str | None) -> bool:
        return max(self.wait(holder), job.hold - self.now) > 0

    def known(self, name: str) -> Job:
        if name not in self.jobs:
            raise Refusal("not-found")
        return self.jobs[name]

    def claim(self, who: str, name: str) -> None:
        self.me(who)
        job = self.jobs.get(name) or Job(self.wall)
        if job.state not in ("pending", "claimed", "failed"):
            raise Refusal("wrong-state")
        if job.holder == who:
            return self.heartbeat(who, INTERVAL)
        if self.live(job.holder):
            raise Refusal("held")
        if self.blocked(job):
            raise Refusal("blocked")
        if self.delayed(job, job.holder):
            raise Refusal("held")
        self.jobs[name] = job
        self.bury(job.holder)
        return self.grant(job, who)

    def ready(self) -> list[str]:
        found = [
            (job.priority, job.born, name)
            for name, job in self.jobs.items()
            if job.state in ("pending", "claimed")
            and not self.live(job.holder)
            and not self.delayed(job, job.holder)
            and not self.blocked(job)
        ]
        return [name for _priority, _born, name in sorted(found)]

    def claim_next(self, who: str) -> None:
        self.me(who)
        ready = self.ready()
        if not ready:
            raise Refusal("nothing-ready")
        self.claim(who, ready[0])

    def takeover(self, who: str, name: str, force: bool, token: int) -> None:
        self.me(who)
        job = self.known(name)
        if job.state not in ("claimed", "offered"):
            raise Refusal("wrong-state")
        if job.holder == who:
            self.heartbeat(who, INTERVAL)
            return
        other = job.holder or job.to or job.giver
        if self.live(other):
            if not force:
                raise Refusal("held")
            if token != job.token:
                raise Refusal("stale-token")
            self.grant(job, who)
            job.hold = self.now + DELAY
            return
        if self.delayed(job, other):
            raise Refusal("held")
        self.bury(other, who)
        self.grant(job, who)

    # -- what a holder does -------------------------------------------------------------------------------------------

    def held(self, who: str, name: str) -> Job:
        self.me(who)
        job = self.known(name)
        if job.state in ("pending", "offered") or (job.state == "claimed" and job.holder != who):
            raise Refusal("not-holder")
        if job.state != "claimed":
            raise Refusal("wrong-state")
        return job

    def progress(self, who: str, name: str) -> None:
        self.held(who, name)
        self.heartbeat(who, INTERVAL)

    def release(self, who: str, name: str) -> None:
        job = self.held(who, name)
        job.state, job.holder = "pending", None
        self.heartbeat(who, INTERVAL)

    def done(self, who: str, name: str, state: str) -> None:
        self.me(who)
        job = self.known(name)
        if job.state != "review":
            self.held(who, name)
        job.state, job.holder = state, None
        self.heartbeat(who, INTERVAL)

    # -- handing over -------------------------------------------------------------------------------------------------

    def handoff(self, who: str, name: str, to: str | None) -> None:
        self.me(who)
        if to is not None:
            self.me(to)
        job = self.known(name)
        if job.holder != who:
            raise Refusal("not-holder")
        self.offer(job, who, to)

    @staticmethod
    def offer(job: Job, who: str, to: str | None) -> None:
        job.state, job.holder, job.giver, job.to = "offered", None, who, to

    def accept(self, who: str, name: str) -> None:
        self.me(who)
        job = self.known(name)
        if job.holder == who and job.accepted:
            return
        if job.state != "offered":
            raise Refusal("wrong-state")
        others = job.to not in (None, who) and job.giver != who
        if others and self.live(job.to):
            raise Refusal("held")
        if job.hold > self.now:
            raise Refusal("held")
        if others:
            self.bury(job.to)
        self.grant(job, who)
        job.accepted = True

    def withdraw(self, who: str, name: str) -> None:
        self.me(who)
        job = self.known(name)
        if job.holder == who:
            return
        if job.giver != who:
            raise Refusal("not-holder")
        self.accept(who, name)

    # -- without a claim ----------------------------------------------------------------------------------------------

    def add(self, name: str, priority: int, after: tuple[str, ...]) -> None:
        if name in self.jobs:
            raise Refusal("exists")
        self.jobs[name] = Job(self.wall, priority, after)

    def cancel(self, who: str, name: str) -> None:
        job = self.known(name)
        if job.state in ("done", "cancelled"):
            raise Refusal("wrong-state")
        if job.holder not in (None, who) and self.live(job.holder):
            raise Refusal("held")
        self.bury(job.holder, who)
        job.state, job.holder, job.giver, job.to = "cancelled", None, None, None

    def reopen(self, name: str) -> None:
        job = self.known(name)
        if job.state not in ("review", "failed", "done", "cancelled"):
            raise Refusal("wrong-state")
        job.state = "pending"

    # -- ends ---------------------------------------------------------------------------------------------------------

    def end(self, who: str, how: str) -> None:
        me = self.me(who)
        held = [job for job in self.jobs.values() if job.holder == who]
        if held and how == "plain":
            raise Refusal("unsafe")
        for job in held:
            if how == "handoff":
                self.offer(job, who, None)
            else:
                job.state, job.holder = "pending", None
        me.state = "ended"

    def cleanup(self, who: str) -> None:
        for name in self.workers:
            if name != who:
                self.bury(name)
        for job in self.jobs.values():
            if job.holder is not None and self.workers[job.holder].state != "live":
                left = self.wait(job.holder)
                job.former, job.hold = (job.holder, job.token), self.now + left if left else job.hold
                job.state, job.holder = "pending", None

    def resume(self, who: str, successor: str) -> None:
        """``successor`` is the session that goes on: ``who`` itself while it has not ended, else its heir."""
        if self.workers[who].state == "live":
            self.heartbeat(who, INTERVAL)
        elif successor not in self.workers:
            self.start(successor)
            self.workers[successor].heir_of = who
        former = self.workers[successor].heir_of
        for job in self.jobs.values():
            unclaimed = job.state == "pending" and former is not None and job.former == (former, job.token)
            held = former is not None and job.holder == former
            if (unclaimed or held) and not self.blocked(job):
                self.grant(job, successor)
