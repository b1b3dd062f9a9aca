"""From a manifest of clips to the cards of the witnesses, with their figures.

Motion and lighting learn from groups that hold a real clip and a fake made of it, because all else about the two is
alike; clips without a counterpart would teach how their collections differ, and are only judged. Lip-sync needs no
fakes: it learns from real clips with sound, against the same clips with the sound shifted, or with another's.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask import __version__, calibrate, figures
from unmask.card import Figure
from unmask.detectors import lighting, lipsync, motion
from unmask.errors import MediaError, UsageError
from unmask.faces import FaceFinder
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.manifest import FAKE, REAL, in_split, read
from unmask.metrics import Floats
from unmask.modalities.audio import Sound
from unmask.witness import WitnessCard
from unmask.witness_clips import Clip, looked_at
from unmask.witness_fit import Examples, fit, grouped_auc, left_out, logits

COMMAND: Final = "unmask witnesses MANIFEST"
SHIFTS_S: Final = (-0.8, -0.6, -0.4, -0.32, -0.24, 0.24, 0.32, 0.4, 0.6, 0.8)
"""By which lip-sync's sound is moved; within 0.2 s people do not notice."""

_LEAST_FAKES: Final = 3
_DEFINITIONS: Final = {motion.NAME: motion.FEATURES, lighting.NAME: lighting.FEATURES}
_SUMMARIES: Final = {
    motion.NAME: "trembling, blinking, rhythm of the mouth and turn of the head over four seconds",
    lighting.NAME: "light and colour of a face against its surroundings, other faces and itself over time",
    lipsync.NAME: "whether the mouth moves with the sound",
}
_LIMITS: Final = {
    motion.NAME: ("four seconds hold one blink or none", "faces with fewer than 40 px between the eyes are blurred"),
    lighting.NAME: ("a painted or made-up face misleads it", "highlights need 60 px between the eyes"),
    lipsync.NAME: (
        "its signals of mouth and sound were picked among 110 pairs on the same clips, so its figure flatters it",
        "learned on nine English speakers in a studio, each seen from the front, with 1.5 s of speech",
        "a fake that was made from its own sound fits it",
        "of several persons it does not know who speaks; somebody who chews while another speaks does not fit",
    ),
}


@dataclass(frozen=True)
class Learned:
    """What came of it: the cards, how many clips could be looked at, and why others could not."""

    cards: tuple[WitnessCard, ...]
    clips: int
    problems: tuple[str, ...]

    @property
    def text(self) -> str:
        """The figures as a table, and each witness in a sentence."""
        table = figures.to_markdown(one for card in self.cards for one in card.metrics)
        lines = [f"{card.name}: {card.why}" for card in self.cards]
        return "\n".join([f"{self.clips} clips looked at, {len(self.problems)} could not be", table, *lines])


def learn(
    manifest: Path, out: Path, limits: Limits = DEFAULT_LIMITS, progress: Callable[[int, int], None] | None = None
) -> Learned:
    """Look at the clips of train and val, learn, and write cards and tables.

    Args:
        manifest: Clips with splits and groups.
        out: Folder for motion.json, lighting.json and lipsync.json, for what was measured as motion.csv,
            lighting.csv and lipsync.csv, and for scores.csv with what each says of each clip.
        limits: What a clip may cost.
        progress: Is told clips done and clips in all.

    Raises:
        ManifestError: The manifest cannot be used.
        UsageError: There is nothing to learn from.
        MissingExtraError: scikit-learn is not installed.
    """
    listed = read(manifest)
    items = [item for split in ("train", "val") for item in in_split(listed, split)]
    out.mkdir(parents=True, exist_ok=True)
    finder = FaceFinder()
    clips, problems = [], []
    for done, item in enumerate(items, start=1):
        try:
            clips.append(looked_at(item, finder, limits))
        except MediaError as error:
            problems.append(f"{item.path}: {error}")
        if progress is not None:
            progress(done, len(items))
    said: dict[str, Floats] = {}
    cards = []
    for name in _DEFINITIONS:
        card, said[name] = _by_pairs(name, clips)
        cards.append(card)
    card, rows = _by_shifts(clips)
    cards.append(card)
    said[lipsync.NAME] = _synced(clips, rows, card)
    cards[-1] = _with_fakes(card, clips, said[lipsync.NAME])
    _write(out, clips, rows, said)
    for card in cards:
        card.write(out / f"{card.name}.json")
    return Learned(tuple(cards), len(clips), tuple(problems))


