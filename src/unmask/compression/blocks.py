"""The discrete cosine transform of JPEG on all blocks of a plane at once, in two products with one small matrix."""

from __future__ import annotations

from functools import cache

import numpy as np

from unmask.compression.plane import BLOCK_PX, Floats


def transformed(luma: Floats) -> Floats:
    """Coefficients of every 8 x 8 block, in grey levels: float32 (rows, columns, 8, 8), vertical frequency first.

    Args:
        luma: (H, W); what is over at the right and below is left out.
    """
    rows, columns = (side // BLOCK_PX for side in luma.shape)
    blocks = luma[: rows * BLOCK_PX, : columns * BLOCK_PX].reshape(rows, BLOCK_PX, columns, BLOCK_PX)
    basis = waves()
    return np.asarray(basis @ (blocks.transpose(0, 2, 1, 3) - 128) @ basis.T, np.float32)


@cache
def waves() -> Floats:
    """The eight cosines of the transform, a row each: (8, 8), each of length 1."""
    frequency, place = np.mgrid[:BLOCK_PX, :BLOCK_PX]
    found = np.cos((2 * place + 1) * frequency * np.pi / (2 * BLOCK_PX)) * np.sqrt(2 / BLOCK_PX)
    found[0] /= np.sqrt(2)
    return np.asarray(found, np.float32)
