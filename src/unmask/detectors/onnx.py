"""Any trained bundle as a detector: uint8 squares or samples in, logits out, and where they came from.

The graph only casts and normalises; cutting and scaling happened in `modalities`. Its `activation` is the last feature
map times the weights of the last layer, so logit = mean(activation) + constant: the class activation map of Zhou et
al. 2016 (arXiv:1512.04150), without a gradient. A detector of videos takes windows of several looks at one person, and
its activation says what each look adds. One of voices takes windows of sound; the rows of its map are frequencies from
low to high, the columns moments.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unmask import bundles
from unmask.bundles import Bundle
from unmask.errors import BundleError, UsageError
from unmask.runtime import Session
from unmask.types import Pixels, Samples


class OnnxDetector:
    """One loaded bundle.

    Args:
        bundle: Where it lies; its graph is compared with the card before it is loaded.
        threads: Threads inside one run; all usable cores when None.
        beside: Another detector; where both read one graph, it is loaded once.

    Attributes:
        card: The bundle's card.
        session: The loaded graph.

    Raises:
        BundleError: The graph is missing, altered, or does not fit its card.
    """

    def __init__(self, bundle: Bundle, threads: int | None = None, beside: OnnxDetector | None = None) -> None:
        self.card = bundle.card
        shared = beside if beside and beside.card.sha256 == bundle.card.sha256 else None
        self.session: Session = shared.session if shared else Session(bundles.model(bundle), threads)
        self._try_once(bundle)

    def score(self, batch: Pixels | Samples) -> NDArray[np.float32]:
        """Logits of a batch.

        Args:
            batch: uint8 (N, S, S, 3) RGB; S is the card's `cut.size_px`. For videos windows (N, F, S, S, 3) in the
                order of time, F from 1 to the card's `cut.frames`. For voices float32 (N, T).

        Returns:
            float32 (N,), above 0 leans fake.

        Raises:
            UsageError: The batch has another type or shape.
        """
        return self.explain(batch)[0]

    def explain(self, batch: Pixels | Samples) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits float32 (N,) and the maps float32 (N, h, w) whose means they are, up to the graph's constant.

        For videos, instead of maps what each look adds, float32 (N, F).

        Raises:
            UsageError: The batch has another type or shape.
        """
        return self.read(self.run(batch))

    def run(self, batch: Pixels | Samples) -> Mapping[str, NDArray[np.float32]]:
        """All that the graph says of a batch, for this detector and for those that share it.

        Raises:
            UsageError: The batch has another type or shape.
        """
        cut = self.card.cut
        fewer = cut.frames is not None and batch.ndim == 5 and 1 <= batch.shape[1] <= cut.frames
        shape = (batch.shape[1], *cut.input_shape[1:]) if fewer else cut.input_shape
        if batch.dtype != cut.input_type or batch.shape[1:] != shape:
            wanted = [f"1 to {cut.frames}", *cut.input_shape[1:]] if cut.frames else cut.input_shape
            what = f"{cut.input_type} ({', '.join(map(str, ('N', *wanted)))}), not {batch.dtype} {batch.shape}"
            raise UsageError(f"the detector {self.card.name} takes {what}")
        return self.session.run(batch)

    def read(self, said: Mapping[str, NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of that, what is this detector's: as `explain`."""
        return said[self.card.output("logit")], said[self.card.output("activation")]

    def _try_once(self, bundle: Bundle) -> None:
        """A graph that does not fit its card must fail when loaded, not on somebody's first photo."""
        cut, frames = self.card.cut, self.card.cut.frames
        try:
            logit, activation = self.explain(np.zeros((1, *cut.input_shape), cut.input_type))
        except Exception as error:  # onnxruntime's own exceptions share no public base
            raise BundleError(f"{bundle.model_path} does not fit its card: {error}") from error
        fits = activation.ndim == 3 if frames is None else activation.shape == (1, frames)
        if logit.shape != (1,) or not fits:
            wanted = "(N, h, w)" if frames is None else f"(N, {frames})"
            raise BundleError(
                f"{bundle.model_path} does not fit its card: logit {logit.shape} and activation {activation.shape} "
                f"instead of (N,) and {wanted}"
            )
