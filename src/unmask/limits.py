"""What untrusted input may cost. Checked before decoding, so that a lying file is refused while it is still cheap."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Upper bounds for one file.

    Attributes:
        file_bytes: Larger files are not opened.
        pixels: Width times height that the header may announce; decoded RGB takes three bytes for each.
        side_px: Longest side that the header may announce.
        decode_s: Wall-clock seconds that decoding may take. Checked while the decoder reads, so a file that feeds
            it forever is stopped; one call into a codec cannot be interrupted, and `pixels` bounds that.
        faces: Faces judged in one picture, largest first. The report counts all that were found.
        video_bytes: Larger videos are not opened.
        video_decode_s: The same as `decode_s`, for all that is taken from one video.
    """

    file_bytes: int = 256 * 2**20
    pixels: int = 100_000_000
    side_px: int = 30_000
    decode_s: float = 20.0
    faces: int = 32
    video_bytes: int = 8 * 2**30
    video_decode_s: float = 300.0


DEFAULT_LIMITS = Limits()
