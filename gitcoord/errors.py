"""The closed set of errors: what can go wrong, its exit code and one safe next step.

Every ring may raise these; only ``cli/`` prints them. A new kind of failure is a new class here and a new row in the
exit-code table of the README. Hints never name a destructive command.
"""

from __future__ import annotations

from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class CoordError(Exception):
    """Something gitcoord can name. Nothing was changed unless the message says so."""

    code = "bug"
    exit = 70
    hint = ""

    def __init__(self, message: str = "", *, hint: str | None = None, **fields: object) -> None:
        self.message = message or (self.__doc__ or "").strip().splitlines()[0]
        if hint is not None:
            self.hint = hint
        self.fields: Mapping[str, object] = fields
        super().__init__(self.message)


class Refused(CoordError):
    """The rules refuse; nothing changed."""

    exit = 1


class Held(Refused):
    """Another session holds it."""

    code = "held"
    hint = "pick other work with 'git coord ready', or look at the holder with 'git coord sessions'"


class NotHolder(Refused):
    """You do not hold it."""

    code = "not-holder"
    hint = "see who does with 'git coord status'"


class StaleToken(Refused):
    """Your claim was superseded: the fencing token has moved on."""

    code = "stale-token"
    hint = "your work is still in your worktree; see what happened with 'git coord log'"


class WrongState(Refused):
    """The task's state does not allow that."""

    code = "wrong-state"


class Blocked(Refused):
    """Tasks that must be done first are not done."""

    code = "blocked"
    hint = "see what can be started with 'git coord ready'"


class NothingReady(Refused):
    """No task is ready to be claimed."""

    code = "nothing-ready"
    hint = "add one with 'git coord task add', or see what is blocked with 'git coord task list'"


class Exists(Refused):
    """It exists already."""

    code = "exists"


class NotFound(Refused):
    """There is no such thing."""

    code = "not-found"


class Ended(Refused):
    """That session has ended."""

    code = "ended"
    hint = "go on with 'git coord resume', or begin anew with 'git coord start'"


class Unsafe(Refused):
    """Work would be lost."""

    code = "unsafe"


class Guarded(Refused):
    """A guard stopped it."""

    code = "guarded"


class NoSession(Refused):
    """You have no session here."""

    code = "no-session"
    hint = "git coord start"


class Conflict(Refused):
    """The version or absence condition did not hold."""

    code = "conflict"


class TimedOut(Refused):
    """It did not happen within the time given."""

    code = "timeout"


class Contended(CoordError):
    """Lost too many races in a row; nothing changed."""

    code = "contended"
    exit = 3
    hint = "run the same command again"


class UnknownOutcome(CoordError):
    """Whether the write happened is not known yet; the next command finds out."""

    code = "unknown"
    exit = 4
    hint = "run 'git coord status': it looks the outcome up"


class HubUnreachable(CoordError):
    """The hub could not be reached; nothing was granted."""

    code = "hub-unreachable"
    exit = 5


class HubRefused(CoordError):
    """The hub refused; nothing was granted."""

    code = "hub-refused"
    exit = 5


class Corrupt(CoordError):
    """Stored state cannot be read; nothing was written."""

    code = "corrupt"
    exit = 7
    hint = "git coord doctor"


class NewerFormat(CoordError):
    """Stored state was written by a newer gitcoord; nothing was written."""

    code = "newer-format"
    exit = 7
    hint = "upgrade gitcoord, then run the same command again"


class Bug(CoordError):
    """A bug in gitcoord."""

    code = "bug"
    exit = 70


class NoRepository(CoordError):
    """Not inside a Git repository."""

    code = "no-repository"
    exit = 128
    hint = "change into a repository, or name one with -C"


class NotInitialised(CoordError):
    """This repository does not use gitcoord yet."""

    code = "not-initialised"
    exit = 128
    hint = "git coord init"


class GitFailed(CoordError):
    """Git refused or could not be run."""

    code = "git"
    exit = 128


class Usage(CoordError):
    """The command line does not say what is meant."""

    code = "usage"
    exit = 129


class Interrupted(CoordError):
    """Interrupted."""

    code = "interrupted"
    exit = 130
