"""What a picture's pixels say against what its metadata say of them: its shape, and the small copy inside EXIF."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.modalities.image import turned
from unmask.near_duplicates import SIDE_PX
from unmask.provenance.account import Account, finding, joined

LEAST_CORRELATION: Final = 0.85
"""Of the small copy with the picture, over 32 x 32 places. Copies that a camera made stay above 0.95."""

MOST_APART: Final = 50.0
"""Grey levels by which one of 8 x 8 places may differ, once both are equally bright and contrasted."""

_SAMPLED_PX: Final = 8 * SIDE_PX
_SHAPE_TOLERANCE: Final = 0.02
_MOST_THUMBNAIL_PX: Final = 1_000_000
_WHERE: Final = "EXIF, thumbnail"


def against(account: Account, picture: Image.Image) -> Account:
    """The account with what its decoded picture contradicts.

    Args:
        account: What `read` made of the file.
        picture: Upright RGB.
    """
    return joined([account, _shape(account, picture), _thumbnail(account, picture)])


def _shape(account: Account, picture: Image.Image) -> Account:
    if account.announced_px is None:
        return Account()
    announced = max(account.announced_px) / min(account.announced_px)
    own = max(picture.size) / min(picture.size)
    if abs(announced / own - 1) <= _SHAPE_TOLERANCE:
        return Account(facts={"size disagrees": 0.0})
    width, height = account.announced_px
    sentence = (
        f"EXIF announces {width} x {height} px, the picture has {picture.width} x {picture.height} px: another shape, "
        "so it was cropped or put together after EXIF was written"
    )
    return Account((finding("size-disagrees", "EXIF, PixelXDimension", sentence),), facts={"size disagrees": 1.0})


def _thumbnail(account: Account, picture: Image.Image) -> Account:
    if account.thumbnail is None:
        return Account()
    small = _decoded(account.thumbnail)
    if small is None:
        broken = finding("malformed", _WHERE, "it cannot be decoded")
        return Account((broken,), facts={"malformed": 1.0})
    likeness = compare(turned(small, account.turned), picture)
    if likeness is None:
        return Account()
    correlation, apart = likeness
    facts = {"thumbnail correlation": correlation, "thumbnail apart": apart, "thumbnail unlike": 0.0}
    if correlation >= LEAST_CORRELATION and apart <= MOST_APART:
        return Account(facts=facts)
    where = "all of it" if correlation < LEAST_CORRELATION else "one place"
    sentence = (
        f"the small picture inside EXIF differs from the picture in {where} (correlation {correlation:.2f}, most apart "
        f"{apart:.0f} grey levels): the picture was changed after its EXIF was written, or the EXIF is of another one"
    )
    return Account((finding("thumbnail-unlike", _WHERE, sentence),), facts={**facts, "thumbnail unlike": 1.0})


def compare(small: Image.Image, picture: Image.Image) -> tuple[float, float] | None:
    """How alike a thumbnail and its picture are: correlation, and the largest local difference in grey levels.

    Bars that fill a thumbnail of another shape are cut off. None where one of them has no contrast.
    """
    grey = [_grey(one) for one in (_without_bars(small, picture.width / picture.height), picture)]
    spread = [float(one.std()) for one in grey]
    if min(spread) < 2:
        return None
    one, other = ((values - values.mean()) / deviation for values, deviation in zip(grey, spread, strict=True))
    correlation = float((one * other).mean())
    places = ((one - other) * spread[1]).reshape(8, SIDE_PX // 8, 8, SIDE_PX // 8).mean(axis=(1, 3))
    return round(correlation, 3), round(float(np.abs(places).max()), 1)


def _grey(picture: Image.Image) -> NDArray[np.float64]:
    if min(picture.size) > _SAMPLED_PX:  # 64 samples a place instead of thousands: grain is out, and ten times as fast
        picture = picture.resize((_SAMPLED_PX, _SAMPLED_PX), Image.Resampling.NEAREST)
    small = picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    return np.asarray(small.convert("L"), np.float64)


def _without_bars(small: Image.Image, aspect: float) -> Image.Image:
    width, height = small.size
    if width / height > aspect * 1.02:
        inside = max(1, round(height * aspect))
        return small.crop(((width - inside) // 2, 0, (width - inside) // 2 + inside, height))
    if width / height < aspect / 1.02:
        inside = max(1, round(width / aspect))
        return small.crop((0, (height - inside) // 2, width, (height - inside) // 2 + inside))
    return small


def _decoded(data: bytes) -> Image.Image | None:
    try:
        small = Image.open(io.BytesIO(data), formats=["JPEG"])
        if small.width * small.height > _MOST_THUMBNAIL_PX:
            return None
        return small.convert("RGB")
    except Exception:  # decoders raise whatever they meet in a hostile file
        return None
