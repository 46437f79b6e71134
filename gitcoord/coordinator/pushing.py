"""Fenced push: a branch moves at the hub only while its task is held. Loaded when first used (``across``).

One atomic push carries the branch and a *renewed* task record with its exact lease. A push sends nothing for a ref that
does not change, so an unchanged record would not notice a take-over; a renewed one makes it reject both.
"""

from __future__ import annotations

from gitcoord.coordinator.arbiter import at_hub
from gitcoord.core import names
from gitcoord.core import task_events as events
from gitcoord.core.model import Struct, Task
from gitcoord.errors import Usage
from gitcoord.git.remote import Update
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from gitcoord.coordinator.holding import Holding

_PATIENCE = 30.0


class PushView(Struct, frozen=True, kw_only=True):
    """What was pushed where, under which claim."""

    task: str
    token: int
    branch: str
    commit: str
    hub: str


class Pushing:
    """The verb, over a Coordinator."""

    def __init__(self, coord: Holding) -> None:
        self.coord = coord
        self.repo = coord.repo

    def push(self, refspec: str | None, task_id: str | None) -> PushView:
        """Move a branch at the hub, as long as I hold the task it belongs to."""
        coord = self.coord
        if coord.config.hub is None:
            raise Usage("this clone has no hub to be fenced by", hint="git coord hub set origin, or plain git push")
        coord.begin(*coord.my_refs())
        chosen = coord.default_task(coord.me(), task_id)
        commit, branch = self._wanted(refspec)

        def decide() -> Plan[Task]:
            me = coord.me()
            base = coord.known_task(chosen)
            holder, verdict = coord.holder(base.record)
            event = events.Renew(
                at=coord.now(),
                session=me.record.id,
                token=coord.my_token(chosen, me.record.id),
                branch=branch,
                commit=commit,
            )
            record = coord.named_step(base, event, coord.facts(base.record, verdict), holder, verdict)
            short = branch.removeprefix("refs/heads/")
            subject = f"push {short} by {me.record.name}, token {record.token}"
            change = coord.write(base.ref, base, record, event, subject)
            return Plan(coord.changes(change, coord.verify(me), coord.beat_change(me)), record)

        beside = [Update(branch, commit, None, leased=False)]
        task = at_hub(coord, decide, _PATIENCE, beside)
        return PushView(task=task.id, token=task.token, branch=branch, commit=commit, hub=coord.config.hub)

    def _wanted(self, refspec: str | None) -> tuple[str, str]:
        """The commit and the full name of the branch at the hub. Raises Usage."""
        source, _, goal = (refspec or "").partition(":")
        if source.startswith(("+", "-")) or (refspec and not source):
            raise Usage("a fenced push moves one branch forward", hint="git coord push mine:theirs")
        at = self.repo.top
        commit = self.repo.git("rev-parse", "--verify", "-q", f"{source or 'HEAD'}^{{commit}}", at=at, check=False)
        if commit.code != 0:
            raise Usage(f"there is no commit {source or 'HEAD'}", hint="git coord push HEAD:my-branch")
        name = goal or self._branch(source)
        full = name if name.startswith("refs/heads/") else f"refs/heads/{name}"
        if self.repo.git("check-ref-format", full, check=False).code != 0 or full.startswith(names.ROOT):
            raise Usage(f"{name!r} is no branch", hint="git coord push HEAD:my-branch")
        return commit.text, full

    def _branch(self, source: str) -> str:
        """The branch that ``source`` (or what is checked out) is."""
        found = self.repo.git("rev-parse", "--symbolic-full-name", source or "HEAD", at=self.repo.top, check=False)
        if not found.text.startswith("refs/heads/"):
            raise Usage("say which branch at the hub is meant", hint="git coord push HEAD:my-branch")
        return found.text
