"""The page: what it says, what it may not load, what it escapes, and what it costs."""

from __future__ import annotations

import base64
import io
import os
import re
import sys
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests import some_video, some_voice
from unmask.limits import Limits
from unmask.modalities import image as pictures
from unmask.report import PICTURE_PX, render
from unmask.types import Box, Evidence, Label, Map, ModelUsed, Region, Report, Score, Source, Status, Verdict

VOID = {"meta", "img", "br", "input", "rect", "line"}
FACE = ModelUsed(
    name="face", version="1", sha256="ab" * 32, calibration_set="val set 7", fake_above=0.83, real_below=0.12
)
PICTURE = ModelUsed(
    name="picture", version="2", sha256="cd" * 32, calibration_set="val set 7", fake_above=0.9, real_below=0.2
)
MAP = ((0.0, 1.0), (2.0, 3.0))


@dataclass
class Page(HTMLParser):
    """A page taken apart; fails on tags that do not nest."""

    html: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self.feed(self.html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.text += data

    def named(self, tag: str, of_class: str | None = None) -> list[dict[str, str | None]]:
        return [
            a for t, a in self.tags if t == tag and (of_class is None or of_class in (a.get("class") or "").split())
        ]


def judged(path: Path, **changes: Any) -> Report:
    """A report on a real file, with one face that voted."""
    photo = pictures.load(path)
    box: Box = (16, 12, 80, 84)
    values: dict[str, Any] = {
        "source": photo.source,
        "status": Status.OK,
        "verdict": Verdict(label=Label.FAKE, probability=0.97, reason="0.97 is at or above 0.83", detector="face"),
        "faces": 1,
        "scores": {"face": Score(logit=3.5, probability=0.97)},
        "evidence": (found(box),),
        "models": (FACE,),
        "versions": {"unmask": "9.8.7"},
    }
    return Report(**values | changes)


def found(box: Box, **changes: Any) -> Evidence:
    values: dict[str, Any] = {
        "detector": "face",
        "region": Region(box_px=box),
        "logit": 3.5,
        "probability": 0.97,
        "votes": True,
        "sentence": "this face looks fake",
        "heat_map": MAP,
    }
    return Evidence(**values | changes)


def refused(path: str, message: str = "the file is empty") -> Report:
    return Report(source=Source(path=path), status=Status.UNREADABLE, message=message)


def embedded(address: str | None) -> Image.Image:
    assert address is not None
    head, data = address.split(",", 1)
    assert re.fullmatch(r"data:image/(png|jpeg);base64", head)
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


@pytest.fixture
def photo(tmp_path: Path, upright: Image.Image) -> Path:
    path = tmp_path / "photo.png"
    upright.save(path)
    return path


def test_page_tells_everything_needed_to_repeat_or_dispute(photo: Path) -> None:
    report = judged(photo)
    page = Page(render([report], written=datetime(2025, 3, 4, 5, 6, tzinfo=UTC)))
    text = " ".join(page.text.split())
    assert report.source.bytes is not None
    for told in (
        "Judged fake",
        "0.97 is at or above 0.83",
        "fake from 0.83",
        "real up to 0.12",
        "this face looks fake",
        "Voted",
        "Decided the verdict",
        "1 face found",
        str(report.source.sha256),
        f"{report.source.bytes:,}",
        "PNG, 160 \u00d7 120 px",
        "ab" * 32,
        "version 1, calibrated on val set 7",
        "pooled logit 3.500",
        "unmask 9.8.7",
        "4 March 2025, 05:06 UTC",
        "What this can and cannot know",
        "sole proof",
    ):
        assert told.lower() in text.lower(), told


def test_page_loads_nothing(photo: Path) -> None:
    html = render([judged(photo), refused("a.jpg")])
    page = Page(html)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "form", "base"}
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:").startswith("data:")
        assert (attributes.get("href") or "#").startswith("#")
    assert "default-src 'none'" in html
    assert not re.search(r"https?:|//[a-z]|url\(|@import", re.sub(r"data:image/\w+;base64,[\w+/=]+", "", html))


