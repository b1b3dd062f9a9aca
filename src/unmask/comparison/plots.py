"""How lines rank, call and claim: ROC and precision-recall curves, confusion matrices, scores, reliability."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from unmask import metrics, resampling
from unmask.comparison.drawing import FAKE, INK, MOST_TOGETHER, MUTED, REAL, SQUARE, WIDE, Panel
from unmask.comparison.lines import Line
from unmask.comparison.measuring import Measured
from unmask.metrics import Floats
from unmask.resampling import Counts, Set
from unmask.risk import GRID, Risk

_GRID: Final = np.linspace(0, 1, 251)
_LOGIT_LIMIT: Final = 7.0
_BINS: Final = 28
_RULES: Final = ("shipped", "by risk")
_TICKS: Final = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)


@dataclass(frozen=True)
class Plot:
    """A figure with its title, and the same in words."""

    title: str
    svg: Markup


@dataclass(frozen=True, eq=False)
class Curve:
    """The mean curve of a line over its seeds, with its 95 % interval over the files, on a grid from 0 to 1."""

    line: Line
    y: Floats
    low: Floats
    high: Floats


Heights = Callable[[Set, Counts], Floats]
"""From items and how often each was drawn, (R, N), to the heights of each redraw's curve on the grid, (R, grid)."""


