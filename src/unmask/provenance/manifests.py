"""What the manifests of Content Credentials say: of the file itself, and of what it was made from.

Source: C2PA specification 2.2, actions and ingredients, as c2pa-rs writes them in JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from unmask.provenance.account import declaring, entry
from unmask.provenance.source_type import known
from unmask.statements import Entry, Finding
from unmask.words import Backing, Extent

_WHERE: Final = "Content Credentials"
_MANIFESTS: Final = 50
_ACTIONS: Final = 100
_DEPTH: Final = 10


def failures(store: Mapping[str, Any]) -> dict[str, str]:
    """Why the active manifest does not hold: the library's codes with their meaning, those about the signer last."""
    results = store.get("validation_results") or {}
    active = results.get("activeManifest") or {}
    found = {
        str(one.get("code")): str(one.get("explanation") or one.get("code")) for one in active.get("failure") or []
    }
    return dict(sorted(found.items(), key=lambda item: item[0].startswith("signingCredential")))


def signer(manifest: Mapping[str, Any]) -> str:
    """Who signed a manifest, as they call themselves."""
    signature = manifest.get("signature_info") or {}
    issuer = str(signature.get("issuer") or "")
    name = str(signature.get("common_name") or issuer or "an unnamed signer")
    return f"{name} ({issuer})" if issuer and issuer != name else name


def declared(store: Mapping[str, Any], backing: Backing) -> list[Finding]:
    """A declaration for each source type of the active manifest, and of what it was made from, that names a model.

    Words are those of who signed the manifest in which they stand: who signed the file only passes an ingredient on.

    Args:
        store: What the library reports.
        backing: What stands behind the active manifest.
    """
    manifests = store.get("manifests") or {}
    label = str(store.get("active_manifest"))
    broken, trusted = _broken_ingredients(store), {label, *_trusted_ingredients(store)}
    found: dict[tuple[str, str], Finding] = {}
    for said_in, where, value, extent in _types(manifests, label, broken, Extent.WHOLE, set(), 0):
        words = f"{where}: digitalSourceType {value.rstrip('/').rpartition('/')[2]}"
        by, behind = signer(manifests[said_in]), backing if said_in in trusted else Backing.UNKNOWN_SIGNER
        one = declaring("credential-declares-model", _WHERE, words, by=by, extent=extent, backing=behind)
        found.setdefault((value, extent), one)
    return list(found.values())


def _types(
    manifests: Mapping[str, Any], label: str, broken: set[str], reach: Extent, seen: set[str], depth: int
) -> Iterator[tuple[str, str, str, Extent]]:
    """Source types that name a model: in which manifest, where, the words, and how much of the file they are about.

    What a file was opened from (its parent) passes all of its making on; what was put into it makes a part of it; what
    was only given to a model as an example, none.
    """
    manifest = manifests.get(label)
    if not isinstance(manifest, dict) or label in seen or depth > _DEPTH:
        return
    seen.add(label)
    for action in _actions(manifest):
        value = str(action.get("digitalSourceType") or "")
        said = known(value)
        if said and said.made:
            name = str(action.get("action"))
            whole = said.made is Extent.WHOLE and name in ("c2pa.created", "c2pa.published", "c2pa.converted")
            agent = _agent(action.get("softwareAgent"))
            yield label, f"{name}{f' by {agent}' if agent else ''}", value, reach if whole else Extent.PART
    for ingredient in _list(manifest.get("ingredients")):
        relation, inner = ingredient.get("relationship"), str(ingredient.get("active_manifest") or "")
        if relation in ("parentOf", "componentOf") and inner and inner not in broken:
            further = reach if relation == "parentOf" else Extent.PART
            for said_in, where, value, extent in _types(manifests, inner, broken, further, seen, depth + 1):
                yield said_in, f"ingredient {ingredient.get('title') or inner}: {where}", value, extent


def _broken_ingredients(store: Mapping[str, Any]) -> set[str]:
    """Labels of ingredients' manifests that did not hold when they were checked."""
    found = set()
    deltas = _list((store.get("validation_results") or {}).get("ingredientDeltas"))
    newly = [one for delta in deltas for one in _list((delta.get("validationDeltas") or {}).get("failure"))]
    unsound = any(not str(one.get("code")).startswith("signingCredential.") for one in newly)
    for manifest in list((store.get("manifests") or {}).values())[:_MANIFESTS]:
        for ingredient in _list(manifest.get("ingredients") if isinstance(manifest, dict) else None):
            results = (ingredient.get("validation_results") or {}).get("activeManifest") or {}
            codes = [
                str(one.get("code"))
                for one in _list(results.get("failure")) + _list(ingredient.get("validation_status"))
            ]
            if unsound or any(not code.startswith("signingCredential.untrusted") for code in codes):
                found.add(str(ingredient.get("active_manifest")))
    return found


