"""OpenForensics: crops in folders of either spelling; crops of one photo share a group."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.tree import by_path, touch
from unmask.datasets import openforensics
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL


@pytest.mark.parametrize("outer", ["", "Dataset"])
def test_crops_by_split_and_photo(tmp_path: Path, outer: str) -> None:
    root = tmp_path / outer
    touch(root, "Train/Real/9c541c578f_0.jpg", "Train/Fake/9c541c578f_1.jpg", "Validation/Fake/fake_0.jpg")
    touch(root, "Val/real/0a0a0a0a0a_2.png", "Test-Dev/fake/x.jpg", "Test-Challenge/real/y.jpg", "Test/Masks/m.png")
    found = by_path(root, openforensics.items(tmp_path))
    assert {path: (item.label, item.split, item.group) for path, item in found.items()} == {
        "Train/Real/9c541c578f_0.jpg": (REAL, "train", "9c541c578f"),
        "Train/Fake/9c541c578f_1.jpg": (FAKE, "train", "9c541c578f"),
        "Val/real/0a0a0a0a0a_2.png": (REAL, "val", "0a0a0a0a0a"),
        "Validation/Fake/fake_0.jpg": (FAKE, "val", ""),
        "Test-Dev/fake/x.jpg": (FAKE, "test", ""),
        "Test-Challenge/real/y.jpg": (REAL, "test-challenge", ""),
    }


def test_whole_photos_without_crops_are_answered_with_what_to_do(tmp_path: Path) -> None:
    touch(tmp_path, "Train/9c541c578f.jpg", "Train_poly.json")
    with pytest.raises(ManifestError, match=r"no split in it has folders real and fake.*cut out the faces"):
        openforensics.items(tmp_path)
