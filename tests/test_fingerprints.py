from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.data.voices import utterance, write_coded
from unmask.fingerprints import LONGEST_S, fingerprint, pairs
from unmask.modalities.audio import sound

RATE_HZ = 16_000
Change = Callable[[NDArray[np.float64], Path], NDArray[np.float64]]


def prints(recordings: list[NDArray[np.float64]], rate_hz: int = RATE_HZ) -> list[NDArray[np.uint32]]:
    return [fingerprint(one, rate_hz) for one in recordings]


def coded(codec: str, name: str) -> Change:
    def change(samples: NDArray[np.float64], folder: Path) -> NDArray[np.float64]:
        heard = sound(write_coded(folder / name, samples, codec))
        assert heard is not None
        return heard.samples.astype(np.float64)

    return change


def trimmed(samples: NDArray[np.float64], folder: Path) -> NDArray[np.float64]:
    return samples[RATE_HZ // 3 : -RATE_HZ // 5]


def quieter(samples: NDArray[np.float64], folder: Path) -> NDArray[np.float64]:
    return 0.1 * samples


def noisy(samples: NDArray[np.float64], folder: Path) -> NDArray[np.float64]:
    return samples + np.random.default_rng(0).normal(0, 0.01, len(samples))


def as_by_telephone(samples: NDArray[np.float64], folder: Path) -> NDArray[np.float64]:
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    return np.asarray(np.fft.irfft(np.where((hz > 250) & (hz < 3400), np.fft.rfft(samples), 0), len(samples)))


@pytest.mark.parametrize(
    "change", [coded("libmp3lame", "a.mp3"), coded("aac", "a.m4a"), trimmed, quieter, noisy, as_by_telephone]
)
def test_copies_are_found_and_other_utterances_are_not(change: Change, tmp_path: Path) -> None:
    others = [utterance(seed, 3.0) for seed in range(12)]
    assert pairs(prints([*others, change(others[7], tmp_path)])) == [(7, 12)]


def test_the_rate_does_not_matter() -> None:
    times = np.arange(0, 3, 1 / 48_000)
    tones = np.random.default_rng(0).uniform(300, 2000, (12, 2))
    chirps = sum(np.sin(2 * np.pi * (low * times + (high - low) / 6 * times**2)) for low, high in tones)
    assert len(pairs([fingerprint(chirps, 48_000), fingerprint(chirps[::3], 16_000)])) == 1


def test_many_copies_make_one_chain() -> None:
    voice = utterance(0, 3.0)
    assert pairs(prints([voice, 0.5 * voice, 0.2 * voice])) == [(0, 1), (1, 2)]


def test_pauses_match_nothing() -> None:
    silence = np.zeros(3 * RATE_HZ)
    voices = [np.concatenate([utterance(seed, 2.0), silence]) for seed in range(2)]
    found = prints([*voices, silence, silence])
    assert (found[0] == 0).mean() > 0.4
    assert pairs(found) == []


def test_short_sounds_have_none() -> None:
    assert len(fingerprint(utterance(0, 0.3), RATE_HZ)) == 0
    assert pairs(prints([utterance(0, 0.3)] * 2)) == []
    assert pairs([]) == []


def test_no_more_than_a_minute_is_looked_at() -> None:
    voice = utterance(0, LONGEST_S + 5, 4000)
    assert np.array_equal(fingerprint(voice, 4000), fingerprint(voice[: round(LONGEST_S) * 4000], 4000))
