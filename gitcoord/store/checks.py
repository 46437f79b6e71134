"""What every store refuses before it touches anything: malformed swaps and refs that are not ours.

A ref name ends up in a path and in a line of ``git update-ref --stdin``; this is the last gate before both. A breach is
a bug in the caller, hence ValueError.
"""

from __future__ import annotations

from gitcoord.core.names import is_oid
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.base import Change, Delete

if TYPE_CHECKING:
    from collections.abc import Sequence

# Git's own rules for ref names, and ours on top: only these three trees.
_TREES = frozenset(("coord", "coord-remotes", "coord-local"))
_NO_SIGN = frozenset((*map(chr, range(0x21)), *"\x7f~^:?*[\\"))


def check_ref(ref: str) -> str:
    """``ref`` itself; ValueError unless it is a well-formed ref below refs/coord/, -remotes/ or -local/."""
    root, _, rest = ref.partition("/")
    tree, _, name = rest.partition("/")
    if root != "refs" or tree not in _TREES or not name or not _NO_SIGN.isdisjoint(ref):
        raise ValueError(f"not a coordination ref: {ref!r}")
    if ref.endswith((".", ".lock", "/")):
        raise ValueError(f"not a coordination ref: {ref!r}")
    if ".." in ref or "@{" in ref or ".lock/" in ref or "//" in ref or "/." in ref:  # a loop takes three times as long
        raise ValueError(f"not a coordination ref: {ref!r}")
    return ref


def check_prefix(prefix: str) -> str:
    """``prefix`` itself; ValueError unless it ends in ``/`` and names a tree of coordination refs."""
    if not prefix.endswith("/"):
        raise ValueError(f"a prefix ends in '/': {prefix!r}")
    check_ref(prefix + "x")
    return prefix


def check_oid(oid: str) -> str:
    """``oid`` itself; ValueError unless it is a full object id: anything else could be an expression or an option."""
    if not is_oid(oid):
        raise ValueError(f"not an object id: {oid!r}")
    return oid


def ordered(changes: Sequence[Change]) -> list[Change]:
    """The changes in the order in which all writers lock refs and move them. Raises ValueError for nonsense.

    So a writer that is killed in the middle has moved the first few by name, never others.
    """
    for change in changes:
        check_ref(change.ref)
        if change.expected is not None:
            check_oid(change.expected)
        elif isinstance(change.new, Delete):
            raise ValueError(f"{change.ref} cannot be expected to be absent and be deleted")
    if len({change.ref for change in changes}) != len(changes):
        raise ValueError("a swap names each ref once")
    return sorted(changes, key=lambda change: change.ref)
