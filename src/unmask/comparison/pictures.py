"""A panel as files of its own, outside of any page: SVG and PNG, in the colours of a page on light paper."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from unmask.comparison.drawing import FAKE, INK, MOST_TOGETHER, MUTED, PAPER, REAL, RULE, Panel, colour

_SERIES: Final = ("#0067a3", "#c14a00", "#00785a", "#a8327f", "#7d6200", "#2f8fd0", "#5b4bb7", "#60646b")
LIGHT: Final = MappingProxyType(
    {
        **{INK: "#1c2026", MUTED: "#555e69", RULE: "#d9dde3", PAPER: "#ffffff", REAL: "#00669e", FAKE: "#a84300"},
        **{colour(number + 1): _SERIES[number] for number in range(MOST_TOGETHER)},
    }
)
"""What stands in for a colour to what it is on light paper, as in templates/report.css and compare.css."""

_DPI: Final = 160
_SETTERS: Final = ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor")


def save(panel: Panel, stem: Path) -> tuple[Path, Path]:
    """Write a panel as SVG and as PNG; its title goes above it, for no page writes it.

    Args:
        panel: Drawn; its colours are changed for good.
        stem: Where to; the suffixes are added.
    """
    from matplotlib import rc_context

    panel.axes.set_title(panel.title.replace("$", r"\$"), loc="left", color=INK, fontsize=10.5)
    for artist in panel.figure.findobj():
        _recolour(artist)
    panel.figure.patch.set_facecolor(LIGHT[PAPER])
    paths = stem.with_name(f"{stem.name}.svg"), stem.with_name(f"{stem.name}.png")
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": panel.title}):  # text stays text, files stay the same
        panel.figure.savefig(paths[0], metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        panel.figure.savefig(paths[1], dpi=_DPI, metadata={"Software": None})
    return paths


def _recolour(artist: Any) -> None:
    """Give an artist the colours that its stand-ins stand for; their opacity stays."""
    from matplotlib.colors import to_hex, to_rgba, to_rgba_array

    for name in _SETTERS:
        get, put = getattr(artist, f"get_{name}", None), getattr(artist, f"set_{name}", None)
        if get is None or put is None:
            continue
        now = get()
        if isinstance(now, str) and now in ("auto", "none"):
            continue
        shades = to_rgba_array(now)
        wanted = [to_rgba(LIGHT.get(to_hex(shade[:3]), to_hex(shade[:3])), float(shade[3])) for shade in shades]
        if wanted:
            put(wanted[0] if len(wanted) == 1 else wanted)
