"""Looking at pictures with a network, and judging the clusters that it makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.make_bundle import make_bundle
from tests.make_run import draw_pictures, make_embedding_bundle, make_recipe, make_rows, make_run
from unmask.bundles import Bundle
from unmask.compare import compare
from unmask.comparison import embedding
from unmask.comparison.clusters import Map, adjusted_rand, chart, purity
from unmask.comparison.embedding import Embedding
from unmask.faces import FaceFinder
from unmask.scores import Row

RESAMPLES = 20


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_embedding_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    rows = make_rows(each=10, folder=str(tmp_path_factory.mktemp("pictures")))
    draw_pictures(rows)
    return rows


@pytest.fixture(scope="module")
def drawn(bundle: Bundle, rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Map:
    found = embedding.of(bundle, rows, tmp_path_factory.mktemp("cache"))
    assert found is not None
    drawn = chart(found)
    assert drawn is not None
    return drawn


def test_a_sample_is_balanced_and_the_same_in_any_order() -> None:
    rows = make_rows(each=30)
    chosen = embedding.sample(rows, most=20)
    assert [one.label for one in chosen] == [0] * 10 + [1] * 10
    assert embedding.sample(rows[::-1], most=20) == chosen
    assert len(embedding.sample([*rows[:10], *(one for one in rows if one.label)], most=60)) == 10


def test_vectors_are_those_of_the_graph_on_the_pixels_that_scanning_cuts(bundle: Bundle, rows: list[Row]) -> None:
    found = embedding.of(bundle, rows[:2], Path("/nowhere"))
    assert found is not None
    with Image.open(rows[1].path) as image:
        pixels = np.asarray(image, np.float64) / 255
    cells = pixels.reshape(4, 16, 4, 16, 3).mean(axis=(1, 3)).transpose(2, 0, 1).ravel()
    assert found.vectors.shape == (2, 48)
    np.testing.assert_allclose(found.vectors[1], cells, atol=1e-5)


def test_vectors_are_kept_until_network_or_sample_change(bundle: Bundle, rows: list[Row], tmp_path: Path) -> None:
    steps: list[int] = []

    def look(chosen: list[Row], by: Bundle = bundle) -> Embedding:
        found = embedding.of(by, chosen, tmp_path, lambda done, of: steps.append(done))
        assert found is not None
        return found

    first = look(rows[:4])
    assert np.array_equal(look(rows[:4]).vectors, first.vectors)
    assert steps == [1, 2, 3, 4]
    look(rows[:5])
    assert len(steps) == 9
    (tmp_path / embedding.FILE).write_bytes(b"PK\3\4 damaged")
    look(rows[:5])
    assert len(steps) == 14
    changed = bundle.card.model_copy(update={"cut": bundle.card.cut.model_copy(update={"least_px": 41})})
    look(rows[:5], Bundle(bundle.folder, changed))
    assert len(steps) == 19


def test_pictures_that_hold_nothing_are_counted_and_left_out(bundle: Bundle, rows: list[Row], tmp_path: Path) -> None:
    gone = [*rows[:3], *make_rows(each=1, folder=str(tmp_path / "gone"))[:1]]
    found = embedding.of(bundle, gone, tmp_path)
    assert found is not None
    assert (found.rows, found.unread) == (tuple(rows[:3]), 1)


def test_face_networks_look_at_the_main_face(
    tmp_path: Path, astronaut_path: Path, astronaut: Image.Image, finder: FaceFinder
) -> None:
    bundle = make_embedding_bundle(tmp_path / "bundle")
    cut = bundle.card.cut.model_copy(update={"kind": "face"})
    faces = Bundle(bundle.folder, bundle.card.model_copy(update={"cut": cut}))
    one = make_rows(each=1)[0]
    found = embedding.of(faces, [Row(path=str(astronaut_path), label=0), one], tmp_path)
    whole = embedding.of(bundle, [Row(path=str(astronaut_path), label=0)], tmp_path)
    assert found is not None and whole is not None
    assert finder.find(astronaut)[1] == 1
    assert found.unread == 1
    assert not np.allclose(found.vectors[0], whole.vectors[0], atol=0.02)


def test_a_graph_without_the_output_has_no_embedding(tmp_path: Path, rows: list[Row]) -> None:
    assert embedding.of(make_bundle(tmp_path / "old"), rows[:2], tmp_path) is None


def test_clusters_of_a_network_that_knows_the_difference_are_pure(drawn: Map) -> None:
    assert drawn.xy.shape == (40, 2)
    assert [one.method for one in drawn.clusterings] == ["k-means, k = 2", "HDBSCAN, at least 5 a cluster"]
    by_class = drawn.clusterings[0]
    assert by_class.purity["class"] == (1, 1, 1)
    assert by_class.adjusted_rand["class"] == (1, 1, 1)
    assert by_class.adjusted_rand["source"].low < 0.05 < 0.2
    assert by_class.purity["source"].value < 0.7
    assert "40 pictures" in drawn.protocol


def test_a_map_is_the_same_every_time(bundle: Bundle, rows: list[Row], drawn: Map, tmp_path: Path) -> None:
    found = embedding.of(bundle, rows, tmp_path)
    assert found is not None
    again = chart(found)
    assert again is not None
    assert np.array_equal(again.xy, drawn.xy)
    for one, other in zip(again.clusterings, drawn.clusterings, strict=True):
        assert np.array_equal(one.clusters, other.clusters)
        assert one.purity == other.purity


def test_pictures_outside_of_all_clusters_are_counted() -> None:
    rng = np.random.default_rng(0)
    near = [rng.normal(0, 0.01, (15, 16)) + np.eye(16)[index] for index in range(3)]
    vectors = np.concatenate([*near, rng.normal(0, 1, (6, 16))]).astype(np.float32)
    rows = tuple(Row(path=str(index), label=index % 2, source="one") for index in range(len(vectors)))
    drawn = chart(Embedding(rows, vectors, 0))
    assert drawn is not None
    found = drawn.clusterings[-1]
    assert found.count == 3
    assert found.outside == (found.clusters == -1).sum() == (found.clusters[-6:] == -1).sum() > 0


@pytest.mark.parametrize("vectors", [np.ones((40, 3)), np.zeros((40, 3)), np.eye(8)])
def test_nothing_is_charted_of_too_few_vectors_or_equal_ones(vectors: np.ndarray) -> None:
    rows = tuple(make_rows(each=20)[: len(vectors)])
    assert chart(Embedding(rows, vectors.astype(np.float32), 0)) is None


def test_purity_and_the_adjusted_rand_index_are_those_of_the_textbooks() -> None:
    from sklearn.metrics import adjusted_rand_score

    kinds, clusters = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
    assert purity(kinds, clusters) == pytest.approx(5 / 6)
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = rng.integers(0, 4, 50), rng.integers(0, 6, 50)
        assert adjusted_rand(first, second) == pytest.approx(adjusted_rand_score(first, second), abs=1e-12)
    alike = np.zeros(5, np.int64)
    assert adjusted_rand(alike, alike) == 1


def test_a_published_clustering_is_measured_without_being_asked_for(tmp_path: Path, rows: list[Row]) -> None:
    published = {"data": "LFW", "figures": {"purity": 0.92}}
    recipe = make_recipe("facenet-128", published=published)
    folders = []
    for seed in range(2):
        folder = make_run(tmp_path / str(seed), recipe={**recipe, "seed": seed}, rows=rows)
        make_embedding_bundle(folder / "bundle")
        folders.append(folder)
    found = compare(folders, resamples=RESAMPLES)
    purities = dict(zip(found.table.columns, found.table.rows[0], strict=True))["k-means purity"]
    assert (purities.value, purities.seeds) == (1, (1, 1))
    assert [row[found.published.columns.index("ours is")].text for row in found.published.rows] == ["above"]
    assert len(found.maps[1]) == 2


def test_why_there_is_no_map_is_said(tmp_path: Path, rows: list[Row]) -> None:
    old = make_run(tmp_path / "old", recipe=make_recipe("old"), rows=rows)
    make_bundle(old / "bundle")
    damaged = make_run(tmp_path / "damaged", recipe=make_recipe("damaged"), rows=rows)
    (make_embedding_bundle(damaged / "bundle").model_path).write_bytes(b"no graph")
    none = make_run(tmp_path / "none", recipe=make_recipe("none"), rows=rows)
    found = compare([old, damaged, none], embeddings=True, resamples=RESAMPLES)
    assert not found.maps
    assert "no such output" in found.unmapped[1]
    assert "not the one its card describes" in found.unmapped[2]
    assert "no bundle" in found.unmapped[3]
    assert any(note.startswith("old has no embedding map") for note in found.notes)
