from __future__ import annotations

import numpy as np
import pytest

from tests.draw_burst import voice
from unmask.modalities.audio import RATE_HZ, Sound
from unmask.speech import loudness, speech


def test_speech_is_found_and_the_silence_before_it_is_not() -> None:
    found = speech(voice(4.0))
    assert len(found) == 400
    assert not found[:45].any()
    assert found[60:].mean() > 0.6


def test_it_does_not_depend_on_how_loud_the_recording_is() -> None:
    loud = voice(4.0)
    quiet = Sound((loud.samples / 10).astype(np.float32))
    assert (speech(quiet) == speech(loud)).mean() > 0.97


@pytest.mark.parametrize("level", [0.0, 1e-4, 0.3])
def test_silence_and_steady_noise_are_no_speech(level: float) -> None:
    noise = np.random.default_rng(0).normal(0, level, RATE_HZ * 3).astype(np.float32)
    assert not speech(Sound(noise)).any()


def test_a_steady_tone_and_a_click_are_no_speech() -> None:
    times = np.arange(RATE_HZ * 2) / RATE_HZ
    tone = (0.5 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
    assert not speech(Sound(tone)).any()
    click = np.random.default_rng(0).normal(0, 1e-4, RATE_HZ * 2).astype(np.float32)
    click[RATE_HZ : RATE_HZ + 40] = 0.9
    assert not speech(Sound(click)).any()


def test_too_short_a_sound_has_no_values() -> None:
    assert len(speech(Sound(np.zeros(100, np.float32)))) == 0


def test_loudness_is_in_decibels_of_the_band_that_is_asked_for() -> None:
    times = np.arange(RATE_HZ) / RATE_HZ
    tone = Sound((0.5 * np.sin(2 * np.pi * 1000 * times)).astype(np.float32))
    inside, outside = loudness(tone, (500, 2000)), loudness(tone, (4000, 7000))
    assert inside[5:-5] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.5)
    assert outside[5:-5].max() < inside[5:-5].min() - 40
