"""A data set of short made clips: of each real item a real clip and a fake of it, treated alike in all but the fake.

Both files of a pair show the same frames in the same coding, quality, size and rate, which are drawn before there is a
fake; so nothing but the face can tell them apart. A still becomes a clip by a camera that wanders over it. A fake is
made of the whole clip or, in some clips, of a stretch of it.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from unmask import encoding, footage, journal, manifest
from unmask.errors import ManifestError, MediaError, UsageError
from unmask.evaluate import sample
from unmask.evaluation import relative
from unmask.journal import Note, Written
from unmask.kinds import is_picture
from unmask.makers import Nobody
from unmask.makers.donors import Gallery
from unmask.makers.film import film_makers
from unmask.makers.generators import Generator, pin
from unmask.makers.portrait import Donors, Portrait
from unmask.manifest import FAKE, REAL, Item
from unmask.runtime import usable_cores
from unmask.types import Pixels

SPLITS: Final = ("train", "val")
"""What is tested on lends nothing."""

MANIFEST: Final = "manifest.csv"
CLIPS: Final = "clips"
_FACES: Final = "faces"
_SETTINGS: Final = "films.json"
_FOUND: Final = "faces.jsonl"
_JOURNAL: Final = "done.jsonl"

_CODINGS: Final = {"h264": 0.5, "h265": 0.2, "vp9": 0.2, "mpeg4": 0.1}
_PART: Final = 0.2
"""Share of the fakes of which only a stretch is fake."""

_LEAST_PART: Final = 5

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done and steps in all."""


@dataclass(frozen=True)
class Take:
    """One pair to make.

    Attributes:
        name: Of its files.
        path: The real item.
        landmarks: In a picture; None of a video.
        donor: A face that may be lent, as `prepare` would note it; None where there is none.
        seed: Of all chance.
    """

    name: str
    path: Path
    landmarks: tuple[float, ...] | None
    donor: Item | None
    seed: int


def made(item: Item) -> bool:
    """Whether an item is one of the clips that were made here, or was cut from one: real or fake."""
    return bool(item.attributes.get("coding"))


