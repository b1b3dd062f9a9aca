"""From a recording to one file of windows in which somebody speaks, cut as scanning cuts.

A WAV of K windows holds them one after another: 16 kHz, mono, 16 bit, whatever the recording was, and no silence at its
ends. So neither length, nor silence, nor bit depth, nor a codec's header is left to tell real from fake; loudness and
bandwidth are for training to change.
"""

from __future__ import annotations

import hashlib
import os
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask import journal, passages, trees
from unmask.card import Cut
from unmask.errors import MediaError, UsageError
from unmask.journal import Note
from unmask.manifest import Item
from unmask.types import RATE_HZ, Samples

WINDOWS: Final = 8
"""So many windows at most are kept of one recording, spread over it; an hour of one speaker teaches no more."""

_FULL_SCALE: Final = 2**15


def refuse_others(table: Path, items: Sequence[Item]) -> None:
    """A cut of speech is of recordings, and of videos for their sound.

    Raises:
        UsageError: Some items are pictures.
    """
    pictures = [item.path for item in items if item.path.suffix.lower() in trees.PICTURES]
    if pictures:
        what = f"{len(pictures):,} of {len(items):,} items of {table} are pictures ({pictures[0].name})"
        raise UsageError(f"{what}, and this cut listens to voices: take a recipe of pictures")


def write_one(item: Item, out: Path, cut: Cut) -> Note:
    """The windows of one recording, and a note of where they lie or why there are none."""
    note: Note = {"path": journal.key(item.path), "quality": None, "file": None, "reason": None, "attributes": {}}
    try:
        found = passages.of_file(item.path, cut)[0]
        with item.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except MediaError as error:
        return {**note, "reason": str(error)}
    fit = [one for one in found if one.unfit is None]
    if not fit:
        return {**note, "reason": found[0].unfit if found else "nobody speaks in it"}
    chosen = [fit[round(place)] for place in np.linspace(0, len(fit) - 1, min(len(fit), WINDOWS))]
    file_name = Path("segments") / f"{sha256}.wav"
    (out / file_name).parent.mkdir(exist_ok=True)
    write_windows(out / file_name, [one.samples for one in chosen])
    note["attributes"] = {
        "original": journal.key(item.path),
        "original_sha256": sha256,
        "times_s": " ".join(f"{one.region.start_s or 0:.2f}-{one.region.end_s or 0:.2f}" for one in chosen),
    }
    return {**note, "file": file_name.as_posix()}


def write_windows(path: Path, windows: Sequence[Samples]) -> None:
    """Write the windows of one recording, whole or not at all.

    Args:
        path: Where to; its folder must be there.
        windows: float32 (T,) each.
    """
    steps = np.concatenate(windows) * _FULL_SCALE
    # A stop while writing must not leave a torn file under a name that will be believed.
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        with wave.open(str(draft), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(np.clip(np.rint(steps), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").tobytes())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_windows(item: Item, cut: Cut) -> NDArray[np.int16]:
    """The windows of one prepared item, in the order of time: int16 (K, T), a half of the memory of floats.

    Raises:
        UsageError: The file does not hold such windows.
    """
    length = cut.input_shape[0]
    try:
        with wave.open(str(item.path), "rb") as file:
            shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            steps = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except (OSError, EOFError, wave.Error) as error:
        raise UsageError(f"{item.path} cannot be read: make the folder anew with unmask prepare") from error
    if shape != (1, 2, RATE_HZ) or not len(steps) or len(steps) % length:
        raise UsageError(
            f"{item.path} holds no windows of {cut.window_s:g} s at 16 kHz: make the folder anew with unmask prepare"
        )
    return steps.reshape(-1, length)


def as_samples(steps: NDArray[np.int16]) -> Samples:
    """What was written, as a graph wants it: float32 in [-1, 1]."""
    return steps.astype(np.float32) / np.float32(_FULL_SCALE)
