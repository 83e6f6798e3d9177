"""What is wrong between the sections, once each is sound by itself."""

from collections.abc import Mapping
from pathlib import Path

from suffice.config.exposure import check_exposure
from suffice.config.findings import Findings
from suffice.config.ladder import check_tiers
from suffice.config.references import check_references
from suffice.config.scorers import check_scorer
from suffice.config.sections import Config
from suffice.config.servers import check_servers
from suffice.config.thresholds import check_thresholds
from suffice.config.tls import check_tls


def check(config: Config, environ: Mapping[str, str], findings: Findings, *, folder: Path, allow_open: bool) -> None:
    """Add every mistake and warning.

    Args:
        config: The sections, with stand-ins where the file is broken.
        environ: The environment, in which the keys for upstreams stand.
        findings: Takes what is found.
        folder: Where paths in the file begin.
        allow_open: Listening beyond loopback without keys is meant.
    """
    check_tiers(config, findings)
    check_servers(config, environ, findings)
    check_scorer(config, findings)
    check_thresholds(config, findings)
    check_references(config, findings)
    check_tls(config, folder, findings)
    check_exposure(config, findings, allow_open=allow_open)
