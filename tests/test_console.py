from __future__ import annotations

import io
import json
import signal
import sys
from collections import Counter
from typing import Any

import jsonschema
import pytest

from tests import some_video, some_voice
from unmask import console
from unmask.sparkline import DIGITS
from unmask.types import Curve, Evidence, Label, Region, Report, Source, Status, Verdict


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


def test_a_line_on_a_video_holds_persons_and_duration() -> None:
    assert console.line(some_video.judged()) == "fake         0.93  2 persons  0:02  clip.mp4  (so the scores say)"
    alone = some_video.judged(faces=1, video=some_video.video(duration_s=3725.0))
    assert "  1 person  1:02:05  clip.mp4" in console.line(alone)


def test_the_person_who_decided_has_a_line_with_a_curve() -> None:
    (first,) = console.track_lines(some_video.judged())
    assert first == "    person 1  0:00-0:02  ▁▅ ▅███▅▅▅▅  fake 0.93, highest at 0:01"
    assert console.track_lines(some_video.judged(), everyone=True) == [
        first,
        "    person 2  0:00-0:02  ▁▁▁      ▁▁  real 0.04, highest at 0:00",
    ]


def test_a_curve_needs_no_special_characters() -> None:
    (line,) = console.track_lines(some_video.judged(), marks=DIGITS)
    assert "  05-5" in line
    assert line.isascii()


def test_a_long_track_fits_a_terminal() -> None:
    times = tuple(float(second) for second in range(0, 7200, 30))
    track = some_video.first().model_copy(update={"moments": some_video.moments(dict.fromkeys(times, 0.9))})
    video = some_video.video(duration_s=7200.0, looked_at_s=times, tracks=(track,))
    (line,) = console.track_lines(some_video.judged(video=video))
    assert line.count("█") == console.SPARKLINE_MOST
    assert len(line) < 100


def test_curves_of_several_persons_stand_under_one_another() -> None:
    short = some_video.second().model_copy(update={"moments": some_video.second().moments[:1]})
    lines = console.track_lines(
        some_video.judged(video=some_video.video(tracks=(some_video.first(), short))), everyone=True
    )
    assert lines[0].index("fake 0.93") == lines[1].index("real 0.04")


def test_a_photo_or_a_video_of_nobody_has_no_such_line() -> None:
    assert console.track_lines(judged(), everyone=True) == []
    nobody = Verdict(label=Label.UNCERTAIN, reason="no face was found")
    assert console.track_lines(some_video.judged(video=some_video.video(tracks=()), verdict=nobody)) == []


def test_a_line_on_a_recording_holds_that_there_is_a_voice_and_its_duration() -> None:
    assert console.line(some_voice.judged()) == "fake         0.93  voice  0:20  call.wav  (0.93 is at or above 0.80)"
    nobody = some_voice.voice(duration_s=9.0, speech_s=0.0, verdict=some_voice.unheard(), stretches=())
    report = some_voice.judged(voice=nobody, verdict=some_voice.unheard())
    assert console.line(report) == "uncertain       -   -  0:09  call.wav  (nobody speaks in it)"
    assert console.track_lines(report, everyone=True) == []


def test_a_voice_has_a_line_with_a_curve_and_the_seconds_that_decided() -> None:
    (line,) = console.track_lines(some_voice.judged())
    assert line == "    voice     0:00-0:20  ▁▁ ▅██▅  fake 0.93, most at 0:12 to 0:16"
    (plain,) = console.track_lines(some_voice.judged(), marks=DIGITS)
    assert "  10-6995  " in plain
    hours = some_voice.voice(
        duration_s=7200.0, stretches=some_voice.stretches({2.0 * index: 0.9 for index in range(3599)})
    )
    (long,) = console.track_lines(some_voice.judged(voice=hours))
    assert long.count("█") == console.SPARKLINE_MOST
    assert len(long) < 100


