"""What the compression of a picture remembers: who wrote its tables, an earlier saving, a second grid, uneven noise.

A witness on still pictures. It informs; its card says how much each measure tells. It looks at no more than
`unmask.compression.plane.MOST_PX` around the main face, so its time is bounded whatever the picture's size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final

from PIL import Image

from unmask.compression import findings
from unmask.compression.measuring import measure
from unmask.faces import Face
from unmask.types import Evidence, Map, Region
from unmask.witness import WitnessCard

NAME: Final = "compression"

_LIN: Final = "Lukas & Fridrich 2003; Lin et al. 2009"
_FARID: Final = "Farid 2009"
_LI: Final = "Li, Yuan & Yu 2009"
_IMMERKAER: Final = "Immerkaer 1996"

FEATURES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "earlier apart": ("by how much less the face shows an earlier JPEG than what is beside it, in nats", _LIN),
        "ghost apart": ("how differently face and background change when saved again: share of the range", _FARID),
        "grid apart": ("how much less fine detail the face holds on a second grid of blocks: logarithm", _LI),
        "noise apart": ("noise of the face against that beside it: log to base 2 of the ratio", _IMMERKAER),
        "noise unlike": ("the same, whichever of the two has more", _IMMERKAER),
    }
)
"""Name to what it measures and the paper it follows. All compare the face with what is beside it: that a whole picture
was saved twice, or is noisy, says nothing of whether it is fake, and is told without being weighed."""


@cache
def _shipped() -> WitnessCard:
    return WitnessCard.shipped(NAME)


def look(header: Image.Image, picture: Image.Image, found: Sequence[Face]) -> tuple[Evidence, ...]:
    """What this witness says of a picture.

    Args:
        header: Of its file, as `unmask.modalities.image.open_header` gives it.
        picture: The same, upright and RGB.
        found: The faces in it; its main one is compared with what is beside it.

    Returns:
        What all measures come to together; then the tables, an earlier saving, ghosts, the grid and the noise, each
        with its map where there is one. The logit of each is what it adds to the first one's; the tables add nothing,
        and where not all could be measured, none of them does.

    Raises:
        BundleError: The card is missing or broken.
    """
    seen = measure(header, picture, found)
    card, told = _shipped(), seen.numbers
    said = card.said(told)
    box = seen.plane.box_px if seen.plane else (0, 0, *picture.size)

    whole = not any(map(math.isnan, told.values()))  # a part alone would lean by what is missing

    def finding(sentence: str, shown: Map | None, *names: str) -> Evidence:
        known = names if whole else ()
        return Evidence(
            detector=NAME,
            region=Region(box_px=box),
            logit=sum(said[name] for name in known) if known else None,
            votes=card.votes and bool(known),
            sentence=sentence,
            map=shown,
        )

    together = finding(findings.of_nothing(seen), None, *FEATURES)
    if together.logit is not None:
        logit = card.logit(told)
        probability = card.probability(logit)
        sentence = f"all measures of compression together: {_leaning(probability)}"
        together = together.model_copy(update={"logit": logit, "probability": probability, "sentence": sentence})
    tables = Evidence(
        detector=NAME,
        region=Region(),
        logit=0.0,
        votes=False,
        sentence=findings.of_tables(seen),
        map=findings.table_map(seen),
    )
    return (
        together,
        tables,
        finding(findings.of_earlier(seen), findings.earlier_map(seen), "earlier apart"),
        finding(findings.of_ghosts(seen), findings.ghost_map(seen), "ghost apart"),
        finding(findings.of_grid(seen), findings.grid_map(seen), "grid apart"),
        finding(findings.of_noise(seen), findings.noise_map(seen), "noise apart", "noise unlike"),
    )


def _leaning(probability: float) -> str:
    if 0.35 < probability < 0.65:
        return "they lean neither way"
    if probability > 0.5:
        return "they lean towards fake, as pictures do into which a face was pasted"
    return "they lean towards real, as pictures do into which no face was pasted"
