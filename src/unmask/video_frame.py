"""One decoded frame of a video: an upright picture in 8-bit RGB, whatever it was stored as, and what is cut from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.card import Cut
from unmask.errors import NothingToJudgeError, UnreadableError
from unmask.faces import Face
from unmask.limits import Limits
from unmask.modalities import image
from unmask.modalities.image import LEAST_SIDE_PX, Photo
from unmask.types import Pixels, Segment, Source

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_TURNS: Final = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    -180: Image.Transpose.ROTATE_180,
    -90: Image.Transpose.ROTATE_270,
}
_PQ, _HLG = 16, 18  # transfer characteristics of ITU-T H.273

_TO_709: Final = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
"""BT.2020 to BT.709 primaries, linear light (ITU-R BT.2087)."""

_WHITE_CD_M2: Final = 203.0
"""What standard white is shown at within HDR (ITU-R BT.2408)."""


_KNEE: Final = 0.75


def upright(frame: VideoFrame) -> tuple[Image.Image, tuple[str, ...]]:
    """The picture, and what had to be done to it, in sentences.

    Frames with high dynamic range are brought to the standard one, and of interlaced frames one field is kept, because
    two fields show a moving face at two times.
    """
    notes = []
    if getattr(frame, "color_trc", 0) in (_PQ, _HLG):
        pixels = _standard_range(frame.to_ndarray(format="rgb48le").astype(np.uint16), frame.color_trc)
        notes.append("the video has a high dynamic range, which was brought to the standard one")
    else:
        pixels = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    picture = Image.fromarray(pixels)
    if frame.interlaced_frame:
        picture = Image.fromarray(pixels[::2]).resize(picture.size, Image.Resampling.BICUBIC)
        notes.append("the video is interlaced: one field of each frame was looked at")
    turn = _TURNS.get(round(frame.rotation / 90) * 90)
    return (picture if turn is None else picture.transpose(turn)), tuple(notes)


def segments(time_s: float, picture: Image.Image, cut: Cut, faces: Sequence[Face]) -> list[Segment]:
    """What a detector looks at in one frame, cut as in photos; their regions say when, to the millisecond."""
    when = {"start_s": round(time_s, 3), "end_s": round(time_s, 3)}
    made = image.segments(Photo(Source(path=""), picture), cut, faces)
    return [replace(one, region=one.region.model_copy(update=when)) for one in made]


def check_size(width: int, height: int, limits: Limits) -> None:
    """Refuse frames that are too large to decode, or too small to judge.

    Raises:
        UnreadableError: Over a limit.
        NothingToJudgeError: Too small.
    """
    if width * height > limits.pixels or max(width, height) > limits.side_px:
        raise UnreadableError(
            f"the video announces {width} x {height} px; the limit is {limits.pixels:,} px in all "
            f"and {limits.side_px:,} px a side"
        )
    if width and height and min(width, height) < LEAST_SIDE_PX:
        what = f"the video is {width} x {height} px; each side needs at least {LEAST_SIDE_PX} px"
        raise NothingToJudgeError(what)


def _standard_range(stored: NDArray[np.uint16], transfer: int) -> Pixels:
    """BT.2100 to BT.709: linear light, the colours of the smaller gamut, highlights rolled off."""
    signal = stored.astype(np.float32) / np.float32(65535)
    linear = _linear_pq(signal) if transfer == _PQ else _linear_hlg(signal)
    light = np.clip(linear @ _TO_709.T.astype(np.float32), 0, None)
    over = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    rolled = np.minimum(light, _KNEE) + (1 - _KNEE) * (
        1 - np.exp(-over)
    )  # faces lie under the knee and stay as they are
    encoded = np.where(rolled < 0.018, 4.5 * rolled, 1.099 * np.maximum(rolled, 1e-6) ** 0.45 - 0.099)
    shown: Pixels = np.clip(np.round(encoded * 255), 0, 255).astype(np.uint8)
    return shown


def _linear_pq(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """SMPTE ST 2084, in units of standard white."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = signal ** np.float32(1 / m2)
    linear: NDArray[np.float32] = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** np.float32(1 / m1)
    return linear * np.float32(10000 / _WHITE_CD_M2)


def _linear_hlg(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """ARIB STD-B67, in units of standard white (a signal of .75)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12).astype(np.float32)
    return scene / np.float32((np.exp((0.75 - c) / a) + b) / 12)
