"""How many attacked pictures a trained network still judges rightly, beside the same pictures left alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from unmask import manifest, metrics
from unmask.card import Card
from unmask.errors import ManifestError, UsageError
from unmask.evaluation import sha256
from unmask.manifest import FAKE, REAL, Item
from unmask.metrics import Interval
from unmask.prepare import MANIFEST, read_cut, read_segments
from unmask.train import run as runs
from unmask.train.attacks import METHODS, Method, attack, check
from unmask.train.models import Detector
from unmask.train.recipes import Recipe

TABLE: Final = "attack.json"
"""The file in a run that holds what `attacked` found."""

STRENGTHS: Final = (1.0, 2.0, 4.0, 8.0)
"""What is tried unless told otherwise, in levels of 255."""

_BATCH: Final = 32
_CARD: Final = Path("bundle", "card.json")

Progress = Callable[[str, int, int], None]
"""Called with what is going on, items done and items in all."""


@dataclass(frozen=True)
class Attacked:
    """What is left of a network under one attack.

    Attributes:
        method: "fgsm", "pgd", or "none" for the pictures as they are.
        strength: Largest change of a value, in levels of 255.
        steps: Gradients the attack took.
        accuracy: Share of right calls, with its Wilson interval.
        auc: How often a fake scores above a real, all of them attacked, with its bootstrap interval.
    """

    method: str
    strength: float
    steps: int
    accuracy: Interval
    auc: Interval


@dataclass(frozen=True)
class Table:
    """Attacks on one run, the clean pictures first, and all it takes to repeat them.

    Attributes:
        recipe: The run's.
        split: Whose items were attacked.
        data_sha256: Of the prepared manifest.
        reals: How many.
        fakes: Likewise.
        threshold: Logits from here on are called fake: one half of the calibrated probability.
        calibration: The set behind the threshold; "none" where it is logit 0 of a network that was not calibrated.
        seed: Of the choice of items, and of where PGD starts.
        attacks: One row for each method and strength.
    """

    recipe: str
    split: str
    data_sha256: str
    reals: int
    fakes: int
    threshold: float
    calibration: str
    seed: int
    attacks: tuple[Attacked, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values; an interval is value, low and high."""
        rows = [{**asdict(row), "accuracy": row.accuracy._asdict(), "auc": row.auc._asdict()} for row in self.attacks]
        return {**asdict(self), "attacks": rows}

    def to_text(self) -> str:
        """For people."""
        lines = [
            f"{self.recipe}, {self.split}: {self.reals} real and {self.fakes} fake items, fake from logit "
            f"{self.threshold:.3f} on (calibration: {self.calibration})",
            f"{'attack':<8}{'strength':>9}{'steps':>7}  {'accuracy':<24}AUC",
        ]
        for row in self.attacks:
            figures = (f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})" for one in (row.accuracy, row.auc))
            accuracy, auc = figures
            lines.append(f"{row.method:<8}{row.strength:>9g}{row.steps:>7}  {accuracy:<24}{auc}")
        return "\n".join(lines)


