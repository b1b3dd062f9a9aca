"""A data set whose pictures are alike in size and compression, so that neither can stand for the truth.

Sources rarely come alike: one generator draws at 768 px, its photos are 250 px wide; reals are JPEG of quality 90,
fakes of 95. A network reads that. Here every picture, real or fake, is written once more in the same way
(`perturb.PERTURBATIONS`); the copies and their manifest are a data set again. What the treatment costs, it costs both
classes: the finest traces are gone for good. What it cannot undo is an earlier compression that differed much: of
pictures that were once of quality 85 and 95, some of the difference survives a second saving at 75.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Final

from unmask import journal, manifest, perturb
from unmask.errors import MediaError, UsageError
from unmask.journal import Note, Progress, Written
from unmask.modalities import image as pictures
from unmask.runtime import usable_cores

TREATMENT: Final = "side-256-q75"
MANIFEST: Final = "manifest.csv"
COPIES: Final = "pictures"
_SETTINGS: Final = "treatment.txt"
_JOURNAL: Final = "done.jsonl"


def write(
    table: Path, out: Path, *, treatment: str = TREATMENT, jobs: int | None = None, progress: Progress | None = None
) -> Written:
    """Write every picture of a manifest once more, all in the same way.

    Labels, splits and all else stay; the column `original` names the file that a copy is of. Work that was interrupted
    goes on where it stopped.

    Args:
        table: The manifest.
        out: Folder for the copies and their manifest; made if missing.
        treatment: A name of `perturb.PERTURBATIONS`.
        jobs: Processes; all usable cores when None.
        progress: Called with pictures done and pictures in all.

    Raises:
        ManifestError: The manifest cannot be used.
        UsageError: There is no such treatment, or `out` holds copies of another.
        UnmaskError: The disk is full. What was done stays.
    """
    perturb.check([treatment])
    items = manifest.read(table)
    with journal.room(out):
        (out / COPIES).mkdir(parents=True, exist_ok=True)
        _claim(out, treatment)
        done = journal.read(out / _JOURNAL)
        paths = {journal.key(item.path): item.path for item in items}
        waiting = [path for name, path in paths.items() if name not in done]
        before = len(paths) - len(waiting)
        shown = (lambda n, _: progress(before + n, len(paths))) if progress else None
        one = partial(_copy, out=out, treatment=treatment)
        done |= journal.work(out / _JOURNAL, one, waiting, jobs or usable_cores(), shown)
        notes = [done[journal.key(item.path)] for item in items]
        kept = [
            manifest.recut(item, out / note["file"], original=note["path"])
            for item, note in zip(items, notes, strict=True)
            if note["file"]
        ]
        manifest.write(out / MANIFEST, kept)
    return Written(out / MANIFEST, len(kept), journal.left_out(notes))


def _claim(out: Path, treatment: str) -> None:
    path = out / _SETTINGS
    if path.is_file() and path.read_text(encoding="utf-8") != treatment:
        raise UsageError(f"{out} holds copies of another treatment: choose another folder, or remove this one")
    path.write_text(treatment, encoding="utf-8")


def _copy(path: Path, out: Path, treatment: str) -> Note:
    name = journal.key(path)
    note: Note = {"path": name, "file": None, "reason": None}
    stem = out / COPIES / hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:20]
    try:
        made = perturb.write(treatment, pictures.load(path).image, stem)
    except MediaError as error:
        return {**note, "reason": str(error)}
    return {**note, "file": made.relative_to(out).as_posix()}
