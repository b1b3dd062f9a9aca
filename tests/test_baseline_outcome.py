from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.test_baseline_model import LABELS, drawn
from unmask import metrics
from unmask.baseline_model import Baseline, Term, fit
from unmask.baseline_outcome import ALL, POOL, Alarm, Measured, Outcome, concluded, judged, measured
from unmask.errors import UsageError
from unmask.metrics import Interval
from unmask.scores import Row
from unmask.traits import FAMILIES, Traits


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals as rough as tests need them."""
    monkeypatch.setattr(metrics, "bootstrap", partial(metrics.bootstrap, resamples=200))


def term(fact: str) -> Term:
    return Term(fact=fact, asks="number", mean=0, spread=1, coefficient=1)


MODEL = Baseline(families=FAMILIES, terms=(term("bytes: bytes"), term("size: width")), intercept=0)


def rows(count: int, right: float, source: str = "a", seed: int = 0) -> list[Row]:
    """As many reals as fakes, half in val, half in test, of which a share is called rightly."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        label, split = number % 2, ("val", "test")[number // 2 % 2]
        logit = (1 if (number // 2 < right * count / 2) == bool(label) else -1) + 0.1 * rng.normal()
        row = Row(f"{source}/{number}.jpg", label, source=source, split=split, detector="metadata-baseline")
        made.append(replace(row, logit=logit, probability=1 / (1 + np.exp(-logit))))
    return made


def outcome(parts: Sequence[Measured], model: Baseline = MODEL, **lost: int) -> Outcome:
    return Outcome(*concluded(parts, model), tuple(parts), model, {"train": 9}, lost, Path("run"))


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.50, 0.46, 0.54, Alarm.NONE),
        (0.57, 0.52, 0.63, Alarm.NONE),
        (0.40, 0.35, 0.45, Alarm.NONE),
        (0.55, 0.45, 0.65, Alarm.CANNOT_SAY),
        (0.65, 0.49, 0.80, Alarm.CANNOT_SAY),
        (0.60, 0.51, 0.69, Alarm.RAISED),
        (1.00, 1.00, 1.00, Alarm.RAISED),
    ],
)
def test_the_alarm_needs_the_limit_and_more_than_chance(value: float, low: float, high: float, said: Alarm) -> None:
    assert judged(Interval(value, low, high), 500, 500) is said


def test_nothing_is_said_of_a_handful_of_files() -> None:
    assert judged(Interval(1, 1, 1), 9, 500) is Alarm.CANNOT_SAY
    assert judged(Interval(1, 1, 1), 10, 10) is Alarm.RAISED


def test_metadata_that_carry_nothing_hardly_ever_raise_it_and_are_no_better_than_chance() -> None:
    values, alarms = [], []
    for seed in range(30):
        model = fit(drawn(seed, telling=False), LABELS, FAMILIES)
        logits = model.score(drawn(1000 + seed, telling=False))
        accuracy = metrics.bootstrap(metrics.balanced_accuracy, LABELS, 1 / (1 + np.exp(-logits)))
        values.append(accuracy.value)
        alarms.append(judged(accuracy, 100, 100))
    assert np.mean(values) == pytest.approx(0.5, abs=0.02)
    assert alarms.count(Alarm.RAISED) <= 1
    assert alarms.count(Alarm.NONE) > 15


def test_one_source_is_measured_once_and_each_split_is_listed_without_an_alarm_of_its_own() -> None:
    parts = measured(rows(400, 0.8))
    assert [(one.split, one.source, one.alarm) for one in parts] == [
        (POOL, ALL, Alarm.RAISED),
        ("test", ALL, None),
        ("val", ALL, None),
    ]
    assert (parts[0].reals, parts[0].fakes) == (200, 200)
    assert parts[0].accuracy.value == parts[0].balanced_accuracy.value == pytest.approx(0.8)
    assert parts[0].balanced_accuracy.low < 0.8 < parts[0].balanced_accuracy.high


