"""Write the pages that come from the code: docs/cli.md, docs/models/, docs/datasets.md, docs/provenance-findings.md.

They are made from the real help, from the cards that ship, and from what each dataset file says of itself.
`scripts/docs` writes them, `scripts/docs --check` compares and says what is stale. The text depends on neither the
terminal's width nor its colours.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import typer.main

from unmask import bundles, plugins, witnesses
from unmask import ensemble as ensembles
from unmask.card import Calibration, Card, Figure, Thresholds
from unmask.cli import app
from unmask.detectors import compression, spectral
from unmask.ensemble import Ensemble
from unmask.witness import WitnessCard

DOCS: Final = Path(__file__).parent
HELP_WIDTH: Final = 100
NOTICE: Final = "<!-- Written by scripts/docs. Edit what it was written from, and run scripts/docs again. -->"

_DATASETS: Final = """What `unmask prepare DATA PREPARED --dataset NAME` understands, and what to know before trusting a
figure on it. No data comes with unmask: each set is got from its owner, under its owner's terms. Videos are cut as they
are for a detector of videos (`--recipe track`). For one of pictures take stills first:

```sh
unmask datasets table NAME ROOT videos.csv
unmask frames videos.csv stills --per-video 10
unmask prepare stills/manifest.csv PREPARED --dataset table
```"""

_VOICES: Final = """## Voices

What has misled detectors of voices, set after set: silence before and after the speech, sample rates and codecs that
differ between real and fake, sentences and speakers on both sides of a split. `unmask audit` looks for such things.
`unmask dcf evaluation/scores.csv` counts what errors cost as the ASVspoof challenges do, so that figures can be
compared with published ones."""

_WITNESSES: Final = """## Witnesses on pictures, videos and voices

