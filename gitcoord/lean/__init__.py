"""What every module needs of ``typing`` and msgspec, without their import where a process does one small thing.

Importing ``typing`` costs 6 ms and msgspec another 8, of the 25 that a command like ``heartbeat`` may take (measured,
Python 3.11). A process that is to be quick (``startup``) gets stand-ins (``forms``, ``records``):
the same records, the same JSON, held against the real ones by tests/lean. Every other process, and every type checker,
sees the real modules. Nothing is patched: who imports ``typing`` or ``msgspec`` itself gets them as ever.
"""

from __future__ import annotations

from gitcoord.startup import is_lean

TYPE_CHECKING = False

if TYPE_CHECKING:
    from contextlib import contextmanager
    from typing import Annotated, Any, Generic, Literal, NoReturn, Protocol, TypeVar, cast, get_args, overload

    import msgspec
elif is_lean():
    from gitcoord.lean import records as msgspec
    from gitcoord.lean.context import contextmanager
    from gitcoord.lean.forms import (
        Annotated,
        Any,
        Generic,
        Literal,
        NoReturn,
        Protocol,
        TypeVar,
        cast,
        get_args,
        overload,
    )
else:
    from contextlib import contextmanager
    from typing import Annotated, Any, Generic, Literal, NoReturn, Protocol, TypeVar, cast, get_args, overload

    import msgspec

__all__ = [
    "TYPE_CHECKING",
    "Annotated",
    "Any",
    "Generic",
    "Literal",
    "NoReturn",
    "Protocol",
    "TypeVar",
    "cast",
    "contextmanager",
    "get_args",
    "msgspec",
    "overload",
]
