from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from unmask.measured_map import legend, shown
from unmask.types import Evidence, Map, Region


def evidence(values: tuple[tuple[float | None, ...], ...], *, over: bool = True) -> Evidence:
    where = Region(box_px=(0, 0, 64, 64)) if over else Region()
    made = Map(name="noise", unit="grey levels", values=values)
    return Evidence(detector="x", region=where, logit=0.0, votes=False, sentence="drawn", map=made)


def pixels(uri: str) -> np.ndarray:
    picture = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    return np.asarray(picture.convert("RGBA"))


def test_low_is_dark_high_is_yellow_and_the_unknown_is_clear() -> None:
    found = shown(evidence(((0.0, 1.0), (None, 0.5))))
    assert found is not None
    drawn = pixels(found.picture)
    assert drawn.shape == (2, 2, 4)
    assert drawn[0, 0, :3].tolist() == [0, 32, 77]
    assert drawn[0, 1, :3].tolist() == [255, 234, 70]
    assert drawn[1, 0, 3] == 0
    assert 0 < drawn[0, 0, 3] < 255, "the picture shows through"
    assert (found.low, found.high, found.unit) == ("0.02", "0.98", "grey levels")


def test_a_table_of_its_own_hides_nothing_and_is_opaque() -> None:
    found = shown(evidence(((1.0, 2.0),), over=False))
    assert found is not None
    assert (pixels(found.picture)[..., 3] == 255).all()


def test_equal_values_are_drawn_and_nothing_at_all_is_not() -> None:
    assert shown(evidence(((3.0, 3.0),))) is not None
    assert shown(evidence(((None, None),))) is None
    plain = evidence(((1.0,),)).model_copy(update={"map": None})
    assert shown(plain) is None


def test_the_legend_rises_evenly_in_brightness() -> None:
    grey = pixels(legend())[0, :, :3].astype(float) @ (0.299, 0.587, 0.114)
    assert (np.diff(grey) > 0).all()
