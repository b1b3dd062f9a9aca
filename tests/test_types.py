"""The words: frozen, strict, and never in contradiction with themselves."""

from __future__ import annotations

import json
from itertools import product

import pytest
from pydantic import ValidationError

from unmask.types import REPORT_VERSION, Evidence, Label, ModelUsed, Region, Report, Score, Source, Status, Verdict

SOURCE = Source(path="photo.jpg")
VERDICT = Verdict(label=Label.FAKE, probability=0.97, reason="0.97 is at or above 0.83")


def full_report() -> Report:
    region = Region(box_px=(10, 20, 110, 120))
    finding = Evidence(
        detector="face",
        region=region,
        logit=3.5,
        probability=0.97,
        votes=True,
        sentence="The face shows traces of blending.",
        heat_map=((0.5, 1.5), (2.5, 9.5)),
    )
    abstained = Evidence(detector="face", region=region, logit=None, votes=False, sentence="The face is too small.")
    return Report(
        source=Source(path="a.jpg", sha256="0" * 64, bytes=10, format="JPEG", width_px=640, height_px=480),
        status=Status.OK,
        verdict=VERDICT.model_copy(update={"detector": "face", "region": region}),
        faces=2,
        scores={"face": Score(logit=3.5, probability=0.97)},
        evidence=(finding, abstained),
        models=(
            ModelUsed(name="face", version="1", sha256="f", calibration_set="val", fake_above=0.8, real_below=0.2),
        ),
        versions={"unmask": "0.1.0"},
    )


@pytest.mark.parametrize(("status", "verdict", "message"), [*product(Status, (None, VERDICT), (None, "it is empty"))])
def test_status_verdict_and_message_never_contradict(
    status: Status, verdict: Verdict | None, message: str | None
) -> None:
    consistent = (verdict is not None, message is not None) == ((True, False) if status is Status.OK else (False, True))
    if consistent:
        report = Report(source=SOURCE, status=status, verdict=verdict, message=message)
        assert (report.verdict is None) == (report.status is not Status.OK)
    else:
        with pytest.raises(ValidationError, match="exactly when its status is"):
            Report(source=SOURCE, status=status, verdict=verdict, message=message)


@pytest.mark.parametrize("label", [Label.REAL, Label.FAKE])
def test_without_a_score_a_verdict_is_uncertain(label: Label) -> None:
    with pytest.raises(ValidationError, match="can only be uncertain"):
        Verdict(label=label, reason="a guess")
    assert Verdict(label=Label.UNCERTAIN, reason="nothing was fit to judge").probability is None


@pytest.mark.parametrize("probability", [-0.01, 1.01, float("nan")])
def test_a_probability_lies_between_0_and_1(probability: float) -> None:
    with pytest.raises(ValidationError):
        Verdict(label=Label.FAKE, probability=probability, reason="x")
    with pytest.raises(ValidationError):
        Score(logit=0.0, probability=probability)


def test_the_wire_form_is_json_and_comes_back_whole() -> None:
    report = full_report()
    wire = report.to_dict()
    assert wire["report_version"] == REPORT_VERSION
    assert wire["status"] == "ok"
    assert wire["verdict"]["label"] == "fake"
    assert wire["verdict"]["region"]["box_px"] == [10, 20, 110, 120]
    assert wire["evidence"][1]["logit"] is None
    assert Report.model_validate(json.loads(json.dumps(wire))) == report


def test_a_failed_file_has_the_same_fields_on_the_wire() -> None:
    failed = Report(source=SOURCE, status=Status.UNREADABLE, message="the file is empty").to_dict()
    assert failed.keys() == full_report().to_dict().keys()
    assert failed["verdict"] is None


def test_values_are_frozen_and_refuse_unknown_fields() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        VERDICT.label = Label.REAL  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Source.model_validate({"path": "a", "colour": "red"})


def test_words_are_plain_strings() -> None:
    assert [str(label) for label in Label] == ["real", "fake", "uncertain"]
    assert [str(status) for status in Status] == ["ok", "unsupported", "unreadable", "nothing_to_judge"]


def test_the_schema_describes_the_wire_form() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = Report.model_json_schema(mode="serialization")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(full_report().to_dict(), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(full_report().to_dict() | {"status": "maybe"}, schema)
