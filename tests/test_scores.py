from dataclasses import replace
from pathlib import Path

import pytest

from unmask.errors import ManifestError
from unmask.manifest import Item
from unmask.scores import Row, read_scores, row, write_scores
from unmask.types import Label, Report, Score, Source, Status, Verdict

ITEM = Item(Path("a.jpg"), 1, method="gan", source="set", split="test", attributes={"age": "30"})


def judged(logit: float = 2.0) -> Report:
    return Report(
        source=Source(path="a.jpg"),
        status=Status.OK,
        verdict=Verdict(label=Label.FAKE, probability=0.9, reason="over it", detector="face"),
        scores={"face": Score(logit=logit, probability=0.9), "picture": Score(logit=-1.0, probability=0.2)},
    )


def test_takes_the_score_of_the_detector_that_decided() -> None:
    one = row(ITEM, judged(), "blur")
    assert (one.detector, one.logit, one.probability, one.verdict) == ("face", 2.0, 0.9, "fake")
    assert (one.label, one.method, one.source, one.split, one.perturbation) == (1, "gan", "set", "test", "blur")
    assert one.message == ""


def test_keeps_what_could_not_be_judged() -> None:
    broken = row(ITEM, Report(source=Source(path="a.jpg"), status=Status.UNREADABLE, message="the file is empty"))
    assert (broken.status, broken.message, broken.verdict) == ("unreadable", "the file is empty", "")
    assert broken.probability is None
    silent = Verdict(label=Label.UNCERTAIN, probability=None, reason="no face was found")
    abstained = row(ITEM, Report(source=Source(path="a.jpg"), status=Status.OK, verdict=silent))
    assert (abstained.status, abstained.message, abstained.verdict) == ("ok", "no face was found", "uncertain")
    assert abstained.logit is None


def test_reads_back_what_it_wrote(tmp_path: Path) -> None:
    rows = [
        row(ITEM, judged(logit=1 / 3)),
        replace(row(ITEM, judged(logit=1e-17)), label=0, path='odd, "name"\n.jpg'),
        Row("b.jpg", 0, status="unreadable", message="it's broken", attributes={"age": ""}),
    ]
    write_scores(tmp_path / "scores.csv", rows)
    assert read_scores(tmp_path / "scores.csv") == rows


def test_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    with pytest.raises(ManifestError, match="cannot be read"):
        read_scores(path)
    path.write_text("path,label\na.jpg,real\n")
    with pytest.raises(ManifestError, match="no table of scores"):
        read_scores(path)
    write_scores(path, [row(ITEM, judged())])
    path.write_text(path.read_text().replace("2.0", "two"))
    with pytest.raises(ManifestError, match="line 2"):
        read_scores(path)
