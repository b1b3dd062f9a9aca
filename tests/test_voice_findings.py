from __future__ import annotations

import numpy as np

from unmask.pitch import Floats
from unmask.voice_findings import NOTHING, USUAL, told
from unmask.voice_measures import Mask

MIDDLE = {name: (usual.low + usual.high) / 2 for name, usual in USUAL.items()}
WEIGHTS = dict.fromkeys(USUAL, 0.1)
QUIET = np.zeros(400, bool)


def said(
    measured: dict[str, float],
    weights: dict[str, float] | None = None,
    courses: dict[str, Floats] | None = None,
    silent: Mask = QUIET,
) -> list[str]:
    everything = WEIGHTS | (weights or {})
    return told(MIDDLE | measured, everything, courses or {}, start_s=60.0, silent=silent, tone_hz=5512)


def test_where_all_is_usual_that_is_said() -> None:
    assert said({}) == [NOTHING]
    assert said({"jitter": float("nan")}) == [NOTHING]


def test_what_lies_outside_is_told_the_weightiest_first_and_at_most_three() -> None:
    odd = {"jitter": -99.0, "shimmer": 99.0, "change": -99.0, "harmonics": 99.0}
    found = said(odd, {"shimmer": 2.0, "jitter": 1.0, "change": 0.5, "harmonics": 0.2})
    assert found == [
        "the loudness varies more from period to period than in 95 % of human recordings",
        "the pitch varies less from period to period than in 95 % of human recordings",
        "the spectrum changes less from moment to moment than in 95 % of human recordings",
    ]


def test_what_speaks_for_a_human_is_not_told() -> None:
    assert said({"jitter": -99.0}, {"jitter": -1.0}) == [NOTHING]


def test_it_is_told_when_it_is_most_so() -> None:
    course = np.full(400, 0.1)
    course[300:360] = 0.01
    course[:50] = np.nan
    (found,) = said({"jitter": -99.0}, courses={"jitter": course})
    assert found.endswith("human recordings, most so around 1:03")
    (short,) = said({"jitter": -99.0}, courses={"jitter": course[:60]})
    assert short.endswith("human recordings")
    (unknown,) = said({"jitter": -99.0}, courses={"jitter": np.full(400, np.nan)})
    assert unknown.endswith("human recordings")


def test_silent_pauses_are_told_with_their_seconds() -> None:
    one, two = QUIET.copy(), QUIET.copy()
    one[300:350] = True
    two[300:350] = two[100:120] = True
    assert said({"digital silence": 1.0}, silent=one) == ["a pause is digitally silent, 1:03.0 to 1:03.5"]
    (found,) = said({"digital silence": 1.0}, silent=two)
    assert found == "2 pauses are digitally silent, the longest 1:03.0 to 1:03.5"
    assert said({"digital silence": 1.0}) == [NOTHING]


def test_a_tone_is_told_with_its_frequency() -> None:
    assert said({"steady tone": 99.0})[0].startswith("a tone at 5.5 kHz never stops")
