"""The page and its plots: what they show, that they load nothing, and that no name can break them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.make_run import draw_pictures, make_embedding_bundle, make_recipe, make_rows, make_run, write_json
from unmask.compare import Comparison, compare
from unmask.comparison import attack, curves, page, plots
from unmask.comparison.drawing import Panel, dash_pattern, spread
from unmask.comparison.lines import Line
from unmask.metrics import Interval

RESAMPLES = 20
EVIL = "<script>alert(1)</script> $x_{$ & \u202e"


def attacks(*strengths: float) -> dict[str, object]:
    """What attack.json holds, as far as it is read."""
    plans = [("none", 0.0), *((method, strength) for method in ("fgsm", "pgd") for strength in strengths)]
    rows = [
        {"method": method, "strength": at, "accuracy": {"value": 0.9 - at / 20, "low": 0.3, "high": 1.0}}
        for method, at in plans
    ]
    return {"split": "test", "reals": 8, "fakes": 8, "seed": 0, "data_sha256": "c" * 64, "attacks": rows}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Two seeds of a recipe with an embedding, and one run with an evil name."""
    root = tmp_path_factory.mktemp("runs")
    rows = [make_rows(each=15, seed=seed, folder=str(root / "data")) for seed in range(3)]
    draw_pictures(rows[0])
    folders = []
    for seed in range(2):
        folders.append(make_run(root / f"good-{seed}", recipe=make_recipe("good", seed), rows=rows[seed], seed=seed))
        make_embedding_bundle(folders[-1] / "bundle")
        write_json(folders[-1] / "attack.json", attacks(1.0, 4.0))
    evil = make_recipe(EVIL, summary=EVIL, published={"data": EVIL, "source": EVIL, "figures": {EVIL: 0.5}})
    folders.append(make_run(root / "evil", recipe=evil, rows=rows[2]))
    return compare(folders, sources=["faces"], embeddings=True, resamples=RESAMPLES)


@pytest.fixture(scope="module")
def html(found: Comparison) -> str:
    return page.render(found, written=datetime(2026, 1, 2, 3, 4, tzinfo=UTC))


