"""A data set of made voices: of each real recording fakes by vocoders, and sentences that programs read out.

A vocoded fake has the words, the length and the loudness of its original, so that only how it was made tells them
apart. The originals stay in their own manifest; a pair is in one split. What synthesisers say goes through the channel
of a real recording that is drawn: its colour, band, noise and loudness.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from unmask import journal, manifest, sound_codecs
from unmask.errors import ManifestError, MediaError, UnreadableError, UsageError
from unmask.evaluation import relative
from unmask.journal import Note, Written
from unmask.manifest import FAKE, REAL, Item
from unmask.modalities import audio
from unmask.modalities.audio import RATE_HZ
from unmask.runtime import usable_cores
from unmask.types import Samples
from unmask.vocoders import VOCODERS, check
from unmask.vocoders.finishing import demand_sound, finish
from unmask.vocoders.synthesisers import SYNTHESISERS, installed, say

SPLITS: Final = ("train", "val")
"""What is tested on lends nothing."""

MOST_S: Final = 16.0
"""Of a longer recording a stretch is made, from a place that is drawn."""

MANIFEST: Final = "manifest.csv"
SOUNDS: Final = "sounds"
_SETTINGS: Final = "seed.txt"
_JOURNAL: Final = "done.jsonl"
_VAL_SHARE: Final = 0.2

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done and steps in all."""


@dataclass(frozen=True)
class Fake:
    """One fake to make.

    Attributes:
        name: Of its file.
        by: The vocoder, or the synthesiser.
        paths: By split, the real recording: the one that is resynthesised, or those whose channel a synthesiser gets.
        seed: Of all chance.
    """

    name: str
    by: str
    paths: Mapping[str, Path]
    seed: int


def made(item: Item) -> bool:
    """Whether an item is one of the voices that were made here, or was cut from one."""
    return item.attributes.get("kind") == "made"


