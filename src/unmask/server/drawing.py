"""Pictures of a judged file, for the page: made where files are decoded, kept beside the report.

The numbers on the page come from the report; what is drawn here is only what the file itself must be opened for.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup, escape
from PIL import Image

from unmask import heatmap, measured_map, sound_page, video_page
from unmask import report as reports
from unmask.limits import Limits
from unmask.modalities import image as pictures
from unmask.server.media import NOTES, THUMBNAIL
from unmask.sound_page import Sight
from unmask.types import Report, Source, Status
from unmask.wording import visible

PICTURE_PX: Final = 1400
THUMBNAIL_PX: Final = 160
_QUALITY: Final = 85


def of(report: Report, path: Path, limits: Limits) -> dict[str, bytes]:
    """All that the page shows of a file, by name: JPEG, PNG, and `NOTES`.

    Args:
        report: On it; made with evidence where heat maps are wanted.
        path: Where it lies now.
        limits: What opening it again may cost.

    Raises:
        MediaError: It cannot be opened.
    """
    if report.status is not Status.OK:
        return {}
    placed = _at(report, path)
    if report.video:
        return _video(placed, limits)
    return _sound(placed, limits) if report.voice else _photo(placed, path, limits)


def page(report: Report, path: Path, limits: Limits) -> str:
    """The report as one self-contained page; our own name for the file, which is random, becomes the sender's."""
    written = reports.render([_at(report, path)], limits=limits)
    shown = escape(visible(report.source.path)).encode("ascii", "xmlcharrefreplace").decode()
    return written.replace(str(path), shown).replace(path.name, shown)


def _at(report: Report, path: Path) -> Report:
    source: Source = report.source.model_copy(update={"path": str(path)})
    return report.model_copy(update={"source": source})


def _photo(report: Report, path: Path, limits: Limits) -> dict[str, bytes]:
    photo = pictures.load(path, limits).image
    found = {"picture.jpg": _jpeg(photo, PICTURE_PX), THUMBNAIL: _jpeg(photo, THUMBNAIL_PX)}
    scales: dict[str, float] = {}
    for detector in dict.fromkeys(evidence.detector for evidence in report.evidence):
        maps = {
            index: logits
            for index, evidence in enumerate(report.evidence)
            if evidence.detector == detector and (logits := heatmap.local_logits(evidence)) is not None
        }
        if maps:
            scales[detector] = heatmap.common_scale(list(maps.values()))
            for index, logits in maps.items():
                found[f"heat-{index}.png"] = heatmap.overlay(logits, scales[detector])
    cells: dict[str, dict[str, str]] = {}
    for index, evidence in enumerate(report.evidence):
        if measured := measured_map.shown(evidence):
            found |= _bytes({f"cells-{index}.png": measured.picture})
            cells[str(index)] = {name: getattr(measured, name) for name in ("name", "unit", "low", "high")}
    return found | _notes({"width": photo.width, "height": photo.height, "scales": scales, "cells": cells})


def _video(report: Report, limits: Limits) -> dict[str, bytes]:
    shown = video_page.of(report, limits)
    found: dict[str, Markup | None] = {THUMBNAIL: shown.thumbnail}
    found |= {f"person-{number}.jpg": picture for number, picture in shown.portraits.items()}
    frames = []
    for index, frame in enumerate(shown.key_frames):
        found |= {f"frame-{index}.jpg": frame.picture, f"face-{index}.jpg": frame.crop, f"heat-{index}.png": frame.heat}
        places = [[place.number, place.left, place.top, place.width, place.height] for place in frame.places]
        frames.append(
            {
                "rank": frame.rank,
                "time_s": frame.moment.time_s,
                "probability": frame.moment.probability,
                "places": places,
                "face": frame.crop is not None,
                "heat": frame.heat is not None,
                "by": frame.heat_by,
            }
        )
    notes: dict[str, Any] = {"frames": frames, "scale": shown.scale, "note": shown.note}
    notes["starring"] = shown.starring.track.number if shown.starring else None
    drawn = _bytes(found)
    if report.voice:
        heard, sights = _sights(report, limits)
        drawn |= {name: data for name, data in heard.items() if name != THUMBNAIL}
        notes |= sights
    return drawn | _notes(notes)


def _sound(report: Report, limits: Limits) -> dict[str, bytes]:
    found, notes = _sights(report, limits)
    return found | _notes(notes)


def _sights(report: Report, limits: Limits) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Spectrograms, and where heat maps lie over them."""
    shown = sound_page.of(report, limits)
    found: dict[str, Markup | None] = {THUMBNAIL: shown.thumbnail}
    notes: dict[str, Any] = {"sound_note": shown.note, "sound_scale": shown.scale}
    for name, sight in (("sound", shown.overview), ("close", shown.close_up)):
        if sight:
            found[f"{name}.jpg"] = sight.picture
            found |= {f"{name}-{index}.png": heat.picture for index, heat in enumerate(sight.heats)}
            notes[name] = _sight(sight)
    return _bytes(found), notes


def _sight(sight: Sight) -> dict[str, Any]:
    return {
        "start_s": sight.axis.start_s,
        "end_s": sight.axis.end_s,
        "marked": sight.marked,
        "words": sight.words,
        "heats": [[heat.left, heat.width, heat.words] for heat in sight.heats],
    }


def _notes(notes: Mapping[str, Any]) -> dict[str, bytes]:
    return {NOTES: json.dumps(notes, allow_nan=False).encode()}


def _bytes(uris: Mapping[str, Markup | None]) -> dict[str, bytes]:
    """What pages carry as data URIs, as files."""
    return {name: base64.b64decode(uri.partition(",")[2]) for name, uri in uris.items() if uri}


def _jpeg(image: Image.Image, most_px: int) -> bytes:
    """A small copy, made of pixels alone: no comment, EXIF or profile travels along."""
    copy = image.copy()
    copy.thumbnail((most_px, most_px), Image.Resampling.LANCZOS)
    copy.info = {}
    file = io.BytesIO()
    copy.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return file.getvalue()
