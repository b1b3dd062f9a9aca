from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from tests.make_bundle import (
    expected_logits,
    expected_voice_logits,
    make_bundle,
    make_video_bundle,
    make_voice_bundle,
)
from unmask import bundles
from unmask.bundles import Bundle
from unmask.errors import BundleError, UsageError


def npy() -> bytes:
    """One array instead of an archive of several."""
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "bundle")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that ships two models."""
    for name in ("picture", "face"):
        make_bundle(tmp_path / "models" / name, name=name)
    (tmp_path / "models" / "half-copied").mkdir()
    monkeypatch.setattr(bundles, "FOLDER", tmp_path / "models")
    return tmp_path / "models"


def test_making_a_bundle_twice_gives_the_same_bytes(bundle: Bundle, tmp_path: Path) -> None:
    again = make_bundle(tmp_path / "again")
    assert again.card == bundle.card
    assert again.model_path.read_bytes() == bundle.model_path.read_bytes()


def test_shipped_lists_folders_with_a_card_by_name(shelf: Path) -> None:
    assert [bundle.folder for bundle in bundles.shipped()] == [shelf / "face", shelf / "picture"]


def test_what_ships_in_this_checkout_is_intact() -> None:
    for bundle in bundles.shipped():
        assert bundles.check(bundle) <= bundles.TOLERANCE
        assert bundle.card.name == bundle.folder.name


def test_find_takes_a_name_or_a_folder(shelf: Path, bundle: Bundle) -> None:
    assert bundles.find("face").folder == shelf / "face"
    assert bundles.find(str(bundle.folder)) == bundle


def test_find_names_what_there_is(shelf: Path) -> None:
    with pytest.raises(UsageError, match=r'no model "fase".*face, picture'):
        bundles.find("fase")


def test_find_without_any_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "FOLDER", tmp_path / "none")
    with pytest.raises(UsageError, match="no models ship"):
        bundles.find("face")


def test_find_refuses_a_folder_without_a_card(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"card\.json cannot be read"):
        bundles.find(str(tmp_path))


class TestFindAll:
    """A folder of bundles stands for all of them."""

    def test_it_takes_what_find_takes(self, shelf: Path, bundle: Bundle) -> None:
        assert bundles.find_all("face") == (bundles.find("face"),)
        assert bundles.find_all(str(bundle.folder)) == (bundle,)

    def test_a_folder_gives_all_that_lie_in_it_by_name(self, bundle: Bundle, tmp_path: Path) -> None:
        other = make_bundle(tmp_path / "another", name="other")
        make_bundle(tmp_path / "deeper" / "down")
        assert bundles.find_all(str(tmp_path)) == bundles.inside(tmp_path) == (other, bundle)

    def test_a_bundle_with_others_in_it_is_that_bundle(self, bundle: Bundle) -> None:
        make_bundle(bundle.folder / "inner", name="inner")
        assert bundles.find_all(str(bundle.folder)) == (bundle,)

    def test_a_shipped_name_comes_before_a_folder_of_bundles(
        self, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As in `find`; ./face is the folder."""
        inner = make_bundle(tmp_path / "here" / "face" / "inner", name="inner")
        monkeypatch.chdir(tmp_path / "here")
        assert bundles.find_all("face") == (bundles.find("face"),)
        assert [found.card for found in bundles.find_all("./face")] == [inner.card]

    def test_where_there_is_none_it_says_what_find_says(self, shelf: Path, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r'no model "fase".*face, picture'):
            bundles.find_all("fase")
        (tmp_path / "empty").mkdir()
        with pytest.raises(BundleError, match=r"card\.json cannot be read"):
            bundles.find_all(str(tmp_path / "empty"))

    def test_a_damaged_card_among_them_is_refused(self, bundle: Bundle, tmp_path: Path) -> None:
        (bundle.folder / "card.json").write_text("{")
        with pytest.raises(BundleError, match=r"card\.json"):
            bundles.find_all(str(tmp_path))


def test_verify_accepts_what_the_card_describes(bundle: Bundle) -> None:
    bundles.verify(bundle)
    assert bundles.model(bundle) == bundle.model_path.read_bytes()


def test_verify_refuses_an_altered_or_missing_graph(bundle: Bundle) -> None:
    bundle.model_path.write_bytes(bundle.model_path.read_bytes() + b"\0")
    with pytest.raises(BundleError, match="is not the one its card describes"):
        bundles.verify(bundle)
    bundle.model_path.unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        bundles.verify(bundle)


def test_check_replays_the_golden_file(bundle: Bundle) -> None:
    assert 0 <= bundles.check(bundle) < 1e-5


def rewrite_golden(bundle: Bundle, **changes: object) -> None:
    with np.load(bundle.golden_path) as golden:
        arrays = {key: golden[key] for key in golden}
    np.savez(bundle.golden_path, **{**arrays, **changes})


