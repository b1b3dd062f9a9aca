from dataclasses import replace

import pytest

from unmask import scored
from unmask.errors import UsageError
from unmask.scores import Row

REAL = Row("a.jpg", 0, detector="face", logit=-1.0, probability=0.2, attributes={"gender": "female", "race": "asian"})
FAKE = Row("b.jpg", 1, detector="face", logit=2.0, probability=0.9, attributes={"gender": "male", "race": ""})
SILENT = Row("c.jpg", 1, verdict="uncertain")


def test_what_has_no_score_is_not_measured() -> None:
    assert scored.scored([REAL, SILENT, FAKE]) == [REAL, FAKE]
    assert scored.counts([REAL, SILENT, FAKE]) == (1, 1)
    assert scored.both_classes([REAL, FAKE])
    assert not scored.both_classes([REAL, SILENT])


def test_logits_are_compared_of_one_detector_and_probabilities_of_several() -> None:
    one = scored.measurable([REAL, FAKE])
    assert (one.scores.tolist(), one.claimed.tolist()) == ([-1.0, 2.0], [0.2, 0.9])
    assert scored.ranked_by([REAL, FAKE]) == "by logit of face"
    other = replace(FAKE, detector="picture")
    assert scored.measurable([REAL, other]).scores.tolist() == [0.2, 0.9]
    assert scored.ranked_by([REAL, other]) == "by calibrated probability of face, picture"
    with pytest.raises(UsageError, match="1 reals and 0 fakes"):
        scored.measurable([REAL, SILENT])


def test_groups_have_a_value_in_every_column() -> None:
    assert [(name, len(rows)) for name, rows in scored.grouped([REAL, FAKE, REAL])] == [("female asian", 2)]
    assert [name for name, _ in scored.grouped([REAL, FAKE], ["gender"])] == ["female", "male"]


@pytest.mark.parametrize(
    ("paths", "name"),
    [
        (("a.wav", "b.FLAC"), "real recordings"),
        (("a.wav", "b.jpg"), "real photos"),
        (("a.mp4",), "real photos"),
        ((), "real photos"),
    ],
)
def test_reals_are_called_what_they_are(paths: tuple[str, ...], name: str) -> None:
    assert scored.real_things(replace(REAL, path=path) for path in paths) == name