def ranking(found: Sequence[Measured]) -> list[Plot]:
    """ROC and precision-recall curves: all lines in one figure, or one each where they are many.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    drawable = [one for one in found if one.values]
    roc = [_curve(one.line, _roc) for one in drawable]
    pr = [_curve(one.line, _precision_recall) for one in drawable]
    auc = [one.values["AUC"].value for one in drawable]
    ap = [one.values["average precision"].value for one in drawable]
    plots = list(_curves("ROC", roc, auc, "AUC", ("false-positive rate", "true-positive rate")))
    return plots + list(_curves("Precision and recall", pr, ap, "average precision", ("recall of fakes", "precision")))


def reliability(found: Sequence[Measured]) -> list[Plot]:
    """What is claimed against what is true, for each line; one trace a seed."""
    plots = []
    for one in found:
        if not one.values:
            continue
        error = one.values[f"expected calibration error, {metrics.BINS} bins"]
        panel = claims(_name(one.line), one.line.judged().sets, error.value)
        plots.append(Plot(panel.title, panel.markup(f"Reliability diagram; calibration error {error.value:.3f}")))
    return plots


def claims(title: str, sets: Sequence[Set], error: float) -> Panel:
    """A reliability diagram: what is claimed against what is true, with Wilson intervals; one trace a set.

    Args:
        title: Of the panel.
        sets: Labels and probabilities, of one seed each.
        error: The expected calibration error, to be written into it.
    """
    panel = Panel(title, "claimed probability of fake", "share of fakes", SQUARE)
    _unit(panel, diagonal=True)
    for items in sets:
        bins = metrics.reliability(items.truth, items.claimed)
        x, y = np.array([b.claimed for b in bins]), np.array([b.fakes.value for b in bins])
        ends = np.abs(np.array([[b.fakes.low, b.fakes.high] for b in bins]).T - y)
        faint = 1.0 if len(sets) == 1 else 0.55
        panel.axes.errorbar(x, y, ends, color=INK, alpha=faint, marker="o", markersize=4, linewidth=1.4, elinewidth=0.9)
    panel.text(0.03, 0.97, f"ECE {error:.3f}", va="top")
    return panel


def risk_coverage(title: str, found: Risk) -> Panel:
    """Selective risk against coverage with its interval, and where the thresholds in use come to lie."""
    panel = Panel(title, "share of files that get a verdict", "wrong verdicts among those", WIDE)
    middle, low, high = found.curve
    panel.band(GRID, low, high, 1)
    panel.line(GRID, middle, 1)
    panel.axes.axhline(found.error, color=MUTED, linewidth=0.9, linestyle=(0, (1, 3)))
    inside = {"transform": panel.axes.transData, "fontsize": 8.5}
    panel.text(0.03, found.error, "withheld by chance", color=MUTED, va="bottom", **inside)
    for number, rule in enumerate(found.rules):
        if rule.risk:
            x, y = rule.coverage.value, rule.risk.value
            panel.axes.plot(x, y, color=INK, marker="os"[number], markersize=5, zorder=4)
            va, ha = ("bottom", "right") if number == 0 else ("top", "left")
            panel.text(x, y, f" {_RULES[number]} ", va=va, ha=ha, **inside)
    top = 1.25 * max(float(high.max()), *(rule.risk.value for rule in found.rules if rule.risk), 1e-3)
    panel.axes.set(xlim=(0, 1.02), ylim=(-0.02 * top, top))
    panel.axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
    area, low_area, high_area = found.area
    panel.text(0.03, 0.97, f"AURC {area:.4f} ({low_area:.4f} to {high_area:.4f})", va="top")
    return panel


def scores(found: Sequence[Measured]) -> list[Plot]:
    """Histograms of the calibrated scores: fakes above the axis, reals below it."""
    plots = []
    edges = np.linspace(-_LOGIT_LIMIT, _LOGIT_LIMIT, _BINS + 1)
    for one in found:
        if not one.values:
            continue
        panel = Panel(_name(one.line), "calibrated probability of fake", "share of its class")
        sets = one.line.judged().sets
        for label, sign, shade in ((1, 1, FAKE), (0, -1, REAL)):
            shares = np.mean([_shares(items, label, edges) for items in sets], axis=0)
            panel.axes.stairs(sign * shares, edges, fill=True, color=shade, linewidth=0)
        _sides(panel)
        _ticks_of_probability(panel)
        plots.append(Plot(panel.title, panel.markup("Histogram of scores, fakes above the axis and reals below it")))
    return plots


def confusion(found: Sequence[Measured]) -> list[Plot]:
    """What was called what at one half of the calibrated probability: counts and shares, means over seeds."""
    plots = []
    for one in found:
        if not one.values:
            continue
        panel = Panel(_name(one.line), "called", "is", (3.7, 2.5))
        panel.axes.grid(visible=False)
        said = []
        for row, (kind, of) in enumerate((("real", one.reals), ("fake", one.fakes))):
            for column, call in enumerate(("real", "fake")):
                count = one.values[f"{kind}s called {call}"]
                low, high = count.low / of, count.high / of
                shade = FAKE if call == "fake" else REAL
                panel.axes.add_patch(_tile(column, 1 - row, shade, 0.05 + 0.4 * count.value / of))
                text = f"{count.value:,.4g}\n{count.value / of:.1%}"
                at = {"transform": panel.axes.transData, "ha": "center", "va": "center"}
                panel.text(column + 0.5, 1.56 - row, text, fontsize=12, fontweight="bold", **at)
                panel.text(column + 0.5, 1.17 - row, f"{low:.1%} to {high:.1%}", fontsize=8.5, **at)
                said.append(f"{kind} called {call}: {count.value:.4g}")
        panel.axes.set(xlim=(0, 2), ylim=(0, 2), xticks=(0.5, 1.5), yticks=(0.5, 1.5))
        panel.axes.set_xticklabels(["real", "fake"])
        panel.axes.set_yticklabels(["fake", "real"])
        panel.axes.tick_params(length=0)
        for spine in panel.axes.spines.values():
            spine.set_visible(False)
        plots.append(Plot(panel.title, panel.markup("; ".join(said))))
    return plots


def _name(line: Line) -> str:
    return f"{line.number}  {line.name}"


def _curve(line: Line, heights: Heights) -> Curve:
    sets = line.judged().sets
    truth = sets[0].truth
    once = np.ones((1, len(truth)))
    drawn = [_mean(sets, counts, heights) for counts in resampling.redraws(truth)]
    low, high = np.quantile(np.concatenate(drawn), [0.025, 0.975], axis=0)
    return Curve(line, _mean(sets, once, heights)[0], low, high)


def _mean(sets: Sequence[Set], counts: Counts, heights: Heights) -> Floats:
    """The mean over seeds of each redraw's curve: (R, grid)."""
    return np.asarray(np.mean([heights(items, counts) for items in sets], axis=0))


