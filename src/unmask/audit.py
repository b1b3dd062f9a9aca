"""Would these data teach a shortcut? Asked before training, and again after preparation.

The same audit runs on raw files and on a prepared folder: both are a manifest. It fails loudly, and every finding says
what to do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from unmask import checks
from unmask import manifest as table
from unmask.checks import Finding
from unmask.errors import AuditError, ManifestError
from unmask.manifest import Item
from unmask.metrics import Interval
from unmask.probes import LEAST_PER_CLASS, probe, told_by
from unmask.splits import content, look_alikes, related, same
from unmask.traits import Progress, Traits, read_all

PROBE_LIMIT: Final = 0.60
"""Balanced accuracy from which on a trait tells the label; chance is 0.5."""

_REMEDIES: Final = {
    "picture": "to a model that sees no picture: run `unmask prepare`, which gives both classes the same size, format "
    "and compression; if it still fails, drop or balance the sources that differ",
    "recording": "to a model that hears no word: run `unmask prepare`, which cuts both classes to windows of speech at "
    "one rate and bit depth; if it still fails, let training change level, offset, bandwidth and codec, or drop or "
    "balance the sources that differ",
}


@dataclass(frozen=True)
class Audit:
    """All findings on one manifest, the worst first."""

    manifest: Path
    items: int
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return all(finding.severity != "fail" for finding in self.findings)

    def demand(self) -> None:
        """Go on only with sound data.

        Raises:
            AuditError: Something failed; the message lists it with what to do.
        """
        if not self.passed:
            failed = [finding.sentence for finding in self.findings if finding.severity == "fail"]
            raise AuditError(f"{self.manifest} would teach a shortcut:\n- " + "\n- ".join(failed))

    def to_dict(self) -> dict[str, Any]:
        """The audit as JSON-ready values."""
        return {
            "manifest": str(self.manifest),
            "items": self.items,
            "passed": self.passed,
            "findings": [{**asdict(finding), "figure": _plain(finding.figure)} for finding in self.findings],
        }

    def to_text(self) -> str:
        """The audit as aligned lines, one a finding, and the outcome last."""
        rows = [(one.severity.upper(), one.check, _shown(one.figure), one.sentence) for one in self.findings]
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
        lines = [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3]])
            for row in rows
        ]
        failed = sum(finding.severity == "fail" for finding in self.findings)
        outcome = "passed" if self.passed else f"FAILED: {failed} finding{'s' if failed > 1 else ''}"
        return "\n".join([*lines, f"{self.manifest}, {self.items:,} items: {outcome}"])


def audit(manifest: Path, *, progress: Progress | None = None) -> Audit:
    """Audit the files a manifest lists.

    Args:
        manifest: The table (see `unmask.manifest`).
        progress: Called with files read and files in all.

    Returns:
        The findings; nothing is raised for bad data, so that all of it can be shown. `Audit.demand` raises.

    Raises:
        ManifestError: The table cannot be read, or lists nothing.
        MissingExtraError: scikit-learn, which the probes need, is not installed.
    """
    items = table.read(manifest)
    if not items:
        raise ManifestError(f"{manifest} lists no items")
    traits = read_all([item.path for item in items], progress)
    findings = [
        *_unreadable(items, traits),
        *_probes(items, traits),
        *_copies("exact duplicates", items, same(map(content, traits))),
        *_copies("near duplicates", items, _only_near(traits)),
        *checks.groups(items),
        *checks.methods(items),
        *checks.direction(manifest.parent, items),
        *checks.split_sanity(items),
        *checks.sources(items),
    ]
    worst_first = sorted(findings, key=lambda finding: ("fail", "warn", "info").index(finding.severity))
    return Audit(manifest, len(items), tuple(worst_first))


def _unreadable(items: Sequence[Item], traits: Sequence[Traits]) -> Iterator[Finding]:
    broken = [f"{item.path.name}: {one.problem}" for item, one in zip(items, traits, strict=True) if one.problem]
    if broken:
        yield Finding(
            "readable",
            "fail" if len(broken) == len(items) else "warn",
            f"{len(broken):,} of {len(items):,} files cannot be judged and are left out here ({checks.some(broken)}); "
            "mend or remove them",
            float(len(broken)),
        )


def _probes(items: Sequence[Item], traits: Sequence[Traits]) -> Iterator[Finding]:
    """Only splits that hold both classes: in any other, telling the split is telling the label."""
    classes = defaultdict(set)
    for item in items:
        classes[item.split].add(item.label)
    kept = [i for i, one in enumerate(traits) if one.problem is None and len(classes[items[i].split]) == 2]
    relatives = related(items, traits)
    kinds = sorted({traits[i].kind for i in kept})
    if len(kinds) > 1:
        yield _kinds([traits[i].kind for i in kept], [items[i].label for i in kept])
    for kind in kinds or ["picture"]:
        chosen = [i for i in kept if traits[i].kind == kind]
        yield from _probes_of(kind, chosen, items, traits, relatives, f" of {kind}s" if len(kinds) > 1 else "")


def _probes_of(
    kind: str,
    chosen: Sequence[int],
    items: Sequence[Item],
    traits: Sequence[Traits],
    relatives: Sequence[int],
    which: str,
) -> Iterator[Finding]:
    """The probes of one kind of file; a picture and a recording have too little in common to stand in one table."""

    def told(some: Sequence[int]) -> dict[str, Interval]:
        return probe([traits[i] for i in some], [items[i].label for i in some], [relatives[i] for i in some])

    found = told(chosen)
    if not found:
        what = f"a class has fewer than {LEAST_PER_CLASS} distinct files: too few to probe; add files"
        yield Finding(f"probes{which}", "warn", what)
    for name, accuracy in found.items():
        subject = "all traits together tell" if name == "all" else f"{name} of the file tells"
        yield _judged(f"probe {name}{which}", f"{subject} the label", accuracy, kind)
    sources = sorted({items[i].source for i in chosen})
    for source in sources if len(sources) > 1 else []:  # a large clean source must not hide a small one that is not
        inside = told([i for i in chosen if items[i].source == source])
        if inside:
            telling = [name for name, accuracy in inside.items() if accuracy.value >= PROBE_LIMIT]
            claim = f"{', '.join(telling)} of the file tell the label inside {source}"
            yield _judged(f"probe in {source}{which}", claim, max(inside.values()), kind)


def _judged(check: str, claim: str, accuracy: Interval, kind: str) -> Finding:
    if accuracy.value < PROBE_LIMIT:
        return Finding(check, "info", f"under the limit of {PROBE_LIMIT:.2f}, as it must be", accuracy)
    if accuracy.low <= 0.5:
        return Finding(check, "warn", f"{claim}, or chance does: add files to know", accuracy)
    return Finding(check, "fail", f"{claim} {_REMEDIES[kind]}", accuracy)


def _kinds(kinds: Sequence[str], labels: Sequence[int]) -> Finding:
    told = told_by(kinds, labels)
    if told < PROBE_LIMIT:
        return Finding("kinds", "info", "pictures and recordings: neither tells the label by what it is", told)
    what = "whether it is a picture or a recording tells the label: audit and train each in a manifest of its own"
    return Finding("kinds", "fail", what, told)


def _only_near(traits: Sequence[Traits]) -> list[tuple[int, int]]:
    return [(a, b) for a, b in look_alikes(traits) if content(traits[a]) != content(traits[b])]


def _copies(check: str, items: Sequence[Item], pairs: Sequence[tuple[int, int]]) -> Iterator[Finding]:
    near = check == "near duplicates"
    across = [pair for pair in pairs if _differ(pair, items, lambda item: item.split)]
    inside = [pair for pair in pairs if not _differ(pair, items, lambda item: item.split)]
    both = [pair for pair in inside if _differ(pair, items, lambda item: (item.label, item.method if near else ""))]
    rest = len(inside) - len(both)
    if across:
        what = f"{len(across):,} pairs of {check} lie in two splits ({_named(items, across)}): what was trained on is "
        what += "tested; drop those in train (`unmask.splits.without_leaks` does), or assign the splits anew with "
        what += "`unmask.splits.assign`, which keeps copies together"
        yield Finding(check, "fail", what, float(len(across)))
    if both and not near:
        what = f"{len(both):,} pairs of equal files are real and fake at once ({_named(items, both)}); correct them"
        yield Finding(check, "fail", what, float(len(both)))
    if both and near:
        what = f"{len(both):,} pairs look or sound alike and differ in label or method ({_named(items, both)}): fine "
        what += (
            "for a photo and its manipulated copy, or a voice and what a vocoder made of it; wrong for anything else"
        )
        yield Finding(check, "warn", what, float(len(both)))
    if rest:
        what = f"{rest:,} pairs of {check} lie inside a split: they count twice; keep one of each"
        yield Finding(check, "warn", what, float(rest))
    if not pairs:
        yield Finding(check, "info", "none", 0.0)


def _differ(pair: tuple[int, int], items: Sequence[Item], of: Callable[[Item], object]) -> bool:
    return of(items[pair[0]]) != of(items[pair[1]])


def _named(items: Sequence[Item], pairs: Sequence[tuple[int, int]]) -> str:
    first = [[items[i] for i in pair] for pair in pairs[:4]]
    return checks.some([", ".join(f"{_name(item)} in {item.split or 'none'}" for item in pair) for pair in first])


def _name(item: Item) -> str:
    """What the user calls it; a prepared folder notes the original file."""
    return Path(item.attributes.get("original") or item.path).name


def _plain(figure: Interval | float | None) -> dict[str, float] | float | None:
    return figure._asdict() if isinstance(figure, Interval) else figure


def _shown(figure: Interval | float | None) -> str:
    if isinstance(figure, Interval):
        return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
    return "" if figure is None else f"{figure:,.0f}" if figure == int(figure) else f"{figure:.3f}"
