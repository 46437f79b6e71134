"""Set-up commands: init, uninstall, doctor, hooks install|uninstall|status."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Flag, Opt, command
from gitcoord.cli.render import setup as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import choice, filled
from gitcoord.core.views import Wrote
from gitcoord.lean import Annotated


@command(
    "init",
    group="Set-up",
    summary="Make this repository a coordinated one, install the hooks, and say what was written.",
    details="Run again, it changes nothing. 'git coord uninstall' takes back exactly what it wrote.",
    example="git coord init --dry-run",
)
def init(
    ctx: Context,
    *,
    guard: Annotated[
        str | None,
        Opt("--guard", metavar="MODE", about="What commit guards do: block, warn or off.",
            parse=choice("block", "warn", "off")),
    ] = None,
    hub: Annotated[
        str | None, Opt("--hub", metavar="REMOTE", about="Coordinate with other clones through it.", parse=filled)
    ] = None,
    no_hooks: Annotated[bool, Flag("--no-hooks", about="Install no Git hooks.")] = False,
    dry_run: Annotated[bool, Flag("--dry-run", about="Only say what would be written.")] = False,
) -> Reply:  # fmt: skip
    wrote = ctx.coord.init(guard=guard, hooks=not no_hooks, dry_run=dry_run)
    if hub is not None and hub != ctx.coord.config.hub:
        wrote = [*wrote, Wrote(what=f"setting coord.hub = {hub}", path=ctx.coord.repo.common + "/config")]
        if not dry_run:
            ctx.coord.hub_set(hub)
    return Reply(wrote, lambda: look.initialised(wrote, dry_run=dry_run))


@command(
    "uninstall",
    group="Set-up",
    summary="Take back what init wrote; the coordination state stays unless it is to be purged.",
    example="git coord uninstall",
)
def uninstall(
    ctx: Context,
    *,
    purge_state: Annotated[
        bool, Flag("--purge-state", about="Delete refs/coord as well: claims, tasks, snapshots and their history.")
    ] = False,
) -> Reply:
    wrote = ctx.coord.uninstall(purge_state=purge_state)
    return Reply(wrote, lambda: look.uninstalled(wrote))


@command(
    "doctor",
    group="Set-up",
    summary="Check everything: state, hooks, locks left behind, bindings; with --fix repair what is safe.",
    details="With --report it prints what whoever helps wants to know, as Markdown to paste: versions, settings, "
    "hooks, checks, how many records there are, the end of this session's log. Passwords, tokens and values of "
    "variables are never in it, and neither is the content of any record.",
    example="git coord doctor --fix\ngit coord doctor --report",
)
def doctor(
    ctx: Context,
    *,
    fix: Annotated[bool, Flag("--fix", about="Repair what can be repaired without losing anything.")] = False,
    report: Annotated[bool, Flag("--report", about="Print a report to paste, without secrets.")] = False,
) -> Reply:
    if report:
        from gitcoord.cli.diagnosis import report as written

        text = written(ctx, lambda: ctx.coord.doctor(fix=fix))
        return Reply({"report": text}, lambda: look.reported(text))
    checks = ctx.coord.doctor(fix=fix)
    return Reply(checks, lambda: look.checked(checks))


@command(
    "hooks install",
    group="Set-up",
    summary="Install the Git hooks that keep sessions alive while they commit.",
    example="git coord hooks install",
)
def hooks_install(ctx: Context) -> Reply:
    wrote = ctx.coord.hooks_install()
    return Reply(wrote, lambda: look.hooks_installed(wrote))


@command(
    "hooks uninstall",
    group="Set-up",
    summary="Take the Git hooks out again; hooks of others stay as they were.",
    example="git coord hooks uninstall",
)
def hooks_uninstall(ctx: Context) -> Reply:
    wrote = ctx.coord.hooks_uninstall()
    return Reply(wrote, lambda: look.uninstalled(wrote))


@command(
    "hooks status",
    group="Set-up",
    summary="Prove for each hook that Git really runs it.",
    example="git coord hooks status",
)
def hooks_status(ctx: Context) -> Reply:
    found = ctx.coord.hooks_status()
    return Reply(found, lambda: look.hooks(found))
