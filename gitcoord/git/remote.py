"""Talking to a remote: fetch into our own corner, push with exact leases, list. The user's git does it, nothing of the
user's notices: no hooks, no tags, no FETCH_HEAD, no tracking branches, no submodules, no configuration written.

Owns the command lines and what is said when the remote cannot be reached. What a push answered is read in
``remote_report``. Must not know records or sessions.
"""

from __future__ import annotations

import re
import time

from gitcoord.core import names
from gitcoord.errors import GitFailed, Guarded, HubRefused, HubUnreachable, Usage
from gitcoord.git import remote_wrap
from gitcoord.git.remote_report import Push, Verdict, explained, never_sent, read_report, silent
from gitcoord.git.repo import Repo
from gitcoord.git.run import BACKGROUND, Done
from gitcoord.git.settings import with_settings
from gitcoord.git.worktree_list import main_top
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TRACKING = "refs/coord-remotes/"
TIMEOUT = 60.0
"""Seconds for one conversation with a remote; then its whole process group is killed."""

asking: tuple[str, float] | None = None
"""The remote that is being talked to and since when (monotonic), for whoever wants to say so."""

_FETCHES = 3
_OTHER_SSH = re.compile(r"plink|putty|simple", re.IGNORECASE)
_NEVER = re.compile(r"[\x00-\x20\x7f]")
_HELPER = re.compile(r"(?:ext|fd)::", re.IGNORECASE)
_PREFIX = re.compile(r"refs/(?:heads/)?[a-z0-9][a-z0-9_-]*(?:/[a-z0-9][a-z0-9_-]*)*/\Z")
_TAKEN = ("refs/tags/", "refs/notes/", "refs/remotes/", "refs/replace/", "refs/coord-remotes/", "refs/coord-local/")
_FETCH = (
    *("--prune", "--no-prune-tags", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"),
    *("--no-recurse-submodules", "--no-filter", "--no-write-commit-graph", "--no-show-forced-updates"),
    *("--quiet", "--refmap="),
)
_PUSH = ("--porcelain", "--no-follow-tags", "--recurse-submodules=no", "--no-signed", "--no-thin")


class Remote(msgspec.Struct, frozen=True):
    """A remote as an arbiter: its name or address, and the prefix below which it keeps our refs."""

    name: str
    prefix: str = names.ROOT

    @property
    def tracking(self) -> str:
        """Below this prefix stands what the remote had when it was last heard of."""
        place = self.name if self.prefix == names.ROOT else f"{self.name} {self.prefix}"
        return f"{TRACKING}{names.key(place)}/"

    @property
    def shown(self) -> str:
        """The name for people: an address without who may enter there."""
        scheme, mark, rest = self.name.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://***@{host.rpartition('@')[2]}{slash}{path}" if mark and "@" in host else self.name

    def there(self, ref: str) -> str:
        """What one of our refs is called at the remote."""
        return self.prefix + ref.removeprefix(names.ROOT)

    def tracked(self, ref: str) -> str:
        """Where we note what the remote has of one of our refs."""
        return self.tracking + ref.removeprefix(names.ROOT)


class Update(msgspec.Struct, frozen=True):
    """``ref`` (as it is called at the remote) moves from ``expected`` (None: absent) to ``new`` (None: deleted)."""

    ref: str
    new: str | None
    expected: str | None
    leased: bool = True
    """False: a branch of the user's, which moves forward or not at all."""


class LostContact(Exception):
    """The remote stopped answering in the middle of a push: it may have been applied, or may be yet."""


class NotAtomic(HubRefused):
    """This remote cannot move several refs at once."""

    hint = "git coord hub probe"


def checked(name: str, prefix: str = names.ROOT) -> Remote:
    """The remote called ``name``: a configured name, an address or a path. Raises Usage for what is none of them.

    ``--upload-pack=…`` would run a program, and so would ``ext::``; git must never see either of them.
    """
    if not name or name.startswith("-") or _NEVER.search(name) or _HELPER.match(name) or len(name) > names.MAX_NAME:
        raise Usage(f"{name[:80]!r} is no remote", hint="a name from 'git remote', or an address")
    if not _PREFIX.match(prefix) or prefix.startswith(_TAKEN):
        raise Usage(
            f"coord.refPrefix is {prefix[:80]!r}; no place for coordination refs",
            hint="git config coord.refPrefix refs/heads/coord-state/",
        )
    return Remote(name, prefix)


def fetch(repo: Repo, remote: Remote, *, timeout: float = TIMEOUT) -> None:
    """Bring what the remote has into its tracking refs, and nothing else anywhere. Raises HubUnreachable, GitFailed.

    ``--prune`` reaches only as far as the refspec: a tracking ref goes when the remote no longer has it.
    """
    refspec = f"+{remote.prefix}*:{remote.tracking}*"
    args = ("fetch", *_FETCH, "--", remote.name, refspec)
    for _ in range(_FETCHES):
        done = _talk(repo, remote, args, timeout, {"fetch.negotiationAlgorithm": "noop"})
        if done.code == 0:
            if remote_wrap.needed(remote.prefix):
                remote_wrap.unwrap_noted(repo, remote.tracked(names.HEARTBEATS))
            return
        if "cannot lock ref" not in done.complaint:  # a push of ours noted its own outcome meanwhile
            break
    raise _unreachable(remote, done)


def ls_remote(repo: Repo, remote: Remote, refs: Sequence[str], *, timeout: float = TIMEOUT) -> dict[str, str]:
    """The value of each of ``refs`` (remote names) that the remote shows. Raises HubUnreachable, GitFailed."""
    done = _talk(repo, remote, ("ls-remote", "--quiet", "--", remote.name, *refs), timeout)
    if done.code != 0:
        raise _unreachable(remote, done)
    pairs = (line.split("\t", 1) for line in done.text.split("\n") if "\t" in line)
    found = {ref: oid for oid, ref in pairs}
    shown = {ref: found[ref] for ref in refs if ref in found}  # a pattern also matches at the end of longer names
    beats = {ref: oid for ref, oid in shown.items() if _is_wrapped(remote, ref)}
    blobs = remote_wrap.unwrapped(repo, beats.values())
    return {**shown, **{ref: blobs.get(oid, oid) for ref, oid in beats.items()}}


def push(
    repo: Repo,
    remote: Remote,
    updates: Sequence[Update],
    *,
    atomic: bool = False,
    hooks: bool = False,
    timeout: float = TIMEOUT,
) -> dict[str, Verdict]:
    """Push each update with its exact lease; what became of it, by ref. With ``atomic`` all of them, or none.

    ``hooks``: a branch of the user's goes along, so the user's pre-push hook is asked (Git LFS needs it). Raises
    HubUnreachable when nothing was sent, LostContact when nobody knows, NotAtomic, Guarded (by that hook), GitFailed.
    """
    updates = _as_branches(repo, remote, updates)
    leases = [f"--force-with-lease={item.ref}:{item.expected or ''}" for item in updates if item.leased]
    specs = [f"{item.new or ''}:{item.ref}" for item in updates]
    verify = "--verify" if hooks else "--no-verify"
    args = ("push", *_PUSH, verify, "--atomic" if atomic else "--no-atomic", *leases, "--", remote.name, *specs)
    try:
        done = _talk(repo, remote, args, timeout, {"push.negotiate": "false"}, hooks=hooks)
    except HubUnreachable:
        raise LostContact(f"no answer within {timeout:g} s") from None
    report = read_report(done, [item.ref for item in updates])
    return _judged(remote, done, report, hooks=hooks)


def _is_wrapped(remote: Remote, ref: str) -> bool:
    return remote_wrap.needed(remote.prefix) and ref.startswith(remote.there(names.HEARTBEATS))


def _as_branches(repo: Repo, remote: Remote, updates: Sequence[Update]) -> Sequence[Update]:
    """The updates as the remote has to be told them, where it takes nothing but branches."""
    beats = [item for item in updates if _is_wrapped(remote, item.ref)]
    if not beats:
        return updates
    commits = remote_wrap.wrapped(repo, [oid for item in beats for oid in (item.new, item.expected) if oid is not None])

    def told(oid: str | None) -> str | None:
        return None if oid is None else commits.get(oid, oid)

    return [
        Update(item.ref, told(item.new), told(item.expected), item.leased) if item in beats else item
        for item in updates
    ]


def _judged(remote: Remote, done: Done, report: Push, *, hooks: bool) -> dict[str, Verdict]:
    said = done.complaint
    if report.complete:
        return explained(report.verdicts, done.err)
    if "does not support --atomic" in said:
        raise NotAtomic(f"{remote.shown} cannot move several refs at once (no atomic push)")
    if done.code > 0 and never_sent(said):
        raise _unreachable(remote, done)
    if done.code > 0 and ("bad object" in said or "src refspec" in said or "unable to read" in said):
        raise GitFailed(f"git push failed: {said}")
    if done.code == 1 and hooks and silent(said):
        raise Guarded("your pre-push hook refused the push", hint="see what it checks: git rev-parse --git-path hooks")
    raise LostContact(said or f"git push ended with {done.code}")


def _talk(
    repo: Repo,
    remote: Remote,
    args: Sequence[str],
    timeout: float,
    settings: Mapping[str, str] | None = None,
    *,
    hooks: bool = False,
) -> Done:
    env = with_settings(
        repo.env,
        {
            **({} if hooks else {"core.hooksPath": "/dev/null"}),
            "protocol.ext.allow": "never",
            f"remote.{remote.name}.mirror": "false",  # it would refuse every push that names its refs
            **(settings or {}),
        },
    )
    global asking
    alone = BACKGROUND in repo.env
    env = {**env, "GCM_INTERACTIVE": "never", **(_mute(repo) if alone else {})}
    # A relative URL counts from the main worktree, wherever the caller stands.
    home = main_top(repo) or repo.common
    asking = remote.shown, time.monotonic()
    try:
        return repo.git("-C", home, *args, env=env, check=False, timeout=timeout, asks=not alone)
    except TimeoutError:
        raise HubUnreachable(
            f"{remote.shown} did not answer within {timeout:g} s", hint="try again, or look with 'git coord hub probe'"
        ) from None
    finally:
        asking = None


def _mute(repo: Repo) -> dict[str, str]:
    """What keeps git and ssh from asking anybody, also in a window: nobody is there who started this."""
    mute = {"GIT_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never"}
    ssh = repo.env.get("GIT_SSH_COMMAND") or repo.git("config", "--get", "core.sshCommand", check=False).text
    if (not ssh and "GIT_SSH" in repo.env) or _OTHER_SSH.search(repo.env.get("GIT_SSH_VARIANT") or ssh):
        return mute  # another program than OpenSSH, with options of its own
    return {**mute, "GIT_SSH_COMMAND": f"{ssh or 'ssh'} -o BatchMode=yes"}


def _unreachable(remote: Remote, done: Done) -> HubUnreachable:
    return HubUnreachable(
        f"{remote.shown} cannot be reached: {done.complaint or f'git ended with {done.code}'}",
        hint="check the network and 'git remote -v', then run the same command again",
        remote=remote.shown,
    )
