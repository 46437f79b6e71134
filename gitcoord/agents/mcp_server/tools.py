"""The table of tools, and what each one does at a desk. A new tool is a function here, a row, and its wish.

The names that guides for coordinated agents use (sign_on, store_data, …) stand beside the verbs of ``git coord``; both
do what the command of the same meaning does. Must not know the protocol.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import msgspec

from gitcoord.agents.hook_place import find
from gitcoord.agents.mcp_server import signing, words
from gitcoord.agents.mcp_server import wishes as wish
from gitcoord.agents.mcp_server.answer import Said, schema
from gitcoord.agents.mcp_server.desk import Desk
from gitcoord.agents.mcp_server.seat import Seat
from gitcoord.coordinator.holding import Finished
from gitcoord.coordinator.locks import Checked
from gitcoord.coordinator.sharing import Entry, Removed, ScopeRow, ScopeView
from gitcoord.core.model import Handoff
from gitcoord.core.views import EventView, LockView, Status, TaskView
from gitcoord.errors import NotFound, Usage
from gitcoord.git.paths import below


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """Granted locks, as ``git coord lock --json`` says them."""

    locks: tuple[LockView, ...]
    token: int
    changed: bool


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """One tool. ``reads``: changes nothing; ``destroys``: something is gone; ``again``: twice is as good as once."""

    name: str
    title: str
    about: str
    wish: type[wish.Wish]
    answer: Callable[[], dict[str, Any]]
    run: Callable[[Seat, Desk, Any], Said]
    reads: bool = False
    destroys: bool = False
    again: bool = False


def _sign_on(seat: Seat, desk: Desk, given: wish.SignOn) -> Said:
    done = signing.sign_on(seat, desk, given)
    return Said(result=done, text=words.signed_on(done))


def _sign_off(seat: Seat, desk: Desk, given: wish.SignOff) -> Said:
    done = signing.sign_off(seat, desk, given)
    return Said(result=done, text=words.signed_off(done))


def _store(seat: Seat, desk: Desk, given: wish.StoreData) -> Said:
    made = desk.set(given.scope, given.key, given.value, if_version=given.if_version, if_absent=given.if_absent)
    return Said(result=made, text=words.stored(made))


def _retrieve(seat: Seat, desk: Desk, given: wish.RetrieveData) -> Said:
    if given.key is None and given.default is not msgspec.UNSET:
        raise Usage("a default needs a key", hint="give a key, or leave default out")
    default = ... if given.default is msgspec.UNSET else given.default
    try:
        found = desk.get(given.scope, given.key, default)
    except NotFound as error:
        raise NotFound(error.message, hint="list_scopes and list_keys say what there is", **error.fields) from None
    return Said(result=found, text=words.found(found))


def _delete(seat: Seat, desk: Desk, given: wish.DeleteData) -> Said:
    gone = desk.unset(given.scope, given.key, if_version=given.if_version)
    return Said(result=gone, text=words.removed(gone))


def _delete_scope(seat: Seat, desk: Desk, given: wish.OneScope) -> Said:
    gone = desk.unset(given.scope)
    return Said(result=gone, text=words.removed(gone))


def _scopes(seat: Seat, desk: Desk, given: wish.ListScopes) -> Said:
    rows = desk.scopes(given.pattern)
    return Said(result=rows, text=words.scopes(rows))


def _keys(seat: Seat, desk: Desk, given: wish.OneScope) -> Said:
    try:
        names = list(desk.get(given.scope).entries)
    except NotFound:
        names = []
    return Said(result=names, text=words.keys(given.scope, names))


def _claim(seat: Seat, desk: Desk, given: wish.Claim) -> Said:
    grant = desk.claim(given.task, worktree=given.worktree, base=given.base, branch=given.branch, lock=given.lock)
    return Said(result=None, grant=grant, text=words.granted(grant), notices=grant.notices)


def _next(seat: Seat, desk: Desk, given: wish.Next) -> Said:
    grant = desk.claim(next=True, label=given.label, worktree=given.worktree, lock=given.lock)
    return Said(result=None, grant=grant, text=words.granted(grant), notices=grant.notices)


def _release(seat: Seat, desk: Desk, given: wish.Release) -> Said:
    task = desk.release(given.task, reason=given.reason)
    return Said(result=task, text=words.task_state(task, "released"))


def _progress(seat: Seat, desk: Desk, given: wish.Progress) -> Said:
    if given.percent is None and given.phase is None and given.message is None:
        raise Usage("say how far it is", hint="give percent, phase or message")
    task = desk.progress(given.task, percent=given.percent, phase=given.phase, message=given.message)
    return Said(result=task, text=words.reported(task))


def _done(seat: Seat, desk: Desk, given: wish.Done) -> Said:
    done = desk.done(
        given.task,
        status=given.status,
        pr=given.pr,
        commit=given.commit,
        summary=given.summary,
        review=given.review,
    )
    return Said(result=done, text=words.finished(done))


def _handoff(seat: Seat, desk: Desk, given: wish.Handoff) -> Said:
    task = desk.handoff(
        given.task, note=given.note, to=given.to, phase=given.phase, next=given.next, context=given.context
    )
    return Said(result=task, text=words.task_state(task, "handed over"))


def _accept(seat: Seat, desk: Desk, given: wish.Accept) -> Said:
    done = desk.accept(given.task, restore=given.restore, worktree=given.worktree)
    return Said(
        result={"offer": msgspec.to_builtins(done.handoff), "restored": done.restored},
        grant=done.grant,
        text=words.accepted(done.grant, done.handoff.note, done.restored),
        notices=done.grant.notices,
    )


def _lock(seat: Seat, desk: Desk, given: wish.Lock) -> Said:
    got = desk.lock(given.targets, shared=given.shared, ttl=given.ttl, reason=given.reason, wait=given.wait)
    return Said(
        result=Locked(locks=got.locks, token=got.token, changed=got.changed),
        guarantee=got.guarantee,
        notices=got.notices,
        text=words.locked(got.locks, changed=got.changed),
    )


def _unlock(seat: Seat, desk: Desk, given: wish.Unlock) -> Said:
    gone = desk.unlock(given.targets, all=given.all)
    return Said(result=gone, text=words.unlocked(gone))


def _check(seat: Seat, desk: Desk, given: wish.Check) -> Said:
    free = desk.check([_inside(desk, path) for path in given.paths])
    return Said(result=free, text="free, or locked by you")


def _inside(desk: Desk, path: str) -> str:
    """A path relative to the top: as it is, or an absolute one in any worktree of this repository. Raises Usage."""
    if not os.path.isabs(path):
        return below(desk.repo.top, desk.repo.top, path) if desk.repo.top is not None else path
    home = find(os.path.dirname(path), {})
    if home is None or os.path.realpath(home.common) != os.path.realpath(desk.repo.common):
        raise Usage(f"{path} is in no worktree of this repository", hint="name paths inside of it")
    return below(home.top, home.top, path)


def _log(seat: Seat, desk: Desk, given: wish.Log) -> Said:
    found = desk.log(task=given.task, session=given.session, type=given.type, since=given.since, limit=given.limit)
    return Said(result=found, text=words.events(found))


def _status(seat: Seat, desk: Desk, given: wish.Nothing) -> Said:
    now = desk.status()
    return Said(result=now, text=words.status(now))


def show(seat: Seat, desk: Desk, task: str) -> Said:
    """A task, for the resource of that name. Raises NotFound."""
    found = desk.task_show(task)
    return Said(result=found, text=words.task_state(found, "found"))


def _task() -> dict[str, Any]:
    return schema(TaskView)


def _grant() -> dict[str, Any]:
    return schema(grant={})


TOOLS = (
    Tool(name="sign_on", title="Begin or resume a session", wish=wish.SignOn, run=_sign_on, again=True,
         about="Begin a session, or go on with the one you had: needed before claim, lock and the like. Called again "
               "it changes nothing.",
         answer=lambda: schema(signing.SignedOn)),
    Tool(name="sign_off", title="End the session", wish=wish.SignOff, run=_sign_off,
         about="End your session. Refused while you hold tasks, locks or uncommitted work: say what becomes of them "
               "with handoff or force.",
         answer=lambda: schema(signing.SignedOff)),
    Tool(name="store_data", title="Store a shared value", wish=wish.StoreData, run=_store, destroys=True, again=True,
         about="Write a value that every session can read, over what is there unless a condition says otherwise.",
         answer=lambda: schema(Entry)),
    Tool(name="retrieve_data", title="Read a shared value", wish=wish.RetrieveData, run=_retrieve, reads=True,
         about="Read one value, or a whole scope.", answer=lambda: schema(Entry, ScopeView)),
    Tool(name="delete_data", title="Delete a shared value", wish=wish.DeleteData, run=_delete, destroys=True,
         about="Remove one key; the history keeps what it was.", answer=lambda: schema(Removed)),
    Tool(name="list_keys", title="List the keys of a scope", wish=wish.OneScope, run=_keys, reads=True,
         about="The keys of a scope; none where there is no such scope.", answer=lambda: schema(list[str])),
    Tool(name="list_scopes", title="List scopes", wish=wish.ListScopes, run=_scopes, reads=True,
         about="The scopes that hold something.", answer=lambda: schema(list[ScopeRow])),
    Tool(name="delete_scope", title="Delete a whole scope", wish=wish.OneScope, run=_delete_scope, destroys=True,
         about="Remove every key of a scope; the history keeps what they were.", answer=lambda: schema(Removed)),
    Tool(name="claim", title="Claim a task", wish=wish.Claim, run=_claim, again=True, answer=_grant,
         about="Take a task, an unknown id becomes one: exactly one session gets it, with a branch and a worktree to "
               "work in. Refused as held while another session has it."),
    Tool(name="next", title="Claim the next task", wish=wish.Next, run=_next, answer=_grant,
         about="Take the most urgent task that is ready and free."),
    Tool(name="release", title="Give a task back", wish=wish.Release, run=_release, answer=_task,
         about="Give a task back unfinished; its branch and worktree stay."),
    Tool(name="progress", title="Report progress", wish=wish.Progress, run=_progress, again=True, answer=_task,
         about="Say how far a task is that you hold."),
    Tool(name="done", title="Finish a task", wish=wish.Done, run=_done, answer=lambda: schema(Finished),
         about="Finish a task that you hold, with its result; its branch and worktree stay."),
    Tool(name="handoff", title="Hand a task over", wish=wish.Handoff, run=_handoff, answer=_task,
         about="Offer a task that you hold to another session or to anyone, with a note and a snapshot of your "
               "uncommitted work. You hold it no longer."),
    Tool(name="accept", title="Accept a task handed over", wish=wish.Accept, run=_accept, again=True,
         about="Take a task that was offered, in its branch, with the uncommitted work restored.",
         answer=lambda: schema(grant={"offer": Handoff, "restored": bool})),
    Tool(name="lock", title="Lock names or paths", wish=wish.Lock, run=_lock, again=True,
         about="Keep other sessions off names or path patterns (gitignore style): all of them, or none. Ends with "
               "unlock, its ttl or your session.",
         answer=lambda: schema(Locked)),
    Tool(name="unlock", title="Give locks back", wish=wish.Unlock, run=_unlock,
         about="Give locks of yours back.", answer=lambda: schema(list[LockView])),
    Tool(name="check", title="Check paths for locks", wish=wish.Check, run=_check, reads=True,
         about="Whether paths may be changed: free or locked by you; else held, which lists whose locks cover them.",
         answer=lambda: schema(Checked)),
    Tool(name="log", title="What happened", wish=wish.Log, run=_log, reads=True,
         about="What happened to tasks, sessions, locks and data, oldest first.",
         answer=lambda: schema(list[EventView])),
    Tool(name="status", title="Who is here and holds what", wish=wish.Nothing, run=_status, reads=True,
         about="Sessions, claims, locks, offers, how many tasks are ready, and what needs attention.",
         answer=lambda: schema(Status)),
)  # fmt: skip
"""Every tool, in the order in which clients list them."""

BY_NAME = {tool.name: tool for tool in TOOLS}
