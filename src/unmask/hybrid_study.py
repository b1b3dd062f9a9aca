"""What metadata add to what networks say, at stated proportions of honest, stripped and forged ones.

The pixels are the same at every proportion, so the networks are asked once. At each, models that may read the networks
alone, metadata alone, and both, are learned on val and compared: on val out of fold, and on test, which is only looked
at here, at the end. Then each is taken to every other proportion, which is where one learns whether to trust it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from unmask import dress, manifest
from unmask.dress import Shares
from unmask.errors import ManifestError
from unmask.hybrid_data import Collected, collected, listened
from unmask.hybrid_fit import Examples, Hybridised, Kind, Reads, demand_extras, fit, gain, out_of_fold, where_it_helps
from unmask.metrics import Interval
from unmask.scan import Scanner

Progress = Callable[[str], Callable[[int, int], None] | None]
"""Gives, for what is being done, the function that is called with files done and files in all."""

PROPORTIONS: Final = (
    Shares(0.0, 1.0, 0.0),
    Shares(0.2, 0.8, 0.0),
    Shares(0.4, 0.6, 0.0),
    Shares(0.4, 0.4, 0.2),
    Shares(0.8, 0.2, 0.0),
    Shares(0.8, 0.0, 0.2),
    Shares(0.25, 0.5, 0.25),
    Shares(0.5, 0.0, 0.5),
    Shares(0.2, 0.3, 0.5),
)
"""Three of them carry nothing: all stripped, and as many forged as honest. In the last, metadata mislead."""

KINDS: Final[tuple[Kind, ...]] = ("logistic", "trees")
RESULT: Final = "study.json"
_NETWORKS: Final = "networks.jsonl"


@dataclass(frozen=True)
class Line:
    """One comparison at one proportion.

    Attributes:
        shares: Of honest, stripped and forged.
        kind: Of the model.
        reads: What it may read.
        split: "val", out of fold, or "test".
        networks: AUC of the networks' joint logit as it is.
        hybrid: AUC of the model.
        gain: By how much it is better; files of a group are redrawn together.
    """

    shares: Shares
    kind: Kind
    reads: Reads
    split: str
    networks: Interval
    hybrid: Interval
    gain: Interval


@dataclass(frozen=True)
class Moved:
    """A logistic hybrid learned at one proportion and measured on test at another: its gain over the networks."""

    learned: Shares
    measured: Shares
    gain: Interval


@dataclass(frozen=True)
class Study:
    """All comparisons."""

    lines: tuple[Line, ...]
    moved: tuple[Moved, ...]
    files: Mapping[str, int]
    command: str

    def to_dict(self) -> dict[str, Any]:
        """The study as JSON-ready values."""
        return {
            "command": self.command,
            "files": dict(self.files),
            "lines": [
                {
                    "shares": _shares(one.shares),
                    **{name: getattr(one, name) for name in ("kind", "reads", "split")},
                    **{name: getattr(one, name)._asdict() for name in ("networks", "hybrid", "gain")},
                }
                for one in self.lines
            ],
            "moved": [
                {
                    "learned": _shares(one.learned),
                    "measured": _shares(one.measured),
                    "gain": one.gain._asdict(),
                }
                for one in self.moved
            ],
        }

    def to_text(self) -> str:
        """Two tables in Markdown."""
        columns = list(dict.fromkeys((one.reads, one.kind) for one in self.lines))
        heads = [f"{reads}, {kind}" if reads == "both" else reads for reads, kind in columns]
        rows = [f"| honest / stripped / forged | split | networks | {' | '.join(heads)} |"]
        rows.append("|---" * (len(columns) + 3) + "|")
        for shares, split in dict.fromkeys((one.shares, one.split) for one in self.lines):
            mine = {(one.reads, one.kind): one for one in self.lines if (one.shares, one.split) == (shares, split)}
            cells = [_cell(mine[column]) for column in columns]
            rows.append(f"| {_name(shares)} | {split} | {_shown(mine[columns[0]].networks)} | {' | '.join(cells)} |")
        places = list(dict.fromkeys(one.measured for one in self.moved))
        rows += [
            "",
            f"| learned at, measured at | {' | '.join(map(_name, places))} |",
            "|---" * (len(places) + 1) + "|",
        ]
        for learned in dict.fromkeys(one.learned for one in self.moved):
            gains = {one.measured: one.gain for one in self.moved if one.learned == learned}
            rows.append(f"| {_name(learned)} | {' | '.join(f'{gains[place].value:+.3f}' for place in places)} |")
        return "\n".join(rows)


def study(
    table: Path,
    out: Path,
    *,
    proportions: Sequence[Shares] = PROPORTIONS,
    models: Sequence[str | Path] = (),
    seed: int = 0,
    progress: Progress = lambda what: None,
) -> Study:
    """Dress the val and test pictures of a manifest at each proportion, learn, and compare.

    Args:
        table: Pictures with splits.
        out: Folder for the dressed sets, what the networks said, and study.json; made if missing.
        proportions: To be looked at.
        models: Detectors, as for `Scanner`.
        seed: Of the metadata.
        progress: Says what is being done.

    Raises:
        ManifestError: The manifest cannot be used, or val or test lacks a class.
        UsageError: `out` holds something else, or the files are too few.
        MissingExtraError: scikit-learn is not installed.
    """
    demand_extras()
    items = [item for item in manifest.read(table) if item.split in ("val", "test")]
    if not items:
        raise ManifestError(f"{table} has nothing in val and test, which a hybrid is learned and measured on")
    out.mkdir(parents=True, exist_ok=True)
    chosen = out / "chosen.csv"
    manifest.write(chosen, items)
    said: Mapping[str, Mapping[str, float]] | None = None
    sets: dict[Shares, Collected] = {}
    for shares in proportions:
        made = dress.write(
            chosen, out / _folder(shares), shares, seed=seed, progress=progress(f"dressing {_name(shares)}")
        )
        dressed = manifest.read(made.manifest)
        names = [item.attributes["original"] for item in dressed]
        if said is None:
            with Scanner(models, provenance=False) as scanner:
                said = listened(scanner, dressed, names, out / _NETWORKS, progress("asking the networks"))
        sets[shares] = collected(dressed, names, said, progress(f"reading {_name(shares)}"))
    lines = [line for shares, found in sets.items() for line in _compared(shares, found)]
    command = shlex.join(["unmask", "hybrid", "study", table.name, out.name])
    first = next(iter(sets.values()))
    files = {split: sum(item.split == split for item in first.items) for split in ("val", "test")}
    found = Study(tuple(lines), tuple(_moved(sets)), {**files, "left out": first.left_out}, command)
    (out / RESULT).write_text(json.dumps(found.to_dict(), indent=2) + "\n", encoding="utf-8")
    return found


def _compared(shares: Shares, found: Collected) -> list[Line]:
    val, test = found.split("val"), found.split("test")
    wanted: list[tuple[Kind, Reads]] = [
        ("logistic", "each network"),
        ("logistic", "metadata"),
        ("logistic", "both"),
        ("trees", "both"),
    ]
    lines = []
    for kind, reads in wanted:
        fitted, unseen = where_it_helps(val, kind) if reads == "both" else _learned(val, kind, reads)
        for split, part, scores in (("val", val, unseen), ("test", test, fitted.logits(test.facts))):
            one = gain(part, part.networks, scores)
            lines.append(Line(shares, kind, reads, split, one.before, one.after, one.gain))
    return lines


def _learned(val: Examples, kind: Kind, reads: Reads) -> Hybridised:
    return Hybridised(fit(val, kind, reads), out_of_fold(val, lambda part: fit(part, kind, reads)))


def _moved(sets: Mapping[Shares, Collected]) -> list[Moved]:
    found = []
    for learned, one in sets.items():
        model = where_it_helps(one.split("val"), "logistic").fitted
        for measured, other in sets.items():
            test = other.split("test")
            found.append(Moved(learned, measured, gain(test, test.networks, model.logits(test.facts)).gain))
    return found


def _folder(shares: Shares) -> str:
    return f"honest{shares.honest:g}-stripped{shares.stripped:g}-forged{shares.forged:g}"


def _name(shares: Shares) -> str:
    return " / ".join(f"{share:.0%}" for share in (shares.honest, shares.stripped, shares.forged))


def _shares(shares: Shares) -> dict[str, float]:
    return {"honest": shares.honest, "stripped": shares.stripped, "forged": shares.forged}


def _shown(one: Interval, form: str = ".3f") -> str:
    return f"{one.value:{form}} ({one.low:{form}} to {one.high:{form}})"


def _cell(line: Line) -> str:
    if line.reads == "metadata":
        return f"{line.hybrid.value:.3f}"
    return f"{line.hybrid.value:.3f}, {_shown(line.gain, '+.3f')}"
