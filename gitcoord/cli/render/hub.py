"""How the hub looks: how far in step, what a remote allows, what a sync did."""

from __future__ import annotations

from gitcoord.cli.render.doc import Doc, Facts, Line, Table, lines
from gitcoord.cli.render.setup import checked
from gitcoord.cli.render.words import count
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.hub import HubView, SyncView
    from gitcoord.coordinator.pushing import PushView
    from gitcoord.core.views import Check, Wrote

_SYNC = {
    "auto": "by itself, when the hub has not heard of us for long (coord.syncInterval)",
    "manual": "only by 'git coord sync': until then nobody sees what you do, and you may be taken for gone",
}


def hub(view: HubView) -> Doc:
    if view.hub is None:
        return [*lines("no hub: this clone coordinates alone", "hint: git coord hub set origin"), *_conflicts(view)]
    waiting = f"{count(view.waiting, 'ref')} to send: git coord sync" if view.waiting else "nothing to send"
    heard = "not since this machine started" if view.as_of is None else f"{view.as_of:.0f} s ago"
    facts = Facts(
        (
            ("hub", view.hub),
            ("refs there", f"{view.prefix}* ({view.known} known)"),
            ("last heard of", heard),
            ("in step", waiting),
            ("sync", _SYNC[view.sync]),
            ("outcome unknown", "\n".join(view.doubts)),
        )
    )
    return [facts, *_conflicts(view)]


def _conflicts(view: HubView) -> Sequence[Line | Table]:
    if not view.conflicts:
        return []
    table = Table(
        ("WHEN", "REFUSED AT THE HUB", "WHY"),
        tuple((entry.at, entry.subject, entry.why) for entry in view.conflicts),
        long=2,
    )
    return [Line(""), table]


def probed(checks: Sequence[Check]) -> Doc:
    return checked(checks)


def unset(wrote: Sequence[Wrote]) -> Doc:
    return lines("no hub from now on; the state stays, here and there" if wrote else "there was no hub")


def pushed(view: PushView) -> Doc:
    branch = view.branch.removeprefix("refs/heads/")
    return lines(f"pushed {branch} to {view.hub} at {view.commit[:10]}, under {view.task}, token {view.token}")


def synced(view: SyncView) -> Doc:
    if view.shared:
        return lines(f"in step with {view.hub}: another process just did it")
    text = f"in step with {view.hub}: {view.received} received, {view.sent} sent"
    if view.conflicts:
        text += f", {count(view.conflicts, 'event')} undone: git coord hub show"
    return lines(text)
