"""The list of mistakes: who is in it, what is told, and that no word of a person is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import pictures
from tests.make_bundle import make_bundle
from unmask import appearance, manifest, mistakes
from unmask.errors import ManifestError, UsageError
from unmask.evaluate import collect
from unmask.faces import Face
from unmask.scan import Scanner
from unmask.scores import Row, read_scores, write_scores


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, a detector called red, and its scores of the test split."""
    folder = tmp_path_factory.mktemp("mistakes")
    table = pictures.table(folder / "data")
    model = make_bundle(folder / "red", name="red", kind="patch").folder
    items = [one for one in manifest.read(table) if one.split == "test"]
    with Scanner([model]) as scanner:
        write_scores(folder / "scores.csv", collect(items, scanner.scan_many))
    return folder


def write(done: Path, out: Path, **options: object) -> mistakes.Written:
    given = {"models": [done / "red"], "count": 3, **options}
    return mistakes.write(done / "scores.csv", done / "data" / "table.csv", out, **given)  # type: ignore[arg-type]


def lines(out: Path) -> list[list[str]]:
    """The cells of the rows."""
    cells = [line.strip("| ").split(" | ") for line in out.read_text().splitlines() if ".png |" in line]
    return [[cell.strip(" |") for cell in row] for row in cells]


