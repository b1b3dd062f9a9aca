"""Made clips: pairs that differ in the fake alone, of train and val alone, that can be interrupted and made again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.command import Run
from tests.data import clips
from tests.data.scenes import scene
from tests.make_generator import make_generator
from unmask import encoding, films, footage, manifest
from unmask.errors import ManifestError, UsageError
from unmask.journal import Written
from unmask.makers.generators import Generator
from unmask.manifest import FAKE, REAL, Item
from unmask.modalities import video
from unmask.types import Pixels


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, astronaut: Image.Image) -> Path:
    """Three portraits and a video to film; a fake, a test item, a picture without a face, and a broken one."""
    folder = tmp_path_factory.mktemp("real")
    portrait = astronaut.crop((60, 0, 400, 300)).resize((170, 150))
    for number, picture in enumerate((portrait, portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT), portrait)):
        picture.point([max(level - 12 * number, 0) for level in range(256)] * 3).save(folder / f"{number}.png")
    clips.draw(folder / "clip.mp4", clips.staying(clips.person(astronaut)), seconds=3.0)
    clips.draw(folder / "short.mp4", clips.staying(clips.person(astronaut)), seconds=0.4)
    scene(2).save(folder / "nobody.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    base = Item(folder / "0.png", REAL, "real", "drawn", "train", "ann", "CC0", {"age": "30"})
    items = [
        base,
        replace(base, path=folder / "1.png", group="bea"),
        replace(base, path=folder / "2.png", group="", split="val"),
        replace(base, path=folder / "clip.mp4", group="", source="films"),
        replace(base, path=folder / "short.mp4", group=""),
        replace(base, path=folder / "nobody.png", group=""),
        replace(base, path=folder / "broken.png", group=""),
        replace(base, path=folder / "0.png", split="test"),
        replace(base, path=folder / "1.png", label=FAKE, method="x"),
    ]
    manifest.write(folder / "table.csv", items)
    return folder / "table.csv"


@pytest.fixture(scope="module")
def made(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Written:
    return films.write(table, tmp_path_factory.mktemp("films"), per_video=3, jobs=1)


def frames(path: Path) -> list[Pixels]:
    with video.opened(path) as film:
        return [np.asarray(one.image, np.uint8) for one in film.between(0, 99)]


def pairs(made: Written) -> list[tuple[Item, Item]]:
    items = manifest.read(made.manifest)
    return list(zip(items[::2], items[1::2], strict=True))


def test_a_pair_for_each_real_item_of_train_and_val_and_the_rest_is_named(made: Written, table: Path) -> None:
    assert made.items == 12
    (broken,) = (reason for reason in made.left_out if "broken" in reason)
    assert made.left_out == {"no face was found": 1, "the video has fewer than 8 frames": 3, broken: 1}
    names = [Path(real.attributes["original"]).name for real, _ in pairs(made)]
    assert names == ["0.png", "1.png", "2.png", "clip.mp4", "clip.mp4", "clip.mp4"]
    for real, fake in pairs(made):
        assert (real.label, real.method, fake.label) == (REAL, "real", FAKE)
        assert fake.method in ("made-self_blend", "made-swap")
        assert (real.source, real.split, real.group, real.licence) == (
            fake.source,
            fake.split,
            fake.group,
            fake.licence,
        )
        assert "age" not in real.attributes
    firsts = [real for real, _ in pairs(made)]
    assert [one.split for one in firsts] == ["train", "train", "val", "train", "train", "train"]
    assert [one.group for one in firsts[:2]] == ["ann", "bea"]
    assert firsts[2].group
    assert len({one.group for one in firsts[3:]}) == 1, "stretches of one video belong together"
    assert [one.source for one in firsts] == ["drawn"] * 3 + ["films"] * 3
    assert len({one.attributes["start_s"] for one in firsts[3:]}) > 1


def test_both_of_a_pair_are_alike_in_all_but_the_fake(made: Written) -> None:
    for real, fake in pairs(made):
        facts = ("coding", "quality", "rate_hz", "size_px", "original", "start_s")
        assert [real.attributes[name] for name in facts] == [fake.attributes[name] for name in facts]
        assert real.path.suffix == fake.path.suffix
        assert real.path.name == fake.path.name
        with video.opened(real.path) as one, video.opened(fake.path) as other:
            np.testing.assert_array_equal(one.times_s, other.times_s)
            assert one.size_px == other.size_px
            assert "{}x{}".format(*one.size_px) == real.attributes["size_px"]
            assert one.frames == footage.FRAMES
            assert not one.has_sound
            assert not other.has_sound
        changes = [
            float(np.abs(a.astype(int) - b).mean()) for a, b in zip(frames(real.path), frames(fake.path), strict=True)
        ]
        assert max(changes) > 0.3, "there is a fake"


def test_how_they_are_written_varies(made: Written) -> None:
    said = [tuple(real.attributes[name] for name in ("coding", "quality", "size_px")) for real, _ in pairs(made)]
    assert len(set(said)) == len(said)


def test_what_is_drawn_for_an_item_is_the_same_every_time(made: Written, table: Path, tmp_path: Path) -> None:
    again = films.write(table, tmp_path, per_video=3, jobs=2)
    assert again.manifest.read_bytes() == made.manifest.read_bytes()
    for one in manifest.read(made.manifest):
        other = tmp_path / one.path.relative_to(made.manifest.parent)
        assert one.path.read_bytes() == other.read_bytes()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*") if path.suffix != ".csv"}
    films.write(table, tmp_path, per_video=3, jobs=1)
    after = {path: path.stat().st_mtime_ns for path in before}
    assert {path.name for path in before if before[path] != after[path]} <= {"done.jsonl", "faces.jsonl"}
    with pytest.raises(UsageError, match="another seed"):
        films.write(table, tmp_path, per_video=3, seed=1)


def test_work_that_was_stopped_goes_on(
    made: Written, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    one = films._film

    def stopping(take: films.Take, out: Path, generators: tuple[Generator, ...]) -> dict[str, object]:
        begun.append(take.name)
        if len(begun) == 4:
            raise KeyboardInterrupt
        return one(take, out, generators)

    monkeypatch.setattr(films, "_film", stopping)
    with pytest.raises(KeyboardInterrupt):
        films.write(table, tmp_path, per_video=3, jobs=1)
    resumed = films.write(table, tmp_path, per_video=3, jobs=1)
    assert resumed.left_out == films.write(table, tmp_path, per_video=3, jobs=1).left_out
    assert resumed.manifest.read_bytes() == made.manifest.read_bytes()
    assert len(begun) == len(set(begun)) + 1


def test_some_are_fake_for_a_stretch_only(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films, "_PART", 1.0)
    monkeypatch.setattr(encoding, "draw", lambda coding, rng: (encoding.h264(0), 0))
    for real, fake in pairs(films.write(table, tmp_path, per_video=1, jobs=1)):
        start, end = (float(part) for part in fake.attributes["fake_s"].split("-"))
        assert real.attributes["fake_s"] == ""
        rate = int(real.attributes["rate_hz"])
        inside = np.array([start - 0.5 / rate <= number / rate < end - 0.5 / rate for number in range(footage.FRAMES)])
        assert films._LEAST_PART <= inside.sum() < footage.FRAMES
        changes = np.array(
            [np.abs(a.astype(int) - b).mean() for a, b in zip(frames(real.path), frames(fake.path), strict=True)]
        )
        assert not changes[~inside].any()
        assert changes[inside].all()


def test_a_limit_leaves_some_out(table: Path, tmp_path: Path) -> None:
    films.write(table, tmp_path, limit=2, jobs=1)
    assert len((tmp_path / "done.jsonl").read_text().split()) > 0
    found = [json.loads(line) for line in (tmp_path / "faces.jsonl").read_text().split("\n") if line]
    assert len(found) == 2


def test_a_table_without_real_items_of_these_splits_is_refused(table: Path, tmp_path: Path) -> None:
    items = [one for one in manifest.read(table) if one.split == "test" or one.label == FAKE]
    manifest.write(tmp_path / "table.csv", items)
    with pytest.raises(ManifestError, match="no real item in the splits train and val"):
        films.write(tmp_path / "table.csv", tmp_path / "out")


def test_the_verb(table: Path, tmp_path: Path, run: Run) -> None:
    make_generator(tmp_path / "g")
    done = run("films", table, tmp_path / "out", "--limit", 1, "--generators", tmp_path / "g", "--jobs", 1)
    assert done.code == 0
    assert done.out.startswith(("2 items:", "0 items:"))
    assert json.loads((tmp_path / "out" / "films.json").read_text())["generators"]
