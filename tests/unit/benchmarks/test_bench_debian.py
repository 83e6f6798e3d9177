import os
from pathlib import Path

import pytest

from plane import debian


def test_what_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)

    assert debian.provide({"no-such-program": "some-package", "sh": "dash"}) == [
        "no-such-program is not installed; apt-get install some-package"
    ]


def test_nothing_is_installed_where_its_service_would_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(debian, "SYSTEMD", tmp_path)

    assert not debian.may_install()
