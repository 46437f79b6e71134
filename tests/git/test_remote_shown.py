"""How a remote is called where people read it: never with what opens it."""

from __future__ import annotations

import pytest

from gitcoord.git.remote import checked


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("origin", "origin"),
        ("/srv/git/hub.git", "/srv/git/hub.git"),
        ("https://example.org/a@b.git", "https://example.org/a@b.git"),
        ("https://ann:s3cret@example.org/x.git", "https://***@example.org/x.git"),
        ("https://token@example.org:8443/x.git", "https://***@example.org:8443/x.git"),
        ("https://ann:p@ss@example.org/x.git", "https://***@example.org/x.git"),
        ("git@example.org:x.git", "git@example.org:x.git"),
    ],
)
def test_an_address_is_shown_without_who_may_enter(name: str, shown: str) -> None:
    assert checked(name).shown == shown
