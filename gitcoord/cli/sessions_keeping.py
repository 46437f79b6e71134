"""What is on this machine of a session: sessions show|export|archive|remove, and attach."""

import os

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Opt, command
from gitcoord.cli.render import keeping as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import duration, filled
from gitcoord.errors import Interrupted, Unsafe
from gitcoord.lean import Annotated

_WHO = "Session id, unique prefix, name or agent's own id."


@command(
    "sessions show",
    group="Sessions",
    summary="Show one session in full, with what is on this machine of it.",
    example="git coord sessions show backend",
    codes=("not-found",),
)
def show(ctx: Context, who: Annotated[str, Arg("S", _WHO, parse=filled)]) -> Reply:
    shown = ctx.coord.show_session(who)
    return Reply(shown, lambda: look.shown(shown))


@command(
    "sessions export",
    group="Sessions",
    summary="Pack a session into a file: its record, its events and its private directory.",
    details="The file is made with mode 0600 and never over another; links are listed and not followed, logins stay "
    "out. --mask replaces what looks like a secret in texts, and leaves out what is no text; look through it all the "
    "same before you pass it on.",
    example="git coord sessions export backend backend.tar.gz --mask",
    codes=("not-found", "exists"),
)
def export(
    ctx: Context,
    who: Annotated[str, Arg("S", _WHO, parse=filled)],
    file: Annotated[str | None, Arg("FILE.tar.gz", "Where to; ID.tar.gz here if left out.", parse=filled)] = None,
    *,
    mask: Annotated[bool, Flag("--mask", about="Mask what looks like a secret.")] = False,
) -> Reply:
    if file is None:
        file = f"{ctx.coord.show_session(who).session.id}.tar.gz"
    exported = ctx.coord.export_session(who, os.path.join(ctx.start, file), mask=mask)
    return Reply(exported, lambda: look.exported(exported), confirms=True)


@command(
    "sessions archive",
    group="Sessions",
    summary="Pack away the private directories of sessions that ended long ago.",
    details="Says what it would do; --yes does it. They go to coord/archive in the Git directory, and the sessions "
    "stay listed by 'sessions --all'. Unless told, the time is coord.sessionRetention (30d); what was written to since "
    "then stays.",
    example="git coord sessions archive --older-than 30d\ngit coord sessions archive --yes",
)
def archive(
    ctx: Context,
    *,
    older_than: Annotated[
        float | None,
        Opt("--older-than", metavar="D", about="Ended longer ago than this (24h, 30d).", parse=duration),
    ] = None,
    dry_run: Annotated[bool, Flag("--dry-run", about="Only say what would be done, also with --yes.")] = False,
    yes: Annotated[bool, Flag("--yes", about="Do it.")] = False,
) -> Reply:
    done = ctx.coord.archive_sessions(older_than=older_than, dry_run=dry_run or not yes)
    return Reply(done, lambda: look.archived(done), lines=done.sessions)


@command(
    "sessions remove",
    group="Sessions",
    summary="Remove the private directory of a session that has ended.",
    details="Asks on a terminal; elsewhere it needs --yes. Its record and its events stay, what it linked to stays. "
    "--shred overwrites the files first; on SSDs, on file systems that copy on write, in snapshots and in backups the "
    "old content may survive that.",
    example="git coord sessions remove backend",
    codes=("not-found", "unsafe"),
)
def remove(
    ctx: Context,
    who: Annotated[str, Arg("S", _WHO, parse=filled)],
    *,
    shred: Annotated[bool, Flag("--shred", about="Overwrite the files first.")] = False,
    yes: Annotated[bool, Flag("--yes", about="Do not ask.")] = False,
) -> Reply:
    found = ctx.coord.show_session(who)
    if not yes and found.private is not None and found.session.state != "live":
        if not ctx.interactive:
            raise Unsafe(
                f"{found.private.files} files of {found.session.name} would be gone for good: --yes says you mean it",
                hint=f"git coord sessions export {found.session.id}",
                session=found.session.id,
            )
        from gitcoord.cli.prompt import confirm

        if not confirm(look.question(found, shred=shred)):
            raise Interrupted("not removed; nothing changed")
    removed = ctx.coord.remove_session(found.session.id, shred=shred)
    return Reply(removed, lambda: look.removed(removed, shred=shred), confirms=True)


@command(
    "attach",
    group="Sessions",
    summary="Go where a session is at work: its tmux window comes to the front, or you are told where it runs.",
    details="The pane is the one in which it was started on this machine; other machines' sessions are only described.",
    example="git coord attach backend",
    codes=("not-found",),
)
def attach(ctx: Context, who: Annotated[str, Arg("S", _WHO, parse=filled)]) -> Reply:
    where = ctx.coord.attach(who)
    return Reply(where, lambda: look.found_at(where))
