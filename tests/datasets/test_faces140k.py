"""140k: its label 1 is real and is flipped; its tables and folders must agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.tree import by_path, touch
from unmask.datasets import faces140k
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL

INNER = "real_vs_fake/real-vs-fake"
HEADER = ",original_path,id,label,label_str,path"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two pictures of each class and split."""
    for split in ("train", "valid", "test"):
        touch(tmp_path / INNER / split, "real/1.jpg", "real/2.jpg", "fake/A.jpg", "fake/B.jpg")
    return tmp_path


def table(root: Path, split: str, *rows: str, header: str = HEADER) -> None:
    (root / f"{split}.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def row(split: str, name: str = "1.jpg", label: str = "1", word: str = "real", folder: str = "real") -> str:
    return f"0,/kaggle/input/flickr/{name},1,{label},{word},{split}/{folder}/{name}"


def test_label_1_of_its_tables_is_real(root: Path) -> None:
    table(root, "train", row("train"), row("train", "B.jpg", "0", "fake", "fake"))
    table(root, "valid", row("valid", "2.jpg"))
    table(root, "test", row("test", "A.jpg", "0", "fake", "fake"))
    found = by_path(root / INNER, faces140k.items(root))
    assert [(name, item.label, item.method, item.split) for name, item in found.items()] == [
        ("train/real/1.jpg", REAL, "real", "train"),
        ("train/fake/B.jpg", FAKE, "stylegan", "train"),
        ("valid/real/2.jpg", REAL, "real", "val"),
        ("test/fake/A.jpg", FAKE, "stylegan", "test"),
    ]
    assert {item.source for item in found.values()} == {"faces140k"}


@pytest.mark.parametrize("below", ["", "real_vs_fake", INNER])
def test_without_tables_the_folders_say_it(root: Path, below: str) -> None:
    found = by_path(root / INNER, faces140k.items(root / below))
    assert len(found) == 12
    assert all((item.label == FAKE) == ("/fake/" in name) for name, item in found.items())
    assert [item.split for item in found.values()] == ["train"] * 4 + ["val"] * 4 + ["test"] * 4
    assert list(found) == list(by_path(root / INNER, faces140k.items(root / below)))


def test_a_split_without_a_table_is_read_from_its_folders(root: Path) -> None:
    table(root, "train", row("train"))
    assert [item.split for item in faces140k.items(root)] == ["train"] + ["val"] * 4 + ["test"] * 4


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (row("train", label="0"), "line 2: label 0 and the folder contradict each other; 1 is real there"),
        (row("train", folder="fake"), "label 1 and the folder contradict"),
        (row("train", word="fake"), "label 1 and label_str contradict"),
        (row("train", label="2"), 'line 2: label is "2", but must be 1'),
        (row("train", label=""), 'label is "", but must be'),
        (row("test"), "the picture lies in test, and the table is of train"),
        ("0,x,1,1,real,../../secret.jpg", "must be such as train/real"),
        ("0,x,1,1,real,", "must be such as train/real"),
    ],
)
def test_contradictions_are_refused(root: Path, line: str, words: str) -> None:
    table(root, "train", line)
    with pytest.raises(ManifestError, match=words):
        list(faces140k.items(root))


def test_a_missing_column_is_named(root: Path) -> None:
    table(root, "train", "x", header="original_path,id,label_str")
    with pytest.raises(ManifestError, match=r"train\.csv has no column label and no column path"):
        list(faces140k.items(root))


def test_an_empty_class_is_told(root: Path) -> None:
    for path in (root / INNER).glob("*/fake/*.jpg"):
        path.unlink()
    with pytest.raises(ManifestError, match="no fake file was found"):
        list(faces140k.items(root))
