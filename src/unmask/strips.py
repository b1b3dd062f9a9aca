"""Looks at one person of a video, laid on disk for training: windows of face squares, stacked in one strip.

A PNG of W windows with F looks each holds W x F squares, S px a side, one below the other in the order of time. It
loses nothing, and a prepared folder of strips is a data set like any other.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from unmask.card import Cut
from unmask.errors import UsageError
from unmask.manifest import Item
from unmask.types import Pixels


def write_strip(path: Path, windows: Sequence[Pixels]) -> None:
    """Write the windows of one person, whole or not at all.

    Args:
        path: Where to; its folder must be there.
        windows: uint8 (F, S, S, 3) each, all of one shape.

    Raises:
        UsageError: There is none, or they are not of one such shape.
        OSError: The disk is full, or the like.
    """
    shapes = {(window.dtype, window.shape) for window in windows}
    kind, shape = next(iter(shapes), (None, ()))
    if len(shapes) != 1 or kind != np.uint8 or len(shape) != 4 or shape[1:] != (shape[1], shape[1], 3) or not shape[0]:
        raise UsageError(f"a strip holds windows of one shape, uint8 (F, S, S, 3) each, not {_named(windows)}")
    # A stop while writing must not leave a torn file under a name that will be believed.
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        Image.fromarray(np.concatenate([look for window in windows for look in window])).save(draft, "PNG")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_windows(item: Item, cut: Cut) -> list[Pixels]:
    """The windows of one prepared item, in the order of time: uint8 (F, S, S, 3) each.

    Args:
        item: Of a folder that `unmask prepare` made of videos.
        cut: The folder's, with `frames` looks a window.

    Raises:
        UsageError: The file is no strip of such windows.
    """
    try:
        with Image.open(item.path) as strip:
            count = _windows(item.path, strip.size, cut)
            pixels = np.asarray(strip.convert("RGB"), np.uint8)
    except OSError as error:
        raise UsageError(f"{item.path} cannot be read: make the folder anew with unmask prepare") from error
    return list(pixels.reshape(count, -1, cut.size_px, cut.size_px, 3))


def count_windows(item: Item, cut: Cut) -> int:
    """How many windows a prepared item has, from its header alone.

    Raises:
        UsageError: The file is no strip of such windows.
    """
    try:
        with Image.open(item.path) as strip:
            return _windows(item.path, strip.size, cut)
    except OSError as error:
        raise UsageError(f"{item.path} cannot be read: make the folder anew with unmask prepare") from error


def _windows(path: Path, size: tuple[int, int], cut: Cut) -> int:
    if cut.frames is None:
        raise UsageError("a cut without frames has no windows: read its segments instead")
    width, height = size
    count, rest = divmod(height, cut.frames * cut.size_px)
    if width != cut.size_px or rest or not count:
        what = f"windows of {cut.frames} looks of {cut.size_px} px"
        raise UsageError(
            f"{path} has {width} x {height} px, which are no {what}: make the folder anew with unmask prepare"
        )
    return count


def _named(windows: Sequence[Pixels]) -> str:
    return ", ".join(sorted({f"{window.dtype} {window.shape}" for window in windows})) or "none"


def deal(looks: int, frames: int) -> list[list[int]]:
    """Which looks at one person make which window: runs of `frames`, in the order of time.

    The last run reaches back where it would be short. A person with fewer looks fills one window by going back and
    forth over them.
    """
    if not looks:
        return []
    if looks < frames:
        there_and_back = [*range(looks), *range(looks - 2, 0, -1)]
        return [[there_and_back[i % len(there_and_back)] for i in range(frames)]]
    starts = [*range(0, looks - frames + 1, frames)]
    if starts[-1] + frames < looks:
        starts.append(looks - frames)
    return [list(range(start, start + frames)) for start in starts]