def test_links_lead_somewhere_and_ids_are_unique(photo: Path) -> None:
    page = Page(render([judged(photo), judged(photo), refused("b.jpg")]))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {(attributes["href"] or "")[1:] for _, attributes in page.tags if "href" in attributes}
    assert targets == {"summary", "file-1", "file-2", "file-3"}
    labels = {attributes["aria-labelledby"] for _, attributes in page.tags if "aria-labelledby" in attributes}
    assert labels <= set(ids)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<script>alert(1)<\\script>.jpg", "<script>alert(1)<\\script>.jpg"),
        ('"><img src=x onerror=alert(1)>.jpg', '"><img src=x onerror=alert(1)>.jpg'),
        ("{{ 7 * 7 }}{% raw %}.jpg", "{{ 7 * 7 }}{% raw %}.jpg"),
        ("a\x1b[31m\x00\nb.jpg", r"a\x1b[31m\x00\nb.jpg"),
        ("invoice_\u202egpj.exe", r"invoice_\u202egpj.exe"),
        ("lone \ud800.jpg", r"lone \ud800.jpg"),
        ("Grüße 東京.jpg", "Grüße 東京.jpg"),
    ],
)
def test_text_from_files_is_shown_and_never_obeyed(name: str, shown: str) -> None:
    page = Page(render([refused(f"folder/{name}", message=f"broken: {name}")]))
    assert page.text.count(shown) == 5, "summary: name and message; detail: heading, message and path"
    assert page.named("script") == []
    assert page.named("img") == []
    assert page.html.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", page.html)


def test_hostile_words_of_a_model_are_escaped(photo: Path) -> None:
    evil = "</dd><script>1</script>"
    model = FACE.model_copy(update={"calibration_set": evil, "version": evil, "name": evil})
    report = judged(photo, models=(model,), versions={evil: evil}, evidence=(found((0, 0, 64, 64), sentence=evil),))
    page = Page(render([report]))
    assert page.named("script") == []
    assert page.text.count(evil) >= 5


def test_boxes_lie_where_the_detector_looked(photo: Path) -> None:
    (box,) = Page(render([judged(photo)])).named("span", "box")
    assert box["style"] == "left:10.000%;top:10.000%;width:40.000%;height:60.000%"
    assert box["aria-label"] == "Region 1"


