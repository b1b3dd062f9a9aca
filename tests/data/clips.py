"""Draw the clips that tests read, with PyAV: `python tests/data/clips.py PORTRAIT FOLDER` writes one of each.

Persons are the public-domain portrait of `unmask demo` and copies of it in other colours, on a drawn background, so
that everybody's place at every time is known.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

WIDTH_PX, HEIGHT_PX = 320, 180
RATE_HZ: Final = 10
SOUND_HZ: Final = 16_000
PERSON_PX: Final = 120

Scene = Callable[[float], Image.Image]
"""What is seen at a time in seconds."""


def person(portrait: Image.Image, turn: int = 0) -> Image.Image:
    """The portrait's head and shoulders, its colours turned by so many of 255: somebody else in other clothes."""
    head = portrait.crop((80, 0, 400, 320)).resize((PERSON_PX, PERSON_PX), Image.Resampling.LANCZOS)
    if not turn:
        return head
    hue, saturation, value = head.convert("HSV").split()
    turned = hue.point([(level + turn) % 256 for level in range(256)])
    return Image.merge("HSV", (turned, saturation, value)).convert("RGB")


def background(level: int = 90) -> Image.Image:
    """A grey room, lighter below."""
    rows = np.linspace(level, level + 40, HEIGHT_PX).astype(np.uint8)
    return Image.fromarray(np.repeat(rows[:, None], WIDTH_PX, 1)).convert("RGB")


def placed(*people: tuple[Image.Image, float], level: int = 90) -> Image.Image:
    """People in the room, each with its left edge in pixels; later ones stand in front."""
    room = background(level)
    for one, left in people:
        room.paste(one, (round(left), HEIGHT_PX - PERSON_PX))
    return room


def draw(
    path: Path,
    scene: Scene,
    *,
    seconds: float = 2.0,
    times_s: Sequence[float] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    turn: int = 0,
    gap: int = 12,
    tone: float | None = None,
    samples: NDArray[np.floating] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a clip.

    Args:
        path: The file; its suffix says the container.
        scene: What is seen.
        seconds: How long, at 10 frames a second.
        times_s: When its frames are shown instead, for a variable rate.
        codec: FFmpeg's name.
        pix_fmt: Likewise.
        turn: Degrees that a player has to turn it; noted, not drawn.
        gap: Frames from key frame to key frame.
        tone: Of a sound, in Hz, as long as the clip; silence where 0, no sound track where None.
        samples: What is heard instead, (T,).
        options: Of the codec.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    moments = [i / RATE_HZ for i in range(round(seconds * RATE_HZ))] if times_s is None else list(times_s)
    with av.open(str(path), "w") as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=RATE_HZ, options=options or {}))
        first = scene(moments[0])
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = first.width, first.height, pix_fmt, gap
        if times_s is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if turn:
            stream.set_display_rotation(turn)
        heard = hum(tone, seconds) if samples is None and tone is not None else samples
        sound = None if heard is None else container.add_stream("aac", rate=SOUND_HZ)
        for number, moment in enumerate(moments):
            frame = av.VideoFrame.from_ndarray(np.asarray(scene(moment)), format="rgb24")
            if times_s is not None:
                frame.pts, frame.time_base = round(moment * 1000), Fraction(1, 1000)
            else:
                frame.pts, frame.time_base = number, Fraction(1, RATE_HZ)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None and heard is not None:
            container.mux([packet for one in as_frames(heard) for packet in sound.encode(one)])
            container.mux(sound.encode(None))
    return path


def hum(tone: float, seconds: float) -> NDArray[np.float64]:
    """A tone."""
    return 0.3 * np.sin(2 * np.pi * tone * np.arange(round(seconds * SOUND_HZ)) / SOUND_HZ)


def as_frames(wave: NDArray[np.floating]) -> list[av.AudioFrame]:
    """Frames of mono sound."""
    frames = []
    for start in range(0, len(wave), 1024):
        part = (wave[start : start + 1024] * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.pts = SOUND_HZ, start
        frames.append(frame)
    return frames


def sound_only(path: Path) -> Path:
    """A file in a video's container with a sound and nothing else."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=SOUND_HZ)
        for frame in as_frames(hum(440, 1.0)):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def torn(whole: Path, path: Path, share: float) -> Path:
    """The first part of a file."""
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def crossing(one: Image.Image, other: Image.Image) -> Scene:
    """Two people who walk past each other within two seconds; the second passes in front."""
    way = WIDTH_PX - PERSON_PX
    return lambda time_s: placed((one, way * time_s / 2), (other, way * (1 - time_s / 2)))


def cut_to(one: Image.Image, other: Image.Image, at_s: Sequence[float]) -> Scene:
    """One person and another in turn, each in a room of their own, changing at some times."""

    def scene(time_s: float) -> Image.Image:
        first = sum(time_s >= at for at in at_s) % 2 == 0
        return placed((one, 20), level=60) if first else placed((other, 150), level=150)

    return scene


def staying(one: Image.Image) -> Scene:
    """A person who sways a little."""
    return lambda time_s: placed((one, 100 + 4 * np.sin(4 * time_s)))


def seen_between(one: Image.Image, start_s: float, end_s: float) -> Scene:
    """An empty room into which a person comes for a while."""
    return lambda time_s: placed((one, 100)) if start_s <= time_s < end_s else background()


def make(portrait: Image.Image, folder: Path) -> dict[str, Path]:
    """One clip of each kind, by name."""
    one, other = person(portrait), person(portrait, 120)
    kinds: dict[str, tuple[Scene, dict[str, Any]]] = {
        "staying.mp4": (staying(one), {"tone": 220.0}),
        "crossing.mp4": (crossing(one, other), {}),
        "cut.mkv": (cut_to(one, other, [0.7, 1.4]), {}),
        "turned.mp4": (lambda time_s: staying(one)(time_s).rotate(-90, expand=True), {"turn": 90}),
        "variable.mkv": (staying(one), {"times_s": [0, 0.05, 0.1, 0.5, 0.9, 0.95, 1.7, 2.0]}),
        "one-second.mp4": (seen_between(one, 1.0, 2.0), {"seconds": 4.0}),
        "nobody.webm": (lambda _: background(), {"codec": "libvpx-vp9", "seconds": 1.0}),
        "one-frame.mp4": (staying(one), {"seconds": 0.1}),
    }
    made = {name: draw(folder / name, scene, **options) for name, (scene, options) in kinds.items()}
    made["torn.mkv"] = torn(made["cut.mkv"], folder / "torn.mkv", 0.6)
    made["sound.m4a"] = sound_only(folder / "sound.m4a")
    return made


if __name__ == "__main__":
    with Image.open(sys.argv[1]) as picture:
        for clip in make(picture.convert("RGB"), Path(sys.argv[2])).values():
            print(clip)
