"""Changed copies of files of any kind, for measuring what a change costs: pictures, videos and recordings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from unmask import kinds, perturb, perturb_sound, perturb_video
from unmask.errors import UsageError
from unmask.limits import DEFAULT_LIMITS
from unmask.manifest import Item
from unmask.modalities import image as pictures


def check(names: Iterable[str], items: Sequence[Item] = ()) -> None:
    """Refuse names that are none, or that some of the items cannot go through, before the work.

    Raises:
        UsageError: The message says which and why.
    """
    wanted = list(names)
    of_pictures = [name for name in wanted if name not in perturb_sound.NAMES]
    perturb.check(of_pictures)
    perturb_video.check(of_pictures, items)
    if items:
        perturb_sound.check(wanted, items)


def write(name: str, path: Path, stem: Path) -> Path:
    """Write a copy of a file, changed as `name` says; the suffix is added to `stem`.

    Raises:
        UsageError: A file of this kind knows no such change.
        MediaError: The file cannot be read.
    """
    if kinds.is_sound(path, DEFAULT_LIMITS):
        return perturb_sound.write(name, path, stem)
    if kinds.is_video(path, DEFAULT_LIMITS):
        return perturb_video.write(name, path, stem)
    if name not in perturb.PERTURBATIONS:
        raise UsageError(f"a picture knows no perturbation {name}; there are: {', '.join(perturb.PERTURBATIONS)}")
    return perturb.write(name, pictures.load(path).image, stem)
