from __future__ import annotations

import numpy as np
import pytest

from tests.draw_burst import burst, syllables, voice
from unmask.detectors import lipsync
from unmask.modalities.audio import RATE_HZ, Sound
from unmask.witness import WitnessCard


@pytest.mark.parametrize("lag_s", [-0.3, 0.0, 0.2, 0.4])
def test_the_lag_of_the_sound_is_found(lag_s: float) -> None:
    sync = lipsync.measure(burst(opening=syllables), voice(lag_s=lag_s))
    assert sync.best_s == pytest.approx(lag_s, abs=0.041)
    assert sync.features["lag"] == pytest.approx(abs(sync.best_s - 0.02))
    assert tuple(sync.features) == tuple(lipsync.FEATURES)


def test_shifted_and_foreign_sound_is_told_from_the_own() -> None:
    card, mouth = WitnessCard.shipped("lipsync"), burst(opening=syllables)
    own, late, foreign = (
        card.logit(lipsync.measure(mouth, sound).features) for sound in (voice(), voice(lag_s=0.35), voice(seed=7))
    )
    assert own < 0 < late
    assert own < foreign


def test_the_sentence_says_which_comes_first() -> None:
    mouth = burst(opening=syllables)
    assert "moves with the sound" in lipsync.sentence(lipsync.measure(mouth, voice()))
    assert "s after it" in lipsync.sentence(lipsync.measure(mouth, voice(lag_s=0.4)))
    assert "s before it" in lipsync.sentence(lipsync.measure(mouth, voice(lag_s=-0.36)))
    noise = burst(opening=lambda time: 0.05 + 0.05 * np.sin(7 * time))
    assert "no better" in lipsync.sentence(lipsync.measure(noise, voice()))


def test_without_sound_or_speech_it_abstains() -> None:
    mouth = burst(opening=syllables)
    rng = np.random.default_rng(0)
    assert lipsync.unfit(mouth, None) == lipsync.NO_SOUND
    assert lipsync.unfit(mouth, Sound(np.zeros(0, np.float32))) == lipsync.NO_SOUND
    assert lipsync.unfit(mouth, Sound(np.zeros(RATE_HZ * 4, np.float32))) == lipsync.NO_SOUND
    assert lipsync.unfit(mouth, Sound(rng.normal(0, 0.1, RATE_HZ * 4).astype(np.float32))) == lipsync.NO_SPEECH
    assert lipsync.unfit(mouth, Sound(voice().samples, start_s=60.0)) == lipsync.NO_SPEECH
    assert lipsync.unfit(burst(), voice()) == lipsync.NO_MOVEMENT
    assert lipsync.unfit(mouth, voice()) is None


def test_curves_lie_on_one_time_line() -> None:
    mouth, sound = lipsync.curves(burst(opening=syllables), voice(), 3)
    assert (mouth.track, sound.track) == (3, None)
    assert mouth.times_s == sound.times_s
    both = np.array([mouth.values, sound.values], np.float64)
    assert np.corrcoef(both[0], both[1])[0, 1] > 0.5
