"""How lines learn, and how they stand what happens to pictures: training, robustness and attack curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from unmask import perturb, resampling
from unmask.comparison import attack
from unmask.comparison.drawing import MOST_TOGETHER, Panel, colour
from unmask.comparison.lines import Line, judged
from unmask.comparison.plots import Plot
from unmask.comparison.runs import Run
from unmask.metrics import Interval
from unmask.resampling import Counts, Set
from unmask.scores import Row

ORIGINAL: Final = "none"
_LEARNED: Final = (("loss", "Training loss"), ("auc", "AUC on val cuts"))
_VARIED: Final = {
    "jpeg": ("JPEG", "quality"),
    "h264": ("H.264", "CRF"),
    "resize": ("Scaling", "factor of both sides"),
    "blur": ("Blur", "standard deviation, px"),
    "noise": ("Noise", "standard deviation, levels of 255"),
    "brightness": ("Brightness", "factor"),
    "screenshot": ("Screenshot", "shown and taken again"),
    "alike": ("Made alike", "256 px, JPEG of quality 75"),
}
"""Family to title and what its strength is."""


def training(lines: Sequence[Line]) -> list[Plot]:
    """Loss and AUC by epoch: the mean over seeds, each seed behind it."""
    return [plot for column, title in _LEARNED for plot in _learned(lines, column, title)]


def robustness(lines: Sequence[Line]) -> list[Plot]:
    """AUC over the strength of each family of perturbations."""
    found: dict[str, dict[str, dict[int, Interval]]] = {}
    order = perturb.families(dict.fromkeys(one.family for one in perturb.PERTURBATIONS.values()))
    for family, names in order.items():
        for line in lines:
            values = {name: _auc(line, name) for name in names}
            if not any(values.values()):
                continue
            values = {"": _auc(line, "", like=[name for name in names if values[name]]), **values}
            for name, value in values.items():
                if value:
                    shown = f"{perturb.PERTURBATIONS[name].strength:g}" if name else ORIGINAL
                    found.setdefault(family, {}).setdefault(shown, {})[line.number] = value
    ordered = {family: _in_order(strengths, order[family]) for family, strengths in found.items()}
    return [
        plot
        for family, strengths in ordered.items()
        for plot in over_strengths(lines, *_VARIED.get(family, (family, family)), "AUC", strengths)
    ]


def attacks(lines: Sequence[Line]) -> list[Plot]:
    """Accuracy over the strength of each attack."""
    return [
        plot
        for method, strengths in attack.strengths(lines).items()
        for plot in over_strengths(lines, method, "largest change of a pixel, in levels of 255", "accuracy", strengths)
    ]


def over_strengths(
    lines: Sequence[Line], title: str, x: str, y: str, strengths: Mapping[str, Mapping[int, Interval]]
) -> Iterator[Plot]:
    """A figure over strengths, weakest first, of all lines together or of each with the others in grey."""
    there = [line for line in lines if any(line.number in values for values in strengths.values())]
    together = len(there) <= MOST_TOGETHER
    for shown in [there] if together else [[line] for line in there]:
        panel = Panel(title if together else f"{title}: {shown[0].number}  {shown[0].name}", x, y)
        for line in there:
            places = [place for place, values in enumerate(strengths.values()) if line.number in values]
            values = [values[line.number] for values in strengths.values() if line.number in values]
            at, heights = np.array(places, float), np.array(values)
            if line not in shown:
                panel.line(at, heights[:, 0], line.number, muted=True)
                continue
            panel.band(at, heights[:, 1], heights[:, 2], line.number)
            panel.line(at, heights[:, 0], line.number, marker="o", markersize=3.5)
            panel.label_end(at, heights[:, 0], str(line.number), line.number)
        panel.axes.set_xticks(range(len(strengths)), list(strengths))
        said = "; ".join(
            f"{line.name}: "
            + ", ".join(f"{name} {v[line.number].value:.3f}" for name, v in strengths.items() if line.number in v)
            for line in shown
        )
        yield Plot(panel.title, panel.markup(said))


def _learned(lines: Sequence[Line], column: str, title: str) -> Iterator[Plot]:
    there = [line for line in lines if any(column in epoch for run in line.runs for epoch in run.epochs)]
    together = len(there) <= MOST_TOGETHER
    for shown in [there] if together else [[line] for line in there]:
        if not shown:
            continue
        panel = Panel(title if together else f"{title}: {shown[0].number}  {shown[0].name}", "epoch")
        for line in there:
            traces = [trace for run in line.runs if len(trace := _trace(run, column))]
            epochs = sorted(set.intersection(*(set(trace) for trace in traces)))
            mean = np.array([np.mean([trace[epoch] for trace in traces]) for epoch in epochs])
            if line in shown and len(traces) > 1:
                for trace in traces:
                    panel.axes.plot(
                        list(trace), list(trace.values()), color=colour(line.number), alpha=0.35, linewidth=0.9
                    )
            marker = "o" if len(epochs) == 1 else None
            panel.line(np.array(epochs), mean, line.number, muted=line not in shown, marker=marker)
            if line in shown:
                panel.label_end(np.array(epochs), mean, str(line.number), line.number)
        panel.whole_numbers()
        yield Plot(panel.title, panel.markup("Curves by epoch of " + ", ".join(line.name for line in shown)))


def _trace(run: Run, column: str) -> dict[float, float]:
    return {epoch["epoch"]: epoch[column] for epoch in run.epochs if column in epoch}


def _auc(line: Line, perturbation: str, like: Sequence[str] = ()) -> Interval | None:
    """The AUC of perturbed copies, or of the originals of some; None where they cannot be ranked."""
    tables = [_rows(run, perturbation, like) for run in line.runs if run.perturbed]
    if len(tables) < len(line.runs) or not all(tables):
        return None
    found = judged(tables)
    if not found.measurable:
        return None
    sets = found.sets
    return resampling.intervals(sets[0].truth, lambda counts: _mean_auc(sets, counts))["AUC"]


def _rows(run: Run, perturbation: str, like: Sequence[str]) -> list[Row]:
    rows = [one for one in run.perturbed if one.perturbation == perturbation]
    if perturbation:
        return rows
    copied = {one.path for one in run.perturbed if one.perturbation in like}
    return [one for one in rows or run.rows if one.path in copied]


def _mean_auc(sets: Sequence[Set], counts: Counts) -> dict[str, np.ndarray]:
    return {"AUC": np.mean([resampling.auc(items.truth, items.scores, counts) for items in sets], axis=0)}


def _in_order(strengths: Mapping[str, dict[int, Interval]], names: Sequence[str]) -> dict[str, dict[int, Interval]]:
    wanted = [ORIGINAL, *(f"{perturb.PERTURBATIONS[name].strength:g}" for name in names)]
    return {name: strengths[name] for name in wanted if name in strengths}
