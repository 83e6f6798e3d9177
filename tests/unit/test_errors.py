import inspect
import re
from http import HTTPStatus

import pytest

from suffice import errors
from suffice.errors import (
    ConfigError,
    MethodNotAllowedError,
    Mistake,
    NoTierError,
    OverloadedError,
    RequestError,
    ShuttingDownError,
    SufficeError,
    UnknownModelError,
    UpstreamBusyError,
    UpstreamError,
    UpstreamTimeoutError,
)

CLASSES = [member for _, member in inspect.getmembers(errors, inspect.isclass) if issubclass(member, SufficeError)]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn = {
        match["name"]: match["status"]
        for match in re.finditer(r"(?P<name>[A-Z]\w+Error)(?: +(?P<status>\d{3}))?", errors.__doc__ or "")
    }

    assert set(drawn) == {member.__name__ for member in CLASSES}
    for member in CLASSES:
        if drawn[member.__name__]:
            assert member.status == int(drawn[member.__name__]), member.__name__


@pytest.mark.parametrize("member", CLASSES, ids=lambda member: member.__name__)
def test_every_error_has_the_three_fields_that_clients_read(member: type[SufficeError]) -> None:
    assert isinstance(member.status, HTTPStatus)
    assert re.fullmatch(r"[a-z_]+", member.type)
    assert re.fullmatch(r"[a-z_]+", member.code)


@pytest.mark.parametrize(
    ("member", "parent"),
    [(NoTierError, RequestError), (MethodNotAllowedError, RequestError), (UpstreamTimeoutError, UpstreamError)],
)
def test_whoever_handles_the_kind_handles_the_case(member: type[SufficeError], parent: type[SufficeError]) -> None:
    assert issubclass(member, parent)


def test_a_request_error_has_its_own_code_unless_told_another() -> None:
    assert RequestError("no").code == "invalid_request"
    assert RequestError("no", code="invalid_http").code == "invalid_http"
    assert NoTierError("no", param="tools").code == "no_tier_can_serve"


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    error = UnknownModelError("gpt-9", ["auto", "small"])

    assert str(error) == "unknown model 'gpt-9'; use one of auto, small"
    assert error.param == "model"


@pytest.mark.parametrize(
    ("error", "retry_after_s"),
    [
        (OverloadedError("full", retry_after_s=2.0), 2.0),
        (ShuttingDownError(), 1.0),
        (UpstreamBusyError("busy", retry_after_s=3.5), 3.5),
        (UpstreamError("down"), None),
    ],
)
def test_errors_that_pass_say_when_to_come_back(error: SufficeError, retry_after_s: float | None) -> None:
    assert error.retry_after_s == retry_after_s


@pytest.mark.parametrize(
    ("mistake", "line"),
    [
        (Mistake("server.port", "x", "give a number"), "server.port: 'x': give a number"),
        (Mistake("server.port", 70_000, "at most 65535", 7), "server.port (line 7): 70000: at most 65535"),
    ],
)
def test_a_mistake_is_one_line_with_path_value_and_remedy(mistake: Mistake, line: str) -> None:
    assert str(mistake) == line


@pytest.mark.parametrize(("n", "head"), [(1, "1 mistake in a.yaml"), (2, "2 mistakes in a.yaml")])
def test_a_configuration_error_lists_every_mistake(n: int, head: str) -> None:
    mistakes = [Mistake(f"key{index}", index, "no") for index in range(n)]

    error = ConfigError(mistakes, source="a.yaml")

    assert str(error).splitlines() == [head, *(f"  {mistake}" for mistake in mistakes)]
    assert error.mistakes == tuple(mistakes)
