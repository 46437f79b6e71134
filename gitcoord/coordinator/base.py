"""What every verb stands on: opening a repository, who is asking, reading, and writing through ``transact``.

Owns the clock, the nonce and the form of a record commit (its subject and its ``Coord-Event`` trailer). The verbs
themselves live in the sibling files, one noun each, and are put together in ``__init__``.
"""

from __future__ import annotations

import time

from gitcoord.coordinator import config as settings
from gitcoord.coordinator.clock import Chance, Clock, SystemChance, SystemClock
from gitcoord.coordinator.records import CacheWrong, Loaded, Records
from gitcoord.core import codec, ids, names
from gitcoord.core.lease import Policy
from gitcoord.core.model import Boot, Meta, Struct, Task
from gitcoord.core.times import rfc3339
from gitcoord.core.views import Guarantee, Notice
from gitcoord.errors import NewerFormat, NotInitialised, Usage
from gitcoord.git import host
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, Any, TypeVar, contextmanager, msgspec
from gitcoord.store.base import Change, Commit, Ident, RefStore
from gitcoord.store.open import open_store
from gitcoord.store.transact import Plan, transact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

T = TypeVar("T")

_SUBJECT = 120


class Base:
    """One repository, seen from one place by one caller. Not safe to share between threads: open one in each."""

    def __init__(
        self,
        repo: Repo,
        environ: Mapping[str, str],
        *,
        session: str | None = None,
        long_lived: bool = True,
        clock: Clock | None = None,
        chance: Chance | None = None,
        store: RefStore | None = None,
    ) -> None:
        self.repo = repo
        self.environ = environ
        self.wanted = session
        self.clock: Clock = clock or SystemClock()
        self.chance: Chance = chance or SystemChance()
        self.config = settings.read(repo, environ)
        self.durable = self.config.durability == "fsync"
        self.store: RefStore = store or open_store(repo, self.config.store, long_lived=long_lived, durable=self.durable)
        self.records = Records(self.store, repo.common if self.store.kind != "memory" else None)
        self.notices: list[Notice] = []
        self.begun = False
        self.newer = False
        self.provisional = False
        self.asking = False
        """Whether a decision is being taken that the hub will judge."""
        self.changed = False
        """Whether a swap of this command went through; ``about``: the last task it wrote, and its token."""
        self.about: tuple[str, int] | None = None
        self.acting: str | None = None
        """The session that acts, once it is known."""
        self._host: str | None = None
        self._boot_id: str | None = ""  # not asked yet by this verb, which may ask it of every session

    def close(self) -> None:
        """Let go of child processes; the object must not be used after."""
        self.store.close()

    def reconfigure(self) -> None:
        """Read the settings again, after one of them was written."""
        self.config = settings.read(self.repo, self.environ)

    # -- facts about here and now ---------------------------------------------------------------------------------

    @property
    def guarantee(self) -> Guarantee:
        """How strong a grant is that is made now."""
        if self.config.hub is None:
            return "local"
        return "provisional" if self.provisional else "confirmed"

    def unheard(self) -> float:
        """Seconds for which nothing that other hosts say can have reached this clone; 0 without a hub."""
        if self.config.hub is None:
            return 0.0
        from gitcoord.sync.heard import age

        found = age(self.repo.common, self.running())
        return float("inf") if found is None else found

    def share(self) -> None:
        """Bring what was just done to those who wait for it; without a hub they see it anyway."""

    def sync_soon(self) -> None:
        """Where there is a hub that has not heard of us for long, start a sync that nobody waits for. Never fails."""
        config = self.config
        if config.hub is None or config.sync == "manual":
            return
        from gitcoord.sync.heard import age

        # Not when we last heard of it: a claim that was refused fetches, and sends no heartbeat.
        sent = age(self.repo.common, self.running(), "sent")
        if sent is not None and sent < config.sync_interval:
            return
        from gitcoord.sync import soon

        soon.start(self.repo, self.running(), config.sync_interval)

    @property
    def policy(self) -> Policy:
        return self.config.policy

    @property
    def host(self) -> str:
        """This machine's id, as far as this clone is concerned."""
        if self._host is None:
            self._host = host.host_id(self.repo.common)
        return self._host

    def now(self) -> str:
        return rfc3339(self.clock.now())

    def boot(self) -> Boot | None:
        """This moment on the running clock, or None where the system has no boot id."""
        if self._boot_id == "":
            self._boot_id = self.clock.boot()
        return None if self._boot_id is None else Boot(id=self._boot_id, at=round(self.clock.up(), 3))

    def running(self) -> Boot:
        """This moment on the clock by which this clone observes others; also where the system has no boot id."""
        return self.boot() or Boot(id="-", at=round(self.clock.up(), 3))

    def notice(self, code: str, message: str) -> None:
        """Tell the caller something besides the answer."""
        if not any(known.message == message for known in self.notices):
            self.notices.append(Notice(code=code, message=message))

    # -- reading --------------------------------------------------------------------------------------------------

    def begin(self, *refs: str) -> None:
        """Start a verb: forget what was read before, read ``refs`` and the canary in one batch.

        Raises NotInitialised where the repository has no coordination state. One of a later format is only looked at:
        writing raises NewerFormat.
        """
        self._boot_id = ""
        self.records.forget()
        self.provisional = False  # that is said of one claim, not of what the same process does after it
        self.records.fetch([names.META, *refs])
        meta = self.records.get(names.META, Meta)
        if meta is None:
            raise NotInitialised()
        self.newer = codec.is_newer(meta.raw)
        if self.newer:
            self.notice("newer-format", f"this repository's coordination state has format {meta.record.v}")
        self.begun = True

    # -- writing --------------------------------------------------------------------------------------------------

    def transact(self, decide: Callable[[], Plan[T]], *, limit: float = 2.0, exclusive: bool = False) -> T:
        """Decide on what was read, swap, and decide again on a fresh read when somebody else was first.

        ``exclusive``: what only one may get; where there is a hub, it decides. Raises Contended after ``limit`` seconds
        of lost races, HubUnreachable, HubRefused.
        """
        if exclusive and self.guarantee == "confirmed":
            from gitcoord.coordinator.arbiter import at_hub

            return at_hub(self, decide, limit)
        return self.loop(self.store, decide, limit=limit)

    def loop(self, store: RefStore, decide: Callable[[], Plan[T]], *, limit: float) -> T:
        """``transact`` over one store."""
        if self.newer:
            raise NewerFormat("this repository's coordination state was written by a newer gitcoord")
        plan: Plan[T] | None = None

        def again() -> Plan[T]:
            nonlocal plan
            if plan is not None:
                self.records.forget()
            try:
                plan = decide()
            except CacheWrong:  # and now without it
                plan = decide()
            if any(change.expected is None and change.ref.startswith(names.TASKS) for change in plan.changes):
                plan = msgspec.structs.replace(plan, changes=self._guarded(plan.changes))
            return plan

        try:
            result = transact(store, again, clock=self.clock, rng=self.chance, limit=limit)
        except BaseException:
            self.records.forget()
            raise
        self.changed = self.changed or bool(plan and plan.changes)
        # The rest of what was read is as fresh as the decision was, and every further decision is swapped against it.
        self.records.outdated(change.ref for change in (plan.changes if plan else ()) if change.new is not None)
        return result

    def _guarded(self, changes: Sequence[Change]) -> Sequence[Change]:
        """``changes`` that make a task, on condition that no task of that name was archived since it was sought."""
        if self.records.has_archive is False:
            return [*changes, Change(names.ARCHIVE, None, None)]
        from gitcoord.coordinator.archive import guarded

        return guarded(self.records, changes)

    def write(self, ref: str, base: Loaded[Any] | None, record: Struct, event: Any, subject: str) -> Change:
        """The change that puts ``record`` where ``base`` was, with ``event`` in its trailer."""
        if base is not None:
            base = self.records.prove(base)
        if isinstance(record, Task):
            self.about = (record.id, record.token)
        with utf8():
            payload = codec.encode(record, base.raw if base else None)
        change = self.commit(ref, base.oid if base else None, payload, event, subject)
        if base is None or not base.folded:
            return change
        from gitcoord.coordinator.archive import revived

        return revived(change)

    def commit(self, ref: str, oid: str | None, payload: bytes, event: Any, subject: str, body: str = "") -> Change:
        """The change that puts a commit of ``payload`` on top of ``oid``; what it is, in a line and a ``body``."""
        event = msgspec.structs.replace(event, nonce=ids.nonce(self.chance.bytes(ids.NONCE_BYTES)))
        with utf8():
            trailer = msgspec.json.encode(event).decode()
        message = "\n\n".join(filter(None, (one_line(subject), body, f"Coord-Event: {trailer}\n")))
        return Change(ref, oid, Commit(payload, message, self.author()))

    def author(self) -> Ident:
        """The user, at this moment."""
        name, email = self.config.identity
        now = self.clock.now()
        return Ident(name, email, int(now), time.localtime(now).tm_gmtoff // 60)

    def verify(self, *loaded: Loaded[Any]) -> Sequence[Change]:
        """Changes that only insist on the records still being what was read."""
        return [Change(item.ref, None if item.folded else item.oid, None) for item in loaded]


@contextmanager
def utf8() -> Iterator[None]:
    """What is stored is text: an argument that is not UTF-8 (lone surrogates, to Python) is a usage error."""
    try:
        yield
    except UnicodeEncodeError:
        raise Usage("there are bytes in it that are not UTF-8", hint="write it in UTF-8") from None


def one_line(text: str) -> str:
    """``text`` without control characters and line breaks, cut to a subject's length."""
    line = " ".join((text if text.isprintable() else _printable(text)).split())
    return line if len(line) <= _SUBJECT else line[: _SUBJECT - 1] + "…"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
