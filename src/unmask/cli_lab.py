"""The verbs of the laboratory, from audit to unseen. `cli` adds them to the command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from unmask.errors import MissingExtraError, UsageError
from unmask.progress import bar
from unmask.wording import visible, visible_lines

if TYPE_CHECKING:
    from unmask.train.recipes import Recipe

FRACTIONS: Final = {"train": 0.8, "val": 0.1, "test": 0.1}
ORIGINALS: Final = "originals.csv"
FAILED: Final = 1

Manifest = Annotated[Path, typer.Argument(metavar="MANIFEST", help="A table of labelled files, with splits.")]
Prepared = Annotated[Path, typer.Argument(metavar="PREPARED", help="A folder that unmask prepare filled.")]
RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A TOML file, or the name of one that ships.")]
Weights = Annotated[
    str | None,
    typer.Option(metavar="FOLDER", help='Where the initial weights lie, or "hub" for the download of timm.'),
]
Record = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Also write the figures into the card of this bundle or ensemble.")
]
Workers = Annotated[
    int, typer.Option(min=0, help="Processes that make pictures while the network learns; 0 makes them in this one.")
]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (audit, prepare, train, export, join, evaluate, unseen):
        app.command()(verb)


def audit(
    manifest: Manifest,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Ask whether labelled data would teach a shortcut: size, bytes, quantisation, metadata, duplicates, leaks.

    Exits with 1 if something failed.
    """
    import json

    with _extra("auditing data"):
        from unmask.audit import audit as run

        with bar("reading") as move:
            found = run(manifest, progress=move)
    print(json.dumps(found.to_dict(), indent=2) if as_json else visible_lines(found.to_text()))
    if not found.passed:
        raise typer.Exit(FAILED)


def prepare(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A manifest, or a folder with real/ and fake/ in it.")],
    out: Annotated[Path, typer.Argument(metavar="PREPARED", help="Where to put the cuts.")],
    recipe: Annotated[str, typer.Option(metavar="RECIPE", help="Whose cut to make.")] = "face",
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
) -> None:
    """Cut faces or patches from labelled files, with the code that scans, alike for real and fake.

    A folder is given splits first (80 % train, 10 % val, 10 % test, relatives together); see originals.csv in PREPARED.
    """
    with _extra("preparing data"):
        from unmask import prepare as work
        from unmask.train.recipes import Recipe, find

        wanted = Recipe.read(find(recipe))
        table = _with_splits(data, out) if data.is_dir() else data
        with bar("cutting") as move:
            made = work.prepare(table, out, wanted.cut, reencode=wanted.data.reencode, jobs=jobs, progress=move)
    for reason, count in made.left_out.items():
        print(f"left out {count}: {reason}", file=sys.stderr)
    print(visible(f"{made.items} items: {made.manifest}"))


def train(
    recipe: RecipeName,
    prepared: Prepared,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run; a begun one is gone on with.")],
    weights: Weights = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's.")] = None,
    leave_out: Annotated[list[str] | None, typer.Option(metavar="SOURCE", help="A source not to learn from.")] = None,
    workers: Workers = 1,
) -> None:
    """Train a recipe. Interrupted, the same command goes on from the last whole epoch."""
    with _extra("training a detector"):
        from unmask.train import loop

        chosen, folder = _recipe(recipe, weights)
        if seed is not None:
            chosen = chosen.model_copy(update={"seed": seed})
        if leave_out:
            chosen = chosen.model_copy(update={"data": chosen.data.model_copy(update={"leave_out": tuple(leave_out)})})
        with bar("training") as move:
            done = loop.train(chosen, prepared, run, weights=folder, workers=workers, progress=move.named)
    figures = ", ".join(f"{name} {value:.3f}" for name, value in done.last.items() if name.startswith("auc"))
    print(visible(f"{done.folder}: {done.last['epoch']} epochs; on val crops: {figures}"))


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that unmask train filled.")],
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Where to put graph, card and golden file.")],
    manifest: Annotated[
        Path, typer.Option(help="The original files: its val split sets the calibration and the thresholds.")
    ],
) -> None:
    """Turn a run into a bundle that scans: export, compare with the trained network, calibrate on val."""
    with _extra("exporting a detector"):
        from unmask import release
        from unmask.train import export as exporter
        from unmask.train import loop

        exporter.export(run, bundle)
        left_out = loop.load(run)[0].data.leave_out
        with bar("scanning val") as move:
            made = release.calibrate_bundle(bundle, manifest, leave_out=left_out, progress=move)
    print(visible(f"{bundle}: {made.card.thresholds.chosen}"))


