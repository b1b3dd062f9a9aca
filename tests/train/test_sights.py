"""What a backbone is shown: each sight against what it is said to be, and inside an exported graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from tests.train.tiny import backbone, recipe
from unmask import demo
from unmask.card import Cut
from unmask.runtime import Session
from unmask.train.design import Model, Sees
from unmask.train.graph import write_graph
from unmask.train.learning import groups
from unmask.train.models import Shown, build
from unmask.train.sights import SIGHTS, Bands, Dct, LearnedResidual, Neighbours, Residual, Sight, Spectrum, YCbCr

SIZE_PX = 48
CHANGED = sorted(set(SIGHTS) - {"pixels"})


def sight(name: str) -> nn.Module:
    torch.manual_seed(0)
    return SIGHTS[name]()


def noise(count: int = 2, size_px: int = SIZE_PX) -> Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(0, 256, (count, 3, size_px, size_px)).astype(np.float32))


@pytest.fixture(scope="module")
def portrait() -> Tensor:
    """Two squares of a photo: (2, 3, 192, 192)."""
    with Image.open(demo.portrait_path()) as opened:
        photo = np.asarray(opened.convert("RGB"), np.float32)
    squares = np.stack([photo[20:212, 130:322], photo[200:392, 60:252]])
    return torch.from_numpy(squares).permute(0, 3, 1, 2)


def test_a_recipe_may_name_each_of_them() -> None:
    assert set(SIGHTS) == set(get_args(Sees))
    assert torch.equal(sight("pixels")(noise()), noise())


@pytest.mark.parametrize("name", CHANGED)
class TestEach:
    def test_a_photo_comes_out_like_a_photo(self, name: str, portrait: Tensor) -> None:
        seen = sight(name)(portrait)
        side = 96 if name == "bands" else 192
        assert seen.shape == (2, 3, side, side)
        assert 0 <= seen.min() < seen.max() <= 255
        assert 70 < seen.mean() < 180
        assert 25 < seen.std() < 90

    def test_a_flat_picture_gives_finite_numbers_and_gradients(self, name: str) -> None:
        flat = torch.full((1, 3, SIZE_PX, SIZE_PX), 90.0, requires_grad=True)
        seen = sight(name)(flat)
        seen.sum().backward()
        assert torch.isfinite(seen).all()
        assert flat.grad is not None
        assert torch.isfinite(flat.grad).all()

    def test_half_precision_around_it_changes_nothing(self, name: str, portrait: Tensor) -> None:
        alone = sight(name)(portrait)
        with torch.autocast("cpu", torch.bfloat16):
            among = sight(name)(portrait)
        assert among.dtype == torch.float32
        assert torch.equal(alone, among)

    def test_what_is_fixed_has_no_weights(self, name: str) -> None:
        kept = list(sight(name).state_dict())
        assert kept == (["weight"] if name == "learned-residual" else [])


class All(nn.Module):
    """Every sight of uint8 pixels (N, S, S, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.sights = nn.ModuleList([sight(name) for name in CHANGED])

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        upright = pixels.permute(0, 3, 1, 2).float()
        return tuple(one(upright) for one in self.sights)


def test_a_graph_sees_the_same(tmp_path: Path) -> None:
    everything = All().eval()
    write_graph(everything, CHANGED, Cut(kind="patch", size_px=SIZE_PX), tmp_path / "model.onnx")
    pixels = np.random.default_rng(1).integers(0, 256, (3, SIZE_PX, SIZE_PX, 3), np.uint8)
    with torch.no_grad():
        wanted = everything(torch.from_numpy(pixels))
    found = Session(tmp_path / "model.onnx").run(pixels)
    for name, one in zip(CHANGED, wanted, strict=True):
        assert np.abs(found[name] - one.numpy()).max() < 0.02, name  # of 255


def test_two_eyes_under_one_head_are_exported_and_explained(tmp_path: Path) -> None:
    torch.manual_seed(0)
    eyes = [backbone(maps=[0], sees="residual"), backbone(maps=[0])]
    network = build(Model.model_validate({"backbones": eyes, "head": "statistics", "hidden": 8})).eval()
    pixels = np.random.default_rng(2).integers(0, 256, (3, 64, 64, 3), np.uint8)
    with torch.no_grad():
        logit, activation = network(torch.from_numpy(pixels))
    torch.testing.assert_close(activation.mean(dim=(1, 2)), logit)
    write_graph(
        Shown(network), ("logit", "activation", "embedding"), Cut(kind="patch", size_px=64), tmp_path / "model.onnx"
    )
    found = Session(tmp_path / "model.onnx").run(pixels)
    assert np.abs(found["logit"] - logit.numpy()).max() < 1e-3
    assert np.abs(found["activation"] - activation.numpy()).max() < 1e-2


def values(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.double().numpy()


def cosine_transform(pictures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal, of the last two axes: the Fourier transform of each row, and column, with its mirror image."""
    size = pictures.shape[-1]
    turn = np.exp(-0.5j * np.pi * np.arange(size) / size) / np.sqrt(2 * size)
    turn[0] /= np.sqrt(2)
    for _ in range(2):
        mirrored = np.concatenate([pictures, pictures[..., ::-1]], axis=-1)
        pictures = np.swapaxes((np.fft.fft(mirrored)[..., :size] * turn).real, -1, -2)
    return pictures


class TestResiduals:
    def test_neither_light_nor_a_slope_of_it_is_seen(self) -> None:
        slope = torch.arange(SIZE_PX).float()[None, None, None].expand(1, 3, SIZE_PX, SIZE_PX) * 3 + 20
        inside = Residual().look(slope)[:, :, :, 3:-3]
        torch.testing.assert_close(inside, torch.zeros_like(inside), atol=1e-4, rtol=0)

    def test_a_single_point_shows_each_filter(self) -> None:
        point = torch.zeros(1, 3, 15, 15)
        point[:, :, 7, 7] = 1.0
        seen = Residual().look(point)[0]
        torch.testing.assert_close(seen[:, 7, 7], torch.full((3,), -1.0))
        torch.testing.assert_close(seen[:, 7, 8], torch.tensor([2 / 4, 8 / 12, 1 / 2]))
        torch.testing.assert_close(seen[:, 8, 7], torch.tensor([2 / 4, 8 / 12, 0.0]))
        assert seen[1, 9, 9] == pytest.approx(-1 / 12)

    def test_learned_ones_stay_filters_of_differences(self) -> None:
        torch.manual_seed(0)
        learned = LearnedResidual()
        stepper = torch.optim.SGD(learned.parameters(), lr=1e-3)
        before = learned.filters.detach().clone()
        learned(noise()).square().mean().backward()
        stepper.step()
        assert not torch.equal(before, learned.filters)
        torch.testing.assert_close(learned.filters[:, :, 2, 2], torch.full((3, 3), -1.0))
        torch.testing.assert_close(learned.filters.sum(dim=(2, 3)), torch.zeros(3, 3), atol=1e-5, rtol=0)

    def test_learned_ones_are_among_what_learns(self) -> None:
        chosen = recipe(model={"backbones": [backbone(sees="learned-residual", freeze=["conv_stem"])]})
        network = build(chosen.model)
        weight = dict(network.named_parameters())["eyes.0.sight.weight"]
        learning = [one for group in groups(network, chosen) for one in group["params"]]
        assert sum(one is weight for one in learning) == 1


class TestNeighbours:
    @pytest.mark.parametrize("size_px", [48, 49])
    def test_it_is_the_picture_minus_its_coarser_self(self, size_px: int) -> None:
        pixels = noise(size_px=size_px)
        coarse = functional.interpolate(pixels[:, :, ::2, ::2], scale_factor=2, mode="nearest")
        assert torch.equal(Neighbours().look(pixels), pixels - coarse[:, :, :size_px, :size_px])

    def test_a_picture_made_larger_without_interpolation_has_none(self) -> None:
        doubled = functional.interpolate(noise(size_px=24), scale_factor=2, mode="nearest")
        assert torch.equal(Neighbours()(doubled), torch.full_like(doubled, 127.5))


class TestFrequencies:
    @pytest.mark.parametrize("size_px", [48, 35])
    def test_a_spectrum_is_that_of_fourier(self, size_px: int) -> None:
        pixels = noise(size_px=size_px)
        wanted = np.fft.fftshift(np.fft.fft2(values(pixels) - 127.5, norm="ortho"), axes=(2, 3))
        np.testing.assert_allclose(values(Spectrum().look(pixels)), np.log1p(np.abs(wanted) ** 2) / 2, atol=1e-4)

    def test_a_wave_is_two_points_beside_the_middle(self) -> None:
        wave = 127.5 + 100 * torch.cos(2 * torch.pi * 12 * torch.arange(SIZE_PX) / SIZE_PX)
        seen = Spectrum().look(wave[None, None, None].expand(1, 3, SIZE_PX, SIZE_PX))[0, 0]
        middle = SIZE_PX // 2
        highest = {tuple(place) for place in (seen > seen.max() - 0.1).nonzero().tolist()}
        assert highest == {(middle, middle - 12), (middle, middle + 12)}

    def test_a_cosine_transform_is_that_of_the_mirrored_picture(self) -> None:
        pixels = noise()
        wanted = cosine_transform(values(pixels) - 127.5)
        np.testing.assert_allclose(values(Dct().look(pixels)), np.log1p(wanted**2) / 2, atol=1e-4)

    def test_bands_tell_how_fine_and_where(self) -> None:
        pixels = torch.full((1, 3, 64, 64), 128.0)
        pixels[:, :, :, :32:2] += 20  # fine stripes on the left
        pixels[:, :, :, 32:] += 20 * torch.sin(torch.arange(32) * 2 * torch.pi / 16)  # slow waves on the right
        low, middle, high = Bands().look(pixels)[0]
        assert high[:, :12].mean() > 5 * high[:, 20:].mean()
        assert high[:, :12].mean() > middle[:, :12].mean()
        assert low[:, 20:].mean() > 1.2 * low[:, :12].mean()
        assert low[:, 20:].mean() > 2 * middle[:, 20:].mean() > 2 * high[:, 20:].mean()
        assert Bands().look(torch.full((1, 3, 64, 64), 128.0)).max() == pytest.approx(0, abs=1e-5)

    def test_bands_of_one_block_are_its_cosine_transform(self) -> None:
        pixels = noise(count=1, size_px=16)
        block = values(pixels.mean(dim=1))[0, :8, :8]
        numbers = cosine_transform(block) ** 2
        order = np.maximum.outer(np.arange(8), np.arange(8))
        bands = [numbers[(order >= start) & (order < end)].mean() for start, end in ((1, 3), (3, 6), (6, 8))]
        # One more pixel around the picture shifts the windows, so that the third begins with the picture.
        seen = Bands().look(functional.pad(pixels, (1, 0, 1, 0), mode="reflect"))[0]
        np.testing.assert_allclose(values(seen[:, 2, 2]), np.log1p(bands) / 2, atol=1e-4)


def test_colour_differences_are_those_of_jpeg() -> None:
    pixels = noise(count=1)
    picture = Image.fromarray(pixels[0].permute(1, 2, 0).numpy().astype(np.uint8))
    wanted = np.asarray(picture.convert("YCbCr"), np.float32) - np.array([0, 128, 128], np.float32)
    np.testing.assert_allclose(YCbCr().look(pixels)[0].permute(1, 2, 0).numpy(), wanted, atol=1.01)


def test_what_is_shown_is_normalised_like_pixels() -> None:
    torch.manual_seed(0)
    options: dict[str, Any] = {"sees": "ycbcr", "mean": (0.5, 0.4, 0.3), "std": (0.1, 0.2, 0.3)}
    network = build(Model.model_validate({"backbone": backbone(**options)})).eval()
    given: list[Tensor] = []
    eye: Any = network.eyes[0]
    eye.backbone.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    pixels = noise(size_px=64)
    with torch.no_grad():
        eye(pixels)
    shown = sight("ycbcr")(pixels) / 255
    mean, std = (torch.tensor(options[name]).view(3, 1, 1) for name in ("mean", "std"))
    torch.testing.assert_close(given[0], (shown - mean) / std, atol=1e-5, rtol=1e-5)
    assert isinstance(eye.sight, Sight)
