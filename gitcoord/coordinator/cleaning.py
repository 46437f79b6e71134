"""Cleaning up after those who left without a word. Not needed for correctness: what the dead held is free anyhow."""

from __future__ import annotations

from gitcoord.coordinator.joins import Board
from gitcoord.coordinator.sessions import Sessions
from gitcoord.coordinator.tasks import Tasks
from gitcoord.core import names
from gitcoord.core import task_events as events
from gitcoord.core.lease import Verdict
from gitcoord.core.model import Hold, Session, Struct
from gitcoord.core.views import SessionView
from gitcoord.git import binding
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from gitcoord.git.worktree import Worktree


class Cleanup(Struct, frozen=True, kw_only=True):
    """What a clean-up did, or with ``dry_run`` would do."""

    expired: tuple[SessionView, ...]
    freed: tuple[str, ...]
    unlocked: tuple[str, ...]
    orphaned: tuple[str, ...]
    dry_run: bool


class Cleaning(Sessions, Tasks):
    """Sweeping up."""

    def cleanup(self, *, older_than: float | None = None, dry_run: bool = False) -> Cleanup:
        """Expire dead, stale and long-idle sessions, put their tasks back, list worktrees nobody works in.

        ``older_than``: seconds without a heartbeat after which even an idle session goes (default ``coord.cleanup``).
        """
        self.begin(*self.my_refs())
        limit = self.policy.cleanup if older_than is None else older_than
        board = self.board()
        mine = self.my_id()
        gone = [
            item
            for sid, item in board.sessions.items()
            if item.record.state == "live" and sid != mine and _abandoned(board.verdicts[sid], limit)
        ]
        if not dry_run:
            gone = [item for item in gone if self._expire(item.record.id, mine, limit)]
        dead = {item.record.id for item in gone} | {
            sid for sid, item in board.sessions.items() if item.record.state != "live"
        }
        freed = sorted(
            task.id for task in board.plain_tasks().values() if task.claim is not None and task.claim.session in dead
        )
        if not dry_run:
            freed = [name for name in freed if self._free(name)]
        unlocked = self._sweep(board, dead, dry_run=dry_run)
        return Cleanup(
            expired=tuple(self.session_view(item, board, mine) for item in gone),
            freed=tuple(freed),
            unlocked=unlocked,
            orphaned=tuple(item.path for item in self._orphaned(board, dead)),
            dry_run=dry_run,
        )

    def _expire(self, sid: str, by: str | None, limit: float) -> bool:
        """Expire a session, unless it was heard of (or somebody else was first) since it was listed."""

        def decide() -> Plan[bool]:
            found = self.records.get(names.session_ref(sid), Session)
            if found is None or found.record.state != "live":
                return Plan([], False)
            self.records.fetch([names.heartbeat_ref(sid)])
            verdict = self.verdict(found)
            return Plan(self.expiry(found, verdict, by), True) if _abandoned(verdict, limit) else Plan([], False)

        known = self.records.get(names.session_ref(sid), Session)
        # Of a session elsewhere only the hub can say whether it was heard of; of one here, we know.
        return self.transact(decide, exclusive=known is not None and known.record.host != self.host)

    def _free(self, task_id: str) -> bool:
        """Put a task back whose holder's end is written down: from that no session comes back."""

        def decide() -> Plan[bool]:
            base = self.known_task(task_id)
            holder, verdict = self.holder(base.record)
            if base.record.claim is None or (holder is not None and holder.record.state == "live"):
                return Plan([], False)
            wait = verdict.wait if verdict is not None else 0.0
            hold = Hold(seconds=wait, boot=self.boot(), host=self.host) if wait > 0 else base.record.hold
            event = events.Free(at=self.now(), reason="its holder is gone", hold=hold)
            record = self.named_step(base, event, self.facts(base.record, verdict), None, verdict)
            return Plan([self.write(base.ref, base, record, event, f"free {task_id}: its holder is gone")], True)

        return self.transact(decide)

    def _sweep(self, board: Board, dead: set[str], *, dry_run: bool) -> tuple[str, ...]:
        """Drop the locks that are no longer in force; what they are on."""
        if board.locks is None:
            return ()
        from gitcoord.coordinator import freeing

        if not dry_run:
            return freeing.sweep(self)
        gone = [lock for lock in board.locks.table.locks if lock.session in dead or lock in freeing.lapsed(board.locks)]
        return tuple(lock.target.text for lock in gone)

    def _orphaned(self, board: Board, dead: set[str]) -> list[Worktree]:
        from gitcoord.git import worktree

        found = []
        for item in worktree.list_worktrees(self.repo):
            sid = None if item.bare else binding.bound_session(item.git_dir)
            if sid is not None and item.git_dir != self.repo.common and (sid in dead or sid not in board.sessions):
                found.append(item)
        return found


def _abandoned(verdict: Verdict, limit: float) -> bool:
    return not verdict.live or (verdict.silent is not None and verdict.silent >= limit)
