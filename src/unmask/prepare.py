"""Cut the segments of a labelled data set once, with the code that scans, and lay them on disk for training.

A prepared folder is a data set again: `manifest.csv` over PNG files, so `audit` and `train` read it like any other.
Both classes go through the same cut and the same lossless format, so neither size, nor the bytes of a codec, nor
quantisation, nor metadata is left to tell them apart; the pixels themselves are not touched.

One file holds all segments of one picture, stacked downwards: a face crop, or up to nine patches; or, where the cut
has `frames`, the looks at one person of a video (`prepare_tracks`). Of recordings it holds windows of speech
(`prepare_speech`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image
from pydantic import ValidationError

from unmask import journal, manifest, prepare_speech, prepare_tracks, splits, trees
from unmask.card import Cut
from unmask.errors import MediaError, UsageError
from unmask.faces import Face, main_face, own_finder
from unmask.journal import Note, Progress, Written
from unmask.manifest import Item
from unmask.modalities import image as image_modality
from unmask.modalities.image import Photo
from unmask.runtime import usable_cores
from unmask.types import Segment

MANIFEST: Final = "manifest.csv"
CUT: Final = "cut.json"
_JOURNAL: Final = "done.jsonl"

REENCODED: Final = "reencoded"
"""Column of a prepared manifest: the JPEG quality that an item was saved with once more; empty for most."""

Task = tuple[Item, Path, Cut, int | None]
"""An item, the folder for its segments, the cut, and the quality to save it with first."""


def prepare(
    table: Path,
    out: Path,
    cut: Cut,
    *,
    also: Sequence[Path] = (),
    reencode: Mapping[str, int] | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Written:
    """Cut every item of a manifest, or of several.

    Work that was interrupted goes on where it stopped: each finished item is noted in a journal in `out`. Pixels are
    written as they are cut and never held.

    Args:
        table: The manifest of the original files.
        out: Folder for the cuts; made if missing.
        cut: How to cut; the recipe's, and later the card's.
        also: Further manifests, of files that were made from those of the first, for one.
        reencode: Source to JPEG quality, for sources whose classes came with different compression: all their files,
            real and fake, are first saved once more with this quality, which must be below that of both.
        jobs: Processes; all usable cores when None.
        progress: Called with items done and items in all.

    Raises:
        ManifestError: The manifest cannot be used.
        UsageError: `out` already holds segments of another cut, or items are of another kind than the cut; or
            `reencode` is asked of what is no picture.
        UnmaskError: The disk is full. What was done stays.
    """
    items = [item for one in (table, *also) for item in manifest.read(one)]
    _refuse_others(table, items, cut)
    if reencode and (cut.frames is not None or cut.kind == "speech"):
        raise UsageError("only pictures are saved once more before they are cut: leave `reencode` out of the recipe")
    with journal.room(out):
        out.mkdir(parents=True, exist_ok=True)
        _claim(out, cut)
        notes = _notes(items, out, cut, reencode or {}, jobs or usable_cores(), progress)
        kept = [
            manifest.recut(item, out / note["file"], **note["attributes"])
            for item, note in zip(items, notes, strict=True)
            if note["file"]
        ]
        # Two photos may differ and their faces not: leaks are looked for among the cuts, and test stays whole.
        sound = splits.without_leaks(kept) if cut.frames is None else prepare_tracks.sound(kept, cut)
        manifest.write(out / MANIFEST, sound)
    left_out = journal.left_out(notes)
    if len(sound) < len(kept):
        left_out["looks like an item of a split that is tested or validated on"] = len(kept) - len(sound)
    return Written(out / MANIFEST, len(sound), left_out)


def read_cut(folder: Path) -> Cut:
    """The cut that a prepared folder was made with.

    Raises:
        UsageError: The folder was not made by `prepare`, or by one that cut otherwise.
    """
    path = folder / CUT
    if not path.is_file():
        raise UsageError(f"{folder} holds no {CUT}: make the folder with unmask prepare")
    try:
        return Cut.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UsageError(f"{path} is not valid: make the folder anew with unmask prepare") from error


def read_segments(item: Item, size_px: int) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """The segments of one prepared item: uint8 (S, S, 3) each."""
    with Image.open(item.path) as strip:
        pixels = np.asarray(strip, np.uint8)
    return [pixels[top : top + size_px] for top in range(0, pixels.shape[0], size_px)]


def _claim(out: Path, cut: Cut) -> None:
    path = out / CUT
    if not path.is_file():
        path.write_text(cut.model_dump_json(indent=2) + "\n", encoding="utf-8")
    elif read_cut(out) != cut:
        raise UsageError(f"{out} holds segments of another cut: choose another folder, or remove this one")


def _refuse_others(table: Path, items: Sequence[Item], cut: Cut) -> None:
    """What this cut cannot be made of must fail before the work, not in its midst."""
    if cut.kind == "speech":
        prepare_speech.refuse_others(table, items)
    elif cut.frames is not None:
        prepare_tracks.refuse_pictures(table, items)
    else:
        _refuse_videos(table, items)


def _refuse_videos(table: Path, items: Sequence[Item]) -> None:
    videos = [item.path for item in items if item.path.suffix.lower() in trees.VIDEOS]
    if videos:
        what = (
            f"{len(videos):,} of {len(items):,} items are videos ({videos[0].name}): take stills of them first, with "
        )
        raise UsageError(f"{what}unmask frames {table} FOLDER, and prepare FOLDER/manifest.csv")


def _notes(
    items: Sequence[Item], out: Path, cut: Cut, qualities: Mapping[str, int], jobs: int, progress: Progress | None
) -> list[Note]:
    """A note for each item, of this run or an earlier one."""
    done = journal.read(out / _JOURNAL)
    tasks = ((item, out, cut, qualities.get(item.source)) for item in items)
    waiting = [task for task in tasks if not _is_done(task, done)]
    before = len(items) - len(waiting)
    shown = (lambda count, _: progress(before + count, len(items))) if progress else None
    done |= journal.work(out / _JOURNAL, _prepare_one, waiting, jobs, shown)
    return [done[journal.key(item.path)] for item in items]


def _is_done(task: Task, done: Mapping[str, Note]) -> bool:
    """Noted, and with the quality that is wanted now."""
    item, _, _, quality = task
    note = done.get(journal.key(item.path))
    return note is not None and note.get("quality") == quality


def _prepare_one(task: Task) -> Note:
    item, out, cut, quality = task
    if cut.kind == "speech":
        return prepare_speech.write_one(item, out, cut)
    if cut.frames is not None:
        return prepare_tracks.write_one(item, out, cut)
    note: Note = {"path": journal.key(item.path), "quality": quality, "file": None, "reason": None, "attributes": {}}
    try:
        photo = image_modality.load(item.path)
    except MediaError as error:
        return {**note, "reason": str(error)}
    if quality is not None:
        photo = replace(photo, image=_reencoded(photo.image, quality))
    segments = _segments(item, photo, cut)
    fit = [segment for segment in segments if segment.unfit is None]
    if not fit:
        return {**note, "reason": segments[0].unfit if segments else _NOTHING[cut.kind]}
    file = Path("segments") / f"{photo.source.sha256}.png"
    (out / file).parent.mkdir(exist_ok=True)
    # A stop while writing must not leave a torn file under a name that an earlier run may have noted as done.
    draft = out / file.with_suffix(f".{os.getpid()}")
    try:
        Image.fromarray(np.concatenate([segment.pixels for segment in fit])).save(draft, "PNG")
        draft.replace(out / file)
    finally:
        draft.unlink(missing_ok=True)
    attributes = {"original": journal.key(item.path), "original_sha256": str(photo.source.sha256)}
    if quality is not None:
        attributes[REENCODED] = str(quality)
    if len(fit) == 1 and fit[0].landmarks_px is not None:
        attributes["landmarks_px"] = " ".join(f"{value:.2f}" for value in fit[0].landmarks_px.ravel())
    return {**note, "file": file.as_posix(), "attributes": attributes}


def _reencoded(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


_NOTHING: Final = {"face": "no face was found", "patch": "smaller than one patch", "whole": "nothing to cut"}


def _segments(item: Item, photo: Photo, cut: Cut) -> list[Segment]:
    if cut.kind == "whole":
        return image_modality.segments(photo, cut)
    faces, _ = own_finder().find(photo.image)
    face = main_face(faces, photo.image.width, photo.image.height)
    if cut.kind == "patch":
        return image_modality.segments(photo, cut, [face] if face else [])
    if face is None and item.attributes.get("cropped") == "yes":
        return image_modality.segments(photo, cut, [_whole_picture(photo)])
    return image_modality.segments(photo, cut, [face] if face else [])


def _whole_picture(photo: Photo) -> Face:
    """For data sets that say they are face crops: the picture is the face, with landmarks where faces have them."""
    size = np.array(photo.image.size, np.float32)
    usual = np.array([[0.32, 0.4], [0.68, 0.4], [0.5, 0.58], [0.36, 0.76], [0.64, 0.76]], np.float32)
    return Face(np.concatenate([np.zeros(2, np.float32), size]), usual * size, 1.0)
