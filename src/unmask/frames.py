"""Stills of the videos in a manifest, so that what judges pictures can learn from videos too.

The stills are PNG files: they lose nothing more than their video has lost. A folder of them is a data set again:
`manifest.csv` over pictures, which `audit` and `prepare` read like any other.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from unmask import journal, manifest
from unmask.errors import MediaError, UsageError
from unmask.journal import Note, Progress, Written
from unmask.kinds import is_picture
from unmask.manifest import Item
from unmask.modalities.video import Still as Still
from unmask.modalities.video import extract as extract
from unmask.runtime import usable_cores

MANIFEST: Final = "manifest.csv"
STILLS: Final = "stills"
_SETTINGS: Final = "frames.json"
_JOURNAL: Final = "done.jsonl"


def write(
    table: Path,
    out: Path,
    *,
    per_video: int,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Written:
    """Take stills of every video in a manifest; pictures stay as they are.

    A still keeps what its video is labelled with; its group is that of the video, or the video itself. The columns
    `video` and `frame_s` say where it is from. Work that was interrupted goes on where it stopped.

    Args:
        table: A manifest with videos in it, or with videos and pictures.
        out: Folder for the stills, PNG files, and their manifest; made if missing.
        per_video: Stills from each video, at most.
        jobs: Processes; all usable cores when None.
        progress: Called with videos done and videos in all.

    Raises:
        ManifestError: The manifest cannot be used.
        UsageError: `out` already holds another number of stills a video, or the number is none.
        UnmaskError: The disk is full. What was done stays.
    """
    items = manifest.read(table)
    if per_video < 1:
        raise UsageError(f"{per_video} frames are none: ask for at least 1")
    with journal.room(out):
        out.mkdir(parents=True, exist_ok=True)
        _claim(out, per_video)
        videos = {journal.key(item.path): item.path for item in items if not is_picture(item.path)}
        done = journal.read(out / _JOURNAL)
        waiting = [path for name, path in videos.items() if name not in done]
        shown = (lambda n, _: progress(len(videos) - len(waiting) + n, len(videos))) if progress else None
        one = partial(_write_one, out=out, per_video=per_video)
        done |= journal.work(out / _JOURNAL, one, waiting, jobs or usable_cores(), shown)
        rows = [row for item in items for row in _rows(item, done if journal.key(item.path) in videos else {}, out)]
        manifest.write(out / MANIFEST, rows)
    return Written(out / MANIFEST, len(rows), journal.left_out(done[name] for name in videos))


def _claim(out: Path, per_video: int) -> None:
    path = out / _SETTINGS
    settings = json.dumps({"per_video": per_video}) + "\n"
    if not path.is_file():
        path.write_text(settings, encoding="utf-8")
    elif path.read_text(encoding="utf-8") != settings:
        raise UsageError(f"{out} holds another number of stills a video: choose another folder, or remove this one")


def _rows(item: Item, done: dict[str, Note], out: Path) -> Iterator[Item]:
    note = done.get(journal.key(item.path))
    if note is None:
        yield item
        return
    for file, time_s in note["stills"]:
        attributes = {**item.attributes, "video": note["path"], "frame_s": f"{time_s:.3f}"}
        yield replace(item, path=out / file, group=item.group or Path(file).parent.name, attributes=attributes)


def _write_one(video: Path, out: Path, per_video: int) -> Note:
    """The stills of one video. Names tell videos of one name in several folders apart."""
    name = journal.key(video)
    folder = Path(STILLS) / f"{video.stem}-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:10]}"
    note: Note = {"path": name, "stills": [], "reason": None}
    shutil.rmtree(out / folder, ignore_errors=True)  # of an interruption
    try:
        for number, still in enumerate(extract(video, per_video)):
            (out / folder).mkdir(parents=True, exist_ok=True)
            file = folder / f"{number:03d}.png"
            still.image.save(out / file, "PNG")
            note["stills"].append([file.as_posix(), round(still.time_s, 3)])
    except MediaError as error:
        note["reason"] = str(error)
        note["stills"] = []
    except OSError:
        shutil.rmtree(out / folder, ignore_errors=True)  # half a video is of no use, and its room may be
        raise
    return note
