"""What the page shows of a voice, and what it does when the file is not what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import draw_video, some_video, some_voice
from tests.some_voice import MARKED, MODEL, WINDOWS, judged, stretches, voice, window
from tests.test_report import Page, embedded
from unmask import sound_page
from unmask.errors import UsageError
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.report import render
from unmask.time_charts import Axis
from unmask.types import Curve, Evidence, Label, Region, Report, Score, Status


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 s of a drawn voice, silent from 8 to 10 s."""
    return some_voice.draw(tmp_path_factory.mktemp("sounds") / "a <b>call.wav")


def of(report: Report) -> sound_page.SoundPage:
    return sound_page.of(report, DEFAULT_LIMITS)


def text_of(page: Page) -> str:
    return " ".join(page.text.split())


def said(sentence: str, **changes: Any) -> Evidence:
    values: dict[str, Any] = {
        "detector": "spectral",
        "region": MARKED,
        "logit": 0.4,
        "probability": 0.6,
        "votes": False,
        "sentence": sentence,
    }
    return Evidence(**values | changes)


def test_the_verdict_comes_first_and_all_is_told(call: Path) -> None:
    text = text_of(Page(render([judged(call, voice=voice(notes=("the file breaks off",)))])))
    for told in (
        "Judged fake",
        "most at 0:12.0 to 0:16.0",
        "0.93 is at or above 0.80",
        "0:20.0 of sound, 0:13.5 of speech, pcm_s16le at 16,000 Hz, 1 channel",
        "the file breaks off",
        "fake from 0.80",
        "Voice over time",
        "Seen or heard",
        "0:13 of speech in 0:20",
        "7, of which 6 could be judged",
        "A voice is judged where somebody speaks",
        "version 1, calibrated on val set 9",
    ):
        assert told in text, told
    assert text.index("0.93 is at or above 0.80") < text.index("Voice over time") < text.index("Numbers of the voice")
    assert "None" not in text


def test_the_line_and_the_sound_share_their_seconds(call: Path) -> None:
    shown = of(judged(call))
    assert shown.line
    assert shown.overview
    assert shown.line.axis == shown.overview.axis == Axis(0.0, 20.0)
    assert shown.line.marked == shown.overview.marked == (60.0, 20.0)
    page = Page(render([judged(call)]))
    (marks, close) = page.named("span", "seconds")
    assert marks["style"] == "left:60.0%;width:20.0%"
    assert page.named("rect", "marked")[0]["x"] == "60.0"
    assert close["style"] == "left:30.0%;width:40.0%"


def test_the_spectrogram_is_that_of_the_file(call: Path) -> None:
    sight = of(judged(call)).overview
    assert sight
    grey = np.asarray(embedded(sight.picture).convert("L"), np.float32)
    columns = np.linspace(0, 20, grey.shape[1])
    silent = (columns > 8.2) & (columns < 9.8)
    assert grey[:, silent].max() < 50
    assert grey[:, columns < 8].max() > 150
    assert grey.shape[0] < grey.shape[1]


def test_a_closer_view_lies_around_the_seconds_that_decided(call: Path) -> None:
    shown = of(judged(call))
    assert shown.close_up
    assert shown.close_up.axis == Axis(9.0, 19.0)
    assert shown.close_up.marked == (30.0, 40.0)
    last = of(judged(call, voice=voice(verdict=some_voice.verdict(region=Region(start_s=16.0, end_s=20.0)))))
    assert last.close_up
    assert last.close_up.axis == Axis(10.0, 20.0)
    both = of(judged(call, voice=voice(verdict=some_voice.verdict(region=Region(start_s=0.0, end_s=20.0)))))
    assert both.close_up
    assert both.close_up.axis == Axis(9.0, 19.0), "of more than fits, the highest window"


def test_a_short_recording_or_one_without_such_seconds_needs_no_closer_view(tmp_path: Path, call: Path) -> None:
    short = some_voice.write(tmp_path / "short.wav", some_voice.syllables(4.0))
    said = voice(
        duration_s=4.0,
        stretches=stretches({0.0: 0.97}),
        verdict=some_voice.verdict(region=Region(start_s=0.0, end_s=4.0)),
    )
    shown = of(judged(short, voice=said, evidence=(window(0.0),)))
    assert shown.close_up is None
    assert shown.overview
    assert len(shown.overview.heats) == 1
    assert embedded(shown.overview.picture).size == (400, 256)
    assert of(judged(call, voice=voice(verdict=some_voice.verdict(region=None)))).close_up is None


