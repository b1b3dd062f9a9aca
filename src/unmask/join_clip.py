"""Learn how the persons of a video and its voice decide together (`unmask.clip_rule`), from scores on val.

Hardly any videos at hand hold fakes of both kinds with sound. But what is said and how it looks are judged apart, so
any video and any recording of val make a pair: real where both are, fake where either is. Half of the pairs are real;
of the fakes a third each have a fake face, a fake voice, and both. Nothing is fitted on what the step before has seen:
members are calibrated without a fold of the files, and pairs are drawn among what they say of that fold.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import numpy as np

from unmask import calibrate, fuse, metrics, thresholding
from unmask.bundles import Bundle
from unmask.card import Figure
from unmask.clip_rule import ClipRule, Joins
from unmask.detectors import lipsync
from unmask.ensemble import Member
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL
from unmask.metrics import Floats, Interval
from unmask.probes import dealt
from unmask.scores import read_scores
from unmask.witness import WitnessCard

_FOLDS: Final = 5
_PAIRS: Final = 6000
_REDRAWS: Final = 200
_SEED: Final = 0
_KINDS: Final = ((REAL, REAL), (FAKE, REAL), (REAL, FAKE), (FAKE, FAKE))


@dataclass(frozen=True, eq=False)
class Part:
    """What one detector says of the files of val, each by a calibration that has not seen it.

    Attributes:
        labels: (N,), 1 is fake.
        probabilities: (N,).
        folds: (N,), from 0.
    """

    labels: Floats
    probabilities: Floats
    folds: Floats


def learn(videos: Sequence[Path], voices: Path, lips: Path, members: tuple[Bundle, Bundle], command: str) -> ClipRule:
    """The rule that joins persons and voices best, calibrated, with its thresholds and figures.

    Args:
        videos: Tables that `unmask evaluate` wrote of the val split of videos.
        voices: One of the val split of recordings.
        lips: lipsync.csv, which `unmask witnesses` wrote.
        members: The detectors of persons and of voices.
        command: What to type to learn it again.

    Raises:
        ManifestError: A table cannot be read, or lacks a class.
        UsageError: No threshold can keep its promise.
    """
    seen, heard = (_part(tables, bundle.card.name) for tables, bundle in zip((videos, [voices]), members, strict=True))
    pairs = _pairs(seen, heard, np.random.default_rng(_SEED))
    labels = ((seen.labels[pairs[0]] + heard.labels[pairs[1]]) > 0).astype(float)
    losses = {how: _losses(how, seen, heard) for how in get_args(Joins)}
    best: Joins = min(losses, key=lambda how: losses[how].value)
    said = ", ".join(f"{how} {loss.value:.3f} ({loss.low:.3f} to {loss.high:.3f})" for how, loss in losses.items())
    logits = _joined(best, seen, heard, pairs)
    on = f"pairs of {len(seen.labels)} videos and {len(heard.labels)} recordings of val"
    calibration = calibrate.fit(labels, logits, on)
    probabilities = np.array([fuse.calibrated(float(one), calibration) for one in logits])
    thresholds = thresholding.choose(labels, probabilities)
    figures = [_figure(f"log loss, {how}", on, loss, seen, heard, command) for how, loss in losses.items()] + [
        _figure(name, on, one, seen, heard, command) for name, one in _ranking(best, seen, heard).items()
    ]
    return ClipRule(
        members=(_member(members[0]), _member(members[1])),
        joins=best,
        chosen=f"the least log loss out of fold: {said}",
        calibration=calibration,
        thresholds=thresholds,
        lips_above=_lips_above(lips),
        metrics=tuple(figures),
    )


def _part(tables: Sequence[Path], name: str) -> Part:
    rows = [row for table in tables for row in read_scores(table) if row.split == "val" and not row.perturbation]
    rows = [row for row in rows if row.detector == name and row.logit is not None]
    labels, logits = np.array([row.label for row in rows], float), np.array([row.logit for row in rows], float)
    if set(labels) != {REAL, FAKE}:
        raise ManifestError(f"{', '.join(map(str, tables))}: {name} needs both reals and fakes of val that it judged")
    groups = np.unique([row.attributes.get("group") or row.path for row in rows], return_inverse=True)[1]
    folds = dealt(labels, groups, _FOLDS)
    probabilities = np.zeros(len(rows))
    for fold in range(_FOLDS):
        own = calibrate.fit(labels[folds != fold], logits[folds != fold], name)
        probabilities[folds == fold] = [fuse.calibrated(float(one), own) for one in logits[folds == fold]]
    return Part(labels, probabilities, folds.astype(float))


def _pairs(seen: Part, heard: Part, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Places in both, of pairs that lie in one fold."""
    chosen: list[tuple[int, int]] = []
    for fold in range(_FOLDS):
        for kind, (face, voice) in enumerate(_KINDS):
            some = np.flatnonzero((seen.folds == fold) & (seen.labels == face))
            others = np.flatnonzero((heard.folds == fold) & (heard.labels == voice))
            count = _PAIRS // _FOLDS // (2 if kind == 0 else 6)
            if len(some) and len(others):
                chosen += zip(rng.choice(some, count).tolist(), rng.choice(others, count).tolist(), strict=True)
    places = np.array(chosen).T
    return places[0], places[1]


