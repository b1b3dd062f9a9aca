"""What the samples of a recording amount to, added up piece by piece: pauses, grid, level, zero line, spectrum."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_FRAME_S: Final = 0.032
_STEP_S: Final = 0.016
_FLOOR: Final = 1e-12
_QUIET_DB: Final = 40.0
"""Below the loud parts of a recording: what is quieter than that is a pause."""

_SILENT_DB: Final = -80.0
_FULL: Final = 0.999
_SMALL_CODES: Final = 32
_BELOW_HIGHEST_DB: Final = 70.0
_OVER_HZ: Final = (4000.0, 6000.0, 7000.0, 8000.0)
_RUMBLE_HZ: Final = 80.0
_ROLL_OFFS: Final = (0.85, 0.95, 0.99)

# ITU-R BS.1770-5, annex 1: the two filters of the K-weighting, as given for 48 kHz.
_SHELF: Final = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGH_PASS: Final = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
_GATE_FRAMES: Final = 25
_GATE_STEP: Final = 6
_ABSOLUTE_GATE: Final = -70.0
_RELATIVE_GATE: Final = -10.0
_LUFS_OFFSET: Final = -0.691


class Statistics:
    """The statistics of one recording, mixed to mono.

    Attributes:
        rate_hz: Its samples a second.
        samples: How many were added.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz, self.samples = rate_hz, 0
        self._size, self._step = round(_FRAME_S * rate_hz), round(_STEP_S * rate_hz)
        self._window = np.hanning(self._size)
        self._hz = np.asarray(np.fft.rfftfreq(self._size, 1 / rate_hz), np.float64)
        self._weights = _k_weights(self._hz)
        self._spectrum = np.zeros(len(self._hz))
        self._levels: list[NDArray[np.float64]] = []
        self._weighted: list[NDArray[np.float64]] = []
        self._sum = self._squares = self._peak = 0.0
        self._zeros = self._full = 0
        self._grid: int | None = None
        self._codes = np.zeros(2 * _SMALL_CODES + 1, np.int64)

    @property
    def seconds(self) -> float:
        """How long what was added is."""
        return self.samples / self.rate_hz

    def add(self, mono: NDArray[np.float64], stored: NDArray[np.float64] | None = None) -> None:
        """Add a piece.

        Args:
            mono: The samples, (T,), full scale at 1.
            stored: The samples of all channels, (channels, T), where they are stored as whole numbers.
        """
        self.samples += len(mono)
        self._sum += float(mono.sum())
        self._squares += float((mono**2).sum())
        self._peak = max(self._peak, float(np.abs(mono).max(initial=0.0)))
        self._zeros += int((mono == 0).sum())
        self._full += int((np.abs(mono) >= _FULL).sum())
        codes = np.round(mono * 2**15)
        small = codes[np.abs(codes) <= _SMALL_CODES].astype(np.int64) + _SMALL_CODES
        self._codes += np.bincount(small, minlength=len(self._codes))
        if stored is not None:
            steps = (stored * 2**31).astype(np.int64)
            self._grid = (self._grid or 0) | int(np.bitwise_or.reduce(np.abs(steps), axis=None))
        self._frame(mono)

    def numbers(self) -> dict[str, dict[str, float]]:
        """The families "silence", "bit depth", "loudness", "offset" and "bandwidth", of at least one sample."""
        levels = np.concatenate(self._levels)
        rms = float(np.sqrt(self._squares / self.samples))
        mean = self._sum / self.samples
        return {
            "silence": _pauses(levels) | {"zero samples": self._zeros / self.samples},
            "bit depth": self._depth(),
            "loudness": {
                "RMS": _db(rms**2),
                "peak": _db(self._peak**2),
                "peak over RMS": _db(self._peak**2) - _db(rms**2),
                "LUFS": _loudness(np.concatenate(self._weighted)),
                "range": float(np.percentile(levels, 95) - np.percentile(levels, 10)),
            },
            "offset": {"mean": mean, "mean of RMS": mean / max(rms, _FLOOR)},
            "bandwidth": self._bandwidth(),
        }

    def _frame(self, mono: NDArray[np.float64]) -> None:
        """Levels and spectrum of frames that lie in this piece; what lies across its end is passed over."""
        padded = np.pad(mono, (0, max(0, self._size - len(mono))))
        frames = np.lib.stride_tricks.sliding_window_view(padded, self._size)[:: self._step]
        frames = frames - frames.mean(axis=1, keepdims=True)
        power = np.abs(np.fft.rfft(frames * self._window, axis=1)) ** 2 * 2 / (self._size * (self._window**2).sum())
        self._spectrum += power.sum(axis=0)
        self._levels.append(10 * np.log10((frames**2).mean(axis=1) + _FLOOR))
        self._weighted.append(power @ self._weights)

    def _depth(self) -> dict[str, float]:
        """Gaps among the smallest codes betray fewer bits, scaled up afterwards."""
        found = {
            "small codes in use": float((self._codes > 0).mean()),
            "samples at full scale": self._full / self.samples,
        }
        if self._grid is not None:
            found["bits in use"] = float(32 - ((self._grid & -self._grid).bit_length() - 1)) if self._grid else 0.0
        return found

    def _bandwidth(self) -> dict[str, float]:
        """Shares in decibels; what lies over half of the rate is missing, not empty."""
        share = self._spectrum / max(float(self._spectrum.sum()), _FLOOR)
        below = np.cumsum(share)
        heard = 10 * np.log10(share + 1e-30) > 10 * np.log10(share.max() + 1e-30) - _BELOW_HIGHEST_DB
        found = {f"dB over {hz:.0f} Hz": _db(share[self._hz >= hz].sum()) for hz in _OVER_HZ if hz < self.rate_hz / 2}
        for part in _ROLL_OFFS:
            found[f"roll-off {part:.0%}"] = float(self._hz[min(int((below < part).sum()), len(below) - 1)])
        found["highest"] = float(self._hz[np.flatnonzero(heard)[-1]])
        found[f"dB under {_RUMBLE_HZ:.0f} Hz"] = _db(share[self._hz < _RUMBLE_HZ].sum())
        return found


