"""Moving in and out: export and import."""

import os
import sys

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Opt, command
from gitcoord.cli.render import transfer as look
from gitcoord.cli.render.doc import Line
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import choice, filled
from gitcoord.core.views import Notice
from gitcoord.errors import Exists, GitFailed, Usage
from gitcoord.lean import Annotated, msgspec

_SOURCES = ("auto", "gitcoord", "beads", "dw", "registry", "session-state")


@command(
    "export",
    group="Launch and integrate",
    summary="Write the whole coordination state as JSON lines.",
    details="One record a line, sorted; the same state gives the same lines. Private scopes are left out unless asked "
    "for. Rescue snapshots are commits and are only named, and the history of the records stays in Git: "
    "git bundle create FILE --glob='refs/coord/*' takes both. Shared data is not secret, and neither is an export.",
    example="git coord export state.jsonl\ngit coord export --private",
    codes=("exists", "corrupt"),
)
def export(
    ctx: Context,
    file: Annotated[str, Arg("FILE", "Where to; '-' or nothing: stdout.", parse=filled)] = "-",
    *,
    private: Annotated[bool, Flag("--private", about="Private scopes, too.")] = False,
) -> Reply:
    lines = ctx.coord.export(private=private)
    snapshots = sum(line.startswith(b'{"kind":"rescue"') for line in lines)
    notices = [Notice(code="snapshots", message=look.snapshots(snapshots))] if snapshots else []
    if file != "-":
        written = _write(os.path.join(ctx.start, file), b"".join(line + b"\n" for line in lines))
        done = {"file": file, "records": len(lines) - 2, "bytes": written}
        return Reply(done, lambda: look.exported(file, len(lines) - 2), notices=notices, confirms=True)
    to_programs = ctx.options.json or ctx.options.porcelain or ctx.options.z
    plain = [msgspec.json.decode(line) for line in lines] if to_programs else None
    # To the byte for a program; a terminal gets it harmless. fsdecode, because _bare encodes it back in the same way.
    bare = None if sys.stdout.isatty() else os.fsdecode(b"\n".join(lines))
    return Reply(plain, lambda: [Line(line.decode()) for line in lines], bare=bare, notices=notices)


def _write(path: str, data: bytes) -> int:
    """Replace the file, if it is an export or not there yet. Raises Exists, GitFailed."""
    from gitcoord.core.transfer import is_export
    from gitcoord.git.localfile import write_atomic

    try:
        if os.path.lexists(path):
            with open(path, "rb") as file:
                if not is_export(file.read(200)):
                    raise Exists(
                        f"{path} is something else than an export, and is left alone", hint="choose another name"
                    )
        write_atomic(os.path.realpath(path), data)
    except OSError as error:
        raise GitFailed(f"{path} cannot be written: {error.strerror}", hint="choose another place") from None
    return len(data)


@command(
    "import",
    group="Launch and integrate",
    summary="Take over an export, or what beads, dw, a session registry or session-state files hold.",
    details="All or nothing, in one step; run again, it makes nothing twice. The originals are never changed. An "
    "export makes the same state again in a repository that has none; --merge adds it to one that has, without "
    "taking anything from anybody. 'git coord recipes migration' says what becomes what.",
    example="git coord import state.jsonl --dry-run\ngit coord import .beads\ngit coord import ~/.claude/sessions",
    codes=("exists", "not-found", "contended"),
)
def take(
    ctx: Context,
    path: Annotated[str, Arg("PATH", "A file or a directory; '-': an export on stdin.", parse=filled)],
    *,
    source: Annotated[
        str,
        Opt("--from", metavar="KIND", about=f"What it is: {', '.join(_SOURCES)}.", parse=choice(*_SOURCES)),
    ] = "auto",
    merge: Annotated[bool, Flag("--merge", about="Add an export's records to what is here already.")] = False,
    dry_run: Annotated[bool, Flag("--dry-run", about="Only say what would be written.")] = False,
) -> Reply:  # fmt: skip
    if path == "-":
        if source not in ("auto", "gitcoord"):
            raise Usage(f"{source} is read from a file or directory, not from stdin", hint="git coord import PATH")
        done = ctx.coord.import_state(_stdin(), merge=merge, dry_run=dry_run)
    else:
        done = ctx.coord.import_from(os.path.join(ctx.start, path), source, merge=merge, dry_run=dry_run)
    result = {**msgspec.to_builtins(done), "counts": done.counts}
    return Reply(result, lambda: look.imported(done), lines=done.rows)


def _stdin() -> bytes:
    from gitcoord.core.transfer import MAX_FILE

    with open(0, "rb", closefd=False) as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise Usage(f"that is too much for one import: at most {MAX_FILE >> 20} MiB")
    return data
