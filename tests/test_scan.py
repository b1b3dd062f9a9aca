from __future__ import annotations

import importlib
import inspect
import itertools
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

import unmask
from tests.data.make import HOSTILE
from tests.make_bundle import expected_logits, make_bundle, make_ensemble
from unmask import bundles
from unmask.errors import BundleError, UsageError
from unmask.faces import FaceFinder
from unmask.judge import Judge
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.modalities import image
from unmask.prepared import Prepared
from unmask.scan import Scanner, expand, scan
from unmask.types import Label, Report, Status

STATUS = {
    "UnreadableError": Status.UNREADABLE,
    "UnsupportedError": Status.UNSUPPORTED,
    "NothingToJudgeError": Status.NOTHING_TO_JUDGE,
}


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("face")).folder


@pytest.fixture(scope="module")
def models(face: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return face, make_bundle(tmp_path_factory.mktemp("picture"), name="picture", kind="patch", pooling="mean").folder


@pytest.fixture(scope="module")
def scanner(models: tuple[Path, Path]) -> Scanner:
    return Scanner(models)


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory, astronaut: Image.Image) -> Path:
    """Twelve small portraits, from blue to red, and a picture without a face."""
    folder = tmp_path_factory.mktemp("portraits")
    small = np.asarray(astronaut.crop((100, 0, 356, 256)), np.float32)
    for number, red in enumerate(np.linspace(0.3, 1.0, 12)):
        tinted = small * np.array([red, 0.6, 1.3 - red], np.float32)
        Image.fromarray(tinted.clip(0, 255).astype(np.uint8)).save(folder / f"{number:02}.png")
    astronaut.crop((0, 300, 100, 400)).save(folder / "no face.png")
    return folder


def test_a_portrait_is_judged_by_its_face(scanner: Scanner, astronaut_path: Path) -> None:
    report = scanner.scan(astronaut_path)
    assert report.status is Status.OK
    assert report.verdict is not None
    assert (report.faces, report.verdict.detector, report.message) == (1, "face", None)
    assert list(report.scores) == ["face"], "the whole-picture detector costs time and would not decide"
    (evidence,) = report.evidence
    assert evidence.votes
    assert evidence.heat_map is None
    assert report.verdict.region == evidence.region
    assert [model.name for model in report.models] == ["face"]
    assert set(report.versions) == {"unmask", "python", "onnxruntime", "pillow", "numpy"}
    assert (report.source.format, report.source.width_px, report.source.height_px) == ("PNG", 512, 512)
    assert report.source.bytes == astronaut_path.stat().st_size


def test_the_score_is_that_of_the_pixels_that_training_would_cut(
    scanner: Scanner, face: Path, astronaut_path: Path, finder: FaceFinder
) -> None:
    photo = image.load(astronaut_path)
    (segment,) = image.segments(photo, bundles.find(str(face)).card.cut, finder.find(photo.image)[0])
    (expected,) = expected_logits(segment.pixels[None])
    assert scanner.scan(astronaut_path).scores["face"].logit == pytest.approx(float(expected), abs=1e-3)


def test_red_portraits_are_fake_and_blue_ones_real(scanner: Scanner, portraits: Path) -> None:
    reports = list(scanner.scan_many(sorted(portraits.glob("??.png"))))
    labels = [report.verdict.label for report in reports if report.verdict]
    assert labels[0] is Label.REAL
    assert labels[-1] is Label.FAKE
    logits = [report.scores["face"].logit for report in reports]
    assert logits == sorted(logits)


def test_evidence_asks_every_detector_and_keeps_heat_maps(models: tuple[Path, Path], astronaut_path: Path) -> None:
    report = scan(astronaut_path, models=models, evidence=True)
    assert set(report.scores) == {"face", "picture"}
    assert {e.detector: e.votes for e in report.evidence} == {"face": True, "picture": False, "compression": False}
    for evidence in (one for one in report.evidence if one.detector != "compression"):
        assert evidence.heat_map is not None
        assert np.mean(evidence.heat_map) == pytest.approx(evidence.logit, abs=1e-3)
    assert len([e for e in report.evidence if e.detector == "picture"]) == 9


