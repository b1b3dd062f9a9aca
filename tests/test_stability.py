"""Whether a verdict holds: the copies, who of them has a say, and what is told when one leaves the verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.make_bundle import make_bundle
from unmask import stability
from unmask.modalities import image
from unmask.scan import Scanner, scan
from unmask.types import Label, ModelUsed, Report, Source, Status, Verdict

MODEL = ModelUsed(name="face", version="1", sha256="0", calibration_set="drawn", fake_above=0.8, real_below=0.3)


def report(probability: float | None, detector: str | None = "face") -> Report:
    """What the thresholds of `MODEL` make of a probability."""
    label = Label.UNCERTAIN
    if probability is not None:
        label = Label.FAKE if probability >= 0.8 else Label.REAL if probability <= 0.3 else label
    verdict = Verdict(label=label, probability=probability, reason="by its number", detector=detector)
    return Report(source=Source(path="a.jpg"), status=Status.OK, verdict=verdict, models=(MODEL,))


def test_the_copies_are_what_they_say(astronaut_path: Path) -> None:
    photo = image.load(astronaut_path)
    found = dict(stability.copies(photo))
    assert {name: copy.image.size for name, copy in found.items()} == {
        "saved again as a JPEG of quality 75": (512, 512),
        "saved again as a JPEG of quality 50": (512, 512),
        "scaled to three quarters": (384, 384),
        "cropped by 3% at each side": (482, 482),
    }
    before = np.asarray(photo.image, float)
    lost = [np.abs(np.asarray(copy.image, float) - before).mean() for copy in list(found.values())[:2]]
    assert 0 < lost[0] < lost[1] < 10
    inner = np.asarray(found["cropped by 3% at each side"].image)
    assert (inner == np.asarray(photo.image)[15:-15, 15:-15]).all()
    assert {copy.image.mode for copy in found.values()} == {"RGB"}
    assert photo.image.size == (512, 512)


def test_a_verdict_that_all_copies_share_stands() -> None:
    before = report(0.9)
    after = stability.settled(before, {"cropped": report(0.85), "scaled": report(0.8)})
    assert after.verdict == before.verdict
    assert after.stability is not None
    assert after.stability.overturned is None
    assert after.stability.raw == before.verdict
    assert [(one.change, one.label, one.probability) for one in after.stability.copies] == [
        ("cropped", Label.FAKE, 0.85),
        ("scaled", Label.FAKE, 0.8),
    ]


@pytest.mark.parametrize(
    ("raw", "copies", "sentence"),
    [
        (
            0.9,
            {"cropped": 0.7996, "scaled": 0.95},
            "once cropped, the probability goes from 0.90 (fake) to 0.7996 (uncertain); "
            "1 of 2 changed copies leaves it",
        ),
        (
            0.9,
            {"cropped": 0.6, "scaled": 0.1, "saved": 0.9},
            "once scaled, the probability goes from 0.90 (fake) to 0.10 (real); 2 of 3 changed copies leave it",
        ),
        (
            0.2,
            {"cropped": 0.31},
            "once cropped, the probability goes from 0.20 (real) to 0.31 (uncertain); 1 of 1 changed copies leaves it",
        ),
    ],
)
def test_a_verdict_that_a_copy_leaves_is_uncertain_and_says_why(
    raw: float, copies: dict[str, float], sentence: str
) -> None:
    before = report(raw)
    after = stability.settled(before, {name: report(value) for name, value in copies.items()})
    assert after.verdict is not None
    assert after.stability is not None
    assert (after.verdict.label, after.verdict.probability) == (Label.UNCERTAIN, raw)
    assert after.stability.overturned == f"the verdict does not hold: {sentence}"
    assert after.verdict.reason == f"by its number; but {after.stability.overturned}"
    assert after.stability.raw == before.verdict
    assert after.verdict.detector == "face"
    assert Report.model_validate(after.to_dict()) == after


def test_another_witness_has_no_say() -> None:
    copies = {"cropped": report(0.1, "picture"), "scaled": report(None, None)}
    after = stability.settled(report(0.9), copies)
    assert after.verdict == report(0.9).verdict
    assert after.stability is not None
    assert [(one.label, one.probability) for one in after.stability.copies] == [(None, None), (None, None)]


def test_the_uncertain_stays_as_it_is_and_the_unjudged_too() -> None:
    for before in (report(0.5), report(None, None)):
        after = stability.settled(before, {"cropped": report(0.9)})
        assert after.verdict == before.verdict
    broken = Report(source=Source(path="a.jpg"), status=Status.UNREADABLE, message="the file is empty")
    assert stability.settled(broken, {"cropped": report(0.9)}) == broken


class TestScanning:
    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        return make_bundle(tmp_path / "red", name="red", kind="patch", fake_above=0.7, real_below=0.3).folder

    @pytest.fixture
    def rimmed(self, tmp_path: Path) -> Path:
        """A grey picture, fake by nothing but a red rim, which the crop cuts off."""
        pixels = np.full((200, 200, 3), 128, np.uint8)
        for side in (np.s_[:6], np.s_[-6:], np.s_[:, :6], np.s_[:, -6:]):
            pixels[side] = (255, 0, 0)
        Image.fromarray(pixels).save(tmp_path / "rim.png")
        return tmp_path / "rim.png"

    def test_a_trace_in_the_rim_does_not_hold(self, model: Path, rimmed: Path) -> None:
        plain = scan(rimmed, models=[model])
        steady = scan(rimmed, models=[model], stability=True)
        assert plain.verdict is not None
        assert steady.verdict is not None
        assert steady.stability is not None
        assert plain.stability is None
        assert plain.verdict.label is Label.FAKE
        assert steady.stability.raw == plain.verdict
        assert steady.verdict.label is Label.UNCERTAIN
        assert "once cropped by 3% at each side, the probability goes from " in steady.verdict.reason
        assert steady.verdict.reason.endswith(" (fake) to 0.50 (uncertain); 1 of 4 changed copies leaves it")
        assert [copy.change for copy in steady.stability.copies] == list(stability.CHANGES)

    def test_many_files_and_their_copies_keep_together(self, model: Path, rimmed: Path, tmp_path: Path) -> None:
        Image.new("RGB", (100, 100), (0, 0, 255)).save(tmp_path / "blue.png")
        (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
        files = [tmp_path / "blue.png", tmp_path / "broken.png", rimmed, tmp_path / "blue.png"]
        with Scanner([model], stability=True) as scanner:
            found = list(scanner.scan_many(files))
            alone = [scanner.scan(file) for file in files]
        assert [one.verdict and one.verdict.label for one in found] == [Label.REAL, None, Label.UNCERTAIN, Label.REAL]
        assert [one.stability is None for one in found] == [False, True, False, False]
        assert found == alone
