from __future__ import annotations

from pathlib import Path

import pytest

from tests.draw_credentials import signer
from unmask.errors import UsageError
from unmask.provenance import NOBODY, load
from unmask.provenance.trust import ENVIRONMENT


@pytest.fixture(scope="module")
def roots() -> tuple[str, str]:
    return signer().root, signer().root


def test_files_and_folders_are_read(tmp_path: Path, roots: tuple[str, str]) -> None:
    (tmp_path / "a.pem").write_text(roots[0])
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "b.crt").write_text(roots[1])
    (tmp_path / "list" / "notes.txt").write_text("not a certificate")
    trust = load([tmp_path / "a.pem", tmp_path / "list"])
    assert trust.pem.count("BEGIN CERTIFICATE") == 2
    assert trust.sha256 == load([tmp_path / "a.pem", tmp_path / "list"]).sha256 != load([tmp_path / "a.pem"]).sha256


def test_nobody_is_trusted_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    assert load([]) is NOBODY
    assert NOBODY.sha256 is None


def test_the_environment_names_them_where_the_call_does_not(
    tmp_path: Path, roots: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, root in zip(("a.pem", "b.pem"), roots, strict=True):
        (tmp_path / name).write_text(root)
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "a.pem"))
    assert load([]).pem == roots[0]
    assert load([tmp_path / "b.pem"]).pem == roots[1]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("gone.pem", None, "cannot be read"),
        ("text.pem", b"hello", "no certificate"),
        ("big.pem", bytes(17_000_000), "more"),
    ],
)
def test_a_wrong_list_is_wrong_use(tmp_path: Path, name: str, data: bytes | None, says: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=says):
        load([tmp_path / name])


def test_a_folder_without_certificates_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no certificate"):
        load([tmp_path])
