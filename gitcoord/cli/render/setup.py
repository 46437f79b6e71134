"""How set-up looks: what was written, what was checked, which hooks fire."""

from __future__ import annotations

from gitcoord.cli.render.doc import Cell, Doc, Facts, Line, Style, Table, lines
from gitcoord.cli.render.words import count
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.core.views import Check, Wrote
    from gitcoord.git.hooks_table import HookStatus

_STYLES: dict[str, Style] = {"ok": "good", "fixed": "good", "warning": "warn", "problem": "bad"}


def initialised(wrote: Sequence[Wrote], *, dry_run: bool) -> Doc:
    if not wrote:
        return lines("nothing to do: this repository is set up already")
    head = "would write:" if dry_run else "this repository is coordinated now; written:"
    doc: list[Line | Facts] = [Line(head), _written(wrote)]
    if not dry_run:
        doc.append(Line("begin with 'git coord start'; take all this back with 'git coord uninstall'"))
    return doc


def hooks_installed(wrote: Sequence[Wrote]) -> Doc:
    return [Line("installed:"), _written(wrote)] if wrote else lines("nothing to do: the hooks are installed already")


def uninstalled(wrote: Sequence[Wrote]) -> Doc:
    return [Line("taken back:"), _written(wrote)] if wrote else lines("nothing to take back")


def _written(wrote: Sequence[Wrote]) -> Facts:
    return Facts(tuple((f"  {item.what}", item.path) for item in wrote))


def checked(checks: Sequence[Check]) -> Doc:
    """Problems last, where they are seen, with what to do about them."""
    order = ("ok", "fixed", "warning", "problem")
    doc: list[Line | Table] = []
    for check in sorted(checks, key=lambda check: order.index(check.status)):
        doc.append(Line(f"{check.status:<8} {check.name}: {check.message}", _STYLES[check.status]))
        if check.hint and check.status in ("warning", "problem"):
            doc.append(Line(f"hint: {check.hint}", indent=5))
    wrong = sum(check.status == "problem" for check in checks)
    doc.append(Line(f"{count(wrong, 'problem')} found" if wrong else "all is well"))
    return doc


def reported(text: str) -> Doc:
    """A report as it stands: it is Markdown already."""
    return lines(*text.split("\n"))


def hooks(found: Sequence[HookStatus]) -> Doc:
    """Each hook with what runs it, or why nothing does and what to do about it."""
    table = Table(
        ("HOOK", "FIRES", "THROUGH", "WHY"),
        tuple(
            (hook.event, Cell("yes", "good") if hook.fires else Cell("no", "bad"), _through(hook), hook.why)
            for hook in found
        ),
        long=3,
    )
    return [table, *(Line(f"hint: {hint}") for hint in dict.fromkeys(hook.hint for hook in found) if hint)]


def _through(hook: HookStatus) -> str:
    return "-" if hook.how == "none" else f"{hook.how} {hook.path or ''}".rstrip()
