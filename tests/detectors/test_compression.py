from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tests.compression.drawn import face, saved, textured
from unmask.compression.findings import NO_ROOM
from unmask.detectors import compression
from unmask.witness import WitnessCard

FACE = face(64, 64, 192, 192)


def test_the_card_weighs_what_is_measured_and_says_why_it_does_not_vote() -> None:
    card = WitnessCard.shipped(compression.NAME)
    assert tuple(one.name for one in card.features) == tuple(compression.FEATURES)
    assert not card.votes
    assert "does not vote" in card.why
    assert {"spliced photos, test", "lfw, made alike, test", "openforensics, files as they are, test"} <= {
        one.on for one in card.metrics
    }


def test_each_measure_is_a_finding_with_a_sentence_and_a_map() -> None:
    picture = saved(textured(0), 80)
    together, tables, earlier, ghosts, grid, noise = compression.look(picture, picture.convert("RGB"), [FACE])
    found = (together, tables, earlier, ghosts, grid, noise)
    assert {one.detector for one in found} == {"compression"}
    assert not any(one.votes for one in found)
    assert together.probability is not None
    assert [one.probability for one in found[1:]] == [None] * 5
    assert tables.region.box_px is None
    assert tables.logit == 0.0
    assert tables.map is not None
    assert tables.map.values[0][0] == picture.quantization[0][0]  # type: ignore[attr-defined]
    for one in (ghosts, grid, noise):
        assert one.region.box_px == (0, 0, 256, 256)
        assert one.map is not None
        assert len(one.map.values) <= 32
    assert earlier.map is None, "there is no earlier JPEG to be shown"


def test_what_the_findings_add_is_what_all_together_come_to() -> None:
    picture = saved(textured(0), 80)
    together, *parts = compression.look(picture, picture.convert("RGB"), [FACE])
    assert together.logit is not None
    bias = WitnessCard.shipped(compression.NAME).bias
    assert np.isclose(sum(one.logit or 0.0 for one in parts) + bias, together.logit)


def test_a_forged_face_leans_further_towards_fake_than_its_untouched_twin() -> None:
    host = saved(textured(0), 60).convert("RGB")
    forged = host.copy()
    forged.paste(textured(1).crop((64, 64, 192, 192)), (64, 64))
    logits = []
    for one in (saved(host, 92), saved(forged, 92)):
        together = compression.look(one, one.convert("RGB"), [FACE])[0]
        assert together.logit is not None
        logits.append(together.logit)
    assert logits[1] > logits[0] + 1


def test_without_a_face_it_tells_and_weighs_nothing() -> None:
    picture = saved(saved(textured(0), 60), 90)
    together, tables, earlier, *rest = compression.look(picture, picture.convert("RGB"), ())
    assert together.logit is None
    assert "quality 90" in tables.sentence
    assert "at about quality 60" in earlier.sentence
    assert earlier.map is not None
    assert all(one.logit is None for one in rest)
    assert all("no face" in one.sentence for one in rest)


def test_a_picture_that_is_no_jpeg_says_so() -> None:
    flat = Image.new("RGB", (12, 12), (9, 9, 9))
    flat.format = "PNG"
    together, tables, *_ = compression.look(flat, flat, [FACE])
    assert (together.logit, together.sentence) == (None, NO_ROOM)
    assert tables.sentence.startswith("the file is PNG and no JPEG")
    assert tables.map is None


def test_a_jpeg_with_further_pictures_behind_it_is_a_jpeg() -> None:
    file = io.BytesIO()
    textured(0).save(file, "MPO", quality=77, save_all=True, append_images=[textured(1)])
    picture = Image.open(file)
    assert picture.format == "MPO"
    tables = compression.look(picture, picture.convert("RGB"), ())[1]
    assert "libjpeg at quality 77" in tables.sentence
    assert tables.map is not None


def test_a_picture_without_a_face_is_not_called_small_or_flat() -> None:
    picture = saved(textured(0), 80)
    for faces in ((), (face(0, 0, 256, 256),)):
        together = compression.look(picture, picture.convert("RGB"), faces)[0]
        assert together.sentence.startswith("not weighed: no face to be compared with what is beside it")


def test_where_a_measure_is_missing_nothing_leans() -> None:
    tiles = Image.fromarray(
        np.kron(np.random.default_rng(0).integers(0, 256, (16, 16)), np.ones((16, 16))).astype("u1")
    )
    tiles.format = "PNG"
    found = compression.look(tiles, tiles.convert("RGB"), [FACE])
    assert found[0].sentence.startswith("not weighed: not everything could be measured")
    assert [one.logit for one in found] == [None, 0.0, None, None, None, None]


def test_the_grid_of_a_turned_jpeg_begins_where_it_does_in_the_upright_picture() -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 2  # mirrored
    textured(0, 203, 200).save(file, "JPEG", quality=80, exif=exif)
    picture = Image.open(file)
    upright = picture.convert("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    grid = compression.look(picture, upright, ())[4]
    assert grid.sentence.startswith("the grid of blocks begins at column 3, row 0")
