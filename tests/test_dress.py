"""Pictures in metadata of known kinds: the proportions hold, the pixels are the same, and nothing else tells."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.scenes import scene
from unmask import dress, manifest, provenance, traits
from unmask.attire import of_camera, of_generator
from unmask.dress import Shares, Wear, assigned
from unmask.errors import UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.statements import Kind

SHARES = Shares(0.4, 0.4, 0.2)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    items = []
    for number in range(40):
        label, split = number % 2, ("val", "test")[number // 20]
        path = folder / f"{number}.jpg"
        scene(number, 128).save(path, quality=70 + 20 * label)
        items.append(Item(path, label, ("real", "gan-face-swap")[label], "a", split))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing more")
    items.append(Item(folder / "broken.jpg", REAL, "real", "a", "val"))
    manifest.write(folder / "table.csv", items)
    return folder / "table.csv"


@pytest.fixture(scope="module")
def dressed(table: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    made = dress.write(table, tmp_path_factory.mktemp("dressed"), SHARES, jobs=1)
    assert sum(made.left_out.values()) == 1
    return manifest.read(made.manifest)


def declares(item: Item) -> bool:
    return bool(provenance.read(item.path.read_bytes()).of_kind(Kind.DECLARED))


def names_a_camera(item: Item) -> bool:
    return traits.read(item.path).numbers["metadata"]["has camera"] == 1


def test_the_proportions_hold_in_each_class_of_each_split(dressed: list[Item]) -> None:
    worn = Counter((item.split, item.label, item.attributes["metadata"]) for item in dressed if item.split == "test")
    assert worn == {
        ("test", label, wear): count
        for label in (REAL, FAKE)
        for wear, count in (("honest", 4), ("stripped", 4), ("forged", 2))
    }


def test_what_is_worn_is_what_the_file_says_of_itself(dressed: list[Item]) -> None:
    for item in dressed:
        worn = Wear(item.attributes["metadata"])
        honest_photo = item.label == REAL and worn is Wear.HONEST
        forged_fake = item.label == FAKE and worn is Wear.FORGED
        assert names_a_camera(item) == (honest_photo or forged_fake)
        assert declares(item) == (worn is not Wear.STRIPPED and not names_a_camera(item))


def test_pixels_and_coding_are_the_same_whatever_is_worn(table: Path, dressed: list[Item], tmp_path: Path) -> None:
    bare = manifest.read(dress.write(table, tmp_path, Shares(0, 1, 0), seed=3, jobs=1).manifest)
    assert {item.attributes["metadata"] for item in bare} == {"stripped"}
    for item, other in zip(dressed, bare, strict=True):
        assert item.attributes["original"] == other.attributes["original"]
        with Image.open(item.path) as one, Image.open(other.path) as plain:
            assert (np.asarray(one) == np.asarray(plain)).all()
            assert one.quantization == plain.quantization  # type: ignore[attr-defined]
    told = [traits.read(item.path).numbers["compression"] for item in dressed]
    assert all(one == told[0] for one in told), "no compression tells the label"


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(
    table: Path, dressed: list[Item], tmp_path: Path
) -> None:
    again = manifest.read(dress.write(table, tmp_path / "same", SHARES, jobs=1).manifest)
    other = manifest.read(dress.write(table, tmp_path / "other", SHARES, seed=1, jobs=1).manifest)
    assert [item.path.read_bytes() for item in again] == [item.path.read_bytes() for item in dressed]
    assert [item.attributes["metadata"] for item in other] != [item.attributes["metadata"] for item in dressed]


def test_the_order_of_the_table_does_not_matter() -> None:
    items = [Item(Path(f"{number}.jpg"), number % 2, split="val") for number in range(50)]
    first = {item.path: worn for item, worn in zip(items, assigned(items, SHARES, 0), strict=True)}
    turned = {item.path: worn for item, worn in zip(items[::-1], assigned(items[::-1], SHARES, 0), strict=True)}
    assert first == turned


def test_photos_are_forged_as_the_fakes_of_their_source_are_honest(dressed: list[Item]) -> None:
    honest = {_source_type(item) for item in dressed if item.label == FAKE and item.attributes["metadata"] == "honest"}
    forged = {_source_type(item) for item in dressed if item.label == REAL and item.attributes["metadata"] == "forged"}
    assert honest == forged == {"compositeWithTrainedAlgorithmicMedia"}


def _source_type(item: Item) -> str:
    with Image.open(item.path) as picture:
        packet: bytes = picture.info["xmp"]
    return packet.decode().split("digitalsourcetype/")[1].split('"')[0]


@pytest.mark.parametrize("shares", [(0.5, 0.6, 0.0), (-0.1, 0.6, 0.5), (0.2, 0.2, 0.2)])
def test_shares_must_add_up(shares: tuple[float, float, float]) -> None:
    with pytest.raises(UsageError, match="must add up to 1"):
        Shares.checked(*shares)


def test_a_treatment_that_gives_no_jpeg_is_refused(table: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"half-size gives PNG files.* jpeg-q90"):
        dress.write(table, tmp_path, SHARES, treatment="half-size")


def test_another_setting_does_not_mix_with_what_is_there(table: Path, tmp_path: Path) -> None:
    dress.write(table, tmp_path, SHARES, jobs=1)
    with pytest.raises(UsageError, match="holds copies of another"):
        dress.write(table, tmp_path, SHARES, seed=1, jobs=1)


def test_made_up_metadata_contradict_nothing() -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        for worn in (of_camera(rng), of_generator(rng, composite=False), of_generator(rng, composite=True)):
            picture = Image.new("RGB", (64, 64))
            account = provenance.read(_bytes(picture, worn.exif, worn.xmp))
            assert {one.code for one in account.of_kind(Kind.SUSPICIOUS)} <= {"edited"}


def _bytes(picture: Image.Image, exif: Image.Exif, xmp: bytes | None) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif, **({"xmp": xmp} if xmp else {}))
    return file.getvalue()
