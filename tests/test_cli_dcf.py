"""The verb dcf, as people type it: a table of costs, or the same as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.test_dcf import table
from unmask import cli_dcf, dcf
from unmask.errors import ManifestError
from unmask.scores import Row, write_scores


def run(*argv: str | Path) -> Result:
    app = typer.Typer(rich_markup_mode=None)
    cli_dcf.add_to(app)
    return CliRunner().invoke(app, [str(word) for word in argv])


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    lost = Row("lost.flac", 1, split="test", status="unreadable")
    write_scores(tmp_path / "scores.csv", [*table(), *table("val", each=10, seed=1), lost])
    return tmp_path / "scores.csv"


@pytest.fixture
def asv(tmp_path: Path) -> Path:
    lines = ["bonafide target 7", "bonafide target 2", "bonafide nontarget 0", "bonafide nontarget 3", "A07 spoof 5"]
    (tmp_path / "asv.txt").write_text("\n".join(lines))
    return tmp_path / "asv.txt"


def test_a_table_is_printed(scores: Path) -> None:
    found = run(scores)
    assert found.exit_code == 0
    lines = found.output.splitlines()
    assert lines[:2] == ["On test, by logit of voice: 40 real, 40 fake.", "Without a score, and not measured: 1."]
    value = dcf.measure(table(), "test").measures["minimum DCF of ASVspoof 5"]
    assert f"minimum DCF of ASVspoof 5  {value.value:.4f}  ({value.low:.4f} to {value.high:.4f})" in lines
    assert [line.split("  ")[0] for line in lines[2:]] == [
        "equal error rate",
        "minimum DCF of ASVspoof 5",
        "actual DCF of ASVspoof 5",
        "C_llr",
    ]


def test_a_verifier_adds_the_t_dcf(scores: Path, asv: Path) -> None:
    output = run(scores, "--asv", asv, "--split", "val").output
    assert "On val, by logit of voice: 10 real, 10 fake.\n" in output
    assert (
        "The verifier refuses 0.0% of the right persons, and accepts 50.0% of others and 100.0% of fakes.\n" in output
    )
    assert "minimum t-DCF of ASVspoof 2019  0." in output
    assert "minimum t-DCF of ASVspoof 2021  0." in output


def test_the_same_as_json(scores: Path, asv: Path) -> None:
    content = json.loads(run(scores, "--asv", asv, "--json").output)
    assert (content["on"], content["reals"], content["fakes"]) == ("test, by logit of voice", 40, 40)
    assert content["verifier"] == {"targets_refused": 0.0, "others_accepted": 0.5, "fakes_accepted": 1.0}
    value = dcf.measure(table(), "test").measures["actual DCF of ASVspoof 5"]
    assert content["measures"]["actual DCF of ASVspoof 5"] == value._asdict()
    assert json.loads(run(scores, "--json").output)["verifier"] is None


def test_what_is_wrong_is_an_error_of_ours(scores: Path, tmp_path: Path) -> None:
    for argv, words in (
        ((scores, "--split", "train"), 'the split "train"; its splits: test, val'),
        ((scores, "--asv", tmp_path / "none.txt"), "none.txt cannot be read"),
        ((tmp_path / "none.csv",), "none.csv cannot be read"),
    ):
        found = run(*argv)
        assert isinstance(found.exception, ManifestError)
        assert words in str(found.exception)
