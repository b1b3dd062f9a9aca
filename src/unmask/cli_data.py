"""The verbs about data: audit, alike, frames, prepare, and what is known of data sets. `cli` adds them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from unmask.cli_options import Manifest, extra
from unmask.errors import UsageError
from unmask.progress import bar
from unmask.wording import visible, visible_lines

if TYPE_CHECKING:
    from unmask.journal import Written

FAILED: Final = 1

Jobs = Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")]
DatasetName = Annotated[str, typer.Argument(metavar="NAME", help="One that unmask datasets list names.")]

datasets_app = typer.Typer(
    help="Data sets that unmask knows: how to get them, how they are labelled, and their traps.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (audit, alike, frames, prepare):
        app.command()(verb)
    app.add_typer(datasets_app, name="datasets")


def audit(
    manifest: Manifest,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Ask whether labelled data would teach a shortcut: size, bytes, quantisation, metadata, duplicates, leaks.

    Exits with 1 if something failed.
    """
    import json

    with extra("auditing data"):
        from unmask.audit import audit as run

        with bar("reading") as move:
            found = run(manifest, progress=move)
    print(json.dumps(found.to_dict(), indent=2) if as_json else visible_lines(found.to_text()))
    if not found.passed:
        raise typer.Exit(FAILED)


def prepare(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A manifest, a folder with real/ and fake/ in it, or a data set.")
    ],
    out: Annotated[Path, typer.Argument(metavar="PREPARED", help="Where to put the cuts.")],
    recipe: Annotated[str, typer.Option(metavar="RECIPE", help="Whose cut to make.")] = "face",
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="DATA is this data set; unmask datasets list names them.")
    ] = None,
    also: Annotated[
        list[Path] | None, typer.Option(metavar="MANIFEST", help="Cut the items of this one too; repeatable.")
    ] = None,
    jobs: Jobs = None,
) -> None:
    """Cut faces or patches from labelled files, with the code that scans, alike for real and fake.

    Of videos the main person is cut, at moments over the whole clip, where the recipe's cut has frames.
    The files of a folder or a data set are listed in PREPARED/originals.csv. Those without a split get one (80 % train,
    10 % val, 10 % test, relatives together), and where only val or test is missing, it is cut from train.
    """
    with extra("preparing data"):
        from unmask import originals, plugins
        from unmask import prepare as work
        from unmask.train.recipes import Recipe, find

        wanted = Recipe.read(find(recipe))
        table = data
        if dataset is not None or data.is_dir():
            listed = plugins.load("datasets", dataset or "folder").items(data.resolve())
            with bar("looking for relatives") as move:
                of_videos = wanted.cut.frames is not None
                table = originals.write(listed, out, of_videos=of_videos, progress=move)
        with bar("cutting") as move:
            made = work.prepare(
                table, out, wanted.cut, also=also or (), reencode=wanted.data.reencode, jobs=jobs, progress=move
            )
    _tell(made)


def alike(
    manifest: Manifest,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where to put the copies and their manifest.")],
    treatment: Annotated[
        str, typer.Option(metavar="NAME", help="What is done to each; a perturbation that unmask evaluate knows.")
    ] = "side-256-q75",
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE",
            help="List this source's files as they are too, in OUT/kept.csv, for unmask prepare --also; repeatable. "
            "Refused where something about the files tells real from fake.",
        ),
    ] = None,
    jobs: Jobs = None,
) -> None:
    """Write every picture of a manifest once more in the same size and compression, so that neither tells the label.

    Interrupted, the same command goes on where it stopped.
    """
    from unmask import alike as work

    if keep:  # first, for it may refuse
        with extra("asking whether a source came alike"), bar("reading what is kept") as move:
            kept = work.keep(manifest, out, keep, progress=move)
    with bar("writing copies") as move:
        made = work.write(manifest, out, treatment=treatment, jobs=jobs, progress=move)
    if keep:
        _tell(kept)
    _tell(made)


def frames(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="A table with videos in it.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where to put the stills and their manifest.")],
    per_video: Annotated[
        int, typer.Option(min=1, metavar="N", help="Stills from each video, evenly spaced from first to last.")
    ] = 10,
    jobs: Jobs = None,
) -> None:
    """Take stills from the videos in a manifest, so that they can be prepared; pictures in it stay as they are.

    Interrupted, the same command goes on where it stopped.
    """
    from unmask import frames as work

    with bar("taking stills") as move:
        made = work.write(manifest, out, per_video=per_video, jobs=jobs, progress=move)
    _tell(made)


@datasets_app.command("list")
def list_datasets() -> None:
    """List the data sets."""
    from unmask import plugins

    for name in plugins.names("datasets"):
        about = plugins.load("datasets", name).ABOUT
        print(visible(f"{name:<14} {about.media:<8}  {about.name}"))


@datasets_app.command("show")
def show_dataset(name: DatasetName) -> None:
    """Print all that is known of a data set: licence, how to get it, what its labels mean, its traps."""
    from unmask import plugins

    about = plugins.load("datasets", name).ABOUT
    facts = {
        "what": about.media,
        "licence": about.licence,
        "homepage": about.homepage or "none",
        "how to get it": about.how_to_get,
        "labels": about.labels,
    }
    print(visible(about.name))
    for fact, value in facts.items():
        print(visible(f"{fact}: {value}"))
    for trap in about.traps:
        print(visible(f"trap: {trap}"))


@datasets_app.command("table")
def table_of_dataset(
    name: DatasetName,
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="The folder that holds the data set.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.csv", help="The manifest to write.")],
) -> None:
    """Write the manifest of a data set: its files with labels, official splits and groups."""
    from unmask import journal, manifest, plugins

    if out.suffix.lower() != ".csv":
        raise UsageError(f"{out} must end in .csv: a manifest is written as CSV")
    items = list(plugins.load("datasets", name).items(root.resolve()))
    with journal.room(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
        manifest.write(out, items)
    print(visible(f"{len(items)} items: {out}"))


def _tell(made: Written) -> None:
    for reason, count in made.left_out.items():
        print(visible(f"left out {count}: {reason}"), file=sys.stderr)
    print(visible(f"{made.items} items: {made.manifest}"))