def _joined(how: Joins, seen: Part, heard: Part, pairs: tuple[np.ndarray, np.ndarray]) -> Floats:
    both = zip(seen.probabilities[pairs[0]].tolist(), heard.probabilities[pairs[1]].tolist(), strict=True)
    return np.array([fuse.joined(one, how) for one in both])


def _redrawn(seen: Part, heard: Part) -> list[tuple[Part, Part]]:
    """Both as they are, then with their files drawn anew: a pair shares its files with others."""
    rng = np.random.default_rng(_SEED)

    def again(part: Part) -> Part:
        chosen = rng.integers(len(part.labels), size=len(part.labels))
        return Part(part.labels[chosen], part.probabilities[chosen], part.folds[chosen])

    return [(seen, heard), *((again(seen), again(heard)) for _ in range(_REDRAWS))]


def _losses(how: Joins, seen: Part, heard: Part) -> Interval:
    """Log loss, of probabilities calibrated on the pairs themselves: two numbers for thousands of pairs."""
    found = []
    for faces, voices in _redrawn(seen, heard):
        pairs = _pairs(faces, voices, np.random.default_rng(_SEED))
        labels = ((faces.labels[pairs[0]] + voices.labels[pairs[1]]) > 0).astype(float)
        logits = _joined(how, faces, voices, pairs)
        own = calibrate.fit(labels, logits, how)
        found.append(metrics.log_loss(labels, [fuse.calibrated(float(one), own) for one in logits]))
    return Interval(found[0], *map(float, np.quantile(found[1:], [0.025, 0.975])))


def _ranking(how: Joins, seen: Part, heard: Part) -> dict[str, Interval]:
    """AUC of the joined score against all-real pairs, by what is fake in a pair; beside it each alone."""
    names = {"fake face alone": (FAKE, REAL), "fake voice alone": (REAL, FAKE), "both fake": (FAKE, FAKE)}
    found: dict[str, list[float]] = {}
    for faces, voices in _redrawn(seen, heard):
        pairs = _pairs(faces, voices, np.random.default_rng(_SEED))
        kinds = np.stack([faces.labels[pairs[0]], voices.labels[pairs[1]]])
        scores = {
            "together": _joined(how, faces, voices, pairs),
            "faces": faces.probabilities[pairs[0]],
            "voices": voices.probabilities[pairs[1]],
        }
        real = (kinds == REAL).all(axis=0)
        for who, values in scores.items():
            found.setdefault(f"AUC of {who}, any fake", []).append(metrics.auc((~real).astype(float), values))
            for name, wanted in names.items():
                mine = real | (kinds == np.array(wanted)[:, None]).all(axis=0)
                found.setdefault(f"AUC of {who}, {name}", []).append(
                    metrics.auc((~real[mine]).astype(float), values[mine])
                )
    return {
        name: Interval(values[0], *map(float, np.quantile(values[1:], [0.025, 0.975])))
        for name, values in found.items()
    }


def _lips_above(table: Path) -> float:
    """From where on a mismatch is clear: as seldom reached by clips with their own sound as a threshold for fake."""
    card = WitnessCard.shipped(lipsync.NAME)
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = [(row["sound"] != "own", float(row["score"])) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError) as error:
        raise ManifestError(f"{table} is no table of lip-sync that unmask witnesses wrote: {error}") from error
    labels = [float(mismatched) for mismatched, _ in rows]
    return thresholding.choose(labels, [card.probability(score) for _, score in rows]).fake_above


def _member(bundle: Bundle) -> Member:
    return Member(name=bundle.card.name, sha256=bundle.card.sha256, calibration=bundle.card.calibration)


def _figure(name: str, on: str, one: Interval, seen: Part, heard: Part, command: str) -> Figure:
    reals = int((seen.labels == REAL).sum() + (heard.labels == REAL).sum())
    fakes = int((seen.labels == FAKE).sum() + (heard.labels == FAKE).sum())
    return Figure(
        name=name, on=on, value=one.value, low=one.low, high=one.high, reals=reals, fakes=fakes, command=command
    )
