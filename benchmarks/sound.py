"""How fast recordings are judged, and in how much memory: `python benchmarks/sound.py [--seconds 3600] [--voice FILE]`.

The recording is made on the spot: the voice that the tests draw, twenty seconds and a pause, again and again, as MP3 at
64 kbit/s, or a file of your own. What is no speech costs little, so its share is shown beside the figures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import av
import numpy as np
from measured import Row, peak_mb, show

sys.path.insert(0, str(Path(__file__).parent.parent))  # for the voice that the tests draw
from tests.draw_speech import speech

from unmask import Scanner, bundles
from unmask.detectors.onnx import OnnxDetector
from unmask.modalities import audio
from unmask.runtime import usable_cores
from unmask.types import RATE_HZ, Samples
from unmask.voice_activity import VoiceActivity

TIMES_REAL: Final = 60
"""The goal: so many seconds of sound in one second."""


def said(path: Path | None) -> Samples:
    """The sound of a file, or twenty seconds of a drawn voice and a pause."""
    if path is None:
        return np.concatenate([speech(20.0), np.zeros(RATE_HZ, np.float32)]).astype(np.float32)
    own = audio.sound(path)
    if own is None:
        sys.exit(f"no sound can be read from {path}: give --voice a recording")
    return own.samples


def write(path: Path, voice: Samples, seconds: int) -> Path:
    """The same voice, again and again, as an MP3."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mp3", rate=RATE_HZ, layout="mono")
        stream.bit_rate = 64_000
        steps = np.rint(voice * 32767).astype(np.int16)[None]
        for number in range(-(-seconds * RATE_HZ // len(voice))):
            frame = av.AudioFrame.from_ndarray(steps, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE_HZ, number * len(voice)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def timed(work: object) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    assert callable(work)
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How fast recordings are judged.")
    parser.add_argument("--seconds", type=int, default=3600, help="of the long recording")
    parser.add_argument("--voice", type=Path, help="a recording to be said again and again")
    options = parser.parse_args()
    seconds, voice_said = options.seconds, said(options.voice)
    bundle = next(bundle for bundle in bundles.shipped() if bundle.card.modality == "audio")
    detector = OnnxDetector(bundle)
    with tempfile.TemporaryDirectory() as folder:
        short, long = (write(Path(folder) / f"{s}.mp3", voice_said, s) for s in (60, seconds))
        with audio.opened(long) as recording:
            decode = timed(lambda: [len(block.samples) for block in recording.blocks()])
        gate, block = VoiceActivity(), np.tile(voice_said, 10)
        listen = timed(lambda: gate.speaks(block)) * seconds * RATE_HZ / len(block)
        batch = np.zeros((8, *bundle.card.cut.input_shape), np.float32)
        detector.score(batch)
        windows = seconds / bundle.card.cut.step_s
        score = timed(lambda: detector.score(batch)) * windows / len(batch)
        with Scanner() as scanner:
            scanner.scan(short)
            whole = timed(lambda: scanner.scan(long))
            voice = scanner.scan(long).voice
        few, many = peak_mb(short), peak_mb(long)
    spoken = f"{voice.speech_s / voice.duration_s:.0%}, {len(voice.stretches):,} windows" if voice else "none"
    speed = seconds / whole
    rows = [
        Row(f"{seconds:,} s of MP3, file to report", f"{whole:.1f} s", f"{seconds / TIMES_REAL:.0f} s", None),
        Row("times real time", f"{speed:.0f}", f"{TIMES_REAL}", speed >= TIMES_REAL),
        Row("its parts: decoding, voice activity, detector", f"{decode:.1f} + {listen:.1f} + {score:.1f} s", ""),
        Row("found to be speech", spoken, ""),
        Row("peak memory, 60 s", f"{few:.0f} MB", ""),
        Row(f"peak memory, {seconds:,} s", f"{many:.0f} MB", f"{few + 100:.0f} MB", many <= few + 100),
    ]
    show(f"recordings, {usable_cores()} cores", rows)


if __name__ == "__main__":
    main()
