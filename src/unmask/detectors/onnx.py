"""Any trained bundle as a detector: uint8 squares in, logits out, and a map of where they came from.

The graph only casts and normalises; cutting and scaling happened in `modalities`. Its `activation` is the last feature
map times the weights of the last layer, so logit = mean(activation) + constant: the class activation map of Zhou et
al. 2016 (arXiv:1512.04150), without a gradient.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unmask import bundles
from unmask.bundles import Bundle
from unmask.errors import BundleError, UsageError
from unmask.runtime import Session
from unmask.types import Pixels


class OnnxDetector:
    """One loaded bundle.

    Args:
        bundle: Where it lies; its graph is compared with the card before it is loaded.
        threads: Threads inside one run; all usable cores when None.

    Attributes:
        card: The bundle's card.

    Raises:
        BundleError: The graph is missing, altered, or does not fit its card.
    """

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        self.card = bundle.card
        self._session = Session(bundles.model(bundle), threads)
        self._try_once(bundle)

    def score(self, batch: Pixels) -> NDArray[np.float32]:
        """Logits of a batch.

        Args:
            batch: uint8 (N, S, S, 3) RGB; S is the card's `cut.size_px`.

        Returns:
            float32 (N,), above 0 leans fake.

        Raises:
            UsageError: The batch has another type or shape.
        """
        return self.explain(batch)[0]

    def explain(self, batch: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits float32 (N,) and the maps float32 (N, h, w) whose means they are, up to the graph's constant.

        Raises:
            UsageError: The batch has another type or shape.
        """
        size = self.card.cut.size_px
        if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[1:] != (size, size, 3):
            raise UsageError(
                f"the detector {self.card.name} looks at uint8 (N, {size}, {size}, 3), not {batch.dtype} {batch.shape}"
            )
        out = self._session.run(batch)
        return out["logit"], out["activation"]

    def _try_once(self, bundle: Bundle) -> None:
        """A graph that does not fit its card must fail when loaded, not on somebody's first photo."""
        size = self.card.cut.size_px
        try:
            logit, activation = self.explain(np.zeros((1, size, size, 3), np.uint8))
        except Exception as error:  # onnxruntime's own exceptions share no public base
            raise BundleError(f"{bundle.model_path} does not fit its card: {error}") from error
        if logit.shape != (1,) or activation.ndim != 3:
            raise BundleError(
                f"{bundle.model_path} does not fit its card: logit {logit.shape} and activation {activation.shape} "
                "instead of (N,) and (N, h, w)"
            )
