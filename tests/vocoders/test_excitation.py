"""Pulses and noise after the pitch of a voice, and noise alone where it has none."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vocoders.speaking import HISS_S, PITCH_HZ, voice
from unmask.vocoders.excitation import excitation, per_sample, pitch_hz
from unmask.vocoders.spectra import framed


def test_the_pitch_of_a_voice_and_none_of_a_hiss() -> None:
    track = pitch_hz(voice().astype(np.float64), 160)
    moments = np.arange(len(track)) * 0.01
    assert len(track) == len(framed(voice().astype(np.float64), 512, 160))
    np.testing.assert_allclose(track[(moments > 0.1) & (moments < 0.5)], PITCH_HZ, rtol=0.03)
    assert not track[(moments > HISS_S[0] + 0.03) & (moments < HISS_S[1] - 0.07)].any()


def test_a_track_is_drawn_out_and_its_gaps_stay() -> None:
    drawn = per_sample(np.array([100.0, 110.0, 0.0, 0.0, 200.0]), 10, 50)
    assert drawn[5] == pytest.approx(105)
    assert not drawn[16:35].any()
    assert drawn[42] == 200
    assert not per_sample(np.zeros(5), 10, 50).any()


def test_pulses_and_noise_are_of_the_same_power() -> None:
    rng = np.random.default_rng(0)
    track = np.concatenate([np.full(16_000, 125.0), np.zeros(16_000)])
    source = excitation(track, 0.1, rng)
    assert source[:16_000].std() == pytest.approx(1, rel=0.05)
    assert source[16_000:].std() == pytest.approx(1, rel=0.05)
    assert np.abs(source[:16_000]).max() > np.abs(source[16_000:]).max()
