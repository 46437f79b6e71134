"""``status``: who and what needs attention first, then my claims, then everybody."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import command
from gitcoord.cli.render import status as look
from gitcoord.cli.reply import Reply
from gitcoord.lean import Any


@command(
    "status",
    group="Sessions",
    summary="Show what needs attention, what you hold, who is here and how many tasks there are.",
    example="git coord status",
)
def status(ctx: Context) -> Reply:
    found = ctx.coord.status()
    return Reply(found, lambda: look.board(found), lines=_records(found))


def _records(found: Any) -> list[dict[str, Any]]:
    """One porcelain record for each thing, told apart by ``kind``."""
    import msgspec

    records = [
        {"kind": kind, **msgspec.to_builtins(item)}
        for kind, items in (
            ("attention", found.attention),
            ("claim", found.claims),
            ("lock", found.locks),
            ("offered", found.offered),
            ("session", found.sessions),
        )
        for item in items
    ]
    records += [{"kind": "count", "state": state, "tasks": number} for state, number in found.counts.items()]
    return [*records, {"kind": "ready", "tasks": found.ready}]