def test_a_picture_without_a_face_is_judged_as_a_whole(scanner: Scanner, portraits: Path) -> None:
    report = scanner.scan(portraits / "no face.png")
    assert report.verdict is not None
    assert (report.faces, report.verdict.detector) == (0, "picture")


def test_a_tiny_face_abstains_and_the_whole_picture_decides(
    models: tuple[Path, Path], tmp_path: Path, astronaut_path: Path
) -> None:
    picky = make_bundle(tmp_path / "picky", least_px=400).folder
    report = scan(astronaut_path, models=[picky, models[1]])
    assert report.verdict is not None
    assert report.verdict.detector == "picture"
    assert report.faces == 1
    first = report.evidence[0]
    assert (first.detector, first.logit, first.votes) == ("face", None, False)
    assert first.sentence.endswith("at least 400 px are needed")


def test_without_a_detector_for_it_the_verdict_abstains_with_the_reason(face: Path, portraits: Path) -> None:
    report = scan(portraits / "no face.png", models=[face])
    assert report.status is Status.OK
    assert report.verdict is not None
    assert (report.verdict.label, report.verdict.probability) == (Label.UNCERTAIN, None)
    assert report.verdict.reason == "no face was found, and no detector of whole pictures is loaded"


def test_without_a_face_detector_no_faces_are_looked_for(models: tuple[Path, Path], astronaut_path: Path) -> None:
    report = scan(astronaut_path, models=models[1:])
    assert report.faces is None
    assert report.verdict is not None
    assert report.verdict.detector == "picture"


def test_a_detector_that_gives_no_number_abstains(tmp_path: Path, astronaut_path: Path) -> None:
    mute = make_bundle(tmp_path / "mute", weights=(float("nan"), 0.0, 0.0)).folder
    report = scan(astronaut_path, models=[mute])
    assert report.verdict is not None
    assert report.verdict.probability is None
    assert "the detector gave no number" in report.verdict.reason
    assert report.scores == {}


@pytest.mark.parametrize("many", [False, True])
def test_every_hostile_file_gets_a_status_and_a_sentence(scanner: Scanner, media: Path, many: bool) -> None:
    paths = [media / "hostile" / name for name in HOSTILE]
    reports = list(scanner.scan_many(paths)) if many else [scanner.scan(path) for path in paths]
    assert [report.status for report in reports] == [STATUS[error] for error in HOSTILE.values()]
    for report in reports:
        assert report.verdict is None
        assert report.message
        assert "\n" not in report.message


def test_a_file_that_fails_while_decoding_still_has_its_hash(scanner: Scanner, media: Path) -> None:
    source = scanner.scan(media / "hostile" / "truncated.jpg").source
    assert source.sha256 is not None
    assert source.bytes == (media / "hostile" / "truncated.jpg").stat().st_size


