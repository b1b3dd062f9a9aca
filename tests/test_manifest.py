"""The table of labelled items: what goes in comes out, and what is wrong is named with its line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from unmask import manifest
from unmask.errors import ManifestError, MissingExtraError
from unmask.manifest import FAKE, REAL, Item


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "manifest.csv"
    path.write_text(text, encoding="utf-8")
    return path


def items(root: Path) -> list[Item]:
    return [
        Item(root / "a.jpg", REAL, "real", "cats", "train", "g1", "CC0", {"age": "30", "note": 'says "hi", twice'}),
        Item(root / "sub" / "b.png", FAKE, "gan", "dogs", "test", "", "", {"age": "", "note": "ünï"}),
    ]


def test_1_is_fake() -> None:
    assert (REAL, FAKE) == (0, 1)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    manifest.write(path, items(tmp_path))
    assert manifest.read(path) == items(tmp_path)


def test_the_folder_may_move(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    manifest.write(old / "manifest.csv", items(old))
    old.rename(new)
    assert [item.path for item in manifest.read(new / "manifest.csv")] == [new / "a.jpg", new / "sub" / "b.png"]


def test_files_elsewhere_keep_their_full_path(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    manifest.write(tmp_path / "out" / "manifest.csv", [Item(tmp_path / "photos" / "a.jpg", REAL)])
    assert [item.path for item in manifest.read(tmp_path / "out" / "manifest.csv")] == [tmp_path / "photos" / "a.jpg"]


def test_labels_are_words_of_any_case_and_unknown_columns_travel_along(tmp_path: Path) -> None:
    path = table(tmp_path, "label,path,camera\nREAL,a.jpg,Box\n Fake ,b.jpg,\n")
    read = manifest.read(path)
    assert [item.label for item in read] == [REAL, FAKE]
    assert [item.attributes for item in read] == [{"camera": "Box"}, {"camera": ""}]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert manifest.read(table(tmp_path, "\ufeffpath,label\na.jpg,real\n"))[0].path == tmp_path / "a.jpg"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no column label and no column path"),
        ("path\na.jpg\n", "has no column label"),
        ("path,label\na.jpg,1\n", 'line 2: label is "1", but must be "real" or "fake"'),
        ("path,label\na.jpg,real\nb.jpg\n", 'line 3: label is "None"'),
        ("label,path\nreal,a.jpg\nreal\n", "line 3: the path is empty"),
        ("path,label\n,real\n", "line 2: the path is empty"),
        (f"path,label\n{'a' * 200_000},real\n", "is not a CSV table"),
    ],
)
def test_a_wrong_table_says_where(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        manifest.read(table(tmp_path, text))


def test_a_missing_or_binary_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"nowhere\.csv cannot be read: No such file"):
        manifest.read(tmp_path / "nowhere.csv")
    (tmp_path / "binary.csv").write_bytes(b"path,label\n\xff\xfe,real\n")
    with pytest.raises(ManifestError, match="is not UTF-8 text"):
        manifest.read(tmp_path / "binary.csv")


def test_splits_and_held_out_sources(tmp_path: Path) -> None:
    rows = items(tmp_path)
    assert manifest.in_split(rows, "test") == rows[1:]
    assert manifest.in_split(rows, "val") == []
    assert manifest.hold_out(rows, ["dogs"]) == rows[:1]
    with pytest.raises(ManifestError, match="cannot hold out birds, fish: no item"):
        manifest.hold_out(rows, ["dogs", "fish", "birds"])


def test_a_held_out_generator_loses_its_fakes_and_no_photo() -> None:
    rows = [
        Item(Path("a"), REAL, method="real", source="ff"),
        Item(Path("b"), FAKE, method="FaceSwap", source="ff"),
        Item(Path("c"), FAKE, method="Deepfakes", source="ff"),
        Item(Path("d"), REAL, method="FaceSwap", source="ff"),
    ]
    assert manifest.hold_out(rows, ["method:FaceSwap"]) == [rows[0], rows[2], rows[3]]
    assert manifest.hold_out(rows, ["method:FaceSwap", "method:Deepfakes"]) == [rows[0], rows[3]]
    with pytest.raises(ManifestError, match="cannot hold out method:NeuralTextures: no item has that source or gen"):
        manifest.hold_out(rows, ["method:NeuralTextures"])


def test_recut_changes_the_path_and_adds_attributes(tmp_path: Path) -> None:
    item = items(tmp_path)[0]
    cut = manifest.recut(item, tmp_path / "cut.png", face="0", age="31")
    assert cut.path == tmp_path / "cut.png"
    assert cut.attributes == {"age": "31", "note": 'says "hi", twice', "face": "0"}
    assert (cut.label, cut.source, cut.group) == (item.label, item.source, item.group)
    assert item.attributes["age"] == "30"


def test_a_name_that_is_no_text_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    items = [Item(tmp_path / "a.jpg", REAL), Item(tmp_path / os.fsdecode(b"caf\xe9.jpg"), FAKE)]
    with pytest.raises(ManifestError, match=r"caf\\udce9\.jpg' is no Unicode text, .* rename the file"):
        manifest.write(tmp_path / "manifest.csv", items)
    assert not (tmp_path / "manifest.csv").exists()


def test_a_link_to_a_file_keeps_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "out").mkdir()
    for name, target in (("loop.jpg", "loop.jpg"), ("link.jpg", "elsewhere.jpg")):
        (tmp_path / "photos" / name).symlink_to(target)
    manifest.write(
        tmp_path / "out" / "manifest.csv",
        [Item(tmp_path / "photos" / name, REAL) for name in ("loop.jpg", "link.jpg")],
    )
    assert [item.path.name for item in manifest.read(tmp_path / "out" / "manifest.csv")] == ["loop.jpg", "link.jpg"]


@pytest.fixture
def parquet(tmp_path: Path) -> Callable[[dict[str, list[object]]], Path]:
    """Writes columns as a Parquet file."""
    pandas = pytest.importorskip("pandas")

    def write(columns: dict[str, list[object]]) -> Path:
        pandas.DataFrame(columns).to_parquet(tmp_path / "manifest.parquet")
        return tmp_path / "manifest.parquet"

    return write


class TestParquet:
    def test_it_says_what_the_csv_says(
        self, tmp_path: Path, parquet: Callable[[dict[str, list[object]]], Path]
    ) -> None:
        columns: dict[str, list[object]] = {
            "path": ["a.jpg", "sub/b.png"],
            "label": ["Real", "fake"],
            "split": ["train", None],
            "age": [30, 31],
        }
        read = manifest.read(parquet(columns))
        assert [(item.path, item.label, item.split) for item in read] == [
            (tmp_path / "a.jpg", REAL, "train"),
            (tmp_path / "sub" / "b.png", FAKE, ""),
        ]
        assert [dict(item.attributes) for item in read] == [{"age": "30"}, {"age": "31"}]

    @pytest.mark.parametrize(
        ("columns", "words"),
        [
            ({"path": ["a.jpg"]}, "has no column label"),
            ({"path": ["a.jpg"], "label": [1]}, 'line 2: label is "1", but must be "real" or "fake"'),
            ({"path": ["a.jpg", None], "label": ["real", "fake"]}, "line 3: the path is empty"),
        ],
    )
    def test_a_wrong_table_says_where(
        self,
        parquet: Callable[[dict[str, list[object]]], Path],
        columns: dict[str, list[object]],
        words: str,
    ) -> None:
        with pytest.raises(ManifestError, match=words):
            manifest.read(parquet(columns))

    def test_what_is_no_parquet_is_named(self, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow")
        (tmp_path / "text.parquet").write_text("path,label\n")
        for name in ("text.parquet", "nowhere.parquet"):
            with pytest.raises(ManifestError, match=f"the manifest .*{name} cannot be read"):
                manifest.read(tmp_path / name)

    def test_without_the_extra_it_is_said_what_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(MissingExtraError, match=r'reading a Parquet manifest .* pip install "unmask\[train\]"'):
            manifest.read(tmp_path / "manifest.parquet")


def test_a_table_that_cannot_be_written_whole_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "manifest.csv"
    manifest.write(path, items(tmp_path))
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        manifest.write(path, items(tmp_path)[:1])
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["manifest.csv"]
