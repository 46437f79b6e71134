"""What a command answers: its result for programs and a document for people, neither of them printed yet.

A command never prints. ``output`` decides by the global options which of the two is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gitcoord.cli.render.doc import Doc
    from gitcoord.core.views import Guarantee, Notice


class Reply:
    """One answer.

    ``result`` becomes the JSON result; ``show`` makes the document for people and is called only for them; ``lines``
    are the records of ``--porcelain``, where they are not the result itself. ``confirms`` marks a document that
    ``--quiet`` leaves out, because it only says that what was asked for was done. ``bare`` is a line for a shell, in
    place of a document: a path for ``cd``, an export for ``eval``.
    """

    __slots__ = ("as_of", "bare", "confirms", "guarantee", "lines", "notices", "result", "show")

    def __init__(
        self,
        result: Any,
        show: Callable[[], Doc] = list,
        *,
        bare: str | None = None,
        confirms: bool = False,
        guarantee: Guarantee | None = None,
        as_of: float | None = None,
        notices: Sequence[Notice] = (),
        lines: Sequence[Any] | None = None,
    ) -> None:
        self.result = result
        self.show = show
        self.bare = bare
        self.confirms = confirms
        self.guarantee = guarantee
        self.as_of = as_of
        self.notices = tuple(notices)
        self.lines = lines
