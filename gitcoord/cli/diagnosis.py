"""``doctor --report``: everything that whoever helps asks for first, as Markdown that can be pasted anywhere.

Says which settings and variables there are, never a value that may be a credential; the home directory is ``~``. What
cannot be found out is said in its place: a report is wanted exactly when something is broken.
"""

from __future__ import annotations

import os
import platform
import sys
from collections import Counter

from gitcoord.cli.about import versions
from gitcoord.cli.context import Context
from gitcoord.cli.render.safe import safe_lines
from gitcoord.core.masking import homeless, strictly
from gitcoord.errors import CoordError
from gitcoord.lean import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gitcoord.coordinator import Coordinator
    from gitcoord.core.views import Check

_LINES = 50
_REPORTS = 10
_SETTINGS = r"^(coord|extensions|core|gc|fetch|push|receive|transfer|protocol|feature|safe|worktree)\."
_TOLD = frozenset(
    {
        *("core.hookspath", "core.fsync", "core.fsyncmethod", "core.fsyncobjectfiles", "core.logallrefupdates"),
        *("core.sharedrepository", "core.repositoryformatversion", "core.bare", "core.worktree", "core.ignorecase"),
        *("core.precomposeunicode", "core.autocrlf", "core.filemode", "core.symlinks", "core.longpaths"),
        *("core.splitindex", "core.untrackedcache", "core.fsmonitor", "gc.auto", "gc.packrefs", "gc.reflogexpire"),
        *("fetch.prune", "fetch.negotiationalgorithm", "push.default", "push.followtags", "push.recursesubmodules"),
        *("receive.denynonfastforwards", "receive.denydeletes", "transfer.hiderefs", "transfer.fsckobjects"),
        *("protocol.version", "feature.manyfiles", "safe.directory", "worktree.guessremote"),
    }
)
"""Settings besides ``coord.*`` and ``extensions.*`` that decide how Git treats us; all others stay private."""

_VARIABLES = ("GIT_", "CLAUDE_", "CODEX_", "GEMINI_", "CURSOR_", "COPILOT_", "GITCOORD_")


def report(ctx: Context, checks: Callable[[], Sequence[Check]]) -> str:
    """The whole report. Never raises because of what it finds."""
    sections: list[tuple[str, Callable[[], Iterator[str]]]] = [
        ("Versions", lambda: _facts(versions(ctx))),
        ("Platform", lambda: _facts(_platform())),
        ("Variables that are set", lambda: _variables(ctx)),
        ("Repository", lambda: _facts(_repository(ctx.coord))),
        ("Settings", lambda: _settings(ctx.coord)),
        ("Checks", lambda: _checks(checks())),
        ("Hooks", lambda: _hooks(ctx.coord)),
        ("Records", lambda: _records(ctx.coord)),
        (f"Last {_LINES} lines of session.log", lambda: _log(ctx.coord)),
        ("Bug reports", lambda: _bugs(ctx.coord)),
    ]
    lines = ["# gitcoord report", ""]
    for title, told in sections:
        lines += [f"## {title}", "", "```text", *_told(told, ctx.environ.get("HOME")), "```", ""]
    return "\n".join(lines)


def _told(told: Callable[[], Iterator[str]], home: str | None) -> list[str]:
    """The lines of a section, fit to be shown to anybody; or why there are none."""
    lines: list[str] = []
    try:
        lines += told()
    except CoordError as error:
        lines.append(f"not to be had: {error.message}")
    except Exception as error:  # whatever it is: the other sections are wanted all the more
        lines.append(f"not to be had: {type(error).__name__}: {error}")
    clean = homeless(strictly("\n".join(lines) or "none"), home)
    return [line.replace("```", "'''") for line in safe_lines(clean)]


def _facts(facts: dict[str, Any]) -> Iterator[str]:
    return (f"{name:<16} {'-' if value is None else value}" for name, value in facts.items())


def _platform() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "python": sys.implementation.name,
        "encoding": f"{sys.getfilesystemencoding()}, stdout {sys.stdout.encoding}",
        "terminal": "yes" if sys.stdout.isatty() else "no",
        "installed in": os.path.dirname(os.path.dirname(__file__)),
    }


def _variables(ctx: Context) -> Iterator[str]:
    """Only their names: what stands in them may be anything."""
    return iter(sorted(name for name in ctx.environ if name.startswith(_VARIABLES)))


def _repository(coord: Coordinator) -> dict[str, Any]:
    from gitcoord.store.files import is_reftable

    repo = coord.repo
    return {
        "git directory": repo.common,
        "worktree": repo.top,
        "linked worktree": repo.git_dir != repo.common,
        "bare": repo.bare,
        "objects": repo.object_format,
        "refs": "reftable" if is_reftable(repo.common) else "files",
    }


def _settings(coord: Coordinator) -> Iterator[str]:
    done = coord.repo.git("config", "-z", "--get-regexp", _SETTINGS, check=False)
    for item in done.out.split(b"\0"):
        name, _, value = os.fsdecode(item).partition("\n")
        if name.startswith(("coord.", "extensions.")) or name in _TOLD:
            yield f"{name} = {value}"


def _checks(checks: Sequence[Check]) -> Iterator[str]:
    for check in checks:
        yield f"{check.status:<8} {check.name}: {check.message}"


def _hooks(coord: Coordinator) -> Iterator[str]:
    for hook in coord.hooks_status():
        yield f"{hook.event:<20} {'fires' if hook.fires else 'does not fire'} ({hook.how}) {hook.why or ''}".rstrip()


def _records(coord: Coordinator) -> Iterator[str]:
    """How many there are of each kind, and how large they are; never what is in them."""
    from gitcoord.coordinator.transfer_state import State
    from gitcoord.core.transfer import kind_of

    state = State(coord)
    payloads = coord.store.load(oid for oid in state.live.values() if oid)
    counts, sizes, largest = Counter[str](), Counter[str](), Counter[str]()
    for ref, oid in state.live.items():
        kind, size = kind_of(ref), len(payloads.get(oid, b""))
        counts[kind] += 1
        sizes[kind] += size
        largest[kind] = max(largest[kind], size)
    yield f"{'kind':<16} {'count':>8} {'bytes':>10} {'largest':>9}"
    for kind in sorted(counts):
        yield f"{kind:<16} {counts[kind]:>8} {sizes[kind]:>10} {largest[kind]:>9}"
    yield f"{'archived':<16} {len(state.archived):>8}"
    yield from coord.repo.git("count-objects", "-v").text.split("\n")


def _log(coord: Coordinator) -> Iterator[str]:
    from gitcoord.coordinator import sessionlog

    coord.begin(*coord.my_refs())
    me = coord.find_me()
    return iter(sessionlog.last(coord.repo.common, me.record.id, _LINES) if me is not None else ())


def _bugs(coord: Coordinator) -> Iterator[str]:
    folder = os.path.join(coord.repo.coord_dir, "reports")
    found = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return iter(found[-_REPORTS:])
