"""The detectors in use, as the API tells of them, and one hash over all: a report belongs to it. Loads no network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version

from unmask import bundles, clip_rule, ensemble
from unmask.card import Card
from unmask.clip_rule import ClipRule
from unmask.ensemble import Ensemble
from unmask.server.wire import Model, Models


def of(models: Sequence[str]) -> Models:
    """All of an installation.

    Args:
        models: Names and folders, as for `unmask.Scanner`; those that ship when empty.

    Raises:
        UsageError: No such model.
        BundleError: A card is damaged.
    """
    chosen = tuple(one for model in models for one in bundles.find_all(model)) if models else bundles.shipped()
    rules: list[Ensemble | ClipRule | None] = [ensemble.of(chosen), clip_rule.of(chosen)]
    found = [*(_detector(bundle.card) for bundle in chosen), *(_rule(rule) for rule in rules if rule)]
    names = [[model.name, model.sha256] for model in found]
    written = json.dumps([version("unmask"), names]).encode()
    return Models(fingerprint=hashlib.sha256(written).hexdigest(), models=tuple(found))


def _detector(card: Card) -> Model:
    return Model(
        name=card.name,
        version=card.version,
        sha256=card.sha256,
        summary=card.summary,
        licence=card.licence,
        modality=card.modality,
        calibration_set=card.calibration.set,
        fake_above=card.thresholds.fake_above,
        real_below=card.thresholds.real_below,
        card=card.model_dump(mode="json"),
    )


def _rule(rule: Ensemble | ClipRule) -> Model:
    members = ", ".join(member.name for member in rule.members)
    return Model(
        name=rule.name,
        version=rule.version,
        sha256=rule.sha256,
        summary=f"decides where all of its members could judge: {members}",
        licence=None,
        modality=None,
        calibration_set=rule.calibration.set,
        fake_above=rule.thresholds.fake_above,
        real_below=rule.thresholds.real_below,
        card=None,
    )
