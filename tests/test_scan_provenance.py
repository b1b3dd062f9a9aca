"""Scanning files that say something about themselves: photos, recordings, pages, terminal and triage."""

from __future__ import annotations

import csv
import hashlib
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

from tests import draw_credentials
from tests import draw_provenance as drawn
from tests.command import Run
from tests.make_bundle import make_bundle, make_voice_bundle
from tests.test_report import Page
from unmask.errors import UsageError
from unmask.report import render
from unmask.scan import Scanner
from unmask.types import Label, Report, Spared, Status


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    face, picture, voice = (tmp_path_factory.mktemp(name) for name in ("face", "picture", "voice"))
    return (
        make_bundle(face).folder,
        make_bundle(picture, name="picture", kind="patch", pooling="mean").folder,
        make_voice_bundle(voice).folder,
    )


@pytest.fixture(scope="module")
def portrait(astronaut: Image.Image) -> Image.Image:
    """Blue, so that the drawn detector calls it real."""
    small = np.asarray(astronaut.crop((100, 0, 356, 256)), np.float32) * np.array([0.3, 0.6, 1.0], np.float32)
    return Image.fromarray(small.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, portrait: Image.Image) -> Path:
    """A portrait, copies of it in several ways, one that declares, and some that are only near."""
    found = tmp_path_factory.mktemp("folder")
    portrait.save(found / "a.png")
    (found / "b declared.png").write_bytes(drawn.png({"parameters": drawn.A1111}, image=portrait))
    portrait.save(found / "c same pixels.bmp")
    portrait.save(found / "d saved again.jpg", quality=80)
    shutil.copy(found / "a.png", found / "e same bytes.png")
    portrait.resize((240, 240)).save(found / "f scaled.png")
    swapped(portrait).save(found / "g swapped.png")
    swapped(portrait).save(found / "h swapped.jpg", quality=80)
    portrait.resize((40, 40)).save(found / "i tiny.png")
    (found / "j tiny, declared.png").write_bytes(
        drawn.png({"parameters": drawn.A1111}, image=portrait.resize((40, 40)))
    )
    part = {"Iptc4xmpExt:DigitalSourceType": draw_credentials.SOURCE_TYPES + "compositeSynthetic"}
    (found / "k part.jpg").write_bytes(drawn.saved(portrait, "JPEG", xmp=drawn.packet(part)))
    return found


