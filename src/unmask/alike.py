"""A data set whose pictures are alike in size and compression, so that neither can stand for the truth.

Sources rarely come alike: one generator draws at 768 px, its photos are 250 px wide; reals are JPEG of quality 90,
fakes of 95. A network reads that. Here every picture, real or fake, is written once more in the same way
(`perturb.PERTURBATIONS`); the copies and their manifest are a data set again. What the treatment costs, it costs both
classes: the finest traces are gone for good. What it cannot undo is an earlier compression that differed much: of
pictures that were once of quality 85 and 95, some of the difference survives a second saving at 75.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from unmask import journal, manifest, perturb, traits
from unmask.audit import PROBE_LIMIT
from unmask.errors import MediaError, UsageError
from unmask.journal import Note, Progress, Written
from unmask.manifest import Item
from unmask.modalities import image as pictures
from unmask.probes import LEAST_PER_CLASS, probe
from unmask.runtime import usable_cores
from unmask.splits import related
from unmask.traits import Traits

TREATMENT: Final = "side-256-q75"
MANIFEST: Final = "manifest.csv"
KEPT: Final = "kept.csv"
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
    return copies(table, out, treatment, partial(_copy, out=out, treatment=treatment), jobs=jobs, progress=progress)


def copies(
    table: Path,
    out: Path,
    setting: str,
    copy: Callable[[Path], Note],
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write a copy of every file of a manifest, and the manifest of the copies.

    Args:
        table: The manifest.
        out: Folder for both; made if missing.
        setting: What is done, in a line. A folder takes copies of one setting only.
        copy: Writes the copy of one file; a function of a module. Its note holds "path", and "file" (below `out`) or
            "reason"; all else in it becomes columns of the manifest.
        jobs: Processes; all usable cores when None.
        progress: Called with files done and files in all.

    Raises:
        ManifestError: The manifest cannot be used.
        UsageError: `out` holds copies of another setting.
        UnmaskError: The disk is full. What was done stays.
    """
    items = manifest.read(table)
    with journal.room(out):
        (out / COPIES).mkdir(parents=True, exist_ok=True)
        _claim(out, setting)
        done = journal.read(out / _JOURNAL)
        paths = {journal.key(item.path): item.path for item in items}
        waiting = [path for name, path in paths.items() if name not in done]
        before = len(paths) - len(waiting)
        shown = (lambda n, _: progress(before + n, len(paths))) if progress else None
        done |= journal.work(out / _JOURNAL, copy, waiting, jobs or usable_cores(), shown)
        notes = [done[journal.key(item.path)] for item in items]
        kept = [
            manifest.recut(item, out / note["file"], original=note["path"], **_columns(note))
            for item, note in zip(items, notes, strict=True)
            if note["file"]
        ]
        manifest.write(out / MANIFEST, kept)
    return Written(out / MANIFEST, len(kept), journal.left_out(notes))


def keep(table: Path, out: Path, sources: Sequence[str], *, progress: Progress | None = None) -> Written:
    """List the files of some sources as they are, for `unmask prepare --also`: of sources that came alike.

    Nothing is copied. A source is refused where size, bytes, compression, format or metadata of its files tells real
    from fake, as `unmask audit` asks it.

    Args:
        table: The manifest.
        out: Folder of the list; made if missing.
        sources: Whose files.
        progress: Called with files read and files in all.

    Raises:
        ManifestError: The manifest cannot be used.
        UsageError: A source is not in it, has too few files to ask, or they tell the label.
        MissingExtraError: scikit-learn, which the probes need, is not installed.
        UnmaskError: The disk is full.
    """
    items = [item for item in manifest.read(table) if item.source in sources]
    missing = sorted(set(sources) - {item.source for item in items})
    if missing:
        raise UsageError(f"{table} has no items of the source {', '.join(missing)}")
    read = traits.read_all([item.path for item in items], progress)
    sound = [(item, one) for item, one in zip(items, read, strict=True) if one.problem is None]
    for source in sources:
        _demand_alike(source, [(item, one) for item, one in sound if item.source == source])
    with journal.room(out):
        out.mkdir(parents=True, exist_ok=True)
        manifest.write(out / KEPT, [item for item, _ in sound])
    return Written(out / KEPT, len(sound), journal.left_out({"reason": one.problem} for one in read))


def stem(path: Path, out: Path) -> Path:
    """Where the copy of a file goes, without its suffix: the same for the same file."""
    name = journal.key(path)
    return out / COPIES / hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:20]


def _demand_alike(source: str, sound: Sequence[tuple[Item, Traits]]) -> None:
    items, read = [item for item, _ in sound], [one for _, one in sound]
    found = probe(read, [item.label for item in items], related(items, read))
    if not found:
        raise UsageError(
            f"{source} has fewer than {LEAST_PER_CLASS} distinct files of a class: too few to know whether they came "
            "alike; keep none of it as it is"
        )
    telling = [f"{name} ({told.value:.2f})" for name, told in found.items() if told.value >= PROBE_LIMIT]
    if telling:
        raise UsageError(
            f"{source} did not come alike: real and fake are told apart by {', '.join(telling)} of the files, where "
            "0.50 is chance; learn from its copies alone"
        )


def _columns(note: Note) -> dict[str, str]:
    return {name: str(value) for name, value in note.items() if name not in ("path", "file", "reason")}


def _claim(out: Path, setting: str) -> None:
    path = out / _SETTINGS
    if path.is_file() and path.read_text(encoding="utf-8") != setting:
        raise UsageError(f"{out} holds copies of another treatment: choose another folder, or remove this one")
    path.write_text(setting, encoding="utf-8")


def _copy(path: Path, out: Path, treatment: str) -> Note:
    note: Note = {"path": journal.key(path), "file": None, "reason": None}
    try:
        made = perturb.write(treatment, pictures.load(path).image, stem(path, out))
    except MediaError as error:
        return {**note, "reason": str(error)}
    return {**note, "file": made.relative_to(out).as_posix()}