def write(
    table: Path,
    out: Path,
    *,
    per_video: int = 1,
    limit: int | None = None,
    seed: int = 0,
    generators: Sequence[Generator] = (),
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write a real clip and a fake of it for each real item of the splits train and val.

    Split, licence and source stay, so that leaving a source out leaves its clips out; those of one item share a group.
    The label of a fake is fake, its method "made-" and its maker. Columns: `original`, `coding`, `quality`, `rate_hz`,
    `size_px`, `start_s` in a video, and `fake_s`, "from-to" in seconds, where only a stretch is fake. A face that is
    lent to another is of the same source and split. Work that was interrupted goes on where it stopped.

    Args:
        table: The manifest, of pictures or videos or both.
        out: Folder for the clips and their manifest; made if missing.
        per_video: Pairs from each video, at places that are drawn.
        limit: The most items to film, as `evaluate.sample` chooses them; all when None.
        seed: Of all chance; the same seed makes the same clip of an item, if the same others are there to lend a face.
        generators: Who may draw faces again, beside the other makers.
        jobs: Processes; all usable cores when None.
        progress: Told of each item.

    Raises:
        ManifestError: The manifest cannot be used, or has no real item in these splits.
        UsageError: `out` holds clips of another seed or other generators; or a codec is missing.
        UnmaskError: The disk is full. What was done stays.
    """
    items = [one for one in manifest.read(table) if one.label == REAL and one.split in SPLITS]
    if not items:
        raise ManifestError(f"{table} has no real item in the splits {' and '.join(SPLITS)}")
    items = items if limit is None else sample(items, limit, table)
    jobs = jobs or usable_cores()
    with journal.room(out):
        for folder in (_FACES, f"{CLIPS}/real", f"{CLIPS}/fake"):
            (out / folder).mkdir(parents=True, exist_ok=True)
        _claim(out, seed, generators)
        names = {journal.key(item.path): _name(item, table) for item in items}
        faces = _faces(items, names, out, jobs, progress)
        wanted = [pair for item in items for pair in _takes(item, names, per_video)]
        done = journal.read(out / _JOURNAL)
        waiting = [pair for pair in wanted if pair[1] not in done]
        takes = _assigned(items, waiting, names, faces, out, seed) if waiting else []
        shown = partial(progress, "filming") if progress else None
        one = partial(_film, out=out, generators=tuple(generators))
        done |= journal.work(out / _JOURNAL, one, takes, jobs, shown)
        rows = [row for item, name in wanted for row in _pair(item, names, done[name], out)]
        manifest.write(out / MANIFEST, rows)
    return Written(out / MANIFEST, len(rows), journal.left_out(done[name] for _, name in wanted))


def _claim(out: Path, seed: int, generators: Sequence[Generator]) -> None:
    path = out / _SETTINGS
    settings = json.dumps({"seed": seed, "generators": pin(generators) if generators else None}) + "\n"
    if not path.is_file():
        path.write_text(settings, encoding="utf-8")
    elif path.read_text(encoding="utf-8") != settings:
        raise UsageError(f"{out} holds clips of another seed or other generators: choose another folder")


def _name(item: Item, table: Path) -> str:
    return hashlib.sha256(relative(item.path, table).encode()).hexdigest()[:20]


def _takes(item: Item, names: Mapping[str, str], per_video: int) -> list[tuple[Item, str]]:
    count = 1 if is_picture(item.path) else per_video
    return [(item, f"{names[journal.key(item.path)]}-{number}") for number in range(count)]


def _faces(
    items: Sequence[Item], names: Mapping[str, str], out: Path, jobs: int, progress: Progress | None
) -> dict[str, Note]:
    """Where the main face of each item lies, and a small copy of it to lend."""
    found = journal.read(out / _FOUND)
    waiting = [(item.path, names[key]) for item in items if (key := journal.key(item.path)) not in found]
    shown = partial(progress, "looking for faces") if progress else None
    return found | journal.work(out / _FOUND, partial(_find, out=out), waiting, jobs, shown)


def _find(task: tuple[Path, str], out: Path) -> Note:
    path, name = task
    note: Note = {"path": journal.key(path), "reason": None, "landmarks": None, "lent": None}
    try:
        whole, face = footage.main_portrait(path)
    except MediaError as error:
        return {**note, "reason": str(error)}
    assert whole.landmarks is not None
    assert face.landmarks is not None
    Image.fromarray(face.pixels).save(out / _FACES / f"{name}.png", "PNG")
    note["landmarks"] = [round(float(value), 3) for value in whole.landmarks.ravel()]
    return {**note, "lent": " ".join(f"{value:.2f}" for value in face.landmarks.ravel())}


def _assigned(
    items: Sequence[Item],
    waiting: Sequence[tuple[Item, str]],
    names: Mapping[str, str],
    faces: Mapping[str, Note],
    out: Path,
    seed: int,
) -> list[Take]:
    """What is to be made, each with a face of the same source and split that is like its own."""
    lent: dict[str, Item] = {}
    lenders = defaultdict(list)
    for item in items:
        key = journal.key(item.path)
        if faces[key]["lent"]:
            lent[key] = manifest.recut(item, out / _FACES / f"{names[key]}.png", landmarks_px=faces[key]["lent"])
            lenders[item.source, item.split].append(lent[key])
    galleries = {place: Gallery(members, _read) for place, members in lenders.items()}
    takes = []
    for item, name in waiting:
        key = journal.key(item.path)
        donor = None
        if key in lent:
            gallery = galleries[item.source, item.split]
            donor = gallery.draw(gallery.portrait(lent[key]), _rng(seed, name, "donor"), REAL, lent[key])
        landmarks = faces[key]["landmarks"]
        takes.append(Take(name, item.path, tuple(landmarks) if landmarks else None, donor, seed))
    return takes


def _read(item: Item) -> list[Pixels]:
    with Image.open(item.path) as picture:
        return [np.asarray(picture, np.uint8)]


def _rng(seed: int, name: str, what: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed} {name} {what}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


class _Lent:
    """The one face that was assigned."""

    def __init__(self, item: Item) -> None:
        self._gallery = Gallery([item], _read)

    def near(self, portrait: Portrait, rng: np.random.Generator, label: int) -> Portrait | None:
        """That face."""
        return self._gallery.portrait(self._gallery.items[0])


def _film(take: Take, out: Path, generators: Sequence[Generator]) -> Note:
    note: Note = {"path": take.name, "reason": None, "files": [], "maker": None, "attributes": {}, "fake_s": ""}
    rng = _rng(take.seed, take.name, "footage")
    points = None if take.landmarks is None else np.array(take.landmarks, np.float32).reshape(5, 2)
    try:
        shot = footage.shoot(take.path, points, rng)
    except MediaError as error:
        return {**note, "reason": str(error)}
    coding = str(rng.choice(list(_CODINGS), p=list(_CODINGS.values())))
    chosen, quality = encoding.draw(coding, rng)
    maker, fakes, fake_s = _faked(shot, take, generators)
    for label, frames in (("real", [one.pixels for one in shot.frames]), ("fake", fakes)):
        file = f"{CLIPS}/{label}/{take.name}{chosen.suffix}"
        timed = ((number / shot.rate_hz, Image.fromarray(frame)) for number, frame in enumerate(frames))
        encoding.write(out / file, timed, chosen, Fraction(1, shot.rate_hz))
        note["files"].append(file)
    height, width = shot.frames[0].pixels.shape[:2]
    said = {"coding": coding, "quality": str(quality), "rate_hz": str(shot.rate_hz), "size_px": f"{width}x{height}"}
    said["start_s"] = "" if shot.start_s is None else f"{shot.start_s:.3f}"
    return {**note, "maker": maker, "attributes": said, "fake_s": fake_s}


def _faked(shot: footage.Footage, take: Take, generators: Sequence[Generator]) -> tuple[str, list[Pixels], str]:
    """Who made the fake, its frames, and which stretch of it is fake, if not all."""
    rng = _rng(take.seed, take.name, "fake")
    makers = film_makers(generators)
    weights = np.array([weight for _, weight in makers.values()])
    name = str(rng.choice(list(makers), p=weights / weights.sum()))
    donors: Donors = Nobody() if take.donor is None else _Lent(take.donor)
    fakes = makers[name][0](shot.frames, donors, rng)
    if fakes is None:  # for want of a donor
        name = "self_blend"
        fakes = makers[name][0](shot.frames, donors, rng)
        assert fakes is not None, "a face can always be blended with itself"
    count = len(fakes)
    if rng.random() >= _PART:
        return name, fakes, ""
    length = int(rng.integers(_LEAST_PART, max(count - 3, _LEAST_PART + 1)))
    start = int(rng.integers(0, count - length + 1))
    mixed = [fakes[i] if start <= i < start + length else one.pixels for i, one in enumerate(shot.frames)]
    return name, mixed, f"{start / shot.rate_hz:.3f}-{(start + length) / shot.rate_hz:.3f}"


def _pair(item: Item, names: Mapping[str, str], note: Note, out: Path) -> list[Item]:
    if not note["files"]:
        return []
    key = journal.key(item.path)
    said: dict[str, Any] = {"original": key, **note["attributes"]}
    group = item.group or names[key]
    real = replace(item, path=out / note["files"][0], method="real", group=group, attributes={**said, "fake_s": ""})
    fake = replace(real, path=out / note["files"][1], label=FAKE, method=f"made-{note['maker']}")
    return [real, replace(fake, attributes={**said, "fake_s": note["fake_s"]})]
