"""From what came of a file to its report: the one place where reports are put together."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version

from unmask import fuse, fuse_clip, runtime
from unmask.card import Card
from unmask.clip_rule import ClipRule
from unmask.ensemble import Ensemble
from unmask.errors import MediaError, NothingToJudgeError, UnsupportedError
from unmask.fuse import Look
from unmask.hybrid import HybridCard
from unmask.listen import Heard
from unmask.triage import Spare
from unmask.types import Evidence, ModelUsed, Report, Source, Status
from unmask.watch import Seen


def of_problem(source: Source, status: Status, message: str) -> Report:
    """Of a file that could not be judged."""
    return Report(source=source, status=status, message=message, versions=_versions())


def of_spared(source: Source, spare: Spare) -> Report:
    """Of a file that triage spared the networks: with the verdict of a list, or still without one."""
    skipped, versions = spare.skipped(), _versions()
    if verdict := spare.verdict():
        return Report(source=source, status=Status.OK, verdict=verdict, skipped=skipped, versions=versions)
    status = Status.NOTHING_TO_JUDGE
    return Report(source=source, status=status, message=skipped.sentence, skipped=skipped, versions=versions)


def of_photo(
    source: Source, looks: Sequence[Look], faces: int | None, ensemble: Ensemble | None, aside: Sequence[Evidence] = ()
) -> Report:
    """Of a photo.

    Args:
        source: The file.
        looks: What each detector made of it.
        faces: How many were found; None where none were looked for.
        ensemble: Of detectors that decide together.
        aside: What witnesses found, who inform.
    """
    used = [model_used(look.card) for look in looks]
    if joint := fuse.together(looks, ensemble):
        used.append(model_used(joint))
    return Report(
        source=source,
        status=Status.OK,
        verdict=fuse.verdict(looks, faces, ensemble),
        faces=faces,
        scores=fuse.scores(looks, ensemble),
        evidence=(*fuse.evidence(looks, ensemble), *aside),
        models=tuple(used),
        versions=_versions(),
    )


def of_sound(source: Source, heard: Heard, card: Card) -> Report:
    """Of a recording; the card is of the detector that listened."""
    return Report(
        source=source,
        status=Status.OK,
        verdict=heard.voice.verdict,
        voice=heard.voice,
        scores={card.name: heard.score} if heard.score else {},
        evidence=heard.evidence,
        models=(model_used(card),),
        versions=_of_films(),
    )


def of_video(seen: Seen, card: Card, heard: tuple[Heard, Card] | None, rule: ClipRule | None) -> Report:
    """Of a video, with what was heard in it and the card of who listened.

    Args:
        seen: What came of its pictures.
        card: Of the detector that looked at them.
        heard: What came of its sound, and the card of the detector that listened; None where nothing was heard.
        rule: How both decide together.
    """
    report = Report(
        source=seen.source,
        status=Status.OK,
        verdict=seen.verdict,
        video=seen.video,
        faces=seen.persons,
        scores={card.name: seen.score} if seen.score else {},
        evidence=seen.evidence,
        models=(model_used(card),),
        versions=_of_films(),
    )
    if heard is None:
        return report
    sound = of_sound(seen.source, *heard)
    said = heard[0].voice.verdict
    both = fuse_clip.score(rule, seen.verdict, said)
    joint = {rule.name: both} if rule and both else {}
    return report.model_copy(
        update={
            "verdict": fuse_clip.verdict(rule, seen.verdict, said, seen.evidence),
            "voice": sound.voice,
            "scores": {**report.scores, **sound.scores, **joint},
            "evidence": (*report.evidence, *sound.evidence),
            "models": (*report.models, *sound.models, *((model_used(rule),) if rule and both else ())),
        }
    )


def model_used(model: Card | Ensemble | ClipRule | HybridCard) -> ModelUsed:
    """What a report keeps of whatever decided by a calibration and thresholds of its own."""
    return ModelUsed(
        name=model.name,
        version=model.version,
        sha256=model.sha256,
        calibration_set=model.calibration.set,
        fake_above=model.thresholds.fake_above,
        real_below=model.thresholds.real_below,
    )


@cache
def _versions() -> Mapping[str, str]:
    ours = {name: version(name) for name in ("unmask", "pillow", "numpy")}
    return {"python": platform.python_version(), "onnxruntime": runtime.VERSION, **ours}


def _of_films() -> Mapping[str, str]:
    return {**_versions(), "av": version("av")}


def status_of(error: MediaError) -> Status:
    """The status of a file that gave an error."""
    match error:
        case UnsupportedError():
            return Status.UNSUPPORTED
        case NothingToJudgeError():
            return Status.NOTHING_TO_JUDGE
        case _:
            return Status.UNREADABLE
