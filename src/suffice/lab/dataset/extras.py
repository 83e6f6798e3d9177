"""Packages of the extra `lab`, loaded where they are needed, so that the rest works without them."""

from importlib import import_module
from typing import Any

from suffice.errors import DatasetError


def load(module: str, *, purpose: str) -> Any:
    """A module of the extra.

    Args:
        module: Its full name.
        purpose: What needs it, for the message.

    Raises:
        DatasetError: It is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise DatasetError(f"{purpose} need {package}, of the extra `lab`: pip install 'suffice[lab]'") from error
