"""DF40: fakes by method, the real frames of the sets they were made from, and groups across both."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.test_celebdf import listed
from tests.datasets.test_faceforensics import write_splits
from tests.datasets.tree import by_path, touch
from unmask.datasets import df40
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL

FF = "FaceForensics++/original_sequences/youtube/c23/frames"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    touch(tmp_path / "DF40_train/simswap/frames", "071_054/000.png", "071_054/landmarks/000.png", "071_054/000.npy")
    touch(tmp_path / "DF40/simswap", "ff/frames/003_000/000.png", "cdf/frames/id1_id0_0007/000.png", "ff/masks/1.png")
    touch(tmp_path / "DF40/e4e", "real/00001.png", "fake/00001.png")
    touch(tmp_path / "DF40/heygen", "fake/frames/clip7/000.png", "real/frames/clip8/000.png")
    touch(tmp_path / FF, "071/000.png", "000/000.png")
    touch(tmp_path / "Celeb-DF-v2", "Celeb-real/frames/id1_0007/000.png", "YouTube-real/frames/00000/000.png")
    write_splits(tmp_path / "FaceForensics++/splits")
    listed(tmp_path / "Celeb-DF-v2", "1 Celeb-real/id1_0007.mp4")
    return tmp_path


def test_labels_splits_and_groups(root: Path) -> None:
    found = by_path(root, df40.items(root))
    assert {path: (item.label, item.method, item.split, item.group) for path, item in found.items()} == {
        "DF40_train/simswap/frames/071_054/000.png": (FAKE, "simswap", "train", "ff_054_071"),
        "DF40/e4e/fake/00001.png": (FAKE, "e4e", "test", "e4e_00001"),
        "DF40/e4e/real/00001.png": (REAL, "real", "test", "e4e_00001"),
        "DF40/heygen/fake/frames/clip7/000.png": (FAKE, "heygen", "test", "heygen_clip7"),
        "DF40/heygen/real/frames/clip8/000.png": (REAL, "real", "test", "heygen_clip8"),
        "DF40/simswap/cdf/frames/id1_id0_0007/000.png": (FAKE, "simswap", "test", "cdf_id1_0007"),
        "DF40/simswap/ff/frames/003_000/000.png": (FAKE, "simswap", "test", "ff_000_003"),
        f"{FF}/000/000.png": (REAL, "real", "test", "ff_000_003"),
        f"{FF}/071/000.png": (REAL, "real", "train", "ff_054_071"),
        "Celeb-DF-v2/Celeb-real/frames/id1_0007/000.png": (REAL, "real", "test", "cdf_id1_0007"),
        "Celeb-DF-v2/YouTube-real/frames/00000/000.png": (REAL, "real", "train", "cdf_00000"),
    }
    assert {item.attributes["cropped"] for item in found.values()} == {"yes"}
    assert list(found) == list(by_path(root, df40.items(root)))


def test_fakes_alone_need_the_real_frames(tmp_path: Path) -> None:
    touch(tmp_path, "DF40_train/simswap/frames/071_054/000.png")
    with pytest.raises(ManifestError, match=r"no real file was found.*the real frames that its page links"):
        list(df40.items(tmp_path))


def test_without_split_files_nothing_is_guessed(root: Path) -> None:
    (root / "FaceForensics++/splits/train.json").unlink()
    with pytest.raises(ManifestError, match=r"train\.json is missing"):
        list(df40.items(root))


def test_a_clip_outside_the_splits_is_refused(root: Path) -> None:
    touch(root / FF, "999/000.png")
    with pytest.raises(ManifestError, match="is of no clip of the official splits"):
        list(df40.items(root))
