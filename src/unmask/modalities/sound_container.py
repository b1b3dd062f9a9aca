"""Containers of sound: which files may be some, and the track in them that is heard."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from unmask.containers import refuse_lying_chunks
from unmask.errors import NothingToJudgeError, UnreadableError, UnsupportedError
from unmask.limits import Limits

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Containers only: playlists and scripts that FFmpeg knows too may name other files, or addresses.
_FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,flv,asf,ogg,m4v,wav,flac,mp3,aac,aiff,caf,amr,w64,"
    "ac3,eac3,dts,dtshd,wv,ape,tta,tak,mpc,mpc8,au,voc,nistsphere"
)
_BARE: Final = frozenset({"mp3", "aac", "ac3", "eac3", "dts", "amr"})
"""Nothing but frames, one after the other. FFmpeg makes their time stamps up, as if the first one spoke for all."""

_STRANGE: Final = "not a sound that we can read, or broken at its beginning"

_STARTS: Final = (
    *(b"fLaC", b"ID3", b"caff", b"#!AMR", b".snd", b"RF64", b"riff\x2e\x91\xcf\x11", b"ADIF", b"\x0bw", b"wvpk"),
    *(b"MAC ", b"TTA1", b"tBaK", b"MPCK", b"MP+", b"Creative Voice File", b"NIST_1A", b"\x7f\xfe\x80\x01"),
)
_LEAST_RATE_HZ: Final = 4_000
"""Nothing that was recorded is slower; a file that says so would be blown up by resampling."""


def accepts(head: bytes) -> bool:
    """Whether a file that starts like this is of a kind that holds sound and nothing else."""
    if head.startswith(_STARTS) or (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        return True
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC")
    # A frame of MPEG sound: eleven bits of sync; the version 01, the bit rate 1111 and the rate 11 do not exist.
    return len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and _is_mpeg(head[1], head[2])


def _is_mpeg(second: int, third: int) -> bool:
    if second & 0xF6 == 0xF0:  # AAC in ADTS
        return (third >> 2) & 0xF < 13
    return second & 0x18 != 0x08 and second & 0x06 != 0 and third & 0xF0 != 0xF0 and third & 0x0C != 0x0C


def container(file: IO[bytes], limits: Limits) -> InputContainer:
    """The container in a file.

    Raises:
        UnsupportedError: None that we read, or broken at its beginning.
        UnreadableError: Too many streams, or chunks of texts that lie.
    """
    import av

    refuse_lying_chunks(file)
    try:
        found = av.open(file, "r", options={"format_whitelist": _FORMATS}, metadata_errors="replace")
    except (av.FFmpegError, EOFError) as error:
        raise UnsupportedError(_STRANGE) from error
    streams = len(found.streams)
    if streams > limits.video_streams:
        found.close()
        raise UnreadableError(f"the file announces {streams} streams; the limit is {limits.video_streams}")
    return found


def is_alone(file: IO[bytes], limits: Limits) -> bool:
    """Whether the container in a file holds sound, and no pictures but a cover; not so where it cannot be opened."""
    file.seek(0)
    try:
        with container(file, limits) as found:
            return bool(found.streams.audio) and not pictures(found)
    except Exception:  # FFmpeg and its binding raise whatever they meet; as a video it gets its sentence
        return False


def track(container: InputContainer, limits: Limits) -> AudioStream:
    """Its first sound track.

    Raises:
        NothingToJudgeError: There is none.
        UnsupportedError: Nobody here knows its coding, or it is no recording.
        UnreadableError: It is over a limit.
    """
    if not container.streams.audio:
        raise NothingToJudgeError("the file has no sound")
    stream = container.streams.audio[0]
    codec = stream.codec_context
    if codec is None:  # whatever the type says
        raise UnsupportedError("the sound is in a coding that we cannot read")
    if not codec.sample_rate:
        raise UnsupportedError(_STRANGE)
    if not fits(codec.sample_rate, limits):
        raise UnsupportedError(f"the sound announces {codec.sample_rate:,} samples a second")
    if codec.channels > limits.sound_channels:
        raise UnreadableError(f"the sound has {codec.channels} channels; the limit is {limits.sound_channels}")
    return stream


def fits(rate_hz: int, limits: Limits) -> bool:
    """Whether so many samples a second are worth resampling."""
    return _LEAST_RATE_HZ <= rate_hz <= limits.sound_rate_hz


def is_bare(container: InputContainer) -> bool:
    """Whether its time stamps, but for the first one, mean nothing."""
    return container.format.name in _BARE


def pictures(container: InputContainer) -> list[VideoStream]:
    """Its streams of pictures, cover art left out."""
    from av.stream import Disposition

    return [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]


def begins_s(stream: AudioStream | VideoStream) -> float:
    """When a stream begins, on the clock of its container."""
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return float(stream.start_time * stream.time_base)


def announced_s(container: InputContainer, stream: AudioStream) -> float | None:
    """How long the sound says it lasts; None where the file does not say it."""
    if container.format.name == "mpegts" or is_bare(container):  # FFmpeg guesses it from the first packets
        return None
    if stream.duration and stream.time_base:
        return max(0.0, float(stream.duration * stream.time_base))
    if container.duration and not pictures(container):  # which may last longer than the sound
        return max(0.0, container.duration / 1_000_000)
    return None
