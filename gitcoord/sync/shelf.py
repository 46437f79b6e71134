"""The archive's pages, read once for each of its states. What is on them ``core.archive`` says; writes nothing."""

from __future__ import annotations

from gitcoord.core import archive
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitcoord.store.base import RefStore


class Shelf:
    """One state of the archive: ``oid`` is its commit."""

    def __init__(self, store: RefStore, oid: str) -> None:
        self.oid = oid
        self._store = store
        self._pages: dict[str, dict[str, str]] = {}
        self._everything: dict[str, str] | None = None

    def find(self, refs: Iterable[str]) -> dict[str, str]:
        """Those of ``refs`` that were folded, each with the commit at which it ended. Raises Corrupt."""
        pages = archive.spread(refs)
        self._read(list(pages))
        return {ref: oid for path, some in pages.items() for ref in some if (oid := self._pages[path].get(ref))}

    def all(self, prefix: str) -> dict[str, str]:
        """Every folded ref below ``prefix``. Raises Corrupt."""
        paths = archive.pages_of(prefix)
        self._read(paths)
        return {ref: oid for path in paths for ref, oid in self._pages[path].items()}

    def everything(self) -> dict[str, str]:
        """Every folded ref. Raises Corrupt."""
        if self._everything is None:
            self._read([path for kind in archive.KINDS for path in archive.pages_of(kind)])
            self._everything = {ref: oid for page in self._pages.values() for ref, oid in page.items()}
        return self._everything

    def _read(self, paths: Sequence[str]) -> None:
        missing = [path for path in paths if path not in self._pages]
        if missing:
            found = self._store.files(self.oid, missing)
            for path in missing:
                self._pages[path] = archive.parse(path, found.get(path, b""))
