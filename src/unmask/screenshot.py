"""A picture as a screenshot shows it: scaled to fit some window, with an interface around it, saved without loss."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

_FACTORS = (0.6, 1.3)
_MARGIN_PX = (8, 61)
_BAR_PX = (24, 65)
_PAPER = ((255, 255, 255), (246, 247, 249), (32, 33, 36), (18, 18, 18))


def screenshot(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw one.

    Args:
        picture: RGB.
        rng: Draws the factor (0.6 to 1.3, with many decimals, so that no grid of the file survives), the margins, the
            height of the bars and the colour of the page.

    Returns:
        RGB: the scaled picture, a title bar above, a bar with buttons below, a line of text, and page all around.
    """
    factor = float(rng.uniform(*_FACTORS))
    size = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
    scaled = picture.resize(size, Image.Resampling.BILINEAR)  # as screens scale
    left, right, above, below = (int(px) for px in rng.integers(*_MARGIN_PX, 4))
    bar = int(rng.integers(*_BAR_PX))
    paper = _PAPER[int(rng.integers(len(_PAPER)))]
    ink = tuple(215 if shade < 128 else 90 for shade in paper)
    shade = tuple(value + 24 if value < 128 else value - 24 for value in paper)

    page = Image.new("RGB", (left + size[0] + right, bar + above + size[1] + below + bar), paper)
    page.paste(scaled, (left, bar + above))
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, page.width, bar - 1), fill=shade)
    draw.rectangle((0, page.height - bar, page.width, page.height), fill=shade)
    dot = bar // 4
    for number in range(3):
        x = bar // 3 + number * 2 * dot
        draw.ellipse((x, bar // 2 - dot // 2, x + dot, bar // 2 + dot // 2), fill=ink)
    middle = page.height - bar // 2
    for share in (0.2, 0.5, 0.8):
        x = int(page.width * share)
        draw.rectangle((x - dot, middle - dot // 2, x + dot, middle + dot // 2), fill=ink)
    draw.line((left, page.height - bar - below // 2, left + size[0] // 2, page.height - bar - below // 2), fill=ink)
    return page
