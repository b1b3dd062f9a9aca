"""Videos with a voice: what is seen and what is heard, apart and together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data import clips
from tests.draw_speech import speech
from tests.make_bundle import make_clip_rule, make_video_bundle, make_voice_bundle
from unmask import Label, Scanner, Status, listen, witnesses
from unmask.bundles import Bundle
from unmask.clip_rule import ClipRule
from unmask.errors import UnreadableError
from unmask.types import Evidence, Region, Report

SECONDS = 6.0
QUIET, LOUD = 0.5, 1.9


@dataclass(frozen=True)
class Loaded:
    """Detectors of persons and of voices side by side, and how they decide together."""

    track: Bundle
    voice: Bundle
    rule: ClipRule | None

    def scan(self, path: Path, *, evidence: bool = False) -> Report:
        with Scanner([str(self.track.folder), str(self.voice.folder)], frames=4, evidence=evidence) as scanner:
            return scanner.scan(path)


def loaded(folder: Path, rule: bool) -> Loaded:
    track = make_video_bundle(folder / "track", weights=(20, 0, -20), constant=-2.5, least_px=20)
    voice = make_voice_bundle(folder / "voice", weights=(2000.0, 2000.0))  # as stereo, a voice has half the power
    return Loaded(track, voice, make_clip_rule(track, voice) if rule else None)


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return loaded(tmp_path_factory.mktemp("together"), rule=True)


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return loaded(tmp_path_factory.mktemp("apart"), rule=False)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, astronaut: Image.Image) -> dict[str, Path]:
    """A blue face, which looks real, with a quiet voice, which sounds real, and with a loud one; and nobody's face."""
    folder = tmp_path_factory.mktemp("clips")
    red = np.clip(np.asarray(clips.person(astronaut)) * np.array([1.6, 0.7, 0.4]), 0, 255).astype(np.uint8)
    blue = Image.fromarray(red[..., ::-1])
    scene = clips.staying(blue)
    return {
        "real": clips.draw(folder / "real.mp4", scene, seconds=SECONDS, samples=QUIET * speech(SECONDS)),
        "dubbed": clips.draw(folder / "dubbed.mp4", scene, seconds=SECONDS, samples=LOUD * speech(SECONDS)),
        "silent": clips.draw(folder / "silent.mp4", scene, seconds=2.0, tone=0.0),
        "mute": clips.draw(folder / "mute.mp4", scene, seconds=2.0),
        "nobody": clips.draw(
            folder / "nobody.mp4", lambda _: clips.background(), seconds=SECONDS, samples=LOUD * speech(SECONDS)
        ),
    }


def fitting(monkeypatch: pytest.MonkeyPatch, probability: float | None) -> list[Path]:
    """Lips fit the sound so badly; the videos that were asked about are collected."""
    asked: list[Path] = []

    def look(path: Path, *_: object) -> tuple[list[Evidence], list[object]]:
        asked.append(path)
        one = Evidence(
            detector="lipsync", region=Region(), logit=None, probability=probability, votes=False, sentence="drawn"
        )
        return [one], []

    monkeypatch.setattr(witnesses, "look_at_lips", look)
    return asked


def test_a_voice_is_told_beside_the_video_and_both_decide(together: Loaded, drawn: dict[str, Path]) -> None:
    report = together.scan(drawn["dubbed"])
    assert (report.status, report.faces) == (Status.OK, 1)
    assert report.video is not None
    assert report.voice is not None
    assert report.video.tracks[0].verdict.label is Label.REAL
    assert report.voice.verdict.label is Label.FAKE
    assert report.voice.codec == "aac"
    assert all(0 <= one.start_s < one.end_s <= SECONDS + 0.1 for one in report.voice.stretches)
    assert report.verdict is not None
    assert (report.verdict.label, report.verdict.detector) == (Label.FAKE, "track+voice")
    assert "; what is seen has " in report.verdict.reason
    assert report.verdict.region == report.voice.verdict.region
    assert list(report.scores) == ["track", "voice", "track+voice"]
    assert report.scores["track+voice"].probability == report.verdict.probability
    assert [used.name for used in report.models] == ["track", "voice", "track+voice"]
    assert together.rule is not None
    assert report.models[-1].sha256 == together.rule.sha256
    assert report.models[-1].calibration_set == "drawn clips"
    assert {one.detector for one in report.evidence} == {"track", "voice", "lipsync"}


def test_without_a_rule_what_is_seen_decides(apart: Loaded, drawn: dict[str, Path]) -> None:
    report = apart.scan(drawn["dubbed"])
    assert report.verdict is not None
    assert (report.verdict.label, report.verdict.detector) == (Label.REAL, "track")
    assert report.voice is not None
    assert report.voice.verdict.label is Label.FAKE
    assert list(report.scores) == ["track", "voice"]
    assert "lipsync" not in {one.detector for one in report.evidence}


def test_where_nobody_is_seen_the_voice_decides(together: Loaded, apart: Loaded, drawn: dict[str, Path]) -> None:
    for detectors in (together, apart):
        report = detectors.scan(drawn["nobody"])
        assert report.faces == 0
        assert report.voice is not None
        assert report.verdict == report.voice.verdict
        assert report.verdict.label is Label.FAKE
        assert list(report.scores) == ["voice"]


def test_where_nobody_speaks_the_voice_says_so_and_has_no_say(together: Loaded, drawn: dict[str, Path]) -> None:
    report = together.scan(drawn["silent"])
    assert report.verdict is not None
    assert (report.verdict.label, report.verdict.detector) == (Label.REAL, "track")
    assert report.voice is not None
    assert (report.voice.verdict.probability, report.voice.verdict.reason) == (None, "nobody speaks in it")
    assert list(report.scores) == ["track"]


def test_a_video_without_a_sound_track_has_no_voice(together: Loaded, drawn: dict[str, Path]) -> None:
    report = together.scan(drawn["mute"])
    assert report.voice is None
    assert report.verdict is not None
    assert report.verdict.detector == "track"
    assert {one.detector for one in report.evidence} == {"track"}, "nobody asks about lips where there is no sound"


def test_lips_that_do_not_fit_turn_real_to_uncertain(
    together: Loaded, drawn: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fitting(monkeypatch, 0.5)
    plain = together.scan(drawn["real"])
    assert plain.verdict is not None
    assert plain.verdict.label is Label.REAL
    fitting(monkeypatch, 0.95)
    doubted = together.scan(drawn["real"])
    assert doubted.verdict is not None
    assert (doubted.verdict.label, doubted.verdict.probability) == (Label.UNCERTAIN, plain.verdict.probability)
    assert doubted.verdict.reason.startswith("lips and sound do not fit")
    assert asked == [drawn["real"]]


def test_lips_that_do_not_fit_never_make_a_fake(
    apart: Loaded, together: Loaded, drawn: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fitting(monkeypatch, 1.0)
    assert apart.scan(drawn["real"]).verdict == apart.scan(drawn["real"]).verdict
    assert asked == [], "without a rule nobody asks"
    report = together.scan(drawn["real"])
    assert report.verdict is not None
    assert report.verdict.label is not Label.FAKE


def test_a_sound_that_cannot_be_read_takes_nothing_from_what_was_seen(
    together: Loaded, drawn: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise UnreadableError("the sound is broken")

    monkeypatch.setattr(listen, "listen", broken)
    report = together.scan(drawn["real"])
    assert (report.status, report.voice) == (Status.OK, None)
    assert report.verdict is not None
    assert report.verdict.detector == "track"