def test_picture_is_small_and_crop_shows_the_region(tmp_path: Path) -> None:
    large = Image.new("RGB", (2000, 1000), "red")
    large.paste("blue", (500, 250, 900, 650))
    large.save(tmp_path / "large.png")
    page = Page(render([judged(tmp_path / "large.png", evidence=(found((500, 250, 900, 650)),))]))
    thumbnail, picture, crop, heat, legend = (embedded(image["src"]) for image in page.named("img"))
    assert picture.size == (PICTURE_PX, PICTURE_PX // 2)
    assert max(thumbnail.size) < 200
    assert crop.size[0] == crop.size[1]
    red, _, blue = crop.resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert blue > 200 > 60 > red
    assert heat.format == "PNG"
    assert heat.has_transparency_data
    assert legend.size == (256, 1)


def test_every_picture_has_words_unless_its_row_says_them(photo: Path) -> None:
    images = Page(render([judged(photo)])).named("img")
    assert [bool(image["alt"]) for image in images] == [False, True, True, True, True]


def test_no_metadata_travels_into_the_page(tmp_path: Path, upright: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    upright.save(tmp_path / "a.jpg", exif=exif, comment=b"secret comment")
    for image in Page(render([judged(tmp_path / "a.jpg")])).named("img"):
        copy = embedded(image["src"])
        assert not copy.getexif()
        assert not {"comment", "exif", "icc_profile"} & set(copy.info)


def test_a_changed_file_is_not_shown(photo: Path) -> None:
    report = judged(photo)
    Image.new("RGB", (160, 120), "green").save(photo)
    page = Page(render([report]))
    assert "The file has changed since it was judged" in page.text
    assert page.named("figure") == []
    assert "this face looks fake" in page.text, "what was found stays"


def test_a_file_that_is_gone_or_over_a_limit_says_so(photo: Path) -> None:
    report = judged(photo)
    assert "the limit is 100 px" in Page(render([report], limits=Limits(pixels=100))).text
    photo.unlink()
    page = Page(render([report]))
    assert "The picture cannot be shown: the file cannot be read" in page.text
    assert page.named("div", "crop") == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes names that are no UTF-8")
def test_a_name_that_is_no_utf8_still_finds_its_picture(tmp_path: Path, upright: Image.Image) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    upright.save(path)
    page = Page(render([judged(path)]))
    assert len(page.named("figure")) == 1
    assert r"caf\xe9.png" in page.text


def test_status_other_than_ok_shows_its_message() -> None:
    reports = [
        Report(source=Source(path="a.mp4"), status=Status.UNSUPPORTED, message="not a picture"),
        Report(source=Source(path="b.png"), status=Status.NOTHING_TO_JUDGE, message="the picture is 8 x 8 px"),
        refused("c.jpg"),
    ]
    page = Page(render(reports))
    text = " ".join(page.text.split())
    for words in ("Not supported", "Nothing to judge", "Not readable", "3 could not be judged"):
        assert words in text
    assert text.count("the picture is 8 x 8 px") == 2
    assert page.named("svg") == []


def test_votes_information_and_abstention_are_told_apart(photo: Path) -> None:
    evidence = (
        found((0, 0, 64, 64), detector="picture", votes=False, logit=-1.0, probability=0.3, sentence="could be either"),
        found((16, 12, 80, 84)),
        found(
            (90, 12, 120, 42), votes=False, logit=None, probability=None, heat_map=None, sentence="not judged: small"
        ),
    )
    scores = {"face": Score(logit=3.5, probability=0.97), "picture": Score(logit=-1.0, probability=0.3)}
    page = Page(render([judged(photo, evidence=evidence, models=(FACE, PICTURE), scores=scores, faces=2)]))
    states = [tag["class"] for tag in page.named("span", "tag")]
    assert states == ["tag decides", "tag voted", "tag abstained", "tag information-only", "tag information-only"]
    assert len(page.named("details", "informs")) == 1
    assert ["informs" in (box["class"] or "") for box in page.named("span", "box")] == [False, False, True]
    assert "not judged: small" in page.text


def test_those_who_decide_together_are_told_from_those_who_inform(photo: Path) -> None:
    evidence = (
        found((0, 0, 64, 64), detector="other", votes=False),
        found((16, 12, 80, 84)),
        found((0, 0, 64, 64), detector="picture", probability=0.3),
    )
    both = ModelUsed(
        name="face+picture", version="ef" * 4, sha256="ef" * 32, calibration_set="val", fake_above=0.6, real_below=0.4
    )
    other = PICTURE.model_copy(update={"name": "other"})
    verdict = Verdict(label=Label.FAKE, probability=0.77, reason="0.77 is at or above 0.60", detector="face+picture")
    models, scores = (FACE, PICTURE, other, both), {"face+picture": Score(logit=1.2, probability=0.77)}
    page = Page(render([judged(photo, evidence=evidence, models=models, scores=scores, verdict=verdict)]))
    text = " ".join(page.text.split())
    assert text.count("Decided with the others") == 2
    assert "Decided the verdict" not in text
    assert len(page.named("details", "informs")) == 1
    assert page.named("svg")[0]["aria-label"] == "Probability of fake 0.77 on a scale from 0 to 1; fake from 0.60"


def test_all_abstained_has_no_bar_and_no_legend(photo: Path) -> None:
    silent = found((0, 0, 30, 30), votes=False, logit=None, probability=None, heat_map=None, sentence="not judged")
    verdict = Verdict(label=Label.UNCERTAIN, reason="no face in it could be judged")
    page = Page(render([judged(photo, verdict=verdict, evidence=(silent,), scores={})]))
    assert "no score" in page.text
    assert page.named("svg") == []
    assert page.named("div", "legend") == []
    assert page.named("input") == []


def test_evidence_without_region_or_model_still_speaks(photo: Path) -> None:
    remark = Evidence(
        detector="metadata", region=Region(), logit=0.5, probability=0.6, votes=False, sentence="edited in 2031"
    )
    page = Page(render([judged(photo, evidence=(remark,))]))
    assert "edited in 2031" in page.text
    assert page.named("span", "box") == []


def test_what_was_measured_is_a_map_over_its_region_or_a_table_of_its_own(photo: Path) -> None:
    noise = Map(name="noise <b>", unit="grey levels", values=((0.5, None), (1.5, 2.5)))
    table = Map(name="quantisation steps", unit="grey levels", values=((1.0, 2.0),))
    evidence = (
        found((16, 12, 80, 84)),
        found((0, 0, 64, 64), detector="compression", votes=False, heat_map=None, probability=None, map=noise),
        found(
            (0, 0, 64, 64), detector="compression", votes=False, heat_map=None, probability=None, map=table
        ).model_copy(update={"region": Region()}),
    )
    page = Page(render([judged(photo, evidence=evidence)]))
    over, alone = page.named("img", "cells")
    assert "heat" in (over["class"] or "")
    assert embedded(over["src"]).size == (2, 2)
    assert "heat" not in (alone["class"] or "")
    assert embedded(alone["src"]).size == (2, 1)
    assert "noise <b>" in page.text
    assert "2.46 grey levels" in page.text, "the ends of the colours are said in numbers"
    assert over["alt"]
    assert alone["alt"]


def test_bar_shows_thresholds_and_probability(photo: Path) -> None:
    page = Page(render([judged(photo)]))
    bands = [(rect["class"], float(rect["x"] or ""), float(rect["width"] or "")) for rect in page.named("rect")[:3]]
    assert [name for name, _, _ in bands] == ["real", "uncertain", "fake"]
    assert [value for _, *values in bands for value in values] == pytest.approx([0, 12, 12, 71, 83, 17])
    assert float(page.named("line", "needle")[0]["x1"] or "") == pytest.approx(97)
    assert page.named("svg")[0]["aria-label"] == "Probability of fake 0.97 on a scale from 0 to 1; fake from 0.83"


@pytest.mark.parametrize(
    ("probability", "shown", "where"),
    [
        (0.97, "0.97", "fake from 0.83"),
        (0.83, "0.83", "fake from 0.83"),
        (0.8296, "0.8296", "uncertain from 0.12 to 0.83"),
        (0.5, "0.50", "uncertain from 0.12 to 0.83"),
        (0.12, "0.12", "real up to 0.12"),
        (0.1201, "0.1201", "uncertain from 0.12 to 0.83"),
    ],
)
def test_the_band_is_the_one_the_probability_lies_in(photo: Path, probability: float, shown: str, where: str) -> None:
    label = Label.UNCERTAIN if "uncertain" in where else Label.FAKE
    verdict = Verdict(label=label, probability=probability, reason="r", detector="face")
    page = Page(render([judged(photo, verdict=verdict)]))
    assert f"{shown} {where}" in page.text


def test_files_of_every_kind_share_a_page(photo: Path, tmp_path: Path) -> None:
    sound = some_voice.write(tmp_path / "call.wav", some_voice.syllables(1.0))
    page = Page(render([judged(photo), some_video.judged(), some_voice.judged(sound), refused("c.jpg")]))
    assert [article["class"] for article in page.named("article")] == [
        "file fake",
        "file video fake",
        "file video sound fake",
        "file none",
    ]
    text = " ".join(page.text.split())
    assert "3 judged fake 1 could not be judged" in text
    assert "Seen or heard" in text
    for known in ("A video is judged by the frames", "A voice is judged where somebody speaks"):
        assert text.count(known) == 1
    assert "A voice is judged" not in Page(render([judged(photo)])).text


def test_no_file_at_all_is_a_page_too() -> None:
    assert "No file was given" in Page(render([])).text


def test_the_same_reports_give_the_same_page(photo: Path) -> None:
    now = datetime(2025, 1, 1, tzinfo=UTC)
    assert render([judged(photo)], written=now) == render([judged(photo)], written=now)


def test_one_picture_at_a_time_is_in_memory(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report, decode, decoded = judged(photo), pictures.decode, list[weakref.ref[Image.Image]]()

    def watched(*arguments: Any) -> pictures.Photo:
        result = decode(*arguments)
        decoded.append(weakref.ref(result.image))
        return result

    def stream() -> Iterator[Report]:
        for _ in range(5):
            alive.append(sum(image() is not None for image in decoded))
            yield report

    alive: list[int] = []
    monkeypatch.setattr(pictures, "decode", watched)
    render(stream())
    assert len(decoded) == 5
    assert max(alive) <= 1


def test_text_has_enough_contrast_in_light_and_dark() -> None:
    css = files("unmask").joinpath("templates", "report.css").read_text("utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in re.findall(r":root \{(.*?)\}", css, re.S)
    )
    assert light.keys() == dark.keys()
    for scheme in (light, dark):
        for ground in ("ground", "paper", "tint"):
            for ink in ("ink", "muted", "link"):
                assert contrast(scheme[ink], scheme[ground]) >= 4.5, (ink, ground)
        for label in ("fake", "real", "uncertain", "none"):
            assert contrast(scheme["on-label"], scheme[label]) >= 4.5, label
            assert contrast(scheme[label], scheme["ground"]) >= 4.5, label
        for name in ("real-band", "uncertain-band", "fake-band"):
            assert contrast(scheme["needle"], scheme[name]) >= 3, name


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    values = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
