"""From the windows of a recording to one verdict on it. Policy, as in `fuse`.

Windows in which somebody speaks are pooled as the card says, then calibrated. The verdict names the seconds that sound
most like a fake, for a part of a recording may be one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unmask.card import Card
from unmask.fuse import HeatMap, calibrated, decide, pool, reason_of, sentence_of
from unmask.timeline import around_highest
from unmask.types import Evidence, Label, Region, Score, Stretch, Verdict
from unmask.wording import clock


@dataclass(frozen=True)
class Listened:
    """What a detector made of one window.

    Attributes:
        region: When.
        logit: Its score; None where it was not judged.
        unfit: Why not, or None.
        heat_map: Rows of logits, low frequencies first, over the window, where they were asked for.
    """

    region: Region
    logit: float | None
    unfit: str | None = None
    heat_map: HeatMap | None = None


def score(windows: Sequence[Listened], card: Card) -> Score | None:
    """The pooled score of a recording; None where no window could be judged."""
    logits = [one.logit for one in windows if one.logit is not None]
    if not logits:
        return None
    logit = pool(logits, card.pooling)
    return Score(logit=logit, probability=calibrated(logit, card.calibration))


def verdict(windows: Sequence[Listened], card: Card) -> Verdict:
    """On the whole recording, or on the sound of a video."""
    found = score(windows, card)
    if found is None:
        why = next((one.unfit for one in windows if one.unfit), None)
        reason = f"no speech in it could be judged: {why}" if why else "nobody speaks in it"
        return Verdict(label=Label.UNCERTAIN, probability=None, reason=reason)
    region = peak(windows)
    several = sum(one.logit is not None for one in windows) > 1
    when = f"most at {clock(region.start_s or 0.0)} to {clock(region.end_s or 0.0)}: " if several else ""
    return Verdict(
        label=decide(found.probability, card.thresholds),
        probability=found.probability,
        reason=when + reason_of(found.probability, card.thresholds, "recordings"),
        detector=card.name,
        region=region,
    )


def stretches(windows: Sequence[Listened], card: Card) -> tuple[Stretch, ...]:
    """The timeline of a report."""
    return tuple(
        Stretch(
            start_s=one.region.start_s or 0.0,
            end_s=one.region.end_s or 0.0,
            probability=None if one.logit is None else calibrated(one.logit, card.calibration),
        )
        for one in windows
    )


def evidence(windows: Sequence[Listened], card: Card) -> tuple[Evidence, ...]:
    """What the detector found: on the whole, then of each window that has a heat map."""
    found = score(windows, card)
    if found is None:
        return (_one(card, _whole(windows), None, "not judged: " + verdict(windows, card).reason, votes=False),)
    said = sentence_of("this voice", found.probability, card.thresholds)
    heard = [_one(card, _whole(windows), found, said, votes=True)]
    for one in windows:
        if one.logit is not None and one.heat_map:
            mine = Score(logit=one.logit, probability=calibrated(one.logit, card.calibration))
            thing = f"the voice at {clock(one.region.start_s or 0.0)}"
            said = sentence_of(thing, mine.probability, card.thresholds)
            heard.append(_one(card, one.region, mine, said, votes=False).model_copy(update={"heat_map": one.heat_map}))
    return tuple(heard)


def peak(windows: Sequence[Listened]) -> Region:
    """The stretch around the highest window, as long as windows lie nearer to it than to the middle one."""
    judged = [(one.region, one.logit) for one in windows if one.logit is not None]
    first, _, last = around_highest([logit for _, logit in judged])
    return Region(start_s=judged[first][0].start_s, end_s=judged[last][0].end_s)


def _whole(windows: Sequence[Listened]) -> Region:
    if not windows:
        return Region()
    return Region(start_s=windows[0].region.start_s, end_s=windows[-1].region.end_s)


def _one(card: Card, region: Region, found: Score | None, sentence: str, *, votes: bool) -> Evidence:
    return Evidence(
        detector=card.name,
        region=region,
        logit=found.logit if found else None,
        probability=found.probability if found else None,
        votes=votes,
        sentence=sentence,
    )
