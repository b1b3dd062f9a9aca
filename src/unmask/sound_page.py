"""What the page shows of a voice: its probability over the seconds, the sound as a picture, and what was measured.

Numbers come from the report alone. Only the spectrogram is made of the file, which is read again, piece by piece, while
its sha256 is still the one that was judged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from unmask import heatmap, spectrogram, time_charts, timeline, voice_line
from unmask.embedded import data_uri, jpeg, located
from unmask.errors import MediaError, UsageError
from unmask.limits import Limits
from unmask.modalities import audio
from unmask.spectrogram import Spectrogram
from unmask.time_charts import Axis, Chart
from unmask.types import Evidence, ModelUsed, Report, Voice
from unmask.video_page import Witness, witnesses
from unmask.voice_line import VoiceLine
from unmask.wording import clock

CLOSE_UP_S: Final = 10.0
"""Around the seconds that decided."""

THUMBNAIL_PX: Final = 112

_WHOLE_IS_CLOSE_S: Final = 12.0
_COLUMNS: Final = 960
_OVERVIEW_ROWS: Final = 128
_SAME_S: Final = 1e-3

Seconds = tuple[float, float]


@dataclass(frozen=True)
class Heat:
    """A heat map over a spectrogram: left end and width in percent of it, and whose it is."""

    left: float
    width: float
    picture: Markup
    words: str


@dataclass(frozen=True)
class Sight:
    """Some seconds of the sound as a picture, with the marked seconds as left end and width in percent."""

    picture: Markup
    axis: Axis
    marked: tuple[float, float] | None
    heats: tuple[Heat, ...]
    words: str


@dataclass(frozen=True)
class SoundPage:
    """All that the page draws of one voice.

    Attributes:
        most: The seconds that look most like a fake, in words.
        model: Whose thresholds make the bands, or None.
        decides: Whether the verdict on the file is that on the voice.
        line: The probability over the seconds; None where nothing was listened to.
        overview: All of the sound.
        close_up: The marked seconds and those around them; None where the overview is close enough.
        charts: What was measured over time.
        witnesses: Detectors, the one that decided first; of a video, its own page has them.
        scale: Logits that full colour of the heat maps stands for, where there are any.
        thumbnail: A small spectrogram for the summary.
        note: Why there is no spectrogram, or None.
    """

    most: str | None
    model: ModelUsed | None
    decides: bool
    line: VoiceLine | None
    overview: Sight | None
    close_up: Sight | None
    charts: tuple[Chart, ...]
    witnesses: tuple[Witness, ...]
    scale: float | None
    thumbnail: Markup | None
    note: str | None


def of(report: Report, limits: Limits) -> SoundPage:
    """What to draw of a report on a recording, or on the sound of a video.

    Args:
        report: Of what was listened to; made with evidence where heat maps and curves are wanted.
        limits: What reading the sound again may cost.

    Raises:
        UsageError: Nothing was listened to.
    """
    voice, verdict = report.voice, report.verdict
    if voice is None or verdict is None:
        raise UsageError("the report is not of sound that was judged")
    models = {model.name: model for model in report.models}
    model = models.get(voice.verdict.detector or "")
    marked = timeline.seconds(voice.verdict.region)
    whole = (0.0, max([voice.duration_s, *(stretch.end_s for stretch in voice.stretches)]))
    close = _around(voice, marked, whole) if marked and whole[1] > _WHOLE_IS_CLOSE_S else None
    maps = list(_maps(report, close or whole))
    scale = heatmap.common_scale([logits for _, logits in maps]) if maps else None
    heats = [(found, data_uri("png", heatmap.overlay(logits[::-1], scale))) for found, logits in maps if scale]
    drawn, note = _drawn(report, limits, [whole, close] if close else [whole])
    sights = [_sight(one, marked, heats if one is drawn[-1] else [], drawn) for one in drawn]
    return SoundPage(
        most=timeline.spoken(*marked) if marked else None,
        model=model,
        decides=voice.verdict.detector is not None and voice.verdict.detector == verdict.detector,
        line=voice_line.draw(voice, model, Axis(*whole), marked) if voice.stretches else None,
        overview=sights[0] if sights else None,
        close_up=sights[1] if len(sights) > 1 else None,
        charts=tuple(time_charts.charts(voice)),
        witnesses=witnesses(report) if report.video is None else (),
        scale=scale if sights else None,
        thumbnail=_thumbnail(drawn[0]) if drawn else None,
        note=note,
    )


def _around(voice: Voice, marked: Seconds, whole: Seconds) -> Seconds:
    """The marked seconds in the middle; of more than fit, those of the highest window."""
    inside = [s for s in voice.stretches if s.probability is not None and marked[0] <= s.start_s < marked[1]]
    if marked[1] - marked[0] > CLOSE_UP_S and inside:
        highest = max(inside, key=lambda stretch: stretch.probability or 0.0)
        marked = highest.start_s, highest.end_s
    start_s = min(max(sum(marked) / 2 - CLOSE_UP_S / 2, whole[0]), whole[1] - CLOSE_UP_S)
    return start_s, start_s + CLOSE_UP_S


def _drawn(report: Report, limits: Limits, spans: Sequence[Seconds]) -> tuple[list[Spectrogram], str | None]:
    """The sound of some spans, or a sentence why it cannot be shown."""
    path = located(report.source.path)
    try:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != report.source.sha256:
                return [], "The file has changed since it was judged, so its spectrogram is not shown."
        with audio.opened(path, limits) as recording:
            return spectrogram.measure(recording.blocks(), spans, _COLUMNS), None
    except MediaError as error:
        return [], f"The spectrogram cannot be shown: {error}."
    except (OSError, ValueError):
        return [], "The spectrogram cannot be shown: the file cannot be read."


def _sight(
    one: Spectrogram, marked: Seconds | None, heats: Sequence[tuple[Evidence, Markup]], drawn: Sequence[Spectrogram]
) -> Sight:
    axis = Axis(one.start_s, one.end_s)
    close = one is drawn[-1]
    image = spectrogram.picture(one, spectrogram.loudest_db(drawn), spectrogram.ROWS if close else _OVERVIEW_ROWS)
    words = f"Spectrogram of the sound from {clock(one.start_s)} to {clock(one.end_s)}"
    words += f", 0 to {spectrogram.TOP_HZ // 1000} kHz"
    if marked:
        words += f"; the seconds {timeline.spoken(*marked)} are marked"
    return Sight(
        picture=jpeg(image, _COLUMNS),
        axis=axis,
        marked=axis.part(*marked) if marked else None,
        heats=tuple(_heat(one, evidence, picture) for evidence, picture in heats),
        words=words,
    )


def _heat(one: Spectrogram, evidence: Evidence, picture: Markup) -> Heat:
    start_s, end_s = timeline.seconds(evidence.region) or (0.0, 0.0)
    percent = 100 / (one.end_s - one.start_s)
    words = f"Heat map of {evidence.detector}: where its score of {timeline.spoken(start_s, end_s)} came from"
    return Heat((start_s - one.start_s) * percent, (end_s - start_s) * percent, picture, words)


def _thumbnail(whole: Spectrogram) -> Markup:
    image = spectrogram.picture(whole, spectrogram.loudest_db([whole]), THUMBNAIL_PX)
    return jpeg(image.resize((THUMBNAIL_PX, THUMBNAIL_PX)), THUMBNAIL_PX)


def _maps(report: Report, shown: Seconds) -> Iterator[tuple[Evidence, heatmap.Logits]]:
    """Heat maps of windows that do not overlap: those that most say fake, one that votes before one that informs."""
    taken: list[Seconds] = []
    by: str | None = None
    for evidence in sorted(report.evidence, key=lambda e: (not e.votes, -(e.logit or 0.0))):
        found, logits = timeline.seconds(evidence.region), heatmap.local_logits(evidence)
        if found is None or logits is None or evidence.region.track is not None or by not in (None, evidence.detector):
            continue
        inside = found[0] < shown[1] and shown[0] < found[1]
        if inside and all(found[1] <= a + _SAME_S or b <= found[0] + _SAME_S for a, b in taken):
            by = evidence.detector
            taken.append(found)
            yield evidence, logits
