from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.make_bundle import make_bundle, make_ensemble
from unmask import ensemble, judge, panel
from unmask.detectors.onnx import OnnxDetector
from unmask.judge import Judge
from unmask.limits import DEFAULT_LIMITS
from unmask.prepared import Prepared
from unmask.types import Report, Source, Status


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Name of the detector and size of each batch that was scored, but for the one that loading tries."""
    seen: list[tuple[str, int]] = []
    run = OnnxDetector.run

    def counting(self: OnnxDetector, batch: Any) -> Any:
        if batch.any():
            seen.append((self.card.name, len(batch)))
        return run(self, batch)

    monkeypatch.setattr(OnnxDetector, "run", counting)
    return seen


@pytest.fixture
def files(tmp_path: Path, astronaut: Image.Image) -> list[Path]:
    """A portrait, a picture without a face, a broken file, and the portrait again."""
    astronaut.save(tmp_path / "a.png")
    astronaut.crop((0, 300, 100, 400)).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    astronaut.save(tmp_path / "d.png")
    return [tmp_path / f"{name}.png" for name in "abcd"]


def both(folder: Path, *, evidence: bool = False) -> Judge:
    face = make_bundle(folder / "face")
    picture = make_bundle(folder / "picture", name="picture", kind="patch", size_px=96)
    return Judge([face, picture], None, DEFAULT_LIMITS, evidence)


def joined(folder: Path, *, evidence: bool = False) -> Judge:
    """The same two as an ensemble, and a third of which it knows nothing."""
    face = make_bundle(folder / "face")
    picture = make_bundle(folder / "picture", name="picture", kind="patch", size_px=96)
    other = make_bundle(folder / "other", name="other", kind="patch", size_px=96)
    return Judge([face, picture, other], make_ensemble(face, picture), DEFAULT_LIMITS, evidence)


def reports(judge: Judge, files: list[Path]) -> list[Report]:
    return judge.reports([judge.prepare(file, judge.finder) for file in files])


def test_segments_of_several_files_share_a_batch(
    tmp_path: Path, files: list[Path], batches: list[tuple[str, int]]
) -> None:
    found = reports(both(tmp_path), files)
    assert batches == [("face", 2), ("picture", 1)]
    assert [list(report.scores) for report in found] == [["face"], ["picture"], [], ["face"]]
    assert found[0].scores == found[3].scores
    assert found[2].status is Status.UNREADABLE
    assert found[2].models == ()


def test_large_batches_are_split(
    tmp_path: Path, files: list[Path], batches: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel, "BATCH_PX", 19 * 96 * 96)
    whole = reports(both(tmp_path, evidence=True), files)
    assert batches == [("face", 2), ("picture", 19)]
    batches.clear()
    monkeypatch.setattr(panel, "BATCH_PX", 8 * 96 * 96 + 1)
    assert reports(both(tmp_path, evidence=True), files) == whole
    assert batches == [("face", 2), ("picture", 8), ("picture", 8), ("picture", 3)]
    batches.clear()
    monkeypatch.setattr(panel, "BATCH_PX", 1)
    assert reports(both(tmp_path, evidence=True), files) == whole
    assert {size for _, size in batches} == {1}


def test_both_finders_are_loaded_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int | None] = []
    monkeypatch.setattr(judge, "FaceFinder", threads.append)
    loaded = both(tmp_path)
    assert threads == []
    assert (loaded.shared_finder, loaded.finder, loaded.shared_finder) == (None, None, None)
    assert threads == [1, None]


def test_nothing_to_report_on(tmp_path: Path) -> None:
    assert both(tmp_path).reports([]) == []


def test_a_problem_becomes_the_status(tmp_path: Path) -> None:
    file = Prepared(Source(path="x.jpg"), (Status.NOTHING_TO_JUDGE, "the picture is too small"))
    (report,) = both(tmp_path).reports([file])
    assert (report.status, report.message) == (Status.NOTHING_TO_JUDGE, "the picture is too small")
    assert report.versions["unmask"]


def test_an_ensemble_asks_all_its_members_where_a_face_can_be_judged(
    tmp_path: Path, files: list[Path], batches: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel, "BATCH_PX", 19 * 96 * 96)
    found = reports(joined(tmp_path), files)
    assert batches == [("face", 2), ("picture", 19), ("other", 1)], "the other has no say where a face was judged"
    names = [list(report.scores) for report in found]
    assert names == [["face", "picture", "face+picture"], ["picture", "other"], [], ["face", "picture", "face+picture"]]
    deciders = [report.verdict.detector if report.verdict else None for report in found]
    assert deciders == ["face+picture", "picture", None, "face+picture"]
    assert {e.detector for e in found[0].evidence if e.votes} == {"face", "picture"}


def test_a_detector_of_faces_beside_an_ensemble_steps_in_where_that_can_judge_none(
    tmp_path: Path, astronaut: Image.Image, batches: list[tuple[str, int]]
) -> None:
    constants = {"first": 0.0, "second": 0.1}
    first, second = (make_bundle(tmp_path / name, name=name, constant=one) for name, one in constants.items())
    small = make_bundle(tmp_path / "small", name="small", least_px=8, constant=0.2)
    picture = make_bundle(tmp_path / "picture", name="picture", kind="patch", size_px=96)
    together = make_ensemble(first, second)
    astronaut.save(tmp_path / "large.png")
    astronaut.resize((128, 128)).save(tmp_path / "small.png")
    files = [tmp_path / "large.png", tmp_path / "small.png"]
    found = reports(Judge([first, second, small, picture], together, DEFAULT_LIMITS, evidence=False), files)
    assert [list(report.scores) for report in found] == [["first", "second", "first+second"], ["small", "picture"]]
    assert [report.verdict and report.verdict.detector for report in found] == ["first+second", "small"]
    assert batches[:3] == [("first", 1), ("second", 1), ("small", 1)]
    full = reports(Judge([first, second, small, picture], together, DEFAULT_LIMITS, evidence=True), files)
    assert list(full[0].scores) == ["first", "second", "small", "picture", "first+second"]
    assert [report.verdict for report in full] == [report.verdict for report in found]


def test_with_evidence_those_without_a_say_are_asked_too(tmp_path: Path, files: list[Path]) -> None:
    plain, full = reports(joined(tmp_path), files[:1]), reports(joined(tmp_path, evidence=True), files[:1])
    assert list(full[0].scores) == ["face", "picture", "other", "face+picture"]
    assert full[0].verdict == plain[0].verdict
    votes = {"face": True, "picture": True, "other": False, "compression": False}
    assert {e.detector: e.votes for e in full[0].evidence} == votes


def test_a_report_names_the_ensemble_only_where_it_decided(tmp_path: Path, files: list[Path]) -> None:
    loaded = joined(tmp_path)
    portrait, landscape, broken, _ = reports(loaded, files)
    together = ensemble.read(tmp_path)
    assert together is not None
    assert [used.name for used in portrait.models] == ["face", "picture", "face+picture"]
    used = portrait.models[-1]
    assert (used.version, used.sha256) == (together.version, together.sha256)
    assert (used.calibration_set, used.fake_above, used.real_below) == ("drawn together", 0.7, 0.2)
    assert "face+picture" not in {used.name for used in landscape.models}
    assert broken.models == ()
