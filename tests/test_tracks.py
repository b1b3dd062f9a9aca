"""Persons keep their track through crossings and cuts, whatever the order of faces in a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data import clips
from unmask import tracks
from unmask.faces import Face, FaceFinder
from unmask.modalities import video
from unmask.tracks import Trail

Look = tuple[float, Image.Image, list[Face]]


@pytest.fixture(scope="module")
def people(astronaut: Image.Image) -> tuple[Image.Image, Image.Image]:
    return clips.person(astronaut), clips.person(astronaut, 120)


def looked_at(path: Path, finder: FaceFinder, count: int = 16) -> list[Look]:
    with video.opened(path) as film:
        return [(one.time_s, one.image, finder.find(one.image)[0]) for one in film.stills(video.evenly(film, count))]


def lefts(trail: Trail) -> list[float]:
    return [float(one.face.box[0]) for one in trail.sightings]


@pytest.mark.parametrize("count", [12, 16, 20])
@pytest.mark.parametrize("order", [lambda faces: faces, lambda faces: faces[::-1]])
def test_two_who_cross_stay_themselves(
    tmp_path: Path,
    people: tuple[Image.Image, Image.Image],
    finder: FaceFinder,
    order: Callable[[Sequence[Face]], list[Face]],
    count: int,
) -> None:
    path = clips.draw(tmp_path / "crossing.mp4", clips.crossing(*people))
    front, behind = tracks.link([(t, image, order(faces)) for t, image, faces in looked_at(path, finder, count)])
    assert len(front.sightings) == count
    assert lefts(front) == sorted(lefts(front), reverse=True)
    assert lefts(behind) == sorted(lefts(behind))
    assert min(lefts(behind)) < 60 < 200 < max(lefts(behind))  # from one side to the other, hidden in the middle


def test_a_person_is_known_again_after_a_cut(
    tmp_path: Path, people: tuple[Image.Image, Image.Image], finder: FaceFinder
) -> None:
    path = clips.draw(tmp_path / "cut.mp4", clips.cut_to(*people, [0.7, 1.4]))
    one, other = tracks.link(looked_at(path, finder, 20))
    assert [sighting.frame for sighting in one.sightings] == [*range(7), *range(14, 20)]
    assert [sighting.frame for sighting in other.sightings] == list(range(7, 14))


def test_a_stranger_at_the_same_place_after_a_cut_is_somebody_else(
    people: tuple[Image.Image, Image.Image], finder: FaceFinder
) -> None:
    shots = [clips.placed((people[0], 90), level=60), clips.placed((people[1], 90), level=160)]
    found = tracks.link([(0.1 * i, shot, finder.find(shot)[0]) for i, shot in enumerate(shots)])
    assert [len(trail.sightings) for trail in found] == [1, 1]


def test_a_frame_gives_a_trail_one_face_at_most(people: tuple[Image.Image, Image.Image], finder: FaceFinder) -> None:
    twins = clips.placed((people[0], 10), (people[0], 180))
    faces, _ = finder.find(twins)
    found = tracks.link([(0.0, twins, faces), (0.1, twins, faces)])
    assert [len(trail.sightings) for trail in found] == [2, 2]
    for trail in found:
        assert len(set(lefts(trail))) == 1


def test_a_small_picture_without_room_for_colours(finder: FaceFinder) -> None:
    face = Face(np.array([0, 0, 64, 64], np.float32), np.zeros((5, 2), np.float32), 1.0)
    look = tracks.colours(Image.new("RGB", (64, 64), "red"), face)
    assert look.shape == (2, 512)
    assert look.sum(axis=1) == pytest.approx([1, 1])
    assert look[1].max() == pytest.approx(1 / 512)  # nothing lies below the face


def test_nobody() -> None:
    assert tracks.link([(0.0, Image.new("RGB", (64, 64)), [])]) == []
