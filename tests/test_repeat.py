import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests import pictures
from tests.make_bundle import make_bundle, make_ensemble
from unmask import release
from unmask.card import Card
from unmask.errors import ManifestError
from unmask.evaluate import evaluate
from unmask.evaluation import EvaluationManifest
from unmask.judge import Judge
from unmask.manifest import read, write
from unmask.prepared import Prepared
from unmask.repeat import repeat
from unmask.scores import read_scores, write_scores
from unmask.types import Report


@dataclass(frozen=True)
class Place:
    """A finished evaluation with everything it was made of, for a test to spoil."""

    folder: Path

    @property
    def table(self) -> Path:
        return self.folder / "data" / "table.csv"

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def file(self) -> Path:
        return self.folder / "out" / "evaluation.json"

    @property
    def pinned(self) -> EvaluationManifest:
        return EvaluationManifest.read(self.file)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    pictures.table(tmp_path / "data", 12)
    members = [make_bundle(place.models / name, name=name, kind="patch", size_px=size) for name, size in SIZES.items()]
    make_ensemble(*members)
    evaluate(
        place.table,
        models=[place.models],
        splits=("val", "test"),
        out=place.file.parent,
        perturbations=["blur-sigma-2"],
    )
    return place


SIZES = {"large": 96, "small": 64}


def test_the_same_again_is_equal_to_the_last_digit(place: Place) -> None:
    seen: list[tuple[int, int]] = []
    found = repeat(place.file, progress=lambda done, of: seen.append((done, of)))
    assert found.equal
    assert (found.scores, found.surroundings) == (24, ())
    assert found.figures == len(place.pinned.figures) + len(place.pinned.measures) > 100
    assert seen[-1] == (24, 24)


def test_from_another_folder_and_after_its_figures_were_recorded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.folder)
    evaluate(Path("data/table.csv"), models=["models"], out=Path("again"))
    release.record(place.models, place.pinned.figures)
    release.record(place.models / "large", place.pinned.figures)
    monkeypatch.chdir(place.models)
    assert repeat(place.folder / "again" / "evaluation.json").equal


def test_every_file_is_scored_by_itself(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """With some networks the last digits depend on what else is in the batch, and that on what was ready."""
    together: list[int] = []
    reports = Judge.reports

    def counted(self: Judge, files: Sequence[Prepared]) -> list[Report]:
        together.append(len(files))
        return reports(self, files)

    monkeypatch.setattr(Judge, "reports", counted)
    assert repeat(place.file).equal
    assert together == [1] * 24


def test_changed_inputs_are_named_before_anything_is_scanned(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unmask.repeat.evaluate", lambda *_, **__: pytest.fail("it scans"))
    pictures.tinted(place.folder / "data" / "3.png", 1, seed=99)
    (place.folder / "data" / "8.png").unlink()
    card = Card.read(place.models / "large" / "card.json")
    card.model_copy(update={"pooling": "mean"}).write(place.models / "large" / "card.json")
    (place.models / "ensemble.json").unlink()
    with pytest.raises(ManifestError) as error:
        repeat(place.file)
    message = str(error.value)
    assert "the measured files have changed: 3.png, 8.png;" in message
    assert "the card of the model large has changed in more than its figures" in message
    assert "the ensemble of the models (ensemble.json) has changed, come or gone" in message
    assert "small" not in message


def test_a_changed_table_network_or_list(place: Place) -> None:
    (place.file.parent / "items.csv").unlink()
    pictures.tinted(place.folder / "data" / "3.png", 1, seed=99)
    with pytest.raises(ManifestError, match=r"items\.csv could tell, but it is missing"):
        repeat(place.file)
    write(place.table, [replace(item, source="c") for item in read(place.table)])
    make_bundle(place.models / "small", name="small", kind="patch", weights=(1.0, 0.0, -1.0))
    with pytest.raises(ManifestError, match=r"table\.csv has changed; the network of the model small has changed"):
        repeat(place.file)
    place.table.unlink()
    shutil.rmtree(place.models / "large")
    with pytest.raises(ManifestError, match=r"table\.csv is gone; the model large is gone: there is no model"):
        repeat(place.file)


def test_another_bootstrap_and_tampered_scores(place: Place) -> None:
    content = json.loads(place.file.read_text())
    content["bootstrap"]["resamples"] = 10
    place.file.write_text(json.dumps(content))
    scores = place.file.parent / "scores.csv"
    write_scores(scores, read_scores(scores)[:-1])
    with pytest.raises(ManifestError, match=r"scores\.csv, are missing or changed; this version of unmask makes its"):
        repeat(place.file)


def test_other_digits_are_found_and_what_could_explain_them(place: Place) -> None:
    content = json.loads(place.file.read_text())
    content["figures"][0]["value"] += 1e-15
    del content["measures"][3]
    content["machine"] |= {"cpu": "another", "threads": 99}
    content["machine"]["versions"]["numpy"] = "1.0"
    place.file.write_text(json.dumps(content))
    found = repeat(place.file)
    assert not found.equal
    assert found.differences[0].startswith(f"value of AUC on {content['figures'][0]['on']}: was ")
    assert [line.rpartition(": ")[2] for line in found.differences[1:]] == ["came"] * 5
    assert found.surroundings[0].startswith("the processor was another, is ")
    assert found.surroundings[1].startswith("99 threads were used, now ")
    assert found.surroundings[2].startswith("numpy was 1.0, is ")


def test_other_scores_are_named(place: Place) -> None:
    scores = place.file.parent / "scores.csv"
    rows = read_scores(scores)
    write_scores(scores, [replace(rows[0], logit=5.0), *rows[1:-1], replace(rows[-1], verdict="real")])
    from unmask.evaluation import sha256

    place.pinned.model_copy(update={"scores_sha256": sha256(scores)}).write(place.file)
    logit, verdict = repeat(place.file).differences
    assert logit == f"logit of {rows[0].path}: was 5.0, is {rows[0].logit!r}"
    assert verdict.startswith(f"verdict of {rows[-1].path} after blur-sigma-2: was 'real', is ")
