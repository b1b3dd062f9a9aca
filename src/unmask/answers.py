"""The answer on one file, and on many, in the few words that fit a badge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from unmask.types import Extent, Label, Report, Status

_VERDICTS: Final = {Label.FAKE: "Judged fake", Label.REAL: "Judged real", Label.UNCERTAIN: "Uncertain"}
_DECLARED: Final = {Extent.WHOLE: "Declared made by a model", Extent.PART: "Declared made by a model in part"}
_STATUSES: Final = {
    Status.UNSUPPORTED: "Not supported",
    Status.UNREADABLE: "Not readable",
    Status.NOTHING_TO_JUDGE: "Nothing to judge",
}


def words(report: Report) -> str:
    """Of one file."""
    verdict = report.verdict
    if verdict is None:
        return _STATUSES[report.status]
    if verdict.declared:
        return _DECLARED[verdict.declared.extent]
    return f"Listed as {verdict.label}" if verdict.known else _VERDICTS[verdict.label]


def short(label: Label | None, status: Status, scored: bool) -> str:
    """Of one file in a list that knows no more of it: nothing but a declaration calls a file fake without a score."""
    if label is None:
        return _STATUSES[status]
    return _DECLARED[Extent.WHOLE] if label is Label.FAKE and not scored else _VERDICTS[label]


def many(reports: Iterable[Report]) -> dict[str, str]:
    """Of many: what those of a label have in common, by the label, or "none" where there is no verdict."""
    verdicts = [report.verdict for report in reports if report.verdict]
    told = "judged"
    if any(one.declared for one in verdicts):
        told += ", declared" if any(one.known for one in verdicts) else " or declared"
    if any(one.known for one in verdicts):
        told += " or listed"
    return {"fake": f"{told} fake", "real": "judged real", "uncertain": "uncertain", "none": "could not be judged"}
