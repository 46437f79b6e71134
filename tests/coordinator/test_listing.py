"""Finding out what changed between two listings, against the plain way to do it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitcoord.coordinator.listing import still_known

refs = st.sampled_from("abcdef")
listings = st.dictionaries(refs, st.sampled_from("012"))


@given(listings, listings, st.sets(refs))
def test_what_did_not_move_is_kept_and_everything_else_is_read(
    oids: dict[str, str], before: dict[str, str], unreadable: set[str]
) -> None:
    known = {ref: f"record at {oid}" for ref, oid in before.items() if ref not in unreadable}
    kept, new = still_known(oids, before, known)
    assert kept == {ref: known[ref] for ref in oids if ref in known and before[ref] == oids[ref]}
    assert new == {ref: oid for ref, oid in oids.items() if ref not in kept}
