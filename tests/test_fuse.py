from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.make_bundle import make_bundle
from unmask import fuse
from unmask.card import Calibration, Card, Thresholds
from unmask.ensemble import Ensemble, Member, Part
from unmask.errors import UsageError
from unmask.fuse import Finding, Look
from unmask.types import Box, Label, Region

THRESHOLDS = Thresholds(fake_above=0.8, real_below=0.3, chosen="by hand")
PLAIN = Calibration(set="drawn", temperature=1.0, bias=0.0, reals=0, fakes=0)
LEFT: Box = (0, 0, 64, 64)
RIGHT: Box = (64, 0, 128, 64)


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def finding(probability: float | None, box: Box = LEFT, unfit: str = "the face is too blurred to judge") -> Finding:
    if probability is None:
        return Finding(Region(box_px=box), None, unfit)
    return Finding(Region(box_px=box), logit(probability))


@pytest.fixture
def face(tmp_path: Path) -> Card:
    return make_bundle(tmp_path / "face").card


@pytest.fixture
def patch(tmp_path: Path) -> Card:
    return make_bundle(tmp_path / "picture", name="picture", kind="patch", pooling="mean").card


def test_calibrated_shifts_and_scales_before_the_sigmoid() -> None:
    warm = Calibration(set="drawn", temperature=2.0, bias=1.0, reals=0, fakes=0)
    assert fuse.calibrated(1.0, warm) == 0.5
    assert fuse.calibrated(3.0, warm) == pytest.approx(1 / (1 + math.exp(-1)))
    assert fuse.calibrated(-1.0, warm) == pytest.approx(1 / (1 + math.exp(1)))


@given(st.floats(-1e300, 1e300))
def test_calibrated_is_a_probability_for_every_finite_logit(value: float) -> None:
    assert 0 <= fuse.calibrated(value, PLAIN) <= 1


def test_pool() -> None:
    assert fuse.pool([-1.0, 3.0, 1.0], "max") == 3.0
    assert fuse.pool([-1.0, 3.0, 1.0], "mean") == 1.0
    with pytest.raises(UsageError, match="no logits"):
        fuse.pool([], "max")


@pytest.mark.parametrize(
    ("probability", "label"),
    [
        (1.0, Label.FAKE),
        (0.8, Label.FAKE),
        (0.79, Label.UNCERTAIN),
        (0.31, Label.UNCERTAIN),
        (0.3, Label.REAL),
        (0.0, Label.REAL),
    ],
)
def test_thresholds_belong_to_their_label(probability: float, label: Label) -> None:
    assert fuse.decide(probability, THRESHOLDS) is label


def test_where_the_thresholds_meet_fake_wins() -> None:
    assert fuse.decide(0.5, Thresholds(fake_above=0.5, real_below=0.5, chosen="by hand")) is Label.FAKE


def test_the_most_suspicious_face_decides(face: Card) -> None:
    look = Look(face, (finding(0.1), finding(0.95, RIGHT)))
    verdict = fuse.verdict([look], faces=2)
    assert verdict.label is Label.FAKE
    assert verdict.probability == pytest.approx(0.95)
    assert verdict.detector == "face"
    assert verdict.region == Region(box_px=RIGHT)
    assert verdict.reason == "0.95 is at or above the threshold for fake, 0.80"


@pytest.mark.parametrize(
    ("probability", "reason"),
    [
        (0.12, "0.12 is at or below the threshold for real, 0.30"),
        (0.5, "0.50 lies between the thresholds for real, 0.30, and for fake, 0.80"),
        (0.7999, "0.7999 lies between the thresholds for real, 0.30, and for fake, 0.80"),
    ],
)
def test_the_reason_names_the_threshold(face: Card, probability: float, reason: str) -> None:
    assert fuse.verdict([Look(face, (finding(probability),))], faces=1).reason == reason


@pytest.mark.parametrize("order", ["face first", "picture first"])
def test_faces_decide_over_the_whole_picture(face: Card, patch: Card, order: str) -> None:
    looks = [Look(face, (finding(0.1),)), Look(patch, (finding(0.99),))]
    if order == "picture first":
        looks.reverse()
    verdict = fuse.verdict(looks, faces=1)
    assert (verdict.label, verdict.detector) == (Label.REAL, "face")
    assert {e.detector: e.votes for e in fuse.evidence(looks)} == {"face": True, "picture": False}
    assert {name: score.probability for name, score in fuse.scores(looks).items()} == {
        "face": pytest.approx(0.1),
        "picture": pytest.approx(0.99),
    }