def test_the_voice_of_a_video_is_told_where_asked_for_or_where_it_decided() -> None:
    heard = some_voice.voice(duration_s=2.0, stretches=some_voice.stretches({0.0: 0.97}, 2.0))
    report = some_video.judged(voice=heard)
    assert [text.split()[0] for text in console.track_lines(report)] == ["person"]
    lines = console.track_lines(report, everyone=True)
    assert lines[-1] == "    voice     0:00-0:02  █            fake 0.93, most at 0:12 to 0:16"
    assert lines[0].index("fake 0.93") == lines[-1].index("fake 0.93")
    (decided,) = console.track_lines(report.model_copy(update={"verdict": heard.verdict}))
    assert decided.startswith("    voice  ")
    silent = some_voice.voice(duration_s=2.0, verdict=some_voice.unheard(), stretches=())
    lines = console.track_lines(some_video.judged(voice=silent), everyone=True)
    assert lines[-1].endswith("uncertain -  (nobody speaks in it)")
    assert len(console.track_lines(some_video.judged(voice=silent))) == 1


def test_only_the_label_of_a_person_is_coloured() -> None:
    plain, painted = (console.track_lines(some_video.judged(), colour=colour)[0] for colour in (False, True))
    assert painted.replace("\x1b[31m", "").replace("\x1b[0m", "") == plain
    assert "\x1b[31mfake\x1b[0m 0.93" in painted


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8", "▁▅ ▅███▅▅▅▅"), ("ascii", "05-5")])
def test_the_writer_draws_what_stdout_can_carry(monkeypatch: pytest.MonkeyPatch, encoding: str, shown: str) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    with console.writer("people") as put:
        put(some_video.judged())
        put(judged())
    lines = raw.getvalue().decode(encoding).splitlines()
    assert shown in lines[1]
    assert len(lines) == 3


def test_the_writer_shows_everybody_and_no_single_look(capsys: pytest.CaptureFixture[str]) -> None:
    whole = Evidence(
        detector="track",
        region=Region(track=1, start_s=0.0, end_s=2.0),
        logit=2.6,
        probability=0.93,
        votes=True,
        sentence="this person looks fake",
    )
    look = whole.model_copy(update={"region": Region(track=1, start_s=1.0, end_s=1.0), "heat_map": ((1.0,),)})
    with console.writer("people", evidence=True, everyone=True) as put:
        put(some_video.judged(evidence=(whole, look)))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["fake", "person", "person", "track:"]
    assert lines[-1] == "    track: person 1, 0:00.0 to 0:02.0: this person looks fake"


def test_the_writer_leaves_single_windows_to_the_line_of_the_voice(capsys: pytest.CaptureFixture[str]) -> None:
    whole = some_voice.window(12.0, heat_map=None, detector="spectral", votes=False, sentence="the pitch hardly moves")
    with console.writer("people", evidence=True) as put:
        put(some_voice.judged(evidence=(some_voice.window(0.0), whole)))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["fake", "voice", "spectral:"]
    assert lines[-1] == "    spectral: 0:12.0 to 0:16.0: the pitch hardly moves (information only)"


def test_json_holds_all_of_a_video_as_the_schema_describes_it(capsys: pytest.CaptureFixture[str]) -> None:
    curve = Curve(detector="lipsync", name="opening of the mouth", unit="px", track=1, times_s=(0, 1), values=(2, None))
    report = some_video.judged(
        video=some_video.video(curves=(curve,), looked_closer_s=(0.9,), notes=("it breaks off",))
    )
    with console.writer("jsonl") as put:
        put(report)
    written = json.loads(capsys.readouterr().out)
    schema = Report.model_json_schema(mode="serialization")
    assert {"Video", "Track", "Moment", "Curve"} <= set(schema["$defs"])
    jsonschema.Draft202012Validator(schema).validate(written)
    assert Report.model_validate_json(json.dumps(written)) == report
    assert written["video"]["tracks"][0]["moments"][2] == {
        "time_s": 0.4,
        "box_px": [10, 20, 50, 70],
        "probability": None,
    }
    del written["video"]["tracks"][0]["verdict"]
    assert not jsonschema.Draft202012Validator(schema).is_valid(written)


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
