"""Task commands: task add|show|list|edit|cancel and ready. (Working on tasks is in ``claims`` and ``handoffs``.)"""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Many, Opt, command
from gitcoord.cli.render import tasks as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import choice, filled, read_text, whole
from gitcoord.core.model import TaskState
from gitcoord.errors import Usage
from gitcoord.lean import Annotated, get_args

_STATES = get_args(TaskState)


@command(
    "task add",
    group="Tasks",
    summary="Add a task, or many at once.",
    details="With --batch each line is a JSON object with a title, and perhaps id, body, priority, after and labels; "
    "all of them are added or none. Tasks may depend on later lines.",
    example="git coord task add 'Fix the login page' --priority 1 --label web --after 14\n"
    "git coord task add --batch tasks.jsonl",
    codes=("exists", "blocked", "contended"),
)
def add(
    ctx: Context,
    title: Annotated[str | None, Arg("TITLE", "One line that says what to do.", parse=filled)] = None,
    *,
    task: Annotated[
        str | None,
        Opt("--id", metavar="ID", about="Its id, such as an issue number; made up if left out.", parse=filled),
    ] = None,
    body: Annotated[str | None, Opt("--body", metavar="TEXT", about="The long description.")] = None,
    file: Annotated[str | None, Opt("-F", metavar="FILE", about="Read the description from FILE ('-': stdin).")] = None,
    priority: Annotated[
        int, Opt("--priority", metavar="0..4", about="0 is the most urgent; 2 if left out.", parse=whole(0, 4))
    ] = 2,
    after: Annotated[
        tuple[str, ...], Many("--after", metavar="ID", about="A task that must be done first; may be repeated.")
    ] = (),
    label: Annotated[tuple[str, ...], Many("--label", "-l", metavar="L", about="A label; may be repeated.")] = (),
    batch: Annotated[
        str | None, Opt("--batch", metavar="FILE", about="Add the tasks in FILE, one JSON object a line ('-': stdin).")
    ] = None,
) -> Reply:
    if batch is not None:
        if title is not None or task or body or file or after or label or priority != 2:
            raise Usage("--batch takes everything from the file", hint="git coord task add --batch -")
        return _add_batch(ctx, batch)
    if title is None:
        raise Usage("a task needs a title", hint="git coord help task add")
    made = ctx.coord.task_add(title, id=task, body=_body(body, file), priority=priority, after=after, labels=label)
    return Reply(made, lambda: look.added(made), confirms=True)


def _add_batch(ctx: Context, file: str) -> Reply:
    import msgspec

    items, lines = [], []
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if not line.strip():
            continue
        try:
            items.append(msgspec.json.decode(line))
        except (msgspec.DecodeError, RecursionError) as error:
            raise Usage(f"line {number} is not JSON: {error}", hint="one object a line", at=f"line {number}") from None
        lines.append(number)
    made = ctx.coord.task_add_many(items, lines=lines)
    records = [{"task": name} for name in made.tasks]
    return Reply(made, lambda: look.added_many(made), confirms=True, lines=records)


def _body(body: str | None, file: str | None) -> str | None:
    if body is not None and file is not None:
        raise Usage("--body and -F exclude each other", hint="leave one of them out")
    return body if file is None else read_text(file)


@command(
    "task show",
    group="Tasks",
    summary="Show all there is to know about a task.",
    example="git coord task show 15",
    codes=("not-found",),
)
def show(ctx: Context, task: Annotated[str, Arg("ID", "The task.")]) -> Reply:
    found = ctx.coord.task_show(task)
    return Reply(found, lambda: look.details(found))


@command(
    "task list",
    group="Tasks",
    summary="List tasks; finished ones only with --all or --state.",
    example="git coord task list --label web",
)
def listing(
    ctx: Context,
    *,
    state: Annotated[
        str | None,
        Opt("--state", metavar="S", about=f"Only in this state: {', '.join(_STATES)}.", parse=choice(*_STATES)),
    ] = None,
    label: Annotated[
        tuple[str, ...], Many("--label", "-l", metavar="L", about="Only with this label; may be repeated.")
    ] = (),
    mine: Annotated[bool, Flag("--mine", about="Only those that your session holds.")] = False,
    every: Annotated[bool, Flag("--all", about="Finished and cancelled ones too.")] = False,
) -> Reply:
    found = ctx.coord.task_list(state=state, label=label, mine=mine, all=every)
    return Reply(found, lambda: look.listed(found, "no such tasks"))


@command(
    "task edit",
    group="Tasks",
    summary="Change a task's text, priority, labels or dependencies.",
    example="git coord task edit 15 --priority 0 --label urgent --remove-label later",
    codes=("not-found", "wrong-state"),
)
def edit(
    ctx: Context,
    task: Annotated[str, Arg("ID", "The task.")],
    *,
    title: Annotated[str | None, Opt("--title", metavar="TEXT", about="A new title.", parse=filled)] = None,
    body: Annotated[str | None, Opt("--body", metavar="TEXT", about="A new description.")] = None,
    file: Annotated[str | None, Opt("-F", metavar="FILE", about="Read the description from FILE ('-': stdin).")] = None,
    priority: Annotated[
        int | None, Opt("--priority", metavar="0..4", about="0 is the most urgent.", parse=whole(0, 4))
    ] = None,
    label: Annotated[tuple[str, ...], Many("--label", "-l", metavar="L", about="Add a label; may be repeated.")] = (),
    remove_label: Annotated[
        tuple[str, ...], Many("--remove-label", metavar="L", about="Remove a label; may be repeated.")
    ] = (),
    after: Annotated[
        tuple[str, ...], Many("--after", metavar="ID", about="Another task that must be done first; may be repeated.")
    ] = (),
    remove_after: Annotated[
        tuple[str, ...], Many("--remove-after", metavar="ID", about="No longer wait for this task; may be repeated.")
    ] = (),
    reopen: Annotated[bool, Flag("--reopen", about="Put a finished or cancelled task back into the queue.")] = False,
) -> Reply:
    changed = ctx.coord.task_edit(
        task,
        title=title,
        body=_body(body, file),
        priority=priority,
        add_labels=label,
        remove_labels=remove_label,
        add_after=after,
        remove_after=remove_after,
        reopen=reopen,
    )
    return Reply(changed, lambda: look.changed(changed), confirms=True)


@command(
    "task cancel",
    group="Tasks",
    summary="Cancel a task that is not to be done.",
    example="git coord task cancel 15 --reason 'duplicate of 12'",
    codes=("held", "not-found", "wrong-state"),
)
def cancel(
    ctx: Context,
    task: Annotated[str, Arg("ID", "The task.")],
    *,
    reason: Annotated[str, Opt("--reason", metavar="R", about="Why.", parse=filled)],
) -> Reply:
    gone = ctx.coord.task_cancel(task, reason=reason)
    return Reply(gone, lambda: look.cancelled(gone), confirms=True)


@command(
    "ready",
    group="Tasks",
    summary="List the tasks that can be claimed now, in the order of the queue.",
    example="git coord ready --label web",
)
def ready(
    ctx: Context,
    *,
    label: Annotated[
        tuple[str, ...], Many("--label", "-l", metavar="L", about="Only with this label; may be repeated.")
    ] = (),
) -> Reply:
    found = ctx.coord.ready(label=label)
    return Reply(found, lambda: look.listed(found, "nothing is ready to be claimed"))
