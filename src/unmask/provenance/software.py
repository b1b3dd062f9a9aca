"""Programs that name themselves in files: which of them generate, which change faces, which edit."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from unmask.provenance.account import declaring, finding
from unmask.statements import Finding
from unmask.words import Extent

Sort = Literal["generator", "face editor", "editor", "developer", "encoder"]


class Program(NamedTuple):
    """A program by its name, and what it is for."""

    name: str
    sort: Sort


_NAMES: Final[dict[Sort, str]] = {
    # Words of everyday language or of other trades ("imagen", "flux", "aurora") count only with what makes them names.
    "generator": (
        "Midjourney|DALL[-·. ]?E|Stable[ -]?Diffusion|SDXL|(?:Adobe )?Firefly|ComfyUI|InvokeAI|NovelAI|Fooocus|"
        "Draw Things|DiffusionBee|AUTOMATIC1111|(?:Stable)?SwarmUI|Easy Diffusion|SD\\.Next|Civitai|Leonardo\\.?Ai|"
        "Ideogram|(?:Google )?Imagen \\d|Google Gemini|Gemini \\d|Nano Banana|Google AI|Bing Image Creator|"
        "Microsoft Designer|GPT-4o|GPT-Image(?:-\\d)?|ChatGPT|OpenAI|RunwayML|Runway Gen-?\\d|Pika Labs|"
        "(?:Luma )?Dream Machine|Kling AI|Hailuo AI|Google Veo|Veo \\d|HeyGen|Synthesia|FLUX\\.?\\d|Black Forest Labs|"
        "Grok|Recraft|Playground AI|NightCafe|StarryAI|Dream by WOMBO|Craiyon|Eleven ?Labs|Suno(?: AI)?|Udio|"
        "Play\\.ht|Murf AI|Resemble AI|Descript Overdub|Tortoise TTS|XTTS|Coqui TTS|Piper TTS|eSpeak(?: NG)?|"
        "StyleGAN\\d?|ThisPersonDoesNotExist|Generated Photos|Artbreeder|Seedream|Jimeng|Tongyi Wanxiang|Wan2\\.\\d|"
        "HunyuanVideo|Meta AI|Imagine with Meta|OpenAI Sora|Sora 2"
    ),
    "face editor": (
        "FaceApp|Facetune\\d?|Reface|FaceSwap|DeepFaceLab|DeepFaceLive|Deep-Live-Cam|Roop|FaceFusion|SimSwap|Avatarify|"
        "FacePlay|Face Dance|Remini|YouCam(?: Perfect| Makeup)?|BeautyPlus|BeautyCam|Meitu(?:Pic)?|B612|"
        "Ulike|AirBrush|Perfect365|Lensa|Voicemod|Voice\\.ai|MyHeritage"
    ),
    "editor": (
        "(?:Adobe )?Photoshop(?: Express)?|GIMP|Affinity(?: Photo)?|Pixelmator(?: Pro)?|Paint\\.NET|PaintShop Pro|"
        "Corel[A-Za-z -]*|Photopea|Krita|PicsArt|Pixlr|Canva|Snapseed|Luminar(?: \\w+)?|Topaz[A-Za-z ]*|VSCO|"
        "PhotoScape|Polarr|Fotor|BeFunky|Photoroom|Magic Eraser|TouchRetouch|Photo Editor|Premiere(?: Pro)?|"
        "After Effects|DaVinci Resolve|Final Cut Pro|iMovie|CapCut|Kinemaster|InShot|VEGAS|Kdenlive|Shotcut|OpenShot|"
        "Audacity|Adobe Audition|Audition|GarageBand|Logic Pro|Ableton Live|REAPER|WavePad|Descript"
    ),
    "developer": (
        "(?:Adobe )?(?:Photoshop )?Lightroom(?: Classic)?|Camera Raw|Adobe DNG Converter|Capture One|darktable|"
        "RawTherapee|DxO[A-Za-z ]*|ACDSee[A-Za-z ]*|Digital Photo Professional|Capture NX[ -]?\\w*|ViewNX[ -]?\\w*|"
        "NX Studio|Silkypix|Picasa|Google Photos|Apple Photos|Photos \\d|IrfanView|XnView(?:MP)?|ImageMagick|"
        "GraphicsMagick|Preview|Windows Photo Editor|Microsoft Windows Photo Viewer|Microsoft Paint|"
        "digiKam|Shotwell|Bridge"
    ),
    "encoder": (
        "Lavf[\\d.]*|Lavc[\\d.]*|x264|x265|FFmpeg|HandBrake|LAME[\\d.]*|libvorbis|Xiph[A-Za-z. ]*|GPAC|"
        "mkvmerge|Bento4|Google|GStreamer|QuickTime|Core Media[A-Za-z ]*|Android|libopus|reference libFLAC|SoX"
    ),
}
_ORDER: Final[tuple[Sort, ...]] = ("generator", "face editor", "developer", "editor", "encoder")
"""Lightroom calls itself "Adobe Photoshop Lightroom", so developers come before editors."""

_PATTERNS: Final = {
    sort: re.compile(rf"(?<![A-Za-z0-9])(?:{_NAMES[sort]})(?![A-Za-z0-9])", re.IGNORECASE) for sort in _ORDER
}
_MOST: Final = 500
"""Characters of a field that are searched: names stand at its beginning."""


def known(text: str) -> Program | None:
    """The first program that a text names, of all sorts the most telling; None where it names none that we know."""
    for sort in _ORDER:
        if match := _PATTERNS[sort].search(text[:_MOST]):
            return Program(match.group().strip(), sort)
    return None


def said(where: str, text: str, extent: Extent = Extent.WHOLE) -> list[Finding]:
    """What follows from the name of the program that made or saved a file.

    Args:
        where: The field. It must be one that names programs: in a caption such names mean nothing.
        text: What it holds.
        extent: How much of the file a generator made that is named there.
    """
    program = known(text)
    if program is None:
        return []
    name = program.name
    match program.sort:
        case "generator":
            return [declaring("generator-named", where, text, by=name, extent=extent)]
        case "face editor":
            return [
                finding("face-edited", where, f"{name}, which is made for changing faces or voices, saved it", text)
            ]
        case "editor":
            return [finding("edited", where, f"{name} saved it: it may have been changed in any way, or in none", text)]
        case "developer":
            return [finding("developed", where, f"{name} developed or converted it", text)]
        case _:
            return [finding("encoded", where, f"{name} wrote the container", text)]


def facts(found: list[Finding]) -> dict[str, float]:
    """The numbers that follow from such findings."""
    codes = {one.code for one in found}
    return {
        "software is a generator": float("generator-named" in codes),
        "software is an editor": float(bool(codes & {"edited", "face-edited"})),
        "software changes faces": float("face-edited" in codes),
        "software develops": float("developed" in codes),
        "software encodes": float("encoded" in codes),
    }