def _by_pairs(name: str, clips: Sequence[Clip]) -> tuple[WitnessCard, Floats]:
    """A witness that learned from pairs, and what it says of every clip by weights that have not seen it."""
    definitions = _DEFINITIONS[name]
    rows = [[clip.measured[name][feature] for feature in definitions] for clip in clips]
    every = Examples.of(rows, [clip.item.label for clip in clips], [clip.group for clip in clips])
    classes: dict[str, set[int]] = {}
    for clip in clips:
        classes.setdefault(clip.group, set()).add(clip.item.label)
    paired = np.array([classes[clip.group] == {REAL, FAKE} for clip in clips], bool)
    teaching = paired & np.array([clip.item.split == "train" for clip in clips], bool)
    if not teaching.any():
        raise UsageError("no group of train holds a real clip and a fake of it: a witness has nothing to learn from")
    features, bias = fit(every.part(teaching), definitions)
    scores = logits(every.values, features, bias)
    scores[teaching] = left_out(every.part(teaching), definitions)
    on = "pairs of train and val, each by weights that have not seen it"
    measured = [_figure(f"{name} AUC", on, every, scores, paired)]
    for source in sorted({clip.item.source for clip in clips}):
        part = np.array([clip.item.source == source for clip in clips], bool) & ~paired
        if (every.labels[part] == FAKE).sum() >= _LEAST_FAKES and (every.labels[part] == REAL).any():
            about = f"{source}, unseen; its classes are not made alike"
            measured.append(_figure(f"{name} AUC", about, every, scores, part))
    pairs = len({clip.group for clip, one in zip(clips, teaching, strict=True) if one})
    calibration = calibrate.fit(every.labels[paired], scores[paired], on)
    return WitnessCard(
        name=name,
        version=__version__,
        summary=_SUMMARIES[name],
        features=features,
        bias=bias,
        learned_on=f"{pairs} pairs of a real clip and a fake made of it, train split",
        calibration=calibration,
        metrics=tuple(measured),
        limits=_LIMITS[name],
        why=_why(measured[0]),
    ), scores


@dataclass(frozen=True)
class Row:
    """One mouth with one sound."""

    clip: Clip
    kind: str
    sound_of: str
    features: Mapping[str, float]
    score: float = float("nan")


def _by_shifts(clips: Sequence[Clip]) -> tuple[WitnessCard, list[Row]]:
    """Lip-sync, learned on real clips with sound, and all it was learned from."""
    able = [clip for clip in clips if clip.item.label == REAL and clip.sound is not None]
    rows = [row for clip in able for row in _mismatched(clip, able)]
    own = [row for row in rows if row.kind == "own"]
    if len(own) < 2:
        raise UsageError("lip-sync needs at least two real clips in which somebody speaks")
    examples = Examples(
        np.array([[row.features[name] for name in lipsync.FEATURES] for row in rows]),
        np.array([float(row.kind != "own") for row in rows]),
        [row.clip.group for row in rows],
        [frozenset([row.clip.group, row.sound_of]) for row in rows],
    )
    features, bias = fit(examples, lipsync.FEATURES)
    scores = left_out(examples, lipsync.FEATURES)
    rows = [Row(row.clip, row.kind, row.sound_of, row.features, float(s)) for row, s in zip(rows, scores, strict=True)]
    kinds = np.array([row.kind for row in rows])
    on = f"{len(own)} real clips with sound, each by weights that have not seen it"
    measured = [_figure("lipsync AUC", f"{on}: all mismatches", examples, scores, np.ones(len(rows), bool))]
    for kind in ("shifted", "swapped"):
        which = (kinds == "own") | (kinds == kind)
        measured.append(_figure("lipsync AUC", f"{on}: sound {kind}", examples, scores, which))
    return WitnessCard(
        name=lipsync.NAME,
        version=__version__,
        summary=_SUMMARIES[lipsync.NAME],
        features=features,
        bias=bias,
        learned_on=f"{len(own)} real clips with sound against the same with the sound shifted or another's",
        calibration=calibrate.fit(examples.labels, scores, on),
        metrics=tuple(measured),
        limits=_LIMITS[lipsync.NAME],
        why=_why(measured[0]),
    ), rows


