"""The verbs that make detectors: experiment, train, export, join and join-clip. `cli` adds them to the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unmask.cli_options import (
    Least,
    Manifest,
    Prepared,
    RecipeName,
    Seed,
    Weigh,
    Weights,
    Workers,
    extra,
    of_members,
    recipe_and_weights,
)
from unmask.errors import UsageError
from unmask.progress import bar
from unmask.wording import visible, visible_lines


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (experiment, train, export, join):
        app.command()(verb)
    app.command("join-clip")(join_clip)


def experiment(
    recipe: RecipeName,
    manifest: Manifest,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run; a begun one is gone on with.")],
    prepared: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the cuts lie or shall lie; RUN/prepared by default.")
    ] = None,
    sources: Annotated[
        list[str] | None, typer.Option("--source", help="Only files of this source; repeat for more.")
    ] = None,
    split: Annotated[str, typer.Option(help="What to measure on.")] = "test",
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    pictures: Annotated[int | None, typer.Option(min=2, help="Pictures per epoch instead of the recipe's.")] = None,
    seed: Seed = None,
    weights: Weights = None,
    workers: Workers = 1,
) -> None:
    """Run one experiment whole: prepare, train, export, evaluate. Interrupted, the same command goes on."""
    with extra("an experiment"):
        from unmask import baseline, evaluate
        from unmask.train import experiment as work
        from unmask.train.recipes import find

        if baseline.is_metadata(find(recipe)):
            if any((prepared, epochs, pictures, seed, weights)):
                raise UsageError("a recipe without a network has no cuts, epochs, pictures, seed or weights to set")
            with bar("reading") as move:
                table = work.listed(manifest, run, sources or (), progress=move)
                outcome = baseline.run(baseline.MetadataRecipe.read(find(recipe)), table, run, move)
            print(visible_lines(outcome.to_text()))
            return
        chosen, folder = recipe_and_weights(recipe, weights, seed)
        with bar("preparing") as move:
            done = work.experiment(
                chosen.shortened(epochs, pictures),
                manifest,
                run,
                prepared=prepared,
                sources=sources or (),
                split=split,
                weights=folder,
                workers=workers,
                progress=move.named,
            )
    print(visible_lines((done / evaluate.FIGURES).read_text(encoding="utf-8")))


def train(
    recipe: RecipeName,
    prepared: Prepared,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run; a begun one is gone on with.")],
    weights: Weights = None,
    seed: Seed = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(metavar="SOURCE", help="Not to learn from; method:NAME is a generator.")
    ] = None,
    workers: Workers = 1,
    devices: Annotated[int, typer.Option(min=1, help="Processors that learn together, each from a part.")] = 1,
) -> None:
    """Train a recipe. Interrupted, the same command goes on from the last whole epoch."""
    with extra("training a detector"):
        from unmask.train import loop

        chosen, folder = recipe_and_weights(recipe, weights, seed)
        if leave_out:
            chosen = chosen.model_copy(update={"data": chosen.data.model_copy(update={"leave_out": tuple(leave_out)})})
        with bar("training") as move:
            done = loop.train(
                chosen, prepared, run, weights=folder, workers=workers, devices=devices, progress=move.named
            )
    if not done.tells:
        return
    figures = ", ".join(f"{name} {value:.3f}" for name, value in done.last.items() if name.startswith("auc"))
    print(visible(f"{done.folder}: {done.last['epoch']:.0f} epochs; on val crops: {figures}"))


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that unmask train filled.")],
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Where to put graph, card and golden file.")],
    manifest: Annotated[
        Path, typer.Option(help="The original files: its val split sets the calibration and the thresholds.")
    ],
    also: Annotated[
        list[Path] | None, typer.Option(metavar="MANIFEST", help="The val split of this one too; repeatable.")
    ] = None,
    head: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RUN",
            help="Another run on the same frozen networks: its bundle comes beside and reads this graph; repeatable.",
        ),
    ] = None,
) -> None:
    """Turn a run into a bundle that scans: export, compare with the trained network, calibrate on val."""
    with extra("exporting a detector"):
        from unmask import release
        from unmask.train import export as exporter
        from unmask.train import run as runs

        trained = [run, *(head or ())]
        for one, written in zip(trained, exporter.export_together(trained, bundle), strict=True):
            folder, left_out = written.folder, runs.read_recipe(one).data.leave_out
            with bar("scanning val") as move:
                made = release.calibrate_bundle(folder, manifest, also=also or (), leave_out=left_out, progress=move)
            print(visible(f"{folder}: {made.card.thresholds.chosen}"))


def join(
    folders: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="Bundles side by side in one folder.")],
    manifest: Annotated[Path, typer.Option(help="The original files: their val split calibrates.")],
    weigh: Weigh = None,
    least: Least = None,
) -> None:
    """Let bundles decide together: calibrate each and all on val, and write ensemble.json beside them."""
    from unmask import release

    with bar("scanning val") as move:
        made = release.join(folders, manifest, weigh=of_members(weigh), least=of_members(least), progress=move)
    print(visible(f"{made.name}: {made.thresholds.chosen}"))
    print(visible(f"{made.name}: {made.weighing}"))


def join_clip(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Holds the bundles of persons and of voices.")],
    videos: Annotated[
        list[Path], typer.Option(metavar="SCORES", help="Of unmask evaluate, val split of videos; repeatable.")
    ],
    voices: Annotated[Path, typer.Option(metavar="SCORES", help="Likewise, of recordings.")],
    lips: Annotated[Path, typer.Option(metavar="TABLE", help="lipsync.csv of unmask witnesses.")],
) -> None:
    """Learn how the persons of a video and its voice decide together, and write clip.json beside their bundles."""
    import shlex

    from unmask import bundles, clip_rule
    from unmask import join_clip as work

    there = bundles.inside(folder)
    found = [next((one for one in there if one.card.modality == kind), None) for kind in ("video", "audio")]
    if found[0] is None or found[1] is None:
        raise UsageError(f"{folder} needs a bundle that judges videos and one that judges voices")
    options = [*((f"--videos {shlex.quote(one.parent.name)}/{one.name}") for one in videos)]
    command = " ".join(["unmask join-clip", folder.name, *options, "--voices SCORES --lips lipsync.csv"])
    rule = work.learn(videos, voices, lips, (found[0], found[1]), command)
    rule.write(folder)
    print(visible(f"{folder / clip_rule.FILE}: {rule.name}, {rule.chosen}"))
    print(visible(f"{rule.name}: {rule.thresholds.chosen}"))
    for figure in rule.metrics:
        print(visible(f"{figure.name}: {figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"))
