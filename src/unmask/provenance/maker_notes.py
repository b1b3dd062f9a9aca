"""The camera's own notes in EXIF: whose they are, by how they begin. They are not decoded.

Source: ExifTool's documentation of maker notes, https://exiftool.org/makernote_types.html
"""

from __future__ import annotations

from typing import Final

from unmask.provenance.account import finding
from unmask.provenance.tiff import Value
from unmask.statements import Finding

_BEGINNINGS: Final[tuple[tuple[bytes, str, tuple[str, ...]], ...]] = (
    (b"Apple iOS\0", "Apple", ("apple",)),
    (b"Nikon\0", "Nikon", ("nikon",)),
    (b"OLYMP\0", "Olympus", ("olympus", "om digital", "epson", "sanyo", "minolta", "agfa", "concord")),
    (b"OLYMPUS\0", "Olympus", ("olympus", "om digital")),
    (b"OM SYSTEM\0", "OM System", ("om digital", "om system", "olympus")),
    (b"EPSON\0", "Epson", ("epson",)),
    (b"SONY DSC ", "Sony", ("sony", "hasselblad")),
    (b"SONY CAM ", "Sony", ("sony",)),
    (b"SONY MOBILE", "Sony", ("sony",)),
    (b"Panasonic\0", "Panasonic", ("panasonic", "leica")),
    (b"LEICA\0", "Leica", ("leica", "panasonic")),
    (b"LEICA CAMERA AG\0", "Leica", ("leica",)),
    (b"FUJIFILM", "Fujifilm", ("fuji", "leica", "nikon", "sharp", "general")),
    (b"PENTAX \0", "Pentax", ("pentax", "ricoh")),
    (b"AOC\0", "Pentax", ("pentax", "ricoh", "asahi", "samsung")),
    (b"RICOH\0", "Ricoh", ("ricoh", "pentax")),
    (b"SIGMA\0", "Sigma", ("sigma",)),
    (b"FOVEON\0", "Sigma", ("sigma", "foveon")),
    (b"KDK", "Kodak", ("kodak", "eastman")),
    (b"QVC\0", "Casio", ("casio",)),
    (b"SANYO\0", "Sanyo", ("sanyo",)),
    (b"MLT0", "Minolta", ("minolta", "konica")),
    (b"HDRP", "Google", ("google", "lge", "huawei", "samsung", "xiaomi", "oneplus", "motorola", "essential")),
    (b"DJI", "DJI", ("dji", "hasselblad")),
    (b"II*\0\x08\0\0\0\x0c\0", "Phase One", ("phase one", "leaf", "mamiya")),
    (b"STMN", "Samsung", ("samsung",)),
    (b"HUAWEI", "Huawei", ("huawei", "honor")),
    (b"MOT\0", "Motorola", ("motorola", "lenovo")),
    (b"vivo", "vivo", ("vivo",)),
)
"""How notes begin, whose they are, and what the camera's maker may call itself in lower case."""


def read(notes: Value | None, make: str) -> tuple[str | None, list[Finding]]:
    """Whose notes they are, as a line of the tree, and a finding where the camera is of another maker.

    Args:
        notes: As they lie there.
        make: Who made the camera, as EXIF says; empty where it does not.
    """
    if not isinstance(notes, bytes) or not notes:
        return None, []
    known = next(((name, makers) for start, name, makers in _BEGINNINGS if notes.startswith(start)), None)
    if known is None:
        return f"{len(notes):,} bytes, of a maker that their beginning does not name", []
    name, makers = known
    line = f"{len(notes):,} bytes, in the form of {name}"
    if not make or any(one in make.lower() for one in makers):
        return line, []
    sentence = f"the camera's own notes are in the form of {name}, but the camera is named as one of another maker"
    return line, [finding("maker-notes-of-another", "EXIF, MakerNote", sentence, make)]
