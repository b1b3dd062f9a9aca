"""What a recording tells without its words being heard: length, silence, grid, level, band, format, metadata.

Samples are read as they are stored, at their own rate, for what resampling hides is a trait as well. A recording of any
length is read in pieces, and no more than the statistics of a piece are kept.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from unmask import containers
from unmask.errors import MediaError, UnreadableError
from unmask.fingerprints import LONGEST_S, Fingerprint, fingerprint
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.modalities import sound_container
from unmask.sound_statistics import Statistics

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

FAMILIES: Final = (
    "length",
    "silence",
    "bit depth",
    "loudness",
    "offset",
    "bandwidth",
    "format",
    "bytes",
    "metadata",
)

_PIECE_S: Final = 10.0


@dataclass(frozen=True, eq=False)
class Recording:
    """The traits of one recording.

    Attributes:
        numbers: For each of `FAMILIES`, named numbers; a name that a file lacks is a fact about it as well.
        sha256: Hash of its bytes.
        samples_sha256: Hash of its samples, whatever holds them; None where it was too long to be read whole.
        fingerprint: For finding near duplicates.
    """

    numbers: dict[str, dict[str, float]]
    sha256: str
    samples_sha256: str | None
    fingerprint: Fingerprint


def read(path: Path, limits: Limits = DEFAULT_LIMITS) -> Recording:
    """The traits of one recording, no more than `limits.sound_s` seconds of it.

    Raises:
        MediaError: Not a sound that we can read; the message says why.
    """
    try:
        with containers.bytes_of(path, limits) as file, sound_container.container(file, limits) as container:
            heard = _Heard(sound_container.track(container, limits))
            heard.listen(container, limits)
            numbers = _numbers(container, heard, path.stat().st_size)
        with path.open("rb") as data:
            sha256 = hashlib.file_digest(data, "sha256").hexdigest()
    except MediaError:
        raise
    except OSError as error:
        raise UnreadableError(f"the file cannot be read: {(error.strerror or str(error)).lower()}") from error
    except Exception as error:  # FFmpeg and its binding raise whatever they meet in a hostile file
        raise UnreadableError(f"the sound is broken: {' '.join(str(error).split())[:200]}") from error
    return Recording(numbers, sha256, heard.samples_sha256, heard.fingerprint())


class _Heard:
    """What was heard of a stream."""

    def __init__(self, stream: AudioStream) -> None:
        context = stream.codec_context
        self.stream = stream
        self.rate_hz, self.channels = context.sample_rate, context.channels
        self.codec = context.codec.canonical_name
        self.sample_format = context.format.packed.name if context.format else "none"
        self.statistics = Statistics(self.rate_hz)
        self._hash = hashlib.sha256(f"{self.rate_hz} {self.channels}".encode())
        self._whole = True
        self._start: list[NDArray[np.float32]] = []

    def listen(self, container: InputContainer, limits: Limits) -> None:
        """Take the sound in, piece by piece.

        Raises:
            UnreadableError: Nothing of it can be decoded.
        """
        until = time.monotonic() + limits.sound_decode_s
        piece: list[NDArray[np.float64]] = []
        waiting = 0
        for samples in self._decoded(container):
            piece.append(samples)
            waiting += samples.shape[1]
            if waiting >= _PIECE_S * self.rate_hz:
                self._take(np.concatenate(piece, axis=1))
                piece, waiting = [], 0
            if self.statistics.seconds >= limits.sound_s or time.monotonic() > until:
                self._whole = False
                break
        if piece:
            self._take(np.concatenate(piece, axis=1))
        if not self.statistics.samples:
            raise UnreadableError("nothing of the sound can be decoded")

    @property
    def samples_sha256(self) -> str | None:
        return self._hash.hexdigest() if self._whole else None

    def fingerprint(self) -> Fingerprint:
        return fingerprint(np.concatenate(self._start), self.rate_hz)

    def _take(self, samples: NDArray[np.float64]) -> None:
        self._hash.update(np.ascontiguousarray(samples.T).tobytes())
        mono = samples.mean(axis=0)
        if self.statistics.seconds < LONGEST_S:
            self._start.append(mono.astype(np.float32))
        self.statistics.add(mono, None if self.sample_format.startswith(("flt", "dbl")) else samples)

    def _decoded(self, container: InputContainer) -> Iterator[NDArray[np.float64]]:
        """Pieces, (channels, N), full scale at 1; what cannot be decoded is passed over."""
        from av import FFmpegError

        packets = container.demux(self.stream)
        while True:
            try:
                packet = next(packets, None)
            except (FFmpegError, EOFError):  # the file breaks off here
                return
            if packet is None:
                return
            with suppress(FFmpegError, EOFError):
                for frame in self.stream.decode(packet):
                    if (frame.sample_rate, frame.layout.nb_channels) == (self.rate_hz, self.channels):
                        yield _samples(frame)


_FULL_SCALE: Final = {"u1": 2.0**7, "i2": 2.0**15, "i4": 2.0**31, "i8": 2.0**63}


def _samples(frame: AudioFrame) -> NDArray[np.float64]:
    raw = frame.to_ndarray()
    if not frame.format.is_planar:
        raw = raw.reshape(-1, frame.layout.nb_channels).T
    kind = f"{raw.dtype.kind}{raw.dtype.itemsize}"
    if kind not in _FULL_SCALE:
        return np.nan_to_num(raw.astype(np.float64), nan=0.0, posinf=1.0, neginf=-1.0)
    centred = raw.astype(np.float64) - (128.0 if kind == "u1" else 0.0)
    return np.asarray(centred / _FULL_SCALE[kind])


def _numbers(container: InputContainer, heard: _Heard, file_bytes: int) -> dict[str, dict[str, float]]:
    statistics = heard.statistics
    found = statistics.numbers()
    found["length"] = {"seconds": statistics.seconds}
    found["bit depth"] |= {f"samples {heard.sample_format}": 1}
    found["format"] = {
        f"container {container.format.name}": 1,
        f"codec {heard.codec}": 1,
        "samples a second": heard.rate_hz,
        "channels": heard.channels,
    }
    found["bytes"] = {"bytes": file_bytes, "bytes a second": file_bytes / statistics.seconds}
    tags = {**container.metadata, **heard.stream.metadata}
    found["metadata"] = {f"has {key.lower()}": float(len(value)) for key, value in tags.items()}
    if container.streams.video:
        found["metadata"]["has a cover"] = 1.0
    return {name: found[name] for name in FAMILIES}
