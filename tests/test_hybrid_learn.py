"""From dressed pictures to a hybrid that scans, with one tiny network: red leans fake."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.command import Run
from tests.data.scenes import scene
from tests.make_bundle import make_bundle
from unmask import Scanner, dress, hybrid_learn, hybrid_study, manifest, metrics, scan
from unmask.dress import Shares
from unmask.errors import ManifestError, UsageError
from unmask.hybrid import FILE, read
from unmask.hybrid_data import listened
from unmask.manifest import Item
from unmask.types import Label, Spared


@pytest.fixture(scope="module", autouse=True)
def _few_resamples() -> Iterator[None]:
    """Intervals as rough as tests need them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "RESAMPLES", 200)
        yield


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fakes are redder than photos, but not all of them."""
    folder = tmp_path_factory.mktemp("plain")
    items = []
    for number in range(120):
        label, split = number % 2, ("val", "test")[number // 60]
        rng = np.random.default_rng(number)
        grey = np.asarray(scene(number, 80).convert("L"), np.float32)[..., None] / 2 + 64
        red = rng.normal(8 * label - 4, 16)
        picture = np.clip(grey + np.array([red, 0, -red]), 0, 255).astype(np.uint8)
        path = folder / f"{number}.png"
        Image.fromarray(picture).save(path)
        items.append(Item(path, label, ("real", "gan")[label], "a", split, group=f"g{number // 2}"))
    manifest.write(folder / "faces.csv", items)
    return folder / "faces.csv"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "patch"
    make_bundle(folder, name="patch", kind="patch")
    return folder


@pytest.fixture(scope="module")
def dressed(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dress.write(table, tmp_path_factory.mktemp("dressed"), Shares(0.8, 0.2, 0.0), jobs=1).manifest


@pytest.fixture(scope="module")
def learned(dressed: Path, network: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hybrid")
    hybrid_learn.learn(dressed, folder, models=[network])
    return folder


def test_the_card_says_what_it_was_learned_on_and_what_was_gained(learned: Path, network: Path) -> None:
    card = read(learned)
    assert [one.name for one in card.networks] == ["patch"]
    assert card.learned_on == "60 files of val of manifest.csv, by folds; 0 left out"
    figures = {one.name: one for one in card.metrics}
    assert figures["AUC of the hybrid"].value > figures["AUC of the networks alone"].value
    assert figures["AUC gained by metadata"].low is not None
    assert figures["AUC gained by metadata"].low > 0
    assert {term.fact.partition(":")[0] for term in card.terms} == {"networks", "metadata"}


def test_it_is_measured_on_test_and_the_figures_are_kept(dressed: Path, learned: Path, network: Path) -> None:
    before = read(learned)
    figures = hybrid_learn.evaluate(learned, dressed, models=[network], record=True)
    try:
        assert {one.on for one in figures} == {"test of manifest.csv"}
        assert figures[2].name == "AUC gained by metadata"
        assert figures[2].value > 0
        assert read(learned).metrics == (*before.metrics, *figures)
    finally:
        (learned / FILE).write_text(before.model_dump_json(indent=2) + "\n", encoding="utf-8")


def test_a_scan_weighs_what_the_file_says_only_where_it_is_asked_to(
    dressed: Path, learned: Path, network: Path
) -> None:
    items = [item for item in manifest.read(dressed) if item.label == 0 and item.split == "test"]
    honest = next(item for item in items if item.attributes["metadata"] == "honest")
    alone = scan(honest.path, models=[network])
    joined = scan(honest.path, models=[network], hybrid=learned)
    assert alone.verdict is not None
    assert joined.verdict is not None
    assert (alone.verdict.detector, joined.verdict.detector) == ("patch", "hybrid")
    assert set(joined.scores) == {"patch", "hybrid"}
    assert [one.name for one in joined.models] == ["patch", "hybrid"]
    assert joined.models[1].sha256 == read(learned).sha256
    assert joined.verdict.probability is not None
    assert joined.verdict.probability < 0.4, "its camera speaks for a photo"
    assert f"the networks alone say {alone.verdict.label.value}" in joined.verdict.reason
    assert joined.evidence == alone.evidence


def test_where_no_network_could_judge_the_hybrid_has_no_say(learned: Path, network: Path, tmp_path: Path) -> None:
    Image.new("RGB", (70, 70)).resize((64, 300)).save(tmp_path / "thin.png")
    with Scanner([network], hybrid=learned) as scanner:
        (report,) = scanner.scan_many([tmp_path / "nothing.jpg"])
    assert report.verdict is None
    assert "hybrid" not in report.scores


def test_triage_takes_only_the_same_bytes_for_a_copy_where_metadata_are_weighed(
    dressed: Path, learned: Path, network: Path, tmp_path: Path
) -> None:
    items = [item for item in manifest.read(dressed) if item.label == 0 and item.split == "test"]
    honest = next(item.path for item in items if item.attributes["metadata"] == "honest")
    (tmp_path / "a.jpg").write_bytes(honest.read_bytes())
    with Image.open(honest) as picture:
        picture.save(tmp_path / "b.png")  # the same pixels without the camera
    (tmp_path / "c.jpg").write_bytes(honest.read_bytes())
    files = sorted(tmp_path.iterdir())
    with Scanner([network], hybrid=learned, triage=True) as scanner:
        spared = list(scanner.scan_many(files))
    with Scanner([network], hybrid=learned) as scanner:
        plain = list(scanner.scan_many(files))
    assert [one.skipped.reason if one.skipped else None for one in spared] == [None, None, Spared.SAME_BYTES]
    assert [one.scores["hybrid"] for one in spared] == [one.scores["hybrid"] for one in plain]
    assert plain[0].scores["hybrid"] != plain[1].scores["hybrid"]


def test_a_hybrid_of_other_networks_is_refused(learned: Path, network: Path, tmp_path: Path) -> None:
    make_bundle(tmp_path / "patch", name="patch", kind="patch", constant=0.5)
    with pytest.raises(UsageError, match="learned on other networks"):
        Scanner([tmp_path / "patch"], hybrid=learned)
    make_bundle(tmp_path / "first", name="first", kind="patch")
    with pytest.raises(UsageError, match="where its networks decided otherwise"):
        Scanner([tmp_path / "first", network], hybrid=learned)
    with pytest.raises(UsageError, match="ask for it or for stability"):
        Scanner([tmp_path / "patch"], hybrid=learned, stability=True)


def test_what_networks_said_is_remembered_and_not_asked_again(
    dressed: Path, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = manifest.read(dressed)[:4]
    names = [item.path.name for item in items]
    with Scanner([network]) as scanner:
        first = listened(scanner, items, names, tmp_path / "said.jsonl")
        with (tmp_path / "said.jsonl").open("a") as file:
            file.write('{"name": "torn')  # as an interruption leaves it
        monkeypatch.setattr(scanner, "scan_many", lambda paths, alone: iter([]) if not list(paths) else 1 / 0)
        assert listened(scanner, items, names, tmp_path / "said.jsonl") == first
    make_bundle(tmp_path / "other", name="patch", kind="patch", constant=0.5)
    with Scanner([tmp_path / "other"]) as scanner, pytest.raises(UsageError, match="what other networks said"):
        listened(scanner, items, names, tmp_path / "said.jsonl")


def test_a_file_that_was_changed_is_asked_about_again(dressed: Path, network: Path, tmp_path: Path) -> None:
    for item in manifest.read(dressed):
        path = tmp_path / item.path.name
        path.write_bytes(item.path.read_bytes())
    items = [replace(item, path=tmp_path / item.path.name) for item in manifest.read(dressed)]
    manifest.write(tmp_path / "copies.csv", items)
    hybrid_learn.learn(tmp_path / "copies.csv", tmp_path / "mine", models=[network])
    before = (tmp_path / "mine" / hybrid_learn.NETWORKS).read_text().splitlines()
    changed = next(item.path for item in items if item.split == "val")
    with changed.open("ab") as file:
        file.write(b"more")
    hybrid_learn.learn(tmp_path / "copies.csv", tmp_path / "mine", models=[network])
    after = (tmp_path / "mine" / hybrid_learn.NETWORKS).read_text().splitlines()
    assert (len(before), len(after)) == (61, 62)


@pytest.mark.parametrize("missing", ["sklearn", "skl2onnx"])
@pytest.mark.parametrize("verb", ["learn", "study"])
def test_what_learning_needs_is_asked_for_before_anything_is_done(
    table: Path, tmp_path: Path, missing: str, verb: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    done = run("hybrid", verb, str(table), str(tmp_path / "out"))
    assert done.code != 0
    assert "unmask[train]" in done.err
    assert not (tmp_path / "out").exists()


def test_a_split_without_both_classes_is_refused(dressed: Path, network: Path, tmp_path: Path) -> None:
    manifest.write(tmp_path / "half.csv", [item for item in manifest.read(dressed) if item.label == 0])
    with pytest.raises(ManifestError, match='the split "val" lacks real photos or fakes'):
        hybrid_learn.learn(tmp_path / "half.csv", tmp_path / "out", models=[network])


def test_the_study_asks_the_networks_once_and_compares_at_every_proportion(
    table: Path, network: Path, tmp_path: Path
) -> None:
    proportions = (Shares(0.0, 1.0, 0.0), Shares(0.8, 0.2, 0.0))
    found = hybrid_study.study(table, tmp_path, proportions=proportions, models=[network])
    both = {(one.shares, one.split, one.kind): one for one in found.lines if one.reads == "both"}
    for split in ("val", "test"):
        for kind in ("logistic", "trees"):
            assert both[proportions[0], split, kind].gain == (0.0, 0.0, 0.0)
            assert both[proportions[1], split, kind].gain.low > 0
    assert {(one.learned, one.measured) for one in found.moved} == {(a, b) for a in proportions for b in proportions}
    lines = (tmp_path / "networks.jsonl").read_text().splitlines()
    assert len(lines) == 1 + 120
    kept = json.loads((tmp_path / hybrid_study.RESULT).read_text())
    assert kept["files"] == {"val": 60, "test": 60, "left out": 0}
    assert found.to_text().count("\n") > 6


def test_the_verbs(table: Path, network: Path, tmp_path: Path, run: Run) -> None:
    made = run("dress", str(table), str(tmp_path / "d"), "--honest", "0.8", "--stripped", "0.2", "--forged", "0")
    assert made.code == 0
    assert "120 pictures" in made.out
    dressed, folder = str(tmp_path / "d" / "manifest.csv"), str(tmp_path / "h")
    assert run("hybrid", "learn", dressed, folder, "--kind", "trees", "--models", str(network)).code == 0
    measured = run("hybrid", "evaluate", folder, dressed, "--models", str(network))
    assert measured.code == 0
    assert "AUC gained by metadata" in measured.out
    first = str(manifest.read(tmp_path / "d" / "manifest.csv")[0].path)
    judged = run("scan", first, "--models", str(network), "--hybrid", folder, "--json")
    (report,) = json.loads(judged.out)
    assert report["verdict"]["detector"] in ("hybrid", "provenance")
    assert Label(report["verdict"]["label"])
    assert run("dress", str(table), str(tmp_path / "x"), "--honest", "0.9").code == 2


def test_the_verb_study_prints_both_tables(
    table: Path, network: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        hybrid_study.study,
        "__kwdefaults__",
        {**(hybrid_study.study.__kwdefaults__ or {}), "proportions": (Shares(0.8, 0.2, 0.0),)},
    )
    made = run("hybrid", "study", str(table), str(tmp_path), "--models", str(network))
    assert made.code == 0
    assert "| 80% / 20% / 0% | test |" in made.out
    assert "| learned at, measured at | 80% / 20% / 0% |" in made.out
    assert json.loads((tmp_path / hybrid_study.RESULT).read_text())["moved"]
    missing = run("hybrid", "study", str(tmp_path / "none.csv"), str(tmp_path))
    assert missing.code == 1
    assert "cannot be read" in missing.err
