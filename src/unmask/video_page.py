"""What the page shows of a video: persons over time, key frames, and what was measured.

Numbers come from the report alone. Only pictures are read again, frame by frame from the file, while its sha256 is
still the one that was judged; one frame at a time is in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from markupsafe import Markup
from PIL import Image

from unmask import heatmap, roles, time_charts, timeline
from unmask.embedded import data_uri, jpeg, located
from unmask.errors import MediaError, UsageError
from unmask.heatmap import Logits
from unmask.limits import Limits
from unmask.modalities import video as films
from unmask.time_charts import Chart, Timeline
from unmask.types import Box, Evidence, Moment, Report, Track, Video

FRAME_PX: Final = 560
CROP_PX: Final = 224
PORTRAIT_PX: Final = 96
THUMBNAIL_PX: Final = 112

_SAME_S: Final = 1e-3
_HIGHEST, _MIDDLE, _LOWEST = "Highest", "Middle", "Lowest"


@dataclass(frozen=True)
class Place:
    """A person's box in a frame, in percent of it; `aside` where the frame was not chosen for them."""

    number: int
    left: float
    top: float
    width: float
    height: float
    aside: bool


@dataclass(frozen=True)
class KeyFrame:
    """A frame that stands for a person's high, middling or low looks."""

    rank: str
    moment: Moment
    places: tuple[Place, ...]
    picture: Markup
    crop: Markup | None
    heat: Markup | None
    heat_by: str | None


@dataclass(frozen=True)
class Witness(roles.Role):
    """What one detector says of the whole video, besides its looks."""

    findings: tuple[tuple[Evidence, str | None, str], ...]


@dataclass(frozen=True)
class VideoPage:
    """All that the page draws of one video.

    Attributes:
        who: The person and the seconds that decided, in words; None where no single person did.
        decider: The number of that person.
        timelines: A timeline for each person.
        starring: The timeline of the person of whom key frames are shown: who decided, or who is named first.
        key_frames: Of that person.
        portraits: By number, the most suspicious look at each person.
        witnesses: Detectors, the one that decided first.
        charts: What was measured over time.
        scale: Logits that full colour of the heat maps stands for, where there are any.
        looked_at: How many frames were looked at in all.
        thumbnail: One frame for the summary.
        note: Why no frame can be shown, or None.
    """

    who: str | None
    decider: int | None
    timelines: tuple[Timeline, ...]
    starring: Timeline | None
    key_frames: tuple[KeyFrame, ...]
    portraits: Mapping[int, Markup]
    witnesses: tuple[Witness, ...]
    charts: tuple[Chart, ...]
    scale: float | None
    looked_at: int
    thumbnail: Markup | None
    note: str | None


def of(report: Report, limits: Limits) -> VideoPage:
    """What to draw of a report on a video.

    Args:
        report: Of a video that was judged; made with evidence where heat maps and curves are wanted.
        limits: What reading frames again may cost.

    Raises:
        UsageError: The report is not of a video.
    """
    video, verdict = report.video, report.verdict
    if video is None or verdict is None:
        raise UsageError("the report is not of a video that was judged")
    models = {model.name: model for model in report.models}
    overall = models.get(verdict.detector or "")
    number = verdict.region.track if verdict.region else None
    decider = next((track for track in video.tracks if track.number == number), None)
    lines = tuple(
        time_charts.draw(video, track, models.get(track.verdict.detector or "") or overall) for track in video.tracks
    )
    line = next((line for line in lines if line.track is decider), next(iter(lines), None))
    album = _Album(video, _key_moments(line.track) if line else {})
    note = album.fill(report, limits)
    maps = _maps(report, line.track, album.ranked) if line else {}
    scale = heatmap.common_scale([logits for _, logits in maps.values()]) if maps else None
    who = timeline.when(verdict.region) if verdict.region else None
    return VideoPage(
        who=who[:1].upper() + who[1:] if who else None,
        decider=decider.number if decider else None,
        timelines=lines,
        starring=line,
        key_frames=tuple(
            KeyFrame(
                rank=rank,
                moment=moment,
                places=_places(video, line.track, moment, size),
                picture=picture,
                crop=crop,
                heat=data_uri("png", heatmap.overlay(maps[rank][1], scale)) if scale and rank in maps else None,
                heat_by=maps[rank][0] if rank in maps else None,
            )
            for rank, moment in album.ranked.items()
            if line and rank in album.frames
            for picture, size, crop in [album.frames[rank]]
        ),
        portraits=album.portraits,
        witnesses=witnesses(report),
        charts=tuple(time_charts.charts(video)),
        scale=scale,
        looked_at=len({*video.looked_at_s, *video.looked_closer_s}),
        thumbnail=album.thumbnail,
        note=note,
    )


