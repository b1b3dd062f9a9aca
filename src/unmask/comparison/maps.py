"""Embeddings drawn: the same plane coloured by class, by source, and by the clusters found without either."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from unmask.comparison.clusters import Clustering, Map
from unmask.comparison.drawing import FAKE, MUTED, REAL, RULE, SQUARE, Panel, colour, spread
from unmask.comparison.plots import Plot
from unmask.metrics import Floats

_MOST_NAMED: Final = 16
_OUTSIDE: Final = -1


def plots(drawn: Map) -> list[Plot]:
    """By class, by source, and one for each way to cluster."""
    return [_by_class(drawn), _by_source(drawn), *(_by_cluster(drawn, one) for one in drawn.clusterings)]


def _by_class(drawn: Map) -> Plot:
    panel = _plane("real and fake", drawn)
    panel.dots(drawn.xy[drawn.labels == 0], REAL)
    panel.dots(drawn.xy[drawn.labels == 1], FAKE, crossed=True)
    for place, text, shade in ((0.0, "• real", REAL), (0.16, "x fake", FAKE)):
        panel.text(place, 1.02, text, color=shade, fontweight="bold", va="bottom")
    fakes = int((drawn.labels == 1).sum())
    return Plot(panel.title, panel.markup(f"{len(drawn.labels) - fakes} reals as dots, {fakes} fakes as crosses"))


def _by_source(drawn: Map) -> Plot:
    panel = _plane("sources", drawn)
    names = sorted(set(drawn.sources))
    which = np.array([names.index(source) for source in drawn.sources])
    _groups(panel, drawn, which, [name or "no source" for name in names])
    return Plot(panel.title, panel.markup("Sources: " + ", ".join(names)))


def _by_cluster(drawn: Map, found: Clustering) -> Plot:
    panel = _plane(found.method, drawn)
    panel.dots(drawn.xy[found.clusters == _OUTSIDE], MUTED)
    _groups(panel, drawn, found.clusters, [f"{number + 1}" for number in range(found.count)])
    said = f"{found.count} clusters, {found.outside} pictures outside of all"
    return Plot(panel.title, panel.markup(said))


def _groups(panel: Panel, drawn: Map, which: np.ndarray, names: Sequence[str]) -> None:
    """Each group in a colour, every other one as crosses, with its name near its most central point."""
    for index in range(len(names)):
        panel.dots(drawn.xy[which == index], colour(index + 1), crossed=index % 2 == 1)
    groups = [drawn.xy[which == index] for index in range(min(len(names), _MOST_NAMED))]
    if not groups:
        return
    centres = [_most_central(group) for group in groups]
    low, high = panel.axes.get_ylim()
    heights = spread([float(centre[1]) for centre in centres], 0.06 * (high - low), low, high)
    for index, (centre, height) in enumerate(zip(centres, heights, strict=True)):
        panel.label(float(centre[0]), height, names[index], index + 1)


def _most_central(points: Floats) -> Floats:
    """The point nearest to the median, which itself may lie where nothing is."""
    return np.asarray(points[np.argmin(np.linalg.norm(points - np.median(points, axis=0), axis=1))])


def _plane(title: str, drawn: Map) -> Panel:
    panel = Panel(title, inches=SQUARE)
    low, high = drawn.xy.min(axis=0), drawn.xy.max(axis=0)
    room = 0.05 * (high - low)
    panel.axes.set(xlim=(low[0] - room[0], high[0] + room[0]), ylim=(low[1] - room[1], high[1] + room[1]))
    panel.axes.set_xticks([])
    panel.axes.set_yticks([])
    for spine in panel.axes.spines.values():
        spine.set_visible(True)
        spine.set_color(RULE)
    return panel
