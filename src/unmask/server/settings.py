"""How one installation of the server is set up. Everything has a default that is safe on one machine."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL

from unmask.errors import UsageError

MB: Final = 10**6
LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
"""What a browser calls this machine; with any other name in `Host`, a page elsewhere has pointed its own name at us."""


def default_folder() -> Path:
    """Where media, database and queue lie unless told otherwise: the user's folder for data."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "unmask"


@dataclass(frozen=True)
class Settings:
    """What `unmask serve` and `unmask worker` are told.

    Attributes:
        folder: Holds media and pictures made of them and, unless named otherwise, database and queue. Workers on
            other machines must see the same folder.
        database: URL for SQLAlchemy; a SQLite file in `folder` when None.
        queue: URL of Redis; a SQLite file in `folder` when None.
        host: Address to listen on.
        port: Likewise.
        public_names: Names under which others reach this server, where a proxy stands before it. Asks for keys.
        require_keys: Whether every call needs a key, even on this machine alone.
        models: As for `unmask.Scanner`.
        scan_bytes: Largest file of `POST /v1/scan`.
        job_bytes: Largest file of a job.
        job_files: Most files of a job.
        field_bytes: All form fields of a request that are no files, together.
        idle_s: A body that sends nothing for so long is given up.
        slowest_bytes_s: Likewise one that, after `idle_s`, has come more slowly than this on average.
        uploads: Bodies taken in at a time.
        waiting: Files of `POST /v1/scan` judged or waiting at a time.
        head_s: Seconds a connection has to send the head of a request.
        keep_days: Media are removed after so many days; 0 keeps them for good. Reports stay.
        free_bytes: Uploads are refused when the disk has less room than this.
        memory_bytes: Address space of a process that decodes and judges.
        photo_s: Wall-clock seconds it may take for a photo.
        film_s: Likewise for a video or a recording.
        lease_s: A job whose worker has not been heard of for so long is begun again.
        attempts: How often a job is begun before it counts as failed.
        workers: Jobs that one worker has in hand at a time.
        streams: Event streams open at a time.
    """

    folder: Path = field(default_factory=default_folder)
    database: str | None = None
    queue: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    public_names: tuple[str, ...] = ()
    require_keys: bool = False
    models: tuple[str, ...] = ()
    scan_bytes: int = 32 * MB
    job_bytes: int = 4000 * MB
    job_files: int = 100
    field_bytes: int = 64_000
    idle_s: float = 20.0
    slowest_bytes_s: float = 8_000.0
    uploads: int = 256
    waiting: int = 128
    head_s: float = 20.0
    keep_days: float = 30.0
    free_bytes: int = 500 * MB
    memory_bytes: int = 6 * 2**30
    photo_s: float = 60.0
    film_s: float = 1800.0
    lease_s: float = 15.0
    attempts: int = 3
    workers: int = 1
    streams: int = 100

    def __post_init__(self) -> None:
        for name in ("job_files", "uploads", "waiting", "attempts", "workers", "streams", "lease_s", "idle_s"):
            if getattr(self, name) <= 0:
                raise UsageError(f"{name} is {getattr(self, name)}, but must be more than 0")

    @property
    def loopback(self) -> bool:
        """Whether nobody but this machine can reach the address we listen on."""
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def needs_keys(self) -> bool:
        """Whether a call without a key is refused."""
        return self.require_keys or bool(self.public_names) or not self.loopback

    @property
    def names(self) -> tuple[str, ...]:
        """Names that `Host` may hold; empty where any will do, because keys protect what is behind it."""
        if self.public_names:
            return (*self.public_names, *LOCAL_NAMES)
        return (*LOCAL_NAMES, self.host.lower()) if self.loopback else ()

    @property
    def database_url(self) -> str:
        """For SQLAlchemy."""
        if self.database:
            return self.database
        return URL.create("sqlite", database=str(self.folder / "unmask.db")).render_as_string()  # "?" is a letter here

    @property
    def media(self) -> Path:
        """Where uploaded files lie."""
        return self.folder / "media"

    @property
    def drawn(self) -> Path:
        """Where pictures lie that were made of them."""
        return self.folder / "drawn"

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, for another process."""
        return asdict(self) | {"folder": str(self.folder)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Settings:
        """What `to_dict` gave."""
        several = {name: tuple(values[name]) for name in ("public_names", "models")}
        return cls(**values | several | {"folder": Path(values["folder"])})

    def prepare_folder(self) -> None:
        """Make the folders, for the user's eyes only.

        Raises:
            UsageError: They cannot be made or written to.
        """
        try:
            for folder in (self.folder, self.media, self.drawn):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(self.folder, os.W_OK):
                raise PermissionError(13, "permission denied")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"the folder {self.folder} cannot be used: {reason}; name another with --data") from error
