from dataclasses import replace

import numpy as np
import pytest

from unmask.card import Figure
from unmask.errors import UsageError
from unmask.figures import figures_from_scores, to_markdown, unseen
from unmask.scores import Row

COMMAND = "unmask evaluate manifest.csv"


def table(label: int, probabilities: list[float], source: str = "a", split: str = "test", **more: str) -> list[Row]:
    """Rows judged by "face" at the thresholds 0.3 and 0.8."""
    return [
        Row(
            path=f"{split}/{source}/{label}/{number}.jpg",
            label=label,
            source=source,
            split=split,
            detector="face",
            logit=float(np.log(p / (1 - p))),
            probability=p,
            verdict="fake" if p >= 0.8 else "real" if p <= 0.3 else "uncertain",
            attributes=more,
        )
        for number, p in enumerate(probabilities)
    ]


def find(figures: list[Figure], name: str, on: str) -> Figure:
    found = [one for one in figures if one.name == name and one.on.startswith(on)]
    assert len(found) == 1, [(one.name, one.on) for one in figures]
    return found[0]


ROWS = [
    *table(0, [0.1, 0.2, 0.4, 0.9]),
    *table(1, [0.5, 0.85, 0.95, 0.99]),
    *table(0, [0.05, 0.1], source="b"),
    *table(1, [0.6, 0.9], source="c"),
]


def test_ranks_each_source_and_all() -> None:
    figures = figures_from_scores(ROWS, COMMAND)
    inside = find(figures, "AUC", "a test")
    assert inside.value == (4 + 4 + 4 + 2) / 16  # 0.9 lies above 0.5 and 0.85
    assert (inside.reals, inside.fakes, inside.command) == (4, 4, COMMAND)
    assert inside.low is not None
    assert inside.high is not None
    assert inside.low <= inside.value <= inside.high
    alone = find(figures, "AUC", "c test, against the real photos of all sources")
    assert alone.value == (5 + 5.5) / 12  # 0.6 lies under 0.9, and 0.9 ties with it
    pooled = find(figures, "AUC", "test pooled, by logit of face")
    assert (pooled.reals, pooled.fakes) == (6, 6)
    assert not [one for one in figures if one.name == "AUC" and one.on.startswith("b ")]
    assert find(figures, "fakes found at 1 % FPR", "test pooled").value == 2 / 6


def test_counts_errors_at_the_shipped_thresholds() -> None:
    figures = figures_from_scores(ROWS, COMMAND)
    assert find(figures, "real photos called fake", "a test").value == 1 / 4
    assert find(figures, "real photos called fake", "b test").value == 0
    assert find(figures, "fakes found", "c test").value == 1 / 2
    pooled = find(figures, "real photos called fake", "test pooled")
    assert (pooled.value, pooled.reals, pooled.fakes) == (1 / 6, 6, 0)
    assert find(figures, "fakes uncertain", "test pooled").value == 2 / 6


def test_nothing_is_dropped_in_silence() -> None:
    broken = Row("broken.jpg", 0, source="a", split="test", status="unreadable", message="the file is empty")
    silent = Row("silent.jpg", 1, source="a", split="test", verdict="uncertain", message="no face was found")
    figures = figures_from_scores([*ROWS, broken, silent], COMMAND)
    assert find(figures, "AUC", "a test").value == 14 / 16
    assert find(figures, "AUC", "a test").fakes == 4
    assert find(figures, "real photos unjudged", "test pooled").value == pytest.approx(1 / 7)
    assert find(figures, "fakes abstained", "test pooled").value == pytest.approx(1 / 7)
    assert find(figures, "fakes found", "a test").value == pytest.approx(3 / 5)  # an abstention finds no fake


def test_several_detectors_are_ranked_by_probability() -> None:
    other = [replace(one, detector="picture", logit=(one.logit or 0) * 100 - 500) for one in table(1, [0.7, 0.95], "d")]
    figures = figures_from_scores([*ROWS, *other], COMMAND)
    pooled = find(figures, "AUC", "test pooled, by calibrated probability of face, picture")
    logits_would_say = find(figures_from_scores(ROWS, COMMAND), "AUC", "test pooled").value * 6 / 8
    assert pooled.value > logits_would_say
    assert find(figures, "AUC", "a test, by logit of face").value == 14 / 16


def test_groups_of_people_and_the_worst() -> None:
    rows = [
        *table(0, [0.1] * 9 + [0.9], "f1", "fairness", gender="female", race="asian"),
        *table(0, [0.1] * 7 + [0.9] * 3, "f2", "fairness", gender="male", race="asian"),
        *table(0, [0.1] * 10, "f3", "fairness", gender="male", race=""),
    ]
    figures = figures_from_scores(rows, COMMAND)
    assert find(figures, "real photos called fake", "fairness, female asian").value == 0.1
    assert find(figures, "real photos called fake", "fairness, male asian").value == 0.3
    assert find(figures, "real photos called fake, worst group", "fairness, male asian").value == 0.3
    assert find(figures, "real photos called fake", "fairness pooled").value == pytest.approx(4 / 30)
    assert not [one for one in figures if one.name == "AUC"]


