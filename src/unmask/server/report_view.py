"""What the page shows of one report: numbers from the report, places from what was drawn of the file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row

from unmask import answers, roles, time_charts, timeline, voice_line
from unmask.server import report_store
from unmask.server.media import NOTES, Media
from unmask.server.opened import type_of
from unmask.server.wire import Models
from unmask.time_charts import Axis, Chart, Timeline
from unmask.types import Evidence, ModelUsed, Report
from unmask.video_page import Witness, witnesses
from unmask.voice_line import VoiceLine

_NOTHING: Final = {
    "width": 0,
    "height": 0,
    "scales": {},
    "cells": {},
    "frames": [],
    "scale": None,
    "note": None,
    "starring": None,
    "sound": None,
    "close": None,
    "sound_note": None,
    "sound_scale": None,
}
"""What `drawing` notes, where there is nothing of it."""

_PLAYABLE: Final = ("video/mp4", "video/webm", "audio/")


@dataclass(frozen=True)
class Finding:
    """One detector's evidence on one region of a photo; `index` names its heat map."""

    index: int
    evidence: Evidence
    state: str
    region: int | None


@dataclass(frozen=True)
class Detector(roles.Role):
    """All that one detector found in a photo."""

    findings: tuple[Finding, ...]
    scale: float | None


@dataclass(frozen=True)
class View:
    """All that the page draws.

    Attributes:
        id: Of the report.
        name: Of the file.
        report: What was found out.
        kind: What it was judged as.
        label: Of the verdict, "none" where there is none.
        words: The same for people.
        model: Whose thresholds the verdict lies among.
        drawn: Whether there are pictures.
        notes: Where things lie in them.
        sights: Spectrograms by name, with their axes.
        kept: Whether the file is still there.
        playable: Whether browsers are likely to play it.
        detectors: Of a photo, the one that decided first.
        regions: Its distinct boxes, numbered from 1.
        who: Of a video, the person and the seconds that decided.
        lines: Likewise, a timeline for each person.
        witnesses: Of a video or a recording, what each detector says of the whole.
        charts: Likewise, what was measured over time.
        voice: The probability over the seconds of speech.
        voice_model: Whose thresholds that lies among.
        heard: What was measured in the sound.
        cards: Names of detectors that have a card on the page of models.
    """

    id: str
    name: str
    report: Report
    kind: str
    label: str
    words: str
    model: ModelUsed | None
    drawn: bool
    notes: dict[str, Any]
    sights: dict[str, dict[str, Any]]
    kept: bool
    playable: bool
    detectors: tuple[Detector, ...]
    regions: dict[tuple[int, int, int, int], int]
    who: str | None
    lines: tuple[Timeline, ...]
    witnesses: tuple[Witness, ...]
    charts: tuple[Chart, ...]
    voice: VoiceLine | None
    voice_model: ModelUsed | None
    heard: tuple[Chart, ...]
    cards: frozenset[str]


def of(media: Media, row: Row[Any], models: Models) -> View:
    """What to draw of a report.

    Args:
        media: Where the pictures are.
        row: Of the store.
        models: Those in use, to link their cards.
    """
    report = Report.model_validate_json(row.body)
    verdict, video, voice = report.verdict, report.video, report.voice
    used = {model.name: model for model in report.models}
    overall = used.get(verdict.detector or "") if verdict else None
    label = verdict.label.value if verdict else "none"
    region = verdict.region if verdict and video else None
    who = timeline.when(region) if region else None
    kind = report_store.kind_of(report)
    regions = _regions(report) if kind == "photo" else {}
    notes = media.picture(row.id, NOTES)
    told = _NOTHING | (json.loads(notes.read_bytes()) if notes else {})
    return View(
        id=row.id,
        name=row.name,
        report=report,
        kind=kind,
        label=label,
        words=answers.words(report),
        model=overall,
        drawn=notes is not None,
        notes=told,
        sights={
            name: told[name] | {"axis": Axis(told[name]["start_s"], told[name]["end_s"])}
            for name in ("sound", "close")
            if told[name]
        },
        kept=row.media is not None,
        playable=type_of(report).startswith(_PLAYABLE),
        detectors=_detectors(report, regions, told["scales"]) if kind == "photo" else (),
        regions=regions,
        who=who[:1].upper() + who[1:] if who else None,
        lines=tuple(
            time_charts.draw(video, track, used.get(track.verdict.detector or "") or overall) for track in video.tracks
        )
        if video
        else (),
        witnesses=witnesses(report) if video or voice else (),
        charts=tuple(time_charts.charts(video)) if video else (),
        voice=_voice(report, used),
        voice_model=used.get(voice.verdict.detector or "") if voice else None,
        heard=tuple(time_charts.charts(voice)) if voice else (),
        cards=frozenset(model.name for model in models.models if model.card),
    )


def _voice(report: Report, used: dict[str, ModelUsed]) -> VoiceLine | None:
    voice = report.voice
    if voice is None or not voice.stretches:
        return None
    whole = Axis(0.0, max([voice.duration_s, *(stretch.end_s for stretch in voice.stretches)]))
    marked = timeline.seconds(voice.verdict.region)
    return voice_line.draw(voice, used.get(voice.verdict.detector or ""), whole, marked)


def _regions(report: Report) -> dict[tuple[int, int, int, int], int]:
    """Boxes of all evidence, those that count first."""
    ordered = sorted(report.evidence, key=roles.informs)
    boxes = dict.fromkeys(evidence.region.box_px for evidence in ordered if evidence.region.box_px)
    return {box: number for number, box in enumerate(boxes, start=1)}


def _detectors(
    report: Report,
    regions: dict[tuple[int, int, int, int], int],
    scales: dict[str, float],
) -> tuple[Detector, ...]:
    found = []
    for name in dict.fromkeys(evidence.detector for evidence in report.evidence):
        mine = [(index, one) for index, one in enumerate(report.evidence) if one.detector == name]
        findings = tuple(
            Finding(index, one, roles.state(one), regions.get(one.region.box_px) if one.region.box_px else None)
            for index, one in mine
        )
        found.append(Detector(**vars(roles.role(report, name)), findings=findings, scale=scales.get(name)))
    return tuple(sorted(found, key=lambda one: (not one.decides, one.informs)))
