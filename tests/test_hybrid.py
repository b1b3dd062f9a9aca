"""The hybrid: equal to the networks where metadata carry nothing, better where they do, and one graph everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from unmask import __version__, metrics
from unmask.baseline_model import Facts
from unmask.card import Calibration, Thresholds
from unmask.errors import BundleError, UsageError
from unmask.hybrid import FILE, GOLDEN, JOINT, MODEL, Hybrid, HybridCard, Network, facts, read, said
from unmask.hybrid_fit import (
    NETWORKS,
    Examples,
    Fitted,
    Kind,
    calibrated,
    fit,
    gain,
    out_of_fold,
    where_it_helps,
    write,
)
from unmask.types import Label, ModelUsed, Report, Score, Source, Status, Verdict

KINDS: tuple[Kind, ...] = ("logistic", "trees")


@pytest.fixture(scope="module", autouse=True)
def _few_resamples() -> Iterator[None]:
    """Intervals as rough as tests need them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "RESAMPLES", 200)
        yield


def drawn(seed: int, *, honest: float, forged: float, count: int = 240) -> Examples:
    """Files that networks tell apart fairly well, and whose metadata are honest, forged or absent, two of a group."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) // 2 % 2
    said: list[Facts] = []
    for label in labels:
        worn = rng.choice(3, p=(honest, forged, 1 - honest - forged))
        camera = worn != 2 and (label == 0) == (worn == 0)
        generator = worn != 2 and not camera
        said.append(
            {
                JOINT: float(rng.normal(2.5 * label - 1.2, 1.3)),
                "metadata: has camera": float(camera),
                "metadata: declared": float(generator),
                "metadata: exif entries": float(rng.integers(8, 13)) * camera,
                "compression: quality": 75.0,
            }
        )
    return Examples(said, labels.astype(float), tuple(f"pair {number // 2}" for number in range(count)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("honest", "forged"), [(0.0, 0.0), (0.3, 0.3)], ids=["stripped", "at random"])
def test_where_metadata_carry_nothing_it_says_what_the_networks_say(kind: Kind, honest: float, forged: float) -> None:
    examples = drawn(0, honest=honest, forged=forged)
    fitted, unseen = where_it_helps(examples, kind)
    assert fitted is NETWORKS
    assert gain(examples, examples.networks, unseen).gain == (0.0, 0.0, 0.0)
    others = drawn(10, honest=honest, forged=forged)
    assert np.array_equal(fitted.logits(others.facts), others.networks)


@pytest.mark.parametrize("kind", KINDS)
def test_where_metadata_carry_signal_it_gains(kind: Kind) -> None:
    examples = drawn(1, honest=0.6, forged=0.1)
    fitted, unseen = where_it_helps(examples, kind)
    by_metadata = out_of_fold(examples, lambda part: fit(part, kind, "metadata"))
    found = gain(examples, examples.networks, unseen)
    assert found.gain.low > 0
    assert found.after.value > metrics.auc(examples.labels, by_metadata)
    others = drawn(11, honest=0.6, forged=0.1)
    assert gain(others, others.networks, fitted.logits(others.facts)).gain.low > 0


def test_no_file_is_judged_by_a_model_that_saw_its_group() -> None:
    examples = drawn(2, honest=0.5, forged=0.0, count=80)
    seen: list[set[str]] = []

    def learn(part: Examples) -> Fitted:
        seen.append(set(part.groups))
        return NETWORKS

    scores = out_of_fold(examples, learn)
    assert np.array_equal(scores, examples.networks)
    assert len(seen) == 5
    groups = set(examples.groups)
    assert all(groups - one for one in seen)
    assert set().union(*(groups - one for one in seen)) == groups
    assert sum(len(groups - one) for one in seen) == len(groups), "every group is set aside once, whole"


def card(kind: Kind, examples: Examples) -> HybridCard:
    return HybridCard(
        version=__version__,
        kind=kind,
        summary="drawn",
        networks=(Network(name="face", sha256="1" * 64),),
        rule="as learned",
        terms=fit(examples, kind).terms,
        learned_on="drawn",
        calibration=Calibration(set="drawn", temperature=1.0, bias=0.0, reals=1, fakes=1),
        thresholds=Thresholds(fake_above=0.8, real_below=0.2, chosen="by hand"),
        sha256="",
    )


@pytest.fixture(params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    examples = drawn(3, honest=0.5, forged=0.1)
    write(tmp_path, card(request.param, examples), fit(examples, request.param), examples.facts)
    return tmp_path


def test_the_graph_computes_what_was_learned(folder: Path) -> None:
    loaded = Hybrid(folder)
    learned = drawn(3, honest=0.5, forged=0.1)
    others = drawn(4, honest=0.2, forged=0.4, count=60)
    expected = fit(learned, loaded.card.kind).logits(others.facts)
    assert np.allclose(loaded.logits(others.facts), expected, atol=1e-3)


def test_learning_again_gives_the_same_bytes(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    examples, kind = drawn(3, honest=0.5, forged=0.1), read(folder).kind
    again = tmp_path_factory.mktemp("again")
    write(again, card(kind, examples), fit(examples, kind), examples.facts)
    assert (again / MODEL).read_bytes() == (folder / MODEL).read_bytes()
    assert (again / FILE).read_text() == (folder / FILE).read_text()


def test_a_damaged_hybrid_is_refused(folder: Path) -> None:
    written = json.loads((folder / FILE).read_text("utf-8"))
    (folder / MODEL).write_bytes((folder / MODEL).read_bytes() + b"\0")
    with pytest.raises(BundleError, match=r"not the one that its hybrid\.json describes"):
        Hybrid(folder)
    (folder / FILE).write_text(json.dumps({**written, "kind": "guess"}))
    with pytest.raises(BundleError, match="is not valid"):
        Hybrid(folder)
    with pytest.raises(UsageError, match="holds no hybrid"):
        Hybrid(folder / "nowhere")


def test_a_golden_file_that_does_not_fit_is_refused(folder: Path) -> None:
    with (folder / GOLDEN).open("rb") as file, np.load(file) as arrays:
        kept = dict(arrays)
    np.savez(folder / GOLDEN, table=kept["table"], logit=kept["logit"] + 0.01)
    with pytest.raises(BundleError, match="does not compute here what it was learned to"):
        Hybrid(folder)
    (folder / GOLDEN).write_bytes(b"PK no archive")
    with pytest.raises(BundleError, match="cannot be replayed"):
        Hybrid(folder)


def test_other_networks_are_refused(folder: Path) -> None:
    loaded = Hybrid(folder)
    loaded.demand({"face": "1" * 64, "of voices": "2" * 64}, "as learned")
    with pytest.raises(UsageError, match="where its networks decided otherwise"):
        loaded.demand({"face": "1" * 64, "another": "2" * 64}, "otherwise")
    for networks in ({"face": "2" * 64}, {}):
        with pytest.raises(UsageError, match=r"learned on other networks than those loaded \(face\)"):
            loaded.demand(networks, "as learned")


def test_metadata_that_do_not_help_make_no_hybrid(tmp_path: Path) -> None:
    examples = drawn(5, honest=0.0, forged=0.0)
    with pytest.raises(UsageError, match="so there is no hybrid"):
        write(tmp_path, card("logistic", examples), where_it_helps(examples, "logistic").fitted, examples.facts)


def test_calibration_makes_probabilities_of_scores() -> None:
    examples = drawn(6, honest=0.4, forged=0.1)
    calibration, probabilities = calibrated(examples, examples.networks, "drawn")
    assert calibration.set == "drawn"
    assert metrics.calibration_error(examples.labels, probabilities) < 0.1
    assert 0 < probabilities.min() < 0.5 < probabilities.max() < 1


def report(probability: float | None) -> Report:
    used = ModelUsed(name="face", version="1", sha256="1" * 64, calibration_set="x", fake_above=0.8, real_below=0.2)
    scores = {} if probability is None else {"face": Score(logit=3.0, probability=probability)}
    verdict = Verdict(
        label=Label.UNCERTAIN,
        probability=probability,
        reason="drawn",
        detector=None if probability is None else "face",
    )
    return Report(source=Source(path="a"), status=Status.OK, verdict=verdict, scores=scores, models=(used,))


def test_what_networks_say_is_the_calibrated_logit_of_who_decided() -> None:
    assert said(report(0.5)) == {JOINT: 0.0, "network: face": 3.0}
    assert said(report(1.0))[JOINT] == pytest.approx(13.8, abs=0.1)
    assert said(report(None)) == {}


def test_size_length_and_format_are_not_read() -> None:
    numbers = {name: {"x": 1.0} for name in ("size", "bytes", "format", "compression", "metadata")}
    assert set(facts(report(0.5), numbers)) == {JOINT, "network: face", "compression: x", "metadata: x"}
