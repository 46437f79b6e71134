"""What a clone remembers of its hub besides refs: when it was heard of, what it lost, and pushes that went oddly.

Owns the files below ``<common>/coord/hub/``. Losing one is no harm: then everything is asked again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from gitcoord.core.model import Boot
from gitcoord.errors import GitFailed
from gitcoord.git.localfile import private_dir, read_all, write_atomic
from gitcoord.lean import msgspec
from gitcoord.sync.heard import Note

_FILE = 1 << 20


class Notes:
    """The notes of the clone whose common Git directory is ``common``."""

    def __init__(self, common: str) -> None:
        self._common = common
        self._folder = os.path.join(common, "coord", "hub")

    def moment(self, name: Note, at: Boot) -> None:
        """Note when a fetch began after which something came through."""
        self._write(name, f"{at.id} {at.at:.3f}\n".encode())

    # -- lost state ---------------------------------------------------------------------------------------------------

    @property
    def lost(self) -> str | None:
        """What the hub lost that it had; None while it lost nothing."""
        found = read_all(os.path.join(self._folder, "lost"), _FILE)
        return None if found is None else found.decode("utf-8", "replace").strip()

    def lose(self, what: str) -> None:
        self._write("lost", f"{what}\n".encode())

    def found(self) -> None:
        """What was lost is there again, or no longer wanted."""
        self._drop("lost")

    # -- pushes -------------------------------------------------------------------------------------------------------

    @property
    def doubted(self) -> dict[str, str]:
        """Pushes of unknown outcome: the oid by the ref that it may be, or come to be, at."""
        return self._table("doubt")

    def doubt(self, moves: Mapping[str, str]) -> None:
        self._write("doubt", msgspec.json.encode({**self.doubted, **moves}))

    def settled(self) -> None:
        self._drop("doubt")

    @property
    def refused(self) -> dict[str, str]:
        """What the hub did not take, each by itself: the oid by the ref."""
        return self._table("refused")

    def refuse(self, moves: Mapping[str, str]) -> None:
        """Remember these, and no others."""
        if moves:
            self._write("refused", msgspec.json.encode(dict(moves)))
        else:
            self._drop("refused")

    def _table(self, name: str) -> dict[str, str]:
        data = read_all(os.path.join(self._folder, name), _FILE)
        try:
            return msgspec.json.decode(data or b"{}", type=dict[str, str])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}

    def _write(self, name: str, data: bytes) -> None:
        try:
            private_dir(self._common, "coord", "hub")
            write_atomic(os.path.join(self._folder, name), data)
        except (OSError, GitFailed):
            pass  # read-only: then nothing is remembered

    def _drop(self, name: str) -> None:
        try:
            os.unlink(os.path.join(self._folder, name))
        except FileNotFoundError:
            pass