def test_of_two_face_detectors_the_first_decides(face: Card) -> None:
    other = face.model_copy(update={"name": "other"})
    looks = [Look(other, (finding(0.9),)), Look(face, (finding(0.1),))]
    assert fuse.verdict(looks, faces=1).detector == "other"
    assert [e.votes for e in fuse.evidence(looks)] == [True, False]


def test_where_no_face_can_be_judged_the_whole_picture_decides(face: Card, patch: Card) -> None:
    looks = [Look(face, (finding(None),)), Look(patch, (finding(0.9), finding(0.9, RIGHT)))]
    verdict = fuse.verdict(looks, faces=1)
    assert (verdict.label, verdict.detector) == (Label.FAKE, "picture")
    assert "no face in it could be judged" in verdict.reason
    assert verdict.region is None, "a mean of several regions has none"
    abstained, *voted = fuse.evidence(looks)
    assert (abstained.logit, abstained.probability, abstained.votes) == (None, None, False)
    assert abstained.sentence == "not judged: the face is too blurred to judge"
    assert [e.votes for e in voted] == [True, True]


def test_a_mean_of_one_region_has_that_region(patch: Card) -> None:
    assert fuse.verdict([Look(patch, (finding(0.9, RIGHT),))]).region == Region(box_px=RIGHT)


def test_faces_that_were_not_judged_are_mentioned(face: Card) -> None:
    look = Look(face, (finding(0.1), finding(None, RIGHT)))
    assert fuse.verdict([look], faces=40).reason.endswith("; 1 of 40 faces was judged")
    look = Look(face, (finding(0.1), finding(0.1, RIGHT)))
    assert fuse.verdict([look], faces=40).reason.endswith("; 2 of 40 faces were judged")
    assert "judged" not in fuse.verdict([look], faces=2).reason


@pytest.mark.parametrize(
    ("kinds", "faces", "reason"),
    [
        (["face"], 0, "no face was found, and no detector of whole pictures is loaded"),
        (
            ["unfit face"],
            1,
            "no face in it could be judged (the face is too blurred to judge), "
            "and no detector of whole pictures is loaded",
        ),
        (
            ["face", "patch"],
            0,
            "no face was found, and the picture is too small to be judged as a whole (each side needs 64 px)",
        ),
        (["patch"], None, "the picture is too small to be judged as a whole (each side needs 64 px)"),
        (["unfit patch"], None, "the whole picture could not be judged (the detector gave no number)"),
    ],
)
def test_who_cannot_judge_says_why(face: Card, patch: Card, kinds: list[str], faces: int | None, reason: str) -> None:
    looks = {
        "face": Look(face),
        "patch": Look(patch),
        "unfit face": Look(face, (finding(None),)),
        "unfit patch": Look(patch, (finding(None, unfit="the detector gave no number"),)),
    }
    verdict = fuse.verdict([looks[kind] for kind in kinds], faces)
    assert (verdict.label, verdict.probability, verdict.detector) == (Label.UNCERTAIN, None, None)
    assert verdict.reason == reason
    assert fuse.scores([looks[kind] for kind in kinds]) == {}


@pytest.mark.parametrize(
    ("kind", "probability", "sentence"),
    [
        ("face", 0.97, "this face looks fake: its probability of fake is 0.97"),
        ("face", 0.05, "this face looks real: its probability of fake is 0.05"),
        ("patch", 0.5, "this part of the picture could be either: its probability of fake is 0.50"),
    ],
)
def test_evidence_is_a_sentence(
    face: Card, patch: Card, kind: Literal["face", "patch"], probability: float, sentence: str
) -> None:
    card = face if kind == "face" else patch
    (evidence,) = fuse.evidence([Look(card, (finding(probability),))])
    assert evidence.sentence == sentence
    assert evidence.probability == pytest.approx(probability)


