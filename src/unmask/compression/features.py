"""What a JPEG's header says of its compression, as named numbers: for audits, the metadata baseline and the hybrid.

These are facts of the file. What the pixels remember of earlier savings (`earlier`, `ghosts`, `grid`, `noise`) is left
to the detector: it costs a decoding, and a collection's history would be learned as if it were the truth.
"""

from __future__ import annotations

from PIL import Image, JpegImagePlugin

from unmask.compression.families import recognise
from unmask.compression.tables import coding


def features(header: Image.Image) -> dict[str, float]:
    """Named numbers; none for what is no JPEG, for it holds no tables.

    Args:
        header: As `unmask.modalities.image.open_header` gives it.
    """
    if not isinstance(header, JpegImagePlugin.JpegImageFile):
        return {}
    facts = {
        f"table {number} {what}": value
        for number, table in header.quantization.items()
        for what, value in (("sum", float(sum(table))), ("first", float(table[0])), ("last", float(table[-1])))
    }
    facts["subsampling"] = float(JpegImagePlugin.get_sampling(header))
    facts["progressive"] = float("progressive" in header.info)
    if known := coding(header):
        family = recognise(known)
        facts["quality"] = float(family.quality)
        facts[f"family {family.name}"] = 1.0
    return facts
