"""Written videos hold the frames they were given, at their times, and the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.scenes import scene
from unmask import encoding
from unmask.encoding import CODINGS, EXACT, Encoding
from unmask.errors import UsageError
from unmask.modalities import video


def frames(count: int = 6, size: tuple[int, int] = (97, 81), rate: int = 10) -> Iterator[tuple[float, Image.Image]]:
    picture = scene(3, 160)
    for number in range(count):
        yield number / rate, picture.crop((number, 0, number + size[0], size[1]))


@pytest.mark.parametrize("coding", CODINGS)
def test_every_coding_gives_the_frames_back_and_the_same_bytes_each_time(coding: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    drawn = [encoding.draw(coding, rng) for _ in range(12)]
    assert len({quality for _, quality in drawn}) > 3
    for how in {one.suffix: one for one, _ in drawn}.values():
        paths = [tmp_path / f"{name}{how.suffix}" for name in "ab"]
        for path in paths:
            assert encoding.write(path, frames(), how, Fraction(1, 10)) == 6
        assert paths[0].read_bytes() == paths[1].read_bytes()
        with video.opened(paths[0]) as film:
            np.testing.assert_allclose(film.times_s, np.arange(6) / 10, atol=0.002)
            for still, (_, wanted) in zip(film.between(0, 9), frames(), strict=True):
                assert still.image.size == (96, 80), "of an odd side the last pixel is cut off"
                shown = np.asarray(wanted.crop((0, 0, 96, 80)), float)
                assert np.abs(np.asarray(still.image, float) - shown).mean() < 16


@pytest.mark.parametrize("coding", CODINGS)
def test_a_worse_quality_makes_a_smaller_file(coding: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    drawn = sorted((encoding.draw(coding, rng) for _ in range(20)), key=lambda one: one[1])
    best = drawn[0][0]
    worst = next(one for one, _ in reversed(drawn) if one.suffix == best.suffix)
    sizes = []
    for name, how in (("best", best), ("worst", worst)):
        encoding.write(tmp_path / f"{name}{how.suffix}", frames(), how, Fraction(1, 10))
        sizes.append((tmp_path / f"{name}{how.suffix}").stat().st_size)
    assert sizes[1] < 0.8 * sizes[0]


def test_times_that_vary_stay_as_they_are(tmp_path: Path) -> None:
    times = [0.0, 0.033, 0.2, 0.201, 1.75]
    pictures = [picture for _, picture in frames(5)]
    encoding.write(tmp_path / "a.mp4", zip(times, pictures, strict=True), encoding.h264(23), EXACT)
    with video.opened(tmp_path / "a.mp4") as film:
        np.testing.assert_allclose(film.times_s, times, atol=1e-4)


def test_no_factor_loses_nothing_but_colour(tmp_path: Path) -> None:
    grey = [(time, one.convert("L").convert("RGB")) for time, one in frames()]
    encoding.write(tmp_path / "a.mp4", grey, encoding.h264(0), EXACT)
    with video.opened(tmp_path / "a.mp4") as film:
        for still, (_, wanted) in zip(film.between(0, 9), grey, strict=True):
            change = np.abs(np.asarray(still.image, int) - np.asarray(wanted.crop((0, 0, 96, 80)), int))
            assert change.max() <= 2  # levels are rounded on the way to YUV and back


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no video can be written with nothing"):
        encoding.write(tmp_path / "a.mp4", frames(), Encoding("nothing", ".mp4", {}), EXACT)
