"""How persons and voice decide together: the file beside the bundles, and the policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.make_bundle import make_clip_rule, make_video_bundle, make_voice_bundle
from unmask import clip_rule, fuse, fuse_clip
from unmask.bundles import Bundle
from unmask.card import Calibration
from unmask.clip_rule import ClipRule, Joins
from unmask.errors import BundleError
from unmask.types import Evidence, Label, Region, Verdict

PROBABILITIES = st.floats(0, 1)
JOINS = st.sampled_from(["any", "highest", "mean"])


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Bundle, Bundle]:
    return make_video_bundle(tmp_path / "track"), make_voice_bundle(tmp_path / "voice")


@pytest.fixture
def rule(pair: tuple[Bundle, Bundle]) -> ClipRule:
    return make_clip_rule(*pair)


def said(probability: float | None, detector: str, **changes: Any) -> Verdict:
    label = Label.UNCERTAIN if probability is None else Label.FAKE if probability > 0.5 else Label.REAL
    values: dict[str, Any] = {"label": label, "probability": probability, "reason": "drawn", "detector": detector}
    return Verdict(**values | changes)


def lips(probability: float | None) -> Evidence:
    return Evidence(
        detector="lipsync", region=Region(), logit=None, probability=probability, votes=False, sentence="drawn"
    )


class TestFile:
    def test_it_is_read_back_as_it_was_written(self, pair: tuple[Bundle, Bundle], rule: ClipRule) -> None:
        assert clip_rule.of(pair) == rule
        assert clip_rule.of(pair[::-1]) == rule
        assert rule.name == "track+voice"
        assert rule.version == rule.sha256[:8]

    def test_there_may_be_none(self, pair: tuple[Bundle, Bundle]) -> None:
        assert clip_rule.of(pair) is None
        assert clip_rule.of([]) is None

    def test_it_is_of_these_bundles_only(self, tmp_path: Path, pair: tuple[Bundle, Bundle], rule: ClipRule) -> None:
        assert clip_rule.of(pair[:1]) is None
        other = make_voice_bundle(tmp_path / "voice", constant=-1.0)
        assert clip_rule.of([pair[0], other]) is None, "another graph has another hash"

    @pytest.mark.parametrize("text", ["", "{}", '{"clip_rule_version": 2}'])
    def test_one_that_is_not_valid_is_refused(self, pair: tuple[Bundle, Bundle], text: str) -> None:
        path = pair[0].folder.parent / clip_rule.FILE
        path.write_text(text)
        with pytest.raises(BundleError, match=r"clip\.json is not valid, remove it to go on without"):
            clip_rule.of(pair)

    def test_its_hash_is_of_what_decides(self, rule: ClipRule) -> None:
        assert rule.model_copy(update={"chosen": "otherwise"}).sha256 == rule.sha256
        for changes in ({"joins": "mean"}, {"lips_above": 0.5}):
            assert rule.model_copy(update=changes).sha256 != rule.sha256

    def test_it_cannot_be_changed_nor_hold_what_is_none(self, rule: ClipRule) -> None:
        with pytest.raises(ValidationError):
            rule.joins = "mean"  # type: ignore[misc]
        with pytest.raises(ValidationError):
            ClipRule.model_validate({**rule.model_dump(), "lips_above": 1.5})


class TestJoined:
    @given(PROBABILITIES, PROBABILITIES, JOINS)
    def test_it_does_not_matter_who_is_first(self, one: float, other: float, joins: Joins) -> None:
        assert fuse.joined([one, other], joins) == pytest.approx(fuse.joined([other, one], joins), abs=1e-9)

    @given(PROBABILITIES, PROBABILITIES, PROBABILITIES, JOINS)
    def test_more_suspicion_never_means_less(self, one: float, other: float, more: float, joins: Joins) -> None:
        low, high = sorted([one, more])
        assert fuse.joined([low, other], joins) <= fuse.joined([high, other], joins) + 1e-9

    @given(st.floats(0.001, 0.999))
    def test_any_of_one_and_nothing_is_that_one(self, one: float) -> None:
        assert probability(fuse.joined([one, 0.0], "any")) == pytest.approx(one, abs=1e-4)
        assert probability(fuse.joined([one, 1.0], "any")) == pytest.approx(1.0, abs=1e-4)

    @given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
    def test_what_each_means(self, one: float, other: float) -> None:
        both = [one, other]
        assert probability(fuse.joined(both, "any")) == pytest.approx(1 - (1 - one) * (1 - other), abs=1e-5)
        assert probability(fuse.joined(both, "highest")) == pytest.approx(max(both), abs=1e-5)
        assert min(both) - 1e-5 <= probability(fuse.joined(both, "mean")) <= max(both) + 1e-5

    @pytest.mark.parametrize("joins", ["any", "highest", "mean"])
    def test_certainty_is_finite(self, joins: Joins) -> None:
        found = [fuse.joined(both, joins) for both in ([0.0, 0.0], [1.0, 1.0], [0.0, 1.0])]
        assert all(abs(one) < 40 for one in found)


class TestVerdict:
    def test_one_fake_part_makes_a_fake_and_its_seconds_are_given(self, rule: ClipRule) -> None:
        where = Region(start_s=1.0, end_s=2.0)
        for seen, heard in ((0.05, 0.97), (0.97, 0.05)):
            suspicious = {"region": where}
            found = fuse_clip.verdict(
                rule,
                said(seen, "track", **(suspicious if seen > heard else {})),
                said(heard, "voice", **(suspicious if heard > seen else {})),
                [],
            )
            assert (found.label, found.detector, found.region) == (Label.FAKE, "track+voice", where)
            assert found.reason.endswith(f"; what is seen has {seen:.2f} alone, the voice {heard:.2f}")
            score = fuse_clip.score(rule, said(seen, "track"), said(heard, "voice"))
            assert score is not None
            assert found.probability == score.probability == pytest.approx(1 - 0.03 * 0.95, abs=1e-3)

    def test_both_real_make_a_real(self, rule: ClipRule) -> None:
        assert fuse_clip.verdict(rule, said(0.05, "track"), said(0.02, "voice"), []).label is Label.REAL

    def test_who_could_be_judged_decides_alone(self, rule: ClipRule) -> None:
        seen, heard = said(0.1, "track"), said(0.9, "voice")
        nobody, silent = said(None, "track"), said(None, "voice")
        for given_rule in (rule, None):
            assert fuse_clip.verdict(given_rule, seen, silent, []) == seen
            assert fuse_clip.verdict(given_rule, nobody, heard, []) == heard
            assert fuse_clip.verdict(given_rule, nobody, silent, []) == nobody
            assert fuse_clip.score(given_rule, nobody, heard) is None

    def test_without_a_rule_what_is_seen_decides(self) -> None:
        seen, heard = said(0.1, "track"), said(0.9, "voice")
        assert fuse_clip.verdict(None, seen, heard, [lips(1.0)]) == seen
        assert fuse_clip.score(None, seen, heard) is None

    def test_a_rule_of_others_does_not_decide(self, rule: ClipRule) -> None:
        seen, heard = said(0.1, "frames"), said(0.9, "voice")
        assert fuse_clip.score(rule, seen, heard) is None
        assert fuse_clip.verdict(rule, seen, heard, []) == seen

    def test_lips_that_do_not_fit_keep_it_from_being_called_real(self, rule: ClipRule) -> None:
        seen, heard = said(0.05, "track"), said(0.02, "voice")
        plain = fuse_clip.verdict(rule, seen, heard, [lips(None)])
        assert plain.label is fuse_clip.verdict(rule, seen, heard, [lips(0.89)]).label is Label.REAL
        doubted = fuse_clip.verdict(rule, seen, heard, [lips(0.9)])
        assert (doubted.label, doubted.probability) == (Label.UNCERTAIN, plain.probability)
        assert doubted.reason.startswith("lips and sound do not fit, so it is not called real; ")

    def test_lips_never_make_a_fake_nor_a_real(self, rule: ClipRule) -> None:
        for seen in (0.5, 0.97):
            parts = said(seen, "track"), said(0.02, "voice")
            assert fuse_clip.verdict(rule, *parts, [lips(1.0)]) == fuse_clip.verdict(rule, *parts, [])


def probability(logit: float) -> float:
    return fuse.calibrated(logit, clip_calibration)


clip_calibration = Calibration(set="none", temperature=1.0, bias=0.0, reals=0, fakes=0)
