"""The list of a data set's original files with its splits complete: what `prepare` starts from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from unmask import journal, manifest, splits
from unmask.errors import UsageError
from unmask.manifest import Item
from unmask.traits import Progress, Traits
from unmask.trees import VIDEOS

ORIGINALS: Final = "originals.csv"
FRACTIONS: Final = {"train": 0.8, "val": 0.1, "test": 0.1}


def write(items: Iterable[Item], out: Path, *, of_videos: bool = False, progress: Progress | None = None) -> Path:
    """List the items in `out`, with splits. An item keeps the split it once got; new ones join their relatives.

    Args:
        items: The items of a data set.
        out: Folder for the list; made if missing.
        of_videos: Whether videos are wanted. Their splits are found by their groups alone: none is read.
        progress: Called with files read and files in all, where splits must be found.

    Returns:
        The path of the list, a manifest.

    Raises:
        ManifestError: Items that belong together are recorded in two splits.
        UsageError: Items are videos, and these are not wanted.
        UnmaskError: The disk is full.
    """
    table = out / ORIGINALS
    rows = list(items)
    videos = [item.path for item in rows if item.path.suffix.lower() in VIDEOS]
    if videos and not of_videos:
        what = f"{len(videos):,} of {len(rows):,} items are videos ({videos[0].name}): list them with unmask datasets "
        raise UsageError(f"{what}table, take stills of them with unmask frames, and prepare those with --dataset table")
    known = {journal.key(item.path): item.split for item in manifest.read(table)} if table.is_file() else {}
    keys = [journal.key(item.path) for item in rows]
    rows = [replace(item, split=known.get(key, item.split)) for item, key in zip(rows, keys, strict=True)]
    if set(keys) != known.keys():
        rows = complete(rows, read=not of_videos, progress=progress)
    with journal.room(out):  # anew even where no split changed: a label may have been mended
        out.mkdir(parents=True, exist_ok=True)
        manifest.write(table, rows)
    return table


def complete(items: Iterable[Item], *, read: bool = True, progress: Progress | None = None) -> list[Item]:
    """Give every item a split, and cut val and test from train where there is train and they are missing.

    Where all is there already, as with official splits, nothing is changed and no file is read.

    Args:
        items: The items; those without a split are read, and so is train where something is cut from it.
        read: If not, relatives are known by their groups alone.
        progress: Called with files read and files in all.

    Raises:
        ManifestError: Items that belong together are recorded in two splits.
    """
    rows = list(items)
    if not all(item.split for item in rows):
        rows = splits.assign(rows, FRACTIONS, traits=None if read else [Traits()] * len(rows), progress=progress)
    there = {item.split for item in rows}
    if "train" not in there or FRACTIONS.keys() <= there:
        return rows
    wanted = {name: share for name, share in FRACTIONS.items() if name == "train" or name not in there}
    shares = {name: share / sum(wanted.values()) for name, share in wanted.items()}
    learned = [replace(item, split="") for item in rows if item.split == "train"]
    traits = None if read else [Traits()] * len(learned)
    anew = iter(splits.assign(learned, shares, traits=traits, progress=progress))
    return [next(anew) if item.split == "train" else item for item in rows]
