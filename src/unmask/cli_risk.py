"""The verbs that look closer at scores: risk and mistakes. `cli` adds them to the command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from unmask.cli_options import Manifest, extra
from unmask.errors import UsageError
from unmask.progress import bar
from unmask.wording import visible, visible_lines

Scores = Annotated[
    Path, typer.Argument(metavar="SCORES", help="A table that unmask evaluate wrote: evaluation/scores.csv.")
]
Split = Annotated[str, typer.Option(help="Whose rows to look at.")]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (risk, mistakes):
        app.command()(verb)


def risk(
    scores: Scores,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to put risk.md, risk.csv and the plots.")] = Path(
        "risk"
    ),
    split: Split = "test",
    most: Annotated[
        float | None,
        typer.Option("--most", min=0, max=1, help="Also choose thresholds that keep the share of errors below this."),
    ] = None,
) -> None:
    """Measure how many errors are left where the least sure verdicts are withheld: a table and plots, from scores."""
    with extra("drawing risk"):
        from unmask.comparison import risk_page

        text = risk_page.write(scores, out, split=split, most=most)
    print(visible_lines(text))


def mistakes(
    scores: Scores,
    manifest: Manifest,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The list; what people wrote into it before is kept.")
    ] = Path("mistakes.md"),
    split: Split = "test",
    models: Annotated[
        list[str] | None, typer.Option("--model", metavar="NAME_OR_FOLDER", help="Whose findings to describe.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many of each kind.")] = 20,
) -> None:
    """Describe the worst mistakes in words: the reals most taken for fakes, the fakes most taken for reals."""
    if out.is_dir() or not out.parent.is_dir():
        raise UsageError(f"--out {out}: no file can be written there")
    from unmask import mistakes as work

    with bar("looking again") as move:
        found = work.write(scores, manifest, out, split=split, models=models or (), count=count, progress=move)
    print(visible(f"{out}: {found.reals} real photos and {found.fakes} fakes described"))
    if found.kept:
        print(visible(f"{found.kept} descriptions by people were kept"), file=sys.stderr)
