"""Reports as one page that a journalist can open, keep, print and send: self-contained, no script, no outside address.

jinja2, because its autoescaping makes a file name that contains markup harmless by default instead of by care.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from PIL import Image

from unmask import answers, heatmap, measured_map, roles, sound_page, video_page
from unmask.embedded import data_uri, jpeg, located
from unmask.errors import MediaError, UnsupportedError
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.modalities import image as pictures
from unmask.types import Box, Evidence, ModelUsed, Report, Status
from unmask.wording import clock, decimals, to_the_second, visible

PICTURE_PX: Final = 720
CROP_PX: Final = 224
ASIDE_PX: Final = 144
THUMBNAIL_PX: Final = 112
_HERE: Final = Markup("\0")  # no text can hold it: `visible` writes it out


@dataclass(frozen=True)
class Spot:
    """One place in the picture that detectors looked at; numbers and percentages as the page draws them."""

    number: int
    box_px: Box
    left: float
    top: float
    width: float
    height: float
    informs: bool
    crop: Markup | None


@dataclass(frozen=True)
class Finding:
    """One detector's evidence on one spot."""

    evidence: Evidence
    state: str
    spot: Spot | None
    heat: Markup | None
    measured: measured_map.Shown | None = None


@dataclass(frozen=True)
class DetectorPart(roles.Role):
    """All that one detector found in a file."""

    findings: tuple[Finding, ...]
    scale: float | None

    @property
    def mapped(self) -> bool:
        """Whether it has maps to show or hide."""
        return self.scale is not None or any(found.measured and found.spot for found in self.findings)


@dataclass(frozen=True)
class Row:
    """One line of the summary."""

    number: int
    name: str
    label: str
    words: str
    report: Report
    model: ModelUsed | None
    thumbnail: Markup | None


def render(reports: Iterable[Report], *, limits: Limits = DEFAULT_LIMITS, written: datetime | None = None) -> str:
    """One self-contained HTML page on all reports.

    Pictures, sound and some frames of videos are read again from `source.path` and shown only while the file's sha256
    is still the one that was judged. One picture at a time is in memory; the page keeps small copies.

    Args:
        reports: Iterated once. Made with evidence where heat maps are wanted.
        limits: What reading a picture again may cost.
        written: The time to put on the page; now when None.
    """
    environment = environment_of()
    rows: list[Row] = []
    parts: list[str] = []
    for number, report in enumerate(reports, start=1):
        draw = _video if report.video else _recording if report.voice and report.verdict else _photo
        row, part = draw(environment, number, report, limits)
        rows.append(_without_evidence(row))
        parts.append(part)
    page = environment.get_template("report.html.j2").render(
        rows=rows,
        parts=_HERE,
        tally=_tally(rows),
        sets=sorted({model.calibration_set for row in rows for model in row.report.models}),
        written=written or datetime.now(UTC),
        version=version("unmask"),
    )
    # Joined here, for jinja would copy every part once more.
    before, after = page.split(_HERE)
    return "".join([before, *parts, after])


def _photo(environment: Environment, number: int, report: Report, limits: Limits) -> tuple[Row, str]:
    """The part of the page on a photo, or on a file that could not be judged."""
    image, note = _picture(report, limits)
    row = _row(number, report, jpeg(image, THUMBNAIL_PX) if image else None)
    spots = _spots(report, image)
    picture = jpeg(image, PICTURE_PX) if image else None
    shown = {"picture": picture, "note": note, "spots": tuple(spots.values()), "detectors": _detectors(report, spots)}
    return row, environment.get_template("file.html.j2").render(row=row, **shown)


def _video(environment: Environment, number: int, report: Report, limits: Limits) -> tuple[Row, str]:
    """The part of the page on a video."""
    shown = video_page.of(report, limits)
    sound = sound_page.of(report, limits) if report.voice else None
    row = _row(number, report, shown.thumbnail)
    return row, environment.get_template("video.html.j2").render(row=row, shown=shown, sound=sound)


def _recording(environment: Environment, number: int, report: Report, limits: Limits) -> tuple[Row, str]:
    """The part of the page on a recording of sound alone."""
    sound = sound_page.of(report, limits)
    row = _row(number, report, sound.thumbnail)
    return row, environment.get_template("sound.html.j2").render(row=row, sound=sound)


def _ascii(text: object) -> object:
    """Text as ASCII markup: one typographic quote would make Python store a whole large page in two-byte characters."""
    if not isinstance(text, str) or isinstance(text, Markup):
        return text
    return Markup(escape(visible(text)).encode("ascii", "xmlcharrefreplace").decode())


def _number(value: float, model: ModelUsed | None = None) -> str:
    return decimals(value, (model.fake_above, model.real_below) if model else ())


