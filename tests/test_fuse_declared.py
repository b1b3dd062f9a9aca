"""What a declaration makes of a verdict."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from unmask import fuse_declared
from unmask.provenance.account import declaring, finding
from unmask.statements import Finding, Kind, Provenance
from unmask.types import Backing, Declaration, Evidence, Extent, Label, Region, Report, Source, Status, Verdict

REAL = Verdict(label=Label.REAL, probability=0.03, reason="0.03 is at or below the threshold", detector="face")
FAKE = Verdict(label=Label.FAKE, probability=0.97, reason="0.97 is at or above the threshold", detector="face")
UNSURE = Verdict(label=Label.UNCERTAIN, probability=None, reason="no face was found")


def declaration(extent: Extent = Extent.WHOLE, backing: Backing = Backing.UNSIGNED) -> Declaration:
    return Declaration(extent=extent, by="ComfyUI", backing=backing, where='text "prompt"', words="KSampler")


def file(*findings: Finding) -> Provenance:
    return Provenance(findings=findings)


def declared_by(extent: Extent = Extent.WHOLE) -> Finding:
    return declaring("generator-parameters", 'text "prompt"', "KSampler", by="ComfyUI", extent=extent)


def report(verdict: Verdict | None, **more: Any) -> Report:
    status = Status.OK if verdict else Status.NOTHING_TO_JUDGE
    message = None if verdict else "nobody speaks in it"
    return Report(source=Source(path="a"), status=status, message=message, verdict=verdict, **more)


@pytest.mark.parametrize("raw", [REAL, FAKE, UNSURE, None])
def test_a_declaration_about_all_of_it_decides_whatever_was_seen(raw: Verdict | None) -> None:
    verdict = fuse_declared.verdict(declaration(), raw)
    assert verdict.label is Label.FAKE
    assert verdict.probability is None, "a declaration is no probability"
    assert verdict.detector == "provenance"
    assert verdict.declared == declaration()
    for words in ("KSampler", "ComfyUI", "unsigned", 'text "prompt"'):
        assert words in verdict.reason


def test_what_was_seen_is_told_beside_it() -> None:
    assert "by what is seen or heard alone: real, 0.03" in fuse_declared.verdict(declaration(), REAL).reason
    assert "could not be judged" in fuse_declared.verdict(declaration(), UNSURE).reason
    assert "alone" not in fuse_declared.verdict(declaration(), None).reason


@pytest.mark.parametrize(("raw", "label"), [(REAL, Label.UNCERTAIN), (FAKE, Label.FAKE), (UNSURE, Label.UNCERTAIN)])
def test_a_declaration_about_a_part_keeps_from_real_and_leaves_fake_to_those_who_looked(
    raw: Verdict, label: Label
) -> None:
    verdict = fuse_declared.verdict(declaration(Extent.PART), raw)
    assert verdict.label is label
    assert (verdict.probability, verdict.detector) == (raw.probability, raw.detector)
    assert raw.reason in verdict.reason


def test_a_part_of_what_nobody_could_judge_is_uncertain() -> None:
    verdict = fuse_declared.verdict(declaration(Extent.PART), None)
    assert (verdict.label, verdict.probability) == (Label.UNCERTAIN, None)


@pytest.mark.parametrize("backing", Backing)
def test_the_reason_says_what_backs_the_words(backing: Backing) -> None:
    reason = fuse_declared.verdict(declaration(backing=backing), None).reason
    assert {"trusted_signer": "whom you trust", "unknown_signer": "nobody you named vouches", "unsigned": "unsigned"}[
        backing
    ] in reason


def test_the_report_keeps_the_verdict_of_those_who_looked() -> None:
    seen = Evidence(detector="face", region=Region(), logit=-3.0, probability=0.03, votes=True, sentence="looks real")
    told = fuse_declared.declared(report(REAL, evidence=(seen,)), file(declared_by()))
    assert told.verdict is not None
    assert told.provenance is not None
    assert told.provenance.raw == REAL
    assert not told.evidence[0].votes, "it had no part in this verdict"
    assert Report.model_validate(told.to_dict()) == told


def test_a_file_with_nothing_to_judge_gets_a_verdict_if_it_declares_something() -> None:
    told = fuse_declared.declared(report(None), file(declared_by()))
    assert (told.status, told.message) == (Status.OK, None)
    assert told.verdict is not None
    assert told.verdict.declared is not None
    assert Report.model_validate(told.to_dict()) == told


@pytest.mark.parametrize("status", [Status.UNREADABLE, Status.UNSUPPORTED])
def test_one_that_cannot_be_read_gets_none(status: Status) -> None:
    broken = Report(source=Source(path="a"), status=status, message="broken")
    told = fuse_declared.declared(broken, file(declared_by()))
    assert (told.status, told.verdict) == (status, None)
    assert told.provenance is not None
    assert told.provenance.findings


@pytest.mark.parametrize("code", ["edited", "thumbnail-unlike", "credential-broken", "camera-named"])
def test_what_is_suspicious_or_neutral_changes_no_verdict(code: str) -> None:
    told = fuse_declared.declared(report(REAL), file(finding(code, "EXIF", "something")))
    assert told.verdict == REAL
    assert told.provenance is not None
    assert told.provenance.raw is None


def test_the_users_own_list_stands_above_what_the_file_says() -> None:
    listed = Verdict(label=Label.REAL, reason="the list says real", known="checked by hand")
    assert fuse_declared.declared(report(listed), file(declared_by())).verdict == listed


def test_a_verdict_needs_grounds() -> None:
    for label in (Label.REAL, Label.FAKE):
        with pytest.raises(ValidationError, match="can only be uncertain"):
            Verdict(label=label, reason="none")
    with pytest.raises(ValidationError, match="never real"):
        Verdict(label=Label.REAL, probability=0.1, reason="x", declared=declaration())


def test_a_finding_declares_exactly_when_it_says_so() -> None:
    with pytest.raises(ValidationError, match="exactly when"):
        Finding(code="x", kind=Kind.NEUTRAL, where="x", sentence="x", declaration=declaration())
    with pytest.raises(ValidationError, match="exactly when"):
        Finding(code="x", kind=Kind.DECLARED, where="x", sentence="x")


def test_the_schema_describes_such_reports() -> None:
    schema = Report.model_json_schema(mode="serialization")
    for verdict in (REAL, None):
        jsonschema.validate(fuse_declared.declared(report(verdict), file(declared_by())).to_dict(), schema)
