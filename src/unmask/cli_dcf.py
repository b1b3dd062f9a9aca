"""The verb dcf: what errors cost, as the ASVspoof challenges count them. `cli` adds it to the command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask.wording import visible

if TYPE_CHECKING:
    from unmask.dcf import Costs, Verifier


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(dcf)


def dcf(
    scores: Annotated[
        Path, typer.Argument(metavar="SCORES", help="A table that unmask evaluate wrote: evaluation/scores.csv.")
    ],
    asv: Annotated[
        Path | None,
        typer.Option(
            "--asv", metavar="FILE", help="Scores of a speaker verifier, as ASVspoof 2019 brings them: adds the t-DCF."
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Whose rows to look at.")] = "test",
    as_json: Annotated[bool, typer.Option("--json", help="Print the measures as JSON.")] = False,
) -> None:
    """Measure what errors on voices cost, as the ASVspoof challenges do: minimum and actual DCF, t-DCF, C_llr.

    A detection cost of 0 is perfect; at 1, always saying the same would cost no more. Intervals are of 95 %.
    """
    from unmask.dcf import Verifier, measure
    from unmask.scores import read_scores

    verifier = Verifier.read(asv) if asv else None
    found = measure(read_scores(scores), split, verifier)
    print(_json(found, verifier) if as_json else _text(found, verifier))


def _text(found: Costs, verifier: Verifier | None) -> str:
    lines = [f"On {found.on}: {found.reals:,} real, {found.fakes:,} fake."]
    if found.unscored:
        lines.append(f"Without a score, and not measured: {found.unscored:,}.")
    if verifier:
        lines.append(
            f"The verifier refuses {verifier.targets_refused:.1%} of the right persons, and accepts "
            f"{verifier.others_accepted:.1%} of others and {verifier.fakes_accepted:.1%} of fakes."
        )
    width = max(len(name) for name in found.measures)
    lines += [
        f"{name:<{width}}  {one.value:.4f}  ({one.low:.4f} to {one.high:.4f})" for name, one in found.measures.items()
    ]
    return "\n".join(visible(line) for line in lines)


def _json(found: Costs, verifier: Verifier | None) -> str:
    import json
    from dataclasses import asdict

    measures = {name: one._asdict() for name, one in found.measures.items()}
    content = {**asdict(found), "measures": measures, "verifier": asdict(verifier) if verifier else None}
    return json.dumps(content, indent=2)
