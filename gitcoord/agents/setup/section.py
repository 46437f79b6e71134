"""Our part of a text file, between two marks: instructions in Markdown, a table in TOML. Text in, text out.

Owns the marks and what may stand around them: everything outside is somebody else's and stays. Must not know files.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

import msgspec

from gitcoord.agents.setup.jsonedit import newline
from gitcoord.agents.setup.pieces import CannotEdit, Taken, is_server

_NOTE = "written by 'git coord setup': what stands between these marks is replaced"
_BEGIN = ">>> gitcoord >>>"
_END = "<<< gitcoord <<<"
_OURS = re.compile(
    r"^(?:<!-- |# )>>> gitcoord >>>.*?^(?:<!-- |# )<<< gitcoord <<<[^\n]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
_FRONT_MATTER = re.compile(r"---\n(?:[^\n]*\n)*?---\n*")


class Section(msgspec.Struct, frozen=True):
    """A marked part of a text. ``head``: what a file needs above it that is there for our sake alone."""

    body: str
    head: str = ""
    comment: str = "<!-- {} -->"

    def put(self, text: str) -> str:
        line = newline(text)
        wanted = self._marked().replace("\n", line)
        found = list(_OURS.finditer(text))
        if len(found) == 1:
            return text[: found[0].start()] + wanted + text[found[0].end() :]
        text = self.drop(text)
        if _BEGIN in text or _END in text:
            raise CannotEdit("one of the two marks around our part of it is missing")
        if not text.strip():
            return (self.head + self._marked()).replace("\n", line)
        gap = "" if text.endswith(line * 2) else line if text.endswith(line) else line * 2
        return text + gap + wanted

    def drop(self, text: str) -> str:
        line = newline(text)
        while found := _OURS.search(text):
            before, after = text[: found.start()], text[found.end() :]
            if before.endswith(line * 2) and (not after or after.startswith(line)):
                before = before.removesuffix(line)
            text = before + after
        plain = text.replace("\r\n", "\n")
        return "" if self.head and _FRONT_MATTER.fullmatch(plain) else text

    def _marked(self) -> str:
        begin, end = self.comment.format(f"{_BEGIN} {_NOTE}"), self.comment.format(_END)
        return f"{begin}\n{self.body.rstrip()}\n{end}\n"


class TomlServer(msgspec.Struct, frozen=True):
    """An MCP server as a table of its own at the end of a TOML file; whatever else the file says stays as it is."""

    table: str
    name: str
    value: dict[str, Any]

    def put(self, text: str) -> str:
        found = self._server(_toml(text))
        if found is not None and self._section.drop(text) == text:
            if is_server(found):
                return text  # entered by hand, or by the agent's own command
            raise Taken(f"[{self.table}.{self.name}] is something else there")
        return self._checked(text, self._section.put(text))

    def drop(self, text: str) -> str:
        left = self._checked(text, self._section.drop(text))
        if left != text and self._server(_toml(left)) is not None:
            raise CannotEdit(f"tables below [{self.table}.{self.name}] would be left without it")
        return left

    @property
    def _section(self) -> Section:
        rows = [f"[{self.table}.{self.name}]", *(f"{key} = {_written(value)}" for key, value in self.value.items())]
        return Section("\n".join(rows), comment="# {}")

    def _server(self, settings: dict[str, Any]) -> object:
        table = settings.get(self.table)
        return table.get(self.name) if isinstance(table, dict) else None

    def _checked(self, old: str, new: str) -> str:
        """``new``, if it says the same as ``old`` but for our server. Raises CannotEdit."""
        before = _toml(old)
        try:
            after = _toml(new)
        except CannotEdit:
            raise CannotEdit(f"there is no room for a table [{self.table}.{self.name}] in it") from None
        for settings in (before, after):
            table = settings.get(self.table)
            if isinstance(table, dict):
                table.pop(self.name, None)
                if not table:
                    del settings[self.table]
        if before != after:
            raise CannotEdit("settings of others would change their meaning: they stand below our table")
        return new


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CannotEdit(f"it is not valid TOML: {error}") from None


def _written(value: object) -> str:
    """A string or an array of strings in TOML, which for ours is written as in JSON."""
    return msgspec.json.encode(value).decode()
