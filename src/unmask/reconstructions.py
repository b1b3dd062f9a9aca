"""A data set of fakes: the real pictures of a manifest, drawn again by generators.

Made with generators that no detector has learned from, it is a set of unseen generators on pictures we already have:
the fakes differ from the photos of the same split in nothing but the generator. Each is saved as its photo was, a JPEG
with the photo's own tables, or neither size nor quality nor subsampling would be alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, JpegImagePlugin

from unmask import journal, manifest
from unmask.errors import ManifestError, MediaError, UsageError
from unmask.journal import Note, Progress, Written
from unmask.makers.generators import Generator, pin
from unmask.makers.reconstruct import draw_again
from unmask.manifest import FAKE, REAL, Item
from unmask.modalities import image as pictures
from unmask.runtime import usable_cores

SOURCE: Final = "reconstructions"
MANIFEST: Final = "manifest.csv"
PICTURES: Final = "pictures"
_SETTINGS: Final = "generators.txt"
_JOURNAL: Final = "done.jsonl"

Task = tuple[Path, Generator]


def write(
    table: Path,
    out: Path,
    generators: Sequence[Generator],
    *,
    split: str | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write each real picture of a manifest once as each generator draws it.

    Split, group, licence and all else stay; the label is fake, the method the generator's name, the source
    "reconstructions", and the column `original` names the photo. Work that was interrupted goes on where it stopped.

    Args:
        table: The manifest.
        out: Folder for the fakes and their manifest; made if missing.
        generators: Who draws.
        split: Only pictures of this split; all when None.
        jobs: Processes; all usable cores when None.
        progress: Called with pictures done and pictures in all.

    Raises:
        ManifestError: The manifest cannot be used, or has no real picture in the split.
        UsageError: `out` holds the work of other generators.
        BundleError: A generator's file is not the one that its card describes.
        UnmaskError: The disk is full. What was done stays.
    """
    items = [one for one in manifest.read(table) if one.label == REAL and split in (None, one.split)]
    if not items:
        raise ManifestError(f"{table} has no real picture{f' in the split {split}' if split else ''}")
    with journal.room(out):
        for one in generators:
            one.session()  # a damaged file is found before work begins
            (out / PICTURES / one.card.name).mkdir(parents=True, exist_ok=True)
        _claim(out, generators)
        done = journal.read(out / _JOURNAL)
        tasks = {_key(item.path, one): (item.path, one) for one in generators for item in items}
        waiting = [task for key, task in tasks.items() if key not in done]
        before = len(tasks) - len(waiting)
        shown = (lambda n, _: progress(before + n, len(tasks))) if progress else None
        done |= journal.work(out / _JOURNAL, partial(_draw, out=out), waiting, jobs or usable_cores(), shown)
        notes = [(item, one, done[_key(item.path, one)]) for one in generators for item in items]
        made = [_fake(item, one, out / note["file"]) for item, one, note in notes if note["file"]]
        manifest.write(out / MANIFEST, made)
    return Written(out / MANIFEST, len(made), journal.left_out(note for _, _, note in notes))


def save_alike(pixels: np.ndarray[Any, np.dtype[np.uint8]], original: Path, stem: Path) -> Path:
    """Save a picture as its original was saved: JPEG with the same tables, or else PNG.

    Args:
        pixels: uint8 (H, W, 3).
        original: The file it was made from.
        stem: Where to write, without the ending.
    """
    picture = Image.fromarray(pixels)
    with Image.open(original) as opened:
        if not isinstance(opened, JpegImagePlugin.JpegImageFile) or opened.mode != "RGB":
            path = stem.with_suffix(".png")
            picture.save(path)
            return path
        tables, sampling = opened.quantization, JpegImagePlugin.get_sampling(opened)
    path = stem.with_suffix(".jpg")
    picture.save(path, qtables=tables, subsampling=max(sampling, 0))  # -1: one that Pillow cannot write
    return path


def _fake(item: Item, generator: Generator, path: Path) -> Item:
    kept = {name: value for name, value in item.attributes.items() if name != "original_sha256"}
    attributes = {**kept, "original": str(manifest.located(item.path))}
    made = replace(item, path=path, label=FAKE, method=generator.card.name, source=SOURCE)
    return replace(made, attributes=attributes)


def _claim(out: Path, generators: Sequence[Generator]) -> None:
    path = out / _SETTINGS
    text = pin(generators)
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise UsageError(f"{out} holds the work of other generators: choose another folder, or remove this one")
    path.write_text(text, encoding="utf-8")


def _key(path: Path, generator: Generator) -> str:
    return f"{generator.card.name}:{journal.key(path)}"


def _draw(task: Task, out: Path) -> Note:
    path, generator = task
    note: Note = {"path": _key(path, generator), "file": None, "reason": None}
    name = hashlib.sha256(journal.key(path).encode("utf-8", "surrogateescape")).hexdigest()[:20]
    try:
        pixels = np.asarray(pictures.load(path).image, np.uint8)
    except MediaError as error:
        return {**note, "reason": str(error)}
    made = save_alike(draw_again(pixels, generator.session()), path, out / PICTURES / generator.card.name / name)
    return {**note, "file": made.relative_to(out).as_posix()}
