"""What the Git hooks call: hook guard. Not for people, so not in the help."""

import sys

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, command
from gitcoord.cli.render import guards as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import choice
from gitcoord.errors import CoordError, UnknownOutcome
from gitcoord.lean import Annotated


@command(
    "hook guard",
    group="Set-up",
    summary="Judge a commit or push for a Git hook: prints allow, warn or block, and why.",
    details="Only the word 'block' stops anything, so a broken gitcoord stops nobody. Exits 0 whatever it finds, and 4 "
    "where it stops because the hub has not heard of the holder for too long: whether the claim counts is not known.",
    example="git coord hook guard pre-commit",
    hidden=True,
)
def guard(
    ctx: Context,
    event: Annotated[str, Arg("EVENT", "pre-commit or pre-push.", parse=choice("pre-commit", "pre-push"))],
    words: Annotated[tuple[str, ...], Arg("ARG", "What Git gave to the hook.", many=True)] = (),
) -> Reply:
    try:
        mode = ctx.coord.config.guard
        if mode == "off":
            found = []
        elif event == "pre-commit":
            found = ctx.coord.guard_commit(ctx.environ.get("GIT_INDEX_FILE"))
        else:
            found = ctx.coord.guard_push(words[0] if words else "", sys.stdin.read())
    except (CoordError, UnicodeDecodeError) as error:
        return Reply({"verdict": "allow", "offences": []}, bare=look.unable(error))
    verdict = "allow" if not found else mode
    unknown = verdict == "block" and any(offence.code == "unconfirmed" for offence in found)
    bare = look.verdict(verdict, found, event)
    return Reply({"verdict": verdict, "offences": found}, bare=bare, code=UnknownOutcome.exit if unknown else 0)
