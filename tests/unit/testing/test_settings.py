"""Configuration files for gateways under test."""

from pathlib import Path

import yaml

from suffice.testing import write_settings


def test_given_keys_replace_single_settings_and_leave_the_others(tmp_path: Path) -> None:
    path = write_settings(
        tmp_path, small=["http://127.0.0.1:1"], large=["http://127.0.0.1:2"], sections={"routing": {"mode": "observe"}}
    )

    document = yaml.safe_load(path.read_text())
    assert document["routing"] == {"mode": "observe", "max_complexity": {"small": 4.0}}
    assert [tier["base_urls"] for tier in document["tiers"]] == [["http://127.0.0.1:1/v1"], ["http://127.0.0.1:2/v1"]]