def write(
    table: Path,
    out: Path,
    *,
    vocoders: Sequence[str] = tuple(VOCODERS),
    per_item: int | None = None,
    synthesised: int = 0,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write fakes of each real recording of the splits train and val, and what synthesisers say.

    All are FLAC, 16 kHz, mono, 16 bit. Label fake, method "made-" and who made it. Of a vocoded one, source, split,
    licence and further columns are those of the original, which the column `original` names; the group too, or where
    it has none, the path of the original as the table has it. Further columns: `kind`, always "made", `made`, who made
    it, and `start_s`, where a stretch of a long original was taken. Sentences have their synthesiser as source, and
    their `voice` and `language`; those of one speaker are a group, and about a fifth of the speakers are in val, if the
    table has recordings there. Work that was interrupted goes on where it stopped.

    Args:
        table: The manifest, of recordings.
        out: Folder for the fakes and their manifest; made if missing.
        vocoders: Names of `VOCODERS`.
        per_item: Fakes of each recording, each by another vocoder that is drawn; by all of them when None.
        synthesised: Sentences, shared out among the synthesisers. Those of one that is not installed are left out.
        seed: Of all chance; the same seed makes the same fake of an item.
        jobs: Processes; all usable cores when None.
        progress: Told of each fake.

    Raises:
        ManifestError: The manifest cannot be used, or has no real item in these splits.
        UsageError: There is no such vocoder, more than there are is asked of each item, or `out` holds fakes of another
            seed.
        MissingExtraError: A vocoder needs more than is installed.
        UnmaskError: The disk is full. What was done stays.
    """
    vocoders = tuple(dict.fromkeys(vocoders))
    check(vocoders)
    if per_item is not None and per_item > len(vocoders):
        raise UsageError(f"{per_item} fakes of each recording need as many vocoders, and {len(vocoders)} are given")
    items = [one for one in manifest.read(table) if one.label == REAL and one.split in SPLITS]
    if not items:
        raise ManifestError(f"{table} has no real item in the splits {' and '.join(SPLITS)}")
    with journal.room(out):
        (out / SOUNDS).mkdir(parents=True, exist_ok=True)
        _claim(out, seed)
        wanted = [(item, fake) for item in items for fake in _fakes(item, table, vocoders, per_item, seed)]
        sayings = [_saying(number, items, seed) for number in range(synthesised)]
        done = journal.read(out / _JOURNAL)
        for what, fakes in (("resynthesising", [fake for _, fake in wanted]), ("speaking", sayings)):
            waiting = [fake for fake in fakes if fake.name not in done]
            shown = partial(progress, what) if progress else None
            done |= journal.work(out / _JOURNAL, partial(_make, out=out), waiting, jobs or usable_cores(), shown)
        rows = [_vocoded(item, fake, done[fake.name], table, out) for item, fake in wanted if done[fake.name]["file"]]
        rows += [_spoken(fake, done[fake.name], out) for fake in sayings if done[fake.name]["file"]]
        manifest.write(out / MANIFEST, rows)
    notes = (done[fake.name] for fake in [*(fake for _, fake in wanted), *sayings])
    return Written(out / MANIFEST, len(rows), journal.left_out(notes))


def _claim(out: Path, seed: int) -> None:
    path = out / _SETTINGS
    if path.is_file() and path.read_text(encoding="utf-8") != f"{seed}\n":
        raise UsageError(f"{out} holds fakes of another seed: choose another folder, or remove this one")
    path.write_text(f"{seed}\n", encoding="utf-8")


def _fakes(item: Item, table: Path, vocoders: Sequence[str], count: int | None, seed: int) -> list[Fake]:
    """In the order of their digests: who is drawn first stays so when more are asked for."""
    name = hashlib.sha256(relative(item.path, table).encode()).hexdigest()[:20]
    drawn = sorted(vocoders, key=lambda by: _digest(seed, name, by))[:count]
    return [Fake(f"{name}-{by}", by, {item.split: item.path}, seed) for by in vocoders if by in drawn]


def _saying(number: int, items: Sequence[Item], seed: int) -> Fake:
    by = SYNTHESISERS[number % len(SYNTHESISERS)]
    name = f"{by}-{number:05d}"
    channels = {}
    for split in SPLITS:
        members = [item.path for item in items if item.split == split]
        if members:
            channels[split] = members[int(_rng(seed, name, split).integers(len(members)))]
    return Fake(name, by, channels, seed)


def _digest(seed: int, name: str, what: str) -> bytes:
    return hashlib.sha256(f"{seed} {name} {what}".encode()).digest()


def _rng(seed: int, name: str, what: str) -> np.random.Generator:
    return np.random.default_rng(np.frombuffer(_digest(seed, name, what), np.uint32))


def _make(fake: Fake, out: Path) -> Note:
    note: Note = {"path": fake.name, "reason": None, "file": None, "split": None, "attributes": {}}
    rng = _rng(fake.seed, fake.name, "fake")
    try:
        if fake.by in VOCODERS:
            ((split, path),) = fake.paths.items()
            samples, start_s = _stretch(path, rng)
            result = VOCODERS[fake.by](samples, rng)
            said = {"start_s": "" if start_s is None else f"{start_s:.3f}"}
        else:
            if not installed(fake.by):
                return {**note, "reason": f"{fake.by} is not installed"}
            saying = say(fake.by, rng)
            split = _split(saying.speaker, fake.paths)
            channel, _ = _stretch(fake.paths[split], rng)
            demand_sound(channel)
            result = finish(saying.samples.astype(np.float64), channel.astype(np.float64), rng)
            said = {"voice": saying.voice, "speaker": saying.speaker, "language": saying.language}
    except (MediaError, UsageError) as error:
        return {**note, "reason": str(error)}
    file = f"{SOUNDS}/{fake.name}.flac"
    (out / file).write_bytes(sound_codecs.encoded(result, "flac"))
    return {**note, "file": file, "split": split, "attributes": said}


def _stretch(path: Path, rng: np.random.Generator) -> tuple[Samples, float | None]:
    """The recording, or a stretch of it and where that begins."""
    heard = audio.sound(path)
    if heard is None:
        raise UnreadableError("no sound can be read")
    most = round(MOST_S * RATE_HZ)
    if len(heard.samples) <= most:
        return heard.samples, None
    start = int(rng.integers(0, len(heard.samples) - most + 1))
    return heard.samples[start : start + most], start / RATE_HZ


def _split(speaker: str, splits: Mapping[str, Path]) -> str:
    """Where all sentences of a speaker go."""
    share = int.from_bytes(hashlib.sha256(f"split of {speaker}".encode()).digest()[:4], "big") / 2**32
    wanted = "val" if share < _VAL_SHARE else "train"
    return wanted if wanted in splits else next(iter(splits))


def _vocoded(item: Item, fake: Fake, note: Note, table: Path, out: Path) -> Item:
    said = {**item.attributes, **note["attributes"], "original": journal.key(item.path)}
    group = item.group or relative(item.path, table)
    return _item(item.source, item.split, group, item.licence, fake, note, said, out)


def _spoken(fake: Fake, note: Note, out: Path) -> Item:
    said: Mapping[str, str] = note["attributes"]
    licence = f"text in the public domain, read by {fake.by}"
    return _item(fake.by, note["split"], said["speaker"], licence, fake, note, said, out)


def _item(
    source: str, split: str, group: str, licence: str, fake: Fake, note: Note, said: Mapping[str, str], out: Path
) -> Item:
    marks = {**said, "kind": "made", "made": fake.by}
    return Item(out / note["file"], FAKE, f"made-{fake.by}", source, split, group, licence, marks)