def test_calibration_pools_val_and_test() -> None:
    val = [replace(one, split="val") for one in ROWS]
    figures = figures_from_scores([*ROWS, *val], COMMAND)
    pooled = find(figures, "expected calibration error, 15 bins", "val and test pooled")
    alone = find(figures, "expected calibration error, 15 bins", "test pooled")
    assert pooled.value == pytest.approx(alone.value)
    assert (pooled.reals, pooled.fakes) == (12, 12)


def test_what_a_perturbation_costs() -> None:
    logits = {0.1: 0.6, 0.2: 0.5, 0.4: 0.3, 0.9: 0.9, 0.5: 0.4, 0.85: 0.7, 0.95: 0.8, 0.99: 0.99}
    originals = ROWS[:8]
    copies = [
        replace(one, perturbation="blur", probability=logits[p], logit=float(np.log(logits[p] / (1 - logits[p]))))
        for one in originals
        if (p := one.probability) is not None
    ]
    figures = figures_from_scores([*originals, *copies], COMMAND)
    lost = find(figures, "AUC lost", "test pooled, blur")
    assert lost.value == pytest.approx((14 - 11) / 16)
    assert find(figures, "AUC", "test pooled").value == 14 / 16  # copies do not mix with originals

    same = [replace(one, perturbation="blur") for one in originals]
    still = find(figures_from_scores([*originals, *same], COMMAND), "AUC lost", "test pooled, blur")
    assert (still.value, still.low, still.high) == (0, 0, 0)

    silent = [replace(copies[0], logit=None, probability=None), *copies[1:]]
    partly = figures_from_scores([*originals, *silent], COMMAND)
    assert find(partly, "AUC lost", "test pooled, blur").reals == 3
    assert find(partly, "real photos abstained", "test pooled, blur").value == 0.25


def test_unseen_takes_the_fakes_of_the_held_out_source_against_all_reals() -> None:
    scores = {"a": ROWS, "c": ROWS}
    figures = unseen(scores, COMMAND)
    a, c = (find(figures, "unseen-generator AUC", f"fakes of {source}") for source in "ac")
    assert a.value == (6 + 6 + 5 + 5) / 24
    assert c.value == (5 + 5.5) / 12
    assert (a.reals, a.fakes) == (6, 4)
    mean = find(figures, "mean unseen-generator AUC", "2 sources")
    assert mean.value == pytest.approx((a.value + c.value) / 2)
    assert mean.low is not None
    assert mean.low < mean.value
    assert find(figures, "worst unseen-generator AUC", "fakes of c").value == c.value


def test_unseen_refuses_what_it_cannot_measure() -> None:
    with pytest.raises(UsageError, match="at least one"):
        unseen({}, COMMAND)
    with pytest.raises(UsageError, match="without b hold no scored fakes"):
        unseen({"b": ROWS}, COMMAND)


def test_markdown_shows_every_figure() -> None:
    figures = figures_from_scores(ROWS, COMMAND)
    lines = to_markdown(figures).splitlines()
    assert len(lines) == len(figures) + 2
    assert all(line.count("|") == 7 for line in lines)
    assert "| real photos called fake | a test | 25.0% | 4.6% to 69.9% | 4 | 0 |" in lines
    assert any(line.startswith("| AUC | a test, by logit of face | 0.875 | ") for line in lines)


def voices(label: int, probabilities: list[float], **more: str) -> list[Row]:
    """The same of recordings, judged by "voice"."""
    rows = table(label, probabilities, **more)
    return [replace(one, path=one.path.replace(".jpg", ".flac"), detector="voice") for one in rows]


HEARD = [
    *voices(0, [0.1, 0.2, 0.4, 0.9], kind=""),
    *voices(1, [0.5, 0.85], kind="synthesis"),
    *voices(1, [0.3, 0.05], source="b", kind="conversion"),
]


def test_recordings_are_called_so() -> None:
    figures = figures_from_scores(HEARD, COMMAND)
    assert not [one for one in figures if "photo" in one.name + one.on]
    assert find(figures, "AUC", "b test, against the real recordings of all sources").value == 2 / 8
    assert find(figures, "real recordings called fake", "a test").value == 1 / 4
    assert find(figures, "real recordings uncertain", "test pooled").value == 1 / 4
    copies = [replace(one, perturbation="mp3-64k") for one in HEARD]
    again = figures_from_scores([*HEARD, *copies], COMMAND)
    assert find(again, "AUC lost", "test pooled, mp3-64k").value == 0
    assert find(again, "real recordings abstained", "test pooled, mp3-64k").value == 0
    left_out = unseen({"b": HEARD}, COMMAND)
    assert "photo" not in "".join(one.on for one in left_out)
    assert any("all real recordings" in one.on for one in left_out)


def test_each_kind_of_fakes_is_ranked_where_there_are_several() -> None:
    figures = figures_from_scores(HEARD, COMMAND)
    made = find(figures, "AUC", "synthesis test, against the real recordings of all sources, by logit of voice")
    assert (made.value, made.reals, made.fakes) == (6 / 8, 4, 2)
    assert find(figures, "AUC", "conversion test").value == 2 / 8
    one_kind = [replace(one, attributes={"kind": "synthesis"}) for one in HEARD]
    assert not [one for one in figures_from_scores(one_kind, COMMAND) if one.on.startswith("synthesis")]
    assert not [one for one in figures_from_scores(ROWS, COMMAND) if one.on.startswith(("synthesis", "conversion"))]
