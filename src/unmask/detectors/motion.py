"""How a face moves: trembling landmarks, a frozen expression, blinking, the rhythm of the mouth, the turn of the head.

Everything is measured on four seconds of one person (`burst.Burst`) and relative to something in the same pictures, so
that noise and compression, which all faces have, do not decide. Where two papers are named, the idea is theirs and the
measure is a simpler one: five landmarks and small pictures are all there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask import mouth
from unmask.burst import PLACES, Burst, similarity, smooth
from unmask.types import Curve

NAME: Final = "motion"

Floats = NDArray[np.float64]

FEATURES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "jitter": (
            "trembling of the landmarks, without movement of the head, in % of the distance between the eyes",
            "",
        ),
        "jumps": ("how far the strongest trembling stands above the usual one", ""),
        "flicker": ("flicker in the middle of the face against its border: log of the ratio", ""),
        "liveliness": ("change of the face within 0.4 s against that from frame to frame: log of the ratio", ""),
        "blinks": ("closings of the eyes for each second", "Li, Chang & Lyu 2018, arXiv:1806.02877"),
        "eyes together": ("correlation of how far the left and the right eye are open", "Li, Chang & Lyu 2018"),
        "mouth rhythm": (
            "share of the mouth's movement between 2 and 7 times a second, where speech has it",
            "Chandrasekaran et al. 2009, doi:10.1371/journal.pcbi.1000436",
        ),
        "mouth motion": ("spread of the mouth's opening: log", ""),
        "turning": ("spread of the head's turn to the side: log", ""),
        "pose gap": (
            "how far the turn seen at the eyes and that seen at the mouth part from each other over time",
            "Yang, Li & Lyu 2019, arXiv:1811.00661",
        ),
        "head and face": ("correlation of the speed of the head and the change of the face", ""),
    }
)
"""Name to what it measures and the paper it follows."""

_EYES: Final = ((slice(33, 52), slice(31, 50)), (slice(33, 52), slice(63, 82)))
_CHEEKS: Final = (slice(52, 64), slice(34, 78))
_MIDDLE: Final = (slice(34, 92), slice(36, 76))
_LATER_S: Final = 0.4
_SPEECH_HZ: Final = (2.0, 7.0)
_SLOWEST_HZ: Final = 0.5
_CLOSED: Final = 0.82
_AROUND_S: Final = 1.2
_BLINK_S: Final = (0.06, 0.6)
_STILL: Final = 1.3
USUAL_JITTER: Final = 0.75
"""95 of 100 real clips of train and val stay below this; noise and JPEG alone give 0.06 to 0.1."""

_USUAL_FLICKER: Final = 0.65  # likewise


def measure(burst: Burst) -> dict[str, float]:
    """The features of one person, by their names in `FEATURES`; NaN where one cannot be measured."""
    trembling = jitter(burst)
    grey = mouth.luma(burst.faces).astype(np.float64)
    turn, mouth_turn = turns(burst)
    opened = np.stack(eyes(burst))
    opening = mouth.opening(burst)
    slow, fast = _changes(grey, burst.rate_hz)
    speed = np.abs(np.gradient(smooth(turn.astype(np.float32)))) + np.abs(np.gradient(_shift(burst)))
    return {
        "jitter": float(np.median(trembling)),
        "jumps": float(np.log((np.percentile(trembling, 95) + 0.01) / (np.median(trembling) + 0.01))),
        "flicker": _flicker(grey),
        "liveliness": float(np.log(np.median(slow) / max(float(np.median(fast)), 1e-6))),
        "blinks": len(blinks(burst)) / max(burst.end_s - burst.start_s, 1e-6),
        "eyes together": _correlation(opened[0], opened[1]),
        "mouth rhythm": _rhythm(opening, burst.rate_hz),
        "mouth motion": float(np.log(max(float(opening.std()), 1e-4))),
        "turning": float(np.log(max(float(smooth(turn.astype(np.float32)).std()), 1e-4))),
        "pose gap": float(np.std(smooth((turn - mouth_turn).astype(np.float32)))),
        "head and face": _correlation(speed[-len(slow) :], slow),
    }


def curves(burst: Burst, track: int | None = None) -> list[Curve]:
    """What a page draws: jitter, the turn of the head, the opening of the mouth and of the eyes."""
    series = (
        ("jitter", "% of the distance between the eyes", jitter(burst)),
        ("turn of the head", "distances between the eyes", smooth(turns(burst)[0].astype(np.float32))),
        ("opening of the mouth", "", mouth.opening(burst)),
        ("opening of the eyes", "", np.mean(eyes(burst), axis=0)),
    )
    times = tuple(round(float(time), 3) for time in burst.times_s)
    return [
        Curve(
            detector=NAME,
            name=name,
            unit=unit,
            track=track,
            times_s=times,
            values=tuple(round(float(v), 4) if seen else None for v, seen in zip(values, burst.found, strict=True)),
        )
        for name, unit, values in series
    ]


def sentence(burst: Burst, measured: Mapping[str, float]) -> str:
    """What stands out, for a reader who has never heard of landmarks."""
    seconds = burst.end_s - burst.start_s
    count = len(blinks(burst))
    seen = [f"the eyes close {count} times" if count > 1 else "the eyes close once" if count else "no blink is seen"]
    if measured["jitter"] > USUAL_JITTER:
        seen.append(
            "the features of the face tremble against each other more than in nearly all real clips we measured"
        )
    still = _longest_still(burst)
    if still > seconds / 2 and still > 1.0:
        seen.append(f"for {still:.1f} s the expression hardly changes")
    if measured["mouth motion"] > np.log(mouth.LEAST_MOVEMENT):
        part = measured["mouth rhythm"]
        seen.append(f"the mouth moves, {part:.0%} of it in the rhythm of speech")
    else:
        seen.append("the mouth hardly moves")
    if measured["flicker"] > _USUAL_FLICKER:
        seen.append("the middle of the face flickers more against its border than in nearly all real clips we measured")
    return f"in {seconds:.1f} s of movement " + ", ".join(seen)


def jitter(burst: Burst) -> Floats:
    """Trembling of the five landmarks once turn, size and place are taken out: float64 (T,), % of eye distance.

    Each frame's shape is laid on `burst.PLACES` by a similarity transform; what is left is compared with the mean of
    the frames before and after, which takes out all slow change of expression.
    """
    shapes = np.stack([_laid(marks) for marks in burst.landmarks.astype(np.float64)])
    apart = shapes[1:-1] - (shapes[:-2] + shapes[2:]) / 2
    size = float(np.linalg.norm(PLACES[1] - PLACES[0]))
    inner = np.sqrt((apart**2).sum(axis=-1).mean(axis=-1) / 1.5) / size * 100  # 1.5: variance of that difference
    return np.concatenate([inner[:1], inner, inner[-1:]])


def turns(burst: Burst) -> tuple[Floats, Floats]:
    """Turn of the head to the side, once by the nose between the eyes, once by the mouth under them: float64 (T,) each.

    In distances between the eyes, along the line of the eyes; 0 looks straight ahead, above 0 to the picture's right.
    """
    points = burst.landmarks.astype(np.float64) @ np.array([1, 1j])
    across = points[:, 1] - points[:, 0]
    centre = (points[:, 0] + points[:, 1]) / 2
    safe = np.where(np.abs(across) > 1e-6, across, 1)
    nose = ((points[:, 2] - centre) / safe).real
    lips = (((points[:, 3] + points[:, 4]) / 2 - centre) / safe).real
    return nose, lips


def eyes(burst: Burst) -> tuple[Floats, Floats]:
    """How far the eyes are open: float64 (T,) each.

    White beside iris is contrast along the line of the eyes, which a lid has not: the strongest spread along a row of
    pixels, without its slope, against the brightness of the cheeks. How high the eye lies does not matter.
    """
    grey = mouth.luma(burst.faces).astype(np.float64)
    skin = np.maximum(grey[:, *_CHEEKS].mean(axis=(1, 2)), 1.0)
    found = []
    for eye in _EYES:
        rows = grey[:, *eye]
        place = np.arange(rows.shape[2]) - (rows.shape[2] - 1) / 2
        rows = rows - rows.mean(axis=2, keepdims=True)
        rows = rows - (rows * place).sum(axis=2, keepdims=True) / (place**2).sum() * place
        spread = rows.std(axis=2)
        found.append(((spread[:, 1:] + spread[:, :-1]) / 2).max(axis=1) / skin)
    return found[0], found[1]


def blinks(burst: Burst) -> list[tuple[float, float]]:
    """Start and end in seconds of each time the eyes close and open again.

    They count as closed where they are open less than 0.82 of what they mostly are within 1.2 s around: in the clips
    that were looked at, blinks went down to 0.7 and an open eye seldom under 0.85.
    """
    opened = np.mean(eyes(burst), axis=0)
    reach = max(1, round(_AROUND_S * burst.rate_hz))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(opened, reach, mode="reflect"), 2 * reach + 1)
    shut = opened < _CLOSED * np.percentile(around, 75, axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shut.astype(np.int8), [0]]))).reshape(-1, 2)
    step = 1 / burst.rate_hz
    found = [(float(burst.times_s[a]), float(burst.times_s[b - 1]) + step) for a, b in edges if a > 0 and b < len(shut)]
    return [(a, b) for a, b in found if _BLINK_S[0] <= b - a <= _BLINK_S[1]]


def _laid(marks: Floats) -> Floats:
    turn, shift = similarity(marks, PLACES)
    points = turn * (marks @ np.array([1, 1j])) + shift
    return np.stack([points.real, points.imag], axis=-1)


def _shift(burst: Burst) -> Floats:
    middles = (burst.boxes[:, :2] + burst.boxes[:, 2:]) / 2 / max(burst.eyes_px, 1e-6)
    return np.asarray(np.linalg.norm(smooth((middles - middles[:1]).astype(np.float32)), axis=1))


def _changes(grey: Floats, rate_hz: float) -> tuple[Floats, Floats]:
    """Change of the middle of the face within 0.4 s, and from frame to frame, in grey levels."""
    middle = grey[:, *_MIDDLE]
    middle = middle - middle.mean(axis=(1, 2), keepdims=True)
    step = min(max(1, round(_LATER_S * rate_hz)), len(middle) - 1)
    slow, fast = (np.abs(middle[gap:] - middle[:-gap]).mean(axis=(1, 2)) for gap in (step, 1))
    return slow, fast


def _longest_still(burst: Burst) -> float:
    slow, fast = _changes(mouth.luma(burst.faces).astype(np.float64), burst.rate_hz)
    still = slow < _STILL * max(float(np.median(fast)), 1e-6)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(np.int8), [0]]))).reshape(-1, 2)
    runs = [(b - a) / burst.rate_hz + _LATER_S for a, b in edges]
    return float(max(runs, default=0.0))


def _flicker(grey: Floats) -> float:
    flicker = np.abs(grey[1:-1] - (grey[:-2] + grey[2:]) / 2)
    inside = np.zeros(grey.shape[1:], bool)
    inside[_MIDDLE] = True
    border = np.zeros_like(inside)
    border[18:104, 20:92] = True
    border &= ~inside
    return float(np.log((np.median(flicker[:, inside]) + 0.1) / (np.median(flicker[:, border]) + 0.1)))


def _rhythm(values: Floats, rate_hz: float) -> float:
    spectrum = np.abs(np.fft.rfft((values - values.mean()) * np.hanning(len(values)))) ** 2
    hz = np.fft.rfftfreq(len(values), 1 / rate_hz)
    moving = spectrum[hz >= _SLOWEST_HZ].sum()
    inside = spectrum[(hz >= _SPEECH_HZ[0]) & (hz <= _SPEECH_HZ[1])].sum()
    return float(inside / moving) if moving > 1e-12 else float("nan")


def _correlation(one: Floats, other: Floats) -> float:
    if one.std() < 1e-9 or other.std() < 1e-9:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
