"""What a file tells without being looked at or listened to: size, bytes, compression, format, metadata.

Of pictures, compression is what `compression.features` finds in the header, and metadata what `provenance.features`
reads of what the file says about itself; nothing else reads them. A detector that learns from traits knows the data set
and nothing of fakes. The audit asks how much they tell; splitting uses hashes, thumbnails and fingerprints to keep
copies together. What a recording tells is found in `sound_traits`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from PIL import Image

from unmask import kinds, provenance, sound_traits
from unmask.compression import features as compression
from unmask.errors import MediaError
from unmask.fingerprints import Fingerprint
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.modalities import image as pictures
from unmask.near_duplicates import Thumbnail, thumbnail
from unmask.runtime import usable_cores

Progress = Callable[[int, int], None]
"""Called with the number of files done and the number of all."""

FAMILIES: Final = ("size", "bytes", "compression", "format", "metadata")
"""Of pictures; those of recordings are `sound_traits.FAMILIES`."""


@dataclass(frozen=True, eq=False)
class Traits:
    """The traits of one file.

    Attributes:
        numbers: For each family of its kind, named numbers; a name that a file lacks is a fact about it as well.
        sha256: Hash of its bytes; None where it could not be read.
        thumbnail: For finding near duplicates of a picture; None where it could not be decoded.
        problem: Why it could not be judged, or None.
        kind: What it is; what could not be judged counts as a picture.
        samples_sha256: Recordings only: hash of the samples, equal for equal sound in another container.
        fingerprint: Recordings only: for finding near duplicates.
    """

    numbers: dict[str, dict[str, float]] = field(default_factory=dict)
    sha256: str | None = None
    thumbnail: Thumbnail | None = None
    problem: str | None = None
    kind: Literal["picture", "recording"] = "picture"
    samples_sha256: str | None = None
    fingerprint: Fingerprint | None = None


def read_all(paths: Sequence[Path], progress: Progress | None = None) -> list[Traits]:
    """The traits of many files, in order, read by as many threads as there are cores."""
    return list(_counted(paths, progress))


def read(path: Path) -> Traits:
    """The traits of one file. One that cannot be judged says so in `problem`; nothing is raised for it."""
    sha256 = None
    try:
        if kinds.is_sound(path, DEFAULT_LIMITS):
            return _of_recording(sound_traits.read(path))
        data, source = pictures.read(path)
        sha256 = source.sha256
        picture = pictures.decode(data, source).image
    except MediaError as error:
        return Traits(sha256=sha256, problem=str(error))
    return Traits(of_picture(data, picture), sha256, thumbnail(picture))


def _of_recording(heard: sound_traits.Recording) -> Traits:
    return Traits(
        heard.numbers,
        heard.sha256,
        kind="recording",
        samples_sha256=heard.samples_sha256,
        fingerprint=heard.fingerprint,
    )


def _counted(paths: Sequence[Path], progress: Progress | None) -> Iterator[Traits]:
    with ThreadPoolExecutor(usable_cores()) as threads:
        for done, traits in enumerate(threads.map(read, paths), start=1):
            if progress:
                progress(done, len(paths))
            yield traits


def of_picture(data: bytes, picture: Image.Image, limits: Limits = DEFAULT_LIMITS) -> dict[str, dict[str, float]]:
    """What a picture's file tells, as named numbers of each family: what audits, baseline and hybrid learn from.

    Args:
        data: The whole file, which could be decoded.
        picture: The same, upright and RGB.
        limits: What its header may cost.
    """
    header = pictures.open_header(data, limits)  # it decoded, so its header is sound
    width, height = header.size
    return {
        "size": {"width": width, "height": height, "aspect": width / height, "pixels": width * height},
        "bytes": {"bytes": len(data), "bytes per pixel": len(data) / (width * height)},
        "compression": compression.features(header),
        "format": {f"format {header.format}": 1, f"mode {header.mode}": 1, **_carried({**header.info, **picture.info})},
        "metadata": provenance.features(provenance.against(provenance.read(data), picture)),
    }


def _carried(info: Mapping[Any, Any]) -> dict[str, float]:
    """The length of everything the file carries beside pixels (EXIF, comment, ICC profile, XMP, PNG text ...).

    What it says is read by `provenance`; that it is there, and how long, may tell a collection apart as well. A PNG may
    carry it behind its pixels, where only decoding finds it, so header and decoded picture are both asked.
    """
    return {f"has {key}": len(value) if isinstance(value, str | bytes) else 1.0 for key, value in info.items()}
