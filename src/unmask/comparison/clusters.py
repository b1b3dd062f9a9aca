"""Whether an embedding keeps reals and fakes, or sources, apart by itself: clusters found without labels, then judged.

Vectors are brought to length 1 first, as FaceNet's are (Schroff et al. 2015, arXiv:1503.03832).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from unmask import metrics
from unmask.comparison.embedding import Embedding
from unmask.errors import MissingExtraError
from unmask.metrics import Floats, Interval

LEAST: Final = 12
"""Fewer distinct vectors make no map worth looking at."""

_SEED: Final = 0
_NOISE: Final = -1

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Clustering:
    """One way to cluster.

    Attributes:
        method: Such as "k-means, k = 2".
        clusters: int64 (N,), from 0; -1 for those that HDBSCAN left outside of all clusters.
        count: Clusters found.
        outside: Pictures in none. Purity and Rand index count them as one more cluster.
        purity: By "class" and "source": the share of pictures whose cluster mostly holds their kind.
        adjusted_rand: By "class" and "source": agreement above chance (Hubert & Arabie 1985); 0 is chance, 1 perfect.
            Both with 95 % intervals over the pictures; the clusters are not made again.
    """

    method: str
    clusters: Integers
    count: int
    outside: int
    purity: dict[str, Interval]
    adjusted_rand: dict[str, Interval]


@dataclass(frozen=True, eq=False)
class Map:
    """An embedding on a plane, with its clusters.

    Attributes:
        xy: float64 (N, 2), by t-SNE (van der Maaten & Hinton 2008). Neighbours are near; distances mean little.
        labels: int64 (N,), 1 is fake.
        sources: Name of the source of each picture.
        clusterings: k-means with as many clusters as classes, with as many as sources, and HDBSCAN.
        unread: Pictures of the sample that are not on the map.
        protocol: How it was made, in a sentence.
    """

    xy: Floats
    labels: Integers
    sources: tuple[str, ...]
    clusterings: tuple[Clustering, ...]
    unread: int
    protocol: str


def chart(embedding: Embedding) -> Map | None:
    """Lay an embedding out on a plane and cluster it, the same every time.

    Returns:
        The map; None where there are too few pictures, or their vectors are all but equal.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.cluster import HDBSCAN, KMeans
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise MissingExtraError("clustering an embedding", "train") from error
    vectors = _of_length_one(embedding.vectors)
    if len(vectors) < LEAST or len(np.unique(vectors.round(6), axis=0)) < LEAST:
        return None
    labels = np.array([one.label for one in embedding.rows], np.int64)
    sources = tuple(one.source for one in embedding.rows)
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    start = "pca" if vectors.shape[1] > 1 else "random"
    xy = TSNE(perplexity=perplexity, init=start, random_state=_SEED).fit_transform(vectors)
    ways: list[tuple[str, Any]] = [
        (f"k-means, k = {k}", KMeans(k, n_init=10, random_state=_SEED)) for k in sorted({2, max(2, len(set(sources)))})
    ]
    least = max(5, len(vectors) // 50)
    ways.append((f"HDBSCAN, at least {least} a cluster", HDBSCAN(min_cluster_size=least, copy=True)))
    kinds: dict[str, Any] = {"class": labels, "source": sources}
    return Map(
        xy=np.asarray(xy, np.float64),
        labels=labels,
        sources=sources,
        clusterings=tuple(_judged(name, way.fit_predict(vectors), labels, kinds) for name, way in ways),
        unread=embedding.unread,
        protocol=(
            f"{len(vectors)} pictures, as many real as fake, chosen by the hash of their paths; {vectors.shape[1]} "
            f"numbers each, brought to length 1; t-SNE with perplexity {perplexity:.0f}; seed {_SEED}"
        ),
    )


def purity(kinds: Integers, clusters: Integers) -> float:
    """The share of items that are of the most common kind of their cluster. Many small clusters are always pure."""
    return float(_counted(kinds, clusters).max(axis=0).sum() / len(kinds))


def adjusted_rand(kinds: Integers, clusters: Integers) -> float:
    """Pairs on which two partitions agree, above what chance would (Hubert & Arabie 1985); 1 where they are equal."""
    table = _counted(kinds, clusters)
    both, first, second = (float(_pairs(part).sum()) for part in (table, table.sum(axis=1), table.sum(axis=0)))
    by_chance = first * second / max(1.0, _pairs(len(kinds)))
    most = (first + second) / 2
    return 1.0 if most == by_chance else (both - by_chance) / (most - by_chance)


def _judged(method: str, found: Any, labels: Integers, kinds: dict[str, Any]) -> Clustering:
    clusters = np.asarray(found, np.int64)
    as_numbers = np.unique(clusters, return_inverse=True)[1]  # those outside become a cluster of their own
    return Clustering(
        method=method,
        clusters=clusters,
        count=len(set(clusters.tolist()) - {_NOISE}),
        outside=int((clusters == _NOISE).sum()),
        purity={name: _interval(purity, kind, as_numbers, labels) for name, kind in kinds.items()},
        adjusted_rand={name: _interval(adjusted_rand, kind, as_numbers, labels) for name, kind in kinds.items()},
    )


def _interval(
    measure: Callable[[Integers, Integers], float], kinds: Any, clusters: Integers, labels: Integers
) -> Interval:
    truth = np.unique(np.asarray(kinds), return_inverse=True)[1]

    def over(_: Floats, drawn: Floats) -> float:
        which = drawn.astype(np.int64)
        return measure(truth[which], clusters[which])

    return metrics.bootstrap(over, labels, np.arange(len(labels)))


def _counted(kinds: Integers, clusters: Integers) -> Integers:
    """How many of each kind are in each cluster."""
    shape = (int(kinds.max()) + 1, int(clusters.max()) + 1)
    return np.bincount(kinds * shape[1] + clusters, minlength=shape[0] * shape[1]).reshape(shape)


def _pairs(counts: Any) -> Any:
    return counts * (counts - 1) / 2


def _of_length_one(vectors: NDArray[np.float32]) -> Floats:
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