@pytest.mark.parametrize("wrong", [0.01, np.nan])
def test_check_refuses_other_logits(bundle: Bundle, wrong: float) -> None:
    with np.load(bundle.golden_path) as golden:
        logit = golden["logit"] + np.float32(wrong)
    rewrite_golden(bundle, logit=logit)
    with pytest.raises(BundleError, match="does not compute here what it was trained to"):
        bundles.check(bundle)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pixels", np.zeros((4, 64, 64, 3), np.float32)),
        ("pixels", np.zeros((4, 32, 32, 3), np.uint8)),
        ("logit", np.zeros(3, np.float32)),
    ],
)
def test_check_refuses_a_golden_file_of_another_shape(bundle: Bundle, name: str, value: object) -> None:
    rewrite_golden(bundle, **{name: value})
    with pytest.raises(BundleError, match=r"does not hold uint8 \(N, 64, 64, 3\) with"):
        bundles.check(bundle)


@pytest.mark.parametrize(
    "content", [b"", b"PK\3\4 broken", b"\x80\x04K\x01.", npy()], ids=["empty", "cut off", "pickle", "npy"]
)
def test_check_refuses_a_broken_golden_file(bundle: Bundle, content: bytes) -> None:
    bundle.golden_path.write_bytes(content)
    with pytest.raises(BundleError, match=r"golden file .* cannot be read"):
        bundles.check(bundle)


def test_check_refuses_a_missing_golden_file(bundle: Bundle) -> None:
    bundle.golden_path.unlink()
    with pytest.raises(BundleError, match=r"golden file .* cannot be read"):
        bundles.check(bundle)


def test_check_refuses_maps_that_do_not_add_up_to_the_logit(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "split", map_weights=(1.0, 0.0, 0.0))
    with pytest.raises(BundleError, match="does not add up"):
        bundles.check(bundle)


class TestVideos:
    """Windows of looks in, and what each look adds out."""

    @pytest.fixture
    def track(self, tmp_path: Path) -> Bundle:
        return make_video_bundle(tmp_path / "track", constant=0.5)

    def test_it_is_replayed(self, track: Bundle) -> None:
        assert (track.card.modality, track.card.cut.frames) == ("video", 4)
        with np.load(track.golden_path) as golden:
            assert golden["pixels"].shape == (4, 4, 64, 64, 3)
            np.testing.assert_allclose(golden["logit"], expected_logits(golden["pixels"], constant=0.5))
        assert 0 <= bundles.check(track) < 1e-5

    @pytest.mark.parametrize("shape", [(4, 64, 64, 3), (4, 3, 64, 64, 3), (4, 4, 32, 32, 3)])
    def test_a_golden_file_of_other_windows_is_refused(self, track: Bundle, shape: tuple[int, ...]) -> None:
        rewrite_golden(track, pixels=np.zeros(shape, np.uint8))
        with pytest.raises(BundleError, match=r"does not hold uint8 \(N, 4, 64, 64, 3\) with"):
            bundles.check(track)

    def test_looks_that_do_not_add_up_to_the_logit_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BundleError, match="does not add up"):
            bundles.check(make_video_bundle(tmp_path / "split", look_weights=(1.0, 0.0, 0.0)))

    def test_making_it_twice_gives_the_same_bytes(self, track: Bundle, tmp_path: Path) -> None:
        again = make_video_bundle(tmp_path / "again", constant=0.5)
        assert again.card == track.card
        assert again.model_path.read_bytes() == track.model_path.read_bytes()


class TestVoices:
    """Windows of sound in, and what each band adds at each moment out."""

    @pytest.fixture
    def voice(self, tmp_path: Path) -> Bundle:
        return make_voice_bundle(tmp_path / "voice")

    def test_it_is_replayed(self, voice: Bundle) -> None:
        assert (voice.card.modality, voice.card.cut.kind, voice.card.cut.input_shape) == ("audio", "speech", (32_000,))
        with np.load(voice.golden_path) as golden:
            assert set(golden.files) == {"samples", "logit"}
            np.testing.assert_allclose(golden["logit"], expected_voice_logits(golden["samples"]))
        assert 0 <= bundles.check(voice) < 1e-4

    @pytest.mark.parametrize("samples", [np.zeros((4, 16_000), np.float32), np.zeros((4, 32_000), np.int16)])
    def test_a_golden_file_of_other_sounds_is_refused(self, voice: Bundle, samples: object) -> None:
        rewrite_golden(voice, samples=samples)
        with pytest.raises(BundleError, match=r"does not hold float32 \(N, 32000\) with"):
            bundles.check(voice)

    def test_pictures_instead_of_sounds_are_refused(self, voice: Bundle) -> None:
        np.savez(voice.golden_path, pixels=np.zeros((4, 64, 64, 3), np.uint8), logit=np.zeros(4, np.float32))
        with pytest.raises(BundleError, match=r"cannot be read: .*samples"):
            bundles.check(voice)

    def test_making_it_twice_gives_the_same_bytes(self, voice: Bundle, tmp_path: Path) -> None:
        again = make_voice_bundle(tmp_path / "again")
        assert again.card == voice.card
        assert again.model_path.read_bytes() == voice.model_path.read_bytes()
