"""The verb that tells what each part of a recipe is worth. `cli` adds it to the command."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from unmask.cli_options import Weights, Workers, extra, pairs
from unmask.progress import bar
from unmask.wording import visible_lines


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(ablation)


def ablation(
    learn: Annotated[
        list[str], typer.Argument(metavar="RECIPE=PREPARED...", help="What to train on what; the first is the base.")
    ],
    sources: Annotated[
        list[str], typer.Option("--leave-out", metavar="SOURCE", help="Repeat for each; method:NAME is a generator.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where to put trainings, scores and table; finished ones are kept.")
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:OPTION=VALUE,...",
            help='The base with other options, as in "no decay:train.weight_decay=0"; text in quotes. Repeatable.',
        ),
    ] = None,
    variations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="More of them: a TOML file with a table of options for each.")
    ] = None,
    everywhere: Annotated[
        list[str] | None, typer.Option("--set", metavar="OPTION=VALUE,...", help="Other options for all. Repeatable.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many times each learns; three for a claim.")] = 3,
    jobs: Annotated[int, typer.Option(min=1, help="Networks that learn at a time, sharing the cores.")] = 1,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep every network too, as a run that can be exported.")
    ] = False,
    weights: Weights = None,
    workers: Workers = 1,
) -> None:
    """Choose on val: train variants without each source in turn, and tell what each gains over the first.

    Interrupted, the same command goes on. The test split is never read: unmask unseen makes the claim.
    """
    with extra("an ablation"):
        from unmask import ablation_page
        from unmask.train import ablation as protocol
        from unmask.train import variations as changing
        from unmask.train.ablation import Variant

        given, folder = pairs(learn, weights, None)
        common = [changing.changes(text) for text in everywhere or []]
        chosen = []
        for recipe, prepared in given:
            for changes in common:
                recipe = changing.varied(recipe, changes)
            chosen.append(Variant(recipe.name, recipe, prepared))
        base = chosen[0]
        named = [changing.typed(text) for text in vary or []]
        named += changing.read(variations).items() if variations else []
        chosen += [Variant(name, changing.varied(base.recipe, wanted, name), base.prepared) for name, wanted in named]
        words = ["unmask", "ablation", *learn, *(word for one in sources for word in ("--leave-out", one))]
        words += ["--out", str(out), "--seeds", str(seeds)]
        words += [word for one in vary or [] for word in ("--vary", one)]
        words += ["--variations", str(variations)] if variations else []
        words += [word for one in everywhere or [] for word in ("--set", one)]
        words += ["--weights", weights] if weights else []
        with bar("training") as move:
            found = protocol.ablate(
                chosen,
                sources,
                out,
                seeds=seeds,
                weights=folder,
                jobs=jobs,
                workers=workers,
                keep=keep,
                command=shlex.join(words),
                progress=move.named,
            )
    print(visible_lines(ablation_page.to_markdown(found)))
