"""The verbs risk and mistakes, as people type them, and the files they leave."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import pictures as drawn
from tests.command import Run
from tests.make_bundle import make_bundle
from tests.test_risk import table
from unmask import manifest, risk
from unmask.comparison import pictures, plots, risk_page
from unmask.comparison.drawing import Panel
from unmask.evaluate import collect
from unmask.scan import Scanner
from unmask.scores import write_scores


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    write_scores(tmp_path / "scores.csv", [*table(), *table(split="val", seed=3)])
    return tmp_path / "scores.csv"


class TestRisk:
    def test_table_and_plots_are_written(self, run: Run, scores: Path, tmp_path: Path) -> None:
        found = run("risk", scores, "--out", tmp_path / "out", "--most", "0.05")
        assert (found.code, found.err) == (0, "")
        assert found.out.rstrip("\n") == (tmp_path / "out" / "risk.md").read_text().rstrip("\n")
        assert found.out.startswith("# Risk and coverage, test, by calibrated probability of face\n")
        assert "40 real photos and 40 fakes, called fake from a probability of one half on." in found.out
        assert "| as shipped |" in found.out
        assert "| chosen on val for at most 5.0% errors: " in found.out
        names = {path.name for path in (tmp_path / "out").iterdir()}
        assert names == {
            "risk.md",
            "risk.csv",
            "risk-coverage.svg",
            "risk-coverage.png",
            "reliability.svg",
            "reliability.png",
        }
        with (tmp_path / "out" / "risk.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(risk.GRID)
        assert float(rows[-1]["risk"]) == pytest.approx(risk.measure(table(), "test", resamples=2).error, abs=1e-6)

    def test_the_same_scores_give_the_same_files(self, scores: Path, tmp_path: Path) -> None:
        for name in ("one", "two"):
            risk_page.write(scores, tmp_path / name)
        for file in (tmp_path / "one").iterdir():
            assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name

    def test_what_is_wrong_is_one_sentence(self, run: Run, scores: Path, tmp_path: Path) -> None:
        found = run("risk", scores, "--split", "train", "--out", tmp_path / "out")
        assert (found.code, found.out) == (1, "")
        assert 'no real photos and fakes of the split "train"' in found.err
        found = run("risk", tmp_path / "none.csv")
        assert found.code == 1
        assert "cannot be read" in found.err
        (tmp_path / "file").write_text("")
        found = run("risk", scores, "--out", tmp_path / "file")
        assert found.code == 2
        assert "nothing can be written there" in found.err


class TestPictures:
    def test_stand_ins_become_the_colours_of_light_paper(self, tmp_path: Path) -> None:
        panel = plots.risk_coverage("Risk $ & <b>", risk.measure(table(), "test", resamples=20))
        svg, png = pictures.save(panel, tmp_path / "plot")
        text = svg.read_text()
        assert "#0101" not in text
        assert "#0102" not in text
        assert pictures.LIGHT["#010200"] in text
        assert "Risk $ &amp; &lt;b&gt;" in text
        with Image.open(png) as image:
            pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
        shades = {tuple(int(v) for v in shade) for shade in np.unique(pixels, axis=0)}
        for shade in ("#ffffff", pictures.LIGHT["#010200"]):
            assert tuple(bytes.fromhex(shade[1:])) in shades

    def test_opacity_stays(self, tmp_path: Path) -> None:
        panel = Panel("Bands")
        x = np.linspace(0, 1, 5)
        panel.band(x, x - 1, x + 1, 2)
        pictures.save(panel, tmp_path / "plot")
        (band,) = panel.axes.collections
        assert np.asarray(band.get_facecolor())[0, 3] == pytest.approx(0.16)


class TestMistakes:
    @pytest.fixture
    def done(self, tmp_path: Path) -> Path:
        listed = drawn.table(tmp_path / "data", 12)
        make_bundle(tmp_path / "red", name="red", kind="patch")
        with Scanner([tmp_path / "red"]) as scanner:
            write_scores(tmp_path / "scores.csv", collect(manifest.read(listed), scanner.scan_many))
        return tmp_path

    def test_a_list_is_written_and_words_are_kept(self, run: Run, done: Path) -> None:
        argv = ("mistakes", done / "scores.csv", done / "data" / "table.csv", "--out", done / "list.md")
        found = run(*argv, "--model", done / "red", "--count", "2")
        assert (found.code, found.err) == (0, "")
        assert found.out == f"{done / 'list.md'}: 2 real photos and 2 fakes described\n"
        lines = (done / "list.md").read_text().splitlines()
        first = next(number for number, line in enumerate(lines) if ".png |" in line)
        lines[first] = lines[first].removesuffix("  |") + " a wall |"
        (done / "list.md").write_text("\n".join(lines))
        again = run(*argv, "--model", done / "red", "--split", "val", "--count", "2")
        assert (again.code, again.err) == (0, "1 descriptions by people were kept\n")
        assert "a wall |" in (done / "list.md").read_text()

    def test_a_folder_is_no_list(self, run: Run, done: Path) -> None:
        found = run("mistakes", done / "scores.csv", done / "data" / "table.csv", "--out", done)
        assert (found.code, found.out) == (2, "")
        assert "no file can be written there" in found.err


def test_scan_asks_for_stability(run: Run, tmp_path: Path) -> None:
    model = make_bundle(tmp_path / "red", name="red", kind="patch").folder
    path = drawn.tinted(tmp_path / "a.png", 1, 0)
    plain = json.loads(run("scan", path, "--json", "--models", model).out)
    steady = json.loads(run("scan", path, "--json", "--models", model, "--stability").out)
    assert plain[0]["stability"] is None
    assert len(steady[0]["stability"]["copies"]) == 4
    assert steady[0]["stability"]["raw"] == plain[0]["verdict"]
