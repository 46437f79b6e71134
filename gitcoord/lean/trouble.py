"""What the stand-ins raise, and the way to the real msgspec for what they leave to it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


class DecodeError(Exception):
    """Bytes that are no JSON."""


class ValidationError(DecodeError):
    """JSON that is not what was expected."""


def real() -> ModuleType:
    """msgspec itself, imported now."""
    import msgspec

    return msgspec
