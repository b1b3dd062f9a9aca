"""What turns exported networks into detectors one may trust: calibration on val, and figures in their cards."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from unmask import bundles, calibrate, evaluate, evaluation, films, fuse, joining, manifest, thresholding, weighing
from unmask import ensemble as ensembles
from unmask.bundles import Bundle
from unmask.card import Calibration, Figure
from unmask.ensemble import Ensemble, Member, Part
from unmask.errors import ManifestError, UsageError
from unmask.joining import Contest, Said
from unmask.metrics import Interval

Progress = Callable[[int, int], None]

_KINDS: Final = ("equal", "learned")


@dataclass(frozen=True)
class _Scored:
    """One val file, and what every detector that could judge it said; whether it was collected or made."""

    label: int
    group: str
    source: str
    logits: dict[str, float]
    kind: str = "collected"


def calibrate_bundle(
    folder: Path,
    table: Path,
    *,
    also: Sequence[Path] = (),
    leave_out: Iterable[str] = (),
    progress: Progress | None = None,
) -> Bundle:
    """Scan the original val files with a bundle, fit its calibration, choose its thresholds, and note both in its card.

    Files are scanned, not prepared crops: where a photo shows several faces the highest score counts, and the
    thresholds must hold for that.

    Args:
        folder: The bundle.
        table: The manifest of the original files.
        also: Further manifests, whose val split belongs to it; of made clips, where too few fakes were collected.
        leave_out: Sources the network was trained without; its calibration must not see them either.
        progress: Called with files scanned and files in all.

    Returns:
        The bundle with its new card.

    Raises:
        ManifestError: No val file of a class could be scored, or no item has a source that is to be left out.
        UsageError: No threshold can keep its promise.
    """
    folder = folder.resolve()  # a bare name would mean the shipped bundle of that name
    scored, set_name = _scan([folder], [table, *also], leave_out, progress)
    return _written(_calibrated(bundles.find(str(folder)), scored, set_name))


def join(
    folders: Sequence[Path],
    table: Path,
    *,
    weigh: Mapping[str, float] | None = None,
    least: Mapping[str, float] | None = None,
    leave_out: Iterable[str] = (),
    progress: Progress | None = None,
) -> Ensemble:
    """Let bundles decide together: calibrate each on val, then the mean of their calibrated logits, out of fold.

    The members weigh the same in that mean, unless learned weights are clearly better on files they were not learned
    from (`joining.contest`); which were better is among the figures of the ensemble. Val cannot say, though, which
    member to trust on a generator that nobody has seen: weights that were chosen for that are given, and how much those
    count at least that know only some ways to make a fake (`Ensemble.leasts`). Of three members
    or more, some may have to decide without the others (`ensemble.Part`): all but those of one kind of cut, as where
    no face is found, and every choice of members that some val file left.

    Args:
        folders: The bundles, side by side in one folder, into which `ensemble.json` is written.
        table: The manifest of the original files.
        weigh: By names of members, their weights, to be taken as they are; those not named weigh 1.
        least: By names of members, the least that they count, in standard deviations above the mean of real photos;
            of those not named all that they say counts.
        leave_out: As for `calibrate_bundle`.
        progress: As for `calibrate_bundle`.

    Raises:
        UsageError: Fewer than two bundles, or not side by side; weights or leasts for no member, or no weight above
            0; or no threshold can keep its promise.
        ManifestError: No val file of a class could be scored by all, or no item has a source that is to be left out.
    """
    places = [folder.resolve() for folder in folders]
    if len(places) < 2 or len({place.parent for place in places}) > 1:
        raise UsageError("an ensemble needs at least two bundles that lie side by side in one folder")
    scored, set_name = _scan(places, [table], leave_out, progress)
    members = [_calibrated(bundles.find(str(place)), scored, set_name) for place in places]
    names = [member.card.name for member in members]
    chosen, leasts = weighing.weights(weigh, names), weighing.leasts(least, names)
    _labels([one for one in scored if all(name in one.logits for name in names)], table)
    said = joining.checked(
        [one.label for one in scored],
        [[one.logits.get(name) for name in names] for one in scored],
        [one.group for one in scored],
        [one.source for one in scored],
    )
    contest = joining.contest(said, set_name, leasts)
    learn = not chosen and contest is not None and contest.learned_win
    weights = joining.fixed(chosen) if chosen else joining.learned if learn else joining.equal
    joint = joining.fit(said, set_name, weights, leasts)
    command = ["unmask", "join", *names, "--manifest", table.name, *weighing.typed(weigh, least)]
    together = Ensemble(
        members=tuple(
            Member(name=member.card.name, sha256=member.card.sha256, calibration=calibration)
            for member, calibration in zip(members, joint.calibrations, strict=True)
        ),
        weights=tuple(joint.weights.tolist()) if learn or chosen else (),
        leasts=leasts,
        weighing=weighing.sentence(names, contest, joint, chosen, leasts),
        calibration=joint.calibration,
        thresholds=joint.thresholds,
        metrics=_contested(contest, joint.calibration, shlex.join(command)),
    )
    together = together.model_copy(update={"parts": _parts(together, members, said, set_name)})
    for member in members:  # only now: what fails above leaves everything as it was
        _written(member)
    together.write(places[0].parent)
    return together


def record(folder: Path, figures: Iterable[Figure]) -> None:
    """Write figures into a bundle's card, or into the ensemble of a folder of bundles.

    A figure of the same name and set replaces the old one.

    Raises:
        UsageError: The folder holds neither.
        BundleError: What it holds is damaged.
    """
    folder = folder.resolve()
    together = ensembles.read(folder)
    if together is not None:
        together.model_copy(update={"metrics": _merged(together.metrics, figures)}).write(folder)
        return
    bundle = bundles.find(str(folder))
    metrics = _merged(bundle.card.metrics, figures)
    bundle.card.model_copy(update={"metrics": metrics}).write(folder / "card.json")


def recordable(folder: Path) -> None:
    """Refuse a folder that `record` would refuse, before the work and not after it.

    Raises:
        UsageError: The folder holds neither a bundle nor an ensemble.
        BundleError: What it holds is damaged.
    """
    if ensembles.read(folder.resolve()) is None:
        bundles.find(str(folder.resolve()))


def _parts(together: Ensemble, members: Sequence[Bundle], said: Said, set_name: str) -> tuple[Part, ...]:
    """What the members decide that are left where others cannot judge; only where val can tell how sure they are."""
    every = range(len(members))
    kinds = {member.card.cut.kind for member in members}
    left = {tuple(i for i in every if members[i].card.cut.kind != kind) for kind in kinds}
    left |= {tuple(int(i) for i in np.flatnonzero(row)) for row in ~np.isnan(said.logits)}
    parts = []
    for columns in sorted(left, key=lambda columns: (-len(columns), columns)):
        if not 2 <= len(columns) < len(members):
            continue
        names = tuple(members[i].card.name for i in columns)
        mine = said.only(np.ones(len(said.labels), bool), columns)
        weights = together.weights_among(names)
        leasts = together.leasts_among(names)
        joint = joining.fit(mine, set_name, joining.fixed(weights) if weights else joining.equal, leasts)
        parts.append(Part(members=names, calibration=joint.calibration, thresholds=joint.thresholds))
    return tuple(parts)


def _contested(contest: Contest | None, of: Calibration, command: str) -> tuple[Figure, ...]:
    """What equal and learned weights came to on files that neither had seen."""
    if contest is None:
        return ()
    pairs = [
        (name, kind, one) for name, both in contest.measures.items() for kind, one in zip(_KINDS, both, strict=True)
    ]
    found = {f"{name} out of fold, {kind} weights": one for name, kind, one in pairs}
    found["log loss saved by learned weights, out of fold"] = contest.saved
    return tuple(_figure(name, one, of, command) for name, one in found.items())


def _figure(name: str, found: Interval, of: Calibration, command: str) -> Figure:
    value, low, high = found
    return Figure(
        name=name, on=of.set, value=value, low=low, high=high, reals=of.reals, fakes=of.fakes, command=command
    )


def _merged(old: Iterable[Figure], new: Iterable[Figure]) -> tuple[Figure, ...]:
    return tuple({(figure.name, figure.on): figure for figure in (*old, *new)}.values())


def _scan(
    folders: Sequence[Path], tables: Sequence[Path], leave_out: Iterable[str], progress: Progress | None
) -> tuple[list[_Scored], str]:
    """The val files scored by every bundle, and what to call the set."""
    from unmask.scan import Scanner  # it loads the models' runtime

    # In this order: a source may be known without having anything in val.
    everything = [item for table in tables for item in manifest.read(table)]
    items = evaluate.select(manifest.hold_out(everything, tuple(leave_out)), ["val"])
    cards = [bundles.find(str(folder)).card for folder in folders]
    names = {card.name for card in cards}
    # So that every detector looks at every photo. A video has but one, and its evidence costs more than its verdict.
    evidence = any(card.modality == "image" for card in cards)
    scored: list[_Scored] = []
    with Scanner(folders, evidence=evidence, provenance=False) as scanner:
        for item, report in zip(items, scanner.scan_many(item.path for item in items), strict=True):
            logits = {name: score.logit for name, score in report.scores.items() if name in names}
            group = item.group or evaluation.relative(item.path, tables[0])
            scored.append(_Scored(item.label, group, item.source, logits, "made" if films.made(item) else "collected"))
            if progress:
                progress(len(scored), len(items))
    sources = ", ".join(sorted({item.source for item in items if item.source}))
    made = ", with clips made of them" if any(films.made(item) for item in items) else ""
    return scored, f"val of {sources or tables[0].stem}{made}"


def _calibrated(bundle: Bundle, scored: Sequence[_Scored], set_name: str) -> Bundle:
    """The bundle with a new card, not yet written."""
    mine = [one for one in scored if bundle.card.name in one.logits]
    labels, logits = _labels(mine, bundle.folder), [one.logits[bundle.card.name] for one in mine]
    calibration = calibrate.fit(labels, logits, set_name)
    probabilities = [fuse.calibrated(logit, calibration) for logit in logits]
    kinds, sources = [one.kind for one in mine], [one.source for one in mine]
    thresholds = thresholding.choose_for_each(labels, probabilities, kinds, sources)
    card = bundle.card.model_copy(update={"calibration": calibration, "thresholds": thresholds})
    return Bundle(bundle.folder, card)


def _written(bundle: Bundle) -> Bundle:
    bundle.card.write(bundle.folder / "card.json")
    return bundle


def _labels(scored: Sequence[_Scored], what: Path) -> list[int]:
    labels = [one.label for one in scored]
    if len(set(labels)) < 2:
        raise ManifestError(f"calibrating {what}: the val split holds no scorable file of one of the classes")
    return labels
