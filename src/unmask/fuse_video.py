"""From the looks at the persons of a video to one verdict on each, and one on the video. Policy, as in `fuse`.

A person's looks are pooled as their card says, then calibrated. The video is what its most suspicious person is: a fake
face among real ones is a fake video. A person who was seen but once, while another was seen oftener, does not decide: a
single box is too often none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unmask.card import Card
from unmask.fuse import HeatMap, calibrated, decide, pool, reason_of, sentence_of
from unmask.timeline import around_highest
from unmask.types import Box, Evidence, Label, Moment, Region, Score, Track, Verdict
from unmask.wording import clock


@dataclass(frozen=True)
class Glance:
    """One look at one person.

    Attributes:
        time_s: When.
        box_px: Where.
        logit: What it adds to the score of its person, on the scale of the pooled logit; None where it was not judged.
        unfit: Why not, or None.
        extra: Whether it was added around the highest scores: it tells when, and has no say in the score.
        heat_map: Rows of logits over the box, where they were asked for.
    """

    time_s: float
    box_px: Box
    logit: float | None
    unfit: str | None = None
    extra: bool = False
    heat_map: HeatMap | None = None


@dataclass(frozen=True)
class Person:
    """Everything one detector made of one person; glances in the order of time."""

    glances: tuple[Glance, ...]

    @property
    def counted(self) -> tuple[float, ...]:
        """The scores that are pooled."""
        return tuple(one.logit for one in self.glances if one.logit is not None and not one.extra)


def persons(found: Sequence[Person], card: Card) -> list[tuple[Person, Score | None]]:
    """Everybody with their score, the most suspicious first; those that were not judged last."""
    scored = [(person, _score(person, card)) for person in found]
    oftenest = max((len(person.counted) for person, _ in scored), default=0)

    def say(one: tuple[Person, Score | None]) -> tuple[bool, bool, float]:
        person, score = one
        return score is None, len(person.counted) < min(2, oftenest), -(score.logit if score else 0.0)

    return sorted(scored, key=say)


def track(number: int, person: Person, score: Score | None, card: Card) -> Track:
    """One person of a report."""
    glances = person.glances
    return Track(
        number=number,
        start_s=glances[0].time_s,
        end_s=glances[-1].time_s,
        verdict=_verdict(number, person, score, card),
        moments=tuple(
            Moment(
                time_s=one.time_s,
                box_px=one.box_px,
                probability=None if one.logit is None else calibrated(one.logit, card.calibration),
            )
            for one in glances
        ),
    )


def verdict(tracks: Sequence[Track], of: int) -> Verdict:
    """On the whole video: that of its first track, which names the person and the seconds.

    Args:
        tracks: As `persons` orders them.
        of: How many persons were seen; those beyond the limit were not judged.
    """
    if not tracks:
        return Verdict(label=Label.UNCERTAIN, probability=None, reason="no face was found in the frames looked at")
    first = tracks[0].verdict
    if first.probability is None:
        return first.model_copy(update={"reason": f"nobody in it could be judged: {first.reason}"})
    judged = sum(one.verdict.probability is not None for one in tracks)
    left_out = "" if judged == of else f"; {judged} of {of} persons {'was' if judged == 1 else 'were'} judged"
    return first.model_copy(update={"reason": _who(first, judged) + first.reason + left_out})


def evidence(tracks: Sequence[Track], people: Sequence[Person], card: Card) -> tuple[Evidence, ...]:
    """What the detector found, person by person; a heat map where one was made, at its own moment."""
    found = []
    for one, person in zip(tracks, people, strict=True):
        score = _score(person, card)
        if score is None:
            sentence, box = f"not judged: {one.verdict.reason}", one.moments[0].box_px
        else:
            sentence = sentence_of("this person", score.probability, card.thresholds)
            box = one.verdict.region.box_px if one.verdict.region and one.verdict.region.box_px else (0, 0, 0, 0)
        region = Region(start_s=one.start_s, end_s=one.end_s, box_px=box, track=one.number)
        found.append(_one(card, region, score, one is tracks[0], sentence))
        found += [_at_moment(card, glance, one.number) for glance in person.glances if glance.heat_map]
    return tuple(found)


def _who(verdict: Verdict, judged: int) -> str:
    region = verdict.region
    if region is None or region.start_s is None or region.end_s is None:
        return ""
    start, end = clock(region.start_s), clock(region.end_s)
    when = start if start == end else f"{start} to {end}"
    who = f"person {region.track}, " if judged > 1 else ""
    return f"{who}most at {when}: "


def _verdict(number: int, person: Person, score: Score | None, card: Card) -> Verdict:
    if score is None:
        why = next((one.unfit for one in person.glances if one.unfit), "the detector gave no number")
        return Verdict(label=Label.UNCERTAIN, probability=None, reason=why)
    return Verdict(
        label=decide(score.probability, card.thresholds),
        probability=score.probability,
        reason=reason_of(score.probability, card.thresholds, "videos"),
        detector=card.name,
        region=peak(number, person),
    )


def peak(number: int, person: Person) -> Region:
    """The stretch around the highest look whose looks lie nearer to it than to the middle one."""
    judged = [(one, one.logit) for one in person.glances if one.logit is not None]
    first, top, last = around_highest([logit for _, logit in judged])
    return Region(
        start_s=judged[first][0].time_s, end_s=judged[last][0].time_s, box_px=judged[top][0].box_px, track=number
    )


def _score(person: Person, card: Card) -> Score | None:
    if not person.counted:
        return None
    logit = pool(person.counted, card.pooling)
    return Score(logit=logit, probability=calibrated(logit, card.calibration))


def _at_moment(card: Card, glance: Glance, number: int) -> Evidence:
    assert glance.logit is not None  # a map is made of what was scored
    probability = calibrated(glance.logit, card.calibration)
    region = Region(start_s=glance.time_s, end_s=glance.time_s, box_px=glance.box_px, track=number)
    sentence = sentence_of(f"this person at {clock(glance.time_s)}", probability, card.thresholds)
    one = _one(card, region, Score(logit=glance.logit, probability=probability), False, sentence)
    return one.model_copy(update={"heat_map": glance.heat_map})


def _one(card: Card, region: Region, score: Score | None, votes: bool, sentence: str) -> Evidence:
    return Evidence(
        detector=card.name,
        region=region,
        logit=score.logit if score else None,
        probability=score.probability if score else None,
        votes=votes and score is not None,
        sentence=sentence,
    )
