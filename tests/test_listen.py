"""Recordings through the scanner: when, how sure, why; and an honest answer where nobody speaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import unmask
from tests.draw_speech import speech, write
from tests.make_bundle import QUIET, expected_voice_logits, make_bundle, make_voice_bundle
from unmask import Label, Scanner, Status, fuse, listen, passages
from unmask.bundles import Bundle
from unmask.detectors.onnx import OnnxDetector
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.types import RATE_HZ, Report, Samples

LOUD_S = (6.0, 9.0)
"""In these seconds of `talk` the voice is loud, which looks fake to the drawn detector."""


def talk() -> Samples:
    """Ten seconds of speech, a pause of two, and a short turn; loud for a while."""
    long = speech(10.0).copy()
    long[round(LOUD_S[0] * RATE_HZ) : round(LOUD_S[1] * RATE_HZ)] *= 1.9
    return np.concatenate([long, np.zeros(2 * RATE_HZ, np.float32), speech(2.0, seed=1)])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_voice_bundle(tmp_path_factory.mktemp("bundle") / "voice")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("talk") / "talk.wav", talk())


@pytest.fixture(scope="module")
def report(bundle: Bundle, path: Path) -> Report:
    return unmask.scan(path, models=[bundle.folder])


def test_a_recording_has_a_verdict_with_its_seconds(report: Report) -> None:
    assert (report.status, report.source.format, report.video, report.faces) == (Status.OK, "wav", None, None)
    voice, verdict = report.voice, report.verdict
    assert voice is not None
    assert verdict is not None
    assert verdict == voice.verdict
    assert verdict.detector == "voice"
    assert verdict.region is not None
    start_s, end_s = verdict.region.start_s, verdict.region.end_s
    assert start_s is not None
    assert end_s is not None
    assert 0 <= start_s < LOUD_S[1]
    assert LOUD_S[0] < end_s <= voice.duration_s == 14.0
    assert "most at 0:0" in verdict.reason
    assert (voice.codec, voice.rate_hz, voice.channels, voice.notes, voice.curves) == ("pcm_s16le", 16_000, 1, (), ())
    assert voice.speech_s == pytest.approx(12.0, abs=0.6)
    assert [used.name for used in report.models] == ["voice"]
    assert set(report.versions) >= {"av", "onnxruntime", "unmask"}
    assert report.to_dict()["voice"]["stretches"][0]["start_s"] == voice.stretches[0].start_s


def test_stretches_are_in_the_order_of_time_and_the_loud_ones_stand_out(report: Report) -> None:
    assert report.voice is not None
    found = report.voice.stretches
    assert [one.start_s for one in found] == sorted(one.start_s for one in found)
    assert all(0 <= one.start_s < one.end_s <= 14.0 for one in found)
    assert not any(10.2 < one.start_s < 11.8 for one in found), "nothing is cut out of the pause"
    inside = [one for one in found if one.start_s >= LOUD_S[0] - 0.2 and one.end_s <= LOUD_S[1] + 0.2]
    others = [one for one in found if one.end_s < LOUD_S[0] or one.start_s > LOUD_S[1]]
    assert min(one.probability or 0 for one in inside) > 0.5 > max(one.probability or 1 for one in others)


def test_the_score_is_that_of_the_windows_of_the_one_cutter(report: Report, bundle: Bundle, path: Path) -> None:
    cut, _ = passages.of_file(path, bundle.card.cut)
    logits = expected_voice_logits(np.stack([one.samples for one in cut if one.unfit is None]))
    assert report.voice is not None
    assert [(one.start_s, one.end_s) for one in report.voice.stretches] == [
        (one.region.start_s, one.region.end_s) for one in cut
    ]
    score = report.scores["voice"]
    assert set(report.scores) == {"voice"}
    assert score.logit == pytest.approx(float(logits.mean()), abs=1e-3)
    assert report.verdict is not None
    assert report.verdict.probability == score.probability == fuse.calibrated(score.logit, bundle.card.calibration)


@pytest.mark.parametrize(("gain", "label"), [(0.5, Label.REAL), (1.9, Label.FAKE)])
def test_its_label_is_that_of_its_thresholds(tmp_path: Path, bundle: Bundle, gain: float, label: Label) -> None:
    path = write(tmp_path / "a.flac", gain * speech(6.0), codec="flac")
    report = unmask.scan(path, models=[bundle.folder])
    assert report.verdict is not None
    assert report.verdict.label is label


def test_a_heat_map_only_where_evidence_is_asked_for(report: Report, bundle: Bundle, path: Path) -> None:
    assert [one.heat_map for one in report.evidence] == [None]
    (whole,) = report.evidence
    assert whole.votes
    assert "this voice" in whole.sentence
    full = unmask.scan(path, models=[bundle.folder], evidence=True)
    assert full.verdict == report.verdict
    assert [one.votes for one in full.evidence if one.detector == "voice"] == [True, False]
    (mapped,) = [one for one in full.evidence if one.heat_map]
    rows = np.array(mapped.heat_map)
    assert rows.shape == (2, 4)
    assert mapped.logit is not None
    assert rows.mean() + QUIET == pytest.approx(mapped.logit, abs=1e-3)
    assert full.voice is not None
    highest = max(full.voice.stretches, key=lambda one: one.probability or 0)
    assert (mapped.region.start_s, mapped.region.end_s) == (highest.start_s, highest.end_s)
    assert mapped.probability == highest.probability


def test_silence_and_noise_have_nothing_to_judge(tmp_path: Path, bundle: Bundle) -> None:
    rng = np.random.default_rng(0)
    sounds = {
        "silence.wav": np.zeros(3 * RATE_HZ, np.float32),
        "noise.wav": rng.normal(0, 0.05, 3 * RATE_HZ).astype(np.float32),
        "short.wav": speech(2.0)[:1600],
        "one.wav": np.full(1, 0.5, np.float32),
    }
    with Scanner([bundle.folder]) as scanner:
        found = list(scanner.scan_many(write(tmp_path / name, sound) for name, sound in sounds.items()))
    assert [one.status for one in found] == [Status.NOTHING_TO_JUDGE] * len(sounds)
    assert [one.message for one in found] == ["nobody speaks in it"] * len(sounds)
    assert all(one.verdict is None and one.voice is None for one in found)


def test_too_little_speech_is_uncertain_and_never_a_number(tmp_path: Path) -> None:
    strict = make_voice_bundle(tmp_path / "voice", window_s=4.0, step_s=2.0, least_speech_s=3.0)
    quiet = np.zeros(RATE_HZ, np.float32)
    path = write(tmp_path / "a.wav", np.concatenate([quiet, speech(2.0, seed=1), quiet]))
    report = unmask.scan(path, models=[strict.folder], evidence=True)
    assert report.status is Status.OK
    assert report.verdict is not None
    assert (report.verdict.label, report.verdict.probability) == (Label.UNCERTAIN, None)
    assert "no speech in it could be judged: only " in report.verdict.reason
    assert report.scores == {}
    assert report.voice is not None
    assert [one.probability for one in report.voice.stretches] == [None]
    assert [(one.logit, one.votes) for one in report.evidence if one.detector == "voice"] == [(None, False)]


def test_a_detector_that_gives_no_number_is_uncertain(tmp_path: Path) -> None:
    dumb = make_voice_bundle(tmp_path / "voice", constant=float("nan"))
    report = unmask.scan(write(tmp_path / "a.wav", speech(6.0)), models=[dumb.folder])
    assert report.verdict is not None
    assert (report.verdict.label, report.verdict.probability) == (Label.UNCERTAIN, None)
    assert "the detector gave no number" in report.verdict.reason


def test_broken_files_are_unreadable(tmp_path: Path, bundle: Bundle, path: Path) -> None:
    files = {"text.wav": b"nothing", "head.wav": path.read_bytes()[:30], "empty.mp3": b"", "noise.ogg": b"OggS" * 90}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with Scanner([bundle.folder]) as scanner:
        found = list(scanner.scan_many(tmp_path / name for name in (*files, "missing.wav")))
    assert {one.status for one in found} <= {Status.UNREADABLE, Status.UNSUPPORTED}
    assert all(one.verdict is None and one.message for one in found)


def test_a_file_that_breaks_off_is_judged_on_what_there_is(tmp_path: Path, bundle: Bundle) -> None:
    data = write(tmp_path / "whole.flac", talk(), codec="flac").read_bytes()
    (tmp_path / "torn.flac").write_bytes(data[: len(data) // 2])
    report = unmask.scan(tmp_path / "torn.flac", models=[bundle.folder])
    assert report.status is Status.OK
    assert report.voice is not None
    assert 2.0 < report.voice.duration_s < 12.0
    assert any("breaks off" in note for note in report.voice.notes)


def test_only_what_the_limits_allow_is_listened_to(bundle: Bundle, path: Path) -> None:
    heard = listen.listen(path, OnnxDetector(bundle), Limits(sound_s=5.0))
    assert heard.voice.duration_s == pytest.approx(5.0, abs=0.1)
    assert max(one.end_s for one in heard.voice.stretches) <= 5.1
    assert heard.voice.notes


def test_windows_come_in_order_whatever_the_batch(
    bundle: Bundle, path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "_AT_ONCE", 1)
    heard = listen.listen(path, OnnxDetector(bundle), DEFAULT_LIMITS)
    assert heard.voice == report.voice


def test_without_a_detector_of_voices_it_says_so(tmp_path: Path, path: Path) -> None:
    report = unmask.scan(path, models=[make_bundle(tmp_path / "face").folder])
    assert (report.status, report.message) == (Status.UNSUPPORTED, "no detector of voices is loaded")


def test_a_detector_of_voices_alone_judges_no_photo(bundle: Bundle, astronaut_path: Path) -> None:
    report = unmask.scan(astronaut_path, models=[bundle.folder])
    assert (report.status, report.message) == (Status.UNSUPPORTED, "no detector of photos is loaded")


def test_photos_and_recordings_in_one_scan(tmp_path: Path, bundle: Bundle, path: Path, astronaut_path: Path) -> None:
    with Scanner([make_bundle(tmp_path / "face").folder, bundle.folder]) as scanner:
        photo, sound = scanner.scan_many([astronaut_path, path])
    assert (list(photo.scores), photo.voice) == (["face"], None)
    assert list(sound.scores) == ["voice"]


def test_no_more_seconds_are_judged_than_asked(bundle: Bundle, path: Path) -> None:
    report = unmask.scan(path, models=[bundle.folder], max_seconds=5.0)
    assert report.voice is not None
    assert report.voice.stretches[-1].end_s <= 5.0
    assert any("first" in note for note in report.voice.notes)
