"""Metadata as cameras, editors and generators write them, drawn from seeds: what `dress` puts on pictures.

All of it is made up, and plausible: makes, models, lenses and apertures that exist together, times that follow each
other. No real photo's metadata is copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

DIGITAL_SOURCE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""IPTC's vocabulary of how a picture came to be."""

_EDITED: Final = 0.3
"""Share of the photos that went through an editor on a computer, as many published ones did."""

_MAKE, _MODEL, _SOFTWARE, _TIME, _ORIENTATION = 0x010F, 0x0110, 0x0131, 0x0132, 0x0112
_EXIF_IFD: Final = 0x8769
_EXPOSURE, _F_NUMBER, _ISO, _TAKEN, _DIGITISED = 0x829A, 0x829D, 0x8827, 0x9003, 0x9004
_FOCAL, _COMMENT, _LENS_MAKE, _LENS = 0x920A, 0x9286, 0xA433, 0xA434


@dataclass(frozen=True)
class Attire:
    """What a picture wears: EXIF, and XMP where there is some."""

    exif: Image.Exif
    xmp: bytes | None = None


class _Camera(NamedTuple):
    make: str
    model: str
    lens: str
    focal_mm: tuple[float, ...]
    aperture: tuple[float, ...]
    software: tuple[str, ...]
    since: int


_CAMERAS: Final = (
    _Camera(
        "Canon", "Canon EOS 80D", "EF-S18-135mm f/3.5-5.6 IS USM", (18, 35, 50, 85, 135), (4, 5, 5.6, 8), ("",), 2016
    ),
    _Camera("Canon", "Canon EOS 5D Mark III", "EF24-105mm f/4L IS USM", (24, 50, 70, 105), (4, 5.6, 8), ("",), 2012),
    _Camera(
        "NIKON CORPORATION", "NIKON D750", "24.0-120.0 mm f/4.0", (24, 35, 50, 120), (4, 5.6, 8), ("Ver.1.15 ",), 2014
    ),
    _Camera(
        "NIKON CORPORATION", "NIKON D3300", "18.0-55.0 mm f/3.5-5.6", (18, 35, 55), (3.5, 5.6, 8), ("Ver.1.02 ",), 2014
    ),
    _Camera("SONY", "ILCE-7M3", "FE 24-70mm F2.8 GM", (24, 35, 50, 70), (2.8, 4, 5.6), ("ILCE-7M3 v3.10",), 2018),
    _Camera(
        "FUJIFILM",
        "X-T3",
        "XF18-55mmF2.8-4 R LM OIS",
        (18, 23, 35, 55),
        (2.8, 4, 5.6),
        ("Digital Camera X-T3 Ver4.10",),
        2018,
    ),
    _Camera(
        "Apple", "iPhone 8", "iPhone 8 back camera 3.99mm f/1.8", (3.99,), (1.8,), ("12.4", "13.3.1", "14.2"), 2017
    ),
    _Camera(
        "Apple",
        "iPhone 12",
        "iPhone 12 back dual wide camera 4.2mm f/1.6",
        (4.2,),
        (1.6,),
        ("14.4", "15.1", "16.2"),
        2020,
    ),
    _Camera("samsung", "SM-G973F", "", (4.32,), (1.5, 2.4), ("G973FXXU9FUCD", "G973FXXS3ASJD"), 2019),
    _Camera(
        "Google", "Pixel 5", "Pixel 5 back camera 4.38mm f/1.73", (4.38,), (1.73,), ("HDR+ 1.0.345618096zd",), 2020
    ),
    _Camera("Panasonic", "DMC-TZ70", "", (4.3, 12.1, 60.0), (3.3, 4.4, 6.4), ("Ver.1.0  ",), 2015),
)
_EDITORS: Final = (
    "Adobe Photoshop Lightroom Classic 10.0 (Windows)",
    "Adobe Photoshop CC 2019 (Macintosh)",
    "Adobe Photoshop 22.1 (Windows)",
    "GIMP 2.10.24",
    "darktable 3.4.1",
)
_SUBJECTS: Final = (
    "portrait of a young man",
    "photo of a smiling woman",
    "headshot, middle-aged man",
    "woman outdoors",
)
_STYLES: Final = ("85mm, natural light", "photorealistic, detailed skin", "film grain, soft light", "DSLR, bokeh")
_SAMPLERS: Final = ("Euler a", "DPM++ 2M Karras", "DDIM", "UniPC")
_MODELS: Final = (
    ("v1-5-pruned-emaonly", "6ce0161689"),
    ("v2-1_768-ema-pruned", "ad2a33c361"),
    ("sd_xl_base_1.0", "31e35c80fc"),
)
_SWAPPERS: Final = ("Adobe Photoshop 24.0 (Windows)", "Adobe Photoshop 23.5 (Macintosh)", "GIMP 2.10.30")
_TOOLS: Final = ("Adobe Firefly", "Midjourney", "DALL-E 3", "Stable Diffusion web UI")


