"""What turns exported networks into detectors one may trust: calibration on val, and figures in their cards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unmask import bundles, calibrate, evaluate, fuse, manifest
from unmask import ensemble as ensembles
from unmask.bundles import Bundle
from unmask.card import Calibration, Figure, Thresholds
from unmask.ensemble import Ensemble, Member
from unmask.errors import ManifestError, UsageError

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Scored:
    """One val file: its label, and the pooled logit of every detector that could judge it."""

    label: int
    logits: dict[str, float]


def calibrate_bundle(
    folder: Path, table: Path, *, leave_out: Iterable[str] = (), progress: Progress | None = None
) -> Bundle:
    """Scan the original val files with a bundle, fit its calibration, choose its thresholds, and note both in its card.

    Files are scanned, not prepared crops: where a photo shows several faces the highest score counts, and the
    thresholds must hold for that.

    Args:
        folder: The bundle.
        table: The manifest of the original files.
        leave_out: Sources the network was trained without; its calibration must not see them either.
        progress: Called with files scanned and files in all.

    Returns:
        The bundle with its new card.

    Raises:
        ManifestError: No val file of a class could be scored, or no item has a source that is to be left out.
        UsageError: No threshold can keep its promise.
    """
    folder = folder.resolve()  # a bare name would mean the shipped bundle of that name
    scored, set_name = _scan([folder], table, leave_out, progress)
    return _written(_calibrated(bundles.find(str(folder)), scored, set_name))


def join(
    folders: Sequence[Path], table: Path, *, leave_out: Iterable[str] = (), progress: Progress | None = None
) -> Ensemble:
    """Let bundles decide together: calibrate each on val, then the mean of their calibrated logits, likewise.

    Args:
        folders: The bundles, side by side in one folder, into which `ensemble.json` is written.
        table: The manifest of the original files.
        leave_out: As for `calibrate_bundle`.
        progress: As for `calibrate_bundle`.

    Raises:
        UsageError: Fewer than two bundles, or not side by side; or no threshold can keep its promise.
        ManifestError: No val file of a class could be scored by all, or no item has a source that is to be left out.
    """
    places = [folder.resolve() for folder in folders]
    if len(places) < 2 or len({place.parent for place in places}) > 1:
        raise UsageError("an ensemble needs at least two bundles that lie side by side in one folder")
    scored, set_name = _scan(places, table, leave_out, progress)
    members = [_calibrated(bundles.find(str(place)), scored, set_name) for place in places]
    names = [member.card.name for member in members]
    judged_by_all = [one for one in scored if all(name in one.logits for name in names)]
    labels = _labels(judged_by_all, table)
    calibrations = [member.card.calibration for member in members]
    logits = [fuse.joint_logit([one.logits[name] for name in names], calibrations) for one in judged_by_all]
    calibration, thresholds = _fit(labels, logits, set_name)
    together = Ensemble(
        members=tuple(
            Member(name=member.card.name, sha256=member.card.sha256, calibration=member.card.calibration)
            for member in members
        ),
        calibration=calibration,
        thresholds=thresholds,
    )
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


def _merged(old: Iterable[Figure], new: Iterable[Figure]) -> tuple[Figure, ...]:
    return tuple({(figure.name, figure.on): figure for figure in (*old, *new)}.values())


def _scan(
    folders: Sequence[Path], table: Path, leave_out: Iterable[str], progress: Progress | None
) -> tuple[list[_Scored], str]:
    """The val files scored by every bundle, and what to call the set."""
    from unmask.scan import Scanner  # it loads the models' runtime

    # In this order: a source may be known without having anything in val.
    items = evaluate.select(manifest.hold_out(manifest.read(table), tuple(leave_out)), ["val"])
    names = {bundles.find(str(folder)).card.name for folder in folders}
    scored: list[_Scored] = []
    with Scanner(folders, evidence=True) as scanner:  # evidence, so that every detector looks at every photo
        for item, report in zip(items, scanner.scan_many(item.path for item in items), strict=True):
            logits = {name: score.logit for name, score in report.scores.items() if name in names}
            scored.append(_Scored(item.label, logits))
            if progress:
                progress(len(scored), len(items))
    sources = ", ".join(sorted({item.source for item in items if item.source}))
    return scored, f"val of {sources or table.stem}"


def _calibrated(bundle: Bundle, scored: Sequence[_Scored], set_name: str) -> Bundle:
    """The bundle with a new card, not yet written."""
    mine = [one for one in scored if bundle.card.name in one.logits]
    labels, logits = _labels(mine, bundle.folder), [one.logits[bundle.card.name] for one in mine]
    calibration, thresholds = _fit(labels, logits, set_name)
    card = bundle.card.model_copy(update={"calibration": calibration, "thresholds": thresholds})
    return Bundle(bundle.folder, card)


def _fit(labels: list[int], logits: list[float], set_name: str) -> tuple[Calibration, Thresholds]:
    calibration = calibrate.fit(labels, logits, set_name)
    return calibration, calibrate.choose(labels, [fuse.calibrated(logit, calibration) for logit in logits])


def _written(bundle: Bundle) -> Bundle:
    bundle.card.write(bundle.folder / "card.json")
    return bundle


def _labels(scored: Sequence[_Scored], what: Path) -> list[int]:
    labels = [one.label for one in scored]
    if len(set(labels)) < 2:
        raise ManifestError(f"calibrating {what}: the val split holds no scorable file of one of the classes")
    return labels
