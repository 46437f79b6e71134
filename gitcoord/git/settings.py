"""Git settings for one command, passed through the environment.

Unlike ``git -c`` they reach the command wherever its name stands in the arguments, and values may hold anything.
"""

from __future__ import annotations

from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_settings(env: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The variables that add ``settings`` to those that ``env`` brings already; ours count last, so they win."""
    start = int(env.get("GIT_CONFIG_COUNT") or 0)
    added = {"GIT_CONFIG_COUNT": str(start + len(settings))}
    for number, (name, value) in enumerate(settings.items(), start):
        added[f"GIT_CONFIG_KEY_{number}"] = name
        added[f"GIT_CONFIG_VALUE_{number}"] = value
    return added
