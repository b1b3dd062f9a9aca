from dataclasses import replace

import numpy as np
import pytest

from unmask.errors import UsageError
from unmask.fairness import AT_HALF, SHIPPED, Fairness, Rate, fairness
from unmask.manifest import FAKE, REAL
from unmask.metrics import share
from unmask.scores import Row


def people(count: int, wrong: int, label: int = REAL, **who: str) -> list[Row]:
    """Judged with certainty, `wrong` of them wrongly."""
    rows = []
    for number in range(count):
        fake = (label == FAKE) != (number < wrong)
        verdict, probability = ("fake", 0.9) if fake else ("real", 0.1)
        name = f"{'-'.join(who.values())}/{label}/{number}.jpg"
        rows.append(
            Row(name, label, logit=0.0, probability=probability, detector="face", verdict=verdict, attributes=who)
        )
    return rows


def find(found: Fairness, error: str, at: str, group: str) -> Rate:
    (one,) = [one for one in found.rates if (one.error, one.at, one.group) == (error, at, group)]
    return one


def test_both_errors_of_every_group() -> None:
    rows = [
        *people(40, 4, gender="female"),
        *people(40, 12, gender="male"),
        *people(50, 5, FAKE, gender="female"),
        *people(50, 25, FAKE, gender="male"),
    ]
    found = fairness(rows, ["gender"])
    for at in (SHIPPED, AT_HALF):
        assert find(found, "real photos called fake", at, "male").rate == share(12, 40)
        assert find(found, "fakes called real", at, "female").rate == share(5, 50)
    gap = next(one for one in found.gaps if one.error == "fakes called real" and one.at == SHIPPED)
    assert (gap.highest, gap.lowest) == ("male", "female")
    assert gap.gap.value == pytest.approx(0.4)
    assert gap.gap.low < 0.4 < gap.gap.high
    assert gap.by_chance < gap.gap.low
    assert found.notes == ()


def test_the_two_thresholds_count_differently() -> None:
    unsure = [replace(one, verdict="uncertain") for one in people(40, 10, gender="female")]
    silent = [replace(one, probability=None, verdict="uncertain") for one in people(10, 0, gender="female")]
    broken = [replace(one, probability=None, verdict="", status="unreadable") for one in silent]
    found = fairness([*unsure, *silent, *broken], ["gender"])
    shipped = find(found, "real photos called fake", SHIPPED, "female")
    assert (shipped.errors, shipped.of) == (0, 50)
    half = find(found, "real photos called fake", AT_HALF, "female")
    assert (half.errors, half.of) == (10, 40)


def test_what_cannot_be_rated_is_said() -> None:
    rows = [*people(40, 1, race="asian"), *people(29, 9, race="black"), *people(3, 0, race="")]
    found = fairness(rows, ["race"])
    assert find(found, "real photos called fake", SHIPPED, "black").rate is None
    assert found.notes == (
        "There are no fakes in this test: how often they are called real cannot be rated.",
        "3 of 72 files do not state race.",
        "Too small to be rated, with fewer than 30 files of a class: black (race).",
    )
    assert found.gaps == (), "one group has no gap"
    assert find(fairness(rows, ["race"], least=20), "real photos called fake", SHIPPED, "black").rate == share(9, 29)


def test_no_error_at_all_has_no_gap() -> None:
    found = fairness([*people(40, 0, race="asian"), *people(40, 0, race="black")], ["race"])
    assert found.gaps == ()
    assert found.notes[1].startswith("Real photos called fake at the shipped thresholds: none of 80.")
    alike = fairness([*people(40, 4, race="asian"), *people(40, 4, race="black")], ["race"]).gaps[0]
    assert (alike.highest, alike.lowest, alike.gap.value) == ("asian", "black", 0)


def test_ages_are_rated_by_decades_in_their_order() -> None:
    rows = [one for age in (3, 9, 21, 22, 25, 30, 39, 40, 58, 66, 101) for one in people(2, 0, age=str(age))]
    found = fairness(rows, ["age"], least=1)
    decades = [one.group for one in found.rates if one.at == SHIPPED]
    assert decades == ["0 to 9", "20 to 29", "30 to 39", "40 to 49", "50 to 59", "60 to 69", "100 to 109"]
    assert find(found, "real photos called fake", SHIPPED, "20 to 29").of == 6
    codes = fairness([*people(2, 0, sex="0"), *people(2, 0, sex="1")], ["sex"], least=1)
    assert {one.group for one in codes.rates} == {"0", "1"}, "a few numbers are names"


def test_combinations() -> None:
    rows = [*people(30, 3, gender="female", race="asian"), *people(30, 9, gender="male", race="asian")]
    found = fairness(rows, ["gender+race", "race"])
    assert [(one.by, one.group) for one in found.rates if one.at == SHIPPED] == [
        ("gender+race", "female asian"),
        ("gender+race", "male asian"),
        ("race", "asian"),
    ]


def test_a_gap_that_chance_would_make_shows_as_such() -> None:
    rng = np.random.default_rng(0)
    rows = [one for group in range(12) for one in people(60, int(rng.binomial(60, 0.1)), group=f"g{group:02}")]
    (gap,) = [one for one in fairness(rows, ["group"]).gaps if one.at == SHIPPED]
    assert 0 < gap.gap.value < gap.by_chance


@pytest.mark.parametrize(
    ("by", "least", "message"),
    [
        (["size"], 30, "no file states size; the columns are: gender"),
        (["gender+size"], 30, "no file states size"),
        ([], 30, "name a column"),
        (["gender"], 0, "a group of at least 0"),
    ],
)
def test_refuses_what_makes_no_sense(by: list[str], least: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fairness(people(2, 0, gender="female"), by, least=least)
