from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from typing import Any

import pytest

from unmask import console
from unmask.types import Evidence, Label, Region, Report, Source, Status, Verdict


def judged(path: str = "a.jpg", label: Label = Label.FAKE, probability: float | None = 0.97, **more: Any) -> Report:
    verdict = Verdict(label=label, probability=probability, reason="0.97 is at or above the threshold for fake, 0.83")
    return Report(source=Source(path=path), status=Status.OK, verdict=verdict, faces=1, **more)


def refused(path: str = "a.jpg") -> Report:
    return Report(source=Source(path=path), status=Status.NOTHING_TO_JUDGE, message="the picture is too small")


def test_a_line_holds_verdict_probability_faces_path_and_reason() -> None:
    reason = "(0.97 is at or above the threshold for fake, 0.83)"
    assert console.line(judged()) == f"fake         0.97    1 face  a.jpg  {reason}"
    assert console.line(refused()) == "not judged      -         -  a.jpg  (nothing to judge: the picture is too small)"


@pytest.mark.parametrize(
    ("probability", "shown"), [(0.5, " 0.50 "), (0.999, ">0.99"), (0.001, "<0.01"), (None, "    - ")]
)
def test_no_line_claims_certainty(probability: float | None, shown: str) -> None:
    assert shown in console.line(judged(label=Label.UNCERTAIN, probability=probability))


def test_colour_adds_nothing_that_a_reader_without_it_misses() -> None:
    plain, painted = console.line(judged()), console.line(judged(), colour=True)
    assert "\x1b[31mfake" in painted
    for code in ("\x1b[31m", "\x1b[2m", "\x1b[0m"):
        painted = painted.replace(code, "")
    assert painted == plain


def test_names_cannot_reach_the_terminal() -> None:
    report = judged("a\x1b]0;title\x07\nb\u202e.jpg")
    assert console.line(report).isprintable()
    assert "a\\x1b]0;title\\x07\\nb\\u202e.jpg" in console.line(report)
    evidence = Evidence(
        detector="x\x1b[2J", region=Region(), logit=1.0, probability=0.7, votes=True, sentence="looks\rfake"
    )
    assert console.evidence_line(evidence).isprintable()


def test_an_evidence_line_says_where_and_whether_it_voted() -> None:
    evidence = Evidence(
        detector="face",
        region=Region(box_px=(1, 2, 3, 4)),
        logit=1.0,
        probability=0.7,
        votes=False,
        sentence="looks fake",
    )
    assert console.evidence_line(evidence) == "    face: x 1 to 3, y 2 to 4: looks fake (information only)"
    voting = evidence.model_copy(update={"votes": True, "region": Region()})
    assert console.evidence_line(voting) == "    face: looks fake"


def test_the_tally_counts_in_words() -> None:
    assert console.tally(Counter({"real": 2, "fake": 1})) == "3 files: 1 fake, 2 real"
    assert console.tally(Counter({"not judged": 1})) == "1 file: 1 not judged"
    assert console.tally(Counter()) == "0 files: nothing to scan"


def test_colour_needs_a_terminal_and_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert not console.coloured()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert console.coloured()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not console.coloured()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_array(capsys: pytest.CaptureFixture[str], count: int) -> None:
    with console.writer("json") as put:
        for _ in range(count):
            put(judged())
    assert json.loads(capsys.readouterr().out) == [judged().to_dict()] * count


def test_json_is_closed_however_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), console.writer("json") as put:
        put(judged())
        raise KeyboardInterrupt
    assert json.loads(capsys.readouterr().out) == [judged().to_dict()]


def test_jsonl_is_ascii_and_one_report_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with console.writer("jsonl") as put:
        put(judged("é\x1b\n\u202e.jpg"))
        put(refused())
    out = capsys.readouterr().out
    assert out.isascii()
    assert [json.loads(text)["source"]["path"] for text in out.splitlines()] == ["é\x1b\n\u202e.jpg", "a.jpg"]


def test_an_interrupt_waits_for_the_block_to_end() -> None:
    before = signal.getsignal(signal.SIGINT)
    steps = []
    with pytest.raises(KeyboardInterrupt), console.uninterrupted():
        steps.append("written")
        signal.raise_signal(signal.SIGINT)
        steps.append("counted")
    assert steps == ["written", "counted"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interrupt_does_not_wait() -> None:
    with pytest.raises(KeyboardInterrupt), console.uninterrupted():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("still in the block")


def test_errors_pass_through_an_uninterrupted_block() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(BrokenPipeError), console.uninterrupted():
        raise BrokenPipeError
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("terminal", "shown"), [(True, True), (True, False), (False, True)])
def test_the_bar_is_drawn_only_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool, shown: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with console.progress(lambda: 2, shown=shown) as advance:
        print("a report")
        advance()
    captured = capsys.readouterr()
    assert captured.out == "a report\n"
    assert ("scanning" in captured.err) == (terminal and shown)
