"""FaceForensics++: splits by pairs, a group for each pair, compression as an attribute."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.datasets.tree import by_path, touch
from unmask.datasets import faceforensics
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL

SPLITS = {"train": [["071", "054"]], "val": [["002", "001"]], "test": [["000", "003"]]}


def write_splits(folder: Path, **changed: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {**SPLITS, **changed}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One pair a split; two compressions of the originals, and two methods."""
    for compression in ("c23", "c40"):
        names = [f"{clip}.mp4" for clip in ("071", "054", "002", "000")]
        touch(tmp_path / "original_sequences/youtube" / compression / "videos", *names)
    touch(tmp_path / "manipulated_sequences/Deepfakes/raw/videos", "071_054.mp4", "054_071.mp4", "000_003.mp4")
    touch(tmp_path / "manipulated_sequences/FaceShifter/c23/videos", "001_002.mp4", ".part.mp4", "log.txt")
    touch(tmp_path / "manipulated_sequences/DeepFakeDetection/c23/videos", "01_02__meeting__X.mp4")
    touch(tmp_path / "manipulated_sequences/Deepfakes/masks/videos", "071_054.mp4")
    write_splits(tmp_path / "splits")
    return tmp_path


def test_a_video_belongs_to_the_split_of_its_pair(root: Path) -> None:
    found = by_path(root, faceforensics.items(root))
    assert len(found) == 12
    said = {
        path: (item.label, item.method, item.split, item.group, item.attributes["compression"])
        for path, item in found.items()
    }
    youtube, made = "original_sequences/youtube", "manipulated_sequences"
    assert said[f"{youtube}/c40/videos/071.mp4"] == (REAL, "real", "train", "054_071", "c40")
    assert said[f"{made}/Deepfakes/raw/videos/071_054.mp4"] == (FAKE, "Deepfakes", "train", "054_071", "raw")
    assert said[f"{made}/Deepfakes/raw/videos/054_071.mp4"] == (FAKE, "Deepfakes", "train", "054_071", "raw")
    assert said[f"{made}/FaceShifter/c23/videos/001_002.mp4"] == (FAKE, "FaceShifter", "val", "001_002", "c23")
    assert said[f"{youtube}/c23/videos/000.mp4"] == (REAL, "real", "test", "000_003", "c23")
    assert list(found) == list(by_path(root, faceforensics.items(root)))
    groups: dict[str, set[str]] = {}
    for item in found.values():
        groups.setdefault(item.group, set()).add(item.split)
    assert all(len(splits) == 1 for splits in groups.values())


def test_split_files_may_lie_beside_the_folders(root: Path) -> None:
    before = list(faceforensics.items(root))
    for path in (root / "splits").iterdir():
        path.rename(root / path.name)
    assert list(faceforensics.items(root)) == before


def test_without_split_files_it_is_said_where_they_are_got(root: Path) -> None:
    (root / "splits" / "val.json").unlink()
    with pytest.raises(ManifestError, match=r"splits/val\.json is missing.*dataset/splits of its repository"):
        faceforensics.items(root)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"071": "054"}, "is not a list of pairs"),
        ([["071", "054", "003"]], "is not a list of pairs"),
        (7, "is not a list of pairs"),
        ([["071", "054"], ["071", "100"]], "names clip 071 a second time"),
    ],
)
def test_a_wrong_split_file_is_named(root: Path, content: object, words: str) -> None:
    write_splits(root / "splits", train=content)
    with pytest.raises(ManifestError, match=words):
        faceforensics.items(root)


@pytest.mark.parametrize("name", ["071_003", "071_999", "999", "trailer"])
def test_a_video_outside_the_splits_is_refused(root: Path, name: str) -> None:
    touch(root / "manipulated_sequences/Face2Face/c23/videos", f"{name}.mp4")
    with pytest.raises(ManifestError, match=f"{name}.mp4 is no clip, and no pair of clips, of the official splits"):
        list(faceforensics.items(root))


def test_originals_alone_are_an_empty_class(tmp_path: Path) -> None:
    touch(tmp_path / "original_sequences/youtube/c23/videos", "071.mp4")
    write_splits(tmp_path)
    with pytest.raises(ManifestError, match="no fake file was found"):
        list(faceforensics.items(tmp_path))
