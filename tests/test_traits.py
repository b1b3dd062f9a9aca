from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.data.make import HOSTILE
from tests.data.scenes import scene
from tests.data.voices import utterance, write_wav
from unmask import sound_traits
from unmask.traits import FAMILIES, read, read_all


def test_tells_size_bytes_and_compression(tmp_path: Path) -> None:
    scene(0).resize((100, 80)).save(tmp_path / "a.jpg", quality=90, subsampling="4:4:4", comment=b"hello")
    traits = read(tmp_path / "a.jpg")
    size = (tmp_path / "a.jpg").stat().st_size
    assert traits.problem is None
    assert tuple(traits.numbers) == FAMILIES
    assert traits.numbers["size"] == {"width": 100, "height": 80, "aspect": 1.25, "pixels": 8000}
    assert traits.numbers["bytes"] == {"bytes": size, "bytes per pixel": size / 8000}
    assert traits.numbers["compression"]["subsampling"] == 0
    assert traits.numbers["compression"]["table 0 first"] == 3  # 16 at quality 50, a fifth of that at 90
    assert traits.numbers["compression"]["quality"] == 90
    assert traits.numbers["compression"]["family libjpeg"] == 1
    assert traits.numbers["format"].items() >= {"format JPEG": 1, "mode RGB": 1, "has comment": 5}.items()
    assert traits.numbers["metadata"]["has texts"] == 1


def test_quality_shows_in_the_tables(tmp_path: Path) -> None:
    for quality in (90, 95):
        scene(0).save(tmp_path / f"{quality}.jpg", quality=quality)
    worse, better = (read(tmp_path / f"{quality}.jpg").numbers["compression"] for quality in (90, 95))
    assert worse["table 0 sum"] > better["table 0 sum"] > 0


def test_finds_metadata_of_a_png_behind_its_pixels(tmp_path: Path) -> None:
    text = PngInfo()
    text.add(b"tEXt", b"Software\0a generator", after_idat=True)
    scene(0).save(tmp_path / "a.png", pnginfo=text)
    scene(0).save(tmp_path / "b.png")
    told, silent = (read(tmp_path / name).numbers for name in ("a.png", "b.png"))
    assert told["format"]["has Software"] == len("a generator")
    assert told["metadata"]["has texts"] == 1
    assert set(silent["metadata"].values()) == {0.0}
    assert read(tmp_path / "b.png").numbers["compression"] == {}


def test_tells_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    scene(0).save(tmp_path / "a.jpg", exif=exif)
    found = read(tmp_path / "a.jpg").numbers
    assert found["format"]["has exif"] > len("A camera")
    assert found["metadata"].items() >= {"has exif": 1.0, "has camera": 1.0, "has lens": 0.0}.items()


def test_reads_many_in_order_and_counts(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(12)]
    for number, path in enumerate(paths):
        Image.new("RGB", (70 + number, 70)).save(path)
    seen: list[tuple[int, int]] = []
    traits = read_all(paths, lambda done, of: seen.append((done, of)))
    assert [one.numbers["size"]["width"] for one in traits] == [70 + number for number in range(12)]
    assert seen == [(number, 12) for number in range(1, 13)]


@pytest.mark.parametrize("name", HOSTILE)
def test_survives_hostile_files(media: Path, name: str) -> None:
    traits = read(media / "hostile" / name)
    assert traits.problem
    assert traits.thumbnail is None
    assert traits.numbers == {}


def test_recordings_have_traits_of_their_own(tmp_path: Path) -> None:
    traits = read(write_wav(tmp_path / "a.wav", utterance(0)))
    assert (traits.kind, traits.problem, traits.thumbnail) == ("recording", None, None)
    assert tuple(traits.numbers) == sound_traits.FAMILIES
    assert traits.sha256 and traits.samples_sha256 and traits.sha256 != traits.samples_sha256
    assert traits.fingerprint is not None


def test_a_name_does_not_make_a_recording(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.jpg", utterance(0))
    scene(0).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "b.wav")
    assert read(tmp_path / "a.jpg").kind == "recording"
    assert read(tmp_path / "b.wav").kind == "picture"


def test_a_broken_recording_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF\x24\0\0\0WAVEnonsense")
    traits = read(tmp_path / "a.wav")
    assert traits.problem
    assert traits.numbers == {}
