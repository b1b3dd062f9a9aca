"""Learning how persons and voice decide together, on drawn tables of scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.command import Run
from tests.make_bundle import make_bundle, make_video_bundle, make_voice_bundle
from unmask import clip_rule, join_clip
from unmask.bundles import Bundle
from unmask.clip_rule import ClipRule
from unmask.errors import ManifestError, UnmaskError, UsageError
from unmask.scores import Row, write_scores

COMMAND = "unmask join-clip bundles"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer pairs and fewer draws of files: seconds instead of a minute."""
    monkeypatch.setattr(join_clip, "_PAIRS", 600)
    monkeypatch.setattr(join_clip, "_REDRAWS", 8)


@pytest.fixture
def members(tmp_path: Path) -> tuple[Bundle, Bundle]:
    return make_video_bundle(tmp_path / "bundles" / "track"), make_voice_bundle(tmp_path / "bundles" / "voice")


def scores(path: Path, detector: str, apart: float = 3.0, count: int = 120, seed: int = 0) -> Path:
    """A table of val whose classes lie so many standard deviations apart, and rows that must not count."""
    rng = np.random.default_rng(seed)
    suffix = "mp4" if detector == "track" else "wav"
    rows = [
        Row(
            path=f"{number}.{suffix}",
            label=number % 2,
            source="drawn",
            split="val",
            detector=detector,
            logit=float(rng.normal(apart * (number % 2 - 0.5))),
            probability=0.5,
            verdict="uncertain",
            attributes={"group": f"g{number // 4}"},
        )
        for number in range(count)
    ]
    wrong = [Row(f"w{n}.{suffix}", n % 2, split="test", detector=detector, logit=9.0 - 18 * (n % 2)) for n in range(80)]
    copies = [Row(one.path, one.label, split="val", perturbation="x", detector=detector, logit=-9.0) for one in rows]
    silent = [Row(f"s.{suffix}", 1, split="val")]
    write_scores(path, [*rows, *wrong, *copies, *silent])
    return path


