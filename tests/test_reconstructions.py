"""A data set of fakes drawn from real pictures: what is kept, how it is saved, and that it can be interrupted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.scenes import scene
from tests.make_generator import make_generator
from unmask import manifest, reconstructions
from unmask.errors import ManifestError, UsageError
from unmask.makers.reconstruct import draw_again
from unmask.manifest import FAKE, REAL, Item


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two real pictures, a JPEG with tables of its own and a PNG, and a fake."""
    paths = [tmp_path / name for name in ("photo.jpg", "drawing.png", "fake.png")]
    for number, path in enumerate(paths):
        scene(number, 80).save(path, quality=71, subsampling=0)
    manifest.write(
        tmp_path / "table.csv",
        [
            Item(
                paths[0],
                REAL,
                method="real",
                split="val",
                source="here",
                group="ann",
                licence="CC0",
                attributes={"age": "30"},
            ),
            Item(paths[1], REAL, method="real", split="test", source="here"),
            Item(paths[2], FAKE, method="x", split="val", source="here"),
        ],
    )
    return tmp_path / "table.csv"


def test_each_real_picture_is_drawn_by_each_generator_and_keeps_its_split_and_group(
    table: Path, tmp_path: Path
) -> None:
    drawing = [make_generator(tmp_path / "g", name) for name in ("mosaic-a", "mosaic-b")]
    shown: list[tuple[int, int]] = []
    made = reconstructions.write(
        table, tmp_path / "out", drawing, jobs=1, progress=lambda done, of: shown.append((done, of))
    )
    assert (made.items, made.left_out, shown[-1]) == (4, {}, (4, 4))
    items = manifest.read(made.manifest)
    assert [one.method for one in items] == ["mosaic-a", "mosaic-a", "mosaic-b", "mosaic-b"]
    first, second = items[:2]
    assert (first.label, first.source, first.split, first.group, first.licence) == (
        FAKE,
        "reconstructions",
        "val",
        "ann",
        "CC0",
    )
    assert first.attributes["age"] == "30"
    assert Path(first.attributes["original"]) == table.parent / "photo.jpg"
    assert second.split == "test"
    with Image.open(second.path) as drawn, Image.open(table.parent / "drawing.png") as original:
        wanted = draw_again(np.asarray(original), drawing[0].session())
        np.testing.assert_array_equal(np.asarray(drawn), wanted)


def test_a_fake_is_compressed_as_its_photo_was(table: Path, tmp_path: Path) -> None:
    made = reconstructions.write(table, tmp_path / "out", [make_generator(tmp_path / "g")], split="val", jobs=1)
    (only,) = manifest.read(made.manifest)
    with Image.open(only.path) as fake, Image.open(table.parent / "photo.jpg") as photo:
        assert (fake.format, fake.size) == (photo.format, photo.size)
        assert fake.quantization == photo.quantization  # type: ignore[attr-defined]
        assert fake.layer == photo.layer  # type: ignore[attr-defined]


def test_what_is_done_is_not_done_again_and_never_mixed_with_other_generators(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    drawing = [make_generator(tmp_path / "g")]
    first = reconstructions.write(table, out, drawing, jobs=1).manifest.read_bytes()
    times = {path: path.stat().st_mtime_ns for path in (out / "pictures").rglob("*.*")}
    assert reconstructions.write(table, out, drawing, jobs=1).manifest.read_bytes() == first
    assert {path: path.stat().st_mtime_ns for path in times} == times
    with pytest.raises(UsageError, match="the work of other generators"):
        reconstructions.write(table, out, [make_generator(tmp_path / "g", "another")], jobs=1)


def test_a_picture_that_cannot_be_read_is_left_out_with_its_reason(table: Path, tmp_path: Path) -> None:
    (table.parent / "drawing.png").write_bytes(b"no picture")
    made = reconstructions.write(table, tmp_path / "out", [make_generator(tmp_path / "g")], jobs=1)
    assert made.items == 1
    assert list(made.left_out.values()) == [1]


def test_a_split_without_real_pictures_is_said_to_be_so(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no real picture in the split train"):
        reconstructions.write(table, tmp_path / "out", [make_generator(tmp_path / "g")], split="train")
