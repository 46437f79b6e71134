"""Shared data: set, get, unset, scopes, incr."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Opt, command
from gitcoord.cli.render import data as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import integer, read_text, whole
from gitcoord.errors import Usage
from gitcoord.lean import TYPE_CHECKING, Annotated, Any, msgspec

if TYPE_CHECKING:
    from gitcoord.coordinator.sharing import ScopeView

_LARGEST = 2**63 - 1


@command(
    "set",
    group="Locks and data",
    summary="Share a value under a key; with --if-version or --if-absent only if it is as you think.",
    details="Scopes are called as in issue:15, session:backend, project:migrations. What is under private: never "
    "leaves this clone; everything else may be read by whoever can fetch, so it is no place for secrets. Works without "
    "a session.",
    example="git coord set issue:15 phase review\ngit coord set project:api ports '[8001, 8002]' --json-value",
    codes=("conflict", "wrong-state", "contended"),
)
def set_value(
    ctx: Context,
    scope: Annotated[str, Arg("SCOPE", "Such as issue:15 or project:migrations.")],
    key: Annotated[str, Arg("KEY", "The name of the value.")],
    value: Annotated[str | None, Arg("VALUE", "Text, or JSON with --json-value.")] = None,
    *,
    json_value: Annotated[bool, Flag("--json-value", about="The value is JSON.")] = False,
    file: Annotated[str | None, Opt("-F", metavar="FILE", about="Read the value from FILE ('-': stdin).")] = None,
    if_version: Annotated[
        int | None,
        Opt("--if-version", metavar="N", about="Only over version N; 0: only if absent.", parse=whole(0, _LARGEST)),
    ] = None,
    if_absent: Annotated[bool, Flag("--if-absent", about="Only if there is no such key.")] = False,
) -> Reply:
    if (value is None) is (file is None):
        raise Usage("give a VALUE or -F FILE, and not both", hint=f"git coord set {scope} {key} VALUE")
    text = value if value is not None else read_text(file or "-")
    wanted = _json(text) if json_value else text
    made = ctx.coord.set(scope, key, wanted, if_version=if_version, if_absent=if_absent)
    return Reply(made, lambda: look.written(made), confirms=True)


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise Usage(f"the value is not JSON: {error}", hint="quote it for the shell") from None


@command(
    "get",
    group="Locks and data",
    summary="Print a shared value, or a whole scope.",
    details="A text is printed as it is, everything else as JSON.",
    example="git coord get issue:15 phase --default plan\ngit coord get project:api --json",
    codes=("not-found",),
)
def get(
    ctx: Context,
    scope: Annotated[str, Arg("SCOPE", "The scope.")],
    key: Annotated[str | None, Arg("KEY", "The key; the whole scope if left out.")] = None,
    *,
    default: Annotated[
        str | None, Opt("--default", metavar="V", about="Print this text where there is no such key.")
    ] = None,
) -> Reply:
    if key is None:
        if default is not None:
            raise Usage("--default needs a KEY", hint=f"git coord get {scope} KEY --default V")
        whole_scope = ctx.coord.get(scope)
        return Reply(whole_scope, lambda: look.scope(whole_scope), lines=_lines(whole_scope))
    found = ctx.coord.get(scope, key) if default is None else ctx.coord.get(scope, key, default)
    return Reply(found, bare=look.value(found.value))


def _lines(found: "ScopeView") -> list[dict[str, Any]]:
    return [
        {"scope": found.scope, "key": key, "value": item.value, "version": item.version, "by": item.by, "at": item.at}
        for key, item in found.entries.items()
    ]


@command(
    "unset",
    group="Locks and data",
    summary="Remove a key, or everything in a scope.",
    example="git coord unset issue:15 phase",
    codes=("not-found", "conflict", "contended"),
)
def unset(
    ctx: Context,
    scope: Annotated[str, Arg("SCOPE", "The scope.")],
    key: Annotated[str | None, Arg("KEY", "The key; everything if left out.")] = None,
    *,
    if_version: Annotated[
        int | None, Opt("--if-version", metavar="N", about="Only at version N.", parse=whole(0, _LARGEST))
    ] = None,
) -> Reply:
    removed = ctx.coord.unset(scope, key, if_version=if_version)
    return Reply(removed, lambda: look.removed(removed), confirms=True)


@command(
    "scopes",
    group="Locks and data",
    summary="List the scopes that hold something.",
    example="git coord scopes 'issue:*'",
)
def scopes(ctx: Context, glob: Annotated[str | None, Arg("GLOB", "Only those that match it whole.")] = None) -> Reply:
    found = ctx.coord.scopes(glob)
    return Reply(found, lambda: look.listed(found))


@command(
    "incr",
    group="Locks and data",
    summary="Count: add to a whole number and print it. No two callers get the same.",
    details="A key that is not there counts from 0.",
    example="git coord incr project:migrations next",
    codes=("wrong-state", "contended"),
)
def incr(
    ctx: Context,
    scope: Annotated[str, Arg("SCOPE", "The scope.")],
    key: Annotated[str, Arg("KEY", "The key.")],
    *,
    by: Annotated[int, Opt("--by", metavar="N", about="Add N, which may be negative (--by=-1).", parse=integer)] = 1,
) -> Reply:
    now = ctx.coord.incr(scope, key, by)
    return Reply(now, bare=look.value(now.value))
