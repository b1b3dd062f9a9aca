"""AUC over variants, sources and seeds: what is averaged, what is redrawn together, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from unmask import left_out, metrics
from unmask.errors import UsageError
from unmask.left_out import NOTHING, Areas, Trial, areas, claim, columns, difference, measured
from unmask.manifest import FAKE, REAL
from unmask.scores import Row

REALS, FAKES = 40, {"alpha": 30, "beta": 20}


def rows(left_out: str, seed: int, shift: float = 0.0, noise: float = 0.0) -> list[Row]:
    """Real photos, and fakes that lie higher by a shift of their source's; the noise is the seed's own."""
    drawn, own = np.random.default_rng(7), np.random.default_rng(seed)
    found = [Row(f"real-{n}", REAL, "real", "alpha", logit=float(drawn.normal())) for n in range(REALS)]
    for source, count in FAKES.items():
        height = {"alpha": 1.0, "beta": 0.5}[source] + shift
        fakes = [Row(f"{source}-{n}", FAKE, "gan", source, logit=height + float(drawn.normal())) for n in range(count)]
        found += fakes if left_out in (source, NOTHING) else []
    said = [(one.logit or 0) + noise * own.normal() for one in found]
    return [replace(one, logit=score, detector="net", probability=0.5) for one, score in zip(found, said, strict=True)]


def trials(variant: str = "base", seeds: Sequence[int] = (0, 1, 2), shift: float = 0.0) -> list[Trial]:
    sources = (*FAKES, NOTHING)
    return [Trial(variant, name, seed, rows(name, seed, shift, 0.3)) for name in sources for seed in seeds]


@pytest.fixture(scope="module")
def found() -> Areas:
    return areas([*trials(), *trials("better", shift=0.6)], resamples=300)


def auc(of: Sequence[Row]) -> float:
    return metrics.auc([one.label for one in of], [one.logit for one in of if one.logit is not None])


def test_each_figure_is_the_mean_of_its_seeds(found: Areas) -> None:
    of = measured(found, "base")
    single = {name: [auc(one.rows) for one in trials() if one.left_out == name] for name in (*FAKES, NOTHING)}
    assert list(of) == ["without alpha", "without beta", "mean", "worst", "within"]
    for name, column in (("alpha", "without alpha"), ("beta", "without beta"), (NOTHING, "within")):
        assert of[column].seeds == pytest.approx(single[name])
        assert of[column].value == pytest.approx(np.mean(single[name]))
        assert of[column].low < of[column].value < of[column].high
    both = np.mean([single["alpha"], single["beta"]], axis=0)
    assert of["mean"].seeds == pytest.approx(both)
    assert of["mean"].value == pytest.approx(both.mean())
    assert of["worst"].value == pytest.approx(np.mean(single["beta"]))


def test_the_interval_is_that_of_a_bootstrap() -> None:
    """Of one network, it is the interval that `metrics` finds with redraws of its own."""
    alone = rows("beta", 0)
    area = measured(areas([Trial("base", "beta", 0, alone)], resamples=4000), "base")["without beta"]
    other = metrics.bootstrap(
        metrics.auc, [one.label for one in alone], [one.logit or 0.0 for one in alone], resamples=4000
    )
    assert area.value == pytest.approx(other.value)
    assert (area.low, area.high) == pytest.approx((other.low, other.high), abs=0.01)


def test_two_variants_are_redrawn_together(found: Areas) -> None:
    """So their difference is known better than either."""
    gain, of = difference(found, "better", "base"), measured(found, "better")
    for name in ("without alpha", "without beta", "mean", "worst", "within"):
        assert gain[name].value == pytest.approx(of[name].value - measured(found, "base")[name].value)
        assert 0 < gain[name].low < gain[name].value < gain[name].high
        base, better = (measured(found, one)[name] for one in ("base", "better"))
        apart = np.hypot(base.high - base.low, better.high - better.low)  # as wide as if they were redrawn apart
        assert gain[name].high - gain[name].low < 0.8 * apart
    assert len(gain["mean"].seeds) == 3


def test_a_variant_gains_nothing_over_itself() -> None:
    same = areas([*trials("one", [0]), *trials("two", [0])], resamples=50)
    for area in difference(same, "two", "one").values():
        assert (area.value, area.low, area.high, area.seeds) == (0, 0, 0, (0,))


def test_the_worst_is_sought_in_every_redraw(found: Areas) -> None:
    of = columns(found, "base")
    least = np.minimum(of["without alpha"][0], of["without beta"][0])
    assert (of["worst"][0] == least).all()
    assert (least < of["without beta"][0]).any()


def test_real_photos_are_redrawn_once_for_all_sources() -> None:
    """Two sources with the very same scores: redrawn apart, the interval of their mean would be too narrow."""
    same = [Row(f"real-{n}", REAL, logit=float(n)) for n in range(4)]
    fakes = {name: [Row(f"{name}-{n}", FAKE, source=name, logit=1.5) for n in range(500)] for name in "ab"}
    drawn = columns(areas([Trial("v", name, 0, [*same, *fakes[name]]) for name in "ab"], resamples=50), "v")
    assert drawn["without a"][0] == pytest.approx(drawn["without b"][0])
    assert len(set(drawn["mean"][0].round(6))) > 2


def test_the_redraws_are_the_same_every_time_and_in_any_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = areas(trials(seeds=[0]), resamples=20)
    again = areas(reversed(trials(seeds=[0])), resamples=20)
    assert all((whole.values[key] == again.values[key]).all() for key in whole.values)
    monkeypatch.setattr(left_out, "_CELLS", 7 * (REALS + sum(FAKES.values())))
    portions = areas(trials(seeds=[0]), resamples=20)
    assert portions.values["base", "beta"].shape == (1, 21)
    assert portions.values["base", "beta"][0, 0] == whole.values["base", "beta"][0, 0]


def test_a_generator_of_a_source_may_be_left_out_beside_it() -> None:
    def scored(method: str, n: int) -> Row:
        return Row(f"{method}-{n}", FAKE, method, "alpha", logit=float(n))

    reals = [Row(f"real-{n}", REAL, "real", "alpha", logit=n - 0.5) for n in range(4)]
    gan, diffusion = [scored("gan", n) for n in range(3)], [scored("diffusion", n) for n in range(2)]
    given = [Trial("v", "alpha", 0, [*reals, *gan, *diffusion]), Trial("v", "method:gan", 0, [*reals, *gan])]
    found = areas(given, resamples=30)
    assert found.counts == {"alpha": (4, 5), "method:gan": (4, 3)}
    assert np.isfinite(np.stack(list(found.values.values()))).all()


def test_a_picture_that_one_variant_cannot_score_counts_for_none() -> None:
    whole, part = trials("whole", [0]), trials("part", [0])
    lost = {"real-3", "beta-1", "beta-2"}
    part = [Trial(t.variant, t.left_out, 0, [one for one in t.rows if one.path not in lost]) for t in part]
    found = areas([*whole, *part], resamples=10)
    assert found.dropped == 3
    assert found.counts == {"alpha": (39, 30), "beta": (39, 18), NOTHING: (39, 48)}
    assert (found.values["whole", "beta"] == found.values["part", "beta"]).all()


def test_what_was_never_judged_has_no_rank() -> None:
    given = [Row("r", REAL, logit=0.0), Row("f", FAKE, source="a", logit=1.0), Row("g", FAKE, source="a")]
    assert areas([Trial("v", "a", 0, given)], resamples=5).counts == {"a": (1, 1)}


def test_where_several_detectors_decided_probabilities_are_ranked() -> None:
    def scored(path: str, label: int, detector: str, logit: float, probability: float) -> Row:
        return Row(path, label, source="a", detector=detector, logit=logit, probability=probability)

    given = [scored("r", REAL, "one", 9.0, 0.1), scored("f", FAKE, "two", -9.0, 0.9)]
    assert measured(areas([Trial("v", "a", 0, given)], resamples=5), "v")["without a"].value == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([*trials("a", [0, 1]), *trials("b", [0])], "the same seeds"),
        ([*trials("a", [0]), *trials("a", [0])], "the same seeds"),
        ([], "the same seeds"),
        ([Trial("a", "x", 0, [Row("f", FAKE, source="x", logit=1.0)])], "0 reals and 1 fakes"),
        ([Trial("a", "x", 0, [Row("r", REAL, logit=0.0)])], "1 reals and 0 fakes"),
        ([Trial("a", "x", 0, [Row("r", REAL, logit=0.0), Row("f", FAKE, source="x", logit=float("nan"))])], "number"),
    ],
)
def test_what_cannot_be_compared_is_refused(given: list[Trial], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        areas(given, resamples=5)


def test_a_claim_is_the_mean_over_seeds_with_the_seeds_beside_it() -> None:
    figures = claim([one for one in trials() if one.left_out != NOTHING], "unmask unseen")
    names = ["unseen-generator AUC"] * 2 + ["mean unseen-generator AUC", "worst unseen-generator AUC"]
    assert [figure.name for figure in figures] == names
    alpha, beta, mean, worst = figures
    singles = [auc(rows("beta", seed, noise=0.3)) for seed in range(3)]
    assert beta.value == pytest.approx(np.mean(singles))
    over = f"mean of 3 seeds ({min(singles):.3f} to {max(singles):.3f})"
    assert beta.on == f"fakes of beta against all real photos, by logit of net, {over}"
    assert (beta.reals, beta.fakes) == (REALS, FAKES["beta"])
    assert mean.value == pytest.approx((alpha.value + beta.value) / 2)
    assert mean.on.startswith("2 sources, each held out once, mean of 3 seeds (")
    assert worst.model_copy(update={"name": beta.name}) == beta
    assert {figure.command for figure in figures} == {"unmask unseen"}
