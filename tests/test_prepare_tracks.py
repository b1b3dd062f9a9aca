"""Videos become strips: the main person, cut as scanning cuts, at moments over the whole clip."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.command import Run
from tests.data import clips
from tests.data.scenes import scene
from unmask import manifest, plugins, prepare, prepare_tracks
from unmask.card import Cut
from unmask.errors import UsageError
from unmask.faces import FaceFinder
from unmask.journal import Written
from unmask.manifest import FAKE, REAL, Item
from unmask.modalities import image as pictures
from unmask.modalities import video
from unmask.strips import read_windows

CUT = Cut(kind="face", size_px=48, frames=3, least_px=20)


@pytest.fixture(scope="module")
def anna(astronaut: Image.Image) -> Image.Image:
    return clips.person(astronaut)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, anna: Image.Image, astronaut: Image.Image) -> Path:
    """A tree of FaceForensics++: a pair of clips in each split, real and swapped; one is torn, one empty."""
    folder = tmp_path_factory.mktemp("ffpp")
    pairs = {"train": [["071", "054"]], "val": [["002", "001"]], "test": [["000", "003"]]}
    (folder / "splits").mkdir()
    for split, content in pairs.items():
        (folder / "splits" / f"{split}.json").write_text(json.dumps(content))
    people = {"071": anna, "002": clips.person(astronaut, 120).transpose(Image.Transpose.FLIP_LEFT_RIGHT)}
    people["000"] = Image.eval(anna.transpose(Image.Transpose.FLIP_LEFT_RIGHT), lambda level: level // 2)
    for (name, one), swapped in zip(people.items(), ("071_054", "002_001", "000_003"), strict=True):
        real = folder / "original_sequences/youtube/c23/videos" / f"{name}.mp4"
        clips.draw(real, clips.staying(one), seconds=1.5)
        fake = folder / "manipulated_sequences/Deepfakes/c23/videos" / f"{swapped}.mp4"
        clips.draw(fake, clips.staying(Image.blend(one, one.convert("L").convert("RGB"), 0.5)), seconds=1.5)
    videos = folder / "original_sequences/youtube/c23/videos"
    clips.draw(videos / "054.mp4", lambda _: clips.background(), seconds=0.5)
    (videos / "001.mp4").write_bytes(b"no video")
    return folder


def table(folder: Path, items: list[Item]) -> Path:
    manifest.write(folder / "table.csv", items)
    return folder / "table.csv"


def work(path: Path, out: Path, cut: Cut = CUT) -> Written:
    return prepare.prepare(path, out, cut, jobs=1)


def test_from_a_tree_to_strips(root: Path, tmp_path: Path) -> None:
    listed = table(tmp_path, list(plugins.load("datasets", "faceforensics").items(root)))
    made = work(listed, tmp_path / "out")
    assert made.items == 6
    assert made.left_out == {
        "no face was found": 1,
        "not a video that we can read, or broken at its beginning": 1,
    }
    items = manifest.read(made.manifest)
    assert [(one.split, one.label) for one in items] == [
        *(("test", REAL), ("val", REAL), ("train", REAL)),
        *(("test", FAKE), ("val", FAKE), ("train", FAKE)),
    ]
    for one in items:
        windows = read_windows(one, CUT)
        assert len(windows) == prepare_tracks.WINDOWS
        times = [float(time) for time in one.attributes["times_s"].split()]
        assert times == sorted(times)
        assert (times[0], times[-1], len(times)) == (0.0, 1.4, 12)
        assert one.attributes["compression"] == "c23"
        assert one.attributes["original"].endswith(".mp4")
        assert one.attributes["original_sha256"] == one.path.stem
        with Image.open(one.path) as strip:
            assert (strip.format, strip.mode, strip.size) == ("PNG", "RGB", (48, 48 * 12))


def test_looks_are_cut_as_scanning_cuts_them(root: Path, tmp_path: Path, finder: FaceFinder) -> None:
    path = root / "original_sequences/youtube/c23/videos/071.mp4"
    made = work(table(tmp_path, [Item(path, REAL, split="train")]), tmp_path / "out")
    (item,) = manifest.read(made.manifest)
    looks = np.concatenate(read_windows(item, CUT))
    times = [float(time) for time in item.attributes["times_s"].split()]
    with video.opened(path) as film:
        for still, look in zip(film.stills(times), looks, strict=True):
            still.image.save(tmp_path / "still.png")
            photo = pictures.load(tmp_path / "still.png")
            (expected,) = pictures.segments(photo, CUT, finder.find(photo.image)[0])
            np.testing.assert_array_equal(look, expected.pixels)


def test_of_several_people_the_one_who_is_seen_most(tmp_path: Path, anna: Image.Image, astronaut: Image.Image) -> None:
    other = clips.person(astronaut, 120)

    def seen(time_s: float) -> Image.Image:
        return clips.placed((anna, 10), (other, 190)) if time_s < 0.5 else clips.placed((other, 190))

    path = clips.draw(tmp_path / "two.mp4", seen, seconds=1.2)
    looks = prepare_tracks.main_person(path, CUT)
    assert len(looks) == 12
    assert all(one.region.box_px is not None and one.region.box_px[0] > 160 for one in looks)


def test_someone_who_is_seen_shortly_fills_a_window(tmp_path: Path, anna: Image.Image) -> None:
    def passing(time_s: float) -> Image.Image:
        return clips.placed((anna, 100 + 200 * (time_s - 0.3))) if 0.3 <= time_s < 0.5 else clips.background()

    path = clips.draw(tmp_path / "a.mp4", passing, seconds=1.2)
    made = work(table(tmp_path, [Item(path, REAL, split="train")]), tmp_path / "out")
    (item,) = manifest.read(made.manifest)
    (window,) = read_windows(item, CUT)
    assert len(item.attributes["times_s"].split()) == 2
    np.testing.assert_array_equal(window[0], window[2])
    assert not np.array_equal(window[0], window[1])


def test_faces_that_are_too_small_are_named_and_work_goes_on_where_it_stopped(root: Path, tmp_path: Path) -> None:
    path = root / "original_sequences/youtube/c23/videos/071.mp4"
    strict = Cut(kind="face", size_px=48, frames=3, least_px=200)
    made = work(table(tmp_path, [Item(path, REAL, split="train")]), tmp_path / "strict", strict)
    assert made.items == 0
    assert "at least 200 px are needed" in next(iter(made.left_out))
    first = work(tmp_path / "table.csv", tmp_path / "out")
    (item,) = manifest.read(first.manifest)
    before = item.path.stat().st_mtime_ns
    assert work(tmp_path / "table.csv", tmp_path / "out") == first
    assert item.path.stat().st_mtime_ns == before


def test_a_clip_of_train_that_is_in_test_too_gives_way(root: Path, tmp_path: Path) -> None:
    videos = root / "original_sequences/youtube/c23/videos"
    again = tmp_path / "again.mp4"
    again.write_bytes((videos / "071.mp4").read_bytes())
    items = [Item(videos / "071.mp4", REAL, split="test"), Item(again, REAL, split="train")]
    items.append(Item(videos / "000.mp4", REAL, split="train"))
    made = work(table(tmp_path, items), tmp_path / "out")
    assert [one.split for one in manifest.read(made.manifest)] == ["test", "train"]
    assert made.left_out == {"looks like an item of a split that is tested or validated on": 1}


def test_pictures_and_reencoding_are_refused(root: Path, tmp_path: Path) -> None:
    scene(1).save(tmp_path / "a.jpg")
    clip = Item(root / "original_sequences/youtube/c23/videos/071.mp4", REAL, source="here", split="train")
    mixed = table(tmp_path, [clip, Item(tmp_path / "a.jpg", FAKE)])
    with pytest.raises(UsageError, match=r"1 of 2 items are pictures \(a\.jpg\).*unmask films .*table\.csv FOLDER"):
        work(mixed, tmp_path / "out")
    with pytest.raises(UsageError, match="leave `reencode` out"):
        prepare.prepare(table(tmp_path, [clip]), tmp_path / "out", CUT, reencode={"here": 70})
    with pytest.raises(UsageError, match="unmask frames"):
        work(table(tmp_path, [clip]), tmp_path / "out", Cut(kind="face", size_px=48))
    assert not (tmp_path / "out").exists()


def test_the_verb_finds_splits_for_videos_by_their_groups(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "dfdc_train_part_0"
    folder.mkdir()
    facts = {}
    for number in range(20):
        (folder / f"{number}.mp4").write_bytes(b"no video")
        original = {"original": f"{number - 10}.mp4"} if number >= 10 else {}
        facts[f"{number}.mp4"] = {"label": "FAKE" if number >= 10 else "REAL", "split": "train", **original}
    (folder / "metadata.json").write_text(json.dumps(facts))
    done = run("prepare", tmp_path, tmp_path / "out", "--dataset", "dfdc", "--recipe", "track", "--jobs", 1)
    assert done.code == 0
    assert "left out 20: not a video that we can read" in done.err
    listed = manifest.read(tmp_path / "out" / "originals.csv")
    assert {one.split for one in listed} == {"train", "val", "test"}
    assert len({(one.group, one.split) for one in listed}) == 10, "a fake is in the split of its original"
    assert len(listed) == 20
