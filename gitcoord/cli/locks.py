"""Locks: lock, unlock, locks, check."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Opt, command
from gitcoord.cli.render import locks as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import duration, filled
from gitcoord.errors import GitFailed, Held
from gitcoord.git.paths import below
from gitcoord.lean import TYPE_CHECKING, Annotated, cast

if TYPE_CHECKING:
    from gitcoord.coordinator.locks import HeldPath


@command(
    "lock",
    group="Locks and data",
    summary="Lock names or path patterns: all of them or none, exclusively unless --shared.",
    details="What has a '/' or one of * ? [ is a path pattern as in .gitignore, relative to the top of the repository; "
    "commits and pushes of others that touch such a path are stopped. A lock ends with unlock, with its --ttl or with "
    "its session, however that ends. Locking what you hold changes nothing, but with --ttl its time begins anew.",
    example="git coord lock deploy --reason 'release 2.1' --wait 10m\ngit coord lock 'src/auth/**' 'docs/*.md'",
    codes=("held", "timeout", "no-session", "ended", "wrong-state", "contended"),
)
def lock(
    ctx: Context,
    wants: Annotated[tuple[str, ...], Arg("NAME|PATTERN", "What to lock.", parse=filled, many=True)],
    *,
    shared: Annotated[bool, Flag("--shared", about="Beside others who lock it shared.")] = False,
    path: Annotated[bool, Flag("--path", about="All of these are path patterns.")] = False,
    ttl: Annotated[
        float | None, Opt("--ttl", metavar="D", about="The locks end by themselves after this time.", parse=duration)
    ] = None,
    reason: Annotated[
        str | None, Opt("--reason", "-m", metavar="R", about="What for; others read it.", parse=filled)
    ] = None,
    wait: Annotated[
        float | None, Opt("--wait", metavar="D", about="Queue for them for up to this time.", parse=duration)
    ] = None,
) -> Reply:
    got = ctx.coord.lock(wants, path=path, shared=shared, ttl=ttl, reason=reason, wait=wait)
    result = {"locks": got.locks, "token": got.token, "changed": got.changed}
    return Reply(
        result,
        lambda: look.locked(got),
        confirms=True,
        guarantee=got.guarantee,
        notices=got.notices,
        lines=got.locks,
    )


@command(
    "unlock",
    group="Locks and data",
    summary="Give locks back: those named, all of yours, or your only one.",
    example="git coord unlock deploy\ngit coord unlock --all",
    codes=("not-holder", "no-session", "ended"),
)
def unlock(
    ctx: Context,
    wants: Annotated[tuple[str, ...], Arg("NAME|PATTERN", "As they were locked.", parse=filled, many=True)] = (),
    *,
    path: Annotated[bool, Flag("--path", about="These are path patterns.")] = False,
    every: Annotated[bool, Flag("--all", about="All that your session holds, and its places in queues.")] = False,
) -> Reply:
    gone = ctx.coord.unlock(wants, path=path, all=every)
    return Reply(gone, lambda: look.unlocked(gone), confirms=True)


@command(
    "locks",
    group="Locks and data",
    summary="List all locks: who holds what, since when, why, and who waits for it.",
    example="git coord locks",
)
def locks(ctx: Context) -> Reply:
    found = ctx.coord.locks()
    return Reply(found, lambda: look.listed(found))


@command(
    "check",
    group="Locks and data",
    summary="Ask whether paths are free, or locked by you; exit 1 lists those that others hold.",
    example="git coord check src/auth/login.py\ngit coord check --staged",
    codes=("held",),
)
def check(
    ctx: Context,
    paths: Annotated[tuple[str, ...], Arg("PATH", "Files or directories.", parse=filled, many=True)] = (),
    *,
    staged: Annotated[bool, Flag("--staged", about="What the next commit would change.")] = False,
) -> Reply:
    top = ctx.coord.repo.top
    if top is None:
        raise GitFailed("there is no worktree here", hint="change into a worktree")
    try:
        free = ctx.coord.check([below(top, ctx.start, path) for path in paths], staged=staged)
    except Held as refusal:
        found = cast("list[HeldPath]", refusal.fields["paths"])
        return Reply(found, lambda: look.held(found), lines=[_line(item) for item in found], refusal=refusal)
    return Reply(free, lambda: look.free(free), confirms=True)


def _line(held: "HeldPath") -> dict[str, object]:
    lock = held.lock
    return {
        "path": held.path,
        "lock": lock.path,
        "mode": lock.mode,
        "session": lock.session,
        "session_name": lock.session_name,
        "token": lock.token,
        "reason": lock.reason,
    }
