"""What a command answers: its result for programs and a document for people, neither of them printed yet.

A command never prints. ``output`` decides by the global options which of the two is wanted.
"""

from __future__ import annotations

from gitcoord.lean import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gitcoord.cli.render.doc import Doc
    from gitcoord.core.views import Guarantee, Notice
    from gitcoord.errors import CoordError


class Reply:
    """One answer.

    ``result``: what ``--json`` prints; a Grant in it (alone, or as ``{"grant": …}``) is flattened.
    ``show``: makes the document for people, called only for them; ``confirms`` says that it only confirms what was
    asked for, so that ``--quiet`` leaves it out.
    ``bare``: a line for a shell in place of a document, a path for ``cd`` or an export for ``eval``.
    ``lines``: the records of ``--porcelain``, where they are not the result itself.
    ``refusal``: the failure that the command ends in all the same, after its document.
    ``guarantee``: how strong what was granted is, where the result is no Grant, which says so itself.
    ``code``: the exit code of an answer that is no failure and no plain yes.
    ``stream``: results that come one by one, without end, in place of a result; each is shown as ``one`` says, or is a
    line of JSON (not one document: there is no end at which to close it), or a porcelain record.
    """

    __slots__ = (
        "as_of",
        "bare",
        "code",
        "confirms",
        "guarantee",
        "lines",
        "notices",
        "one",
        "refusal",
        "result",
        "show",
        "stream",
    )

    def __init__(
        self,
        result: Any,
        show: Callable[[], Doc] = list,
        *,
        bare: str | None = None,
        confirms: bool = False,
        as_of: float | None = None,
        notices: Sequence[Notice] = (),
        lines: Sequence[Any] | None = None,
        refusal: CoordError | None = None,
        guarantee: Guarantee | None = None,
        code: int = 0,
        stream: Iterator[Any] | None = None,
        one: Callable[[Any], Doc] = lambda _: [],
    ) -> None:
        self.result = result
        self.show = show
        self.bare = bare
        self.confirms = confirms
        self.as_of = as_of
        self.notices = tuple(notices)
        self.lines = lines
        self.refusal = refusal
        self.guarantee = guarantee
        self.code = code
        self.stream = stream
        self.one = one
