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
        video_bytes: Larger videos, and files of sound, are not opened.
        video_decode_s: Wall-clock seconds for all that is taken from one video. When they are up, it is judged on what
            was read until then.
        video_s: Seconds of a video that are looked at, from its start; the rest is not, and the report says so.
        video_frames: Frames of a video that are counted; likewise.
        video_streams: A file that announces more streams, of whatever kind, is refused.
        sound_s: Seconds of sound that are listened to, from its start; the rest is not, and the report says so.
        sound_decode_s: Wall-clock seconds for decoding it. When they are up, it is judged on what was read until then.
        sound_rate_hz: A sound that announces more samples a second is refused.
        sound_channels: Likewise.
        tracks: Persons of one video that are judged, those who are seen longest first.
    """

    file_bytes: int = 256 * 2**20
    pixels: int = 100_000_000
    side_px: int = 30_000
    decode_s: float = 20.0
    faces: int = 32
    video_bytes: int = 64 * 2**30
    video_decode_s: float = 300.0
    video_s: float = 6 * 3600.0
    video_frames: int = 3_000_000
    video_streams: int = 100
    sound_s: float = 6 * 3600.0
    sound_decode_s: float = 300.0
    sound_rate_hz: int = 768_000
    sound_channels: int = 64
    tracks: int = 16


DEFAULT_LIMITS = Limits()
