"""Videos through the scanner: who, when, why; and an honest answer where there is nobody, or nothing to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unmask
from tests.data import clips
from tests.make_bundle import make_bundle, make_video_bundle
from unmask import Label, Scanner, Status
from unmask.errors import UnreadableError, UsageError
from unmask.modalities.video import Film, Still
from unmask.types import Report


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Red faces look fake to it."""
    folder = tmp_path_factory.mktemp("bundle") / "track"
    return str(make_video_bundle(folder, frames=4, weights=(20, 0, -20), constant=-2.5, least_px=20).folder)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, astronaut: Image.Image) -> dict[str, Path]:
    return clips.make(astronaut, tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def reports(detector: str, drawn: dict[str, Path]) -> dict[str, Report]:
    with Scanner([detector], frames=16) as scanner:
        return dict(zip(drawn, scanner.scan_many(drawn.values()), strict=True))


def test_one_person_one_track_upright(reports: dict[str, Report]) -> None:
    for name in ("staying.mp4", "turned.mp4"):
        video = reports[name].video
        assert video is not None
        (track,) = video.tracks
        assert (track.start_s, track.end_s) == (0, 1.9)
        assert len([one for one in track.moments if one.time_s in video.looked_at_s]) == 16
        x1, y1, x2, y2 = track.moments[0].box_px
        assert 120 < x1 < x2 < 220
        assert 40 < y1 < y2 <= 180


def test_the_report_says_how_it_was_read(reports: dict[str, Report]) -> None:
    report = reports["staying.mp4"]
    video = report.video
    assert video is not None
    assert (report.source.format, report.source.width_px, report.source.height_px) == ("mov", 320, 180)
    assert (video.duration_s, video.frames, video.has_sound, video.notes) == (2.0, 20, True, ())
    assert (video.looked_at_s[0], video.looked_at_s[-1]) == (0, 1.9)
    assert not reports["crossing.mp4"].video.has_sound  # type: ignore[union-attr]
    assert report.to_dict()["video"]["tracks"][0]["number"] == 1


def test_the_closer_looks_are_new_and_have_no_say(detector: str, drawn: dict[str, Path]) -> None:
    with Scanner([detector], frames=5) as scanner:
        report = scanner.scan(drawn["staying.mp4"])
    video = report.video
    assert video is not None
    assert len(video.looked_closer_s) > 2
    assert not set(video.looked_closer_s) & set(video.looked_at_s)
    pooled = max(m.probability or 0 for m in video.tracks[0].moments if m.time_s in video.looked_at_s)
    assert report.verdict is not None
    assert report.verdict.probability == pytest.approx(pooled, abs=1e-3)  # "max" over the first looks


def test_a_fake_person_among_real_ones_is_named_with_the_seconds(
    tmp_path: Path, detector: str, astronaut: Image.Image
) -> None:
    red = Image.fromarray(
        np.clip(np.asarray(clips.person(astronaut)) * np.array([1.6, 0.7, 0.4]), 0, 255).astype(np.uint8)
    )
    blue = Image.fromarray(np.asarray(red)[..., ::-1])
    scene = clips.cut_to(blue, red, [1.0])
    with Scanner([detector], frames=20) as scanner:
        report = scanner.scan(clips.draw(tmp_path / "two.mp4", scene))
    assert report.verdict is not None
    assert report.video is not None
    assert report.faces == 2
    assert report.verdict.label is Label.FAKE
    first, second = report.video.tracks
    assert first.verdict.label is Label.FAKE
    assert second.verdict.label is Label.REAL
    assert (first.start_s, second.end_s) == (1.0, 0.9)
    region = report.verdict.region
    assert region is not None
    assert region.track == 1
    assert region.start_s is not None
    assert 1.0 <= region.start_s <= 1.9
    assert "person 1, most at 0:01." in report.verdict.reason
    assert [one.votes for one in report.evidence] == [True, False]


def test_a_face_in_one_second_only(reports: dict[str, Report]) -> None:
    video = reports["one-second.mp4"].video
    assert video is not None
    (track,) = video.tracks
    assert 1.0 <= track.start_s <= track.end_s < 2.0


def test_a_variable_rate_keeps_its_own_times(reports: dict[str, Report]) -> None:
    video = reports["variable.mkv"].video
    assert video is not None
    assert set(video.looked_at_s) >= {0, 0.1, 0.5, 0.9, 0.95, 1.7, 2.0}
    assert set(video.looked_at_s) <= {0, 0.05, 0.1, 0.5, 0.9, 0.95, 1.7, 2.0}


def test_a_file_of_one_frame_is_judged(reports: dict[str, Report]) -> None:
    report = reports["one-frame.mp4"]
    assert report.status is Status.OK
    assert report.verdict is not None
    assert report.verdict.probability is not None


def test_nobody_in_it_is_uncertain_and_never_a_number(reports: dict[str, Report]) -> None:
    report = reports["nobody.webm"]
    assert report.status is Status.OK
    assert report.faces == 0
    assert report.verdict is not None
    assert (report.verdict.label, report.verdict.probability) == (Label.UNCERTAIN, None)
    assert "no face was found" in report.verdict.reason


def test_a_torn_file_is_judged_on_what_could_be_read_and_says_so(reports: dict[str, Report]) -> None:
    video = reports["torn.mkv"].video
    assert video is not None
    assert video.tracks[0].end_s < 1.3
    assert any("breaks off" in note for note in video.notes)


def test_sound_alone_is_no_video(reports: dict[str, Report]) -> None:
    report = reports["sound.m4a"]
    assert (report.status, report.message) == (Status.UNSUPPORTED, "no detector of voices is loaded")


def test_broken_and_hostile_files(tmp_path: Path, detector: str, drawn: dict[str, Path]) -> None:
    data = drawn["staying.mp4"].read_bytes()
    files = {
        "head.mp4": data[:40],
        "noise.mkv": b"\x1aE\xdf\xa3" + bytes(range(256)) * 40,
        "list.m3u8": b"#EXTM3U\n/etc/passwd",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with Scanner([detector]) as scanner:
        statuses = [report.status for report in scanner.scan_many(tmp_path / name for name in files)]
    assert set(statuses) <= {Status.UNREADABLE, Status.UNSUPPORTED}


def test_only_the_first_seconds(detector: str, drawn: dict[str, Path]) -> None:
    report = unmask.scan(drawn["staying.mp4"], models=[detector], frames=8, max_seconds=1.0)
    assert report.video is not None
    assert max(report.video.looked_at_s) <= 1.1
    assert any("only the first 0:01." in note for note in report.video.notes)


@pytest.mark.parametrize("options", [{"frames": 0}, {"max_seconds": 0.0}, {"max_seconds": float("nan")}])
def test_impossible_options_are_refused(detector: str, options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="are none"):
        Scanner([detector], **options)  # type: ignore[arg-type]


def test_photos_and_videos_in_one_scan(
    tmp_path: Path, detector: str, drawn: dict[str, Path], astronaut_path: Path
) -> None:
    photos = str(make_bundle(tmp_path / "face").folder)
    with Scanner([photos, detector], frames=4) as scanner:
        photo, clip = scanner.scan_many([astronaut_path, drawn["staying.mp4"]])
    assert photo.video is None
    assert list(photo.scores) == ["face"]
    assert clip.video is not None
    assert list(clip.scores) == ["track"]


def test_without_a_detector_of_videos_it_says_so(tmp_path: Path, drawn: dict[str, Path]) -> None:
    report = unmask.scan(drawn["staying.mp4"], models=[make_bundle(tmp_path / "face").folder])
    assert (report.status, report.message) == (Status.UNSUPPORTED, "no detector of videos is loaded")


def test_a_gif_that_moves_is_a_video_and_one_that_does_not_is_a_picture(
    tmp_path: Path, detector: str, astronaut: Image.Image
) -> None:
    one = clips.person(astronaut)
    moving = clips.draw(tmp_path / "moving.gif", clips.staying(one), codec="gif", pix_fmt="rgb8", seconds=0.5)
    still = tmp_path / "still.gif"
    clips.placed((one, 100)).save(still)
    photos = str(make_bundle(tmp_path / "face").folder)
    with Scanner([photos, detector]) as scanner:
        reports = list(scanner.scan_many([moving, still]))
    assert [report.video is not None for report in reports] == [True, False]


def test_evidence_brings_a_heat_map_of_the_highest_look(detector: str, drawn: dict[str, Path]) -> None:
    report = unmask.scan(drawn["staying.mp4"], models=[detector], frames=6, evidence=True)
    (mapped,) = [one for one in report.evidence if one.heat_map]
    assert mapped.logit is not None
    assert np.array(mapped.heat_map).mean() == pytest.approx(mapped.logit, abs=1e-3)
    assert report.video is not None
    highest = max(report.video.tracks[0].moments, key=lambda one: one.probability or 0)
    assert mapped.region.start_s == highest.time_s


def test_witnesses_inform_where_evidence_is_asked_for(detector: str, drawn: dict[str, Path]) -> None:
    report = unmask.scan(drawn["crossing.mp4"], models=[detector], frames=8, evidence=True)
    told = {one.detector: one for one in report.evidence if one.detector != "track"}
    assert set(told) == {"motion", "lighting", "lipsync"}
    assert not any(one.votes for one in told.values())
    assert told["lipsync"].logit is None
    assert "there is no sound" in told["lipsync"].sentence
    assert all(one.region.track == 1 for one in told.values())
    assert report.video is not None
    for curve in report.video.curves:
        assert len(curve.times_s) == len(curve.values)
        assert 0 <= curve.times_s[0] <= curve.times_s[-1] <= 2
    assert unmask.scan(drawn["crossing.mp4"], models=[detector], frames=8).video.curves == ()  # type: ignore[union-attr]


def test_a_closer_look_that_fails_leaves_what_was_seen(
    detector: str, drawn: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stills = Film.stills

    def worn_out(film: Film, moments_s: Sequence[float]) -> Iterator[Still]:
        if len(moments_s) not in (1, 5):
            raise UnreadableError("decoding the video took too long")
        return stills(film, moments_s)

    monkeypatch.setattr(Film, "stills", worn_out)
    report = unmask.scan(drawn["staying.mp4"], models=[detector], frames=5)
    assert report.status is Status.OK
    assert report.video is not None
    assert report.video.looked_closer_s == ()
    assert len(report.video.tracks[0].moments) == 5
