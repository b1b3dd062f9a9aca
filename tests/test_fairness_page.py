import csv
from pathlib import Path

import pytest

from tests.make_bundle import make_bundle
from tests.pictures import tinted
from tests.test_fairness import find, people
from unmask import manifest
from unmask.errors import UsageError
from unmask.evaluation import EvaluationManifest
from unmask.fairness import AT_HALF, fairness
from unmask.fairness_page import evaluate_fairness, to_markdown, write
from unmask.manifest import REAL, Item
from unmask.metrics import share


def test_the_page_shows_gaps_rates_and_notes() -> None:
    rows = [*people(40, 1, race="asian"), *people(40, 20, race="black"), *people(3, 0, race="white")]
    found = fairness(rows, ["race"])
    page = to_markdown(found)
    assert page.startswith("| largest gap in | at | by |")
    assert "| real photos called fake | 0.5 | race | black | asian | 47.5% (" in page
    assert "| real photos called fake | 0.5 | race | black | 50.0% (35.2% to 64.8%) | 40 |" in page
    assert "| real photos called fake | 0.5 | race | white | too few | 3 |" in page
    assert page.endswith(found.notes[-1] + "\n")


def test_the_table_holds_every_rate_in_full(tmp_path: Path) -> None:
    found = fairness([*people(40, 3, gender="female"), *people(2, 1, gender="male")], ["gender"])
    write(tmp_path / "fairness.csv", found)
    with (tmp_path / "fairness.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found.rates)
    assert float(rows[0]["high"]) == share(3, 40).high
    assert (rows[1]["errors"], rows[1]["of"], rows[1]["rate"]) == ("1", "2", "")


def test_scans_and_writes(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "red", name="red", kind="patch")
    items = [
        Item(tinted(tmp_path / f"{number}.png", REAL, number), REAL, split="fairness", attributes={"hair": hair})
        for number, hair in enumerate(["brown", "grey"] * 3)
    ]
    manifest.write(tmp_path / "people.csv", items)
    with pytest.raises(UsageError, match="no file states eyes; the columns are: hair"):
        evaluate_fairness(tmp_path / "people.csv", ["eyes"], models=[bundle.folder], out=tmp_path / "out")
    assert not (tmp_path / "out").exists(), "it is refused before the work"
    found, scanned = evaluate_fairness(
        tmp_path / "people.csv", ["hair"], models=[bundle.folder], out=tmp_path / "out", least=2
    )
    assert len(scanned.rows) == 6
    wrong = sum((one.probability or 0) >= 0.5 for one in scanned.rows if one.attributes["hair"] == "grey")
    assert find(found, "real photos called fake", AT_HALF, "grey").rate == share(wrong, 3)
    assert (tmp_path / "out" / "fairness.md").read_text() == to_markdown(found)
    assert (tmp_path / "out" / "fairness.csv").is_file()
    pinned = EvaluationManifest.read(tmp_path / "out" / "evaluation.json")
    assert pinned.command == "unmask fairness people.csv --by hair --model red --split fairness --least 2"