def _roc(items: Set, counts: Counts) -> Floats:
    fpr, tpr = resampling.curve(items.truth, items.scores, counts)
    return np.array([np.interp(_GRID, x, y) for x, y in zip(fpr, tpr, strict=True)])


def _precision_recall(items: Set, counts: Counts) -> Floats:
    """Precision where at least so many of the fakes are found, with as few called as that takes."""
    fpr, tpr = resampling.curve(items.truth, items.scores, counts)
    found = tpr * counts[:, items.truth == 1].sum(axis=1, keepdims=True)
    called = found + fpr * counts[:, items.truth == 0].sum(axis=1, keepdims=True)
    recall = np.where(called > 0, tpr, -1)  # where nothing is called there is no precision
    precision = found / np.where(called > 0, called, 1)
    return np.array(
        [p[np.searchsorted(r, _GRID, "left").clip(max=len(r) - 1)] for p, r in zip(precision, recall, strict=True)]
    )


def _curves(
    title: str, curves: Sequence[Curve], values: Sequence[float], what: str, axes: tuple[str, str]
) -> Iterator[Plot]:
    """One figure of all curves, or one for each with the others in grey."""
    if not curves:
        return
    together = len(curves) <= MOST_TOGETHER
    said = ", ".join(f"{one.line.name} {value:.3f}" for one, value in zip(curves, values, strict=True))
    for shown in [tuple(curves)] if together else [(one,) for one in curves]:
        panel = Panel(title if together else f"{title}: {_name(shown[0].line)}", *axes, SQUARE)
        _unit(panel, diagonal=title == "ROC")
        for one in curves:
            if one not in shown:
                panel.line(_GRID, one.y, one.line.number, muted=True)
        for place, one in enumerate(shown):
            panel.band(_GRID, one.low, one.high, one.line.number)
            panel.line(_GRID, one.y, one.line.number)
            at = _label_place(one.y, place, len(shown), on_diagonal=title == "ROC")
            panel.label(float(_GRID[at]), float(one.y[at]), str(one.line.number), one.line.number)
        yield Plot(panel.title, panel.markup(f"{what}: {said}"))


def _label_place(y: Floats, place: int, of: int, *, on_diagonal: bool) -> int:
    """Each curve is named at another place, so that the names of curves that lie together do not."""
    way = 0.5 if of == 1 else place / (of - 1)
    if on_diagonal:
        return int(np.argmin(np.abs(_GRID + y - (0.55 + 0.95 * way))))
    return int(np.argmin(np.abs(_GRID - (0.3 + 0.6 * way))))


def _shares(items: Set, label: int, edges: Floats) -> Floats:
    kept = np.clip(items.claimed[items.truth == label], 1e-12, 1 - 1e-12)
    logits = np.clip(np.log(kept / (1 - kept)), edges[0], edges[-1])
    return np.asarray(np.histogram(logits, edges)[0] / len(kept))


def _unit(panel: Panel, *, diagonal: bool) -> None:
    ticks = np.linspace(0, 1, 6)
    panel.axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=ticks, yticks=ticks)
    if diagonal:
        panel.axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (1, 3)))


def _sides(panel: Panel) -> None:
    most = max(map(abs, panel.axes.get_ylim())) * 1.05
    panel.axes.set_ylim(-most, most)
    panel.axes.axhline(0, color=INK, linewidth=0.8)
    panel.axes.axvline(0, color=MUTED, linewidth=0.9, linestyle=(0, (1, 3)))
    panel.axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.2g}")
    for text, y, shade in (("fakes", 0.96, FAKE), ("reals", 0.04, REAL)):
        panel.text(0.015, y, text, color=shade, fontweight="bold", va="top" if y > 0.5 else "bottom")


def _ticks_of_probability(panel: Panel) -> None:
    ticks = np.array(_TICKS)
    panel.axes.set_xticks(np.log(ticks / (1 - ticks)), [f"{tick:g}".removeprefix("0") for tick in ticks])
    panel.axes.set_xlim(-_LOGIT_LIMIT, _LOGIT_LIMIT)


def _tile(x: float, y: float, shade: str, alpha: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x + 0.02, y + 0.02), 0.96, 0.96, color=shade, alpha=alpha, linewidth=0, zorder=1)
