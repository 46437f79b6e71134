"""Working on a task: claim, progress, release, done, takeover."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Many, Opt, command
from gitcoord.cli.render import claims as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import choice, filled, percent, whole
from gitcoord.errors import Usage
from gitcoord.lean import TYPE_CHECKING, Annotated, Literal, msgspec

if TYPE_CHECKING:
    from gitcoord.coordinator.holding import Finished


@command(
    "claim",
    group="Working",
    summary="Claim a task: exactly one session gets it, with a branch and a worktree to work in.",
    details="An unknown ID becomes a task. Claiming what you hold already changes nothing. A claim whose holder is "
    "dead is simply taken, and the answer says from whom. What --lock locked stays so until unlock or the end of the "
    "session.",
    example='git coord claim --next\ncd "$(git coord claim 15 --path)"',
    codes=("held", "blocked", "nothing-ready", "wrong-state", "no-session", "ended", "unsafe", "contended"),
)
def claim(
    ctx: Context,
    task: Annotated[str | None, Arg("ID", "The task.", parse=filled)] = None,
    *,
    following: Annotated[bool, Flag("--next", about="Take the first task that is ready.")] = False,
    label: Annotated[
        tuple[str, ...], Many("--label", "-l", metavar="L", about="With --next: only with this label; may be repeated.")
    ] = (),
    no_worktree: Annotated[bool, Flag("--no-worktree", about="Make no branch and no worktree.")] = False,
    base: Annotated[str | None, Opt("--base", metavar="REV", about="Start the branch here.", parse=filled)] = None,
    branch: Annotated[str | None, Opt("--branch", metavar="B", about="Work on this branch.", parse=filled)] = None,
    lock: Annotated[
        tuple[str, ...],
        Many("--lock", metavar="PATTERN", about="Lock this too, or claim nothing; may be repeated.", parse=filled),
    ] = (),
    provisional: Annotated[
        bool, Flag("--provisional", about="Without the hub: it may say otherwise at the next sync.")
    ] = False,
    path: Annotated[bool, Flag("--path", about="Print only the path of the worktree.")] = False,
) -> Reply:
    if (task is None) != following:
        raise Usage("give a task or --next, and not both", hint="git coord claim --next")
    grant = ctx.coord.claim(
        task,
        next=following,
        label=label,
        worktree=not no_worktree,
        base=base,
        branch=branch,
        lock=lock,
        provisional=provisional,
    )
    if path:
        return Reply(grant, bare=grant.task.worktree or "")
    return Reply(grant, lambda: look.granted(grant), confirms=True)


@command(
    "progress",
    group="Working",
    summary="Say how far the work on a task is.",
    details="ID is your only claim if left out; PERCENT may be left out beside --phase or -m.",
    example="git coord progress 15 60 --phase tests -m 'unit tests pass'",
    codes=("not-holder", "stale-token", "wrong-state", "no-session", "not-found"),
)
def progress(
    ctx: Context,
    words: Annotated[tuple[str, ...], Arg("[ID] [PERCENT]", "The task, and 0 to 100.", many=True)] = (),
    *,
    phase: Annotated[str | None, Opt("--phase", metavar="P", about="Such as plan, code, tests.", parse=filled)] = None,
    message: Annotated[str | None, Opt("--message", "-m", metavar="TEXT", about="One line more.", parse=filled)] = None,
) -> Reply:
    task, done = _task_and_percent(words, saying=phase is not None or message is not None)
    changed = ctx.coord.progress(task, percent=done, phase=phase, message=message)
    return Reply(changed, lambda: look.progressed(changed), confirms=True)


def _task_and_percent(words: tuple[str, ...], *, saying: bool) -> tuple[str | None, int | None]:
    if len(words) > 2 or not (words or saying):
        raise Usage("progress takes [ID] PERCENT", hint="git coord progress 15 60")
    if not words:
        return None, None
    try:
        return (words[0] if len(words) == 2 else None), percent(words[-1])
    except ValueError as error:
        raise Usage(str(error), hint="git coord progress 15 60") from None


@command(
    "release",
    group="Working",
    summary="Give a claim back unfinished; the task is free again.",
    details="ID is your only claim if left out. The worktree and the branch stay.",
    example="git coord release 15 --reason 'needs a decision first'",
    codes=("not-holder", "stale-token", "wrong-state", "no-session", "not-found"),
)
def release(
    ctx: Context,
    task: Annotated[str | None, Arg("ID", "The task.")] = None,
    *,
    reason: Annotated[str, Opt("--reason", metavar="R", about="Why.", parse=filled)],
) -> Reply:
    freed = ctx.coord.release(task, reason=reason)
    return Reply(freed, lambda: look.released(freed), confirms=True)


@command(
    "done",
    group="Working",
    summary="Finish a task: record the result and free the claim.",
    details="ID is your only claim if left out. On a terminal it offers to remove a worktree without unsaved work.",
    example="git coord done 15 --pr https://example.org/pr/7 --summary 'login page fixed'",
    codes=("not-holder", "stale-token", "wrong-state", "no-session", "not-found", "unsafe"),
)
def done(
    ctx: Context,
    task: Annotated[str | None, Arg("ID", "The task.")] = None,
    *,
    status: Annotated[
        Literal["passed", "failed"],
        Opt("--status", metavar="S", about="passed (as if left out) or failed.", parse=choice("passed", "failed")),
    ] = "passed",
    pr: Annotated[str | None, Opt("--pr", metavar="URL", about="The pull request.", parse=filled)] = None,
    commit: Annotated[
        str | None, Opt("--commit", metavar="REV", about="The commit; the branch's tip if left out.", parse=filled)
    ] = None,
    summary: Annotated[str | None, Opt("--summary", metavar="TEXT", about="What was done.", parse=filled)] = None,
    review: Annotated[bool, Flag("--review", about="Done, but waiting for review and merge.")] = False,
    remove_worktree: Annotated[
        bool, Flag("--remove-worktree", about="Remove the worktree, if nothing is lost.")
    ] = False,
    keep_worktree: Annotated[bool, Flag("--keep-worktree", about="Keep the worktree without asking.")] = False,
) -> Reply:
    if remove_worktree and keep_worktree:
        raise Usage("--remove-worktree and --keep-worktree exclude each other", hint="leave one of them out")
    finished = ctx.coord.done(
        task,
        status=status,
        pr=pr,
        commit=commit,
        summary=summary,
        review=review,
        remove_worktree=remove_worktree,
    )
    if finished.removable and not keep_worktree and _wants_it_gone(ctx, finished):
        ctx.coord.worktree_remove(finished.task.id, force=False)
        finished = msgspec.structs.replace(finished, worktree_removed=True, removable=False)
    return Reply(finished, lambda: look.finished(finished), confirms=True)


def _wants_it_gone(ctx: Context, finished: "Finished") -> bool:
    """Ask a person, where there is one, whether the worktree is to go."""
    if not ctx.interactive:
        return False
    from gitcoord.cli.prompt import confirm

    return confirm(f"{finished.task.id} is {finished.task.state}. Remove its worktree {finished.worktree}?")


@command(
    "takeover",
    group="Working",
    summary="Take a task from a dead or stale session; from a live one only by force.",
    details="From a live holder it needs --force and the holder's current token, which 'git coord task show' says. "
    "What is uncommitted in the worktree is snapshot first.",
    example="git coord takeover 15 --reason 'the agent hangs' --force --token 3",
    codes=("held", "stale-token", "wrong-state", "no-session", "not-found"),
)
def takeover(
    ctx: Context,
    task: Annotated[str, Arg("ID", "The task.")],
    *,
    reason: Annotated[str, Opt("--reason", metavar="R", about="Why.", parse=filled)],
    force: Annotated[bool, Flag("--force", about="Even from a live session.")] = False,
    token: Annotated[
        int | None, Opt("--token", metavar="N", about="The token to be superseded.", parse=whole(0, 10**12 - 1))
    ] = None,
    no_worktree: Annotated[bool, Flag("--no-worktree", about="Make no worktree.")] = False,
) -> Reply:
    if force and token is None:
        raise Usage("--force needs --token, the holder's current token", hint=f"git coord task show {task}")
    grant = ctx.coord.takeover(task, reason=reason, force=force, token=token, worktree=not no_worktree)
    return Reply(grant, lambda: look.granted(grant), confirms=True)
