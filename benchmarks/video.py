"""How fast videos are judged, and what that costs in memory: `python benchmarks/video.py [--long 7200]`.

The clip is made on the spot: ten seconds of 720p at 30 frames a second in which the public-domain portrait moves before
a textured room, H.264. Longer films are its packets, again and again. "The sum of its parts" is what the same frames
take if PyAV alone decodes what leads to them, and then the face network and the detector run bare.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
from measured import Row, peak_mb, show
from PIL import Image
from scan import portrait

from unmask import Scanner, bundles, moments
from unmask.detectors.onnx import OnnxDetector
from unmask.face_search import SMALL_PX
from unmask.faces import FaceFinder
from unmask.modalities import video
from unmask.runtime import usable_cores
from unmask.watch import FRAMES

SIZE_PX: Final = (1280, 720)
RATE_HZ: Final = 30
TIMES: Final = 5


def draw(path: Path, seconds: int = 10) -> Path:
    """A person who moves before a room; grain, so that the bytes are those of a real clip (about 3 Mbit/s)."""
    rng = np.random.default_rng(0)
    room = Image.fromarray(rng.integers(60, 190, (90, 160, 3), np.uint8)).resize(SIZE_PX, Image.Resampling.BICUBIC)
    person = portrait().resize((420, 420), Image.Resampling.LANCZOS)
    grain = rng.normal(0, 7.0, (8, SIZE_PX[1], SIZE_PX[0], 1))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE_HZ, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE_PX, "yuv420p"
        for number in range(seconds * RATE_HZ):
            frame = room.copy()
            frame.paste(person, (400 + round(60 * np.sin(number / 20)), 300 + round(10 * np.sin(number / 7))))
            pixels = np.clip(np.asarray(frame) + grain[number % len(grain)], 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def repeat(clip: Path, path: Path, seconds: int) -> Path:
    """The same packets, one round after another."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as out:
        stream = source.streams.video[0]
        target = out.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.size]
        unit = cast(Fraction, stream.time_base)
        length = max(packet.pts or 0 for packet in packets) + round(Fraction(1, RATE_HZ) / unit)
        data = [(bytes(packet), packet.pts or 0, packet.dts or 0, packet.is_keyframe) for packet in packets]
        for round_number in range(seconds * RATE_HZ // len(packets)):
            for content, pts, dts, key in data:
                again = av.Packet(content)
                again.pts, again.dts = pts + round_number * length, dts + round_number * length
                again.stream, again.time_base, again.is_keyframe = target, unit, key
                out.mux(again)
    return path


def median_s(work: Callable[[], object], times: int = TIMES) -> float:
    """Median of several runs, the first of which is not counted."""
    work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def parts_s(clip: Path, detector: OnnxDetector, finder: FaceFinder) -> tuple[float, float, float]:
    """Decoding what leads to the frames, the face network and the detector, each alone."""
    with video.opened(clip, threads=usable_cores()) as film:
        wanted = {round(still.time_s, 3) for still in film.stills(moments.spread(film, FRAMES))}

    def decode() -> list[Image.Image]:
        with av.open(str(clip)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            return [
                Image.fromarray(frame.to_ndarray(format="rgb24"))
                for frame in container.decode(stream)
                if round(frame.time or 0.0, 3) in wanted
            ]

    frames = decode()
    size, length = detector.card.cut.size_px, detector.card.cut.frames or 1
    batch = np.zeros((1, length, size, size, 3), np.uint8)
    windows = -(-len(frames) // length)
    return (
        median_s(decode),
        median_s(lambda: [finder.find(frame, sides_px=(SMALL_PX,)) for frame in frames]),
        median_s(lambda: [detector.score(batch) for _ in range(windows)]),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How fast videos are judged.")
    parser.add_argument("--long", type=int, default=7200, help="seconds of the longest film")
    options = parser.parse_args()
    bundle = next(bundle for bundle in bundles.shipped() if bundle.card.modality == "video")
    detector, finder = OnnxDetector(bundle), FaceFinder()
    with tempfile.TemporaryDirectory() as folder:
        clip = draw(Path(folder) / "clip.mp4")
        film, long = (repeat(clip, Path(folder) / f"{s}.mp4", s) for s in (1000, options.long))
        with Scanner() as scanner:
            whole = median_s(lambda: scanner.scan(clip))
            decode, find, score = parts_s(clip, detector, finder)
            thousand = median_s(lambda: scanner.scan(film), 3)
            began = time.perf_counter()
            scanner.scan(long)
            longest = time.perf_counter() - began
        parts = decode + find + score
        small, large = peak_mb(clip), peak_mb(long)
        rows = [
            Row(f"10 s of 720p30, one face, {FRAMES} frames", f"{whole:.2f} s", "2.5 s", whole <= 2.5),
            Row("its parts: decoding, face network, detector", f"{decode:.2f} + {find:.2f} + {score:.2f} s", ""),
            Row("share of the sum of its parts", f"{parts / whole:.2f}", "0.6", parts / whole >= 0.6),
            Row("1,000 s of 720p30", f"{thousand:.1f} s", "20 s", thousand <= 20),
            Row(f"{options.long:,} s of 720p30", f"{longest:.1f} s", ""),
            Row("peak memory, 10 s", f"{small:.0f} MB", ""),
            Row(f"peak memory, {options.long:,} s", f"{large:.0f} MB", "1,000 MB", large <= 1000),
        ]
    show(f"videos, {usable_cores()} cores", rows)


if __name__ == "__main__":
    main()