def evaluate(
    manifest: Manifest,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to put scores.csv and figures.md.")] = Path(
        "evaluation"
    ),
    models: Annotated[
        list[str] | None, typer.Option("--model", metavar="NAME_OR_FOLDER", help="All shipped ones by default.")
    ] = None,
    splits: Annotated[list[str] | None, typer.Option("--split", help="test by default; repeat for more.")] = None,
    perturb: Annotated[
        list[str] | None, typer.Option(help="jpeg-q50, half-size, blur-sigma-1 or side-256-q75; repeatable.")
    ] = None,
    record: Record = None,
) -> None:
    """Scan the files of a manifest and measure: what users get, with 95 % intervals."""
    with _extra("measuring"):
        from unmask import evaluate as measure
        from unmask import release

        if record:
            release.recordable(record)  # a typo must not show after all the work
        with bar("scanning") as move:
            found = measure.evaluate(
                manifest,
                models=models or (),
                splits=tuple(splits or ("test",)),
                out=out,
                perturbations=tuple(perturb or ()),
                progress=move,
            )
        if record:
            release.record(record, found.figures)
    print(visible_lines((out / measure.FIGURES).read_text(encoding="utf-8")))
    for row in found.unjudged:
        print(visible(f"not judged: {row.path}: {row.message}"), file=sys.stderr)


def join(
    folders: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="Bundles side by side in one folder.")],
    manifest: Annotated[Path, typer.Option(help="The original files: their val split calibrates.")],
) -> None:
    """Let bundles decide together: calibrate each and all on val, and write ensemble.json beside them."""
    from unmask import release

    with bar("scanning val") as move:
        made = release.join(folders, manifest, progress=move)
    print(visible(f"{made.name}: {made.thresholds.chosen}"))


def unseen(
    manifest: Manifest,
    learn: Annotated[
        list[str], typer.Argument(metavar="RECIPE=PREPARED...", help="What to train on what; several decide together.")
    ],
    sources: Annotated[list[str], typer.Option("--leave-out", metavar="SOURCE", help="Repeat for each source.")],
    runs: Annotated[Path, typer.Option(metavar="FOLDER", help="One run for each source and recipe.")] = Path("runs"),
    split: Annotated[str, typer.Option(help="val while choosing, test for a claim.")] = "test",
    perturb: Annotated[str | None, typer.Option(help="Rank perturbed copies, as in evaluate, not the files.")] = None,
    epochs: Annotated[
        list[str] | None, typer.Option(metavar="RECIPE=N", help="Instead of the recipe's own; repeatable.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipes'.")] = None,
    weights: Weights = None,
    workers: Workers = 1,
    record: Record = None,
) -> None:
    """Measure on generators never seen: train without each source in turn, rank its fakes against all real photos."""
    with _extra("training a detector"):
        from unmask import figures, release
        from unmask.train import unseen as protocol

        pairs, folder = _pairs(learn, weights, seed)
        fewer = _epochs(epochs or [], [recipe.name for recipe, _ in pairs])
        if record:
            release.recordable(record)  # a typo must not show after hours of training
        with bar("training") as move:
            found = protocol.unseen(
                pairs,
                manifest,
                runs,
                sources,
                split=split,
                perturbation=perturb,
                epochs=fewer,
                weights=folder,
                workers=workers,
                progress=move.named,
            )
        if record:
            release.record(record, found)
    print(figures.to_markdown(found))


def _pairs(learn: list[str], weights: str | None, seed: int | None) -> tuple[list[tuple[Recipe, Path]], Path | None]:
    """Recipes with their prepared folders, and the folder of the initial weights."""
    pairs = []
    folder = None
    for pair in learn:
        name, sign, prepared = pair.partition("=")
        if not sign:
            raise UsageError(f'"{pair}" names no data: write RECIPE=PREPARED, such as face=prepared/face')
        recipe, folder = _recipe(name, weights)
        pairs.append((recipe if seed is None else recipe.model_copy(update={"seed": seed}), Path(prepared)))
    return pairs, folder


def _epochs(given: list[str], names: list[str]) -> dict[str, int]:
    """Epochs by recipe, from words such as "face=2"."""
    found = {}
    for word in given:
        name, _, count = word.partition("=")
        if name not in names or not count.isdecimal() or int(count) < 1:
            raise UsageError(f'"{word}" is not RECIPE=N with one of {", ".join(names)} and a number of epochs')
        found[name] = int(count)
    return found


def _recipe(name: str, weights: str | None) -> tuple[Recipe, Path | None]:
    """The recipe, and the folder of its initial weights; "hub" takes timm's own, with timm's own normalisation."""
    from unmask.train.recipes import Recipe, find

    recipe = Recipe.read(find(name))
    if weights != "hub":
        return recipe, Path(weights) if weights else None
    return recipe.model_copy(update={"model": recipe.model.initialised("hub")}), None


def _with_splits(folder: Path, out: Path) -> Path:
    """The manifest of a plain folder. A picture keeps the split it once got; new ones join their relatives."""
    from unmask import manifest, splits
    from unmask.datasets import folder as plain

    table = out / ORIGINALS
    items = list(plain.items(folder.resolve()))
    known = {item.path.resolve(): item.split for item in manifest.read(table)} if table.is_file() else {}
    if {item.path.resolve() for item in items} != known.keys():
        items = [replace(item, split=known.get(item.path.resolve(), item.split)) for item in items]
        with bar("looking for relatives") as move:
            assigned = splits.assign(items, FRACTIONS, progress=move)
        out.mkdir(parents=True, exist_ok=True)
        manifest.write(table, assigned)
    return table


@contextmanager
def _extra(task: str) -> Iterator[None]:
    """A missing part of the extra becomes one sentence with the install line."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "unmask":
            raise
        raise MissingExtraError(task, "train") from error
