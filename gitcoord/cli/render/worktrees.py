"""How worktrees look."""

from __future__ import annotations

from gitcoord.cli.render.doc import Cell, Doc, Line, Table, lines
from gitcoord.cli.render.words import count, or_dash
from gitcoord.core.views import WorktreeView
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.worktrees import RemovedWorktree


def listed(found: Sequence[WorktreeView]) -> Doc:
    return [
        Table(
            ("TASK", "SESSION", "BRANCH", "WORK", "PATH"),
            tuple(
                (
                    or_dash(worktree.task),
                    or_dash(worktree.session_name or worktree.session),
                    or_dash(worktree.branch),
                    _work(worktree),
                    worktree.path,
                )
                for worktree in found
            ),
            long=4,
        )
    ]


def _work(worktree: WorktreeView) -> Cell:
    if worktree.missing:
        return Cell("missing", "bad")
    unsaved = ["uncommitted"] if worktree.dirty else []
    if worktree.unpushed:
        unsaved.append(count(worktree.unpushed, "unpushed commit"))
    return Cell(", ".join(unsaved), "warn") if unsaved else Cell("clean", "good")


def made(worktree: WorktreeView) -> Doc:
    return lines(f"made {worktree.path}" + (f", branch {worktree.branch}" if worktree.branch else ""))


def removed(answer: RemovedWorktree) -> Doc:
    doc = [Line(f"removed {answer.path}; its branch stays")]
    if answer.rescued:
        doc.append(Line(f"uncommitted work is kept in snapshot {answer.rescued[:12]}", indent=1))
    return doc


def adopted(worktree: WorktreeView) -> Doc:
    who = worktree.session_name or worktree.session or "your session"
    return lines(f"{worktree.path} belongs to {who}" + (f", task {worktree.task}" if worktree.task else ""))