def attacked(
    run: Path,
    prepared: Path,
    split: Literal["test", "val"] = "test",
    methods: Sequence[Method] = METHODS,
    strengths: Sequence[float] = STRENGTHS,
    steps: int = 10,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Table:
    """Measure a run on attacked pictures of a split that it did not learn from, and write `attack.json` into it.

    An item's segments are attacked one by one, and pooled as the recipe says. Clean and attacked rows are of the very
    same items.

    Args:
        run: A folder that `train` filled; calibrated where it holds bundle/card.json.
        prepared: The prepared folder with the run's cut.
        split: Which items.
        methods: Which attacks.
        strengths: Largest change of a value, in levels of 255.
        steps: Of PGD.
        limit: Attack at most so many items, half of them real, drawn by the recipe's seed; all when None.
        progress: Called after every batch.

    Raises:
        UsageError: An attack that does not exist, a split that was learned from, or a run without a whole epoch.
        ManifestError: The split of the prepared folder cannot be used.
    """
    for method in methods:
        for strength in strengths:
            check(method, strength, steps)
    if split not in ("test", "val"):
        raise UsageError(f"attacks are measured on test or val, never on {split}")
    recipe, model = runs.load(run)
    if recipe.cut.frames:
        raise UsageError(f"{run} judges videos: only networks that judge pictures are attacked")
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    if read_cut(prepared) != recipe.cut:
        raise UsageError(f"{prepared} was prepared with another cut than the run's: prepare it again")
    items = _choose(prepared, split, recipe, limit)
    labels = np.array([item.label for item in items])
    threshold, calibration = _threshold(run)
    plans: list[tuple[Method | None, float]] = [(None, 0.0), *((m, s) for m in methods for s in strengths)]
    found = []
    for number, (plan, strength) in enumerate(plans):
        what = f"{plan}, strength {strength:g}" if plan else "clean pictures"
        tell = partial(_tell, progress, what, number * len(items), len(plans) * len(items))
        taken = {None: 0, "fgsm": 1, "pgd": steps}[plan]
        scores = _scores(model, items, recipe, plan, strength, taken, tell)
        # A strong attack leaves next to nothing right, and a bootstrap would call none of 60 a certain zero.
        accuracy = metrics.share(int(((scores >= threshold) == labels).sum()), len(items))
        auc = metrics.bootstrap(metrics.auc, labels, scores)
        found.append(Attacked(plan or "none", strength, taken, accuracy, auc))
    table = Table(
        recipe=recipe.name,
        split=split,
        data_sha256=sha256(prepared / MANIFEST),
        reals=int((labels == REAL).sum()),
        fakes=int((labels == FAKE).sum()),
        threshold=threshold,
        calibration=calibration,
        seed=recipe.seed,
        attacks=tuple(found),
    )
    runs.write(run / TABLE, json.dumps(table.to_dict(), indent=2) + "\n")
    return table


def _tell(progress: Progress | None, what: str, before: int, of: int, done: int) -> None:
    if progress:
        progress(what, before + done, of)


def _choose(prepared: Path, split: str, recipe: Recipe, limit: int | None) -> list[Item]:
    """The items to attack, in the order of the manifest, without the sources that the run left out."""
    known = manifest.hold_out(manifest.read(prepared / MANIFEST), recipe.data.leave_out)
    items = manifest.in_split(known, split)
    rng = np.random.default_rng(recipe.seed)
    chosen: list[int] = []
    for label in (REAL, FAKE):
        members = [number for number, item in enumerate(items) if item.label == label]
        if not members:
            raise ManifestError(f"the split {split} of {prepared} needs both real and fake items")
        chosen += rng.permutation(members)[: max(1, limit // 2) if limit else None].tolist()
    return [items[number] for number in sorted(chosen)]


def _threshold(run: Path) -> tuple[float, str]:
    """The logit at which the calibrated probability is one half, and on what that was fitted."""
    if not (run / _CARD).is_file():
        return 0.0, "none"
    calibration = Card.read(run / _CARD).calibration
    return calibration.bias, calibration.set


def _scores(
    model: Detector,
    items: Sequence[Item],
    recipe: Recipe,
    method: Method | None,
    strength: float,
    steps: int,
    tell: Callable[[int], None],
) -> NDArray[np.float64]:
    """Pooled logits of attacked items: (len(items),)."""
    chance = torch.Generator().manual_seed(recipe.seed)
    device = next(model.parameters()).device
    pool = np.max if recipe.pooling == "max" else np.mean
    found: list[float] = []
    for first in range(0, len(items), _BATCH):
        some = items[first : first + _BATCH]
        segments = [read_segments(item, recipe.cut.size_px) for item in some]
        owner = np.repeat(np.arange(len(some)), [len(one) for one in segments])
        pixels = torch.from_numpy(np.concatenate(segments)).to(device)
        labels = torch.tensor([item.label for item in some], device=device)[owner]
        logits = []
        for start in range(0, len(owner), _BATCH):
            shown = pixels[start : start + _BATCH]
            if method:
                shown = attack(model, shown, labels[start : start + _BATCH], method, strength, steps, chance)
            with torch.inference_mode():
                logits.append(model(shown)[0].float().cpu().numpy())
        scores = np.concatenate(logits)
        found += [float(pool(scores[owner == number])) for number in range(len(some))]
        tell(first + len(some))
    return np.array(found)
