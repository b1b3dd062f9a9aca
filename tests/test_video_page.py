"""What the page shows of a video, and what it does when the file is not what it was."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import draw_video, some_video
from tests.some_video import FACE, MODEL
from tests.test_report import Page, contrast, embedded
from unmask import video_page
from unmask.errors import UsageError
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.report import render
from unmask.types import Curve, Evidence, Label, Region, Report, Score, Source, Status, Verdict

HEAT = ((0.0, 1.0), (2.0, 3.0))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """21 frames in 2.1 s, each brighter than the one before; the right half is brighter than the left."""
    return draw_video.draw(tmp_path_factory.mktemp("clips") / "two <b>.mp4")


def judged(path: Path, **changes: Any) -> Report:
    data = path.read_bytes()
    source = Source(
        path=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        format="mov",
        width_px=draw_video.WIDTH_PX,
        height_px=draw_video.HEIGHT_PX,
    )
    return some_video.judged(**{"source": source, **changes})


def look(time_s: float, **changes: Any) -> Evidence:
    values: dict[str, Any] = {
        "detector": "track",
        "region": Region(start_s=time_s, end_s=time_s, box_px=FACE, track=1),
        "logit": 2.0,
        "probability": 0.9,
        "votes": False,
        "sentence": "this face looks fake",
        "heat_map": HEAT,
    }
    return Evidence(**values | changes)


def said(detector: str, sentence: str, **changes: Any) -> Evidence:
    values: dict[str, Any] = {
        "detector": detector,
        "region": Region(start_s=0.4, end_s=1.4, track=2),
        "logit": 0.2,
        "probability": 0.6,
        "votes": False,
        "sentence": sentence,
    }
    return Evidence(**values | changes)


def text_of(page: Page) -> str:
    return " ".join(page.text.split())


def test_the_page_names_the_person_and_the_seconds(clip: Path) -> None:
    text = text_of(Page(render([judged(clip)])))
    for told in (
        "Judged fake",
        "Person 1, 0:00.8 to 0:01.2",
        "0:02.1 long, 2 persons, 11 frames looked at, no sound",
        "seen 0:00.0 to 0:02.0, most like a fake 0:00.8 to 0:01.2",
        "2 persons in 0:02",
        "0:02.1 (2.10 s), 21 frames",
        "11 frames: 0.00, 0.20,",
        "A video is judged by the frames that were looked at",
        "Numbers of person 2",
    ):
        assert told in text, told


def test_every_person_has_a_timeline_on_the_same_seconds(clip: Path) -> None:
    page = Page(render([judged(clip)]))
    drawn = [svg for svg in page.named("svg") if (svg["aria-label"] or "").startswith("Person")]
    assert len(drawn) == 2
    assert all(svg["role"] == "img" for svg in drawn)
    assert "away between 0:00.4 and 0:01.8" in (drawn[1]["aria-label"] or "")
    assert len(page.named("path", "unjudged")) == 1
    assert len([dot for dot in page.named("path", "dot") if dot["class"] == "dot"]) == 10 + 5
    assert len(page.named("rect", "marked")) == 2
    assert len(page.named("rect", "away")) == 2
    ticks = [line["x1"] for line in page.named("line", "tick")]
    assert ticks[: len(ticks) // 2] == ticks[len(ticks) // 2 :]


def test_bands_are_those_of_the_bar(clip: Path) -> None:
    page = Page(render([judged(clip)]))
    away = [tag for tag, attributes in page.tags if tag == "rect" and attributes.get("class") == "away"]
    assert away
    bands = [rect for rect in page.named("rect") if rect["width"] == "100.0" and rect["class"] != "away"]
    assert [rect["class"] for rect in bands] == ["fake", "uncertain", "real"]
    heights = [float(rect["height"] or "") for rect in bands]
    assert heights == pytest.approx([17, 71, 12])


def test_key_frames_are_the_frames_that_were_judged(clip: Path) -> None:
    shown = video_page.of(judged(clip, evidence=(look(1.0), look(0.0, logit=-1.0))), DEFAULT_LIMITS)
    assert [(frame.rank, frame.moment.time_s) for frame in shown.key_frames] == [
        ("Highest", 1.0),
        ("Middle", 1.4),
        ("Lowest", 0.0),
    ]
    for frame in shown.key_frames:
        right = np.asarray(embedded(frame.picture).convert("RGB"))[:, 80:]
        assert draw_video.number(right) == pytest.approx(10 * frame.moment.time_s, abs=1.1)
    assert [frame.heat is not None for frame in shown.key_frames] == [True, False, True]
    assert shown.scale == pytest.approx(3.5)
    crop = shown.key_frames[0].crop
    assert embedded(crop).size == (FACE[2] - FACE[0], FACE[3] - FACE[1])


def test_others_in_a_key_frame_are_marked_aside(clip: Path) -> None:
    shown = video_page.of(judged(clip), DEFAULT_LIMITS)
    assert [[(place.number, place.aside) for place in frame.places] for frame in shown.key_frames] == [
        [(1, False)],
        [(1, False)],
        [(1, False), (2, True)],
    ]
    place = shown.key_frames[0].places[0]
    assert (place.left, place.top) == pytest.approx((100 * 10 / 128, 100 * 20 / 96))


def test_everybody_has_a_portrait_and_the_summary_a_thumbnail(clip: Path) -> None:
    shown = video_page.of(judged(clip), DEFAULT_LIMITS)
    assert shown.portraits.keys() == {1, 2}
    first, second = (np.asarray(embedded(shown.portraits[number])).mean() for number in (1, 2))
    assert first == pytest.approx(40, abs=2), "the darker half of frame 10, their highest look"
    assert second == pytest.approx(20, abs=2), "the brighter half of frame 0"
    page = Page(render([judged(clip)]))
    assert page.named("img")[0]["src"] == shown.thumbnail


def test_a_heat_map_belongs_to_its_person_and_moment(clip: Path) -> None:
    others = (
        look(1.0, region=Region(start_s=1.0, end_s=1.0, track=2)),
        look(0.3),
        look(1.0, heat_map=None),
        look(1.0, logit=None, probability=None),
    )
    shown = video_page.of(judged(clip, evidence=others), DEFAULT_LIMITS)
    assert (shown.scale, [frame.heat for frame in shown.key_frames]) == (None, [None] * 3)


def test_a_few_looks_give_a_few_key_frames(clip: Path) -> None:
    two = some_video.first().model_copy(update={"moments": some_video.moments({0.2: 0.9, 0.4: 0.8, 0.6: None})})
    shown = video_page.of(judged(clip, video=some_video.video(tracks=(two,))), DEFAULT_LIMITS)
    assert [(frame.rank, frame.moment.time_s) for frame in shown.key_frames] == [("Highest", 0.2), ("Lowest", 0.4)]


def test_a_box_that_leaves_the_frame_is_cut_at_its_edge(clip: Path) -> None:
    for box, size in (((-20, -10, 30, 40), (30, 40)), ((300, 300, 340, 340), None)):
        track = some_video.first().model_copy(update={"moments": some_video.moments({0.2: 0.9}, box)})
        (frame,) = video_page.of(judged(clip, video=some_video.video(tracks=(track,))), DEFAULT_LIMITS).key_frames
        assert (embedded(frame.crop).size if frame.crop else None) == size


def test_a_changed_file_is_not_shown(clip: Path, tmp_path: Path) -> None:
    report = judged(clip)
    other = draw_video.draw(tmp_path / "other.mp4", frames=5)
    changed = report.model_copy(update={"source": report.source.model_copy(update={"path": str(other)})})
    page = Page(render([changed]))
    assert "The file has changed since it was judged, so its frames are not shown." in page.text
    assert page.named("img") == []
    assert "Person 1, 0:00.8 to 0:01.2" in text_of(page), "what was found stays"


def test_a_file_that_is_gone_or_over_a_limit_says_so(clip: Path) -> None:
    gone = judged(clip).model_copy(update={"source": judged(clip).source.model_copy(update={"path": "gone.mp4"})})
    assert "The frames cannot be shown: the file cannot be read." in Page(render([gone])).text
    assert "The frames cannot be shown:" in Page(render([judged(clip)], limits=Limits(video_bytes=10))).text


def test_a_video_of_nobody_still_has_a_thumbnail(clip: Path) -> None:
    verdict = Verdict(label=Label.UNCERTAIN, reason="no face was found in the frames looked at")
    report = judged(clip, verdict=verdict, faces=0, scores={}, video=some_video.video(tracks=()))
    page = Page(render([report]))
    assert len(page.named("img")) == 1
    assert "Persons over time" not in page.text
    assert "no face was found" in page.text
    assert "0 persons" in text_of(page)


def test_witnesses_say_what_they_found_and_about_whom(clip: Path) -> None:
    evidence = (
        said("lipsync", "the mouth follows the sound", region=Region(start_s=0.4, end_s=1.4, track=1)),
        said("lighting", "not judged: too small", logit=None, probability=None),
        said("track", "this person looks fake", votes=True, region=Region(start_s=0.0, end_s=2.0, track=1)),
        look(1.0),
    )
    scores = {"track": Score(logit=2.6, probability=0.93), "motion": Score(logit=0.0, probability=0.5)}
    page = Page(render([judged(clip, evidence=evidence, scores=scores)]))
    text = text_of(page)
    for told in ("person 1, 0:00.4 to 0:01.4", "the mouth follows the sound", "not judged: too small", "Abstained"):
        assert told in text, told
    assert "this face looks fake" not in text, "single looks are in the timeline"
    order = [text.index(f"Detector “{name}”") for name in ("track", "motion", "lipsync", "lighting")]
    assert order[0] == min(order)
    assert text.count("Decided the verdict") == 2, "the detector and the person"
    assert text.count("Information only") == 2


def test_curves_are_drawn_with_their_units_and_numbers(clip: Path) -> None:
    times = tuple(index / 10 for index in range(20))
    curves = (
        Curve(detector="lipsync", name="opening of the mouth", unit="px", track=1, times_s=times, values=times),
        Curve(detector="lipsync", name="loudness", unit="dB", times_s=times, values=times),
    )
    page = Page(render([judged(clip, video=some_video.video(curves=curves, has_sound=True))]))
    (drawn,) = [svg for svg in page.named("svg") if "loudness" in (svg.get("aria-label") or "")]
    assert drawn["aria-label"] == (
        "opening of the mouth and loudness of person 1 from 0:00.0 to 0:01.9: opening of the mouth from 0 to 1.9 px; "
        "loudness from 0 to 1.9 dB"
    )
    assert "opening of the mouth in px" in page.text
    assert "with sound" in page.text
    (mouth, _, _, mouth_again) = [path["class"] for path in page.named("path") if "series" in (path["class"] or "")]
    assert mouth == mouth_again == "series-1", "the person lies above the sound"


def test_without_thresholds_there_are_no_bands(clip: Path) -> None:
    page = Page(render([judged(clip, models=())]))
    assert page.named("div", "bands") == []
    assert {rect["class"] for rect in page.named("rect")} == {"away", "uncertain", "marked"}


def test_text_of_a_video_is_shown_and_never_obeyed(clip: Path) -> None:
    evil = '"><script>alert(1)</script>{{ 7 * 7 }}'
    curve = Curve(detector=evil, name=evil, unit=evil, track=1, times_s=(0.0, 1.0), values=(1.0, 2.0))
    report = judged(
        clip,
        video=some_video.video(curves=(curve,), notes=(evil,)),
        evidence=(said(evil, evil), look(1.0, detector=evil)),
        models=(MODEL.model_copy(update={"calibration_set": evil}),),
    )
    page = Page(render([report]))
    assert page.named("script") == []
    assert page.named("b") == []
    assert page.text.count(evil) >= 6
    assert page.html.isascii()


def test_the_page_loads_nothing_and_its_ids_are_unique(clip: Path) -> None:
    page = Page(render([judged(clip), judged(clip)]))
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "form", "base", "video"}
    assert all((attributes.get("src") or "data:").startswith("data:") for _, attributes in page.tags)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(svg.get("aria-label") or svg.get("aria-hidden") for svg in page.named("svg"))


def test_a_video_that_could_not_be_judged_shows_its_status() -> None:
    report = Report(source=Source(path="a.gif"), status=Status.NOTHING_TO_JUDGE, message="the file has no pictures")
    text = text_of(Page(render([report])))
    assert "Nothing to judge" in text
    assert "A video is judged" not in text


def test_a_report_on_a_photo_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="not of a video"):
        video_page.of(some_video.judged(video=None), DEFAULT_LIMITS)


def test_curves_are_seen_on_their_ground_in_light_and_dark() -> None:
    templates = files("unmask").joinpath("templates")
    schemes = [
        [dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in re.findall(r":root \{(.*?)\}", css, re.DOTALL)]
        for css in (templates.joinpath(name).read_text("utf-8") for name in ("report.css", "video.css"))
    ]
    for page, own in zip(*schemes, strict=True):
        assert own.keys() == {"curve-1", "curve-2"}
        for colour in own.values():
            assert contrast(colour, page["tint"]) >= 3
            assert contrast(colour, page["paper"]) >= 3
