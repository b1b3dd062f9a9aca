"""Walking trees: an order that never changes, nothing hidden, nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmask import trees
from unmask.about import About
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL, Item

ABOUT = About("Cats", "CC0", "", "draw them into cats/", "by folder")


def test_files_come_sorted_without_hidden_ones_and_loops(tmp_path: Path) -> None:
    for name in ("b/2.JPG", "b/1.jpg", "a/x.png", "c.jpeg", ".hidden.jpg", ".git/d.jpg", "notes.txt", "jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "round").symlink_to(tmp_path)
    (tmp_path / "b" / "dangling.jpg").symlink_to(tmp_path / "nowhere")
    found = [path.relative_to(tmp_path).as_posix() for path in trees.files(tmp_path, trees.PICTURES)]
    assert found == ["a/x.png", "b/1.jpg", "b/2.JPG", "c.jpeg"]
    assert [path.name for path in trees.folders(tmp_path)] == ["a", "b"]


def test_a_tree_may_have_folders_around_it(tmp_path: Path) -> None:
    (tmp_path / "archive" / "cats").mkdir(parents=True)
    assert trees.base(ABOUT, tmp_path, ("archive", ""), {"cats"}) == tmp_path / "archive"
    assert trees.base(ABOUT, tmp_path / "archive", ("archive", ""), {"cats"}) == tmp_path / "archive"
    with pytest.raises(ManifestError, match=r"does not hold Cats: there is no dogs in it. To get it: draw them"):
        trees.base(ABOUT, tmp_path, ("archive", ""), {"dogs"})
    with pytest.raises(ManifestError, match=r"does not hold Cats: no such file or folder. To get it: draw them"):
        trees.base(ABOUT, tmp_path / "nowhere", ("",), {"cats"})


def test_an_empty_class_is_told_at_the_end(tmp_path: Path) -> None:
    both = [Item(tmp_path / "a", REAL), Item(tmp_path / "b", FAKE)]
    assert list(trees.both_classes(ABOUT, tmp_path, both)) == both
    for items, word in ((both[:1], "fake"), (both[1:], "real"), ([], "real")):
        with pytest.raises(ManifestError, match=f"no {word} file was found"):
            list(trees.both_classes(ABOUT, tmp_path, items))
