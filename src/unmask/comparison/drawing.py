"""Small figures as SVG that takes its colours from the page: one drawing for light, dark and print.

matplotlib, because axes, ticks and curves are what it is for; only its object interface is used, so nothing is shared
between figures and nothing stays open. It is given stand-ins for colours, which become CSS variables afterwards.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from markupsafe import Markup, escape

from unmask.errors import MissingExtraError
from unmask.metrics import Floats
from unmask.wording import visible, visible_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_TOGETHER: Final = 8
"""So many lines can be told apart in one figure; more get a figure each, with the others in grey."""

INK: Final = "#010100"
MUTED: Final = "#010101"
RULE: Final = "#010102"
PAPER: Final = "#010103"
REAL: Final = "#010104"
FAKE: Final = "#010105"
_SERIES: Final = tuple(f"#0102{index:02x}" for index in range(MOST_TOGETHER))
_DASHES: Final = ("solid", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
_VARIABLES: Final = {
    **{INK: "ink", MUTED: "muted", RULE: "rule", PAPER: "paper", REAL: "real", FAKE: "fake"},
    **{colour: f"series-{index + 1}" for index, colour in enumerate(_SERIES)},
}
WIDE: Final = (3.7, 2.7)
SQUARE: Final = (3.7, 3.7)
_SETTINGS: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",  # text stays text: it can be read out, searched, and has the font of the page
    "font.size": 10.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.labelsize": 10.0,
    "axes.titlesize": 10.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "lines.linewidth": 1.8,
}


def colour(number: int) -> str:
    """The stand-in for the colour of the line of this number, from 1."""
    return _SERIES[(number - 1) % MOST_TOGETHER]


def variable(number: int) -> str:
    """The CSS variable with the colour of the line of this number, from 1."""
    return f"--series-{(number - 1) % MOST_TOGETHER + 1}"


def dashes(number: int) -> Any:
    """How the line of this number is broken, so that it is told apart without colour too."""
    return _DASHES[(number - 1) % len(_DASHES)]


def dash_pattern(number: int) -> str:
    """The same for a key beside the figures, as SVG's stroke-dasharray; "none" for an unbroken line."""
    found = dashes(number)
    return "none" if found == "solid" else " ".join(f"{3 * part:g}" for part in found[1])