@dataclass
class _Album:
    """Small copies of the frames that the page shows."""

    video: Video
    ranked: Mapping[str, Moment]
    frames: dict[str, tuple[Markup, tuple[int, int], Markup | None]] = field(default_factory=dict)
    portraits: dict[int, Markup] = field(default_factory=dict)
    thumbnail: Markup | None = None

    def fill(self, report: Report, limits: Limits) -> str | None:
        """Read the frames, or say in a sentence why they cannot be shown."""
        faces = {
            track.number: moment
            for track in self.video.tracks
            for moment in [timeline.highest(track) or next(iter(track.moments), None)]
            if moment
        }
        wanted = [moment.time_s for moment in (*self.ranked.values(), *faces.values())]
        looked_at = self.video.looked_at_s
        wanted = wanted or list(looked_at[len(looked_at) // 2 :][:1])
        path = located(report.source.path)
        try:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != report.source.sha256:
                    return "The file has changed since it was judged, so its frames are not shown."
            with films.opened(path, limits) as film:
                for still in film.stills(wanted):
                    self._keep(still, faces)
        except MediaError as error:
            return f"The frames cannot be shown: {error}."
        except (OSError, ValueError):
            return "The frames cannot be shown: the file cannot be read."
        return None

    def _keep(self, still: films.Still, faces: Mapping[int, Moment]) -> None:
        for number, moment in faces.items():
            if abs(moment.time_s - still.time_s) < _SAME_S and (face := _crop(still.image, moment.box_px)):
                self.portraits[number] = jpeg(face, PORTRAIT_PX)
        for rank, moment in self.ranked.items():
            if abs(moment.time_s - still.time_s) < _SAME_S:
                face = _crop(still.image, moment.box_px)
                picture = jpeg(still.image, FRAME_PX)
                self.frames[rank] = picture, still.image.size, jpeg(face, CROP_PX) if face else None
                if rank == _HIGHEST:
                    self.thumbnail = jpeg(still.image, THUMBNAIL_PX)
        if self.thumbnail is None:
            self.thumbnail = jpeg(still.image, THUMBNAIL_PX)


def _key_moments(track: Track) -> dict[str, Moment]:
    """By rank, the looks at a person with the highest, the middle and the lowest probability; each look once."""
    judged = sorted(
        ((moment.probability, moment) for moment in track.moments if moment.probability is not None),
        key=lambda pair: (-pair[0], pair[1].time_s),
    )
    places = {_HIGHEST: 0, _LOWEST: len(judged) - 1, _MIDDLE: len(judged) // 2}
    found = {rank: judged[place][1] for rank, place in places.items() if 0 <= place < len(judged)}
    once = {moment.time_s: (rank, moment) for rank, moment in reversed(found.items())}
    chosen = dict(once.values())
    return {rank: chosen[rank] for rank in (_HIGHEST, _MIDDLE, _LOWEST) if rank in chosen}


def _crop(image: Image.Image, box: Box) -> Image.Image | None:
    left, top, right, bottom = max(box[0], 0), max(box[1], 0), min(box[2], image.width), min(box[3], image.height)
    return image.crop((left, top, right, bottom)) if left < right and top < bottom else None


def _places(video: Video, shown: Track, at: Moment, size_px: tuple[int, int]) -> tuple[Place, ...]:
    """Where everybody is in a frame, the person that it was chosen for first."""
    width, height = size_px
    found = []
    for track in sorted(video.tracks, key=lambda track: track.number != shown.number):
        for moment in track.moments:
            if abs(moment.time_s - at.time_s) < _SAME_S:
                left, top, right, bottom = moment.box_px
                percent = (100 * left / width, 100 * top / height)
                extent = (100 * (right - left) / width, 100 * (bottom - top) / height)
                found.append(Place(track.number, *percent, *extent, aside=track.number != shown.number))
                break
    return tuple(found)


def _maps(report: Report, track: Track, ranked: Mapping[str, Moment]) -> dict[str, tuple[str, Logits]]:
    """By rank, the heat map of that look and the detector that gave it, one that votes before one that informs."""
    found: dict[str, tuple[str, Logits]] = {}
    for evidence in sorted(report.evidence, key=lambda evidence: not evidence.votes):
        region, logits = evidence.region, heatmap.local_logits(evidence)
        if logits is None or region.track != track.number or region.start_s is None:
            continue
        for rank, moment in ranked.items():
            if abs(moment.time_s - region.start_s) < _SAME_S:
                found.setdefault(rank, (evidence.detector, logits))
    return found


def witnesses(report: Report) -> tuple[Witness, ...]:
    """What each detector found, besides single looks and windows: the one that decided first, then its partners."""
    grouped: dict[str, list[Evidence]] = {name: [] for name in report.scores}
    for evidence in report.evidence:
        grouped.setdefault(evidence.detector, []).append(evidence)
    found = []
    for name, said in grouped.items():
        findings = tuple(_finding(e) for e in said if not timeline.is_one_look(e))
        role = roles.role(report, name)
        if findings or not role.decides:  # else the verdict has said it
            found.append(Witness(**vars(role), findings=findings))
    return tuple(sorted(found, key=lambda witness: (not witness.decides, not witness.joins)))


def _finding(evidence: Evidence) -> tuple[Evidence, str | None, str]:
    """Evidence, its person and seconds in words, and what became of it."""
    return evidence, timeline.when(evidence.region), roles.state(evidence)
