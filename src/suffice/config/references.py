"""Checks of what sections say of each other by name: profiles, aliases, keys."""

from collections.abc import Collection

from suffice.config.document import Path
from suffice.config.expectations import suggest
from suffice.config.findings import Findings
from suffice.config.ladder import is_automatic
from suffice.config.sections import Config
from suffice.policy.config import AliasConfig

_EMPTY_KEY_HASH = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def check_references(config: Config, findings: Findings) -> None:
    """Check that every name leads somewhere, and to one place only."""
    for name, alias in config.aliases.items():
        _check_alias(name, alias, config, findings)
    _check_keys(config, findings)
    used = {alias.profile for alias in config.aliases.values()} | {key.profile for key in config.auth.keys}
    for name in config.profiles:
        if name not in used:
            findings.warn(("profiles", name), "is chosen by no key and no alias; give one of them `profile:`")


def _check_alias(name: str, alias: AliasConfig, config: Config, findings: Findings) -> None:
    place: Path = ("aliases", name)
    tiers = [tier.name for tier in config.tiers]
    _check_alias_name(name, tiers, place, findings)
    if alias.profile is not None and alias.tier is not None:
        findings.add(place, "has both `profile` and `tier`: keep `profile` to route, `tier` to go there directly")
    if alias.profile is None and alias.tier is None and not findings.is_broken((*place, "profile")):
        findings.add((*place, "tier"), "is missing; give `tier` to go there directly, or `profile` to route")
    _check_alias_model(alias, place, findings)
    if alias.tier is not None and all(tiers):
        _check_known(alias.tier, tiers, (*place, "tier"), findings)
    if alias.profile is not None:
        _check_known(alias.profile, config.profiles, (*place, "profile"), findings)


def _check_alias_name(name: str, tiers: Collection[str], place: Path, findings: Findings) -> None:
    if not name.strip():
        findings.add(place, "is an empty name; give the model name that clients send")
    elif name in tiers:
        findings.add(place, f"hides the tier {name!r}; choose another name, or leave it out: clients can name the tier")
    elif is_automatic(name):
        findings.add(place, "hides the name by which clients ask for routing; choose another")


def _check_alias_model(alias: AliasConfig, place: Path, findings: Findings) -> None:
    if alias.model is not None and alias.tier is None:
        findings.add((*place, "model"), "needs `tier`: it is sent to that tier's servers in place of its model")
    elif alias.model is not None and not alias.model.strip():
        findings.add((*place, "model"), "is empty; give the name that the tier's servers know, or leave it out")


def _check_keys(config: Config, findings: Findings) -> None:
    names: dict[str, int] = {}
    hashes: dict[str, int] = {}
    for index, key in enumerate(config.auth.keys):
        place: Path = ("auth", "keys", index)
        if not key.name.strip():
            findings.add((*place, "name"), "is empty; give the name that records show")
        elif names.setdefault(key.name, index) != index:
            findings.add(
                (*place, "name"), f"is also the name of auth.keys[{names[key.name]}]; records could not tell them apart"
            )
        if key.hash == _EMPTY_KEY_HASH:
            findings.add((*place, "hash"), "is that of an empty key; make one with `suffice key NAME`")
        elif key.hash and hashes.setdefault(key.hash, index) != index:
            findings.add(
                (*place, "hash"), f"is also that of auth.keys[{hashes[key.hash]}]; make another with `suffice key NAME`"
            )
        if key.profile is not None:
            _check_known(key.profile, config.profiles, (*place, "profile"), findings)


def _check_known(name: str, known: Collection[str], path: Path, findings: Findings) -> None:
    if name not in known:
        findings.add(path, f"names no {path[-1]}{suggest(name, known)}")
