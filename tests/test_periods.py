from __future__ import annotations

import numpy as np
import pytest

from tests.draw_voice import voice
from unmask.modalities.audio import Sound
from unmask.periods import Periods, periods
from unmask.pitch import track
from unmask.speech import speech


def looked(drawn: Sound) -> Periods:
    return periods(drawn.samples, track(drawn.samples, speech(drawn)))


def test_jitter_is_the_change_of_a_period_as_a_part_of_it() -> None:
    even, uneven, rough = (float(np.median(looked(voice(jitter=part)).jitter)) for part in (0.0, 0.01, 0.02))
    assert even < 0.002
    # Two periods that vary apart differ by sqrt(2) of the spread; half of such differences is below 0.67 of it.
    assert uneven == pytest.approx(0.01 * np.sqrt(2) * 0.67, rel=0.4)
    assert rough > 1.4 * uneven


def test_shimmer_is_the_change_of_loudness() -> None:
    even, uneven, rough = (float(np.median(looked(voice(shimmer_db=db)).shimmer_db)) for db in (0.0, 0.5, 1.0))
    assert even < 0.2 < uneven < rough
    assert rough == pytest.approx(1.0 * np.sqrt(2) * 0.8, rel=0.35)


def test_breath_lowers_the_harmonics_to_noise_ratio() -> None:
    pure, breathy = looked(voice(breath=1e-4)), looked(voice(breath=0.01))
    assert np.median(pure.low_hnr_db) > np.median(breathy.low_hnr_db) + 10
    assert np.median(pure.high_hnr_db) > np.median(breathy.high_hnr_db) + 5


def test_phases_do_not_depend_on_the_moment_but_on_the_wave() -> None:
    steady = looked(voice(breath=1e-4)).phases
    turned = steady[1:] * steady[:-1].conj()
    assert np.abs(turned[:, :5].mean(axis=0)).min() > 0.9
    noisy = looked(voice(breath=0.02, jitter=0.02)).phases
    assert np.abs((noisy[1:] * noisy[:-1].conj()).mean(axis=0)).mean() < 0.85


def test_where_nothing_vibrates_there_is_nothing() -> None:
    silent = np.zeros(16000, np.float32)
    none = periods(silent, track(silent, np.zeros(100, bool)))
    assert len(none.jitter) == len(none.phases) == 0
