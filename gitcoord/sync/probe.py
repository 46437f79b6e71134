"""Asking a remote what it allows, with two harmless refs: own refs, exact leases, heartbeats, several refs at once,
deletion.

Leaves nothing behind where the remote allows deletion; otherwise two refs that every clone ignores, the same at every
probe.
"""

from __future__ import annotations

from gitcoord.core.views import Check
from gitcoord.errors import HubUnreachable
from gitcoord.git import remote as git
from gitcoord.git import remote_wrap
from gitcoord.git.remote import LostContact, NotAtomic, Remote, Update
from gitcoord.git.remote_report import Verdict
from gitcoord.git.repo import Repo
from gitcoord.store.deposit import deposit
from gitcoord.store.objects import Obj, make

_ELSEWHERE = "git config coord.refPrefix refs/heads/coord-state/"


class Probe:
    """One look at one remote; ``seed`` is random, so that no value is there already."""

    def __init__(self, repo: Repo, remote: Remote, seed: bytes) -> None:
        self._repo = repo
        self._remote = remote
        self._one, self._two = (f"{remote.prefix}probe/{name}" for name in ("one", "two"))
        self._objects = [self._commit(f"{seed.hex()} {number}") for number in range(3)]
        # What a heartbeat is there: a blob, or where there are only branches a commit without history.
        branches = remote_wrap.needed(remote.prefix)
        self._beat = self._commit(f"{seed.hex()} beat") if branches else make("blob", seed, repo.object_format)

    def _commit(self, word: str) -> Obj:
        """A commit, because a remote that takes only branches takes nothing else; of the empty tree."""
        tree = make("tree", b"", self._repo.object_format)
        who = b"gitcoord <gitcoord@localhost> 0 +0000"
        body = b"tree %s\nauthor %s\ncommitter %s\n\nprobe %s\n" % (tree.oid.encode(), who, who, word.encode())
        return make("commit", body, self._repo.object_format)

    def run(self) -> list[Check]:
        """What was found, one check a question. Raises HubUnreachable when the remote does not answer at all."""
        tree = make("tree", b"", self._repo.object_format)
        deposit(self._repo, [tree, *self._objects, self._beat], durable=False)
        before = git.ls_remote(self._repo, self._remote, [self._one, self._two])
        first, second, third = (obj.oid for obj in self._objects)
        took = self._push(Update(self._one, first, before.get(self._one)))
        if took.state != "moved":
            # An earlier probe's, which may not be deleted either, can only be refused for having no common history.
            return [self._beats(took)] if took.state == "refused" and self._one in before else [self._no_refs(took)]
        checks = [Check(name="refs", status="ok", message=f"takes refs below {self._remote.prefix}")]
        shown = git.ls_remote(self._repo, self._remote, [self._one]).get(self._one) == first
        checks.append(_visible(shown))
        stale = self._push(Update(self._one, second, third))
        checks.append(_leases(stale))
        renewed = self._push(Update(self._one, self._beat.oid, first))
        checks.append(self._beats(renewed))
        checks.append(self._atomic(self._beat.oid if renewed.state == "moved" else first, second, third))
        checks.append(self._deletion())
        return checks

    def _push(self, update: Update) -> Verdict:
        try:
            return git.push(self._repo, self._remote, [update])[update.ref]
        except LostContact as lost:
            raise HubUnreachable(f"{self._remote.shown} stopped answering: {lost}") from None

    def _no_refs(self, verdict: Verdict) -> Check:
        said = f": {verdict.reason}" if verdict.reason else ""
        hint = _ELSEWHERE if not self._remote.prefix.startswith("refs/heads/") else "choose another remote"
        return Check(
            name="refs",
            status="problem",
            message=f"refuses refs below {self._remote.prefix}{said}; nothing can be coordinated through it",
            hint=hint,
        )

    def _beats(self, verdict: Verdict) -> Check:
        """A value that has no history with the one before it: a heartbeat has none."""
        if verdict.state == "moved":
            return Check(name="heartbeats", status="ok", message="takes new heartbeats in the place of old ones")
        said = f" ({verdict.reason})" if verdict.reason else ""
        return Check(
            name="heartbeats",
            status="problem",
            message=f"denies updates that are not fast-forward{said}: heartbeats cannot be renewed there, "
            "and everybody would soon be taken for gone",
            hint=f"allow them below {self._remote.prefix} there, or choose another remote",
        )

    def _atomic(self, now: str, second: str, third: str) -> Check:
        """Two refs, one of them expected wrongly: neither may move."""
        updates = [Update(self._one, second, now), Update(self._two, second, third)]
        try:
            verdicts = git.push(self._repo, self._remote, updates, atomic=True)
        except NotAtomic:
            return Check(
                name="atomic push",
                status="warning",
                message="cannot move several refs at once: fenced pushes and claims with locks are refused, and what "
                "somebody silent holds is free only after a clean-up",
            )
        except LostContact as lost:
            raise HubUnreachable(f"{self._remote.shown} stopped answering: {lost}") from None
        if any(verdict.state == "moved" for verdict in verdicts.values()):
            return Check(
                name="atomic push", status="problem", message="moves some refs of an atomic push without others"
            )
        return Check(name="atomic push", status="ok", message="moves several refs at once, or none")

    def _deletion(self) -> Check:
        now = git.ls_remote(self._repo, self._remote, [self._one, self._two])
        gone = all(self._push(Update(ref, None, oid)).state == "moved" for ref, oid in now.items())
        if gone:
            return Check(name="deletion", status="ok", message="allows deletion (gitcoord needs none)")
        return Check(
            name="deletion",
            status="ok",
            message=f"refuses deletion (gitcoord needs none); {self._remote.prefix}probe/ stays and is ignored",
        )


def _visible(shown: bool) -> Check:
    if shown:
        return Check(name="visible", status="ok", message="shows these refs again")
    return Check(
        name="visible",
        status="problem",
        message="takes these refs and hides them: nobody would see a claim",
        hint=_ELSEWHERE,
    )


def _leases(verdict: Verdict) -> Check:
    if verdict.state == "stale":
        return Check(name="leases", status="ok", message="refuses a push whose expected value is not there")
    return Check(
        name="leases", status="problem", message="does not compare before it moves a ref: claims could be lost"
    )