class Outline(HTMLParser):
    """Tags, headings and outside addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.headings: list[str] = []
        self.addresses: list[str] = []
        self.labels: list[str] = []
        self._heading = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._heading = tag == "h2"
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.labels += [value or "" for name, value in attrs if tag == "svg" and name == "aria-label"]

    def handle_data(self, data: str) -> None:
        if self._heading:
            self.headings.append(data)
            self._heading = False


def test_the_page_holds_every_part(html: str) -> None:
    assert Outline(html).headings == [
        "What was measured, and on what",
        "Table",
        "Published against ours",
        "Ranking",
        "Calls at one half",
        "Scores",
        "Calibration",
        "Training",
        "Robustness",
        "Attacks",
        "Embeddings",
        "Made again",
    ]


def test_the_page_loads_nothing_and_runs_nothing(html: str) -> None:
    outline = Outline(html)
    assert not {"script", "link", "iframe", "img", "object"} & set(outline.tags)
    assert all(address.startswith("#") for address in outline.addresses)
    assert set(re.findall(r"https?://[^\"' ]*", html)) <= {"http://www.w3.org/1999/xlink"}
    assert "url(" not in re.sub(r"url\(#p[0-9a-f]+\)", "", html)


def test_names_are_text_and_nothing_else(html: str) -> None:
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; $x_{$ &amp; \\u202e" in html
    assert "\u202e" not in html


def test_every_plot_is_well_formed_and_says_in_words_what_it_shows(html: str) -> None:
    found = re.findall(r"<svg xmlns:xlink.*?</svg>", html, flags=re.DOTALL)
    assert len(found) == 2 + 3 * 2 + 2 + 2 + 2 + 4
    for svg in found:
        assert ElementTree.fromstring(svg).attrib["role"] == "img"
        assert "#0101" not in svg and "#0102" not in svg
        assert " id=" not in re.sub(r'<(?:path|clipPath) id="[mp]?[\w]+"', "", svg)
    labels = Outline(html).labels
    assert any(label.startswith("ROC. AUC: good 0.") for label in labels)
    assert any("real called fake: " in label for label in labels)


def test_what_makes_a_number_again_stands_on_the_page(html: str, found: Comparison) -> None:
    for text in ("unmask evaluate manifest.csv", "b" * 64, "a" * 64, "c" * 64, found.sets[0].sha256[:16]):
        assert text in html
    assert found.command.startswith("unmask compare ")
    assert "good, seed 0" in html and "good, seed 1" in html
    assert "2 January 2026, 03:04 UTC" in html


def test_other_files_are_warned_of(tmp_path: Path, html: str) -> None:
    assert "not measured on the same files" not in html
    folders = [
        make_run(tmp_path / "a", whole=False),
        make_run(tmp_path / "b", recipe=make_recipe("b"), rows=make_rows()[2:], whole=False),
    ]
    other = compare(folders, resamples=RESAMPLES)
    said = page.render(other)
    assert "These runs were not measured on the same files." in said
    assert "nothing to draw: training" in said
    assert "## What they stand on" in page.to_markdown(other)
    assert "- Items B: 79 real and 79 fake files, split test" in page.to_markdown(other)


def test_other_contents_under_the_same_names_are_warned_of(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / name, recipe=make_recipe(name), whole=False) for name in "ab"]
    for folder, data in zip(folders, "cd", strict=True):
        write_json(folder / "evaluation" / "evaluation.json", {"data": {"data_sha256": data * 64}})
    assert "their contents were not the same" in page.render(compare(folders, resamples=RESAMPLES))


def test_many_lines_get_a_figure_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [make_run(tmp_path / name, recipe=make_recipe(name), rows=make_rows(each=5)) for name in "abc"]
    found = compare(folders, resamples=RESAMPLES)
    assert [one.title for one in curves.training(found.lines)] == ["Training loss", "AUC on val cuts"]
    monkeypatch.setattr(plots, "MOST_TOGETHER", 2)
    monkeypatch.setattr(curves, "MOST_TOGETHER", 2)
    assert len(curves.training(found.lines)) == 2 * 3
    titles = [one.title for one in plots.ranking(found.measured)]
    assert titles[0] == "ROC: 1  a"
    assert len(titles) == 2 * 3


def test_a_line_without_both_classes_has_no_plots(tmp_path: Path) -> None:
    rows = [one for one in make_rows() if one.label == 0]
    found = compare([make_run(tmp_path / "a", rows=rows, whole=False)], resamples=RESAMPLES)
    assert found.measured[0].values == {}
    assert "nothing to draw: ranking" in page.render(found)


def test_robustness_is_drawn_from_the_original_to_the_strongest_change(found: Comparison) -> None:
    drawn = curves.robustness(found.lines)
    assert [one.title for one in drawn] == ["JPEG", "Blur"]
    label = Outline(str(drawn[0].svg)).labels[0]
    assert re.match(r"JPEG\. good: none 0\.\d+, 90 0\.\d+, 50 0\.\d+", label)


def test_attacks_are_means_over_seeds_with_the_clean_pictures_first(found: Comparison) -> None:
    seen = attack.strengths(found.lines)
    assert list(seen) == ["FGSM", "PGD"]
    assert list(seen["PGD"]) == ["0", "1", "4"]
    assert seen["PGD"]["4"][1] == pytest.approx(Interval(0.7, 0.3, 1.0))
    assert all(set(values) == {1} for values in seen["PGD"].values())


@pytest.mark.parametrize("content", [{}, {"attacks": 3}, {"attacks": [1, {"strength": "x"}, {"accuracy": 0.5}]}])
def test_an_attack_file_of_another_form_draws_nothing(tmp_path: Path, content: dict[str, object]) -> None:
    folder = make_run(tmp_path / "a", whole=False)
    write_json(folder / "attack.json", content)
    found = compare([folder], resamples=RESAMPLES)
    assert curves.attacks(found.lines) == []


def test_curves_of_a_perfect_ranking_touch_the_corner(tmp_path: Path) -> None:
    line = compare([make_run(tmp_path / "a", skill=50.0, whole=False)], resamples=RESAMPLES).lines[0]
    assert isinstance(line, Line)
    roc, pr = (plots._curve(line, heights) for heights in (plots._roc, plots._precision_recall))
    assert roc.y.min() == 1 and roc.low.min() == 1
    assert pr.y.min() == 1 and pr.low.min() == 1


def test_curves_agree_with_scikit_learn(tmp_path: Path) -> None:
    from sklearn.metrics import precision_recall_curve

    line = compare([make_run(tmp_path / "a", whole=False)], resamples=RESAMPLES).lines[0]
    items = line.judged().sets[0]
    precision, recall, _ = precision_recall_curve(items.truth, items.scores)
    found = plots._curve(line, plots._precision_recall)
    for place in (50, 125, 200):
        wanted = place / (len(found.y) - 1)
        first = precision[np.flatnonzero(recall >= wanted)[-1]]
        assert found.y[place] == pytest.approx(first)
    assert (found.low <= found.y + 1e-9).mean() > 0.95


def test_spread_keeps_order_gap_and_range() -> None:
    placed = spread([0.5, 0.5, 0.51, 0.0], 0.1, 0.0, 1.0)
    assert placed[3] == 0
    assert np.diff(sorted(placed)).min() == pytest.approx(0.1) or np.diff(sorted(placed)).min() > 0.1
    assert spread([0.99, 1.0], 0.1, 0.0, 1.0) == pytest.approx([0.9, 1.0])
    assert spread([0.2], 0.1, 0.0, 1.0) == [0.2]


def test_lines_are_told_apart_without_colour() -> None:
    patterns = [dash_pattern(number) for number in range(1, 5)]
    assert len(set(patterns)) == 4
    assert patterns[0] == "none"


def test_a_panel_takes_its_colours_from_the_page() -> None:
    panel = Panel("A & B", "x", "y")
    panel.line(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 2)
    panel.text(0.5, 0.5, "a $1 and $2 <b>")
    svg = panel.markup("two points")
    assert 'aria-label="A &amp; B. two points"' in svg
    assert "stroke: var(--series-2)" in svg
    assert "a $1 and $2 &lt;b&gt;" in svg
    assert "font-family" not in svg