def _trusted_ingredients(store: Mapping[str, Any]) -> set[str]:
    """Labels of ingredients' manifests whose signers are on the list that the user named.

    The library tells only what differs from what was found when the file was signed. Of that the active manifest's
    record counts, whose signer is trusted; an ingredient's own record of its ingredients is its own word.
    """
    active = (store.get("manifests") or {}).get(store.get("active_manifest")) or {}
    trusted = set()
    for one in _list(active.get("ingredients")):
        results = (one.get("validation_results") or {}).get("activeManifest") or {}
        if any(found.get("code") == "signingCredential.trusted" for found in _list(results.get("success"))):
            trusted.add(str(one.get("active_manifest")))
    for delta in _list((store.get("validation_results") or {}).get("ingredientDeltas")):
        changed = delta.get("validationDeltas") or {}
        trusted |= _signed_with(changed.get("success"), "signingCredential.trusted")
        trusted -= _signed_with(changed.get("failure"), "signingCredential.untrusted")
    return trusted


def _signed_with(results: object, code: str) -> set[str]:
    """Labels of the manifests whose signature has this code: "self#jumbf=/c2pa/<label>/c2pa.signature"."""
    parts = (str(one.get("url")).split("/") for one in _list(results) if one.get("code") == code)
    return {part[-2] for part in parts if len(part) >= 2}


def digest(store: Mapping[str, Any], failed: Mapping[str, str]) -> Iterator[Entry]:
    """The store as lines of the tree: state, then manifest by manifest, the active one first."""
    yield entry("state", store.get("validation_state"))
    for code, why in failed.items():
        yield entry("failure", f"{code}: {why}")
    active = store.get("active_manifest")
    manifests = store.get("manifests") or {}
    ordered = sorted(manifests.items(), key=lambda item: item[0] != active)
    for label, manifest in ordered[:_MANIFESTS]:
        if isinstance(manifest, dict):
            yield entry("active manifest" if label == active else "manifest", label, _lines(manifest))


def _lines(manifest: Mapping[str, Any]) -> Iterator[Entry]:
    for name in ("title", "format", "instance_id"):
        if manifest.get(name):
            yield entry(name.replace("_", " "), manifest[name])
    for one in _list(manifest.get("claim_generator_info")):
        yield entry("made by", f"{one.get('name', '')} {one.get('version', '')}")
    if manifest.get("claim_generator"):
        yield entry("made by", manifest["claim_generator"])
    signature = manifest.get("signature_info") or {}
    names = {"common_name": "signer", "issuer": "signer's organisation", "time": "time stamp", "alg": "algorithm"}
    yield entry(
        "signature", entries=[entry(said, signature[name]) for name, said in names.items() if signature.get(name)]
    )
    actions = [_action(one) for one in _actions(manifest)]
    if actions:
        yield entry("actions", entries=actions)
    for one in _list(manifest.get("ingredients")):
        yield entry("ingredient", f"{one.get('title', '')} ({one.get('relationship', '')})")
    other = [
        str(one.get("label")) for one in _list(manifest.get("assertions")) if "actions" not in str(one.get("label"))
    ]
    if other:
        yield entry("further assertions", ", ".join(other[:50]))


def _action(action: Mapping[str, Any]) -> Entry:
    kept = {
        "by": _agent(action.get("softwareAgent")),
        "when": action.get("when"),
        "source type": action.get("digitalSourceType"),
    }
    below = [entry(name, value) for name, value in kept.items() if value]
    if isinstance(action.get("parameters"), dict) and action["parameters"].get("description"):
        below.append(entry("description", action["parameters"]["description"]))
    return entry(str(action.get("action")), entries=below)


def _actions(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for assertion in _list(manifest.get("assertions")):
        data = assertion.get("data")
        if str(assertion.get("label")).startswith("c2pa.actions") and isinstance(data, dict):
            yield from _list(data.get("actions"))[:_ACTIONS]


def _agent(agent: object) -> str:
    if isinstance(agent, dict):
        return f"{agent.get('name', '')} {agent.get('version', '')}".strip()
    return str(agent or "")


def _list(value: object) -> list[dict[str, Any]]:
    """The objects of a JSON array; empty for all else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
