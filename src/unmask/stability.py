"""Does a verdict hold? Changed copies of a photo are judged too, and a verdict that one of them leaves is uncertain.

Saving a photo again, scaling it by a quarter or cutting off a narrow rim leaves the truth as it is; a verdict that
changes with it rests on a trace that happened to survive, or on none.

Measured on 120 files of faces' val split with the detectors that shipped first (`face` and `picture`, 0.1.0): of 92
firm verdicts 4 were wrong; 22 did not hold, 2 of the wrong ones and 20 of the right ones, and no copy turned a verdict
into its opposite. Withholding the 22 verdicts nearest to their threshold would also have caught 2 of the 4. So it is
off by default: it costs four more passes, and a wider band of uncertainty does as much there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from PIL import Image

from unmask.modalities.image import Photo
from unmask.types import ChangedCopy, Label, ModelUsed, Report, Stability, Verdict
from unmask.wording import decimals

Change = Callable[[Image.Image], Image.Image]

RIM: Final = 0.03
"""What is cut off at each side, as a share of it."""


def _saved(quality: int) -> Change:
    def change(picture: Image.Image) -> Image.Image:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        return Image.open(file).convert("RGB")

    return change


def _scaled(factor: float) -> Change:
    def change(picture: Image.Image) -> Image.Image:
        width, height = (max(1, round(side * factor)) for side in picture.size)
        return picture.resize((width, height), Image.Resampling.BICUBIC)

    return change


def _without_rim(picture: Image.Image) -> Image.Image:
    x, y = (round(side * RIM) for side in picture.size)
    return picture.crop((x, y, picture.width - x, picture.height - y))


CHANGES: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "saved again as a JPEG of quality 75": _saved(75),
        "saved again as a JPEG of quality 50": _saved(50),
        "scaled to three quarters": _scaled(0.75),
        f"cropped by {RIM:.0%} at each side": _without_rim,
    }
)
"""By what a sentence calls them; the weakest of a kind first."""


def copies(photo: Photo) -> Iterator[tuple[str, Photo]]:
    """The changed copies of a photo, each with what was done to it."""
    for name, change in CHANGES.items():
        yield name, replace(photo, image=change(photo.image))


def settled(report: Report, copies: Mapping[str, Report]) -> Report:
    """The report with the verdict that is left once its copies were judged too.

    A copy has a say where the same detector decided it: where a face has become too small to judge, another witness
    speaks, and has not changed its mind. A verdict that is uncertain already cannot become more so.

    Args:
        report: On the file itself.
        copies: By what was done to it, the reports on its changed copies.

    Returns:
        The same report, with its verdict as `stability.raw`; its own verdict is uncertain where a copy has a say and
        another label.
    """
    raw = report.verdict
    if raw is None:
        return report
    found = tuple(_copy(name, copy, raw) for name, copy in copies.items())
    overturned = _overturned(raw, found, next((m for m in report.models if m.name == raw.detector), None))
    verdict = raw
    if overturned:
        verdict = raw.model_copy(update={"label": Label.UNCERTAIN, "reason": f"{raw.reason}; but {overturned}"})
    return report.model_copy(
        update={"verdict": verdict, "stability": Stability(raw=raw, copies=found, overturned=overturned)}
    )


def _copy(change: str, report: Report, raw: Verdict) -> ChangedCopy:
    verdict = report.verdict
    if verdict is None or raw.detector is None or verdict.detector != raw.detector:
        return ChangedCopy(change=change)
    return ChangedCopy(change=change, label=verdict.label, probability=verdict.probability)


def _overturned(raw: Verdict, found: tuple[ChangedCopy, ...], model: ModelUsed | None) -> str | None:
    """Which change moved the verdict furthest, from what to what."""
    if raw.label is Label.UNCERTAIN or raw.probability is None:
        return None
    other = [copy for copy in found if copy.probability is not None and copy.label is not raw.label]
    if not other:
        return None
    start = raw.probability
    furthest = max(other, key=lambda copy: abs((copy.probability or 0.0) - start))
    limits = (model.fake_above, model.real_below) if model else ()
    before, after = decimals(start, limits), decimals(furthest.probability or 0.0, limits)
    judged = sum(copy.label is not None for copy in found)
    return (
        f"the verdict does not hold: once {furthest.change}, the probability goes from {before} ({raw.label}) "
        f"to {after} ({furthest.label}); {len(other)} of {judged} changed copies {_leave(len(other))} it"
    )


def _leave(count: int) -> str:
    return "leaves" if count == 1 else "leave"