Asked for with `--evidence` or a page. They inform; a witness votes only where that was measured to help."""


def pages() -> dict[Path, str]:
    """Every generated page, by its path under docs/."""
    shipped = bundles.shipped()
    cards = [bundle.card for bundle in shipped]
    together = ensembles.of(shipped)
    written = {Path("cli.md"): command_line(), Path("datasets.md"): datasets()}
    informing = [WitnessCard.shipped(name) for name in (*witnesses.NAMES, spectral.NAME, compression.NAME)]
    written |= {Path("models", "README.md"): index(cards, together, informing)}
    written |= {Path("models", f"{card.name}.md"): model(card) for card in cards}
    written |= {Path("models", f"{card.name}.md"): witness(card) for card in informing}
    written[Path("provenance-findings.md")] = findings()
    return written | ({Path("models", "ensemble.md"): ensemble(together)} if together else {})


def command_line() -> str:
    """The help of every verb."""
    parts = [NOTICE, "# The command line", "What `--help` says, for every verb."]
    for path, text in _helps(typer.main.get_command(app), None, "unmask"):
        parts.append(f"{'#' * (path.count(' ') + 2)} {path}\n\n```text\n{text.strip()}\n```")
    return _page(parts)


def _helps(command: Any, parent: Any, name: str) -> Iterator[tuple[str, str]]:
    command.rich_markup_mode = None  # rich would draw boxes as wide as the terminal
    context = command.context_class(
        command, info_name=name, parent=parent, terminal_width=HELP_WIDTH, max_content_width=HELP_WIDTH
    )
    lines = command.get_help(context).splitlines()
    yield context.command_path, "\n".join(line.rstrip() for line in lines)
    for verb, child in sorted(getattr(command, "commands", {}).items()):
        if not child.hidden:
            yield from _helps(child, context, verb)


def datasets() -> str:
    """What each dataset file says of itself; those of other packages are not ours to describe."""
    modules = {name: plugins.load("datasets", name) for name in plugins.names("datasets")}
    ours = {name: found.ABOUT for name, found in modules.items() if found.__name__.startswith("unmask.datasets.")}
    parts = [NOTICE, "# Data sets", _DATASETS]
    parts.append(_table(("name", "what", "media"), [(f"[{n}](#{n})", a.name, a.media) for n, a in ours.items()]))
    voices = [(f"[{n}](#{n})", a.name, a.licence) for n, a in ours.items() if a.media == "sound"]
    parts += [_VOICES, _table(("name", "what", "licence"), voices)]
    for name, about in ours.items():
        facts = {"name": about.name, "licence": about.licence, "homepage": about.homepage or "none"}
        facts |= {"media": about.media, "how to get it": about.how_to_get, "labels": about.labels}
        parts += [f"## {name}", _table(("fact", "value"), list(facts.items()))]
        if about.traps:
            parts += ["Traps:", "\n".join(f"- {trap}" for trap in about.traps)]
    return _page(parts)


def findings() -> str:
    """What files say, from files that tests draw: neither folder is a package that is installed."""
    for place in (DOCS.parent, DOCS):
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    import provenance_page

    return provenance_page.text(NOTICE, _table)


def index(cards: Sequence[Card], together: Ensemble | None = None, informing: Sequence[WitnessCard] = ()) -> str:
    """The list of detectors that ship."""
    parts = [NOTICE, "# Detectors that ship with unmask"]
    if not cards:
        return _page([*parts, "None yet."])
    rows = [(f"[{card.name}]({card.name}.md)", card.version, card.licence, card.summary) for card in cards]
    if together:
        members = ", ".join(member.name for member in together.members)
        rows.append((f"[{together.name}](ensemble.md)", together.version, "", f"{members}: deciding together"))
    parts.append(_table(("detector", "version", "licence", "what it looks at"), rows))
    if informing:
        told = [(f"[{card.name}]({card.name}.md)", card.version, card.summary) for card in informing]
        parts += [_WITNESSES, _table(("witness", "version", "what it looks at"), told)]
    return _page(parts)


def model(card: Card) -> str:
    """The page of one detector: its card, for people."""
    training = card.training
    facts = {
        "version": card.version,
        "licence": card.licence,
        "looks at": _cut(card),
        "pooling over one picture": card.pooling,
        **_rule(card.calibration, card.thresholds),
        "recipe": training.recipe,
        "network": f"{training.backbone}, {training.parameters:,} parameters, started from {training.initial_weights}",
        "fakes made for training": training.made_fakes,
        "trained": f"{training.epochs} epochs, seed {training.seed}, unmask {training.unmask_version}",
        **({"graph": f"that of [{card.graph}]({card.graph}.md), computed once for both"} if card.graph else {}),
        "sha256 of model.onnx": f"`{card.sha256}`",
    }
    sources = [(source.name, source.licence, f"{source.items:,}") for source in card.sources]
    parts = [NOTICE, f"# {card.name}", card.summary, _table(("fact", "value"), list(facts.items()))]
    parts += ["## Trained on", _table(("source", "licence", "items"), sources)]
    parts += _measured(card.metrics)
    if card.limits:
        parts += ["## What it cannot do", "\n".join(f"- {limit}" for limit in card.limits)]
    return _page(parts)


def witness(card: WitnessCard) -> str:
    """The page of a witness: what it measures, how that is weighed, and why it does not vote."""
    facts = {
        "version": card.version,
        "learned on": card.learned_on,
        "calibration": f"{card.calibration.set} ({card.calibration.reals} real, {card.calibration.fakes} fake)",
        "votes": "yes" if card.votes else "no: it informs",
        "why": card.why,
    }
    rows = [(one.name, one.meaning, one.source, f"{one.weight:+.3f}") for one in card.features]
    parts = [NOTICE, f"# {card.name}", card.summary, _table(("fact", "value"), list(facts.items()))]
    parts += ["## What it measures", _table(("feature", "meaning", "source", "weight"), rows)]
    parts += _measured(card.metrics)
    if card.limits:
        parts += ["## What it cannot do", "\n".join(f"- {limit}" for limit in card.limits)]
    return _page(parts)


def ensemble(together: Ensemble) -> str:
    """The page of the detectors that decide together."""
    members = ", ".join(f"[{member.name}]({member.name}.md) (`{member.sha256[:12]}`)" for member in together.members)
    facts = {
        "members": members,
        "applies": "where each of them could judge; else the verdict is of one detector alone",
        "score": f"{_mean_of(together)}, by their weights, calibrated once more",
        "weights": together.weighing,
        **_rule(together.calibration, together.thresholds),
        "sha256": f"`{together.sha256}`",
    }
    parts = [NOTICE, f"# {together.name}", "Detectors that ship, deciding together."]
    return _page([*parts, _table(("fact", "value"), list(facts.items())), *_measured(together.metrics)])


def _mean_of(together: Ensemble) -> str:
    """What an ensemble's own calibration is fitted on."""
    if not together.leasts:
        return "the mean of the members' calibrated logits"
    return (
        "the mean of the members' logits, each in standard deviations from the mean of real photos, and counted at "
        "least as below"
    )


