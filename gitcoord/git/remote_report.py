"""Reading what ``git push --porcelain`` answered: the fate of each ref, or that nobody knows.

Pure. "Up to date" is no win: the same value was there before, whoever put it there. A ref that is not mentioned, or
that the remote "failed to report", may have moved. The words are those of git 2.39 and 2.55.
"""

from __future__ import annotations

import os

from gitcoord.git.run import Done
from gitcoord.lean import TYPE_CHECKING, Literal, msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

State = Literal["moved", "same", "stale", "beside", "refused", "unknown"]
"""``same``: it was there already; ``stale``: not at its expected value; ``beside``: held back with another one."""


class Verdict(msgspec.Struct, frozen=True):
    """What became of one ref, with the remote's reason."""

    state: State
    reason: str = ""


class Push(msgspec.Struct, frozen=True):
    """Verdicts by ref; ``complete`` says that every ref has one that is known."""

    verdicts: Mapping[str, Verdict]
    complete: bool


# What git and its servers say when the value was not the expected one: before sending, and when two pushes meet.
_STALE = (
    "stale info",
    "failed to update ref",
    "cannot lock ref",
    "but expected",
    "already exists",
    "incorrect old value",
    "failed to lock",
    "reference conflict",
    "fetch first",
    "non-fast-forward",
)
_BESIDE = ("atomic push fail", "atomic transaction failed")
_NO_WORD = ("remote failed to report", "remote end hung up")
# Said before the first command of a push goes out; after that git says "RPC failed" or "unexpected disconnect".
_BEFORE = (
    "Could not read from remote repository",
    "unable to access",
    "does not appear to be a git repository",
    "hung up upon initial contact",
    "Could not resolve host",
    "unable to connect",
    "unable to look up",
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "not valid: is this a git repository?",
    "Unable to find remote helper",
    "not allowed",
)
_LIMITED = ("rate limit", "rate-limit", "ratelimit", "too many", "slow down", "throttl", "a minute", "try again later")
_AFTER = ("RPC failed", "unexpected disconnect", "early EOF")


def read_report(done: Done, refs: Sequence[str]) -> Push:
    """The verdict on each of ``refs``."""
    found: dict[str, Verdict] = {}
    for line in os.fsdecode(done.out).split("\n"):
        flag, _, rest = line.partition("\t")
        names, _, summary = rest.partition("\t")
        if len(flag) == 1 and summary:
            found[names.rpartition(":")[2]] = _verdict(flag, summary)
    verdicts = {ref: found.get(ref, Verdict("unknown")) for ref in refs}
    return Push(verdicts, all(verdict.state != "unknown" for verdict in verdicts.values()))


def _verdict(flag: str, summary: str) -> Verdict:
    if flag in " +-*":
        return Verdict("moved")
    if flag == "=":
        return Verdict("same")
    reason = summary.partition(" (")[2].removesuffix(")") or summary
    if any(words in reason for words in _BESIDE):
        return Verdict("beside", reason)
    if any(words in reason for words in _STALE):
        return Verdict("stale", reason)
    if any(words in reason or words in summary for words in _NO_WORD):
        return Verdict("unknown", reason)
    return Verdict("refused", reason)


def explained(verdicts: Mapping[str, Verdict], said: bytes) -> dict[str, Verdict]:
    """The same with what the remote's own programs had to say about what they refused."""
    lines = [line[8:].strip() for line in said.decode("utf-8", "replace").split("\n") if line.startswith("remote: ")]
    words = "; ".join(line for line in lines if line and "hook declined to update" not in line)[:300]
    return {
        ref: Verdict(item.state, f"{item.reason}: {words}") if words and item.state == "refused" else item
        for ref, item in verdicts.items()
    }


def limited(reason: str) -> bool:
    """Whether a refusal is about how often one comes, and so about now. There is no common form, only common words."""
    return any(words in reason.lower() for words in _LIMITED)


def never_sent(said: str) -> bool:
    """Whether git gave up before it had asked the remote for anything."""
    return any(words in said for words in _BEFORE) and not any(words in said for words in _AFTER)


def silent(said: str) -> bool:
    """Whether nothing is said of the connection: then it was not the remote that ended the push."""
    return "fatal:" not in said and not any(words in said for words in (*_AFTER, *_NO_WORD, *_BEFORE))
