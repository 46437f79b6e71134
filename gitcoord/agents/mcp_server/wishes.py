"""What each tool takes: a struct for each, from which come its check and the schema that a client sees.

The words in ``description`` are read by models at the start of every conversation: short, and facts. Must not know what
becomes of the values.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gitcoord.errors import Usage

_HOUR = 3600.0

Name = Annotated[str, Meta(min_length=1)]
Task = Annotated[str, Meta(description="The task's id, such as an issue number.", min_length=1)]
Mine = Annotated[Name | None, Meta(description="The task's id; your only claim if left out.")]
Scope = Annotated[str, Meta(description="Scope, as in issue:15 or session:backend; private:… stays in this clone.")]
Key = Annotated[str, Meta(description="The name of the value.")]
Labels = Annotated[tuple[Name, ...], Meta(description="Only a task with all of these labels.")]
Locks = Annotated[tuple[Name, ...], Meta(description="Names or path patterns to lock in the same step, or to refuse.")]
Worktree = Annotated[bool, Meta(description="Whether to make a branch and a worktree to work in.")]


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what tools take."""


class Nothing(Wish, frozen=True, kw_only=True):
    """No arguments."""


class SignOn(Wish, frozen=True, kw_only=True):
    session_id: Annotated[
        Name | None,
        Meta(description="A name or id of your own to be known by and to go on under later, such as claude_1."),
    ] = None
    name: Annotated[Name | None, Meta(description="What others see; the session_id or the agent if left out.")] = None
    model: Annotated[Name | None, Meta(description="Which model you are.")] = None


class SignOff(Wish, frozen=True, kw_only=True):
    handoff: Annotated[
        str | None, Meta(description="Offer what you hold to others, with this note and your uncommitted work.")
    ] = None
    force: Annotated[bool, Meta(description="Give back all that you hold; uncommitted work is kept in a snapshot.")] = (
        False
    )


class StoreData(Wish, frozen=True, kw_only=True):
    scope: Scope
    key: Key
    value: Annotated[Any, Meta(description="Any JSON value, up to 64 KiB. Others can read it: no secrets.")]
    if_version: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="Only over this version; 0: only if absent.")
    ] = None
    if_absent: Annotated[bool, Meta(description="Only if there is no such key.")] = False


class RetrieveData(Wish, frozen=True, kw_only=True):
    scope: Scope
    key: Annotated[str | None, Meta(description="The name of the value; the whole scope if left out.")] = None
    default: Annotated[
        Any, Meta(description="What to answer where there is no such key; without it that is an error.")
    ] = msgspec.UNSET


class DeleteData(Wish, frozen=True, kw_only=True):
    scope: Scope
    key: Key
    if_version: Annotated[int | None, Meta(description="Only at this version.")] = None


class OneScope(Wish, frozen=True, kw_only=True):
    scope: Scope


class ListScopes(Wish, frozen=True, kw_only=True):
    pattern: Annotated[str | None, Meta(description="Only those it matches whole, as in issue:*.")] = None


class Claim(Wish, frozen=True, kw_only=True):
    task: Task
    worktree: Worktree = True
    branch: Annotated[Name | None, Meta(description="Work on this branch.")] = None
    base: Annotated[Name | None, Meta(description="Start the branch at this revision.")] = None
    lock: Locks = ()


class Next(Wish, frozen=True, kw_only=True):
    label: Labels = ()
    worktree: Worktree = True
    lock: Locks = ()


class Release(Wish, frozen=True, kw_only=True):
    reason: Annotated[str, Meta(description="Why; others read it.", min_length=1)]
    task: Mine = None


class Progress(Wish, frozen=True, kw_only=True):
    task: Mine = None
    percent: Annotated[Annotated[int, Meta(ge=0, le=100)] | None, Meta(description="0 to 100.")] = None
    phase: Annotated[Name | None, Meta(description="Such as plan, code, tests.")] = None
    message: Annotated[str | None, Meta(description="One line more.")] = None


