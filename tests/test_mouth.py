from __future__ import annotations

import numpy as np
import pytest

from tests.draw_burst import burst, syllables
from unmask import mouth


def test_the_opening_follows_the_mouth_that_was_drawn() -> None:
    drawn = burst(opening=syllables)
    truth = np.array([syllables(float(time)) for time in drawn.times_s])
    assert np.corrcoef(mouth.opening(drawn), truth)[0, 1] > 0.8
    assert mouth.opening(burst()).std() < 0.02


def test_the_change_is_large_where_the_mouth_moves() -> None:
    drawn = burst(opening=lambda time: 1.0 if time >= 2.0 else 0.0, grain=1.0)
    change = mouth.change(drawn)
    assert change.argmax() == 50
    assert change[50] > 5 * np.median(change)


def test_the_drop_does_not_depend_on_size_or_turn_of_the_head() -> None:
    drawn = burst(seconds=1.0)
    before = mouth.drop(drawn)
    spin = np.array([[0.8, 0.6], [-0.6, 0.8]], np.float32) * 2
    drawn.landmarks[:] = drawn.landmarks @ spin
    assert mouth.drop(drawn) == pytest.approx(before, rel=1e-5)
    drawn.landmarks[:, 3:] += (drawn.landmarks[:, 3:] - drawn.landmarks[:, :2]) * 0.1
    assert mouth.drop(drawn) == pytest.approx(before * 1.1, rel=0.02)


def test_grey_levels_are_those_of_the_eye() -> None:
    assert mouth.luma(np.full((2, 2, 3), 200, np.uint8)) == pytest.approx(np.full((2, 2), 200), abs=0.01)
    green, blue = (mouth.luma(np.eye(3, dtype=np.uint8)[channel] * 255) for channel in (1, 2))
    assert green > 4 * blue
