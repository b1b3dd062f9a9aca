"""From a manifest of voices to the card of `detectors.spectral`, with figures on collections it has not learned from.

Collections of recordings differ in a hundred ways that have nothing to do with synthesis. So the weights are learned
from how a recording differs from the mean of the human ones of its own collection, and only in collections that hold
both classes; and each is heard four times, as it is, with noise, and through two codecs, so that no weight hangs on
what the next messenger takes away.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from unmask import __version__, calibrate, figures, sound_changes, sound_codecs
from unmask.card import Figure
from unmask.detectors import spectral
from unmask.errors import UsageError
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.manifest import FAKE, REAL, Item, in_split, read
from unmask.metrics import Floats
from unmask.modalities.audio import Sound, sound
from unmask.types import Samples
from unmask.voice_measures import Mask
from unmask.witness import Feature, WitnessCard
from unmask.witness_fit import Examples, fit, grouped_auc, logits, write_usual

COMMAND: Final = "unmask learn-spectral MANIFEST"
AS_IT_IS: Final = "as it is"
COPIES: Final[Mapping[str, Callable[[Samples], Samples]]] = MappingProxyType(
    {
        AS_IT_IS: lambda samples: samples,
        "noise": lambda samples: sound_changes.noisy(samples, "pink", 25.0, np.random.default_rng(0)),
        "mp3": lambda samples: sound_codecs.through(samples, "mp3", 32_000),
        "opus": lambda samples: sound_codecs.through(samples, "opus", 16_000),
    }
)
"""What every recording is heard as."""

_LEAST: Final = 3
"""Recordings of each class, for a collection to be measured by itself."""

_ON_VAL: Final = "val of the voices"
_LIMITS: Final = (
    "an echo, or a codec at a low bit rate, leaves or takes away what the treble is judged by",
    "it needs a second of voiced speech; whispering and music are not judged",
    "a voice that was cleaned by a filter against noise has silent pauses and regular periods without being a fake",
    "creaky, hoarse and singing voices lie outside of the range that it calls human",
    "where a band ends and how sharply is told, but not weighed: codecs and other rates cut there too",
)


@dataclass(frozen=True)
class Row:
    """One copy of one recording, and what was measured of it."""

    item: Item
    copy: str
    measured: Mapping[str, float]

    @property
    def speaker(self) -> str:
        """Whose voice it is, as far as the manifest knows: recordings of one speaker are no separate proof."""
        named = self.item.group or self.item.attributes.get("speaker", "")
        return named if named not in ("", "?") else str(self.item.path)


@dataclass(frozen=True)
class Learned:
    """What came of it: the card, how many recordings were measured, and why others were not."""

    card: WitnessCard
    recordings: int
    problems: tuple[str, ...]

    @property
    def text(self) -> str:
        """The figures as a table, and the witness in a sentence."""
        counts = f"{self.recordings} recordings measured, {len(self.problems)} could not be"
        return "\n".join([counts, figures.to_markdown(self.card.metrics), f"{self.card.name}: {self.card.why}"])


def learn(
    manifest: Path,
    out: Path,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] | None = None,
    *,
    test: bool = False,
) -> Learned:
    """Measure the voices of train and val, learn, and write the card and tables.

    Args:
        manifest: Recordings with splits and sources.
        out: Folder for spectral.json, for spectral.csv with what was measured, and for usual.csv with the range of
            human recordings, which `voice_findings.USUAL` repeats.
        limits: What a recording may cost.
        progress: Is told recordings done and recordings in all.
        test: Also measure the finished card on the split "test". Once: whoever chooses by that figure spoils it.

    Raises:
        ManifestError: The manifest cannot be used.
        UsageError: There is nothing to learn from.
        MissingExtraError: scikit-learn is not installed.
    """
    listed = read(manifest)
    items = [item for split in ("train", "val", *(["test"] if test else [])) for item in in_split(listed, split)]
    out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    problems = []
    for done, item in enumerate(items, start=1):
        heard = sound(item.path, limits)
        found = _measured(item, heard) if heard is not None else []
        rows += found
        if not found:
            problems.append(f"{item.path}: {'cannot be read' if heard is None else spectral.TOO_LITTLE}")
        if progress is not None:
            progress(done, len(items))
    card = _card(rows)
    card.write(out / "spectral.json")
    _tables(out, rows)
    return Learned(card, len(items) - len(problems), tuple(problems))


def taught(rows: Sequence[Row]) -> tuple[tuple[Feature, ...], float]:
    """Features and bias, learned from the differences within collections.

    Raises:
        UsageError: No collection holds both classes.
        MissingExtraError: scikit-learn is not installed.
    """
    compared = _compared(rows)
    if not compared:
        raise UsageError("no source of train holds real and fake voices: there is nothing to learn from")
    values, labels = _values(compared), _labels(compared)
    where = np.array([f"{row.item.source}\n{row.copy}" for row in compared])
    human = _mean(values[labels == REAL])
    for one in dict.fromkeys(where.tolist()):
        inside = where == one
        values[inside] -= np.nan_to_num(_mean(values[inside & (labels == REAL)]) - human)
    return fit(Examples.of(values.tolist(), labels.astype(int).tolist(), where.tolist()), spectral.FEATURES)


def _compared(rows: Sequence[Row]) -> list[Row]:
    """Those of collections that hold both classes, copy by copy."""
    classes: dict[tuple[str, str], set[int]] = {}
    for row in rows:
        classes.setdefault((row.item.source, row.copy), set()).add(row.item.label)
    return [row for row in rows if len(classes[row.item.source, row.copy]) == 2]


def _measured(item: Item, heard: Sound) -> list[Row]:
    rows = []
    for name, change in COPIES.items():
        if item.split == "test" and name != AS_IT_IS:
            continue
        look = spectral.measure(Sound(change(heard.samples), heard.start_s))
        if look is not None:
            rows.append(Row(item, name, look.measured))
    return rows if rows and rows[0].copy == AS_IT_IS else []


def _card(rows: Sequence[Row]) -> WitnessCard:
    known = [row for row in rows if row.item.split != "test"]
    features, bias = taught([row for row in known if row.item.split == "train"])
    val = _plain(known, "val")
    scores = logits(_values(val), features, bias)
    measured = [_figure("spectral AUC", _ON_VAL, val, scores)]
    for name in list(COPIES)[1:]:
        part = [row for row in known if row.item.split == "val" and row.copy == name]
        measured.append(_figure("spectral AUC", f"{_ON_VAL}, {name}", part, logits(_values(part), features, bias)))
    measured += _left_out(known)
    measured += [
        _figure(f"AUC of {feature.name} alone", _ON_VAL, val, logits(_values(val)[:, i : i + 1], [feature], 0.0))
        for i, feature in enumerate(features)
    ]
    tested = _plain(rows, "test")
    if tested:
        figure = _figure("spectral AUC", "test of the voices", tested, logits(_values(tested), features, bias))
        measured.insert(0, figure.model_copy(update={"command": f"{COMMAND} --test"}))
    compared = _compared(_plain(known, "train"))
    collections = len({row.item.source for row in compared})
    return WitnessCard(
        name=spectral.NAME,
        version=__version__,
        summary="treble, phase, pauses, periods of the pitch and steady tones of a voice",
        features=features,
        bias=bias,
        learned_on=f"{len(compared)} recordings of {collections} collections that hold both classes, train split, each"
        " as it is, with noise and through two codecs, against the mean of the human ones of its collection",
        calibration=calibrate.fit(_labels(val), scores, _ON_VAL),
        metrics=tuple(measured),
        limits=_LIMITS,
        why=_why(measured),
    )


def _left_out(rows: Sequence[Row]) -> list[Figure]:
    """Figures on each collection by weights that have not seen it."""
    plain = [row for row in rows if row.copy == AS_IT_IS]
    sources = np.array([row.item.source for row in plain])
    scores = np.full(len(plain), np.nan)
    for source in sorted(set(sources.tolist())):
        features, bias = taught([row for row in rows if row.item.source != source])
        scores[sources == source] = logits(_values(plain)[sources == source], features, bias)
    found = [_figure("spectral AUC", _UNSEEN, plain, scores)]
    for source in sorted(set(sources.tolist())):
        part = [row for row, one in zip(plain, sources, strict=True) if one == source]
        if min((_labels(part) == label).sum() for label in (REAL, FAKE)) >= _LEAST:
            on = f"{source}, left out of learning"
            found.append(_figure("spectral AUC", on, part, scores[sources == source], one_collection=True))
    return found


_UNSEEN: Final = "train and val, each collection by weights that have not seen it"


def _why(measured: Sequence[Figure]) -> str:
    first = measured[0]
    unseen = next(one for one in measured if one.on == _UNSEEN)
    told = [f"{one.value:.3f} on {one.on}, 95 % interval {one.low:.3f} to {one.high:.3f}" for one in (first, unseen)]
    return f"it informs and does not vote: its AUC is {told[0]}, and {told[1]}; it was not shown to help a verdict"


def _figure(name: str, on: str, rows: Sequence[Row], scores: Floats, *, one_collection: bool = False) -> Figure:
    """Speakers are redrawn; of one collection the recordings, for it may hold a single speaker."""
    labels = _labels(rows)
    interval = grouped_auc(labels, scores, [str(row.item.path) if one_collection else row.speaker for row in rows])
    reals = int((labels == REAL).sum())
    return Figure(
        name=name,
        on=on,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        reals=reals,
        fakes=len(rows) - reals,
        command=COMMAND,
    )


def _plain(rows: Sequence[Row], split: str) -> list[Row]:
    return [row for row in rows if row.item.split == split and row.copy == AS_IT_IS]


def _values(rows: Sequence[Row]) -> Floats:
    return np.array([[row.measured[name] for name in spectral.FEATURES] for row in rows], np.float64)


def _labels(rows: Sequence[Row]) -> Floats:
    return np.array([row.item.label for row in rows], np.float64)


def _mean(values: Floats) -> Floats:
    """Of each column, without what was not measured; NaN where nothing was."""
    known: Mask = ~np.isnan(values)
    sums, counts = np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _tables(out: Path, rows: Sequence[Row]) -> None:
    about = ("path", "label", "method", "source", "split", "copy")
    with (out / "spectral.csv").open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*about, *spectral.FEATURES))
        for row in rows:
            item, label = row.item, "fake" if row.item.label == FAKE else "real"
            values = ["" if one != one else one for one in row.measured.values()]
            writer.writerow((item.path, label, item.method, item.source, item.split, row.copy, *values))
    human = _values([row for row in _plain(rows, "train") if row.item.label == REAL])
    write_usual(out / "usual.csv", tuple(spectral.FEATURES), human)
