"""From a video to one strip: its main person at moments spread over it, cut as scanning cuts, in windows.

The video is read once, frame by frame; what is kept of a frame are the squares around its faces. Those of the person
who is seen most make the strip (`unmask.strips`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from unmask import journal, moments, strips, trees, video_frame
from unmask.card import Cut
from unmask.errors import MediaError, UsageError
from unmask.face_search import FaceSearch
from unmask.faces import own_finder
from unmask.journal import Note
from unmask.manifest import Item
from unmask.modalities import video as videos
from unmask.near_duplicates import thumbnail
from unmask.splits import without_leaks
from unmask.tracks import Linker
from unmask.traits import Traits
from unmask.types import Segment

WINDOWS: Final = 4
"""So many windows are cut from a video that has frames enough; a scan of 32 frames in windows of eight sees as many."""

_FACES: Final = 8
"""Faces of a frame that may be the main person; of a crowd the smallest are passed over."""


def refuse_pictures(table: Path, items: Sequence[Item]) -> None:
    """A cut with frames is of videos alone.

    Raises:
        UsageError: Some items are pictures.
    """
    stills = [item.path for item in items if item.path.suffix.lower() in trees.PICTURES - {".gif"}]
    if stills:
        what = f"{len(stills):,} of {len(items):,} items are pictures ({stills[0].name}), and this cut looks at persons"
        raise UsageError(f"{what} in videos: make clips of them first, with unmask films {table} FOLDER")


def write_one(item: Item, out: Path, cut: Cut) -> Note:
    """The strip of one video, and a note of where it lies or why there is none."""
    note: Note = {"path": journal.key(item.path), "quality": None, "file": None, "reason": None, "attributes": {}}
    try:
        looks = main_person(item.path, cut)
        sha256 = _sha256(item.path)
    except MediaError as error:
        return {**note, "reason": str(error)}
    fit = [one for one in looks if one.unfit is None]
    if not fit:
        return {**note, "reason": looks[0].unfit if looks else "no face was found"}
    pixels = np.stack([one.pixels for one in fit])
    file = Path("segments") / f"{sha256}.png"
    (out / file).parent.mkdir(exist_ok=True)
    strips.write_strip(out / file, [pixels[window] for window in strips.deal(len(fit), cut.frames or 1)])
    note["attributes"] = {
        "original": journal.key(item.path),
        "original_sha256": sha256,
        "times_s": " ".join(f"{one.region.start_s or 0:.3f}" for one in fit),
    }
    return {**note, "file": file.as_posix()}


def main_person(video: Path, cut: Cut) -> list[Segment]:
    """The looks at whoever is seen in most frames, of several the largest, in the order of time.

    Args:
        video: The file.
        cut: With `frames`.

    Returns:
        Face segments whose regions say when they were seen; those that must not be judged say why.

    Raises:
        MediaError: The file cannot be read as a video.
    """
    linker = Linker()
    cuts: list[dict[int, Segment]] = []
    search = FaceSearch(own_finder(), cut.least_px, _FACES)
    with videos.opened(video) as film:
        for still in film.stills(moments.spread(film, WINDOWS * (cut.frames or 1))):
            faces = search.find(still.image)
            linker.add(still.time_s, still.image, faces)
            made = video_frame.segments(still.time_s, still.image, cut, faces)
            cuts.append({id(face): segment for face, segment in zip(faces, made, strict=True)})
    trails = linker.trails()
    return [cuts[one.frame][id(one.face)] for one in trails[0].sightings] if trails else []


def sound(items: Sequence[Item], cut: Cut) -> list[Item]:
    """Strips without those that have a relative in a split that is tested or validated on (`splits.without_leaks`).

    The looks in the middle stand for the videos: a strip as a whole is too tall a picture to be compared.
    """
    traits = []
    for item in items:
        windows = strips.read_windows(item, cut)
        look = windows[len(windows) // 2][0]
        traits.append(Traits(sha256=item.attributes.get("original_sha256"), thumbnail=thumbnail(Image.fromarray(look))))
    return without_leaks(items, traits=traits)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
