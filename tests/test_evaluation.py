import hashlib
from pathlib import Path

import pytest

from tests import pictures
from tests.make_bundle import make_bundle
from unmask import bundles, evaluation
from unmask.errors import ManifestError, UsageError
from unmask.evaluate import evaluate, sample
from unmask.evaluation import EvaluationManifest
from unmask.manifest import FAKE, REAL, Item, read


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures.table(tmp_path_factory.mktemp("evaluation"))


def test_pins_everything_a_figure_depends_on(table: Path, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "red", name="red", kind="patch")
    found = evaluate(table, models=[bundle.folder], out=tmp_path / "out", limit=6, perturbations=["half-size"])
    pinned = EvaluationManifest.read(tmp_path / "out" / "evaluation.json")
    assert pinned.evaluation_version == 1
    assert pinned.command == "unmask evaluate table.csv --model red --split test --perturb half-size --limit 6"
    data = pinned.data
    assert (data.manifest, data.sha256) == (str(table), hashlib.sha256(table.read_bytes()).hexdigest())
    assert (data.items, data.splits, data.limit, data.perturbations) == (6, ("test",), 6, ("half-size",))
    listed = (tmp_path / "out" / "items.csv").read_bytes()
    assert data.data_sha256 == hashlib.sha256(listed).hexdigest()
    header, first, *_ = listed.decode().splitlines()
    path, label, sha256 = first.split(",")
    assert header == "path,label,sha256"
    assert sha256 == hashlib.sha256((table.parent / path).read_bytes()).hexdigest()
    assert label in ("real", "fake")
    (model,) = pinned.models
    assert (model.name, model.path, model.sha256) == ("red", str(bundle.folder), bundle.card.sha256)
    assert pinned.ensemble is None
    assert pinned.bootstrap.model_dump() == {"resamples": 1000, "seed": 0, "level": 0.95}
    assert {"python", "numpy", "pillow", "onnxruntime"} < set(pinned.machine.versions)
    assert pinned.machine.threads >= 1
    assert pinned.machine.cpu
    assert (pinned.figures, pinned.measures) == (found.figures, found.measures)
    assert len(found.measures) > 20


def test_shipped_models_are_pinned_by_name() -> None:
    used, ensemble = evaluation.pin_models(evaluation.choose(()))
    assert [(model.path, model.sha256) for model in used] == [
        (bundle.card.name, bundle.card.sha256) for bundle in bundles.shipped()
    ]
    assert ensemble is not None
    assert Path(ensemble.path).parent == bundles.FOLDER.resolve()


def test_a_file_that_cannot_be_read_has_no_hash(tmp_path: Path) -> None:
    items = [Item(tmp_path / "gone.png", FAKE), Item(tmp_path, REAL)]
    lines = evaluation.list_items(items, tmp_path / "table.csv").splitlines()
    assert lines[1:] == ["gone.png,fake,", ".,real,"]


@pytest.mark.parametrize("text", ["", "{}", '{"evaluation_version": 2}'])
def test_what_is_no_evaluation_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    with pytest.raises(ManifestError, match="cannot be read: No such file"):
        EvaluationManifest.read(path)
    path.write_text(text)
    with pytest.raises(ManifestError, match=r"is no evaluation\.json that unmask evaluate wrote"):
        EvaluationManifest.read(path)


class TestSample:
    def test_is_balanced_in_order_and_the_same_every_time(self, table: Path) -> None:
        items = read(table)
        chosen = sample(items, 9, table)
        assert [item.label for item in chosen].count(FAKE) == [item.label for item in chosen].count(REAL) == 4
        assert chosen == [item for item in items if item in chosen]
        backwards = sample(items[::-1], 9, table)
        assert set(map(str, (item.path for item in backwards))) == set(map(str, (item.path for item in chosen)))

    def test_a_larger_one_holds_the_smaller(self, table: Path) -> None:
        items = read(table)
        small, large = ({item.path for item in sample(items, limit, table)} for limit in (6, 12))
        assert small < large
        assert len(sample(items, 1000, table)) == len(items)

    def test_of_one_class_takes_that(self, table: Path) -> None:
        reals = [item for item in read(table) if item.label == REAL]
        assert len(sample(reals, 5, table)) == 5

    def test_leaves_no_class_empty(self, table: Path) -> None:
        with pytest.raises(UsageError, match="a limit of 1 leaves nothing"):
            sample(read(table), 1, table)
