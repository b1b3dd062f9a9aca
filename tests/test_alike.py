"""Pictures made alike: same size and compression for all, labels untouched, nothing lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from tests.data.scenes import scene
from unmask import alike, manifest
from unmask.errors import UsageError
from unmask.manifest import FAKE, REAL, Item


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two large fakes of high quality, two small photos of low quality, and a file that is no picture."""
    items = []
    for number in range(4):
        label = (REAL, FAKE)[number % 2]
        side, quality = ((120, 60), (400, 95))[label]
        path = tmp_path / f"{number}.jpg"
        scene(number).resize((side, side)).save(path, quality=quality)
        items.append(Item(path, label, source="own", split="train", group=str(number), attributes={"age": "7"}))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing more")
    items.append(Item(tmp_path / "broken.jpg", REAL, split="train"))
    manifest.write(tmp_path / "table.csv", items)
    return tmp_path / "table.csv"


def test_all_come_out_alike_and_keep_what_is_known_of_them(table: Path, tmp_path: Path) -> None:
    made = alike.write(table, tmp_path / "out", jobs=1)
    items, originals = manifest.read(made.manifest), manifest.read(table)[:4]
    assert made.items == len(items) == 4
    assert sum(made.left_out.values()) == 1
    for item, original in zip(items, originals, strict=True):
        assert (item.label, item.source, item.split, item.group) == (
            original.label,
            original.source,
            original.split,
            original.group,
        )
        assert item.attributes["original"] == str(original.path)
        assert item.attributes["age"] == "7"
    with Image.open(items[0].path) as small, Image.open(items[1].path) as large:
        assert isinstance(small, JpegImageFile)
        assert isinstance(large, JpegImageFile)
        assert small.quantization == large.quantization
        assert small.size == (120, 120), "nothing grows"
        assert large.size == (256, 256)


def test_interrupted_it_goes_on(table: Path, tmp_path: Path) -> None:
    def stop(done: int, of: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        alike.write(table, tmp_path / "out", jobs=1, progress=stop)
    first = next(iter((tmp_path / "out" / alike.COPIES).iterdir()))
    before = first.stat().st_mtime_ns
    seen: list[tuple[int, int]] = []
    assert alike.write(table, tmp_path / "out", jobs=1, progress=lambda n, of: seen.append((n, of))).items == 4
    assert seen == [(3, 5), (4, 5), (5, 5)]
    assert first.stat().st_mtime_ns == before


def test_a_treatment_that_is_none_or_another(table: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no perturbation sharper"):
        alike.write(table, tmp_path / "out", treatment="sharper")
    assert not (tmp_path / "out").exists()
    alike.write(table, tmp_path / "out", jobs=1)
    with pytest.raises(UsageError, match="holds copies of another treatment"):
        alike.write(table, tmp_path / "out", treatment="jpeg-q50", jobs=1)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Twelve pictures a class and source: of "even" all of one size and quality, of "uneven" the fakes of another."""
    items = []
    for number in range(48):
        label, source = (REAL, FAKE)[number % 2], ("even", "uneven")[number // 24]
        quality = 95 if source == "even" or label == REAL else 60
        path = tmp_path / f"{source}-{number}.jpg"
        scene(number).save(path, quality=quality)
        items.append(Item(path, label, source=source, split="train"))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing more")
    items.append(Item(tmp_path / "broken.jpg", REAL, source="even", split="train"))
    manifest.write(tmp_path / "table.csv", items)
    return tmp_path / "table.csv"


def test_a_source_that_came_alike_is_kept_as_it_is(sources: Path, tmp_path: Path) -> None:
    kept = alike.keep(sources, tmp_path / "out", ["even"])
    assert kept.manifest == tmp_path / "out" / alike.KEPT
    assert (kept.items, sum(kept.left_out.values())) == (24, 1)
    originals = [item for item in manifest.read(sources) if item.source == "even"][:24]
    assert [(one.path, one.label, one.split) for one in manifest.read(kept.manifest)] == [
        (one.path, one.label, one.split) for one in originals
    ]
    assert alike.write(sources, tmp_path / "out", jobs=1).items == 48, "the copies lie beside the list"


def test_a_source_whose_files_tell_the_label_is_not(sources: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"uneven did not come alike.* compression \(1\.00\)"):
        alike.keep(sources, tmp_path / "out", ["even", "uneven"])
    with pytest.raises(UsageError, match="has no items of the source evn"):
        alike.keep(sources, tmp_path / "out", ["evn"])
    few = [item for item in manifest.read(sources) if item.source == "even"][:12]
    manifest.write(tmp_path / "few.csv", few)
    with pytest.raises(UsageError, match="even has fewer than 10 distinct files of a class"):
        alike.keep(tmp_path / "few.csv", tmp_path / "out", ["even"])
    manifest.write(tmp_path / "unreadable.csv", [Item(tmp_path / "broken.jpg", REAL, source="even", split="train")])
    with pytest.raises(UsageError, match="even has fewer than 10 distinct files of a class"):
        alike.keep(tmp_path / "unreadable.csv", tmp_path / "out", ["even"])
    assert not (tmp_path / "out").exists()
