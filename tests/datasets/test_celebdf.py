"""Celeb-DF: the official list says 1 for real; fakes over one clip share its group."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.tree import by_path, touch
from unmask.datasets import celebdf
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL


def listed(root: Path, *lines: str) -> None:
    (root / "List_of_testing_videos.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    touch(tmp_path / "Celeb-real", "id1_0007.mp4", "id2_0000.mp4")
    touch(tmp_path / "YouTube-real", "00170.mp4", "00000.mp4")
    touch(tmp_path / "Celeb-synthesis", "id1_id0_0007.mp4", "id1_id3_0007.mp4", "id2_id1_0000.mp4")
    listed(tmp_path, "1 YouTube-real/00170.mp4", "1 Celeb-real/id1_0007.mp4", "0 Celeb-synthesis/id1_id0_0007.mp4", "")
    return tmp_path


def test_listed_videos_are_test_and_the_rest_is_train(root: Path) -> None:
    found = by_path(root, celebdf.items(root))
    assert {path: (item.label, item.split, item.group) for path, item in found.items()} == {
        "Celeb-real/id1_0007.mp4": (REAL, "test", "id1_0007"),
        "Celeb-real/id2_0000.mp4": (REAL, "train", "id2_0000"),
        "YouTube-real/00000.mp4": (REAL, "train", "youtube_00000"),
        "YouTube-real/00170.mp4": (REAL, "test", "youtube_00170"),
        "Celeb-synthesis/id1_id0_0007.mp4": (FAKE, "test", "id1_0007"),
        "Celeb-synthesis/id1_id3_0007.mp4": (FAKE, "train", "id1_0007"),
        "Celeb-synthesis/id2_id1_0000.mp4": (FAKE, "train", "id2_0000"),
    }
    assert found["Celeb-synthesis/id1_id3_0007.mp4"].attributes == {"identity": "id1", "donor": "id3"}
    assert found["Celeb-real/id2_0000.mp4"].attributes == {"identity": "id2", "donor": ""}
    assert found["YouTube-real/00170.mp4"].attributes == {"identity": "", "donor": ""}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 YouTube-real/00170.mp4", "line 1: label 0 contradicts YouTube-real; 1 is real there"),
        ("1 Celeb-synthesis/id1_id0_0007.mp4", "label 1 contradicts Celeb-synthesis"),
        ("real YouTube-real/00170.mp4", "line 1 is not such as"),
        ("1 Elsewhere/00170.mp4", "line 1 is not such as"),
        ("1", "line 1 is not such as"),
    ],
)
def test_a_list_that_contradicts_the_folders_is_refused(root: Path, line: str, words: str) -> None:
    listed(root, line)
    with pytest.raises(ManifestError, match=words):
        celebdf.items(root)


def test_without_the_list_nothing_is_guessed(root: Path) -> None:
    (root / "List_of_testing_videos.txt").unlink()
    with pytest.raises(ManifestError, match=r"List_of_testing_videos\.txt is missing.*fill in the form"):
        celebdf.items(root)


def test_a_folder_around_it_is_looked_through(root: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    for path in list(tmp_path.iterdir()):
        if path != outer:
            (outer / "Celeb-DF-v2").mkdir(exist_ok=True)
            path.rename(outer / "Celeb-DF-v2" / path.name)
    assert len(list(celebdf.items(outer))) == 7