class TestTogether:
    """An ensemble of faces and whole picture, each of which has a calibration of its own."""

    FACE = Calibration(set="drawn", temperature=2.0, bias=1.0, reals=0, fakes=0)
    PATCH = Calibration(set="drawn", temperature=0.5, bias=-1.0, reals=0, fakes=0)
    OWN = Calibration(set="drawn together", temperature=0.5, bias=0.25, reals=0, fakes=0)

    @pytest.fixture
    def face(self, face: Card) -> Card:
        return face.model_copy(update={"calibration": self.FACE})

    @pytest.fixture
    def patch(self, patch: Card) -> Card:
        return patch.model_copy(update={"calibration": self.PATCH})

    @pytest.fixture
    def together(self, face: Card, patch: Card) -> Ensemble:
        return Ensemble(
            members=tuple(
                Member(name=card.name, sha256=card.sha256, calibration=card.calibration) for card in (face, patch)
            ),
            calibration=self.OWN,
            thresholds=Thresholds(fake_above=0.9, real_below=0.1, chosen="by hand", reals_called_fake=0.02),
        )

    def looks(self, face: Card, patch: Card) -> list[Look]:
        """Calibrated logits: of the face (5 - 1) / 2 = 2, of the picture (-0.5 + 1) / 0.5 = 1."""
        faces = (Finding(Region(box_px=LEFT), -4.0), Finding(Region(box_px=RIGHT), 5.0))
        patches = (Finding(Region(box_px=LEFT), 0.5), Finding(Region(box_px=RIGHT), -1.5))
        return [Look(face, faces), Look(patch, patches)]

    @pytest.mark.parametrize("order", ["face first", "picture first"])
    def test_the_mean_of_the_calibrated_logits_decides(
        self, face: Card, patch: Card, together: Ensemble, order: str
    ) -> None:
        looks = self.looks(face, patch)
        if order == "picture first":
            looks.reverse()
        verdict = fuse.verdict(looks, faces=2, ensemble=together)
        expected = 1 / (1 + math.exp(-((2 + 1) / 2 - 0.25) / 0.5))
        assert verdict.probability == pytest.approx(expected)
        assert (verdict.label, verdict.detector) == (Label.FAKE, "face+picture")
        assert verdict.region == Region(box_px=RIGHT), "its most suspicious face"
        assert verdict.reason == (
            "0.92 is at or above the threshold for fake, 0.90 (2.0% of the real photos it was set on lie there too)"
        )

    def test_a_card_that_was_calibrated_anew_changes_nothing(self, face: Card, patch: Card, together: Ensemble) -> None:
        before = fuse.verdict(self.looks(face, patch), 2, together)
        anew = face.model_copy(update={"calibration": self.PATCH})
        assert fuse.verdict(self.looks(anew, patch), 2, together) == before

    def test_scores_are_of_each_and_of_all(self, face: Card, patch: Card, together: Ensemble) -> None:
        looks = self.looks(face, patch)
        found = fuse.scores(looks, together)
        assert list(found) == ["face", "picture", "face+picture"]
        assert found["face+picture"].logit == pytest.approx(1.5)
        assert found["face+picture"].probability == fuse.verdict(looks, 2, together).probability
        assert (found["face"].logit, found["picture"].logit) == (5.0, -0.5)
        assert {name: score for name, score in found.items() if "+" not in name} == fuse.scores(looks)

    def test_all_of_its_members_vote_and_nobody_else(self, face: Card, patch: Card, together: Ensemble) -> None:
        other = Look(face.model_copy(update={"name": "other"}), (finding(0.999),))
        looks = [other, *self.looks(face, patch)]
        looks[1] = Look(face, (*looks[1].findings, finding(None)))
        votes = [(e.detector, e.votes) for e in fuse.evidence(looks, together)]
        assert votes == [("other", False), *[("face", True)] * 2, ("face", False), *[("picture", True)] * 2]
        assert fuse.verdict(looks, 3, together).probability == fuse.verdict(looks[1:], 3, together).probability
        assert fuse.verdict(looks, 3, together).reason.endswith("; 2 of 3 faces were judged")
        assert set(fuse.scores(looks, together)) == {"other", "face", "picture", "face+picture"}

    @pytest.mark.parametrize("silent", ["face", "picture"])
    @pytest.mark.parametrize("how", ["unfit", "nothing to look at", "not loaded"])
    def test_where_one_member_abstains_the_others_decide_as_without_it(
        self, face: Card, patch: Card, together: Ensemble, silent: str, how: str
    ) -> None:
        looks = []
        for look in self.looks(face, patch):
            if look.card.name != silent:
                looks.append(look)
            elif how != "not loaded":
                looks.append(Look(look.card, (finding(None),) if how == "unfit" else ()))
        assert fuse.together(looks, together) is None
        assert fuse.verdict(looks, 2, together) == fuse.verdict(looks, 2)
        assert fuse.verdict(looks, 2, together).detector == ({"face", "picture"} - {silent}).pop()
        assert fuse.scores(looks, together) == fuse.scores(looks)
        assert fuse.evidence(looks, together) == fuse.evidence(looks)

    def test_weights_move_the_mean(self, face: Card, patch: Card, together: Ensemble) -> None:
        looks = self.looks(face, patch)
        weighted = together.model_copy(update={"weights": (0.75, 0.25)})
        logit = fuse.scores(looks, weighted)["face+picture"].logit
        assert logit == pytest.approx(0.75 * 2 + 0.25 * 1)
        assert fuse.scores(looks, together)["face+picture"].logit == pytest.approx(1.5)

    def test_a_part_decides_where_the_others_cannot_judge(self, face: Card, patch: Card, together: Ensemble) -> None:
        third = patch.model_copy(update={"name": "third"})
        member = Member(name="third", sha256=third.sha256, calibration=PLAIN)
        own = Calibration(set="drawn of two", temperature=1.0, bias=0.5, reals=0, fakes=0)
        part = Part(members=("picture", "third"), calibration=own, thresholds=THRESHOLDS)
        three = Ensemble.model_validate(
            {
                **together.model_dump(),
                "members": (*together.members, member),
                "weights": (0.5, 0.3, 0.2),
                "parts": (part,),
            }
        )
        third_look = Look(third, (Finding(Region(box_px=LEFT), 3.0),))
        looks = [Look(face, (finding(None),)), self.looks(face, patch)[1], third_look]
        joint = fuse.together(looks, three)
        assert joint is not None
        assert joint.name == "picture+third"
        verdict = fuse.verdict(looks, 1, three)
        mean = 0.6 * 1 + 0.4 * 3  # by the weights among those two
        assert fuse.scores(looks, three)["picture+third"].logit == pytest.approx(mean)
        assert verdict.probability == pytest.approx(1 / (1 + math.exp(-(mean - 0.5))))
        assert (verdict.detector, verdict.label) == ("picture+third", Label.UNCERTAIN)
        assert verdict.reason.endswith("; this is about the whole picture, for no face in it could be judged")
        assert [one.votes for one in fuse.evidence(looks, three)] == [False, True, True, True]
        whole = [self.looks(face, patch)[0], *looks[1:]]
        assert fuse.verdict(whole, 1, three).detector == "face+picture+third"
        without = [*self.looks(face, patch)[:1], third_look]
        assert fuse.together(without, three) is None, "face and third were never calibrated together"
        assert fuse.verdict(without, 1, three).detector == "face"

    def test_where_all_abstain_it_says_why(self, face: Card, patch: Card, together: Ensemble) -> None:
        looks = [Look(face), Look(patch)]
        assert fuse.verdict(looks, 0, together) == fuse.verdict(looks, 0)
        assert fuse.scores(looks, together) == {}

    def test_without_a_single_region_it_has_none(self, face: Card, patch: Card, together: Ensemble) -> None:
        mean = face.model_copy(update={"pooling": "mean"})
        _, picture = looks = self.looks(face, patch)
        looks[0] = Look(mean, looks[0].findings)
        assert fuse.verdict(looks, 2, together).region is None
        looks[1] = Look(patch, picture.findings[:1])
        assert fuse.verdict(looks, 2, together).region == Region(box_px=LEFT), "the picture's only part"


def test_calibrated_is_the_sigmoid_of_the_calibrated_logit() -> None:
    warm = Calibration(set="drawn", temperature=2.0, bias=1.0, reals=0, fakes=0)
    assert fuse.calibrated_logit(5.0, warm) == 2.0
    assert fuse.calibrated(5.0, warm) == pytest.approx(fuse.calibrated(2.0, PLAIN))
