"""Moments: over the whole clip, at key frames where that saves work, and closer together around one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from unmask import moments
from unmask.modalities.video import Film


def film(seconds: float, *, rate: float = 25, keys_s: float = 10.0, jumps: bool = True) -> Film:
    times = np.arange(round(seconds * rate)) / rate
    keys = np.arange(0, seconds, keys_s)
    return cast(Film, SimpleNamespace(times_s=times, key_times_s=keys, jumps=jumps, duration_s=seconds))


def test_first_and_last_are_among_them() -> None:
    found = moments.evenly(film(10), 5)
    assert found == pytest.approx([0, 2.49, 4.98, 7.47, 9.96])
    assert moments.evenly(film(10), 1) == pytest.approx([4.98])


def test_a_short_clip_is_looked_at_evenly() -> None:
    assert moments.spread(film(10, keys_s=1), 8) == moments.evenly(film(10), 8)


def test_a_long_one_at_key_frames_near_by() -> None:
    long = film(1000, keys_s=4)
    found = moments.spread(long, 32)
    even = moments.evenly(long, 32)
    assert found[0] == 0
    assert found[-1] == even[-1]  # the last frame, key frame or not
    assert set(found[1:-1]) <= set(long.key_times_s.tolist())
    assert max(abs(a - b) for a, b in zip(found, even, strict=True)) <= even[1] / 4


def test_key_frames_far_off_are_left_alone() -> None:
    long = film(1000, keys_s=985)
    assert moments.spread(long, 32) == moments.evenly(long, 32)


def test_where_jumps_do_not_land_only_key_frames_are_asked_for() -> None:
    long = film(1000, keys_s=90, jumps=False)
    assert set(moments.spread(long, 32)) <= set(long.key_times_s.tolist())


def test_closer_looks_lie_between_the_neighbours_and_are_new() -> None:
    clip = film(10)
    seen = moments.evenly(clip, 5)
    found = moments.closer(clip, seen[2], seen, 6)
    assert len(found) == 6
    assert all(seen[1] < time < seen[3] for time in found)
    assert not set(np.round(found, 3)) & set(np.round(seen, 3))


def test_nothing_is_closer_where_all_was_seen() -> None:
    clip = film(1)
    assert moments.closer(clip, 0.4, list(clip.times_s), 8) == []
