"""One recording, step by step: read, find where somebody speaks, cut, score, fuse.

Sound is read, gated and cut in one thread while windows are scored in another. Nothing is kept of it but scores, so
memory is flat in its length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from unmask import fuse_sound, passages
from unmask.detectors import spectral
from unmask.detectors.onnx import OnnxDetector
from unmask.fuse_sound import Listened
from unmask.limits import Limits
from unmask.modalities import audio, image
from unmask.passages import Passages
from unmask.types import Curve, Evidence, Passage, Score, Source, Verdict, Voice
from unmask.words import Progress

_AT_ONCE: Final = 8
"""Windows in one pass of the network."""

_EXPLAINED_S: Final = 60.0

_DECIMALS: Final = 4  # of a logit, as in `panel`


@dataclass(frozen=True, eq=False)
class Heard:
    """What came of one recording: all that its report says.

    Attributes:
        format: FFmpeg's name of the container.
        voice: When somebody speaks, how it sounds, and the verdict on the whole.
        score: None where nothing could be judged.
        evidence: What was found.
    """

    format: str
    voice: Voice
    score: Score | None
    evidence: tuple[Evidence, ...]


def listen(
    path: Path,
    detector: OnnxDetector,
    limits: Limits,
    *,
    evidence: bool = False,
    progress: Progress | None = None,
) -> Heard:
    """Judge one recording, or the sound of a video.

    Args:
        path: The file.
        detector: Of voices.
        limits: What the file may cost.
        evidence: Whether to keep a heat map of the window that sounds most like a fake, and to ask the witness who only
            informs.
        progress: Told how far it is.

    Raises:
        MediaError: It cannot be judged; the message says why.
    """
    card = detector.card
    with audio.opened(path, limits) as recording:
        cutter = passages.passages(recording, card.cut)
        length_s = recording.duration_s
        windows = _scored(cutter, detector, evidence, lambda at_s: _tell(progress, at_s, length_s))
        heard = cutter.heard()
    verdict = fuse_sound.verdict(windows, card)
    told = _explained(path, verdict, heard.duration_s, limits) if evidence else ((), ())
    voice = Voice(
        duration_s=round(heard.duration_s, 3),
        codec=heard.codec,
        rate_hz=heard.rate_hz,
        channels=heard.channels,
        speech_s=round(heard.speech_s, 2),
        verdict=verdict,
        stretches=fuse_sound.stretches(windows, card),
        curves=tuple(told[1]),
        notes=heard.notes,
    )
    found = (*fuse_sound.evidence(windows, card), *told[0])
    return Heard(heard.format, voice, fuse_sound.score(windows, card), found)


def _explained(
    path: Path, verdict: Verdict, duration_s: float, limits: Limits
) -> tuple[Sequence[Evidence], Sequence[Curve]]:
    """What the witness says who explains, of the seconds around those that decide."""
    if verdict.region is None:
        return (), ()
    middle = ((verdict.region.start_s or 0.0) + (verdict.region.end_s or 0.0)) / 2
    start_s = max(0.0, min(middle - _EXPLAINED_S / 2, duration_s - _EXPLAINED_S))
    around = audio.sound(path, limits, start_s, start_s + _EXPLAINED_S)
    if around is None:  # it could be read a moment ago: what was heard then stands
        return (), ()
    said, curves = spectral.look(around)
    return (said,), curves


def _tell(progress: Progress | None, at_s: float, length_s: float | None) -> None:
    if progress:
        progress("listening", min(1.0, at_s / length_s) if length_s else 0.0)


def _scored(
    cutter: Passages, detector: OnnxDetector, evidence: bool, reached: Callable[[float], None]
) -> list[Listened]:
    """Every window with its score; the highest with its heat map, where evidence is wanted."""
    windows: list[Listened] = []
    top = None
    for batch in _ahead(iter(cutter)):
        fit = [one for one in batch if one.unfit is None]
        reached(batch[0].region.start_s or 0.0)
        scored = iter(zip(*detector.explain(np.stack([one.samples for one in fit])), strict=True)) if fit else iter(())
        for one in batch:
            if one.unfit is not None:
                windows.append(Listened(one.region, None, one.unfit))
                continue
            logit, heat = next(scored)
            if not np.isfinite(logit):
                windows.append(Listened(one.region, None, "the detector gave no number"))
                continue
            windows.append(Listened(one.region, round(float(logit), _DECIMALS)))
            if top is None or (windows[-1].logit or 0.0) > (windows[top[0]].logit or 0.0):
                top = len(windows) - 1, heat
    if evidence and top is not None:
        rows = tuple(tuple(round(value, _DECIMALS) for value in row) for row in top[1].tolist())
        windows[top[0]] = replace(windows[top[0]], heat_map=rows)
    return windows


def _ahead(passages: Iterator[Passage]) -> Iterator[list[Passage]]:
    """Batches of passages, the next one being cut while the caller works on this one."""
    with ThreadPoolExecutor(1, thread_name_prefix="unmask-sound") as thread:
        coming = thread.submit(lambda: list(islice(passages, _AT_ONCE)))
        while batch := coming.result():
            coming = thread.submit(lambda: list(islice(passages, _AT_ONCE)))
            yield batch


def source_of(path: Path, heard: Heard | None = None) -> Source:
    """The file of a recording, which is read once more for its hash; of a video, `watch` has done so."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    name, size = image.display_path(path), path.stat().st_size
    return Source(path=name, sha256=sha256, bytes=size, format=heard.format if heard else None)
