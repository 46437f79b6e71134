"""A stand-in for ``contextlib.contextmanager``, which with what it imports takes 2 ms."""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType
    from typing import Any


class _Managed:
    """One use of such a function: up to its ``yield`` when entered, the rest when left."""

    __slots__ = ("_steps",)

    def __init__(self, steps: Generator[Any, None, None]) -> None:
        self._steps = steps

    def __enter__(self) -> Any:
        return next(self._steps)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            if error is None:
                next(self._steps)
            else:
                self._steps.throw(error)
        except StopIteration:
            return error is not None  # the function took it and came to its end
        except BaseException as other:
            if other is error:
                return False
            raise
        raise RuntimeError("a context manager yields once")


def contextmanager(function: Callable[..., Generator[Any, None, None]]) -> Callable[..., _Managed]:
    """``function``, a generator that yields once, as what may stand in a ``with``."""

    def managed(*args: Any, **named: Any) -> _Managed:
        return _Managed(function(*args, **named))

    return managed