def lips(path: Path, own: float = 2.0, other: float = -2.0) -> Path:
    """What unmask witnesses writes: 200 clips with their own sound and with another."""
    rng = np.random.default_rng(1)
    lines = ["path,sound,score"]
    for number in range(400):
        sound, middle = (("own", own), ("other", other))[number % 2]
        lines.append(f"{number}.mp4,{sound},{-rng.normal(middle):.3f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def learned(folder: Path, members: tuple[Bundle, Bundle], seen: float = 3.0, heard: float = 3.0) -> ClipRule:
    videos = scores(folder / "videos.csv", "track", seen)
    voices = scores(folder / "voices.csv", "voice", heard, seed=1)
    return join_clip.learn([videos], voices, lips(folder / "lips.csv"), members, COMMAND)


def test_where_either_part_alone_tells_one_fake_part_is_enough(tmp_path: Path, members: tuple[Bundle, Bundle]) -> None:
    rule = learned(tmp_path, members)
    assert rule.joins in ("any", "highest")
    figures = {one.name: one for one in rule.metrics}
    losses = {how: figures[f"log loss, {how}"].value for how in ("any", "highest", "mean")}
    assert losses[rule.joins] == min(losses.values())
    assert losses["mean"] > losses[rule.joins] + 0.02
    assert f"{rule.joins} {losses[rule.joins]:.3f}" in rule.chosen


def test_figures_are_in_range_and_say_what_each_part_misses(tmp_path: Path, members: tuple[Bundle, Bundle]) -> None:
    rule = learned(tmp_path, members)
    figures = {one.name: one for one in rule.metrics}
    assert len(figures) == 3 + 3 * 4
    for one in rule.metrics:
        assert one.low is not None
        assert one.high is not None
        assert 0 <= one.low <= one.high <= 1
        assert 0 <= one.value <= 1
        assert one.command == COMMAND
        assert (one.reals, one.fakes) == (120, 120)
        assert one.on == "pairs of 120 videos and 120 recordings of val"
    assert figures["AUC of together, any fake"].value > 0.9
    assert figures["AUC of faces, fake voice alone"].value == pytest.approx(0.5, abs=0.15)
    assert figures["AUC of voices, fake face alone"].value == pytest.approx(0.5, abs=0.15)
    assert figures["AUC of faces, fake face alone"].value > 0.9


def test_it_is_calibrated_with_thresholds(tmp_path: Path, members: tuple[Bundle, Bundle]) -> None:
    rule = learned(tmp_path, members)
    assert (rule.calibration.reals, rule.calibration.fakes) == (300, 300)
    assert 0 < rule.thresholds.real_below <= 0.5 <= rule.thresholds.fake_above < 1
    assert rule.thresholds.reals_called_fake is not None
    assert rule.thresholds.reals_called_fake <= 0.01
    assert 0.5 <= rule.lips_above <= 1
    assert [(one.name, one.sha256) for one in rule.members] == [(one.card.name, one.card.sha256) for one in members]


def test_the_same_tables_give_the_same_rule(tmp_path: Path, members: tuple[Bundle, Bundle]) -> None:
    assert learned(tmp_path, members) == learned(tmp_path, members)


def test_several_tables_of_videos_count_as_one(tmp_path: Path, members: tuple[Bundle, Bundle]) -> None:
    tables = [scores(tmp_path / f"{n}.csv", "track", count=60, seed=n) for n in (2, 3)]
    voices = scores(tmp_path / "voices.csv", "voice")
    rule = join_clip.learn(tables, voices, lips(tmp_path / "lips.csv"), members, COMMAND)
    assert rule.calibration.set == "pairs of 120 videos and 120 recordings of val"


def test_a_class_that_is_missing_is_named(tmp_path: Path, members: tuple[Bundle, Bundle]) -> None:
    voices, table = scores(tmp_path / "voices.csv", "voice"), lips(tmp_path / "lips.csv")
    rows = [Row(f"{n}.mp4", 0, split="val", detector="track", logit=0.1 * n) for n in range(20)]
    write_scores(tmp_path / "reals.csv", rows)
    with pytest.raises(ManifestError, match=r"reals\.csv: track needs both reals and fakes of val that it judged"):
        join_clip.learn([tmp_path / "reals.csv"], voices, table, members, COMMAND)
    with pytest.raises(ManifestError, match=r"voices\.csv: track needs"):
        join_clip.learn([voices], voices, table, members, COMMAND)


def test_tables_that_are_none(tmp_path: Path, members: tuple[Bundle, Bundle]) -> None:
    videos, voices = scores(tmp_path / "videos.csv", "track"), scores(tmp_path / "voices.csv", "voice")
    with pytest.raises(UnmaskError, match="none"):
        join_clip.learn([tmp_path / "none.csv"], voices, lips(tmp_path / "lips.csv"), members, COMMAND)
    for text in ("path,score\na,1\n", "path,sound,score\na,own,much\n"):
        (tmp_path / "wrong.csv").write_text(text)
        with pytest.raises(ManifestError, match="no table of lip-sync that unmask witnesses wrote"):
            join_clip.learn([videos], voices, tmp_path / "wrong.csv", members, COMMAND)
    with pytest.raises(ManifestError, match="no table of lip-sync"):
        join_clip.learn([videos], voices, tmp_path / "missing.csv", members, COMMAND)
    (tmp_path / "own.csv").write_text("path,sound,score\na,own,1\nb,own,2\n")
    with pytest.raises(UsageError):
        join_clip.learn([videos], voices, tmp_path / "own.csv", members, COMMAND)


def test_the_verb_writes_the_rule_beside_the_bundles(tmp_path: Path, members: tuple[Bundle, Bundle], run: Run) -> None:
    videos, voices = scores(tmp_path / "videos.csv", "track"), scores(tmp_path / "voices.csv", "voice", seed=1)
    options = ("--videos", videos, "--voices", voices, "--lips", lips(tmp_path / "lips.csv"))
    done = run("join-clip", tmp_path / "bundles", *options)
    assert (done.code, done.err) == (0, "")
    rule = clip_rule.of(members)
    assert rule is not None
    assert f"track+voice, {rule.chosen}" in done.out
    assert rule.thresholds.chosen in done.out
    assert "AUC of together, any fake: 0.9" in done.out


def test_the_verb_needs_both_bundles(tmp_path: Path, run: Run) -> None:
    make_bundle(tmp_path / "bundles" / "face")
    make_voice_bundle(tmp_path / "bundles" / "voice")
    done = run("join-clip", tmp_path / "bundles", "--videos", "a.csv", "--voices", "b.csv", "--lips", "c.csv")
    assert done.code == 2
    assert "needs a bundle that judges videos and one that judges voices" in done.err
    assert not (tmp_path / "bundles" / clip_rule.FILE).exists()