def test_a_heat_map_lies_over_its_window_with_high_frequencies_above(call: Path) -> None:
    shown = of(judged(call, evidence=(window(12.0),)))
    assert shown.close_up
    assert shown.overview
    assert shown.overview.heats == ()
    (heat,) = shown.close_up.heats
    assert (heat.left, heat.width) == pytest.approx((30, 40))
    colours = np.asarray(embedded(heat.picture).convert("RGBA"), np.float32)
    upper, lower = colours[4, 24], colours[-4, 24]
    assert upper[0] > upper[2], "the upper row speaks for fake"
    assert upper[3] > lower[3]
    assert lower[2] > lower[0], "the lower for real"
    assert shown.scale == pytest.approx(5)
    page = Page(render([judged(call, evidence=(window(12.0),))]))
    assert len(page.named("img", "mapped")) == 1
    assert len(page.named("input", "show-heat")) == 1


def test_heat_maps_of_overlapping_windows_are_not_laid_over_one_another(call: Path) -> None:
    evidence = (
        window(10.0, logit=1.0),
        window(12.0, logit=3.0),
        window(14.0, logit=2.0),
        window(16.0, logit=-1.0),
        window(0.0, logit=9.0),
        window(8.0, detector="other", votes=False),
    )
    shown = of(judged(call, evidence=evidence))
    assert shown.close_up
    assert [heat.left for heat in shown.close_up.heats] == pytest.approx([30, 70])
    assert "this window sounds fake" not in Page(render([judged(call, evidence=evidence)])).text


def test_without_heat_maps_there_is_nothing_to_switch(call: Path) -> None:
    silent = window(12.0, heat_map=None), window(14.0, logit=None, probability=None, votes=False)
    shown = of(judged(call, evidence=silent))
    assert (shown.scale, shown.close_up and shown.close_up.heats) == (None, ())
    assert Page(render([judged(call, evidence=silent)])).named("input") == []


def test_detectors_say_what_they_found_and_when(call: Path) -> None:
    evidence = (said("the pitch hardly moves"), said("too short", logit=None, probability=None), window(12.0))
    scores = {"voice": Score(logit=2.6, probability=0.93), "spectral": Score(logit=0.4, probability=0.6)}
    text = text_of(Page(render([judged(call, evidence=evidence, scores=scores)])))
    for told in ("Detector “spectral” Information only", "0:12.0 to 0:16.0", "the pitch hardly moves", "Abstained"):
        assert told in text, told
    assert "Detector “voice”" not in text, "the verdict has said it"


def test_curves_are_drawn_and_hours_of_them_stay_small(call: Path) -> None:
    times = tuple(index / 100 for index in range(100_000))
    pitch = Curve(
        detector="spectral",
        name="pitch",
        unit="Hz",
        times_s=times,
        values=tuple(None if index % 700 > 500 else 100.0 + index % 7 for index in range(len(times))),
    )
    shown = of(judged(call, voice=voice(curves=(pitch,))))
    (chart,) = shown.charts
    assert chart.words == "pitch of the sound from 0:00.0 to 16:40.0: pitch from 100 to 106 Hz"
    assert 200 < chart.lines[0].path.count("L") <= 1000
    assert chart.lines[0].path.count("M") > 50, "where nobody speaks, it breaks"
    assert len(chart.rows) <= 100
    assert "pitch in Hz" in Page(render([judged(call, voice=voice(curves=(pitch,)))])).text


def test_an_hour_makes_a_small_page(call: Path) -> None:
    windows: dict[float, float | None] = {2.0 * index: (index % 90) / 100 for index in range(1798)}
    long = voice(duration_s=3600.0, stretches=stretches(windows))
    evidence = tuple(window(start) for start in windows)
    html = render([judged(call, voice=long, evidence=evidence)])
    assert len(html) < 250_000
    assert "Of each 18 windows the highest is shown" in html
    assert "A step is the highest of several windows" in html


def test_a_changed_file_is_not_shown(call: Path, tmp_path: Path) -> None:
    other = some_voice.write(tmp_path / "other.wav", some_voice.syllables(2.0))
    report = judged(call)
    changed = report.model_copy(update={"source": report.source.model_copy(update={"path": str(other)})})
    page = Page(render([changed]))
    assert "The file has changed since it was judged, so its spectrogram is not shown." in page.text
    assert page.named("img") == []
    assert len(page.named("path", "curve")) == 2, "what was found stays"
    assert page.named("div", "times"), "and so do its seconds"


def test_a_file_that_is_gone_or_over_a_limit_says_so(call: Path) -> None:
    report = judged(call)
    gone = report.model_copy(update={"source": report.source.model_copy(update={"path": "gone.wav"})})
    assert "The spectrogram cannot be shown: the file cannot be read." in Page(render([gone])).text
    small = Page(render([report], limits=Limits(video_bytes=10)))
    assert "The spectrogram cannot be shown: " in small.text
    assert small.named("img") == []


