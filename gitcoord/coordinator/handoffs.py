"""Handing over: offer with a rescue snapshot of uncommitted work, accept with a new token, withdraw, list.

The token is spent at the offer: from then on the giver holds nothing. Where giver and receiver share a clone the
receiver takes the giver's worktree as it stands; elsewhere a new worktree is made and the snapshot restored into it.
"""

from __future__ import annotations

import os
from itertools import pairwise

from gitcoord.coordinator.claims import Claims
from gitcoord.coordinator.entries import said
from gitcoord.coordinator.places import Plot
from gitcoord.coordinator.records import Loaded
from gitcoord.coordinator.tasks import check_id
from gitcoord.core import codec, names, queue
from gitcoord.core import task_events as events
from gitcoord.core.model import Handoff, Session, Struct, Task
from gitcoord.core.views import Grant, TaskView
from gitcoord.errors import CoordError, Ended, NotHolder, Usage
from gitcoord.git import binding, claimfile
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_NOTE = 64 * 1024


class Accepted(Struct, frozen=True, kw_only=True):
    """An accepted task: what was offered, and whether uncommitted work came along."""

    grant: Grant
    handoff: Handoff
    restored: bool


class Handoffs(Claims):
    """Work that changes hands on purpose."""

    def handoff(
        self,
        id: str | None = None,  # noqa: A002
        *,
        note: str,
        to: str | None = None,
        phase: str | None = None,
        next: Sequence[str] = (),  # noqa: A002
        context: Mapping[str, str] | None = None,
    ) -> TaskView:
        """Offer a held task to ``to`` or to anyone, with a snapshot of its uncommitted work."""
        self.begin(*self.my_refs(), *([names.task_ref(check_id(id))] if id is not None else []))
        if not note.strip() or len(note) > MAX_NOTE:
            raise Usage(f"a note has 1 to {MAX_NOTE} characters")
        me = self.me()
        receiver = self._receiver(to)
        task = self.known_task(self.default_task(me, id)).record
        offer = self._offer_of(
            me, task, note=note, to=receiver, phase=phase, next=tuple(next), context=dict(context or {})
        )
        if self.config.hub is not None and offer.commit is not None:
            self.keep_tip(task.id, offer.commit)
        offered = self.offer(task.id, offer)
        self.share()
        return self.task_view(offered)

    def _receiver(self, to: str | None) -> str | None:
        if to is None:
            return None
        found = self.find_session(to)
        if found.record.state != "live":
            raise Ended(
                f"session {found.record.name} has {found.record.state}", hint="offer it to anyone: leave --to out"
            )
        return found.record.id

    def _offer_of(self, me: Loaded[Session], task: Task, **said: object) -> events.Offer:
        """The offer with what is uncommitted rescued, and the commit the receiver starts from."""
        if task.claim is None or task.claim.session != me.record.id:
            raise NotHolder(
                f"you do not hold task {task.id}", task=task.id, holder=task.claim.session if task.claim else None
            )
        path = self._workplace(task.id, me.record.id)
        rescued = self.rescue(task.id, path, f"handed over by {me.record.name}") if path else None
        head = None
        if path is not None:
            done = self.repo.git("rev-parse", "--verify", "-q", "HEAD", at=path, check=False)
            head = done.text if done.code == 0 else None
        return events.Offer(
            at=self.now(),
            session=me.record.id,
            token=self.my_token(task.id, me.record.id),
            rescue=rescued,
            commit=head,
            **said,  # type: ignore[arg-type]
        )

    def _workplace(self, task_id: str, sid: str) -> str | None:
        """Where a session works on a task: the worktree made for it, else the one bound to the session here."""
        found = self.worktree_for(task_id)
        if found is not None and os.path.isdir(found.path):
            return found.path
        if self.repo.top is not None and binding.bound_session(self.repo.git_dir) == sid:
            return self.repo.top
        return None

    def offer(self, task_id: str, event: events.Offer) -> Task:
        """Write an offer; the giver stops holding the task."""

        def decide() -> Plan[Task]:
            base = self.known_task(task_id)
            holder, verdict = self.holder(base.record)
            giver = self.find_session(str(event.session))
            if giver.record.state != "live":
                raise Ended(f"session {giver.record.name} ({giver.record.id}) has {giver.record.state}")
            record = self.named_step(base, event, self.facts(base.record, verdict), holder, verdict)
            subject = f"offer {task_id} by {giver.record.name}: {event.note}"
            return Plan(self.changes(self.write(base.ref, base, record, event, subject), self.verify(giver)), record)

        return self.transact(decide)

    def withdraw(self, id: str) -> TaskView:  # noqa: A002
        """Take back an offer of mine that nobody accepted: I hold the task again, with a new token."""
        self.begin(*self.my_refs(), names.task_ref(check_id(id)))
        me = self.me()
        task = self.known_task(id).record
        if task.claim is None or task.claim.session != me.record.id:
            if task.handoff is None or task.handoff.from_ != me.record.id:
                raise NotHolder(f"task {id} is not offered by you", task=id)
            task = self._take_offer(id)[0]
        found = self.worktree_for(id)
        note = claimfile.read(found.git_dir) if found is not None else None
        if found is not None and note is not None and note.session == me.record.id:
            claimfile.write(found.git_dir, claimfile.ClaimFile(id, me.record.id, task.token))
        return self.task_view(task)

    def handoffs(self) -> list[TaskView]:
        """Open offers, those addressed to me first."""
        self.begin(*self.my_refs())
        board = self.board()
        mine = self.find_me()
        sid = mine.record.id if mine else None
        open_ones = [task for task in board.plain_tasks().values() if task.state == "offered" and task.handoff]
        open_ones.sort(key=lambda task: (task.handoff is not None and task.handoff.to != sid, queue.order(task)))
        return self.task_views(open_ones, board)

    def accept(self, id: str, *, restore: bool = True, worktree: bool = True) -> Accepted:  # noqa: A002
        """Accept an offered task: a new token, the same branch, the uncommitted work restored."""
        self.begin(*self.my_refs(), names.task_ref(check_id(id)))
        before = self._accepted_before(id)
        task, offer, me = before or self._take_offer(id)
        restored = False
        if worktree:
            try:
                task, restored = self._receive(task, offer, me, restore=restore)
            except CoordError as failure:
                # The offer is accepted; only its worktree is not there yet. Claiming again makes it.
                failure.fields = {**failure.fields, "accepted": True}
                raise
        grant = Grant(
            task=self.task_view(task),
            guarantee=self.guarantee,
            changed=before is None,
            created=False,
            taken_from=None,
            taken_from_name=None,
            notices=tuple(self.notices),
        )
        return Accepted(grant=grant, handoff=offer, restored=restored)

    def _accepted_before(self, task_id: str) -> tuple[Task, Handoff, Session] | None:
        """What I accepted already, with the offer as it was: a kill may have come before its worktree was ready."""
        me = self.me()
        base = self.task(task_id)  # with a hub it may not be known here yet
        if base is None or base.record.claim is None or base.record.claim.session != me.record.id:
            return None
        chain = self.store.history([base.oid])[base.oid]
        for entry, older in pairwise(chain):
            kind, session = said(entry)
            if kind == "accept" and session == me.record.id:
                payload = self.store.load([older.oid]).get(older.oid, b"")
                offer = codec.convert(codec.decode_raw(payload), Task).handoff
                return (base.record, offer, me.record) if offer is not None else None
            if kind in ("claim", "take-over"):
                break
        return None

    def _take_offer(self, task_id: str) -> tuple[Task, Handoff, Session]:
        def decide() -> Plan[tuple[Task, Handoff, Session]]:
            me = self.me()
            base = self.known_task(task_id)
            addressee, verdict = self.holder(base.record)
            event = events.Accept(at=self.now(), session=me.record.id)
            # What was offered nobody holds: neither the giver's silence nor the addressee's delays it.
            facts = msgspec.structs.replace(self.facts(base.record, verdict), wait=self.hold_left(base.record))
            record = self.named_step(base, event, facts, addressee, verdict)
            offer = base.record.handoff
            assert offer is not None  # the rules accept offers alone
            subject = f"accept {task_id} by {me.record.name}, token {record.token}"
            change = self.write(base.ref, base, record, event, subject)
            gone = addressee if offer.to is not None and me.record.id not in (offer.to, offer.from_) else None
            return Plan(self._with(change, me, gone, verdict), (record, offer, me.record))

        return self.transact(decide, exclusive=True)

    def _receive(self, task: Task, offer: Handoff, me: Session, *, restore: bool) -> tuple[Task, bool]:
        from gitcoord.git import worktree

        found = self.worktree_for(task.id)
        if found is not None and os.path.isdir(found.path):
            plot = Plot(found.path, found.branch or task.branch or "", task.base, found)
            self.settle(plot, task.id, me, task.token)
            return self.place(task.id, plot), offer.rescue is not None
        branch = task.branch or self._branch_name(task.id, task.title)
        path = worktree.plan_path(self.repo, self.config.worktree_dir, names.key(task.id))
        plot = Plot(path, branch, offer.commit or task.base or self.default_base())
        rescued = offer.rescue if restore else None
        self.settle(plot, task.id, me, task.token, rescued)
        return self.place(task.id, plot), rescued is not None
