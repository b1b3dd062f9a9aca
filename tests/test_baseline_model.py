from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np
import pytest

from unmask.baseline_model import LEAST_OF_A_WORD, Baseline, fit
from unmask.errors import MissingExtraError, UsageError
from unmask.metrics import balanced_accuracy
from unmask.traits import FAMILIES, Traits

Cells = list[Mapping[str, str]]


def file(**families: Mapping[str, float]) -> Traits:
    return Traits({name: dict(families.get(name, {})) for name in FAMILIES})


LABELS = [number % 2 for number in range(200)]
ALIKE = [file(size={"width": 64}) for _ in LABELS]


def drawn(seed: int, *, telling: bool = True) -> list[Traits]:
    """Files whose width tells the label, less than surely, and of which only some fakes carry a comment."""
    rng = np.random.default_rng(seed)
    files = []
    for label in LABELS:
        told = label if telling else int(rng.integers(2))
        comment = {"has comment": float(rng.integers(5, 9))} if told and rng.random() < 0.3 else {}
        files.append(file(size={"width": 100 + told + rng.normal()}, bytes={"bytes": rng.normal()}, metadata=comment))
    return files


def names(model: Baseline) -> list[str]:
    return [term.name for term in model.terms]


def test_it_computes_what_the_pipeline_of_scikit_learn_computes() -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    files = drawn(0)
    table = np.array(
        [
            [
                one.numbers["bytes"]["bytes"],
                one.numbers["metadata"].get("has comment", np.nan),
                one.numbers["size"]["width"],
            ]
            for one in files
        ]
    )
    pipeline = make_pipeline(
        StandardScaler(),  # it passes over what is missing, which is then put at the mean
        SimpleImputer(strategy="constant", fill_value=0.0, add_indicator=True),
        LogisticRegression(class_weight="balanced"),
    )
    model = fit(files, LABELS, FAMILIES)
    assert names(model) == ["bytes: bytes", "metadata: has comment", "no metadata: has comment", "size: width"]
    assert model.score(files) == pytest.approx(pipeline.fit(table, LABELS).decision_function(table), abs=0.01)


def test_what_it_learned_holds_for_other_files() -> None:
    model = fit(drawn(0), LABELS, FAMILIES)
    assert balanced_accuracy(LABELS, model.score(drawn(1)), 0.0) > 0.65
    assert {term.name for term in model.strongest(2)} == {"size: width", "no metadata: has comment"}
    assert next(term.coefficient for term in model.terms if term.fact == "size: width") > 0, "fakes are wider"
    assert model.parameters == len(model.terms) + 1


def test_it_reads_only_the_families_asked_for() -> None:
    assert names(fit(drawn(0), LABELS, ["bytes"])) == ["bytes: bytes"]


def test_files_that_are_alike_teach_nothing_and_all_score_0() -> None:
    model = fit(ALIKE, LABELS, FAMILIES)
    assert model.terms == ()
    assert model.score(ALIKE[:3]).tolist() == [0.0, 0.0, 0.0]


def test_equal_numbers_that_spread_by_rounding_are_alike() -> None:
    files = [file(size={"aspect": 0.1}) for _ in range(30)]
    assert np.std([0.1] * 30) > 0
    assert fit(files, LABELS[:30], FAMILIES).terms == ()


def test_facts_that_are_missing_together_are_asked_for_once() -> None:
    files = [file(compression={"first": 1, "last": 1} if label else {}, format={"mode RGB": 1}) for label in LABELS]
    assert names(fit(files, LABELS, FAMILIES)) == ["no compression: first"]


def test_a_file_without_any_fact_known_from_train_sits_in_the_middle() -> None:
    model = fit([file(size={"width": 100 + label}) for label in LABELS], LABELS, FAMILIES)
    assert model.score([file(metadata={"has exif": 900})])[0] == model.intercept


def test_columns_of_the_manifest_are_numbers_where_all_are_and_words_otherwise() -> None:
    rng = np.random.default_rng(0)
    cells: Cells = [
        {
            "iso": ("", " NaN ", str(100 + 50 * label + rng.integers(9)))[number % 3],
            "camera": f"{('Canon', 'Nikon')[label]} " if number < 120 else "",
            "clip": f"clip {number}",
        }
        for number, label in enumerate(LABELS)
    ]
    columns = ("iso", "camera", "clip")
    model = fit(ALIKE, LABELS, (), columns, cells)
    assert {(term.fact, term.asks, term.word) for term in model.terms} == {
        ("manifest: iso", "number", ""),
        ("manifest: iso", "missing", ""),
        ("manifest: camera", "word", "Canon"),
        ("manifest: camera", "word", "Nikon"),
        ("manifest: camera", "missing", ""),
    }
    assert balanced_accuracy(LABELS, model.score(ALIKE, cells), 0.0) > 0.8
    unknown = {"iso": "many", "camera": "Leica", "clip": "clip 900"}
    assert np.isfinite(model.score(ALIKE[:1], [unknown])).all()
    with pytest.raises(UsageError, match="columns iso, camera, clip: give them too"):
        model.score(ALIKE)


def test_a_word_that_few_files_have_is_passed_over() -> None:
    for count, learned in ((LEAST_OF_A_WORD - 1, []), (LEAST_OF_A_WORD, ["manifest: app is rare"])):
        cells: Cells = [{"app": "rare" if number < count else f"{number} x"} for number in range(len(LABELS))]
        assert names(fit(ALIKE, LABELS, (), ["app"], cells)) == learned


@pytest.mark.parametrize("cell", ["1e308", "-1e308", "inf", "nan", "1e99", "5e-324", "\ud800", "0x10"])
def test_no_cell_breaks_it(cell: str) -> None:
    cells: Cells = [{"gain": cell if number % 7 == 0 else "1"} for number in range(len(LABELS))]
    model = fit(ALIKE, LABELS, (), ["gain"], cells)
    assert np.isfinite(model.score(ALIKE, cells)).all()


def test_it_comes_back_from_json_and_scores_the_same() -> None:
    model = fit(drawn(0), LABELS, FAMILIES)
    again = Baseline.model_validate_json(model.model_dump_json())
    assert again == model
    assert again.score(drawn(2)).tolist() == model.score(drawn(2)).tolist()


def test_a_file_that_cannot_be_read_is_never_scored() -> None:
    model = fit(drawn(0), LABELS, FAMILIES)
    with pytest.raises(UsageError, match="cannot be read has no metadata to score: it is broken"):
        model.score([Traits(problem="it is broken")])


def test_without_scikit_learn_it_names_the_extra_and_a_fitted_one_still_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit(drawn(0), LABELS, FAMILIES)
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingExtraError, match=r'metadata baseline needs .* pip install "unmask\[train\]"'):
        fit(drawn(0), LABELS, FAMILIES)
    assert len(model.score(drawn(1))) == len(LABELS)