class Panel:
    """One figure with one pair of axes.

    Args:
        title: What the page writes above it; also its name for those who hear the page.
        x: What the horizontal axis shows.
        y: What the vertical axis shows.
        inches: Width and height; a page shows it as wide as there is room.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """

    def __init__(self, title: str, x: str = "", y: str = "", inches: tuple[float, float] = WIDE) -> None:
        try:
            from matplotlib import rc_context
            from matplotlib.figure import Figure
        except ImportError as error:
            raise MissingExtraError("drawing a comparison", "train") from error
        self.title = visible(title)
        self._ends: list[tuple[float, float, str, str]] = []
        with rc_context(_SETTINGS):
            self.figure: Figure = Figure(figsize=inches, layout="constrained")
            self.axes: Axes = self.figure.add_subplot()
            self.axes.set_xlabel(x)
            self.axes.set_ylabel(y)

    def line(self, x: Floats, y: Floats, number: int, *, muted: bool = False, **options: Any) -> None:
        """A curve in the colour and dashes of its number, or in grey behind all others."""
        if muted:
            self.axes.plot(x, y, color=MUTED, alpha=0.3, linewidth=1.0, zorder=1.5, **options)
        else:
            given = {"color": colour(number), "linestyle": dashes(number), "zorder": 3, "solid_joinstyle": "round"}
            self.axes.plot(x, y, **(given | options))

    def band(self, x: Floats, low: Floats, high: Floats, number: int) -> None:
        """The interval around a curve."""
        self.axes.fill_between(x, low, high, color=colour(number), alpha=0.16, linewidth=0, zorder=2)

    def dots(self, xy: Floats, shade: str, *, crossed: bool = False) -> None:
        """Points as one path, which keeps a page of thousands small: round dots, or small crosses."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        # The axes must know their range first, for the arms of a cross are measured in it.
        reach = np.array([np.ptp(self.axes.get_xlim()), np.ptp(self.axes.get_ylim())]) * 0.008
        arms = ((-1, -1), (1, 1), (-1, 1), (1, -1)) if crossed else ((0, 0), (0, 0))
        points = np.stack([xy + reach * arm for arm in arms], axis=1).reshape(-1, 2)
        path = Path(points, np.tile([Path.MOVETO, Path.LINETO], len(points) // 2))
        path.should_simplify = False  # a path of length zero is a dot, not nothing
        width = 1.3 if crossed else 4.2
        self.axes.add_patch(
            PathPatch(path, fill=False, edgecolor=shade, linewidth=width, capstyle="round", alpha=0.8, zorder=3)
        )

    def whole_numbers(self) -> None:
        """No fractions on the horizontal axis."""
        from matplotlib.ticker import MaxNLocator

        self.axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    def text(self, x: float, y: float, text: str, **options: Any) -> None:
        """Words at a place in units of the axes, 0 to 1, unless `transform` says otherwise."""
        given: dict[str, Any] = {"color": INK, "transform": self.axes.transAxes}
        self.axes.text(x, y, _plain(text), **(given | options))

    def label(self, x: float, y: float, text: str, number: int) -> None:
        """A curve's name on the curve itself."""
        box = {"boxstyle": "round,pad=0.18", "facecolor": PAPER, "edgecolor": colour(number), "linewidth": 1.0}
        self.axes.text(
            x, y, _plain(text), color=INK, fontsize=8.5, ha="center", va="center", bbox=box, zorder=5, clip_on=False
        )

    def label_end(self, x: Floats, y: Floats, text: str, number: int) -> None:
        """A curve's name right of its last point; names of curves that end together are moved apart."""
        self._ends.append((float(x[-1]), float(y[-1]), text, colour(number)))

    def markup(self, description: str) -> Markup:
        """The figure as an SVG element.

        Args:
            description: The same in words, for those who cannot see it.
        """
        from matplotlib import rc_context

        with rc_context({**_SETTINGS, "svg.hashsalt": self.title}):
            self._put_ends()
            file = io.StringIO()
            nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            self.figure.savefig(file, format="svg", metadata=nothing)
        return _inline(file.getvalue(), f"{self.title}. {visible(description)}")

    def _put_ends(self) -> None:
        low, high = self.axes.get_ylim()
        if not self._ends or high <= low:
            return
        gap = 0.085 * (high - low)
        placed = spread([y for _, y, _, _ in self._ends], gap, low, high)
        right = max(x for x, _, _, _ in self._ends)
        for (_, y, text, shade), at in zip(self._ends, placed, strict=True):
            self.axes.annotate(
                _plain(text),
                (right, y),
                xytext=(1.03, (at - low) / (high - low)),
                textcoords="axes fraction",
                color=INK,
                fontsize=8.5,
                va="center",
                annotation_clip=False,
                bbox={"boxstyle": "round,pad=0.15", "facecolor": PAPER, "edgecolor": shade, "linewidth": 1.0},
            )


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near to those wanted as a gap between neighbours allows, in the order of the wanted ones."""
    order = np.argsort(np.asarray(wanted, float), kind="stable")
    places = np.asarray(wanted, float)[order]
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + gap)
    places -= max(0.0, float(places[-1]) - high)
    for index in range(len(places) - 2, -1, -1):
        places[index] = min(places[index], places[index + 1] - gap)
    places += max(0.0, low - float(places[0]))
    found = np.empty_like(places)
    found[order] = places
    return [float(place) for place in found]


def _plain(text: str) -> str:
    """Text without invisible characters but for its lines; a pair of dollar signs in a name is no formula."""
    return visible_lines(text).replace("$", r"\$")


def _inline(svg: str, description: str) -> Markup:
    """What a page may hold: no document type, no size of its own, no fonts, no names that two figures could share."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*</defs>", "", svg)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"font(-family)?: [^;\"]*'[^;\"]*(; )?", _no_family, svg)
    svg = re.sub(r' (?:d|x|y|transform)="[^"]*"', lambda found: re.sub(r"(\.\d\d)\d+", r"\1", found[0]), svg)
    for stand_in, name in _VARIABLES.items():
        svg = svg.replace(stand_in, f"var(--{name})")
    view = re.search(r'viewBox="[^"]*"', svg)
    opening = f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" {view.group() if view else ""} role="img" '
    opening += f'aria-label="{escape(description)}">'
    return Markup(re.sub(r"^<svg.*?>", lambda _: opening, svg, count=1, flags=re.DOTALL))


def _no_family(match: re.Match[str]) -> str:
    """What a font declaration says besides the family."""
    if match[1]:
        return ""
    size = re.search(r"[\d.]+px", match[0])
    weight = "font-weight: bold; " if re.search(r"bold|[67]00", match[0]) else ""
    return f"{weight}font-size: {size.group() if size else '10px'}{match[2] or ''}"
