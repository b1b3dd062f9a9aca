"""What kind of file a path names, by its first bytes: suffixes are often wrong."""

from __future__ import annotations

from pathlib import Path

from unmask import trees
from unmask.containers import HEAD_BYTES
from unmask.containers import accepts as may_be_video
from unmask.errors import MediaError, UnreadableError, UnsupportedError
from unmask.limits import Limits
from unmask.modalities import image, sound_container


def refuse_folder(path: Path) -> None:
    """Raise for a folder, which gets here where `expand` could not open it, or was not asked to.

    Raises:
        UnsupportedError: It is one.
        UnreadableError: It is one, and may not be read.
    """
    if not path.is_dir():
        return
    try:
        next(path.iterdir(), None)
    except OSError as error:
        raise UnreadableError(f"the folder cannot be read: {(error.strerror or str(error)).lower()}") from error
    raise UnsupportedError("a folder, not a file")


def is_video(path: Path, limits: Limits) -> bool:
    """Whether a file is to be read as a video. A GIF is one if it moves.

    A file that cannot be read is none: reading it as a picture says why.
    """
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except (OSError, ValueError):
        return False
    if head.startswith(b"GIF8"):
        return _moves(path, limits)
    return may_be_video(head) and not image.accepts(head)


def is_sound(path: Path, limits: Limits) -> bool:
    """Whether a file is to be read as a recording: it holds sound, and no pictures but a cover.

    Containers of videos are looked into. Where the first bytes tell nothing, a suffix of sounds does: a stream that was
    cut anywhere is still one, and of what is none the reader of sounds says so.
    """
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            if sound_container.accepts(head):
                return True
            if image.accepts(head):
                return False
            if may_be_video(head):
                return sound_container.is_alone(file, limits)
    except (OSError, ValueError):
        return False
    return path.suffix.lower() in trees.SOUNDS


def is_picture(path: Path) -> bool:
    """Whether a file starts like a picture, moving GIFs among them; what cannot be read is none."""
    try:
        with path.open("rb") as file:
            return image.accepts(file.read(16))
    except (OSError, ValueError):
        return False


def _moves(path: Path, limits: Limits) -> bool:
    try:
        data, _ = image.read(path, limits)
        return bool(getattr(image.open_header(data, limits), "is_animated", False))
    except MediaError:
        return False
    except Exception:  # a broken GIF raises whatever Pillow meets in it; as a picture it gets its sentence
        return False
