"""Uploaded files and the pictures made of them, on disk: random names, outside any served path, for our eyes only."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from unmask import trees
from unmask.server.problems import Refusal

THUMBNAIL: Final = "thumbnail.jpg"
NOTES: Final = "notes.json"
"""Where things lie in the pictures of a report: what the page needs besides them."""

_NAME: Final = re.compile(r"[0-9a-f]{32}(\.[0-9a-z]{1,5})?")
_PICTURE: Final = re.compile(r"[a-z]{1,12}(-[0-9]{1,5}){0,2}\.(jpg|png|json|html)")
_ID: Final = re.compile(r"[0-9a-f]{24}")
_PARTIAL: Final = ".part"


class Media:
    """The folder of files.

    Args:
        files: Where uploads lie.
        drawn: Where pictures lie that were made of them.
        free_bytes: Room on the disk that must be left.
    """

    def __init__(self, files: Path, drawn: Path, free_bytes: int) -> None:
        self._files, self._drawn, self._free_bytes = files, drawn, free_bytes

    def check_room(self, size: int = 0) -> None:
        """Refuse before the disk is full.

        Raises:
            Refusal: There would be too little room left.
        """
        if shutil.disk_usage(self._files).free - size < self._free_bytes:
            raise Refusal("no-room", "too little room would be left on the disk of the server")

    def begin(self, shown: str) -> tuple[str, IO[bytes]]:
        """A new file to write an upload to, and its name; nothing in the name comes from outside but a known suffix.

        The suffix of a sound is kept, for some have nothing else that tells what they are.
        """
        suffix = Path(shown).suffix.lower()
        name = secrets.token_hex(16) + (suffix if suffix in trees.SOUNDS else "")
        path = self._partial(name)
        try:
            return name, _created(path)
        except FileNotFoundError:  # the first of its folder
            path.parent.mkdir(mode=0o700, exist_ok=True)
            return name, _created(path)

    def finish(self, name: str) -> None:
        """An upload has come to its end; from now on the file is one."""
        self._partial(name).replace(self.path(name))

    def drop(self, name: str) -> None:
        """Remove an upload, finished or not. Doing so twice does no harm."""
        for path in (self.path(name), self._partial(name)):
            with suppress(FileNotFoundError):
                path.unlink()
                return

    def path(self, name: str) -> Path:
        """Where a file lies, whether or not it is still there."""
        if not _NAME.fullmatch(name):
            raise ValueError("this is no name of ours")
        return (self._files / name[:2] / name).absolute()

    def keep_pictures(self, report_id: str, pictures: Mapping[str, bytes]) -> None:
        """Keep what was drawn for a report, each file all at once."""
        folder = self._of(report_id)
        folder.mkdir(mode=0o700, exist_ok=True)
        for name, data in pictures.items():
            if not _PICTURE.fullmatch(name):
                raise ValueError("this is no name of a picture")
            partial = folder / f"{secrets.token_hex(8)}{_PARTIAL}"
            partial.write_bytes(data)
            partial.replace(folder / name)

    def picture(self, report_id: str, name: str) -> Path | None:
        """Where a picture lies, if it does."""
        if not _PICTURE.fullmatch(name):
            return None
        path = self._of(report_id) / name
        return path if path.is_file() else None

    def drop_pictures(self, report_id: str) -> None:
        """Remove all that was drawn for a report."""
        shutil.rmtree(self._of(report_id), ignore_errors=True)

    def stray(self, older_than_s: float) -> list[str]:
        """Names of files that were last written before some time, finished or not."""
        return [
            path.name.removesuffix(_PARTIAL)
            for path in self._files.glob("??/*")
            if _NAME.fullmatch(path.name.removesuffix(_PARTIAL)) and path.stat().st_mtime < older_than_s
        ]

    def stray_pictures(self, older_than_s: float) -> list[str]:
        """Ids of reports whose pictures were last added to before some time."""
        folders = (path for path in self._drawn.iterdir() if _ID.fullmatch(path.name))
        return [path.name for path in folders if path.stat().st_mtime < older_than_s]

    def _partial(self, name: str) -> Path:
        path = self.path(name)
        return path.with_name(path.name + _PARTIAL)

    def _of(self, report_id: str) -> Path:
        if not _ID.fullmatch(report_id):
            raise ValueError("this is no id of a report")
        return (self._drawn / report_id).absolute()


def _created(path: Path) -> IO[bytes]:
    """A new file for our eyes only; an old one is never written over."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