def swapped(portrait: Image.Image) -> Image.Image:
    """The same with another face in it: near to the eye of a hash, and to no human one."""
    other = portrait.copy()
    face = portrait.crop((70, 60, 170, 180)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    other.paste(face.point(lambda value: min(255, value + 12)), (70, 60))
    return other


@pytest.fixture(scope="module")
def plain(models: tuple[Path, ...], folder: Path) -> dict[str, Report]:
    with Scanner(models) as scanner:
        return _by_name(scanner.scan_many(sorted(folder.iterdir())))


@pytest.fixture(scope="module")
def triaged(models: tuple[Path, ...], folder: Path) -> dict[str, Report]:
    with Scanner(models, triage=True) as scanner:
        return _by_name(scanner.scan_many(sorted(folder.iterdir())))


def _by_name(reports: Iterator[Report]) -> dict[str, Report]:
    return {Path(report.source.path).stem: report for report in reports}


def test_a_photo_that_declares_is_judged_by_that(plain: dict[str, Report]) -> None:
    report = plain["b declared"]
    assert report.verdict is not None
    assert report.provenance is not None
    assert report.provenance.raw is not None
    assert (report.verdict.label, report.verdict.probability) == (Label.FAKE, None)
    assert report.provenance.raw.label is Label.REAL, "what was seen stays beside it"
    assert report.provenance.raw == plain["c same pixels"].verdict
    assert report.scores == plain["a"].scores


def test_one_that_says_nothing_is_judged_as_ever(plain: dict[str, Report]) -> None:
    report = plain["a"]
    assert report.verdict is not None
    assert report.verdict.declared is None
    assert report.provenance is not None
    assert (report.provenance.findings, report.provenance.raw) == ((), None)


def test_a_picture_too_small_to_judge_gets_a_verdict_if_it_declares(plain: dict[str, Report]) -> None:
    assert plain["i tiny"].status is Status.NOTHING_TO_JUDGE
    report = plain["j tiny, declared"]
    assert (report.status, report.message) == (Status.OK, None)
    assert report.verdict is not None
    assert report.verdict.label is Label.FAKE


def test_a_part_made_by_a_model_is_not_called_real(plain: dict[str, Report]) -> None:
    report = plain["k part"]
    assert report.verdict is not None
    assert report.verdict.label is Label.UNCERTAIN
    assert report.verdict.probability is not None
    assert report.provenance is not None
    assert report.provenance.raw is not None
    assert report.provenance.raw.label is Label.REAL


def test_without_provenance_only_pixels_speak(models: tuple[Path, ...], folder: Path) -> None:
    with Scanner(models, provenance=False) as scanner:
        report = scanner.scan(folder / "b declared.png")
    assert report.provenance is None
    assert report.verdict is not None
    assert report.verdict.label is Label.REAL


def test_stability_is_asked_of_what_was_seen(models: tuple[Path, ...], folder: Path) -> None:
    with Scanner(models, stability=True) as scanner:
        report = scanner.scan(folder / "b declared.png")
    assert report.stability is not None
    assert report.stability.raw.label is Label.REAL
    assert any(copy.label is not None for copy in report.stability.copies)
    assert report.verdict is not None
    assert report.verdict.declared is not None


def test_a_recording_in_which_nobody_speaks_gets_a_verdict_if_it_declares(
    models: tuple[Path, ...], tmp_path: Path
) -> None:
    quiet, declared = tmp_path / "quiet.mp3", tmp_path / "declared.mp3"
    quiet.write_bytes(drawn.sound({}))
    declared.write_bytes(drawn.sound({"encoded_by": "ElevenLabs"}))
    with Scanner(models) as scanner:
        first, second = scanner.scan_many([quiet, declared])
    assert first.status is Status.NOTHING_TO_JUDGE
    assert first.provenance is not None
    assert second.status is Status.OK
    assert second.verdict is not None
    assert second.verdict.declared is not None
    assert second.source.sha256 == hashlib.sha256(declared.read_bytes()).hexdigest()
    page = render([first, second])
    assert "Declared made by a model" in page
    assert "cannot be shown" not in page


def test_a_trust_list_is_named_in_the_report(
    models: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, list_ = tmp_path / "signed.jpg", tmp_path / "root.pem"
    path.write_bytes(drawn.signed())
    list_.write_text(drawn.known_signer().root)
    with Scanner(models, trust=[list_]) as scanner:
        report = scanner.scan(path)
    assert report.provenance is not None
    assert report.verdict is not None
    assert report.verdict.declared is not None
    assert report.verdict.declared.backing == "trusted_signer"
    assert report.provenance.trust_sha256
    assert "c2pa-python" in report.versions
    monkeypatch.setenv("UNMASK_TRUST", str(list_))
    with Scanner(models) as scanner:
        assert scanner.scan(path).verdict == report.verdict


def test_the_schema_describes_every_report(plain: dict[str, Report], triaged: dict[str, Report]) -> None:
    schema = Report.model_json_schema(mode="serialization")
    for report in itertools.chain(plain.values(), triaged.values()):
        jsonschema.validate(report.to_dict(), schema)
        assert Report.model_validate(report.to_dict()) == report


def test_the_page_shows_what_files_say(plain: dict[str, Report], triaged: dict[str, Report]) -> None:
    for reports in (plain, triaged):
        page = Page(render(reports.values()))
        assert "What the file says about itself" in page.text
        assert "Declared made by a model in part" in page.text
        assert "anybody can add or remove such words" in page.text
        assert "a declaration is no measurement" in page.text.lower()
    assert "no network was asked" in page.text


def test_text_of_a_file_injects_nothing_into_page_terminal_or_json(
    models: tuple[Path, ...], tmp_path: Path, run: Run
) -> None:
    words = "<script>alert(1)</script>\x1b[2J\u202e{{ 7 * 7 }} Steps: 20, Sampler: Euler, Seed: 1"
    (tmp_path / "hostile.png").write_bytes(drawn.png({"parameters": words}))
    with Scanner(models) as scanner:
        report = scanner.scan(tmp_path / "hostile.png")
    page = Page(render([report]))
    assert not page.named("script")
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert "\x1b" not in page.html
    shown = run("scan", "--evidence", *itertools.chain.from_iterable(("--models", one) for one in models), tmp_path)
    for line in shown.out.splitlines():
        assert line.isprintable()


def test_triage_spares_what_declares_itself_and_copies(triaged: dict[str, Report]) -> None:
    spared = {name: report.skipped.reason for name, report in triaged.items() if report.skipped}
    assert spared == {
        "b declared": Spared.DECLARED,
        "c same pixels": Spared.SAME_PIXELS,
        "d saved again": Spared.SAVED_AGAIN,
        "e same bytes": Spared.SAME_BYTES,
        "h swapped": Spared.SAVED_AGAIN,
    }


def test_a_face_swap_never_inherits(triaged: dict[str, Report]) -> None:
    assert triaged["g swapped"].skipped is None
    again = triaged["h swapped"].skipped
    assert again is not None
    assert again.twin is not None
    assert Path(again.twin).stem == "g swapped", "the copy is of the swapped picture, not of the one without"


def test_no_verdict_of_the_rest_changes(plain: dict[str, Report], triaged: dict[str, Report]) -> None:
    rest = [name for name, report in triaged.items() if report.skipped is None]
    assert len(rest) == 6
    for name in rest:
        assert triaged[name] == plain[name]


def test_a_copy_takes_over_what_was_seen(plain: dict[str, Report], triaged: dict[str, Report]) -> None:
    own = plain["a"].verdict
    assert own is not None
    for name in ("c same pixels", "d saved again", "e same bytes"):
        report = triaged[name]
        assert report.verdict is not None
        assert (report.verdict.label, report.verdict.probability) == (own.label, own.probability)
        assert report.scores == plain["a"].scores
        assert "of which it is a copy" in report.verdict.reason
        assert report.evidence == ()


def test_a_copy_does_not_take_over_a_declaration(
    models: tuple[Path, ...], portrait: Image.Image, tmp_path: Path
) -> None:
    """Or whoever wants to discredit a photo would put a copy with a prompt beside it."""
    (tmp_path / "a.png").write_bytes(drawn.png({"parameters": drawn.A1111}, image=portrait))
    portrait.save(tmp_path / "b.png")
    with Scanner(models, triage=True) as scanner:
        first, second = scanner.scan_many(sorted(tmp_path.iterdir()))
    assert first.skipped is not None
    assert second.skipped is None
    assert second.verdict is not None
    assert second.verdict.label is Label.REAL


def test_which_file_is_whose_copy_does_not_depend_on_threads(models: tuple[Path, ...], folder: Path) -> None:
    found = []
    for jobs in (1, 4):
        with Scanner(models, triage=True, jobs=jobs) as scanner:
            found.append([report.skipped for report in scanner.scan_many(sorted(folder.iterdir()))])
    assert found[0] == found[1]


def test_triage_ends_early_without_hanging(models: tuple[Path, ...], folder: Path) -> None:
    with Scanner(models, triage=True, jobs=3) as scanner:
        reports = scanner.scan_many(itertools.cycle(sorted(folder.iterdir())))
        assert next(reports).status is Status.OK
        reports.close()


def known(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("sha256", "label", "note"))
        table.writerows(rows)
    return path


def test_known_files_have_the_verdict_of_the_list(models: tuple[Path, ...], folder: Path, tmp_path: Path) -> None:
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("a.png", "b declared.png")}
    list_ = known(
        tmp_path / "known.csv",
        [(hashes["a.png"], "fake", "debunked, case 12"), (hashes["b declared.png"].upper(), "real", "")],
    )
    with Scanner(models, triage=True, known=list_) as scanner:
        reports = _by_name(scanner.scan_many(sorted(folder.iterdir())))
    for name, label in (("a", Label.FAKE), ("b declared", Label.REAL), ("e same bytes", Label.FAKE)):
        report = reports[name]
        assert report.skipped is not None
        assert report.skipped.reason is Spared.KNOWN
        assert report.verdict is not None
        assert (report.verdict.label, report.verdict.probability) == (label, None)
    assert "debunked, case 12" in (reports["a"].verdict or pytest.fail("no verdict")).reason
    assert reports["b declared"].provenance is not None
    assert "Listed as fake" in render([reports["a"]])


def test_of_a_broken_picture_a_declaration_decides_nothing(models: tuple[Path, ...], tmp_path: Path) -> None:
    whole = drawn.png({"parameters": drawn.A1111})
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    for triage in (False, True):
        with Scanner(models, triage=triage) as scanner:
            report = scanner.scan(tmp_path / "cut.png")
        assert report.status is Status.UNREADABLE
        assert (report.verdict, report.skipped) == (None, None)
        assert report.provenance is not None
        assert report.provenance.findings[0].declaration is not None


def test_a_list_without_triage_is_wrong_use(models: tuple[Path, ...], tmp_path: Path, run: Run) -> None:
    with pytest.raises(UsageError, match="triage"):
        Scanner(models, known=tmp_path / "known.csv")
    assert run("scan", "a.png", "--known", tmp_path / "known.csv").code == 2


def test_identical_recordings_are_listened_to_once(models: tuple[Path, ...], tmp_path: Path) -> None:
    for name in ("a.mp3", "b.mp3"):
        (tmp_path / name).write_bytes(drawn.sound({}))
    with Scanner(models, triage=True) as scanner:
        first, second = scanner.scan_many(sorted(tmp_path.iterdir()))
    assert first.status is Status.NOTHING_TO_JUDGE
    assert second.status is Status.NOTHING_TO_JUDGE, "its twin has no verdict to take over, so it was judged itself"
    assert second.message == first.message


def test_the_terminal_tells_what_was_spared(models: tuple[Path, ...], folder: Path, run: Run) -> None:
    named = itertools.chain.from_iterable(("--models", one) for one in models)
    done = run("scan", "--triage", "--evidence", *named, folder)
    assert "no network was asked about 5 of them" in done.err
    assert "    no network was asked: it has the same pixels as a picture judged before" in done.out
    assert "the file (declared)" in done.out