def test_where_nobody_speaks_the_page_says_so(tmp_path: Path) -> None:
    path = some_voice.write(tmp_path / "hum.wav", some_voice.tone(50.0, 3.0))
    nobody = some_voice.unheard()
    heard = voice(duration_s=3.0, speech_s=0.0, verdict=nobody, stretches=())
    page = Page(render([judged(path, verdict=nobody, scores={}, voice=heard)]))
    text = text_of(page)
    for told in ("Uncertain", "nobody speaks in it", "0:00 of speech in 0:03", "no score", "Sound over time"):
        assert told in text, told
    assert page.named("svg") == []
    assert len(page.named("img")) == 2, "thumbnail and spectrogram"
    assert "Numbers of the voice" not in text


def test_a_recording_that_could_not_be_judged_shows_its_status() -> None:
    report = judged("a.wav", status=Status.NOTHING_TO_JUDGE, message="nobody speaks in it", verdict=None)
    for heard in (report, report.model_copy(update={"voice": None})):
        page = Page(render([heard]))
        assert "Nothing to judge" in page.text
        assert page.named("svg") == []


def test_the_thumbnail_is_a_small_spectrogram(call: Path) -> None:
    page = Page(render([judged(call)]))
    thumbnail = embedded(page.named("img")[0]["src"])
    assert thumbnail.size == (112, 112)
    grey = np.asarray(thumbnail.convert("L"), np.float32)
    assert grey[:, 47:54].max() < 60 < grey[:, :44].max(), "the pause is dark"


def test_a_video_shows_its_voice_below_its_persons(tmp_path: Path) -> None:
    clip = draw_video.draw(tmp_path / "clip.mp4")
    source = judged(clip).source
    heard = voice(
        duration_s=2.1,
        stretches=stretches({0.0: 0.97}, 2.1),
        verdict=some_voice.verdict(reason="the voice says so", region=Region(start_s=0.0, end_s=2.1)),
        notes=("the sound breaks off",),
    )
    models = (some_video.MODEL, MODEL)
    report = some_video.judged(source=source, models=models, voice=heard, evidence=(said("the pitch hardly moves"),))
    text = text_of(Page(render([report])))
    assert text.index("Persons over time") < text.index("Voice over time")
    for told in ("the voice says so", "most like a fake 0:00.0 to 0:02.1", "the sound breaks off", "2 persons"):
        assert told in text, told
    assert text.count("the pitch hardly moves") == 1
    assert "Voice over time Decided the verdict" not in text
    by_ear = report.model_copy(update={"verdict": heard.verdict})
    assert "Voice over time Decided the verdict" in text_of(Page(render([by_ear])))


def test_every_drawing_has_words_and_the_page_loads_nothing(call: Path) -> None:
    evil = '"><script>alert(1)</script>{{ 7 * 7 }}'
    curve = Curve(detector=evil, name=evil, unit=evil, times_s=(0.0, 1.0), values=(1.0, 2.0))
    report = judged(
        call,
        voice=voice(curves=(curve,), notes=(evil,), codec=evil),
        evidence=(said(evil, detector=evil), window(12.0, detector=evil)),
    )
    page = Page(render([report, report]))
    assert page.named("script") == []
    assert page.named("b") == []
    assert page.html.isascii()
    assert all((attributes.get("src") or "data:").startswith("data:") for _, attributes in page.tags)
    assert all(svg.get("aria-label") or svg.get("aria-hidden") for svg in page.named("svg"))
    assert [bool(image["alt"]) for image in page.named("img")].count(False) == 2, "only the summary's need none"
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_without_thresholds_there_are_no_bands(call: Path) -> None:
    page = Page(render([judged(call, models=())]))
    assert page.named("div", "bands") == []
    assert {rect["class"] for rect in page.named("rect")} == {"away", "uncertain", "marked"}


def test_a_report_without_sound_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="not of sound"):
        of(some_video.judged())


def test_a_label_is_as_the_verdict_says(call: Path) -> None:
    real = some_voice.verdict(label=Label.REAL, probability=0.03, reason="0.03 is at or below 0.15", region=None)
    low = stretches(dict.fromkeys(WINDOWS, 0.03))
    page = Page(render([judged(call, verdict=real, voice=voice(verdict=real, stretches=low))]))
    assert "Judged real" in page.text
    assert page.named("rect", "marked") == []
    assert page.named("span", "seconds") == []
