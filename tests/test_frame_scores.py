"""Looks at persons: ranked as they are, redrawn video by video."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from unmask.frame_scores import FrameScores
from unmask.manifest import FAKE, REAL, Item
from unmask.types import Label, Moment, Report, Source, Status, Track, Verdict, Video

BOX = (0, 0, 9, 9)


def report(*probabilities: float | None, closer: float | None = None) -> Report:
    """A video whose person was looked at once a second, and once more between the first two."""
    moments = [Moment(time_s=float(t), box_px=BOX, probability=p) for t, p in enumerate(probabilities)]
    if closer is not None:
        moments.insert(1, Moment(time_s=0.5, box_px=BOX, probability=closer))
    said = Verdict(label=Label.UNCERTAIN, probability=0.5, reason="drawn")
    track = Track(number=1, start_s=0.0, end_s=9.0, verdict=said, moments=tuple(moments))
    times = tuple(float(t) for t in range(len(probabilities)))
    video = Video(duration_s=10.0, looked_at_s=times, looked_closer_s=(0.5,), tracks=(track,))
    return Report(source=Source(path="x"), status=Status.OK, verdict=said, video=video)


def items(*labels: int) -> list[Item]:
    return [Item(Path(f"{number}.mp4"), label, split="test") for number, label in enumerate(labels)]


def test_looks_rank_and_those_added_later_do_not_count() -> None:
    frames = FrameScores(items(REAL, FAKE))
    given = [report(0.1, 0.3, None), report(0.2, 0.9, closer=0.0)]
    assert list(frames.noting(given)) == given
    (figure,) = frames.figures("unmask evaluate")
    assert figure.value == pytest.approx(3 / 4)  # of four pairs, .2 against .3 is wrong
    assert (figure.reals, figure.fakes) == (1, 1)
    assert "4 looks" in figure.on


def test_the_interval_redraws_videos_not_looks() -> None:
    """One video in three ranks wrong as a whole; looks drawn one by one would hide how unsure that is."""
    frames = FrameScores(items(REAL, *[FAKE] * 3))
    list(frames.noting([report(*[0.5] * 40), report(*[0.9] * 40), report(*[0.8] * 40), report(*[0.1] * 40)]))
    (figure,) = frames.figures("unmask evaluate")
    assert figure.value == pytest.approx(2 / 3)
    assert figure.low == pytest.approx(0.0)
    assert figure.high == pytest.approx(1.0)


def test_copies_after_the_items_are_passed_on_and_not_kept(tmp_path: Path) -> None:
    frames = FrameScores(items(REAL, FAKE))
    list(frames.noting([report(0.1), report(0.9)]))
    assert len(list(frames.noting([report(0.9), report(0.1)]))) == 2
    frames.write(tmp_path / "frames.csv")
    with (tmp_path / "frames.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["label"], row["probability"]) for row in rows] == [("0", "0.1"), ("1", "0.9")]


def test_photos_and_splits_of_one_class_give_no_figure() -> None:
    photo = Report(source=Source(path="x"), status=Status.UNREADABLE, message="broken")
    nothing = FrameScores(items(REAL))
    list(nothing.noting([photo]))
    assert not nothing
    reals = FrameScores(items(REAL, REAL))
    list(reals.noting([report(0.1), report(0.2)]))
    assert reals
    assert reals.figures("unmask evaluate") == []
