"""The demo: its two pictures, and that it opens nothing and leaves nothing half done."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from PIL import Image

from tests.make_bundle import make_bundle
from unmask import demo
from unmask.errors import BundleError, UsageError
from unmask.faces import Face, FaceFinder
from unmask.modalities import image as pictures
from unmask.types import Label, Report, Status, Verdict


class FakeScanner:
    """Judges by name, so that the demo can be tested without trained weights."""

    def __init__(self, models: Any = (), **options: Any) -> None:
        assert options == {"evidence": True}
        if models:
            raise UsageError(f"there is no model {models[0]}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def scan_many(self, paths: Iterable[Path]) -> Iterator[Report]:
        for path in paths:
            label = Label.FAKE if "altered" in path.name else Label.REAL
            verdict = Verdict(label=label, probability=0.9 if label is Label.FAKE else 0.1, reason="by its name")
            yield Report(source=pictures.load(path).source, status=Status.OK, verdict=verdict, faces=1)


@pytest.fixture
def fake_scanner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "Scanner", FakeScanner)


@pytest.fixture(scope="module")
def altered(astronaut: Image.Image) -> Image.Image:
    return demo.alter(astronaut)


@pytest.fixture(scope="module")
def face(astronaut: Image.Image, finder: FaceFinder) -> Face:
    return finder.find(astronaut)[0][0]


@pytest.mark.usefixtures("fake_scanner")
def test_demo_writes_two_pictures_and_a_page(tmp_path: Path, astronaut_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    result = demo.run(out)
    assert sorted(path.name for path in out.iterdir()) == ["portrait-altered.png", "portrait.png", "report.html"]
    assert (out / "portrait.png").read_bytes() == astronaut_path.read_bytes()
    assert result.original.source.path == str(out / "portrait.png")
    assert result.altered.source.path == str(out / "portrait-altered.png")
    assert result.page == out / "report.html"
    page = result.page.read_text(encoding="utf-8")
    assert page.count("<figure") == 2, "both pictures are shown"
    assert "Judged real" in page
    assert "Judged fake" in page


def test_demo_end_to_end_with_drawn_models(tmp_path: Path) -> None:
    models = [tmp_path / "face", tmp_path / "picture"]
    make_bundle(models[0])
    make_bundle(models[1], name="picture", kind="patch", size_px=128)
    result = demo.run(tmp_path / "out", models)
    for report in (result.original, result.altered):
        assert report.verdict is not None
        assert report.verdict.detector == "face"
        assert {evidence.detector for evidence in report.evidence} == {"face", "picture", "compression"}
        assert all(one.heat_map for one in report.evidence if one.detector != "compression")
        assert str(report.source.sha256) in result.page.read_text(encoding="utf-8")
    assert result.original.scores["face"] != result.altered.scores["face"]


@pytest.mark.usefixtures("fake_scanner")
def test_running_it_again_gives_the_same_pictures(tmp_path: Path) -> None:
    first, second = demo.run(tmp_path), demo.run(tmp_path)
    assert first.altered.source.sha256 == second.altered.source.sha256


@pytest.mark.usefixtures("fake_scanner")
def test_a_missing_model_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model nothere"):
        demo.run(tmp_path / "out", models=["nothere"])
    assert not (tmp_path / "out").exists()


def test_the_copy_differs_in_the_face_and_nowhere_else(
    astronaut: Image.Image, altered: Image.Image, face: Face
) -> None:
    change = np.abs(np.asarray(altered, np.int16) - np.asarray(astronaut, np.int16)).max(axis=2)
    rows, columns = np.nonzero(change)
    x1, y1, x2, y2 = face.box_px
    reach = 0.3 * face.size_px
    assert x1 - reach < columns.min() < columns.max() < x2 + reach
    assert y1 - reach < rows.min() < rows.max() < y2 + reach
    assert change[y1:y2, x1:x2].mean() > 8, "people can see it"


def test_the_copy_still_shows_a_face(altered: Image.Image, face: Face, finder: FaceFinder) -> None:
    found, count = finder.find(altered)
    assert count == 1
    assert np.abs(found[0].box - face.box).max() < 0.15 * face.size_px


def test_a_missing_portrait_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda _: None)
    with pytest.raises(BundleError, match="pip install --force-reinstall scikit-image"):
        demo.portrait_path()


def test_scikit_image_is_located_and_not_imported() -> None:
    code = "import sys; from unmask import demo; demo.portrait_path(); print('skimage' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