def test_a_source_that_tells_is_not_hidden_by_a_large_clean_one() -> None:
    clean, telling = rows(900, 0.5, "clean"), rows(100, 1.0, "telling")
    parts = measured([*clean, *telling])
    alarms = {one.source: one.alarm for one in parts if one.split == POOL}
    assert alarms == {ALL: Alarm.NONE, "clean": Alarm.NONE, "telling": Alarm.RAISED}
    said, sentence = concluded(parts, MODEL)
    assert said is Alarm.RAISED
    assert "alone tell the label inside telling" in sentence
    assert "may have learned nothing else" in sentence
    assert "unmask audit" in sentence
    assert "unmask prepare" in sentence


def test_the_more_sources_the_surer_one_must_be() -> None:
    lucky = rows(80, 0.62, "lucky")
    alone = measured([*lucky, *rows(4, 0.5, "other")[::2]])
    among = measured([*lucky, *(row for number in range(9) for row in rows(24, 0.5, f"clean {number}"))])
    found = [next(one for one in parts if one.source == "lucky") for parts in (alone, among)]
    assert found[0].balanced_accuracy == found[1].balanced_accuracy
    assert [one.alarm for one in found] == [Alarm.RAISED, Alarm.CANNOT_SAY]


def test_a_source_of_one_class_counts_in_the_pool_alone() -> None:
    only_fakes = [one for one in rows(100, 0.5, "gan") if one.label]
    parts = measured([*rows(200, 0.5), *only_fakes])
    assert [one.source for one in parts if one.split == POOL] == [ALL, "a"]
    assert parts[0].fakes == 150


def test_where_only_bytes_differ_the_advice_is_about_the_pictures() -> None:
    parts = measured(rows(400, 0.8))
    bytes_only = MODEL.model_copy(update={"terms": (term("bytes: bytes"),)})
    assert "how much detail the pictures hold" in concluded(parts, bytes_only)[1]
    asked_for = bytes_only.model_copy(update={"families": ("bytes",)})  # the others may differ as well: nobody looked
    assert "unmask prepare" in concluded(parts, asked_for)[1]


def test_no_alarm_names_sources_that_are_too_small_and_doubt_is_said() -> None:
    said, sentence = concluded(measured([*rows(900, 0.5, "large"), *rows(16, 0.5, "small")]), MODEL)
    assert said is Alarm.NONE
    assert sentence.endswith("; small alone: too few files to say")
    said, sentence = concluded(measured(rows(60, 0.57)), MODEL)
    assert said is Alarm.CANNOT_SAY
    assert "add files" in sentence


def test_the_text_and_the_json_tell_all() -> None:
    found = outcome(measured(rows(400, 0.8)), train=2, test=1)
    text = found.to_text()
    assert "val and test  all     200   200   0.800 [" in text
    assert "strongest, in logits towards fake: bytes: bytes +1.00, size: width +1.00" in text
    assert "left out, as they cannot be read: 1 in test, 2 in train" in text
    assert text.splitlines()[-1].startswith("alarm raised: ")
    kept = json.loads(json.dumps(found.to_dict()))
    assert kept["alarm"] == "raised"
    assert kept["measured"][0]["balanced_accuracy"].keys() == {"value", "low", "high"}
    assert kept["measured"][1]["alarm"] is None
    assert kept["strongest"][0] == {"name": "bytes: bytes", "coefficient": 1.0, "strength": 1.0}
    assert kept["unreadable"] == {"train": 2, "test": 1}
    assert Baseline.model_validate(kept["model"]) == MODEL


def test_a_class_without_scores_is_an_error() -> None:
    with pytest.raises(UsageError, match="a metric needs both"):
        measured([one for one in rows(40, 0.5) if one.label])


def test_nothing_left_out_is_not_mentioned() -> None:
    empty = fit([Traits({name: {} for name in FAMILIES})] * 4, [0, 1, 0, 1], FAMILIES)
    text = outcome(measured(rows(400, 0.5)), empty).to_text()
    assert "left out" not in text
    assert "strongest" not in text
