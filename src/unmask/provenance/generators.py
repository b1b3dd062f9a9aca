"""The parameters that generators leave: in PNG text, in EXIF comments, in XMP.

Known by their form, not by the name of their field alone: AUTOMATIC1111 and those that follow it (Forge, SD.Next,
Civitai), ComfyUI, InvokeAI, NovelAI, Fooocus, SwarmUI, Draw Things, Easy Diffusion, Midjourney. What NovelAI hides in
the lowest bits of the alpha channel is not looked for: it would cost decoding every picture once more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from unmask.provenance.account import declaring, finding
from unmask.statements import Finding
from unmask.words import Extent

_MOST: Final = 2**20
"""Characters of a field that are looked at."""

_STEPS: Final = "Steps: "
_MOST_STEPS: Final = 16
_A1111: Final = re.compile(
    r"Steps: \d+,(?=.{0,2000}?\bSeed: -?\d)(?=.{0,2000}?\b(?:Sampler|CFG scale|Schedule type|Size|Model): )", re.DOTALL
)
_DREAM: Final = re.compile(r"\s-[sSCAWH] ?\w")
_SCHEMES: Final = frozenset({"fooocus", "a1111"})
_A1111_MASK: Final = re.compile(r"\b(?:Mask blur|Inpaint area|Masked content): ")
_MIDJOURNEY: Final = re.compile(
    r"Job ID: [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|--(?:v|niji) \d(?:\.\d)?\b.*--(?:ar|style|s)\b"
)
_MOST_OF_PROMPT: Final = 4_000
"""Characters in which Midjourney's marks are looked for: in a longer text they would be looked for again and again."""

_AIGC: Final = {"1": "is", "2": "may be", "3": "is suspected to be"}
_DRAW_THINGS: Final = frozenset({"c", "model", "sampler", "seed", "steps"})
_NOVEL: Final = frozenset({"request_type", "signed_hash"})
_SETTINGS: Final = frozenset({"steps", "sampler", "cfg_scale", "model", "model_name"})
_EASY: Final = frozenset({"use_stable_diffusion_model", "num_inference_steps"})
_MADE_WITH: Final = re.compile(
    r"(made|created|generated|edited) with (google ai|ai|meta ai|imagine with meta ai)", re.IGNORECASE
)
_CLAUSES: Final = re.compile(r"[.;,|!\n]| [-\u2013\u2014] ")


def said(where: str, key: str, text: str) -> list[Finding]:
    """What follows from one field, if it holds what a generator writes.

    Args:
        where: The field, for people.
        key: Its name in the file.
        text: What it holds.
    """
    text = text[:_MOST]
    name = key.strip().lower()
    held = _mapping(text)
    if name == "aigc" or (held and "AIGC" in held):
        return _aigc(where, held)
    by = _by(name, text, held)
    if by is None:
        return []
    part = bool(_A1111_MASK.search(text))
    return [declaring("generator-parameters", where, text, by=by, extent=Extent.PART if part else Extent.WHOLE)]


def credited(where: str, text: str) -> list[Finding]:
    """What follows from a credit line: the words that publishers of generators ask for."""
    clauses = (_MADE_WITH.fullmatch(one.strip()) for one in _CLAUSES.split(text[:1000]))
    match = next(filter(None, clauses), None)  # whole clauses: "not made with AI" declares nothing
    if match is None:
        return []
    extent = Extent.PART if match[1].lower() == "edited" else Extent.WHOLE
    return [declaring("ai-label", where, text, by="the credit line", extent=extent)]


def _by(name: str, text: str, held: Mapping[str, Any] | None) -> str | None:
    """Which generator wrote a field; None where none that we know."""
    if held is not None:
        return _by_json(name, held)
    if _has_steps(text):
        return "a Stable Diffusion web interface"
    if name in ("description", "comment", "imagedescription", "usercomment") and _MIDJOURNEY.search(
        text[:_MOST_OF_PROMPT]
    ):
        return "Midjourney"
    if name == "title" and text.strip().lower() == "ai generated image":
        return "NovelAI"
    if name == "dream" and _DREAM.search(text):
        return "InvokeAI"
    if name == "fooocus_scheme" and text.strip().lower() in _SCHEMES:
        return "Fooocus"
    return _by_prefix(text)


def _has_steps(text: str) -> bool:
    """Whether the line of settings is there; looked for from the end, for prompts before it may say anything."""
    at = len(text)
    for _ in range(_MOST_STEPS):
        at = text.rfind(_STEPS, 0, at)
        if at < 0:
            return False
        if _A1111.match(text, at):
            return True
    return False


def _by_prefix(text: str) -> str | None:
    """ComfyUI writes into EXIF's make and model of WebP files: workflow:{...}, prompt:{...}."""
    key, found, rest = text.partition(":")
    if not found or key.strip().lower() not in ("workflow", "prompt"):
        return None
    held = _mapping(rest)
    return _by_json(key.strip().lower(), held) if held is not None else None


def _by_json(name: str, held: Mapping[str, Any]) -> str | None:
    values = list(held.values())[:1000]
    if any(isinstance(one, dict) and "class_type" in one and "inputs" in one for one in values):
        return "ComfyUI"
    if isinstance(held.get("nodes"), list) and "links" in held:
        return "ComfyUI"
    if {"prompt", "workflow"} <= held.keys():  # as it writes both into one tag of a film
        return "ComfyUI"
    if name.startswith("invokeai") or "invokeai_metadata" in held or name == "sd-metadata":
        return "InvokeAI"
    if "sui_image_params" in held:
        return "SwarmUI"
    if held.keys() >= _EASY:
        return "Easy Diffusion"
    if "base_model" in held and "performance" in held and "prompt" in held:
        return "Fooocus"
    if held.keys() >= _DRAW_THINGS:
        return "Draw Things"
    if "prompt" in held and (held.keys() & _NOVEL or held.keys() >= {"uc", "sampler", "steps"}):
        return "NovelAI"
    return "a generator" if held.keys() >= {"prompt", "seed"} and held.keys() & _SETTINGS else None


def _aigc(where: str, held: Mapping[str, Any] | None) -> list[Finding]:
    """The label that GB 45438-2025 asks for: {"Label": "1", "ContentProducer": ...}."""
    if held is None:
        return []
    inner = held.get("AIGC", held)
    if isinstance(inner, str):
        inner = _mapping(inner) or {}
    if not isinstance(inner, dict) or str(inner.get("Label")) not in _AIGC:
        return []
    by = str(inner.get("ContentProducer") or "the AIGC label")
    words = json.dumps(inner, ensure_ascii=False)
    if str(inner["Label"]) == "1":
        return [declaring("ai-label", where, words, by=by)]
    return [
        finding(
            "source-type", where, f"its AIGC label says that it {_AIGC[str(inner['Label'])]} made by a model", words
        )
    ]


def _mapping(text: str) -> dict[str, Any] | None:
    """JSON that is an object; None for all else, however deep or broken."""
    start = text.lstrip()[:1]
    if start != "{":
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # ValueError also of numbers with too many digits
        return None
    return found if isinstance(found, dict) else None
