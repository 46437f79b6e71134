"""How a coordinator comes to be, and goes."""

from __future__ import annotations

from gitcoord.coordinator.base import Base
from gitcoord.git.repo import discover, look_ahead
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from gitcoord.coordinator.clock import Chance, Clock
    from gitcoord.store.base import RefStore


class Opening(Base):
    """Opened in a directory, closed by ``with``."""

    @classmethod
    def open(
        cls,
        start: str = ".",
        environ: Mapping[str, str] | None = None,
        *,
        session: str | None = None,
        long_lived: bool = True,
        clock: Clock | None = None,
        chance: Chance | None = None,
        store: RefStore | None = None,
    ) -> Self:
        """The coordinator of the repository around ``start``.

        ``environ`` is what git and the choice of session see (nothing but what is given: pass ``os.environ`` to be the
        session that the environment names). ``long_lived``: several verbs will follow, so a slow start may pay off.
        Raises NoRepository, GitFailed.
        """
        environ = environ if environ is not None else {}
        if not long_lived:
            look_ahead(start, environ)  # less to ask; a coordinator that stays asks for settings when it needs them
        repo = discover(start, environ)
        return cls(repo, environ, session=session, long_lived=long_lived, clock=clock, chance=chance, store=store)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
