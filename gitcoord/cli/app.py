"""From the command line to an exit code: find the verb, parse it, run it, print its answer.

Owns the one boundary where errors become text and exit codes. Importing it must stay cheap: msgspec, typer and rich
come with whoever needs them.
"""

from __future__ import annotations

import os
import sys

from gitcoord.cli import lane
from gitcoord.cli.declare import REGISTRY, Command, Options
from gitcoord.cli.table import NOUNS, TABLE
from gitcoord.errors import Bug, CoordError, Interrupted, Usage
from gitcoord.lean import TYPE_CHECKING, contextmanager
from gitcoord.startup import is_lean, start_over

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gitcoord.cli.context import Context
    from gitcoord.cli.reply import Reply


_NAMED: dict[type[BaseException], type[CoordError]] = {KeyboardInterrupt: Interrupted}


class Asked:
    """What the command line asks for.

    ``options`` is a guess until the command line is understood, so that an error on the way knows ``--json``;
    ``heard`` fills up while reading and replaces it.
    """

    __slots__ = ("command", "heard", "options", "values", "verb")

    def __init__(self, argv: Sequence[str]) -> None:
        self.options = Options()
        self.options.json = "--json" in before_dashes(argv)
        self.heard = Options()
        self.verb = ""
        self.command: Command | None = None
        self.values: dict[str, object] = {}


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Do what ``argv`` (without the program's name) asks; the exit code. Never raises."""
    asked = Asked(argv)
    context: Context | None = None
    try:
        _arm_failpoints(environ)
        _arm_trace(environ)
        read(argv, asked)
        if asked.command is None:
            return 0
        from gitcoord.cli.context import Context

        context = Context(asked.options, environ)
        return _perform(asked.command, asked.values, context)
    except BrokenPipeError:
        return _nobody_reads()
    except CoordError as error:
        return _fail(error, asked)
    except KeyboardInterrupt:
        return _fail(Interrupted("interrupted; what was already done stays done"), asked)
    except Exception as error:
        return _fail(_unexpected(error, argv, environ, context), asked)
    finally:
        if context is not None:
            _let_go(context)


def _let_go(context: Context) -> None:
    try:
        context.close()
    except Exception:
        pass  # the answer is out, and the end of the process lets go of everything


def _perform(command: Command, values: Mapping[str, object], context: Context) -> int:
    trouble: CoordError | None = None
    try:
        with _patience(command, context):
            reply: Reply = command.run(context, **values)
        trouble = reply.refusal
    except BaseException as error:
        trouble = error if isinstance(error, CoordError) else _NAMED.get(type(error), Bug)()
        raise
    finally:
        context.write_down(command.verb, trouble)
        context.keep_alive()
    from gitcoord.cli.output import answer

    if reply.as_of is None:
        reply.as_of = context.as_of
    answer(reply, context)
    if reply.refusal is not None:
        raise reply.refusal
    return reply.code


@contextmanager
def _patience(command: Command, context: Context) -> Iterator[None]:
    """Where a person may wait for a hub: something that says so."""
    if context.options.quiet or command.verb in ("watch", "run", "mcp") or not sys.stderr.isatty():
        yield
        return
    from gitcoord.cli.patience import told

    with told():
        yield


def read(argv: Sequence[str], asked: Asked) -> None:
    """Understand ``argv`` into ``asked``; a command of None means that help was printed. Raises Usage."""
    found = lane.head(argv)
    if found is None or not _read_quickly(*found, asked):
        if is_lean():
            start_over(os.environ)
        from gitcoord.cli import full

        asked.heard = Options()
        full.read(argv, asked)
    asked.options = asked.heard
    if asked.options.json and (asked.options.porcelain or asked.options.z):
        raise Usage("--json and --porcelain exclude each other", hint="leave one of them out")


def _read_quickly(given: dict[str, object], rest: list[str], asked: Asked) -> bool:
    asked.heard.update(given)
    verb, words = ("version", rest) if asked.heard.version else verb_of(rest)
    if verb not in ("help", "version") and asked.options.json and not before_dashes(words).isdisjoint(lane.HELP):
        verb, words = "help", [*verb.split(" "), "--json"]
    asked.verb = verb
    command = load(verb)
    parsed = lane.parse(command, words)
    if parsed is None:
        return False
    asked.heard.update(parsed.given)
    asked.command, asked.values = command, parsed.values
    return True


def verb_of(rest: Sequence[str]) -> tuple[str, list[str]]:
    """The verb at the front of ``rest`` (one word or two) and the words after it. Raises Usage."""
    words = list(rest)
    if not words or words[0] in lane.HELP:
        return "help", ["--all", *words[1:]] if words else []
    two = " ".join(words[:2])
    if words[0] in NOUNS and len(words) > 1 and two in TABLE:
        return two, words[2:]
    if words[0] in TABLE:
        return words[0], words[1:]
    if words[0] not in NOUNS:
        raise unknown(words[0], [*TABLE, *NOUNS])
    if len(words) > 1 and words[1] in lane.HELP:
        return "help", words[:1]
    seconds = [verb.split(" ")[1] for verb in TABLE if verb.startswith(words[0] + " ")]
    if len(words) > 1 and not words[1].startswith("-"):
        raise unknown(two, [f"{words[0]} {second}" for second in seconds])
    raise Usage(f"'{words[0]}' needs one of: {', '.join(seconds)}", hint=f"git coord help {words[0]}")


def load(verb: str) -> Command:
    """The command of ``verb``, from the one module that declares it."""
    if verb not in REGISTRY:
        __import__(f"gitcoord.cli.{TABLE[verb]}")
    return REGISTRY[verb]


def unknown(verb: str, known: Sequence[str]) -> Usage:
    """The usage error for a verb that does not exist, with the nearest that does."""
    from difflib import get_close_matches

    near = get_close_matches(verb, known, 1)
    hint = f"did you mean 'git coord {near[0]}'?" if near else "see all commands with 'git coord help'"
    return Usage(f"there is no command '{verb}'", hint=hint)


def _unexpected(
    error: Exception, argv: Sequence[str], environ: Mapping[str, str], context: Context | None
) -> CoordError:
    """A full disk or a missing permission is the machine's trouble, and everything else is a bug of ours."""
    from gitcoord.cli import report

    return report.as_machine_trouble(error) or report.as_bug(error, argv, environ, context)


def _arm_failpoints(environ: Mapping[str, str]) -> None:
    spec = environ.get("GITCOORD_FAILPOINT")
    if spec:
        from gitcoord.failpoint import arm

        arm(spec)


def _arm_trace(environ: Mapping[str, str]) -> None:
    if environ.get("GIT_COORD_DEBUG"):
        from gitcoord.cli import debug

        debug.arm(environ)


def before_dashes(argv: Sequence[str]) -> set[str]:
    """The words that may be options."""
    return set(argv[: argv.index("--")] if "--" in argv else argv)


def _fail(error: CoordError, asked: Asked) -> int:
    from gitcoord.cli.output import failure

    try:
        failure(error, asked.options)
    except BrokenPipeError:
        _nobody_reads()
    except OSError:
        asked.options.json = False  # stdout takes nothing any more; stderr may
        failure(error, asked.options)
    return error.exit


def _nobody_reads() -> int:
    """The reader has gone (``| head``): be quiet. Python would complain once more when it flushes stdout at exit."""
    import os

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    return 0
