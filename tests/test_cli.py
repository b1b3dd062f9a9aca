"""The command as people and programs use it: what it prints where, and what it exits with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

import unmask
from tests.command import Run
from tests.make_bundle import make_bundle, make_ensemble
from unmask import bundles
from unmask.types import Report


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_bundle(folder / "face")
    make_bundle(folder / "picture", name="picture", kind="patch")
    return folder


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch, shelf: Path) -> None:
    monkeypatch.setattr(bundles, "FOLDER", shelf)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, astronaut: Image.Image) -> Path:
    """blue.png is real, grey.png uncertain and red.png fake to the tiny detector; sub/text.jpg is no picture."""
    folder = tmp_path_factory.mktemp("photos")
    small = np.asarray(astronaut.crop((100, 0, 356, 256)).convert("L"), np.float32)[..., None]
    for name, tint in {"blue": (0.5, 0.7, 1.0), "grey": (1.0, 0.7, 1.0), "red": (1.0, 0.7, 0.5)}.items():
        Image.fromarray((small * np.array(tint, np.float32)).astype(np.uint8)).save(folder / f"{name}.png")
    (folder / "sub").mkdir()
    (folder / "sub" / "text.jpg").write_text("no picture")
    return folder


class TestScan:
    def test_one_line_a_file_for_people(self, run: Run, photos: Path) -> None:
        done = run("scan", photos)
        assert done.code == 1
        lines = done.out.splitlines()
        assert [line.split("  ")[0].strip() for line in lines] == ["real", "uncertain", "fake", "not judged"]
        assert all(str(photos) in line for line in lines)
        assert "at or above the threshold for fake, 0.80" in lines[2]
        assert "1 face" in lines[2]
        assert "\x1b" not in done.out
        assert done.err == "4 files: 1 fake, 1 real, 1 uncertain, 1 not judged\n"

    def test_a_lone_file_needs_no_tally(self, run: Run, photos: Path) -> None:
        done = run("scan", photos / "blue.png")
        assert (done.code, done.err) == (0, "")

    def test_json_is_an_array_of_what_the_schema_describes(self, run: Run, photos: Path) -> None:
        schema = json.loads(run("schema").out)
        assert schema["$schema"].endswith("2020-12/schema")
        jsonschema.Draft202012Validator.check_schema(schema)
        done = run("scan", photos, "--json", "--evidence")
        reports = json.loads(done.out)
        for report in reports:
            jsonschema.Draft202012Validator(schema).validate(report)
        assert [Path(report["source"]["path"]).name for report in reports] == [
            "blue.png",
            "grey.png",
            "red.png",
            "text.jpg",
        ]
        assert done.err == ""
        assert reports[0]["evidence"][0]["heat_map"]

    def test_jsonl_is_a_report_a_line(self, run: Run, photos: Path) -> None:
        done = run("scan", photos / "blue.png", photos / "red.png", "--jsonl")
        reports = [Report.model_validate_json(line) for line in done.out.splitlines()]
        assert [report.verdict.label for report in reports if report.verdict] == ["real", "fake"]
        assert reports[0] == unmask.scan(photos / "blue.png")

    def test_evidence_is_shown_under_its_file(self, run: Run, photos: Path) -> None:
        first, face, *others = run("scan", photos / "red.png", "--evidence").out.splitlines()
        patches, witness = others[:9], others[9:]
        assert first.startswith("fake")
        assert face.startswith("    face: x ")
        assert all(line.startswith("    picture: x ") and line.endswith("(information only)") for line in patches)
        assert len(witness) == 6
        assert all(line.startswith("    compression: ") for line in witness)

    @pytest.mark.parametrize(
        ("wanted", "names", "code"),
        [
            ("fake", ["blue", "grey"], 0),
            ("fake", ["blue", "red"], 3),
            ("uncertain", ["blue"], 0),
            ("uncertain", ["grey"], 3),
            ("uncertain", ["red"], 3),
            ("fake", ["red", "sub/text.jpg"], 3),
            ("fake", ["blue", "sub/text.jpg"], 1),
        ],
    )
    def test_fail_on(self, run: Run, photos: Path, wanted: str, names: list[str], code: int) -> None:
        paths = [photos / (name if "." in name else f"{name}.png") for name in names]
        assert run("scan", *paths, "--fail-on", wanted).code == code

    def test_a_missing_file_is_reported_and_the_others_are_judged(self, run: Run, photos: Path) -> None:
        done = run("scan", "nowhere.jpg", photos / "blue.png")
        missing, real = done.out.splitlines()
        assert missing.endswith("nowhere.jpg  (unreadable: the file cannot be read: no such file or directory)")
        assert real.startswith("real")
        assert done.code == 1

    def test_an_empty_folder(self, run: Run, tmp_path: Path) -> None:
        done = run("scan", tmp_path)
        assert (done.code, done.out, done.err) == (0, "", "0 files: nothing to scan\n")
        assert json.loads(run("scan", tmp_path, "--json").out) == []

    @pytest.mark.parametrize("end", [b"\n", b"\r\n"])
    def test_a_list_on_stdin(self, run: Run, photos: Path, end: bytes) -> None:
        names = os.fsencode(photos / "red.png") + end + end + os.fsencode(photos / "blue.png")
        done = run("scan", "-", stdin=names)
        assert [line.split()[0] for line in done.out.splitlines()] == ["fake", "real"]

    @pytest.mark.parametrize("last", [b"", b"\0"])
    def test_a_list_on_stdin_that_ends_with_nul(self, run: Run, photos: Path, tmp_path: Path, last: bytes) -> None:
        shutil.copy(photos / "red.png", tmp_path / "two\nlines.png")
        names = os.fsencode(tmp_path / "two\nlines.png") + b"\0" + os.fsencode(photos / "blue.png") + last
        done = run("scan", "-", "-0", stdin=names)
        assert [line.split()[0] for line in done.out.splitlines()] == ["fake", "real"]
        assert "two\\nlines.png" in done.out

    def test_names_that_are_no_utf8_arrive(self, run: Run, tmp_path: Path, photos: Path) -> None:
        name = os.fsencode(tmp_path) + b"/caf\xe9.png"
        try:
            shutil.copy(photos / "blue.png", os.fsdecode(name))
        except OSError:
            pytest.skip("this file system takes only UTF-8")
        for done in (run("scan", "-", stdin=name), run("scan", os.fsdecode(name))):
            assert done.code == 0
            assert done.out.startswith("real")
            assert "caf\\xe9.png" in done.out

    def test_models_by_folder(self, run: Run, photos: Path, shelf: Path) -> None:
        done = run("scan", photos / "red.png", "--models", shelf / "picture", "--json")
        (report,) = json.loads(done.out)
        assert list(report["scores"]) == ["picture"]

    def test_html_may_join_the_others(self, run: Run, photos: Path, tmp_path: Path) -> None:
        page = tmp_path / "report.html"
        done = run("scan", photos / "red.png", "--jsonl", "--html", page)
        assert done.code == 0
        assert json.loads(done.out)["verdict"]["label"] == "fake"
        text = page.read_text(encoding="utf-8")
        assert "red.png" in text
        assert text.count("data:image/") > 1, "the picture and its heat map"

    def test_html_that_cannot_be_written_is_refused_before_the_work(
        self, run: Run, photos: Path, tmp_path: Path
    ) -> None:
        for place in (tmp_path, tmp_path / "nowhere" / "report.html"):
            done = run("scan", photos, "--html", place)
            assert (done.code, done.out) == (2, "")
            assert "no file can be written there" in done.err

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["scan"], "Missing argument"),
            (["scan", "x.jpg", "--frob"], "No such option"),
            (["scan", "x.jpg", "--fail-on", "real"], "fail-on"),
            (["scan", "x.jpg", "--jobs", "0"], "jobs"),
            (["scan", "x.jpg", "--json", "--jsonl"], "exclude each other"),
            (["scan", ""], "a path is empty"),
            (["scan", "x.jpg", "-0"], "--null is about paths on stdin"),
            (["scan", "x.jpg", "--models", "fase"], 'no model "fase"'),
            (["frob"], "No such command"),
        ],
    )
    def test_wrong_use_exits_with_2_and_says_why(self, run: Run, argv: list[str], message: str) -> None:
        done = run(*argv)
        assert (done.code, done.out) == (2, "")
        assert message in done.err

    def test_without_a_model_it_says_what_to_do(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bundles, "FOLDER", tmp_path)
        done = run("scan", "x.jpg")
        assert done.code == 2
        assert done.err.count("\n") == 1
        assert "--models" in done.err


class TestOthers:
    def test_version(self, run: Run) -> None:
        done = run("--version")
        assert (done.code, done.out) == (0, f"unmask {unmask.__version__}\n")

    def test_help_loads_nothing_heavy(self) -> None:
        code = "import sys, unmask.cli as c; c.app(['scan', '--help'], standalone_mode=False); print(*sys.modules)"
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert "--fail-on" in out
        assert not {"onnxruntime", "PIL", "jinja2", "torch"} & set(out.split())

    def test_models_list(self, run: Run) -> None:
        done = run("models", "list")
        assert [line.split()[0] for line in done.out.splitlines()] == ["face", "picture"]

    def test_models_list_without_any(self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bundles, "FOLDER", tmp_path)
        assert run("models", "list").err == "no models ship with this installation\n"
        assert run("models", "check").code == 2

    def test_models_show(self, run: Run, shelf: Path) -> None:
        assert json.loads(run("models", "show", "face").out) == json.loads((shelf / "face" / "card.json").read_text())
        assert run("models", "show", "fase").code == 2

    def test_models_check(self, run: Run) -> None:
        done = run("models", "check")
        assert done.code == 0
        assert [line.split(":")[0] for line in done.out.splitlines()] == ["face", "picture"]

    def test_an_ensemble_is_listed_shown_and_checked_with_its_members(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        together = make_ensemble(make_bundle(tmp_path / "a", name="a"), make_bundle(tmp_path / "b", name="b"))
        done = run("models", "check", tmp_path)
        assert (done.code, done.err) == (0, "")
        assert [line.split(":")[0] for line in done.out.splitlines()] == ["a", "b", "a+b"]
        monkeypatch.setattr(bundles, "FOLDER", tmp_path)
        assert [line.split()[0] for line in run("models", "list").out.splitlines()] == ["a", "b", "a+b"]
        assert json.loads(run("models", "show", "a+b").out) == together.model_dump(mode="json")
        assert run("models", "check").out.splitlines()[-1] == "a+b: calibrated for these networks"
        make_bundle(tmp_path / "b", name="b", constant=1.0)
        done = run("models", "check")
        assert done.code == 1
        assert done.err == "a+b: calibrated for other networks than these; it is not used\n"
        assert [line.split()[0] for line in run("models", "list").out.splitlines()] == ["a", "b"]
        assert run("models", "show", "a+b").code == 2

    def test_models_check_goes_on_after_a_damaged_one(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        damaged = make_bundle(tmp_path / "a", name="a")
        make_bundle(tmp_path / "b", name="b")
        damaged.model_path.write_bytes(b"damaged")
        monkeypatch.setattr(bundles, "FOLDER", tmp_path)
        done = run("models", "check")
        assert done.code == 1
        assert done.out.startswith("b: intact")
        assert done.err.startswith("a: ")
        assert run("models", "check", "b").code == 0

    def test_an_error_of_ours_is_one_sentence(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "card.json").write_text("{\n}")
        done = run("models", "show", tmp_path)
        assert done.code == 1
        assert done.err.startswith("unmask: the model card")
        assert done.err.count("\n") == 1

    def test_demo_prints_both_verdicts_and_the_page(
        self, run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from unmask import demo

        def stand_in(out: Path) -> demo.DemoResult:
            original, altered = (unmask.scan(photos / f"{name}.png") for name in shown)
            return demo.DemoResult(original, altered, out / "report.html")

        monkeypatch.setattr(demo, "run", stand_in)
        shown = ("blue", "red")
        real, fake, page = run("demo", "--out", tmp_path).out.splitlines()
        assert (real.split()[0], fake.split()[0]) == ("real", "fake")
        assert page.endswith(str(tmp_path / "report.html"))
        shown = ("blue", "blue")
        _, _, admitted, page = run("demo", "--out", tmp_path).out.splitlines()
        assert "was not called fake" in admitted


def start(*argv: str | Path) -> subprocess.Popen[bytes]:
    """The command as a process of its own, with pipes; unbuffered, so that what is not yet read stays in the pipe."""
    # A shell that runs the tests in the background lets them inherit deafness to interrupts.
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{listen}; from unmask.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, argv)],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("form", ["--json", "--jsonl", "--html"])
def test_an_interrupt_leaves_what_was_done(shelf: Path, photos: Path, tmp_path: Path, form: str) -> None:
    page = [tmp_path / "report.html"] if form == "--html" else []
    with start("scan", "-", "--models", shelf / "face", "--jobs", "2", form, *page) as process:
        assert process.stdin
        assert process.stdout
        # The pipe stays open: with all of these read, the command waits for more.
        process.stdin.write(b"".join(os.fsencode(photos / "red.png") + b"\n" for _ in range(30)))
        head = b""
        while head.count(b"\n") < 12:
            head += process.stdout.read(1000)
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        rest, err = process.communicate()
    assert time.monotonic() - started < 5
    assert process.returncode == 130
    assert b"interrupted" in err
    assert b"Traceback" not in err
    text = (head + rest).decode()
    reports = json.loads(text) if form == "--json" else text.splitlines()
    assert 10 <= len(reports) < 30
    assert f"({len(reports)} files: {len(reports)} fake)" in err.decode()
    if page:
        assert "red.png" in page[0].read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_reader_that_leaves_ends_the_scan_quietly(shelf: Path, photos: Path) -> None:
    with start("scan", *[photos / "red.png"] * 40, "--models", shelf / "face", "--jsonl") as process:
        assert process.stdout
        assert process.stdout.read(1) == b"{"
        process.stdout.close()
        assert process.stderr
        err = process.stderr.read()
    assert process.returncode == 1
    assert err == b""