def _mismatched(clip: Clip, others: Sequence[Clip]) -> Iterator[Row]:
    """A clip with its own sound, with that shifted, and with those of others."""
    sounds = [("own", clip, 0.0), *(("shifted", clip, shift) for shift in SHIFTS_S)]
    sounds += [("swapped", other, 0.0) for other in others if other.group != clip.group]
    for kind, whose, shift in sounds:
        if whose.sound is None:
            continue
        start = clip.burst.start_s - whose.burst.start_s + shift
        heard = Sound(whose.sound.samples, whose.sound.start_s + start)
        heard = heard.part(clip.burst.start_s - 0.6, clip.burst.end_s + 0.6)
        if lipsync.unfit(clip.burst, heard) is None:
            yield Row(clip, kind, whose.group, lipsync.measure(clip.burst, heard).features)


def _synced(clips: Sequence[Clip], rows: Sequence[Row], card: WitnessCard) -> Floats:
    """What lip-sync says of each clip with its own sound; NaN where it abstains."""
    known = {str(row.clip.item.path): row.score for row in rows if row.kind == "own"}
    scores = []
    for clip in clips:
        score = known.get(str(clip.item.path), float("nan"))
        if np.isnan(score) and clip.sound is not None:
            own = next((row for row in _mismatched(clip, ()) if row.kind == "own"), None)
            score = card.logit(own.features) if own is not None else score
        scores.append(score)
    return np.array(scores, float)


def _with_fakes(card: WitnessCard, clips: Sequence[Clip], scores: Floats) -> WitnessCard:
    """Lip-sync's card with the figure on fakes that came with sound, if there are enough of them."""
    heard = ~np.isnan(scores)
    every = Examples.of(scores[:, None].tolist(), [clip.item.label for clip in clips], [clip.group for clip in clips])
    if (every.labels[heard] == FAKE).sum() < _LEAST_FAKES or not (every.labels[heard] == REAL).any():
        return card
    figure = _figure(
        "lipsync AUC", "real clips with sound against fakes made from their own sound", every, scores, heard
    )
    return card.model_copy(update={"metrics": (*card.metrics, figure)})


def _figure(name: str, on: str, examples: Examples, scores: Floats, kept: NDArray[np.bool_]) -> Figure:
    groups = [group for group, one in zip(examples.groups, kept, strict=True) if one]
    labels = examples.labels[kept]
    interval = grouped_auc(labels, scores[kept], groups)
    return Figure(
        name=name,
        on=on,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        reals=int((labels == REAL).sum()),
        fakes=int((labels == FAKE).sum()),
        command=COMMAND,
    )


def _why(figure: Figure) -> str:
    interval = f"{figure.value:.3f}, 95 % interval {figure.low:.3f} to {figure.high:.3f}"
    return f"it informs and does not vote: its AUC is {interval}, on {figure.on}; too few clips to show that it helps"


def _write(out: Path, clips: Sequence[Clip], rows: Sequence[Row], said: Mapping[str, Floats]) -> None:
    about = ("path", "label", "method", "source", "group", "split")
    for name, definitions in _DEFINITIONS.items():
        values = [[clip.measured[name][feature] for feature in definitions] for clip in clips]
        lines = [(*_about(clip), *row) for clip, row in zip(clips, values, strict=True)]
        _table(out / f"{name}.csv", (*about, *definitions), lines)
    sync = [(*_about(row.clip), row.kind, row.sound_of, *row.features.values(), row.score) for row in rows]
    _table(out / "lipsync.csv", (*about, "sound", "sound of", *lipsync.FEATURES, "score"), sync)
    scores = [(*_about(clip), *(float(said[name][i]) for name in said)) for i, clip in enumerate(clips)]
    _table(out / "scores.csv", (*about, *said), scores)


def _about(clip: Clip) -> tuple[str, str, str, str, str, str]:
    item = clip.item
    label = "fake" if item.label == FAKE else "real"
    return str(item.path), label, item.method, item.source, item.group, item.split


def _table(path: Path, head: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([["" if cell != cell else cell for cell in line] for line in lines])