def _pauses(levels: NDArray[np.float64]) -> dict[str, float]:
    """Pauses at both ends and in all; digital silence is one value repeated, which no microphone gives."""
    loud = float(np.percentile(levels, 95))
    pause = levels < max(loud - _QUIET_DB, _SILENT_DB)
    digital = levels <= _db(0.0)
    return {
        "leading": _run(pause) * _STEP_S,
        "trailing": _run(pause[::-1]) * _STEP_S,
        "share": float(pause.mean()),
        "floor": float(np.percentile(levels, 5)) - loud,
        "digital leading": _run(digital) * _STEP_S,
        "digital trailing": _run(digital[::-1]) * _STEP_S,
        "digital share": float(digital.mean()),
    }


def _run(mask: NDArray[np.bool_]) -> int:
    """How many are true before the first that is not."""
    others = np.flatnonzero(~mask)
    return int(others[0]) if len(others) else len(mask)


def _loudness(weighted: NDArray[np.float64]) -> float:
    """Integrated loudness of ITU-R BS.1770, K-weighted by spectrum; of whole blocks of 0.4 s, gated."""
    if len(weighted) > _GATE_FRAMES:
        blocks = np.lib.stride_tricks.sliding_window_view(weighted, _GATE_FRAMES)[::_GATE_STEP].mean(axis=1)
    else:
        blocks = weighted.mean(keepdims=True)
    blocks = _over(blocks, _ABSOLUTE_GATE)
    return _lufs(float(_over(blocks, _lufs(float(blocks.mean())) + _RELATIVE_GATE).mean()))


def _over(blocks: NDArray[np.float64], gate: float) -> NDArray[np.float64]:
    """Those louder than a gate; all where none is."""
    kept = blocks[[_lufs(block) > gate for block in blocks]]
    return kept if len(kept) else blocks


def _lufs(power: float) -> float:
    return _LUFS_OFFSET + _db(power)


def _k_weights(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    turn = np.exp(-2j * np.pi * np.minimum(hz, 24_000.0) / 48_000)
    gain = np.ones(len(hz), complex)
    for above, under in (_SHELF, _HIGH_PASS):
        gain *= np.polyval(above[::-1], turn) / np.polyval(under[::-1], turn)
    return np.asarray(np.abs(gain) ** 2, np.float64)


def _db(power: float) -> float:
    return float(10 * np.log10(power + _FLOOR))
