"""A comparison as one page to open, keep, print and send: self-contained, no script, no outside address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unmask.compare import Comparison, Progress
from unmask.comparison import curves, maps, plots
from unmask.comparison.clusters import Map
from unmask.comparison.drawing import dash_pattern, variable
from unmask.comparison.lines import Line
from unmask.comparison.measuring import CLUSTERED, POOLED, SHOWN
from unmask.comparison.plots import Plot
from unmask.comparison.table import Table
from unmask.comparison.table import to_markdown as to_table
from unmask.metrics import RESAMPLES
from unmask.wording import visible

_CALLS: Final = tuple(name for name in SHOWN.values() if name.startswith(("accuracy", "balanced", "prec", "rec", "F1")))
_RANKS: Final = tuple(name for name in (*SHOWN.values(), *CLUSTERED.values()) if name not in _CALLS)


@dataclass(frozen=True)
class Part:
    """Plots that belong together, with what to know about them."""

    name: str
    title: str
    note: str
    plots: Sequence[Plot]
    keyed: bool = False


def render(found: Comparison, *, written: datetime | None = None, progress: Progress | None = None) -> str:
    """The page.

    Args:
        found: What `compare` found.
        written: The time to put on the page; now when None.
        progress: Called with what is going on, parts drawn and parts in all.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    pooled = [one for one in found.measured if one.on == POOLED]
    planned: list[tuple[str, str, str, Callable[[], Sequence[Plot]], bool]] = [
        ("ranking", "Ranking", _RANKING, lambda: plots.ranking(pooled), True),
        ("calls", "Calls at one half", _CALLED, lambda: plots.confusion(pooled), False),
        ("scores", "Scores", _SCORED, lambda: plots.scores(pooled), False),
        ("reliability", "Calibration", _CALIBRATED, lambda: plots.reliability(pooled), False),
        ("training", "Training", _TRAINED, lambda: curves.training(found.lines), True),
        ("robustness", "Robustness", _ROBUST, lambda: curves.robustness(found.lines), True),
        ("attacks", "Attacks", _ATTACKED, lambda: curves.attacks(found.lines), True),
    ]
    parts = []
    for name, title, note, draw, keyed in planned:
        parts.append(Part(name, title, note, draw(), keyed))
        if progress:
            progress("drawing", len(parts), len(planned))
    return (
        _environment()
        .get_template("compare.html.j2")
        .render(
            found=found,
            tables=_tables(found),
            parts=[part for part in parts if part.plots],
            absent=[part.title.lower() for part in parts if not part.plots],
            maps=_mapped(found),
            resamples=RESAMPLES,
            written=written or datetime.now(UTC),
            version=version("unmask"),
        )
    )


def to_markdown(found: Comparison) -> str:
    """What was published against ours, then the whole table, then what they stand on, as Markdown."""
    lines = [
        "## Published against ours\n",
        to_table(found.published),
        "## All figures\n",
        "Means over seeds; in parentheses the 95 % bootstrap interval over the files, then each seed.\n",
        to_table(found.table),
        "## What they stand on\n",
    ]
    for one in found.sets:
        data = f"; data sha256 {', '.join(one.data_sha256)}" if one.data_sha256 else ""
        counted = f"{one.reals:,} real and {one.fakes:,} fake files, split {one.split}"
        lines.append(f"- Items {one.letter}: {counted}; names and labels sha256 {one.sha256}{data}.")
    lines += [f"- {visible(note)}." for note in found.notes]
    return "\n".join([*lines, f"- Made again with `{visible(found.command)}`."]) + "\n"


_RANKING: Final = (
    "How fakes rank above real photos. The band is the 95 % interval over the files. Where a recipe was trained with "
    "several seeds, the curve is their mean."
)
_CALLED: Final = (
    "At or above a calibrated probability of one half is called fake. Means over seeds, with 95 % intervals."
)
_SCORED: Final = "Where the scores of each class lie. Two humps that do not overlap are what one hopes for."
_CALIBRATED: Final = (
    "On the dotted line, a claimed probability is the share of fakes found there. Bars are 95 % Wilson intervals, with "
    "one trace for each seed."
)
_TRAINED: Final = "By epoch. Thin lines are single seeds. The AUC is of cuts of the val split; test is never looked at."
_ROBUST: Final = "AUC after what happens to pictures on their way, from the original to the strongest change."
_ATTACKED: Final = "Accuracy when pixels are changed on purpose, with the network known, by at most so much."


def _tables(found: Comparison) -> list[tuple[str, Table]]:
    """The one table, cut in three so that it can be read and printed."""
    every = found.table
    several = len(found.sets) > 1
    first = ("#", "recipe", "items", "on") if several else ("#", "recipe", "on")
    rest = [name for name in every.columns if name not in (*_CALLS, *_RANKS)]
    cut = [("What is called at one half", (*first, *_CALLS)), ("Ranking and probabilities", (*first, *_RANKS))]
    parts = [(title, every.without(*(name for name in every.columns if name not in kept))) for title, kept in cut]
    return [*parts, ("Networks, files and cost", every.without(*(n for n in every.columns if n not in rest)))]


def _mapped(found: Comparison) -> list[tuple[Line, Map, list[Plot]]]:
    """Lines with an embedding; of several seeds the first is drawn."""
    first = [(line, found.maps[line.number][0]) for line in found.lines if line.number in found.maps]
    return [(line, drawn, maps.plots(drawn)) for line, drawn in first]


def _shown(text: object) -> object:
    """Names may hold anything; what cannot be seen is written out."""
    return visible(text) if isinstance(text, str) and not isinstance(text, Markup) else text


def _interval(value: tuple[float, float, float]) -> str:
    return f"{value[0]:z.3f} ({value[1]:z.3f} to {value[2]:z.3f})"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("unmask"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["interval"] = _interval
    environment.globals.update(variable=variable, dash_pattern=dash_pattern)
    return environment