def _threshold(value: float) -> str:
    return f"{value:.2f}" if round(value, 2) == round(value, 4) else f"{value:.4g}"


def _band(probability: float, model: ModelUsed) -> str:
    """Where a probability lies among the thresholds."""
    fake, real = _threshold(model.fake_above), _threshold(model.real_below)
    if probability >= model.fake_above:
        return f"fake from {fake}"
    return f"real up to {real}" if probability <= model.real_below else f"uncertain from {real} to {fake}"


def environment_of(*loaders: BaseLoader) -> Environment:
    """How pages are written: escaped, with our filters; templates of `loaders` come before ours."""
    environment = Environment(
        loader=ChoiceLoader([*loaders, PackageLoader("unmask")]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_ascii,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number, threshold=_threshold, band=_band, clock=clock, seconds=to_the_second)
    environment.globals["legend"] = data_uri("png", heatmap.legend())
    environment.globals["measured_legend"] = measured_map.legend()
    return environment


def _picture(report: Report, limits: Limits) -> tuple[Image.Image | None, str | None]:
    """The judged picture, or None with the reason in a sentence."""
    if report.status is not Status.OK or report.source.sha256 is None:
        return None, None
    try:
        data, source = pictures.read(located(report.source.path), limits)
        if source.sha256 != report.source.sha256:
            return None, "The file has changed since it was judged, so its picture is not shown."
        return pictures.decode(data, source, limits).image, None
    except UnsupportedError:  # a film or a recording of which nothing was looked at
        return None, None
    except MediaError as error:
        return None, f"The picture cannot be shown: {error}."


def _row(number: int, report: Report, thumbnail: Markup | None) -> Row:
    verdict = report.verdict
    models = {model.name: model for model in report.models}
    return Row(
        number=number,
        name=Path(report.source.path).name or report.source.path,
        label=verdict.label.value if verdict else "none",
        words=answers.words(report),
        report=report,
        model=models.get(verdict.detector or "") if verdict else None,
        thumbnail=thumbnail,
    )


def _without_evidence(row: Row) -> Row:
    """The summary needs no heat maps, looks or windows, which would stay in memory for all files to the end."""
    video = row.report.video and row.report.video.model_copy(update={"tracks": (), "curves": ()})
    voice = row.report.voice and row.report.voice.model_copy(update={"stretches": (), "curves": ()})
    return replace(
        row, report=row.report.model_copy(update={"evidence": (), "video": video, "voice": voice, "provenance": None})
    )


def _spots(report: Report, image: Image.Image | None) -> dict[Box, Spot]:
    """The distinct boxes of all evidence, those that count first."""
    informs: dict[Box, bool] = {}
    for evidence in sorted(report.evidence, key=roles.informs):
        if evidence.region.box_px is not None:
            informs.setdefault(evidence.region.box_px, roles.informs(evidence))
    width = image.width if image else report.source.width_px or 1
    height = image.height if image else report.source.height_px or 1
    return {
        box: Spot(
            number=index,
            box_px=box,
            left=100 * box[0] / width,
            top=100 * box[1] / height,
            width=100 * (box[2] - box[0]) / width,
            height=100 * (box[3] - box[1]) / height,
            informs=only_informs,
            crop=jpeg(image.crop(box), ASIDE_PX if only_informs else CROP_PX) if image else None,
        )
        for index, (box, only_informs) in enumerate(informs.items(), start=1)
    }


def _detectors(report: Report, spots: dict[Box, Spot]) -> tuple[DetectorPart, ...]:
    """Evidence by detector: the one that decides, then others that vote or abstain, then information."""
    grouped: dict[str, list[Evidence]] = {}
    for evidence in report.evidence:
        grouped.setdefault(evidence.detector, []).append(evidence)
    parts = []
    for name, found in grouped.items():
        maps = {index: logits for index, e in enumerate(found) if (logits := heatmap.local_logits(e)) is not None}
        scale = heatmap.common_scale(list(maps.values())) if maps else None
        findings = tuple(
            Finding(
                evidence=evidence,
                state=roles.state(evidence),
                spot=spots[evidence.region.box_px] if evidence.region.box_px is not None else None,
                heat=data_uri("png", heatmap.overlay(maps[index], scale)) if scale and index in maps else None,
                measured=measured_map.shown(evidence),
            )
            for index, evidence in enumerate(found)
        )
        parts.append(DetectorPart(**vars(roles.role(report, name)), findings=findings, scale=scale))
    return tuple(sorted(parts, key=lambda part: (not part.decides, part.informs)))


def _tally(rows: list[Row]) -> list[tuple[str, str, int]]:
    counts = Counter(row.label for row in rows)
    words = answers.many([row.report for row in rows])
    return [(label, text, counts[label]) for label, text in words.items() if counts[label]]
