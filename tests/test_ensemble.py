"""Ensembles: pinned to their members, read from beside them, and never half believed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.make_bundle import make_bundle, make_ensemble
from unmask import bundles, ensemble
from unmask.bundles import Bundle
from unmask.card import Calibration, Figure
from unmask.ensemble import Ensemble, Member, Part
from unmask.errors import BundleError


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Bundle, Bundle]:
    return make_bundle(tmp_path / "face"), make_bundle(tmp_path / "picture", name="picture", kind="patch")


@pytest.fixture
def together(pair: tuple[Bundle, Bundle]) -> Ensemble:
    return make_ensemble(*pair)


def test_it_is_called_by_its_members_in_their_order(together: Ensemble) -> None:
    assert together.name == "face+picture"
    assert together.model_copy(update={"members": together.members[::-1]}).name == "picture+face"


def test_it_is_written_beside_the_bundles_and_read_back(together: Ensemble, tmp_path: Path) -> None:
    assert ensemble.read(tmp_path) == together
    assert (tmp_path / "ensemble.json").read_text().startswith('{\n  "ensemble_version": 1,')
    assert ensemble.read(tmp_path / "face") is None


def test_of_finds_it_for_its_members_in_any_order(
    together: Ensemble, pair: tuple[Bundle, Bundle], tmp_path: Path
) -> None:
    other = make_bundle(tmp_path / "elsewhere" / "other", name="other")
    assert ensemble.of(pair) == ensemble.of(pair[::-1]) == ensemble.of([other, *pair]) == together
    assert ensemble.of(pair[:1]) is None
    assert ensemble.of([pair[0], other]) is None
    assert ensemble.of([]) is None
    assert ensemble.of([other]) is None


def test_bundles_are_found_by_a_relative_folder_too(
    together: Ensemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "face")
    assert ensemble.of([bundles.find("."), bundles.find("../picture")]) == together


def test_another_network_under_the_same_name_does_not_fit(
    together: Ensemble, pair: tuple[Bundle, Bundle], tmp_path: Path
) -> None:
    assert together.fits(pair)
    changed = make_bundle(tmp_path / "picture", name="picture", kind="patch", constant=0.5)
    assert not together.fits([pair[0], changed])
    assert ensemble.of([pair[0], changed]) is None
    renamed = pair[0].card.model_copy(update={"name": "other"})
    assert not together.fits([Bundle(pair[0].folder, renamed), pair[1]])


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"ensemble_version": 1}'],
    ids=["empty", "cut off", "binary", "list", "half"],
)
def test_a_damaged_one_is_refused_with_its_path(pair: tuple[Bundle, Bundle], tmp_path: Path, text: bytes) -> None:
    (tmp_path / "ensemble.json").write_bytes(text)
    with pytest.raises(BundleError, match=r"the ensemble .*ensemble\.json is not valid"):
        ensemble.read(tmp_path)
    with pytest.raises(BundleError, match=r"the ensemble .*ensemble\.json is not valid"):
        ensemble.of(pair)


@pytest.mark.parametrize("change", [('_version": 1', '_version": 2'), ('"members"', '"membres"'), ("8.0", "-8.0")])
def test_values_that_cannot_be_are_refused(
    pair: tuple[Bundle, Bundle], tmp_path: Path, change: tuple[str, str]
) -> None:
    make_ensemble(*pair, temperature=8.0)
    path = tmp_path / "ensemble.json"
    before = path.read_text()
    path.write_text(before.replace(*change))
    assert path.read_text() != before
    with pytest.raises(BundleError, match="is not valid"):
        ensemble.read(tmp_path)


def test_one_alone_is_no_ensemble(together: Ensemble) -> None:
    with pytest.raises(ValidationError, match="at least 2 items"):
        Ensemble.model_validate({**together.model_dump(), "members": together.members[:1]})


def test_what_was_written_before_weights_were_known_stays_as_it_was(together: Ensemble, tmp_path: Path) -> None:
    written = (tmp_path / "ensemble.json").read_text()
    assert not {"weights", "leasts", "weighing", "parts"} & set(json.loads(written))
    before = together.model_dump_json(exclude={"weights", "leasts", "weighing", "parts"})
    assert together.sha256 == hashlib.sha256(before.encode()).hexdigest()
    explained = together.model_copy(update={"weighing": "all weigh the same"})
    assert explained.sha256 == together.sha256, "a sentence does not decide"
    assert together.model_copy(update={"weights": (0.7, 0.3)}).sha256 != together.sha256
    assert together.model_copy(update={"leasts": (None, 0.5)}).sha256 != together.sha256


def trio(together: Ensemble, **more: object) -> Ensemble:
    """Of three, the third weighing nothing."""
    third = together.members[1].model_copy(update={"name": "third"})
    part = Part(
        members=("picture", "third"),
        calibration=together.calibration,
        thresholds=together.thresholds.model_copy(update={"fake_above": 0.95}),
    )
    given = {"members": (*together.members, third), "weights": (0.5, 0.5, 0.0), "parts": (part,)}
    return Ensemble.model_validate({**together.model_dump(), **given, **more})


def test_a_part_is_an_ensemble_of_its_own(together: Ensemble, tmp_path: Path) -> None:
    three = trio(together)
    assert three.among({"face", "picture", "third", "stranger"}) is three
    part = three.among({"third", "picture"})
    assert part is not None
    assert (part.name, part.weights, part.thresholds.fake_above) == ("picture+third", (1.0, 0.0), 0.95)
    assert part.leasts == ()
    limited = trio(together, leasts=(None, 0.5, None)).among({"third", "picture"})
    assert limited is not None
    assert limited.leasts == (0.5, None)
    for able in ({"face", "picture"}, {"face"}, set()):
        assert three.among(able) is None
    assert three.weights_among(("third",)) == (), "of those that weigh nothing all weigh the same"
    assert together.weights_among(("face",)) == ()
    three.write(tmp_path)
    assert ensemble.read(tmp_path) == three
    assert three.model_copy(update={"parts": ()}).sha256 != three.sha256


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"weights": (0.5, 0.5)}, "3 members have 2 weights"),
        ({"weights": (1.5, -0.5, 0.0)}, "must not be negative"),
        ({"weights": (0.5, 0.4, 0.0)}, "add up to 1"),
        ({"leasts": (0.5,)}, "3 members have 1 leasts"),
    ],
)
def test_weights_that_cannot_be(together: Ensemble, more: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        trio(together, **more)


@pytest.mark.parametrize("names", [("third", "picture"), ("face", "picture", "third"), ("face", "stranger")])
def test_parts_that_cannot_be(together: Ensemble, names: tuple[str, ...]) -> None:
    part = trio(together).parts[0].model_copy(update={"members": names})
    with pytest.raises(ValidationError, match="is no part of face"):
        trio(together, parts=(part,))


def test_its_hash_is_that_of_what_decides(together: Ensemble) -> None:
    figure = Figure(name="AUC", on="test", value=0.9, command="unmask evaluate")
    assert together.model_copy(update={"metrics": (figure,)}).sha256 == together.sha256
    assert len(together.sha256) == 64
    assert together.version == together.sha256[:8]
    other = Calibration(set="drawn", temperature=1.5, bias=0.0, reals=0, fakes=0)
    for change in (
        {"calibration": other},
        {"members": together.members[::-1]},
        {"members": (*together.members, Member(name="third", sha256="0" * 64, calibration=other))},
        {"thresholds": together.thresholds.model_copy(update={"fake_above": 0.99})},
    ):
        assert together.model_copy(update=change).sha256 != together.sha256
