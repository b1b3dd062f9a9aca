from __future__ import annotations

import json

import pytest

from tests.draw_provenance import A1111, AIGC
from unmask.provenance.generators import credited, said
from unmask.words import Extent


@pytest.mark.parametrize(
    ("key", "text", "by"),
    [
        ("parameters", A1111, "a Stable Diffusion web interface"),
        ("UserComment", A1111, "a Stable Diffusion web interface"),
        ("prompt", json.dumps({"1": {"class_type": "KSampler", "inputs": {}}}), "ComfyUI"),
        ("workflow", json.dumps({"nodes": [], "links": []}), "ComfyUI"),
        ("Make", 'workflow:{"nodes": [], "links": []}', "ComfyUI"),
        ("sd-metadata", json.dumps({"model": "stable diffusion"}), "InvokeAI"),
        ("dream", "a man -s 20", "InvokeAI"),
        ("fooocus_scheme", "fooocus", "Fooocus"),
        ("parameters", f"{A1111}, Hires Steps: 10, Hires upscaler: Latent", "a Stable Diffusion web interface"),
        ("parameters", json.dumps({"sui_image_params": {"prompt": "x"}}), "SwarmUI"),
        ("x", json.dumps({"use_stable_diffusion_model": "x", "num_inference_steps": 5}), "Easy Diffusion"),
        ("Comment", json.dumps({"prompt": "x", "request_type": "PromptGenerateRequest"}), "NovelAI"),
        ("any", json.dumps({"prompt": "x", "seed": 1, "cfg_scale": 7}), "a generator"),
    ],
)
def test_parameters_are_known_by_their_form(key: str, text: str, by: str) -> None:
    (found,) = said("text", key, text)
    assert found.declaration is not None
    assert found.declaration.by == by
    assert found.declaration.extent is Extent.WHOLE


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("parameters", "aperture f/2, Steps: many"),
        ("prompt", "What was your favourite day?"),
        ("prompt", json.dumps({"1": {"question": "x"}})),
        ("workflow", json.dumps({"nodes": []})),
        ("workflow", "[1, 2]"),
        ("Comment", json.dumps({"prompt": "x"})),
        ("Description", "The job id was lost"),
        ("prompt", '{"a": ' * 100_000),
        ("prompt", "{" + "9" * 10_000 + "}"),
        ("Title", "AI generated images in court"),
        ("AIGC", "none"),
        ("Description", "She shows Stable Diffusion, Steps: 20, and the menu Sampler: none of it is used here"),
        ("Comment", "Steps: 3, wash the rice. Seed: sesame. Size: small"),
        ("dream", "I had a dream"),
        ("sd-metadata", "lost"),
        ("fooocus_scheme", "what is that?"),
        ("AIGC", json.dumps({"Label": "7"})),
    ],
)
def test_what_only_looks_like_parameters_declares_nothing(key: str, text: str) -> None:
    assert said("text", key, text) == []


def test_inpainting_is_about_a_part() -> None:
    (found,) = said("text", "parameters", f"{A1111}, Denoising strength: 0.5, Mask blur: 4")
    assert found.declaration is not None
    assert found.declaration.extent is Extent.PART


@pytest.mark.parametrize(("label", "code"), [("1", "ai-label"), ("2", "source-type"), ("3", "source-type")])
def test_the_aigc_label_says_how_sure_it_is(label: str, code: str) -> None:
    (found,) = said("text", "AIGC", AIGC.replace('"1"', f'"{label}"'))
    assert found.code == code
    (wrapped,) = said("XMP", "x", json.dumps({"AIGC": json.loads(AIGC.replace('"1"', f'"{label}"'))}))
    assert wrapped.code == code


@pytest.mark.parametrize(
    "text",
    [
        "Made with care",
        "AI",
        "remade with AI",
        "Made with AI-free tools",
        "Not made with AI",
        "How films are made with AI",
    ],
)
def test_credits_need_the_whole_words(text: str) -> None:
    assert credited("IPTC", text) == []
