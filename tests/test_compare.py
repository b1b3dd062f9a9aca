"""Which runs can be read, which belong together, and what the verb does with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.command import Run as Command
from tests.make_run import make_recipe, make_rows, make_run
from unmask.compare import compare
from unmask.comparison import lines, runs
from unmask.errors import ManifestError, UsageError
from unmask.scores import write_scores

RESAMPLES = 20


def read(*folders: Path) -> list[runs.Run]:
    return [runs.read(folder) for folder in folders]


def test_a_whole_run_tells_all_about_itself(tmp_path: Path) -> None:
    run = runs.read(make_run(tmp_path / "a", seed=3))
    assert (run.name, run.seed, run.network, run.parameters) == ("drawn", 3, "mobilenetv2_100", 2_200_000)
    assert run.published_figures == {"accuracy": 0.7, "auc": 0.8}
    assert [epoch["epoch"] for epoch in run.epochs] == [1, 2, 3, 4]
    assert run.data["data_sha256"] == "b" * 64
    assert run.command == "unmask evaluate manifest.csv"
    assert {one.perturbation for one in run.perturbed} == {"", "jpeg-q90", "jpeg-q50", "blur-sigma-1", "blur-sigma-2"}
    assert run.notes == ("there is no attack.json", "there is no bundle/card.json")


def test_a_plain_evaluation_is_named_after_its_folder_and_misses_nothing_but_its_pins(tmp_path: Path) -> None:
    write_scores(tmp_path / "scores.csv", make_rows())
    run = runs.read(tmp_path)
    assert (run.name, run.seed, run.network) == (tmp_path.name, None, "drawn")
    assert run.notes == ("there is no evaluation.json",)


def test_a_damaged_part_is_noted_and_left_out(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a")
    (folder / "cost.json").write_text("[1]", encoding="utf-8")
    (folder / "metrics.csv").write_text("", encoding="utf-8")
    (folder / "recipe.json").write_bytes(b"\xff\xfe{")
    (folder / "robustness" / "scores.csv").write_text("path\n", encoding="utf-8")
    run = runs.read(folder)
    assert (run.cost, run.epochs, run.recipe, run.perturbed) == ({}, (), {}, ())
    damaged = [note.split(" is damaged")[0] for note in run.notes if "damaged" in note]
    assert damaged == ["recipe.json", "cost.json", "metrics.csv", "robustness/scores.csv"]


def test_the_baseline_without_a_network_pins_its_data_elsewhere(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a", recipe={"name": "metadata-baseline", "seed": 0}, whole=False)
    pinned = '{"manifest": "manifest.csv", "manifest_sha256": "c", "command": "unmask baseline manifest.csv run"}'
    (folder / "metadata.json").write_text(pinned, encoding="utf-8")
    run = runs.read(folder)
    assert run.command == "unmask baseline manifest.csv run"
    assert run.data == {"manifest": "manifest.csv", "sha256": "c"}
    assert run.network == "drawn"


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no scores: name a folder"):
        runs.read(tmp_path)
    folder = make_run(tmp_path / "a", whole=False)
    with pytest.raises(UsageError, match='no scores of the split "val"; there are: test'):
        runs.read(folder, "val")
    write_scores(folder / "evaluation" / "scores.csv", [*make_rows(), make_rows()[0]])
    with pytest.raises(ManifestError, match="several scores of one file"):
        runs.read(folder)


def test_runs_that_differ_only_in_their_seed_are_one_line(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / f"a{seed}", seed=seed, whole=False) for seed in (2, 0)]
    other = make_run(tmp_path / "b", recipe=make_recipe(seed=1, train={"epochs": 3}), whole=False)
    found, sets = lines.group(read(*folders, other))
    assert [(line.name, line.seeds) for line in found] == [("drawn (a2)", "0, 2"), ("drawn (b)", "1")]
    assert [line.number for line in found] == [1, 2]
    assert len(sets) == 1


def test_the_same_seed_twice_is_no_second_seed(tmp_path: Path) -> None:
    found, _ = lines.group(read(*(make_run(tmp_path / name, whole=False) for name in "ab")))
    assert [line.name for line in found] == ["drawn (a)", "drawn (b)"]


def test_runs_without_a_recipe_are_never_averaged(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        write_scores(tmp_path / name / "scores.csv", make_rows())
    found, _ = lines.group(read(tmp_path / "a", tmp_path / "b"))
    assert [(line.name, line.seeds) for line in found] == [("a", "not known"), ("b", "not known")]


def test_a_run_named_twice_would_count_double(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a", whole=False)
    with pytest.raises(UsageError, match="named twice"):
        lines.group(read(folder, folder))
    with pytest.raises(UsageError, match="at least one run"):
        lines.group([])


def test_other_files_are_marked_and_not_averaged_even_for_one_recipe(tmp_path: Path) -> None:
    fewer = make_run(tmp_path / "b", recipe=make_recipe(seed=1), rows=make_rows(seed=1)[20:], whole=False)
    found, sets = lines.group(read(make_run(tmp_path / "a", whole=False), fewer))
    assert [(line.seeds, line.items) for line in found] == [("0", "A"), ("1", "B")]
    assert [(one.letter, one.reals, one.fakes, one.shared) for one in sets] == [("A", 80, 80, 140), ("B", 70, 70, 140)]
    assert sets[1].sources == {"faces": (40, 40), "stylegan": (30, 30)}


def test_the_same_files_in_another_order_are_the_same_files(tmp_path: Path) -> None:
    turned = make_run(tmp_path / "b", recipe=make_recipe("other"), rows=make_rows()[::-1], whole=False)
    found, sets = lines.group(read(make_run(tmp_path / "a", whole=False), turned))
    assert len(sets) == 1
    assert {line.items for line in found} == {"A"}


def test_a_flipped_label_is_another_item(tmp_path: Path) -> None:
    first, *rest = make_rows()
    flipped = make_run(tmp_path / "b", rows=[replace(first, label=1 - first.label), *rest], whole=False)
    _, sets = lines.group(read(make_run(tmp_path / "a", whole=False), flipped))
    assert [one.shared for one in sets] == [159, 159]


def test_runs_that_share_nothing_are_refused(tmp_path: Path) -> None:
    elsewhere = make_run(tmp_path / "b", rows=make_rows(folder="/elsewhere"), whole=False)
    with pytest.raises(UsageError, match="no file that all these runs were measured on"):
        compare([make_run(tmp_path / "a", whole=False), elsewhere])


def test_shared_measures_only_on_what_all_were_measured_on(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / "a"), make_run(tmp_path / "b", rows=make_rows(seed=1)[20:], seed=1)]
    found = compare(folders, shared=True, resamples=RESAMPLES)
    assert [(one.reals, one.fakes) for one in found.measured] == [(70, 70)]
    assert len(found.sets) == 1
    assert found.command.endswith(" --shared")
    apart = compare(folders, resamples=RESAMPLES)
    assert "2 different sets of files, of which 140" in apart.notes[0]
    assert [row[4].text for row in apart.table.rows] == ["A", "B"]


def test_what_one_seed_could_not_judge_is_counted_and_left_out_for_all(tmp_path: Path) -> None:
    rows = make_rows(seed=1)
    rows[0] = replace(rows[0], logit=None, probability=None, verdict="uncertain")
    folders = [make_run(tmp_path / "a", whole=False), make_run(tmp_path / "b", rows=rows, recipe=make_recipe(seed=1))]
    found = compare(folders, resamples=RESAMPLES)
    assert [(one.reals, one.fakes, one.unjudged) for one in found.measured] == [(79, 80, 1)]


def test_progress_counts_lines_and_sources(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    folder = make_run(tmp_path / "a", whole=False)
    compare([folder], sources=["faces"], resamples=RESAMPLES, progress=lambda *step: seen.append(step))
    assert seen == [("measuring", 1, 2), ("measuring", 2, 2)]


def test_a_source_that_no_run_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='no run was measured on a source "gan"; there are: faces, stylegan'):
        compare([make_run(tmp_path / "a", whole=False)], sources=["gan"])


def test_the_verb_writes_what_it_is_asked_for(run: Command, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a")
    files = [tmp_path / name for name in ("page.html", "table.md", "table.csv")]
    options = ("--source", "faces", "--html", files[0], "--markdown", files[1], "--csv", files[2])
    done = run("compare", folder, *options, "--no-embeddings")
    assert done.code == 0
    assert "balanced accuracy" in done.out
    assert "note: " + str(folder) + ": there is no attack.json" in done.err
    assert files[0].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "## Published against ours" in files[1].read_text(encoding="utf-8")
    header, pooled, alone = files[2].read_text(encoding="utf-8").splitlines()
    assert header.startswith("#,recipe,network,seeds,items,on,real,fake,not judged,accuracy,accuracy low")
    assert (pooled.split(",")[5], alone.split(",")[5]) == ("all sources", "faces")


def test_the_verb_fails_early_where_nothing_can_be_written_and_on_what_is_no_run(run: Command, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a", whole=False)
    done = run("compare", folder, "--html", tmp_path / "missing" / "page.html")
    assert (done.code, done.out) == (2, "")
    assert "no file can be written there" in done.err
    done = run("compare", tmp_path)
    assert done.code == 2
    assert "holds no scores" in done.err
