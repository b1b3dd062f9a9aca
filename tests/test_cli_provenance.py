from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import draw_provenance as drawn
from tests.command import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("files")
    for name, kind in (
        ("a", "AUTOMATIC1111, PNG"),
        ("b", "photo of a camera"),
        ("c", "recording of a speech generator"),
    ):
        suffix, data = drawn.KINDS[kind]()
        (found / f"{name}{suffix}").write_bytes(data)
    return found


def test_everything_is_printed_as_a_tree(run: Run, folder: Path) -> None:
    done = run("provenance", folder)
    assert done.code == 0
    for words in (
        'declared  text "parameters": declares that a model made the file',
        "Steps: 20, Sampler: Euler a",
        "neutral  EXIF, GPS: it says where it was taken",
        "LensModel: RF50mm F1.2 L USM",
        "declared  container, encoded_by",
    ):
        assert words in done.out, words
    for line in done.out.splitlines():
        assert line.isprintable()


def test_names_of_texts_cannot_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    body = b"\x1b]0;title\x07\x9b2J\0" + drawn.A1111.encode()
    (tmp_path / "a.png").write_bytes(drawn.png_with(drawn.chunk(b"tEXt", body)))
    done = run("provenance", tmp_path)
    assert 'declared  text "\\x1b]0;title\\x07\\x9b2J"' in done.out
    for line in done.out.splitlines():
        assert line.isprintable()


def test_json_is_one_array_with_an_object_a_file(run: Run, folder: Path) -> None:
    done = run("provenance", "--json", folder)
    objects = json.loads(done.out)
    assert [Path(one["path"]).name for one in objects] == ["a.png", "b.jpg", "c.mp3"]
    assert objects[0]["findings"][0]["declaration"]["extent"] == "whole"
    assert objects[0]["problem"] is None
    assert "raw" not in objects[0]
    assert done.out.isascii()


def test_a_file_that_says_nothing_is_told_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "plain.jpg").write_bytes(drawn.jpeg()[1])
    assert "nothing that declares or contradicts anything" in run("provenance", tmp_path).out


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("gone.jpg", None),
        ("empty.jpg", b""),
        ("text.jpg", b"hello"),
        ("broken.mp4", b"\0\0\0\x18ftypisom" + b"\0" * 40),
    ],
)
def test_a_file_that_cannot_be_read_exits_with_1_and_takes_nothing_from_the_others(
    run: Run, tmp_path: Path, folder: Path, name: str, data: bytes | None
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    done = run("provenance", "--json", tmp_path / name, folder)
    objects = json.loads(done.out)
    assert done.code == 1
    assert len(objects) == 4
    assert objects[0]["problem"]
    assert all(one["problem"] is None for one in objects[1:])


def test_broken_pixels_take_nothing_from_what_was_said(run: Run, tmp_path: Path) -> None:
    data = drawn.KINDS["AUTOMATIC1111, PNG"]()[1]
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    done = run("provenance", "--json", tmp_path / "cut.png")
    (one,) = json.loads(done.out)
    assert done.code == 1
    assert "broken" in one["problem"]
    assert one["findings"][0]["code"] == "generator-parameters"


def test_a_trust_list_is_used_and_a_wrong_one_is_wrong_use(run: Run, tmp_path: Path) -> None:
    signed, root = tmp_path / "signed.jpg", tmp_path / "root.pem"
    signed.write_bytes(drawn.signed())
    root.write_text(drawn.known_signer().root)
    assert "whom you trust" in run("provenance", signed, "--trust", root).out
    assert "nobody was named" in run("provenance", signed).out
    done = run("provenance", signed, "--trust", signed)
    assert done.code == 2
    assert "no certificate" in done.err


def test_an_empty_path_is_wrong_use(run: Run) -> None:
    assert run("provenance", "").code == 2
    assert run("provenance", "", "a.jpg").code == 2


def test_the_current_folder_is_a_folder_like_any_other(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    done = run("provenance", "--json", ".")
    assert [one["path"] for one in json.loads(done.out)] == ["a.png", "b.jpg", "c.mp3"]
