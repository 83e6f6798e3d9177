"""Which models `suffice label` calls: tiers of the configuration, and a judge that may be any server."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from suffice.cli.probing import Target as Server
from suffice.cli.probing import probe_all
from suffice.config import Loaded
from suffice.config.loading import Secret
from suffice.errors import ConfigError, Mistake
from suffice.upstream.config import SupportsConfig, TierConfig

JUDGE = "judge"
"""What a judge is called that is none of the tiers."""

_SERVER = re.compile(r"(?P<url>https?://(?:\[[^\]]+\]|[^/:]+)(?::\d+)?(?:/[^:]*)?)(?::(?P<model>.+))?")
_PROBE_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeChoice:
    """The judge that was named."""

    config: TierConfig
    """A tier of the configuration, perhaps with another model, or one made for the occasion."""
    loaded: Loaded
    """The configuration, with the judge's key among its secrets."""
    has_price: bool


def choose_tiers(loaded: Loaded, names: str | None) -> list[TierConfig]:
    """The tiers to label, in the configuration's order, cheapest first.

    Args:
        loaded: The configuration.
        names: Separated by commas; None: the first and the last.

    Raises:
        ConfigError: A name is no tier's.
    """
    tiers = loaded.config.tiers
    if names is None:
        return [tiers[0], tiers[-1]] if len(tiers) > 1 else [tiers[0]]
    wanted = [name.strip() for name in names.split(",")]
    known = [tier.name for tier in tiers]
    mistakes = [
        Mistake("--tiers", name, f"names no tier; use some of {', '.join(known)}")
        for name in wanted
        if name not in known
    ]
    if mistakes:
        raise ConfigError(mistakes, source="the command line")
    return [tier for tier in tiers if tier.name in wanted]


def choose_judge(loaded: Loaded, named: str, key_env: str | None, environ: Mapping[str, str]) -> JudgeChoice:
    """The judge that `TIER[:MODEL]` or `URL[:MODEL]` names.

    Raises:
        ConfigError: It names neither, the server does not tell its models, or its key is not there.
    """
    server = _SERVER.fullmatch(named)
    if server is None:
        return _choose_tier_judge(loaded, named, key_env)
    secrets = {**loaded.secrets, **_read_key(key_env, environ)}
    url = server["url"].rstrip("/")
    base_url = url if url.count("/") > 2 else f"{url}/v1"
    headers = {"authorization": f"Bearer {secrets[key_env].reveal()}"} if key_env else {}
    model = server["model"] or _ask_model(base_url, headers)
    config = TierConfig(
        name=JUDGE, model=model, base_urls=[base_url], api_key_env=key_env, supports=SupportsConfig(logprobs=False)
    )
    return JudgeChoice(config=config, loaded=replace(loaded, secrets=secrets), has_price=False)


def _choose_tier_judge(loaded: Loaded, named: str, key_env: str | None) -> JudgeChoice:
    name, _, model = named.partition(":")
    tier = next((tier for tier in loaded.config.tiers if tier.name == name), None)
    if tier is None:
        known = ", ".join(tier.name for tier in loaded.config.tiers)
        raise _refuse(
            "--judge", named, f"is neither a URL nor a tier; use one of {known}, or http://HOST:PORT/v1:MODEL"
        )
    if key_env is not None:
        raise _refuse("--judge-key-env", key_env, "is for a judge by URL; a tier's key is its api_key_env in the file")
    return JudgeChoice(config=replace(tier, model=model or tier.model), loaded=loaded, has_price=True)


def _read_key(key_env: str | None, environ: Mapping[str, str]) -> dict[str, Secret]:
    if key_env is None:
        return {}
    if not environ.get(key_env):
        raise _refuse("--judge-key-env", key_env, f"is not set in the environment; put the judge's key into {key_env}")
    return {key_env: Secret(environ[key_env])}


def _ask_model(base_url: str, headers: Mapping[str, str]) -> str:
    (probe,) = probe_all(
        [Server(base_url=base_url, headers=headers)], timeout_s=_PROBE_TIMEOUT_S, report=lambda _: None
    )
    if not probe.models:
        remedy = f"{probe.problem or 'lists no model'}; name one: {base_url}:MODEL"
        raise _refuse("--judge", base_url, remedy)
    return probe.models[0].name


def _refuse(option: str, value: object, remedy: str) -> ConfigError:
    return ConfigError([Mistake(option, value, remedy)], source="the command line")
