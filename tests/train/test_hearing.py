"""What a backbone is given of a voice: each hearing against what it is said to be, and inside an exported graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.card import Cut
from unmask.runtime import Session
from unmask.train.graph import write_graph
from unmask.train.hearing import BINS, HEARINGS, HOP, Hearing, Lfcc, LogMel, Powers, Spectrogram, Waveform, triangles
from unmask.types import RATE_HZ

CUT = Cut(kind="speech", window_s=1.0)
TIMES_S: NDArray[np.float64] = np.arange(RATE_HZ) / RATE_HZ
SHAPES = {"waveform": (1, 1, 16_000), "lfcc": (3, 20, 100), "log-mel": (3, 80, 100), "spectrogram": (3, 256, 100)}


def tone(hz: float) -> Tensor:
    return torch.from_numpy(np.sin(2 * np.pi * hz * TIMES_S).astype(np.float32))[None]


@pytest.fixture(scope="module")
def voices() -> Tensor:
    """Two sounds of harmonics that come and go, and hiss: (2, 16000)."""
    rng = np.random.default_rng(0)
    rows = []
    for hz in (110, 220):
        harmonics = sum(np.sin(2 * np.pi * hz * k * TIMES_S + k) / k for k in range(1, 20))
        loud = 0.05 * np.clip(np.sin(2 * np.pi * 3 * TIMES_S), 0.02, None)
        rows.append(loud * harmonics + 1e-3 * rng.standard_normal(RATE_HZ))
    return torch.from_numpy(np.stack(rows).astype(np.float32))


@pytest.mark.parametrize("name", HEARINGS)
class TestEach:
    def test_it_has_its_shape_and_about_the_usual_mean_and_spread(self, name: str, voices: Tensor) -> None:
        hearing = HEARINGS[name]()
        given = hearing(voices)
        assert given.shape == (2, *SHAPES[name])
        middle, spread = (127.5, 57.5) if hearing.unit == 255 else (0.0, 1.0)
        assert abs(given.mean() - middle) < spread
        assert 0.4 * spread < given.std() < 1.8 * spread

    def test_gain_says_nothing(self, name: str, voices: Tensor) -> None:
        hearing = HEARINGS[name]()
        loud, quiet = hearing(voices), hearing(voices / 10)
        assert (loud - quiet).abs().max() < 1e-3 * hearing.unit

    def test_nor_does_an_offset(self, name: str, voices: Tensor) -> None:
        hearing = HEARINGS[name]()
        assert (hearing(voices) - hearing(voices + 0.1)).abs().max() < 5e-3 * hearing.unit

    def test_digital_silence_gives_finite_numbers_and_gradients(self, name: str) -> None:
        silence = torch.zeros((1, RATE_HZ), requires_grad=True)
        given = HEARINGS[name]()(silence)
        given.sum().backward()
        assert torch.isfinite(given).all()
        assert silence.grad is not None
        assert torch.isfinite(silence.grad).all()

    def test_half_precision_around_it_changes_nothing(self, name: str, voices: Tensor) -> None:
        hearing = HEARINGS[name]()
        with torch.autocast("cpu", torch.bfloat16):
            among = hearing(voices)
        assert among.dtype == torch.float32
        assert torch.equal(hearing(voices), among)

    def test_it_is_constant(self, name: str) -> None:
        hearing = HEARINGS[name]()
        assert list(hearing.state_dict()) == []
        assert list(hearing.parameters()) == []


def test_their_graph_computes_the_same_for_any_batch(voices: Tensor, tmp_path: Path) -> None:
    model = Together()
    write_graph(model, list(HEARINGS), CUT, tmp_path / "model.onnx")
    batch = torch.cat([voices, torch.zeros(1, RATE_HZ)])
    found = Session(tmp_path / "model.onnx").run(batch.numpy())
    for (name, hearing), given in zip(HEARINGS.items(), model(batch), strict=True):
        assert np.abs(found[name] - given.numpy()).max() < 1e-3 * hearing().unit, name


class Together(nn.Module):
    """All of them in one graph, which takes seconds to write."""

    def __init__(self) -> None:
        super().__init__()
        self.hearings = nn.ModuleList(build() for build in HEARINGS.values())

    def forward(self, samples: Tensor) -> tuple[Tensor, ...]:
        return tuple(hearing(samples) for hearing in self.hearings)


def test_who_inherits_must_say_what_is_given() -> None:
    with pytest.raises(NotImplementedError):
        Hearing()(tone(440))


def test_a_waveform_is_as_loud_as_all_others() -> None:
    given = Waveform()(0.01 * tone(440))
    assert given.square().mean().item() == pytest.approx(1, abs=1e-3)


class TestPowers:
    def test_they_are_those_of_numpy(self, voices: Tensor) -> None:
        found = Powers((512,))(voices)[0, 0, :, 50].numpy()
        window = np.sin(np.pi * (np.arange(512) + 0.5) / 512) ** 2
        start = 50 * HOP + HOP // 2 - 256
        wanted = np.abs(np.fft.rfft(window * voices[0, start : start + 512].numpy())) ** 2 / np.square(window).sum()
        np.testing.assert_allclose(found, wanted[1:], rtol=1e-3, atol=1e-6)

    @pytest.mark.parametrize("window", [256, 320, 512, 1024])
    def test_white_noise_has_power_one(self, window: int) -> None:
        noise = torch.randn((1, RATE_HZ), generator=torch.Generator().manual_seed(0))
        powers = Powers((window,))(noise)
        assert powers.shape == (1, 1, BINS, 100)
        assert powers[0, 0, :-1].mean().item() == pytest.approx(1, abs=0.05)

    def test_a_column_lies_where_its_sound_is(self) -> None:
        click = torch.zeros(1, RATE_HZ)
        click[0, 37 * HOP + HOP // 2] = 1.0
        loudest = Powers((256, 512, 1024))(click).sum(dim=2)[0].argmax(dim=1)
        assert loudest.tolist() == [37, 37, 37]


class TestTriangles:
    def test_none_is_empty_and_each_adds_up_to_one(self) -> None:
        narrow = triangles(np.linspace(0, 1000, 82))
        np.testing.assert_allclose(narrow.sum(axis=1), 1)
        assert (narrow >= 0).all()

    def test_they_lie_in_the_order_of_frequency(self) -> None:
        peaks = triangles(np.linspace(0, RATE_HZ / 2, 22)).argmax(axis=1)
        np.testing.assert_allclose((peaks + 1) * RATE_HZ / 2 / BINS, np.linspace(0, 8000, 22)[1:-1], atol=32)


class TestSpectrogram:
    def test_a_tone_is_a_line_at_its_frequency(self) -> None:
        given = Spectrogram()(tone(2000))
        assert (given[..., 10:-10].mean(dim=3).argmax(dim=2) == 2000 / 31.25 - 1).all()

    def test_a_long_window_tells_two_tones_apart_and_a_short_one_does_not(self) -> None:
        given = Spectrogram()(tone(2000) + tone(2093.75))[0, :, :, 10:-10].mean(dim=2)
        dip = given[:, 63] - given[:, 64:66].min(dim=1).values
        assert dip[2] > 10 + dip[0]

    def test_silence_and_what_lies_below_speech_are_blank(self, voices: Tensor) -> None:
        silence = Spectrogram()(torch.zeros(1, RATE_HZ))
        assert (silence - 127.5).abs().max() < 0.01
        given = Spectrogram()(voices)
        assert (given[:, :, :3] == 127.5).all()
        assert (given[:, :, 3:].mean(dim=(2, 3)) - 127.5).abs().max() < 0.01


def test_mel_bands_are_finer_below() -> None:
    low, middle, high = (LogMel()(tone(hz))[0, 2].mean(dim=1).argmax().item() for hz in (500, 1000, 7500))
    assert middle - low > 10
    assert high > 75


class TestLfcc:
    def test_its_first_coefficient_is_the_mean_over_the_bands(self, voices: Tensor) -> None:
        lfcc = Lfcc()
        level = voices - voices.mean(dim=1, keepdim=True)
        level = level / level.square().mean(dim=1, keepdim=True).sqrt()
        bands = torch.log(lfcc.triangles @ lfcc.powers(level)[:, 0] + 1e-7)
        wanted = (bands.mean(dim=1) * 20**0.5 - lfcc.middles[0]) * lfcc.units[0, 0]
        assert (lfcc(voices)[:, 0, 0] - wanted).abs().max() < 1e-3

    def test_what_does_not_change_has_no_differences(self) -> None:
        given = Lfcc()(tone(1000))[:, :, :, 10:-10]
        assert given[:, 1:].abs().max() < 0.05
        assert given[:, 0].abs().max() > 0.5

    def test_differences_are_those_of_its_neighbours(self, voices: Tensor) -> None:
        lfcc = Lfcc()
        still, first = (lfcc(voices)[:, one] / lfcc.units[one] for one in (0, 1))
        assert (first[..., 50] - (still[..., 51] - still[..., 49])).abs().max() < 1e-3