def of_camera(rng: np.random.Generator) -> Attire:
    """What a real photo tells: camera, lens, exposure and times; of some, the editor that exported it.

    Args:
        rng: Source of all chance.
    """
    camera = _CAMERAS[int(rng.integers(len(_CAMERAS)))]
    taken = datetime(camera.since, 6, 1) + timedelta(seconds=int(rng.integers(5 * 365 * 86_400)))
    exif = Image.Exif()
    exif[_MAKE], exif[_MODEL], exif[_ORIENTATION] = camera.make, camera.model, 1
    software, changed, xmp = str(rng.choice(camera.software)), taken, None
    if rng.random() < _EDITED:
        software = str(rng.choice(_EDITORS))
        changed = taken + timedelta(seconds=int(rng.integers(600, 30 * 86_400)))
        xmp = _xmp(f'xmp:CreatorTool="{escape(software)}" xmp:ModifyDate="{changed.isoformat()}"')
    if software:
        exif[_SOFTWARE] = software
    exif[_TIME] = _written(changed)
    inner = exif.get_ifd(_EXIF_IFD)
    inner[_TAKEN] = inner[_DIGITISED] = _written(taken)
    inner[_EXPOSURE] = IFDRational(1, int(rng.choice((30, 60, 125, 250, 500, 1000))))
    inner[_F_NUMBER] = IFDRational(round(100 * float(rng.choice(camera.aperture))), 100)
    inner[_ISO] = int(rng.choice((50, 100, 200, 400, 800, 1600)))
    inner[_FOCAL] = IFDRational(round(100 * float(rng.choice(camera.focal_mm))), 100)
    if camera.lens:
        inner[_LENS] = camera.lens
        if camera.make == "Apple":
            inner[_LENS_MAKE] = "Apple"
    return Attire(exif, xmp)


def of_generator(rng: np.random.Generator, *, composite: bool) -> Attire:
    """What an honest fake tells: the generator's parameters, or IPTC's digital source type; of a composite, its editor.

    Args:
        rng: Source of all chance.
        composite: Whether a part of a photo was replaced, as in a face swap; else the whole was drawn.
    """
    made = datetime(2023, 1, 1) + timedelta(seconds=int(rng.integers(2 * 365 * 86_400)))
    exif = Image.Exif()
    kind = "compositeWithTrainedAlgorithmicMedia" if composite else "trainedAlgorithmicMedia"
    if composite or rng.random() < 0.5:
        tool = str(rng.choice(_SWAPPERS if composite else _TOOLS))
        exif[_SOFTWARE], exif[_TIME] = tool, _written(made)
        declared = f'Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE}{kind}"'
        return Attire(exif, _xmp(f'xmp:CreatorTool="{escape(tool)}" xmp:CreateDate="{made.isoformat()}" {declared}'))
    model, digest = _MODELS[int(rng.integers(len(_MODELS)))]
    parameters = (
        f"{rng.choice(_SUBJECTS)}, {rng.choice(_STYLES)}\nNegative prompt: blurry, deformed, lowres\n"
        f"Steps: {rng.integers(20, 51)}, Sampler: {rng.choice(_SAMPLERS)}, CFG scale: {rng.integers(5, 12)}, "
        f"Seed: {rng.integers(2**32)}, Size: 512x512, Model hash: {digest}, Model: {model}"
    )
    exif.get_ifd(_EXIF_IFD)[_COMMENT] = b"UNICODE\0" + parameters.encode("utf-16-be")
    return Attire(exif)


def _written(time: datetime) -> str:
    return time.strftime("%Y:%m:%d %H:%M:%S")


def _xmp(properties: str) -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'{properties}/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()
