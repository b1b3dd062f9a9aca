from __future__ import annotations

import numpy as np
import pytest

from tests.draw_burst import burst, syllables
from unmask.burst import Burst
from unmask.detectors import motion


def test_trembling_is_measured_in_percent_of_the_distance_between_the_eyes() -> None:
    quiet, loud = burst(trembling_px=0.0), burst(trembling_px=2.0)
    assert motion.measure(quiet)["jitter"] < 0.01
    # Two directions, of which the similarity takes out four of ten parts: sqrt(2 * 0.6) of the 2 px = 2 %.
    assert motion.measure(loud)["jitter"] == pytest.approx(2 * np.sqrt(2 * 0.6), rel=0.15)
    assert "tremble" in motion.sentence(loud, motion.measure(loud))
    assert "tremble" not in motion.sentence(quiet, motion.measure(quiet))


def test_moving_turning_and_scaling_the_head_is_no_trembling() -> None:
    still = burst()
    wide = np.linspace(1, 1.5, len(still.times_s))[:, None, None]
    moved = (still.landmarks * wide + np.sin(np.arange(len(still.times_s)) / 5)[:, None, None] * 20).astype(np.float32)
    assert motion.jitter(Burst(**{**vars(still), "landmarks": moved})).max() < 0.05


def test_blinks_are_found_where_they_were_drawn() -> None:
    def eyes(time: float) -> float:
        return 0.0 if 1.0 <= time < 1.2 or 2.6 <= time < 2.76 else 1.0

    drawn = burst(eyes=eyes)
    found = motion.blinks(drawn)
    assert np.array(found) == pytest.approx(np.array([[1.0, 1.2], [2.6, 2.76]]), abs=0.045)
    measured = motion.measure(drawn)
    assert measured["blinks"] == pytest.approx(2 / drawn.end_s)
    assert measured["eyes together"] > 0.9
    assert "the eyes close 2 times" in motion.sentence(drawn, measured)
    assert "no blink is seen" in motion.sentence(burst(), motion.measure(burst()))


def test_eyes_that_stay_closed_are_no_blink() -> None:
    assert motion.blinks(burst(eyes=lambda time: 0.0 if 0.8 <= time < 2.2 else 1.0)) == []


def test_a_frozen_face_is_said_to_be_frozen_and_a_living_one_is_not() -> None:
    frozen = burst(opening=lambda time: 0.0)
    living = burst(opening=lambda time: 0.5 + 0.5 * np.sin(2 * np.pi * 4 * time + np.sin(time)), grain=1.0)
    assert motion.measure(frozen)["liveliness"] < 0.1 < motion.measure(living)["liveliness"]
    assert "hardly changes" in motion.sentence(frozen, motion.measure(frozen))
    assert "hardly changes" not in motion.sentence(living, motion.measure(living))


def test_the_rhythm_of_speech_is_told_from_slow_movement() -> None:
    spoken = motion.measure(burst(opening=syllables))
    slow = motion.measure(burst(opening=lambda time: 0.5 + 0.5 * np.sin(2 * np.pi * 1.0 * time)))
    assert spoken["mouth rhythm"] > 0.5 > 0.2 > slow["mouth rhythm"]


def test_the_head_turns_where_the_nose_goes() -> None:
    drawn = burst(turn=lambda time: 20 * np.sin(time))
    nose, lips = motion.turns(drawn)
    assert nose - nose[0] == pytest.approx(0.2 * np.sin(drawn.times_s), abs=1e-3)
    assert np.ptp(lips) == pytest.approx(0, abs=1e-6)
    assert motion.measure(drawn)["pose gap"] > 10 * motion.measure(burst())["pose gap"]


def test_every_feature_is_measured_and_every_curve_is_as_long_as_the_burst() -> None:
    drawn = burst(opening=syllables, trembling_px=0.3)
    measured = motion.measure(drawn)
    assert tuple(measured) == tuple(motion.FEATURES)
    assert all(np.isfinite(value) for value in measured.values())
    curves = motion.curves(drawn, 2)
    assert {curve.name for curve in curves} >= {"jitter", "turn of the head", "opening of the mouth"}
    assert all(len(curve.values) == len(curve.times_s) == 100 and curve.track == 2 for curve in curves)


def test_frames_without_a_face_leave_gaps_in_the_curves() -> None:
    drawn = burst()
    drawn.found[10] = False
    assert all(curve.values[10] is None and curve.values[11] is not None for curve in motion.curves(drawn))