def test_a_folder_is_not_a_file(scanner: Scanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = scanner.scan(tmp_path)
    assert (report.status, report.message) == (Status.UNSUPPORTED, "a folder, not a file")

    def denied(self: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    assert list(expand([tmp_path])) == [tmp_path]
    report = scanner.scan(tmp_path)
    assert report.status is Status.UNREADABLE
    assert report.message == "the folder cannot be read: permission denied"


def test_names_that_are_no_utf8(scanner: Scanner, tmp_path: Path, astronaut_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    try:
        path.write_bytes(astronaut_path.read_bytes())
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    (report,) = scanner.scan_many(expand([tmp_path]))
    assert report.status is Status.OK
    assert report.source.path.endswith("caf\\xe9.png")
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_limits_are_kept(models: tuple[Path, Path], astronaut_path: Path) -> None:
    report = scan(astronaut_path, models=models, limits=replace(DEFAULT_LIMITS, pixels=1000))
    assert report.status is Status.UNREADABLE
    assert "512 x 512" in (report.message or "")


def test_what_nobody_foresaw_is_the_problem_of_one_file(
    models: tuple[Path, Path], portraits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = FaceFinder.find

    def breaks_once(self: FaceFinder, picture: Image.Image, limit: int = 32) -> Any:
        if picture.getpixel((0, 0)) == first:
            raise MemoryError("no room")
        return find(self, picture, limit)

    paths = sorted(portraits.glob("??.png"))[:3]
    first = image.load(paths[1]).image.getpixel((0, 0))
    monkeypatch.setattr(FaceFinder, "find", breaks_once)
    reports = list(Scanner(models).scan_many(paths))
    assert [report.status for report in reports] == [Status.OK, Status.UNREADABLE, Status.OK]
    assert reports[1].message == "judging it failed: MemoryError: no room"


@pytest.mark.parametrize("jobs", [1, 4])
def test_scan_many_keeps_the_order_and_agrees_with_scan(
    models: tuple[Path, Path], portraits: Path, media: Path, jobs: int
) -> None:
    paths = [path for pair in zip(expand([portraits]), expand([media / "hostile"]), strict=False) for path in pair]
    with Scanner(models, jobs=jobs) as scanner:
        reports = list(scanner.scan_many(paths))
        assert [report.source.path for report in reports] == [image.display_path(path) for path in paths]
        assert reports == [scanner.scan(path) for path in paths]


def test_scan_many_of_nothing(scanner: Scanner) -> None:
    assert list(scanner.scan_many([])) == []


def test_scan_many_reads_only_a_few_files_ahead(models: tuple[Path, Path], portraits: Path) -> None:
    taken = itertools.count()
    endless = ((next(taken), path)[1] for path in itertools.cycle([portraits / "00.png"]))
    reports = Scanner(models, jobs=2).scan_many(endless)
    for _ in range(30):
        assert next(reports).status is Status.OK
    reports.close()
    assert next(taken) <= 30 + 2 * (2 + 8)


@pytest.mark.parametrize("how", ["close", "interrupt"])
def test_stopping_begins_no_further_file(
    models: tuple[Path, Path], portraits: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    begun = []

    def slowly(self: Judge, path: Path, finder: FaceFinder | None, *_: object) -> Prepared:
        begun.append(path)
        time.sleep(0.02)
        return prepare(self, path, finder)

    prepare = Judge.prepare
    monkeypatch.setattr(Judge, "prepare", slowly)
    reports = Scanner(models, jobs=1).scan_many(itertools.repeat(portraits / "00.png"))
    kept = [next(reports), next(reports)]
    started = time.monotonic()
    if how == "close":
        reports.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            reports.throw(KeyboardInterrupt())
    assert time.monotonic() - started < 1
    count = len(begun)
    time.sleep(0.3)
    assert len(begun) <= count + 1, "at most the file that a thread had just taken"
    assert [report.status for report in kept] == [Status.OK, Status.OK]
    assert list(reports) == []


def test_an_error_in_the_list_of_paths_reaches_the_caller(scanner: Scanner, portraits: Path) -> None:
    def broken() -> Iterator[Path]:
        yield portraits / "00.png"
        raise ConnectionError("the list broke off")

    with pytest.raises(ConnectionError, match="broke off"):
        list(scanner.scan_many(broken()))


def test_ten_thousand_broken_files_lose_none(scanner: Scanner, tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"{number:05}.jpg").touch()
    count = 0
    for number, report in enumerate(scanner.scan_many(expand([tmp_path]))):
        assert report.source.path.endswith(f"{number:05}.jpg")
        assert report.message == "the file is empty"
        count += 1
    assert count == 10_000


def test_a_closed_scanner_refuses(models: tuple[Path, Path], portraits: Path) -> None:
    with Scanner(models) as scanner:
        assert scanner.scan(portraits / "00.png").status is Status.OK
    scanner.close()
    with pytest.raises(UsageError, match="closed"):
        scanner.scan(portraits / "00.png")
    with pytest.raises(UsageError, match="closed"):
        next(scanner.scan_many([portraits / "00.png"]))


def test_wrong_use_raises(models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="jobs is 0"):
        Scanner(models, jobs=0)
    with pytest.raises(UsageError, match='two of the models are called "face"'):
        Scanner([models[0], models[0]])
    with pytest.raises(UsageError, match='no model "fase"'):
        Scanner(["fase"])
    monkeypatch.setattr(bundles, "FOLDER", tmp_path)
    with pytest.raises(UsageError, match="no models ship with this installation: name the folder"):
        Scanner()


def test_an_altered_model_is_not_used(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path)
    bundle.model_path.write_bytes(bundle.model_path.read_bytes() + b"\0")
    with pytest.raises(BundleError, match="is not the one its card describes"):
        Scanner([tmp_path])


def test_all_shipped_models_by_default(tmp_path: Path, portraits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_bundle(tmp_path / "face")
    make_bundle(tmp_path / "picture", name="picture", kind="patch")
    monkeypatch.setattr(bundles, "FOLDER", tmp_path)
    assert set(scan(portraits / "00.png", evidence=True).scores) == {"face", "picture"}


class TestEnsemble:
    @pytest.fixture
    def shelf(self, tmp_path: Path) -> Path:
        """Two bundles side by side, and what calibrates them together."""
        face = make_bundle(tmp_path / "shelf" / "face")
        picture = make_bundle(tmp_path / "shelf" / "picture", name="picture", kind="patch", pooling="mean")
        make_ensemble(face, picture, temperature=2.0, bias=-1.0)
        return tmp_path / "shelf"

    @pytest.mark.parametrize("way", ["the folder of both", "each by its folder", "in another order", "shipped"])
    def test_it_is_found_beside_the_bundles(
        self, shelf: Path, portraits: Path, monkeypatch: pytest.MonkeyPatch, way: str
    ) -> None:
        monkeypatch.setattr(bundles, "FOLDER", shelf)
        models = {
            "the folder of both": [shelf],
            "each by its folder": [shelf / "face", shelf / "picture"],
            "in another order": [shelf / "picture", shelf / "face"],
            "shipped": [],
        }[way]
        report = scan(portraits / "03.png", models=models)
        assert report.verdict is not None
        assert report.verdict.detector == "face+picture"
        logit = (report.scores["face"].logit + report.scores["picture"].logit) / 2
        assert report.scores["face+picture"].logit == pytest.approx(logit)
        assert report.verdict.probability == pytest.approx(1 / (1 + np.exp(-(logit + 1) / 2)))
        assert all(evidence.votes for evidence in report.evidence)
        assert {model.name for model in report.models} == {"face", "picture", "face+picture"}
        assert Report.model_validate_json(report.model_dump_json()) == report

    def test_a_member_that_abstains_leaves_the_verdict_to_the_other(self, shelf: Path, portraits: Path) -> None:
        report = scan(portraits / "no face.png", models=[shelf])
        alone = scan(portraits / "no face.png", models=[shelf / "picture"])
        assert report.verdict is not None
        assert alone.verdict is not None
        assert (report.verdict.detector, report.verdict.probability) == ("picture", alone.verdict.probability)

    def test_one_member_alone_decides_by_its_own_calibration(self, shelf: Path, portraits: Path) -> None:
        report = scan(portraits / "03.png", models=[shelf / "face"])
        assert report.verdict is not None
        assert report.verdict.detector == "face"
        assert list(report.scores) == ["face"]

    def test_a_stale_one_is_ignored(self, shelf: Path, portraits: Path) -> None:
        make_bundle(shelf / "picture", name="picture", kind="patch", pooling="mean", constant=0.25)
        report = scan(portraits / "03.png", models=[shelf])
        assert report.verdict is not None
        assert report.verdict.detector == "face"
        assert "face+picture" not in report.scores

    def test_a_damaged_one_is_refused(self, shelf: Path) -> None:
        (shelf / "ensemble.json").write_text("{")
        for models in ([shelf], [shelf / "face", shelf / "picture"]):
            with pytest.raises(BundleError, match=r"ensemble\.json is not valid"):
                Scanner(models)

    def test_many_files_agree_with_one_at_a_time(self, shelf: Path, portraits: Path) -> None:
        with Scanner([shelf], jobs=2) as scanner:
            paths = list(expand([portraits]))
            assert list(scanner.scan_many(paths)) == [scanner.scan(path) for path in paths]


def test_the_door_stays_open_when_the_module_is_imported(portraits: Path, models: tuple[Path, Path]) -> None:
    assert importlib.import_module("unmask.scan").__name__ == "unmask.scan"
    assert unmask.scan(portraits / "00.png", models=models).status is Status.OK


def test_reports_satisfy_the_schema(models: tuple[Path, Path], portraits: Path, media: Path) -> None:
    schema = Report.model_json_schema(mode="serialization")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    paths = [*expand([portraits]), *(media / "hostile" / name for name in HOSTILE)]
    for report in Scanner(models, evidence=True).scan_many(paths):
        validator.validate(report.to_dict())
        assert Report.model_validate(report.to_dict()) == report


class TestExpand:
    def test_files_and_folders_come_sorted_and_deep(self, tmp_path: Path) -> None:
        for name in ("b/z.jpg", "b/a/x.jpg", "a.jpg", "c.jpg", ".hidden.jpg"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        found = [path.relative_to(tmp_path).as_posix() for path in expand([tmp_path])]
        assert found == [".hidden.jpg", "a.jpg", "b/a/x.jpg", "b/z.jpg", "c.jpg"]

    def test_files_come_in_the_order_they_were_named(self, tmp_path: Path) -> None:
        paths = [tmp_path / "b.jpg", tmp_path / "a.jpg", tmp_path / "b.jpg"]
        assert list(expand(paths)) == paths, "a missing or repeated file is not dropped either"

    def test_loops_of_links_end(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "x.jpg").touch()
        (tmp_path / "in" / "up").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "in" / "self").symlink_to("self")
        found = [path.relative_to(tmp_path).as_posix() for path in expand([tmp_path])]
        assert found == ["in/self", "in/x.jpg"]

    def test_links_to_folders_are_followed_once(self, tmp_path: Path) -> None:
        (tmp_path / "far").mkdir()
        (tmp_path / "far" / "x.jpg").touch()
        (tmp_path / "near").mkdir()
        for name in ("one", "two"):
            (tmp_path / "near" / name).symlink_to(tmp_path / "far", target_is_directory=True)
        assert [path.name for path in expand([tmp_path / "near"])] == ["x.jpg"]

    def test_folders_may_lie_deeper_than_the_stack(self, tmp_path: Path) -> None:
        folder = tmp_path.joinpath(*["d"] * 300)
        folder.mkdir(parents=True)
        (folder / "x.jpg").touch()
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(len(inspect.stack()) + 50)
        try:
            found = list(expand([tmp_path]))
        finally:
            sys.setrecursionlimit(limit)
        assert found == [folder / "x.jpg"]

    def test_it_is_lazy(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").touch()
        endless = itertools.repeat(tmp_path / "a.jpg")
        assert len(list(itertools.islice(expand(endless), 5))) == 5


def test_a_scan_takes_limits_of_the_caller(models: tuple[Path, Path], astronaut_path: Path) -> None:
    assert scan(astronaut_path, models=models, limits=Limits(faces=1)).faces == 1