def test_the_worst_of_each_kind_come_first(done: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    found = write(done, tmp_path / "list.md", progress=lambda n, of: steps.append((n, of)))
    assert (found.reals, found.fakes, found.kept) == (3, 3, 0)
    assert steps == [(n, 6) for n in range(1, 7)]
    rows = {Path(one.path).name: one for one in read_scores(done / "scores.csv")}
    listed = [rows[cells[0]] for cells in lines(tmp_path / "list.md")]
    assert [one.label for one in listed] == [0, 0, 0, 1, 1, 1]
    reals = sorted((one for one in rows.values() if one.label == 0), key=lambda one: -(one.probability or 0))
    fakes = sorted((one for one in rows.values() if one.label == 1), key=lambda one: one.probability or 0)
    assert listed == [*reals[:3], *fakes[:3]]
    name, source, method, probability, verdict, facts, *_ = lines(tmp_path / "list.md")[3]
    one = rows[name]
    assert (source, method, verdict) == (one.source, one.method, one.verdict)
    assert probability == f"{one.probability:.3f}"
    assert facts.startswith("130 x 130 px; PNG; of medium brightness")
    assert facts.endswith(f"no face found, sharpness {facts.rsplit('sharpness ')[-1]}")
    assert f"red says {one.probability:.2f}" in facts
    text = (tmp_path / "list.md").read_text()
    called = sum(one.verdict == "fake" for one in rows.values() if one.label == 0)
    assert f"Of 6 with a score, {called} were called fake, and " in text


def test_no_path_and_no_picture_is_in_it(done: Path, tmp_path: Path) -> None:
    write(done, tmp_path / "list.md")
    text = (tmp_path / "list.md").read_text()
    assert str(done) not in text
    assert "/" not in text.replace("http://", "")
    assert "![" not in text


def test_words_of_people_are_kept(done: Path, tmp_path: Path) -> None:
    out = tmp_path / "list.md"
    write(done, out)
    first, *_, last = lines(out)
    text = out.read_text()
    for cells, words in ((first, "a red wall \\| no face"), (last, "smooth skin")):
        line = next(line for line in text.splitlines() if line.startswith(f"| {cells[0]} |"))
        assert line.endswith(" |  |")
        text = text.replace(line, f"{line[:-3]} {words} |")
    out.write_text(text)
    assert write(done, out).kept == 2
    assert out.read_text() == text, "the same list again"
    assert mistakes.read_words(out)[first[1], first[0]] == "a red wall | no face"
    fewer = write(done, out, count=1)
    assert fewer.kept == 2, "words about pictures that are no longer listed stay"
    section = out.read_text().partition(f"## {mistakes.KEPT}")[2]
    assert f"| {last[0]} | {last[1]} |  |  |  |  | smooth skin |" in section
    assert write(done, out).kept == 2
    assert out.read_text() == text, "and come back to their place"


def test_a_file_that_is_no_list_is_left_alone(done: Path, tmp_path: Path) -> None:
    other = tmp_path / "letter.md"
    other.write_text("Dear reader\n")
    with pytest.raises(UsageError, match="is no list of mistakes"):
        write(done, other)
    assert other.read_text() == "Dear reader\n"
    write(done, tmp_path / "list.md")
    broken = (tmp_path / "list.md").read_text() + "| x | y | a | bar | too | many | words | here |\n"
    (tmp_path / "list.md").write_text(broken)
    with pytest.raises(UsageError, match="has not 7 columns"):
        write(done, tmp_path / "list.md")
    assert (tmp_path / "list.md").read_text() == broken
    (tmp_path / "raw.md").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        write(done, tmp_path / "raw.md")


def test_changed_scores_and_other_models_are_told(done: Path, tmp_path: Path) -> None:
    other = make_bundle(tmp_path / "other", name="other", kind="patch").folder
    write(done, tmp_path / "list.md", models=[other], count=1)
    assert "it was scored by red, which was not asked again" in (tmp_path / "list.md").read_text()
    changed = make_bundle(tmp_path / "red", name="red", kind="patch", constant=0.5).folder
    write(done, tmp_path / "list.md", models=[changed], count=1)
    assert (tmp_path / "list.md").read_text().count("the score has changed since") == 2


def test_what_cannot_be_judged_again_says_why(done: Path, tmp_path: Path) -> None:
    (tmp_path / "gone.csv").write_text((done / "data" / "table.csv").read_text())
    write_scores(tmp_path / "scores.csv", [Row("gone/3.png", 1, source="b", split="test", logit=0.0, probability=0.5)])
    items = [replace(one, path=tmp_path / "3.png") for one in manifest.read(done / "data" / "table.csv")[3:4]]
    manifest.write(tmp_path / "gone.csv", [replace(one, source="b") for one in items])
    mistakes.write(tmp_path / "scores.csv", tmp_path / "gone.csv", tmp_path / "list.md", models=[done / "red"])
    ((*_, facts),) = [row[:6] for row in lines(tmp_path / "list.md")]
    assert facts.startswith("not readable: the file cannot be read")
    assert "it could not be judged again: the file cannot be read" in facts


def test_scores_must_be_of_that_manifest(done: Path, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match='holds no scores of the split "train"'):
        write(done, tmp_path / "list.md", split="train")
    items = manifest.read(done / "data" / "table.csv")
    row = Row("elsewhere/nothing.png", 1, source="a")
    with pytest.raises(ManifestError, match=r"nothing\.png of the scores is not in table\.csv"):
        mistakes.locate([row], items, Path("table.csv"))
    moved = replace(row, path=f"moved/{items[0].path.name}", source=items[0].source)
    assert mistakes.locate([moved], items, Path("table.csv")) == [(moved, items[0])]
    twice = [*items, replace(items[0], path=Path("other") / items[0].path.name)]
    with pytest.raises(ManifestError, match="is not in"):
        mistakes.locate([moved], twice, Path("table.csv"))


class TestAppearance:
    def test_a_portrait(self, astronaut_path: Path) -> None:
        size, saved, light, face = appearance.describe(astronaut_path)
        assert (size, saved) == ("512 x 512 px", "PNG")
        assert light == "of medium brightness (mean 115, spread 75)"
        assert face.startswith("one face of ")
        assert ", upper, sharpness " in face

    @pytest.mark.parametrize("quality", [30, 50, 75, 90, 97])
    def test_the_quality_of_a_jpeg(self, tmp_path: Path, astronaut: Image.Image, quality: int) -> None:
        astronaut.save(tmp_path / "a.jpg", quality=quality)
        with Image.open(tmp_path / "a.jpg") as header:
            words = appearance.saving(header)
        assert words.startswith("JPEG of quality ")
        assert abs(int(words.split()[3]) - quality) <= 1

    def test_light(self) -> None:
        assert appearance.light(Image.new("RGB", (8, 8), "black")).startswith("dark and of little contrast (mean 0,")
        assert appearance.light(Image.new("RGB", (8, 8), "white")).startswith("bright and of little contrast")

    @pytest.mark.parametrize(
        ("middle", "words"),
        [((50, 50), "in the middle"), ((10, 90), "lower left"), ((90, 50), "right"), ((50, 5), "upper")],
    )
    def test_places(self, middle: tuple[int, int], words: str) -> None:
        x, y = middle
        face = Face(np.array([x - 5, y - 5, x + 5, y + 5], np.float32), np.zeros((5, 2), np.float32), 1.0)
        assert appearance.place(face, 100, 100) == words

    def test_what_cannot_be_read_says_why(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(b"")
        assert appearance.describe(tmp_path / "a.jpg") == ("not readable: the file is empty",)
