"""Changed copies of videos: the same frames at the same times, worse, and no sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data import clips
from tests.data.scenes import scene
from unmask import evaluate, manifest, perturb, perturb_video
from unmask.errors import MediaError, UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.modalities import video
from unmask.modalities.video import Still
from unmask.types import Report, Source, Status

TIMES_S = [0, 0.05, 0.1, 0.5, 0.9, 0.95, 1.7]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: Image.Image) -> Path:
    """With a sound, and a variable rate."""
    path = tmp_path_factory.mktemp("clips") / "clip.mkv"
    return clips.draw(path, clips.staying(clips.person(astronaut)), times_s=TIMES_S, tone=220.0)


def read(path: Path) -> tuple[list[Still], bool]:
    with video.opened(path) as film:
        return list(film.between(0, 99)), film.has_sound


def test_the_names_are_those_of_pictures() -> None:
    assert set(perturb_video.NAMES) == {"half-size", *(f"h264-crf{crf}" for crf in (18, 23, 28, 34, 40))}
    assert set(perturb_video.NAMES) <= set(perturb.PERTURBATIONS)


def test_frames_and_times_stay_and_the_picture_suffers(clip: Path, tmp_path: Path) -> None:
    before, sounding = read(clip)
    assert sounding
    harm = []
    for name in ("h264-crf18", "h264-crf28", "h264-crf40"):
        after, sounding = read(perturb_video.write(name, clip, tmp_path / name))
        assert not sounding
        np.testing.assert_allclose([one.time_s for one in after], TIMES_S, atol=2e-3)
        changes = [
            np.abs(np.asarray(a.image, float) - np.asarray(b.image, float)).mean()
            for a, b in zip(before, after, strict=True)
        ]
        harm.append(float(np.mean(changes)))
    assert harm == sorted(harm)
    assert harm[-1] > 2 * harm[0]


def test_half_the_size_is_scaled_and_nothing_else(clip: Path, tmp_path: Path) -> None:
    before, _ = read(clip)
    after, sounding = read(perturb_video.write("half-size", clip, tmp_path / "half"))
    assert not sounding
    assert len(after) == len(before)
    for a, b in zip(before, after, strict=True):
        assert b.image.size == (a.image.width // 2, a.image.height // 2)
        wanted = np.asarray(a.image.resize(b.image.size, Image.Resampling.BICUBIC), float)
        assert np.abs(wanted - np.asarray(b.image, float)).mean() < 2.5


def test_a_turned_video_becomes_an_upright_one(tmp_path: Path, astronaut: Image.Image) -> None:
    shown = clips.staying(clips.person(astronaut))
    path = clips.draw(tmp_path / "a.mp4", lambda time_s: shown(time_s).rotate(-90, expand=True), turn=90, seconds=0.3)
    before, after = read(path)[0], read(perturb_video.write("h264-crf18", path, tmp_path / "b"))[0]
    assert before[0].image.size == after[0].image.size == (320, 180)


def test_what_only_pictures_know_is_refused_where_there_are_videos(clip: Path, tmp_path: Path) -> None:
    scene(0).save(tmp_path / "a.png")
    items = [Item(tmp_path / "a.png", REAL), Item(clip, FAKE), Item(tmp_path / "gone.mp4", FAKE)]
    perturb_video.check(["h264-crf23", "half-size"], items)
    perturb_video.check(["jpeg-q50"], items[:1])
    with pytest.raises(UsageError, match=r"jpeg-q50 can be done to pictures only, and 1 of 3 items are videos \(clip"):
        perturb_video.check(["half-size", "jpeg-q50"], items)
    with pytest.raises(UsageError, match="a video knows no perturbation jpeg-q50; there are: h264-crf18"):
        perturb_video.write("jpeg-q50", clip, tmp_path / "copy")


def test_a_broken_video_has_no_copy(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypmp42 and no more")
    with pytest.raises(MediaError):
        perturb_video.write("half-size", tmp_path / "a.mp4", tmp_path / "copy")


def test_an_evaluation_scans_changed_copies_of_videos_too(clip: Path, tmp_path: Path) -> None:
    scene(0).save(tmp_path / "a.png")
    (tmp_path / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42 and no more")
    items = [Item(path, FAKE) for path in (tmp_path / "a.png", tmp_path / "broken.mp4", clip)]
    seen: list[tuple[str, bool]] = []

    def scan(paths: Iterable[Path]) -> Iterator[Report]:
        for path in paths:
            seen.append((path.suffix, path.is_file()))
            yield Report(source=Source(path=str(path)), status=Status.UNREADABLE, message="not scanned here")

    rows = list(evaluate.collect(items, scan, ["h264-crf34", "half-size"]))
    names = [(Path(one.path).name, one.perturbation) for one in rows[3:]]
    assert names == [(name, how) for how in ("h264-crf34", "half-size") for name in ("a.png", "clip.mkv")]
    assert seen[3:] == [(".png", True), (".mp4", True)] * 2
    manifest.write(tmp_path / "table.csv", [replace(one, split="test") for one in items])
    with pytest.raises(UsageError, match="blur-sigma-1 can be done to pictures only"):
        evaluate.evaluate(tmp_path / "table.csv", out=tmp_path / "out", perturbations=("blur-sigma-1",))
    assert not (tmp_path / "out").exists()