def _rule(calibration: Calibration, thresholds: Thresholds) -> dict[str, str]:
    """How a logit becomes a label."""
    return {
        "calibration": f"{calibration.set} ({calibration.reals} real, {calibration.fakes} fake): "
        f"temperature {calibration.temperature:.4g}, bias {calibration.bias:.4g}",
        "fake at or above": f"{thresholds.fake_above:.4g}",
        "real at or below": f"{thresholds.real_below:.4g}",
        "thresholds chosen by": thresholds.chosen,
    }


def _measured(figures: Sequence[Figure]) -> list[str]:
    """The figures and their commands; nothing where nothing was measured."""
    if not figures:
        return []
    columns = ("figure", "on", "value", "95 % interval", "real / fake")
    commands = sorted({figure.command for figure in figures})
    by = "Measured by:\n\n" + "\n".join(f"- `{command}`" for command in commands)
    return ["## Measured", _table(columns, [_figure(figure) for figure in figures]), by]


def _cut(card: Card) -> str:
    cut = card.cut
    if cut.kind == "speech":
        return (
            f"windows of {cut.window_s:g} s of speech, one every {cut.step_s:g} s, with at least "
            f"{cut.least_speech_s:g} s of it in each; shorter turns are repeated until the window is full"
        )
    if cut.kind == "face":
        looks = f", {cut.frames} looks at one person of a video at a time" if cut.frames else ""
        small = "" if cut.enlarge else "; small ones are not enlarged, their square grows"
        return (
            f"faces of at least {cut.least_px} px, cut {cut.margin:g} times as wide, scaled to {cut.size_px} px"
            f"{small}{looks}"
        )
    if cut.kind == "whole":
        return f"the largest square in the middle of pictures of at least {cut.least_px} px, scaled to {cut.size_px} px"
    if cut.patches == 1:
        return f"{cut.size_px} px around the main face, or in the middle, never scaled"
    return f"up to {cut.patches} patches of {cut.size_px} px, never scaled"


def _figure(figure: Figure) -> tuple[str, ...]:
    interval = "" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"
    counts = "" if figure.reals is None and figure.fakes is None else f"{figure.reals or 0} / {figure.fakes or 0}"
    return figure.name, figure.on, f"{figure.value:.3f}", interval, counts


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _page(parts: Sequence[str]) -> str:
    return "\n\n".join(parts) + "\n"


def stale(wanted: Mapping[Path, str]) -> list[str]:
    """What differs between the pages on disk and those wanted, as sentences."""
    found = []
    for path, text in wanted.items():
        file = DOCS / path
        if not file.is_file():
            found.append(f"docs/{path} is missing")
        elif file.read_text(encoding="utf-8") != text:
            found.append(f"docs/{path} no longer says what the code says")
    known = {DOCS / path for path in wanted}
    left = [file for file in sorted((DOCS / "models").glob("*.md")) if file not in known]
    return found + [f"docs/models/{file.name} describes a detector that does not ship" for file in left]


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or compare them with --check; returns the exit status."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: scripts/docs [--check]\n")
        return 2
    wanted = pages()
    problems = stale(wanted)
    if arguments:
        sys.stderr.writelines(f"{problem}\n" for problem in problems)
        if problems:
            sys.stderr.write("run scripts/docs, look at the change, and commit it\n")
        return 1 if problems else 0
    for path, text in wanted.items():
        (DOCS / path).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / path).write_text(text, encoding="utf-8")
    for file in (DOCS / "models").glob("*.md"):
        if file.relative_to(DOCS) not in wanted:
            file.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
