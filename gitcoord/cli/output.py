"""Printing: stdout carries data, stderr carries talk, and with ``--json`` exactly one document comes out, always.

Owns the envelope of CONTRACT, the porcelain lines and the choice between plain and fancy. Must not know any command.
"""

from __future__ import annotations

import os
import sys

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Options
from gitcoord.cli.render.doc import Doc, Table
from gitcoord.cli.render.safe import json_text, porcelain, safe
from gitcoord.cli.reply import Reply
from gitcoord.core.views import Grant, Notice
from gitcoord.errors import CoordError
from gitcoord.lean import TYPE_CHECKING, Any, msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TextIO

SCHEMA = "gitcoord/1"
_NARROW = 80


def answer(reply: Reply, context: Context) -> None:
    """Print ``reply`` in the form that was asked for."""
    options = context.options
    if reply.refusal is not None and options.json:
        return
    if reply.stream is not None:
        _stream(reply.stream, reply.one, context)
        return
    notices = _notices(reply, context.notices)
    if options.json:
        _out(json_text(_encode(envelope(reply, notices))) + "\n")
        return
    if options.porcelain or options.z:
        _out(records(_porcelain_of(reply), "\0" if options.z else "\n"))
    elif reply.bare is not None:
        _bare(reply.bare)
    elif not (options.quiet and reply.confirms):
        show(reply.show(), context.environ)
    for notice in notices:
        talk(f"note: {safe(notice.message)}")


def _stream(items: Iterator[Any], one: Callable[[Any], Doc], context: Context) -> None:
    """Print results as they come, until there are no more or somebody interrupts, which is how this is meant to end."""
    options = context.options
    said = 0
    try:
        for item in items:
            for notice in context.notices[said:]:
                talk(f"note: {safe(notice.message)}")
            said = len(context.notices)
            if options.json:
                _out(json_text(_encode(_flat(item))) + "\n")
            elif options.porcelain or options.z:
                _out(records([item], "\0" if options.z else "\n"))
            else:
                show(one(item), context.environ)
    except KeyboardInterrupt:
        pass


def failure(error: CoordError, options: Options) -> None:
    """Print what went wrong: three short lines on stderr, or the one JSON document on stdout."""
    if options.json:
        _out(json_text(_encode(failed(error))) + "\n")
        return
    from gitcoord.cli.render.errors import complaint

    for line in complaint(error):
        talk(line)


def envelope(reply: Reply, notices: Sequence[Notice] = ()) -> dict[str, Any]:
    """The JSON document of a success."""
    # A list is left to the encoder, which knows records: half the time for 10,000 of them.
    result = reply.result if isinstance(reply.result, list) else _flat(reply.result)
    document: dict[str, Any] = {"schema": SCHEMA, "ok": True, "result": result}
    grant = _grant(reply.result)
    guarantee = grant.guarantee if grant is not None else reply.guarantee
    if guarantee is not None:
        document["guarantee"] = guarantee
    document["as_of"] = reply.as_of
    document["notices"] = list(notices)
    return document


def failed(error: CoordError) -> dict[str, Any]:
    """The JSON document of a failure."""
    head = {"code": error.code, "message": error.message, "hint": error.hint or None}
    fields = {name: value for name, value in error.fields.items() if name not in head}
    return {"schema": SCHEMA, "ok": False, "error": {**head, **fields}}


def records(items: Iterable[Any], end: str) -> str:
    """Porcelain: each item as tab-separated ``key=value``, with ``end`` after it."""
    return "".join(_record(item) + end for item in items)


def _record(item: Any) -> str:
    plain = _flat(item)
    if not isinstance(plain, dict):
        plain = {"value": plain}
    return "\t".join(f"{porcelain(str(name))}={porcelain(_scalar(value))}" for name, value in plain.items())


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _encode(value)


def _porcelain_of(reply: Reply) -> Sequence[Any]:
    if reply.lines is not None:
        return reply.lines
    return reply.result if isinstance(reply.result, list | tuple) else [reply.result]


def _flat(result: Any) -> Any:
    """``result`` as plain values; a grant becomes its task with what the grant says beside it."""
    if isinstance(result, Grant):
        plain = msgspec.to_builtins(result)
        task = plain.pop("task")
        del plain["guarantee"], plain["notices"]  # they stand in the envelope
        return {**task, **plain}
    if isinstance(result, dict) and isinstance(result.get("grant"), Grant):
        return {**_flat(result["grant"]), **_flat({key: value for key, value in result.items() if key != "grant"})}
    return msgspec.to_builtins(result, enc_hook=str)


def _grant(result: Any) -> Grant | None:
    found = result.get("grant") if isinstance(result, dict) else result
    return found if isinstance(found, Grant) else None


def _notices(reply: Reply, more: Sequence[Notice]) -> list[Notice]:
    """All notices, each once: the coordinator's own list usually holds what stands in the result as well."""
    found = {notice.message: notice for notice in (*reply.notices, *more)}
    grant = _grant(reply.result)
    for notice in grant.notices if grant is not None else ():
        found.setdefault(notice.message, notice)
    return list(found.values())


def _encode(value: Any) -> str:
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except UnicodeEncodeError:
        # A path that is not UTF-8 is a string with lone surrogates in Python; JSON has no way to say that.
        return msgspec.json.encode(_encodable(msgspec.to_builtins(value, enc_hook=str))).decode()


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_encodable(name): _encodable(item) for name, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list | tuple) else value


def show(doc: Doc, environ: Mapping[str, str]) -> None:
    """Print a document for people: through rich on a terminal that is wide enough and when there is a table in it."""
    from gitcoord.cli.render.plain import plain

    if any(isinstance(part, Table) for part in doc) and sys.stdout.isatty() and environ.get("TERM") != "dumb":
        width = columns(environ)
        if width >= _NARROW:
            from gitcoord.cli.render.fancy import fancy

            page = fancy(doc, width=width, colour=not environ.get("NO_COLOR"))
            _out(page, encoding=sys.stdout.encoding)
            return
    _out(plain(doc), encoding=sys.stdout.encoding)


def _bare(line: str) -> None:
    """A line for a shell to use: to the byte, unless a terminal would have to display it."""
    if sys.stdout.isatty():
        _out(safe(line) + "\n")
    else:
        _write_bytes(sys.stdout, os.fsencode(line) + b"\n")


def columns(environ: Mapping[str, str]) -> int:
    """Width of the terminal: ``COLUMNS`` if it is a number, else what the terminal says, else 80."""
    asked = environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdigit() and 0 < int(asked) < 10_000:
        return int(asked)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def talk(line: str) -> None:
    """Say one line to the person on stderr; when nobody can hear it, that is no failure of the command."""
    try:
        _write(sys.stderr, line + "\n", sys.stderr.encoding)
    except (OSError, ValueError):
        pass  # stderr is closed or full; the exit code still says what happened


def _out(text: str, *, encoding: str = "utf-8") -> None:
    """Data is UTF-8 whatever the locale says; only text for people follows the terminal's encoding."""
    _write(sys.stdout, text, encoding)


def _write(stream: TextIO, text: str, encoding: str) -> None:
    _write_bytes(stream, text.encode(encoding, "backslashreplace"))


def _write_bytes(stream: TextIO, data: bytes) -> None:
    stream.flush()
    stream.buffer.write(data)
    stream.buffer.flush()
