"""Where somebody speaks, so that silence, noise and music are not judged.

The network is the voice activity detector of the Silero Team (https://github.com/snakers4/silero-vad, MIT, version
6.2.3; `models/silero-vad/LICENSE`), in the form that takes many steps at once: half a minute of sound is one run. Its
file ships in this package, because the wheel that carries it depends on PyTorch.

Its memory is wiped every half minute, and filled again with the second before: minutes of music and hum can drive it to
where it hears no speech any more, however much follows.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from unmask.errors import BundleError
from unmask.words import RATE_HZ, Samples

if TYPE_CHECKING:
    from unmask.runtime import Session

STEP: Final = 512
"""Samples that one answer is about."""

STEP_S: Final = STEP / RATE_HZ

_MODEL: Final = Path(__file__).parent / "models" / "silero-vad" / "silero_vad.onnx"
_SHA256: Final = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"
_BEFORE: Final = 64  # samples of the step before that the network hears again
_WIPED_AFTER: Final = 938  # steps
_HEARD_AGAIN: Final = 32
_BEGINS: Final = 0.5
_ENDS: Final = 0.35
"""Speech begins above the one and ends below the other, so that a dip in a word does not end it."""


class VoiceActivity:
    """Listens to one recording from its beginning, block by block; the answer does not depend on the blocks.

    Args:
        threads: Of the network, which is too small to gain from many.

    Raises:
        BundleError: The network's file is not the one that shipped.
    """

    def __init__(self, threads: int = 1) -> None:
        self._session = _session(threads)
        self._hidden, self._cell = np.zeros((2, 1, 1, 128), np.float32)
        self._since_wiped = 0
        self._last = np.zeros((0, _BEFORE + STEP), np.float32)
        self._rest = np.zeros(0, np.float32)
        self._before = np.zeros(_BEFORE, np.float32)
        self._on = False

    def speaks(self, samples: Samples) -> NDArray[np.bool_]:
        """Whether somebody speaks in the next steps.

        Args:
            samples: float32 (T,), what follows those of the call before. What does not fill a step waits for the next.

        Returns:
            bool (N,), for each `STEP` samples.
        """
        return np.fromiter((self._step(p) for p in self.probabilities(samples)), bool)

    def rest(self) -> NDArray[np.bool_]:
        """The same for what waits at the end, silence after it: bool (N,), N is 0 or 1."""
        return self.speaks(np.zeros(-len(self._rest) % STEP, np.float32))

    def probabilities(self, samples: Samples) -> NDArray[np.float32]:
        """How sure the network is of each of these steps: float32 (N,)."""
        heard = np.concatenate([self._before, self._rest, samples])
        steps = (len(heard) - _BEFORE) // STEP
        self._before, self._rest = np.split(heard[steps * STEP :], [_BEFORE])
        frames = np.lib.stride_tricks.sliding_window_view(heard, _BEFORE + STEP)[::STEP] if steps else self._last[:0]
        found = [np.zeros(0, np.float32)]
        frames = frames - frames.mean(axis=1, keepdims=True)  # an offset would keep it from hearing anything
        while len(frames):
            part, frames = np.split(frames, [_WIPED_AFTER - self._since_wiped])
            found.append(self._run(part))
        return np.concatenate(found)

    def _run(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        before = self._last[:0]
        if self._since_wiped == 0:
            self._hidden, self._cell = np.zeros((2, 1, 1, 128), np.float32)
            before = self._last
        heard = np.concatenate([before, frames])
        out = self._session.feed({"input": heard, "h": self._hidden, "c": self._cell})
        self._hidden, self._cell = out["hn"], out["cn"]
        self._last = np.concatenate([self._last, frames])[-_HEARD_AGAIN:]
        self._since_wiped = (self._since_wiped + len(frames)) % _WIPED_AFTER
        return np.asarray(out["speech_probs"])[len(before) :]

    def _step(self, probability: float) -> bool:
        self._on = probability >= (_ENDS if self._on else _BEGINS)
        return self._on


@cache
def _session(threads: int) -> Session:
    from unmask.runtime import Session  # here, because cutting by other means must not load onnxruntime

    return Session(_graph(_MODEL), threads)


def _graph(path: Path) -> bytes:
    """The network's bytes, after comparing them with those that shipped."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"the network {path} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != _SHA256:
        raise BundleError(f"the network {path} is not the one that shipped: its sha256 differs")
    return data
