"""The table of an ablation: a line for each variant, with what it gains over the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unmask import left_out
from unmask.left_out import NOTHING, Area, Areas
from unmask.types import Value


class Line(Value):
    """One variant.

    Attributes:
        variant: Its name.
        recipe: The recipe, whole, before a source is left out and a seed is set.
        auc: Its figures, by the names of `left_out.columns`.
        worst_source: The source that it ranks worst when it learned without it.
        gains: The difference to the first variant, by the same names; empty for the first.
    """

    variant: str
    recipe: dict[str, Any]
    auc: dict[str, Area]
    worst_source: str
    gains: dict[str, Area]


class Ablation(Value):
    """All of it, as `ablation.json` holds it.

    Attributes:
        command: What to type to measure this again.
        split: What was ranked; never one that a claim is made on.
        seeds: Of the trainings, the same for every variant.
        reals: Real photos that every network ranked.
        fakes: Fakes by the source left out.
        dropped: Pictures that some variants could score and others could not; they count for none.
        lines: The first is the base.
    """

    command: str
    split: str
    seeds: tuple[int, ...]
    reals: int
    fakes: dict[str, int]
    dropped: int
    lines: tuple[Line, ...]


def ablation(
    found: Areas, recipes: Mapping[str, dict[str, Any]], command: str, *, split: str, seeds: Sequence[int]
) -> Ablation:
    """The table.

    Args:
        found: What was measured.
        recipes: By variant; the first is the base.
        command: What to type to measure this again.
        split: What was ranked.
        seeds: Of the trainings.
    """
    base = next(iter(recipes))
    lines = []
    for variant, recipe in recipes.items():
        auc = left_out.measured(found, variant)
        sources = [source for source in found.counts if source != NOTHING]
        lines.append(
            Line(
                variant=variant,
                recipe=recipe,
                auc=auc,
                worst_source=min(sources, key=lambda source: auc[f"without {source}"].value),
                gains={} if variant == base else left_out.difference(found, variant, base),
            )
        )
    return Ablation(
        command=command,
        split=split,
        seeds=tuple(seeds),
        reals=max(reals for reals, _ in found.counts.values()),
        fakes={source: fakes for source, (_, fakes) in found.counts.items() if source != NOTHING},
        dropped=found.dropped,
        lines=tuple(lines),
    )


def to_markdown(found: Ablation) -> str:
    """Two tables: the AUC of every variant, and what it gains over the first."""
    many = len(found.seeds) > 1
    fakes = ", ".join(f"{count:,} fakes of {source}" for source, count in found.fakes.items())
    words = [
        f"Each variant learned without each source in turn, and ranked its fakes in {found.split} against all "
        f"{found.reals:,} real photos there ({fakes}); within is {found.split} pooled, after learning from everything.",
        f"Mean of {len(found.seeds)} seeds, with the 95 % interval over pictures, and from the lowest seed to the "
        "highest."
        if many
        else "One seed, with the 95 % interval over pictures; what another seed would change is not known.",
    ]
    if found.dropped:
        words.append(f"{found.dropped:,} pictures that only some variants could score count for none.")
    if found.command:
        words.append(f"`{found.command}`")
    parts = ["\n".join(words), _table("AUC", found.lines, lambda line: line.auc, _shown)]
    if len(found.lines) > 1:
        title = f"gain over {found.lines[0].variant}"
        parts.append(_table(title, found.lines[1:], lambda line: line.gains, _gained))
    return "\n\n".join(parts) + "\n"


def _table(
    title: str, lines: Sequence[Line], of: Callable[[Line], dict[str, Area]], show: Callable[[Area], str]
) -> str:
    names = list(of(lines[0]))
    rows = [f"| {title} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for line in lines:
        cells = [show(of(line)[name]) for name in names]
        if "worst" in names and of(line) is line.auc:
            cells[names.index("worst")] += f", {line.worst_source}"
        rows.append(f"| {_cell(line.variant)} | {' | '.join(map(_cell, cells))} |")
    return "\n".join(rows)


def _shown(area: Area) -> str:
    seeds = f"; seeds {min(area.seeds):.3f} to {max(area.seeds):.3f}" if len(area.seeds) > 1 else ""
    return f"{area.value:.3f} ({area.low:.3f} to {area.high:.3f}{seeds})"


def _gained(area: Area) -> str:
    seeds = f"; seeds {min(area.seeds):+.3f} to {max(area.seeds):+.3f}" if len(area.seeds) > 1 else ""
    return f"{area.value:+.3f} ({area.low:+.3f} to {area.high:+.3f}{seeds})"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())  # a name must not end a cell