class Done(Wish, frozen=True, kw_only=True):
    task: Mine = None
    status: Annotated[Literal["passed", "failed"], Meta(description="How it ended.")] = "passed"
    summary: Annotated[str | None, Meta(description="What was done.")] = None
    pr: Annotated[str | None, Meta(description="The pull request's address.")] = None
    commit: Annotated[Name | None, Meta(description="The commit; the branch's tip if left out.")] = None
    review: Annotated[bool, Meta(description="Finished, but waiting for review and merge.")] = False


class Handoff(Wish, frozen=True, kw_only=True):
    note: Annotated[str, Meta(description="What the next one must know.", min_length=1)]
    task: Mine = None
    to: Annotated[Name | None, Meta(description="Only to this session (id or name); to anyone if left out.")] = None
    phase: Annotated[Name | None, Meta(description="How far it is.")] = None
    next: Annotated[tuple[str, ...], Meta(description="The next steps, in order.")] = ()
    context: Annotated[dict[str, str], Meta(description="Facts, as key and value.")] = {}


class Accept(Wish, frozen=True, kw_only=True):
    task: Task
    restore: Annotated[bool, Meta(description="Whether to restore the giver's uncommitted work.")] = True
    worktree: Worktree = True


class Lock(Wish, frozen=True, kw_only=True):
    targets: Annotated[
        tuple[Name, ...],
        Meta(description="Names (deploy) or path patterns (src/auth/**); all of them, or none.", min_length=1),
    ]
    shared: Annotated[bool, Meta(description="Beside others who lock it shared.")] = False
    reason: Annotated[str | None, Meta(description="What for; others read it.")] = None
    ttl: Annotated[Annotated[float, Meta(gt=0)] | None, Meta(description="Seconds after which it ends by itself.")] = (
        None
    )
    wait: Annotated[
        Annotated[float, Meta(ge=0, le=_HOUR)] | None, Meta(description="Seconds to queue for it, at most 3600.")
    ] = None


class Unlock(Wish, frozen=True, kw_only=True):
    targets: Annotated[tuple[Name, ...], Meta(description="As they were locked; your only lock if left out.")] = ()
    all: Annotated[bool, Meta(description="All that you hold.")] = False


class Check(Wish, frozen=True, kw_only=True):
    paths: Annotated[
        tuple[Name, ...],
        Meta(description="Files or directories: from the repository's top, or absolute.", min_length=1),
    ]


class Log(Wish, frozen=True, kw_only=True):
    task: Annotated[Name | None, Meta(description="Only about this task.")] = None
    session: Annotated[Name | None, Meta(description="Only by this session.")] = None
    type: Annotated[Name | None, Meta(description="Only this type: claim, done, start, …")] = None
    since: Annotated[Annotated[float, Meta(ge=0)] | None, Meta(description="Only the last so many seconds.")] = None
    limit: Annotated[int, Meta(description="The newest so many.", ge=1, le=1000)] = 20


def understood(kind: type[Wish], arguments: dict[str, Any]) -> Wish:
    """The arguments of a call as what the tool takes. Raises Usage.

    Models write numbers as text and issue numbers as numbers: both are meant well.
    """
    given = {key: str(value) if _is_number_for_text(key, value) else value for key, value in arguments.items()}
    try:
        return msgspec.convert(given, kind, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        known = ", ".join(kind.__struct_fields__) or "none"
        raise Usage(f"the arguments do not fit: {error}", hint=f"arguments of this tool: {known}") from None


def _is_number_for_text(key: str, value: object) -> bool:
    return key in ("task", "session_id", "key") and isinstance(value, int) and not isinstance(value, bool)


def schema(kind: type[Wish]) -> dict[str, Any]:
    """The JSON schema of a tool's arguments."""
    (_, known) = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    found: dict[str, Any] = dict(known[kind.__name__])
    return {key: value for key, value in found.items() if key not in ("title", "description")}
