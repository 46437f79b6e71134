"""Private directories as a whole: nothing outside of them is ever read, written or deleted."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitcoord.errors import GitFailed
from gitcoord.git import localtree


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A directory with links to files and folders outside, which must survive everything."""
    outside = tmp_path / "outside"
    (outside / "skills").mkdir(parents=True)
    (outside / "skills" / "one.md").write_text("shared")
    (outside / "settings").write_text("shared")
    top = tmp_path / "top"
    (top / "b" / "c").mkdir(parents=True)
    (top / "b" / "c" / "deep").write_text("private")
    (top / "a").write_text("private")
    (top / "skills").symlink_to(outside / "skills")
    (top / "b" / "link").symlink_to(outside / "settings")
    (top / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(top / "pipe")
    (tmp_path / "trash").mkdir()
    return top


def untouched(top: Path) -> bool:
    outside = top.parent / "outside"
    return (outside / "skills" / "one.md").read_text() == (outside / "settings").read_text() == "shared"


def test_everything_is_listed_and_links_are_not_followed(top: Path) -> None:
    found = {item.name: item.kind for item in localtree.items(str(top))}
    assert found == {
        "a": "file",
        "b": "folder",
        "b/c": "folder",
        "b/c/deep": "file",
        "b/link": "link",
        "gone": "link",
        "pipe": "other",
        "skills": "link",
    }


def test_only_regular_files_inside_are_read(top: Path) -> None:
    assert localtree.read(str(top), "b/c/deep", 100) == b"private"
    for name in ("b/link", "skills/one.md", "pipe", "b", "nothing"):
        assert localtree.read(str(top), name, 100) is None, name
    assert localtree.read(str(top), "a", 3) is None


@pytest.mark.parametrize("shred", [True, False])
def test_removing_takes_the_links_and_leaves_what_they_lead_to(top: Path, shred: bool) -> None:
    (top / "b" / "c").chmod(0o500)
    (top / "a").chmod(0o400)
    localtree.remove(str(top), str(top.parent / "trash"), shred=shred)
    assert not top.exists()
    assert list((top.parent / "trash").iterdir()) == []
    assert untouched(top)


def test_shredding_overwrites_what_is_only_here(top: Path) -> None:
    twin = top.parent / "outside" / "twin"
    os.link(top / "b" / "c" / "deep", twin)
    with (top / "a").open() as kept:
        left = localtree.remove(str(top), str(top.parent / "trash"), shred=True)
        assert kept.read() == "\0" * len("private")
    assert left == 1
    assert twin.read_text() == "private"


def test_what_a_killed_removal_left_goes_with_the_next_one(top: Path) -> None:
    trash = top.parent / "trash"
    left = trash / "0123.shred"
    left.mkdir()
    (left / "secret").write_text("x")
    localtree.remove(str(top), str(trash), shred=False)
    assert list(trash.iterdir()) == []


def test_a_link_in_place_of_the_directory_is_refused(top: Path) -> None:
    link = top.parent / "s"
    link.symlink_to(top)
    with pytest.raises(GitFailed):
        localtree.remove(str(link), str(top.parent / "trash"), shred=False)
    assert (top / "a").exists()


def test_a_file_is_made_whole_and_never_over_another(tmp_path: Path) -> None:
    path, second, link = (tmp_path / name for name in ("x.tar.gz", "x-2.tar.gz", "link"))

    def create(content: bytes, *paths: Path) -> str | None:
        return localtree.create([str(each) for each in paths], lambda file: file.write(content))

    assert create(b"one", path) == str(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert create(b"two", path) is None
    assert create(b"one", path) == str(path)
    assert create(b"two", path, second) == str(second)
    link.symlink_to(tmp_path / "elsewhere")
    assert create(b"two", link) is None
    assert path.read_bytes() == b"one"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["link", "x-2.tar.gz", "x.tar.gz"]


def test_two_who_empty_the_same_trash_leave_nothing_in_it(tmp_path: Path) -> None:
    trash = tmp_path / "trash"
    for number in range(200):
        (trash / "left" / str(number) / "deep").mkdir(parents=True)
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(localtree.remove, str(tmp_path / name), str(trash), shred=False) for name in "abc"]
    assert [each.result() for each in done] == [0, 0, 0]
    assert list(trash.iterdir()) == []
