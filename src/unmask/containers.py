"""Containers: which files may be videos, and their streams, opened within limits."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from unmask import video_frame
from unmask.errors import NothingToJudgeError, UnreadableError, UnsupportedError
from unmask.limits import Limits

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

# Containers only: playlists and scripts that FFmpeg knows too may name other files, or addresses.
_FORMATS: Final = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,asf,ogg,m4v,h264,hevc,gif"
EXACT: Final = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
"""Formats with an index, in which a jump lands where it should."""

_STARTS: Final = (
    b"\x1aE\xdf\xa3",  # Matroska and WebM
    b"\0\0\1\xba",  # MPEG program stream
    b"\0\0\1\xb3",  # MPEG video
    b"\0\0\0\1",  # H.264 and H.265 as such
    b"\0\0\1",
    b"FLV\1",
    b"OggS",
    b"0&\xb2u\x8ef\xcf\x11",  # ASF and WMV
    b"GIF8",
)
_PICTURE_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
_ATOMS: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_CHUNKS: Final = 1_000
_TEXT_CHUNKS: Final = (b"LIST", b"bext", b"id3 ", b"ID3 ", b"iXML", b"SMV0", b"fmt ")
_TS_PACKET_BYTES: Final = 188
HEAD_BYTES: Final = 2 * _TS_PACKET_BYTES + 1
"""How much of a file `accepts` wants to see."""


def accepts(head: bytes) -> bool:
    """Whether a file that starts with these `HEAD_BYTES` bytes may be a video, or a sound in a video's container."""
    if head.startswith(_STARTS) or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return True
    if head[4:8] in _ATOMS:
        return not (head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS)
    return len(head) > _TS_PACKET_BYTES and all(byte == 0x47 for byte in head[::_TS_PACKET_BYTES][:3])


def bytes_of(path: Path, limits: Limits) -> IO[bytes]:
    """The file, opened by us: FFmpeg would take some names for addresses.

    Raises:
        UnsupportedError: Not a regular file.
        UnreadableError: Empty, or over the limit.
        OSError: Missing, or not permitted.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise UnsupportedError("not a regular file")
    except ValueError as error:  # a null byte in the name
        raise UnreadableError(f"the file cannot be read: {error}") from error
    if size == 0:
        raise UnreadableError("the file is empty")
    if size > limits.video_bytes:
        raise UnreadableError(f"the file has {size:,} bytes; the limit is {limits.video_bytes:,}")
    return path.open("rb")


def refuse_lying_chunks(file: IO[bytes]) -> None:
    """Of WAV and AVI: FFmpeg takes as much memory as a chunk of texts announces before it finds that none are there.

    Sound and pictures may well break off, so their chunks may announce more than is left. The file is left at its
    beginning.

    Raises:
        UnreadableError: A chunk of texts announces more than the file holds.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(12)
    at = len(head)
    for _ in range(_CHUNKS if head[:4] in (b"RIFF", b"RF64") else 0):
        file.seek(at)
        found = file.read(12)
        if len(found) < 8:
            break
        length = int.from_bytes(found[4:8], "little")
        if at + 8 + length > size and found[:4] != b"data" and found[8:12] != b"movi":
            if found[:4] in _TEXT_CHUNKS:
                raise UnreadableError(f"a chunk announces {length:,} bytes of text, more than the file holds")
            break
        at += 8 + length + length % 2
    file.seek(0)


def container(file: IO[bytes], limits: Limits) -> InputContainer:
    """The container in a file.

    Raises:
        UnsupportedError: None that we read, or broken at its beginning.
        UnreadableError: Too many streams.
    """
    import av

    refuse_lying_chunks(file)
    try:
        found = av.open(file, "r", options={"format_whitelist": _FORMATS}, metadata_errors="replace")
    except (av.FFmpegError, EOFError) as error:
        raise UnsupportedError("not a video that we can read, or broken at its beginning") from error
    streams = len(found.streams)
    if streams > limits.video_streams:
        found.close()
        raise UnreadableError(f"the file announces {streams} streams; the limit is {limits.video_streams}")
    return found


def pictures(container: InputContainer, limits: Limits, threads: int) -> VideoStream:
    """Its first stream of pictures, cover art passed over, ready to be decoded by so many threads.

    Raises:
        NothingToJudgeError: There is none, or its frames are too small.
        UnsupportedError: Nobody here knows its coding.
        UnreadableError: Its frames are over a limit.
    """
    from av.stream import Disposition

    streams = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not streams:
        only = "only sound" if container.streams.audio else "nothing that we can show"
        raise NothingToJudgeError(f"the file has no pictures, {only}")
    stream = streams[0]
    if stream.codec_context is None:  # whatever the type says
        raise UnsupportedError("the video is in a coding that we cannot read")
    stream.codec_context.thread_count = threads
    stream.thread_type = "AUTO" if threads > 1 else "SLICE"
    video_frame.check_size(stream.codec_context.width, stream.codec_context.height, limits)
    return stream


def time_of(packet: Packet[Any], number: int, stream: VideoStream) -> int | None:
    """When a packet's frame is shown; None for one that is none, or is never shown (edit lists)."""
    if not packet.size or packet.is_discard:
        return None
    if packet.pts is not None or packet.dts is not None:
        return packet.pts if packet.pts is not None else packet.dts
    rate = stream.average_rate or stream.guessed_rate  # bare streams have no times
    return round(number / rate / stream.time_base) if rate and stream.time_base else number
