"""What a declaration of the file makes of the verdict of those who looked and listened: the policy.

Who declares that a model made all of a file is believed, whatever pixels and sound say: nobody gains by calling a real
picture made, but to discredit it, and so the verdict says who declares it and what backs the words. Of a declaration
about a part, nobody knows which part: it keeps a file from being called real, and leaves "fake" to those who looked.
A declaration is no measurement, so a verdict that rests on one has no probability.
"""

from __future__ import annotations

from unmask.detectors import provenance
from unmask.provenance import Account, Trust, credentials
from unmask.statements import Provenance
from unmask.types import Report, Status
from unmask.wording import decimals
from unmask.words import Declaration, Extent, Label, Verdict


def verdict(said: Declaration, raw: Verdict | None) -> Verdict:
    """The verdict on a file that declares something.

    Args:
        said: What it declares.
        raw: What those say who looked and listened; None where they had nothing to judge, or were not asked.
    """
    reason = provenance.sentence(said)
    if said.extent is Extent.PART:
        label = Label.FAKE if raw and raw.label is Label.FAKE else Label.UNCERTAIN
        if raw is None:
            return Verdict(label=label, reason=f"{reason}; which part, it does not say", declared=said)
        reason = f"{reason}; which part, it does not say. Seen or heard alone: {raw.reason}"
        return raw.model_copy(update={"label": label, "reason": reason, "declared": said})
    return Verdict(label=Label.FAKE, reason=reason + _beside(raw), detector=provenance.NAME, declared=said)


def accounted(report: Report, account: Account | None, trust: Trust | None) -> Report:
    """The report with what was read of the file about itself; as it is where nothing was read.

    Args:
        report: On the file.
        account: What it says about itself.
        trust: Whose signatures count.
    """
    if account is None or trust is None:
        return report
    used = credentials.library() if "c2pa present" in account.facts else {}
    told = report.model_copy(update={"versions": {**report.versions, **used}})
    return declared(told, provenance.of(account, trust))


def declared(report: Report, file: Provenance) -> Report:
    """The report with what the file says about itself, and with the verdict that follows.

    A file in which there was nothing to judge gets a verdict if it declares something. One that cannot be read gets
    none: nobody knows whether such words belong to what is missing.
    """
    said = provenance.declaration(file.findings)
    known = report.verdict is not None and report.verdict.known is not None
    if said is None or known or report.status not in (Status.OK, Status.NOTHING_TO_JUDGE):
        return report.model_copy(update={"provenance": file})
    decided = verdict(said, report.verdict)
    found = report.evidence
    if decided.detector == provenance.NAME:  # what was seen and heard had no part in this verdict
        found = tuple(one.model_copy(update={"votes": False}) for one in found)
    update = {
        "status": Status.OK,
        "message": None,
        "verdict": decided,
        "evidence": found,
        "provenance": file.model_copy(update={"raw": report.verdict}),
    }
    return report.model_copy(update=update)


def _beside(raw: Verdict | None) -> str:
    """What those say who looked or listened, in a few words."""
    if raw is None:
        return ""
    if raw.probability is None:
        return "; by what is seen or heard alone it could not be judged"
    return f"; by what is seen or heard alone: {raw.label}, {decimals(raw.probability)}"
