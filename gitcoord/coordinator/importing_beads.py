"""Reading beads (``bd``): ``.beads/issues.jsonl``, one issue a line. Issues become tasks.

The fields are those of its published format: id, title, description, design, acceptance_criteria, notes, status,
priority 0 to 4, issue_type, labels, assignee, dependencies, comments, external_ref, created_at, updated_at, closed_at,
close_reason. Nobody works here yet on what is in progress there: whoever does claims it.
"""

from __future__ import annotations

import os

from gitcoord.coordinator.harvest import MAX_FILE, Fields, Harvest, parsed
from gitcoord.core.model import Result
from gitcoord.errors import Usage
from gitcoord.git import localfile
from gitcoord.lean import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("issues.jsonl", "beads.jsonl")
_SECTIONS = (("design", "Design"), ("acceptance_criteria", "Acceptance criteria"), ("notes", "Notes"))
_GONE = ("tombstone", "deleted")


def find(place: str) -> str | None:
    """The file of issues at ``place``: the file itself, or one in ``.beads`` of a directory."""
    if os.path.isfile(place):
        return place if _looks_like(place) else None
    folders = (place, os.path.join(place, ".beads"))
    paths = (os.path.join(folder, name) for folder in folders for name in _NAMES)
    return next((path for path in paths if os.path.isfile(path)), None)


def _looks_like(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            line = next((line for line in file.read(1 << 20).split(b"\n") if line.strip()), b"")
        first = parsed(line, path)
    except (OSError, Usage):
        return False
    return "title" in first and "id" in first and ("status" in first or "issue_type" in first)


def read(place: str, harvest: Harvest) -> None:
    """Every issue of the file. Raises Usage, naming the line."""
    issues = dict(_issues(place, harvest))
    for name, issue in issues.items():
        _add(name, issue, issues, harvest)


def _issues(path: str, harvest: Harvest) -> Iterator[tuple[str, Fields]]:
    data = localfile.read_all(path, MAX_FILE)
    if data is None:
        raise Usage(f"{path} cannot be read, or is larger than {MAX_FILE >> 20} MiB", hint="check the path")
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        issue = Fields(parsed(line, f"line {number}"))
        name = issue.word("id")
        if name is None:
            harvest.skip("task", f"line {number}", "it has no id")
        elif issue.word("status") in _GONE:
            harvest.skip("task", name, "it was deleted there")
        else:
            yield name, issue


def _add(name: str, issue: Fields, issues: dict[str, Fields], harvest: Harvest) -> None:
    status = issue.word("status") or "open"
    created = issue.time("created_at") or harvest.now
    closed = issue.time("closed_at") or issue.time("updated_at") or created
    done = status == "closed"
    reason = None
    labels = [*issue.words("labels"), *_labels(issue)]
    summary = issue.text("close_reason")
    if status not in ("open", "closed"):
        labels.append(f"was:{status}"[:100])
        reason = f"it was {status[:40]} there; claim it to go on"
    harvest.add_task(
        name,
        reason,
        id=name,
        title=issue.text("title"),
        body=_body(issue),
        state="done" if done else "pending",
        priority=_priority(issue.number("priority")),
        labels=labels,
        after=_after(name, issue, issues, harvest),
        result=Result(status="passed", summary=summary, at=closed, by="") if done else None,
        created_at=created,
        updated_at=issue.time("updated_at") or created,
    )
    harvest.unread("beads", issue)


def _priority(number: int | None) -> int:
    return 2 if number is None else number


def _labels(issue: Fields) -> Iterator[str]:
    kind = issue.word("issue_type", "type")
    if kind is not None and kind != "task":
        yield f"type:{kind}"
    assignee = issue.word("assignee")
    if assignee is not None:
        yield f"assignee:{assignee}"
    external = issue.word("external_ref")
    if external is not None:
        yield f"ref:{external}"


def _body(issue: Fields) -> str | None:
    parts = [issue.text("description")]
    parts += [f"## {title}\n\n{text}" for name, title in _SECTIONS if (text := issue.text(name)) is not None]
    comments = [_comment(item) for item in issue.objects("comments")]
    if comments:
        parts.append("## Comments\n\n" + "\n\n".join(comments))
    return "\n\n".join(filter(None, parts)) or None


def _comment(item: Fields) -> str:
    return f"{item.word('author') or 'somebody'}, {item.word('created_at') or 'some time'}: {item.text('text') or ''}"


def _after(name: str, issue: Fields, issues: dict[str, Fields], harvest: Harvest) -> list[str]:
    """What the issue waits for: dependencies of type ``blocks``, on issues that there are."""
    found = []
    for item in issue.items("dependencies"):
        other, kind = _dependency(name, item)
        if other is None:
            harvest.not_understood("beads: a dependency")
        elif kind != "blocks":
            harvest.skip("dependency", f"{name} → {other} ({kind})", "only 'blocks' orders tasks here")
        elif other not in issues:
            harvest.skip("dependency", f"{name} → {other}", "there is no such issue in the file")
        elif other == name:
            harvest.skip("dependency", f"{name} → {other}", "it would wait for itself")
        else:
            found.append(other)
    return found


def _dependency(name: str, item: Any) -> tuple[str | None, str]:
    if isinstance(item, str):
        return item, "blocks"
    if not isinstance(item, dict):
        return None, ""
    fields = Fields(item)
    if fields.word("issue_id") not in (None, name):
        return None, ""
    return fields.word("depends_on_id", "target"), fields.word("type") or "blocks"
