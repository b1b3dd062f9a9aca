"""What happens to videos on their way through the world: compression and scaling, as `perturb` does to pictures.

A copy is the whole video encoded anew by x264, with the same frames at the same times, upright and without sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from PIL import Image

from unmask import encoding
from unmask.errors import NothingToJudgeError, UsageError
from unmask.kinds import is_video
from unmask.limits import DEFAULT_LIMITS
from unmask.manifest import Item
from unmask.modalities import video
from unmask.modalities.video import Still
from unmask.perturb import PERTURBATIONS

HALF_SIZE: Final = "half-size"
NAMES: Final = (*(name for name, one in PERTURBATIONS.items() if one.family == "h264"), HALF_SIZE)
"""Those names of `perturb.PERTURBATIONS` that videos know: H.264 at a CRF, and half the size, which is encoded without
further loss, so that scaling alone is measured."""


def check(names: Iterable[str], items: Sequence[Item]) -> None:
    """Refuse what pictures alone can go through, before the work and not in its midst.

    Raises:
        UsageError: Some items are videos, and a name is not among `NAMES`.
    """
    others = [name for name in names if name not in NAMES]
    videos = [item.path for item in items if is_video(item.path, DEFAULT_LIMITS)] if others else []
    if videos:
        what = f"{', '.join(others)} can be done to pictures only, and {len(videos):,} of {len(items):,} items are "
        raise UsageError(f"{what}videos ({videos[0].name}); videos know {', '.join(NAMES)}")


def write(name: str, path: Path, stem: Path) -> Path:
    """Write a perturbed copy of a video; frame by frame, so that none is held.

    Args:
        name: One of `NAMES`.
        path: The video.
        stem: Where to; the suffix is added.

    Returns:
        The path of the copy.

    Raises:
        UsageError: No such name, or this build of FFmpeg has no x264.
        MediaError: The video cannot be read.
    """
    if name not in NAMES:
        raise UsageError(f"a video knows no perturbation {name}; there are: {', '.join(NAMES)}")
    half = name == HALF_SIZE
    how = encoding.h264(0 if half else int(PERTURBATIONS[name].strength))
    copy = stem.with_name(stem.name + how.suffix)
    with video.opened(path) as film:
        stills = film.between(0.0, film.duration_s)
        count = encoding.write(copy, _halved(stills) if half else stills, how, encoding.EXACT)
    if not count:
        raise NothingToJudgeError("no frame of the video can be decoded")
    return copy


def _halved(stills: Iterable[Still]) -> Iterator[Still]:
    for one in stills:
        size = (max(2, one.image.width // 2), max(2, one.image.height // 2))
        yield Still(one.time_s, one.image.resize(size, Image.Resampling.BICUBIC))
