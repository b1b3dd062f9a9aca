from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.some_voice import tone
from tests.test_report import luminance
from unmask import spectrogram
from unmask.modalities.audio import RATE_HZ, Sound
from unmask.spectrogram import COLOURS, QUIETEST_DB, ROWS, STEP_S, TOP_HZ
from unmask.types import Samples


def blocks(samples: Samples, block_s: float = 30.0) -> Iterator[Sound]:
    size = round(block_s * RATE_HZ)
    for start in range(0, len(samples), size):
        yield Sound(samples[start : start + size], start / RATE_HZ)


def row(hz: float) -> int:
    return round(hz / TOP_HZ * ROWS)


@pytest.mark.parametrize("hz", [250.0, 1000.0, 6500.0])
def test_a_tone_lies_in_the_row_of_its_frequency_at_its_level(hz: float) -> None:
    (found,) = spectrogram.measure(blocks(tone(hz, 1.0, level=0.1)), [(0.0, 1.0)])
    assert found.levels_db.shape == (ROWS, 100)
    middle = found.levels_db[:, 50]
    assert int(middle.argmax()) == row(hz)
    assert middle.max() == pytest.approx(-20, abs=0.1)
    far = np.delete(middle, range(max(0, row(hz) - 4), row(hz) + 5))
    assert far.max() < middle.max() - 50


def test_a_column_is_drawn_when_it_is_heard() -> None:
    samples = np.concatenate([np.zeros(RATE_HZ, np.float32), tone(1000, 0.1), np.zeros(RATE_HZ, np.float32)])
    (found,) = spectrogram.measure(blocks(samples), [(0.0, 2.1)])
    loud = np.flatnonzero(found.levels_db[row(1000)] > -30) * STEP_S
    assert (loud.min(), loud.max()) == pytest.approx((1.0, 1.09), abs=0.011)


def test_sound_from_its_very_first_to_its_very_last_moment_is_drawn() -> None:
    (found,) = spectrogram.measure(blocks(tone(1000, 1.234)), [(0.0, 1.234)])
    assert found.levels_db[row(1000)].min() > -30


def test_pieces_give_the_same_picture_as_the_whole() -> None:
    samples = tone(700, 3.0) + tone(3100, 3.0, level=0.02)
    whole, pieces = (
        spectrogram.measure(blocks(samples, block_s), [(0.0, 3.0), (0.5, 1.5)]) for block_s in (9.0, 0.0137)
    )
    for one, other in zip(whole, pieces, strict=True):
        assert np.abs(one.levels_db - other.levels_db).max() < 1e-3


def test_a_short_word_stays_visible_in_a_long_recording() -> None:
    silence = np.zeros(60 * RATE_HZ, np.float32)
    samples = np.concatenate([silence, np.zeros(RATE_HZ // 2, np.float32), tone(2000, 0.05), silence])
    (found,) = spectrogram.measure(blocks(samples), [(0.0, 120.55)], most_columns=100)
    assert found.levels_db.shape == (ROWS, 100)
    assert np.flatnonzero(found.levels_db[row(2000)] > -30).tolist() == [50]


def test_a_span_beyond_the_sound_is_silent() -> None:
    beyond, silent = spectrogram.measure(blocks(tone(500, 1.0)), [(0.5, 1.5), (2.0, 3.0)])
    assert (beyond.levels_db[row(500)] > -30).sum() == pytest.approx(50, abs=2)
    assert (silent.levels_db == QUIETEST_DB).all()


def test_sound_that_begins_later_lies_later() -> None:
    late = [Sound(tone(500, 1.0), start_s=2.0)]
    (found,) = spectrogram.measure(late, [(0.0, 3.0)])
    loud = np.flatnonzero(found.levels_db[row(500)] > -30) * STEP_S
    assert (loud.min(), loud.max()) == pytest.approx((2.0, 2.99), abs=0.011)


def test_silence_and_nothing_at_all_are_pictures_too() -> None:
    for sound in ([], [Sound(np.zeros(0, np.float32))], [Sound(np.zeros(RATE_HZ, np.float32))]):
        (found,) = spectrogram.measure(sound, [(0.0, 1.0)])
        image = spectrogram.picture(found, spectrogram.loudest_db([found]))
        assert image.size == (100, ROWS)
        assert image.getextrema() == tuple((band, band) for band in COLOURS[0])


def test_memory_does_not_grow_with_the_sound() -> None:
    alive: list[int] = []

    def long() -> Iterator[Sound]:
        for index in range(50):
            samples = tone(500, 1.0)
            alive.append(samples.nbytes)
            yield Sound(samples, float(index))

    (found,) = spectrogram.measure(long(), [(0.0, 50.0)], most_columns=200)
    assert found.levels_db.nbytes == ROWS * 200 * 4
    assert found.levels_db.nbytes < sum(alive) / 10


def test_loud_is_bright_and_high_is_above() -> None:
    samples = np.concatenate([tone(6000, 0.5), tone(6000, 0.5, level=0.005)])
    (found,) = spectrogram.measure(blocks(samples), [(0.0, 1.0)])
    image = spectrogram.picture(found, spectrogram.loudest_db([found]), height_px=64)
    assert image.size == (100, 64)
    grey = np.asarray(image.convert("L"), np.float32)
    assert int(grey[:, 25].argmax()) == pytest.approx(16, abs=1)
    loud, quiet, silent = grey[:, 25].max(), grey[:, 75].max(), grey[50, 75]
    assert loud > quiet + 30 > silent + 60


def test_pictures_of_one_recording_share_their_scale() -> None:
    samples = np.concatenate([tone(1000, 1.0), tone(1000, 1.0, level=0.05)])
    whole, quiet = spectrogram.measure(blocks(samples), [(0.0, 2.0), (1.2, 1.8)])
    top = spectrogram.loudest_db([whole, quiet])
    assert top == pytest.approx(-6, abs=0.1)
    same = np.asarray(spectrogram.picture(whole, top))[:, 150], np.asarray(spectrogram.picture(quiet, top))[:, 30]
    assert np.abs(same[0].astype(int) - same[1]).max() <= 2


def test_hiss_that_nobody_hears_does_not_look_loud() -> None:
    hiss = np.random.default_rng(0).normal(0, 1e-4, RATE_HZ).astype(np.float32)
    (found,) = spectrogram.measure(blocks(hiss), [(0.0, 1.0)])
    grey = np.asarray(spectrogram.picture(found, spectrogram.loudest_db([found])).convert("L"))
    assert np.median(grey) < 100


def test_each_colour_is_lighter_than_the_one_before() -> None:
    shades = [luminance(f"#{red:02x}{green:02x}{blue:02x}") for red, green, blue in spectrogram.palette()]
    assert len(shades) == 256
    assert (np.diff(np.array(shades)[::8]) > 0).all()
    assert shades[-1] > 15 * shades[0]
