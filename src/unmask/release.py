"""What turns an exported network into a bundle one may trust: calibration on val, and measured figures in its card."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from unmask import bundles, calibrate, evaluate, fuse, manifest
from unmask.bundles import Bundle
from unmask.card import Figure
from unmask.errors import ManifestError

Progress = Callable[[int, int], None]


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
    from unmask.scan import Scanner  # it loads the models' runtime

    folder = folder.resolve()  # a bare name would mean the shipped bundle of that name
    bundle = bundles.find(str(folder))
    # In this order: a source may be known without having anything in val.
    items = evaluate.select(manifest.hold_out(manifest.read(table), tuple(leave_out)), ["val"])
    labels, logits = [], []
    with Scanner([folder]) as scanner:
        for done, row in enumerate(evaluate.collect(items, scanner.scan_many), start=1):
            if row.logit is not None:
                labels.append(row.label)
                logits.append(row.logit)
            if progress:
                progress(done, len(items))
    if len(set(labels)) < 2:
        raise ManifestError(f"the val split of {table} holds no scorable file of one of the classes")
    sources = ", ".join(sorted({item.source for item in items if item.source}))
    calibration = calibrate.fit(labels, logits, f"val of {sources or table.stem}")
    thresholds = calibrate.choose(labels, [fuse.calibrated(logit, calibration) for logit in logits])
    card = bundle.card.model_copy(update={"calibration": calibration, "thresholds": thresholds})
    card.write(folder / "card.json")
    return bundles.find(str(folder))


def record(folder: Path, figures: Iterable[Figure]) -> Bundle:
    """Write figures into a bundle's card; one of the same name and set replaces the old one."""
    folder = folder.resolve()
    bundle = bundles.find(str(folder))
    kept = {(figure.name, figure.on): figure for figure in (*bundle.card.metrics, *figures)}
    bundle.card.model_copy(update={"metrics": tuple(kept.values())}).write(folder / "card.json")
    return bundles.find(str(folder))
