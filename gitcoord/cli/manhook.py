"""Build hook for hatchling: makes the manual pages when a wheel is built, for ``share/man/man1``.

Where ``man`` and pipx look for them. They are made from the commands of the very source that is packed, so none can be
out of date; msgspec is needed for that, and is among the requirements of the build. Nothing imports this file at run
time.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPages(BuildHookInterface[Any]):
    """Adds every page to the wheel's shared data."""

    PLUGIN_NAME = "custom"
    _made: str | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the pages to a temporary folder, and name them for the wheel."""
        sys.path.insert(0, self.root)
        try:
            from gitcoord.cli.manpage import pages
        finally:
            sys.path.remove(self.root)
        self._made = tempfile.mkdtemp(prefix="gitcoord-man-")
        for name, text in pages().items():
            path = os.path.join(self._made, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            build_data["shared_data"][path] = f"share/man/man1/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Take the temporary folder away."""
        if self._made is not None:
            shutil.rmtree(self._made)
