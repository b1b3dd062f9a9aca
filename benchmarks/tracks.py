"""How well faces are joined to persons: `python benchmarks/tracks.py CLIPS/manifest.csv [--films 200]`.

Real clips of one person each are looked at five times. Told are how alike two looks at one clip are, against two looks
at two clips of one source, and what becomes of films cut together from two of these clips in turn: how often a track
holds looks at both (worse), and how often one person has two tracks (harmless). Some sources show one person in several
clips, so a part of what counts as mixed is right.
"""

from __future__ import annotations

import argparse
import itertools
from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np
from measured import Row, show
from PIL import Image

from unmask import manifest, metrics, tracks
from unmask.faces import Face, FaceFinder, main_face
from unmask.manifest import REAL
from unmask.modalities import video

LOOKS: Final = 5
APART_S: Final = 1.5

Look = tuple[Image.Image, Face]


def looks(clip: Path, finder: FaceFinder) -> list[Look]:
    """Five looks at the main person of a clip, fewer where none was found."""
    found: list[Look] = []
    with video.opened(clip) as film:
        for still in film.stills(video.evenly(film, LOOKS)):
            face = main_face(finder.find(still.image)[0], *still.image.size)
            found += [(still.image, face)] if face else []
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How well faces are joined to persons.")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--films", type=int, default=200)
    options = parser.parse_args()
    finder = FaceFinder()
    by_source: dict[str, list[list[Look]]] = defaultdict(list)
    for item in manifest.read(options.manifest):
        if item.label == REAL:
            by_source[item.source].append(looks(item.path, finder))
    truth, likeness = [], []
    for clips in by_source.values():
        seen = [(number, tracks.colours(*look)) for number, clip in enumerate(clips) for look in clip]
        for (a, this), (b, that) in itertools.combinations(seen, 2):
            truth.append(float(a == b))
            likeness.append(tracks.alike(this, that))
    same, scores = np.array(truth), np.array(likeness)
    area = metrics.bootstrap(metrics.auc, same, scores, resamples=200)

    rng = np.random.default_rng(0)
    mixed = split = 0
    for _ in range(options.films):
        clips = by_source[str(rng.choice(sorted(by_source)))]
        one, other = (clips[i] for i in rng.permutation(len(clips))[:2])
        film = (
            [(0, x) for x in one[:2]]
            + [(1, x) for x in other[:2]]
            + [(0, x) for x in one[2:]]
            + [(1, x) for x in other[2:]]
        )
        trails = tracks.link((APART_S * i, image, [face]) for i, (_, (image, face)) in enumerate(film))
        mixed += any(len({film[s.frame][0] for s in trail.sightings}) > 1 for trail in trails)
        split += len(trails) > 2
    show(
        f"tracks, {sum(map(len, by_source.values()))} real clips",
        [
            Row("AUC of likeness, one clip against two", f"{area.value:.3f} ({area.low:.3f} to {area.high:.3f})", ""),
            Row(f"looks at one clip from {tracks.ALIKE} on", f"{(scores[same == 1] >= tracks.ALIKE).mean():.1%}", ""),
            Row(f"looks at two clips from {tracks.ALIKE} on", f"{(scores[same == 0] >= tracks.ALIKE).mean():.1%}", ""),
            Row("films of two persons in which a track holds both", f"{mixed} of {options.films}", ""),
            Row("films in which one person has two tracks", f"{split} of {options.films}", ""),
        ],
    )


if __name__ == "__main__":
    main()
