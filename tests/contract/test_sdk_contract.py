"""What people do with the official SDK beyond `create`: parsing, helpers, embeddings, models, errors, retries."""

import time
from collections.abc import Callable
from typing import Any

import openai
import pydantic
import pytest
from contract_cases import CITY_TOOL, OPENAI_SCHEMA_FORMAT, ask
from contract_sides import Side, Sides, without_suffice

from suffice.testing import LARGE_MODEL, SMALL_MODEL, Server, differences, reset


class Address(pydantic.BaseModel):
    street: str


class Person(pydantic.BaseModel):
    name: str
    age: int
    home: Address
    nick: str | None


def raised(side: Side, case: dict[str, Any], **options: Any) -> openai.OpenAIError:
    """The error that the SDK raises for a request."""
    client: Any = side.client.with_options(**options) if options else side.client
    with pytest.raises(openai.OpenAIError) as caught:
        client.chat.completions.create(model=side.model, **case)
    return caught.value


def both(sides: Sides, act: Callable[[Side], Any]) -> tuple[Any, Any]:
    """Do the same on both sides; counts of the upstream begin anew for each."""
    reset(sides.upstream.address)
    direct = act(sides.direct)
    reset(sides.upstream.address)
    return direct, act(sides.routed)


def test_parse_gives_the_same_typed_answer(sides: Sides) -> None:
    def act(side: Side) -> Any:
        parsed = side.client.chat.completions.parse(
            model=side.model, messages=[{"role": "user", "content": "A person"}], response_format=Person
        )
        assert isinstance(parsed.choices[0].message.parsed, Person)
        return parsed.model_dump(warnings=False)  # the SDK puts an instance where its type says None

    direct, routed = both(sides, act)

    assert differences(direct, routed) == []


def test_parse_gives_the_same_typed_tool_call(sides: Sides) -> None:
    def act(side: Side) -> Any:
        parsed = side.client.chat.completions.parse(
            model=side.model,
            messages=[{"role": "user", "content": "A person"}],
            tools=[openai.pydantic_function_tool(Person)],
        )
        calls = parsed.choices[0].message.tool_calls
        assert calls
        assert isinstance(calls[0].function.parsed_arguments, Person)
        return parsed.model_dump(warnings=False)  # the SDK puts an instance where its type says None

    direct, routed = both(sides, act)

    assert differences(direct, routed) == []


@pytest.mark.parametrize(
    "case",
    [ask("Hello"), ask("A person", response_format=OPENAI_SCHEMA_FORMAT), ask("Weather", tools=[CITY_TOOL])],
    ids=["text", "schema", "tools"],
)
def test_the_stream_helper_sees_the_same_events(case: dict[str, Any], sides: Sides) -> None:
    def act(side: Side) -> Any:
        helper: Any = side.client.chat.completions.stream
        # The helper only takes tools that it can parse strictly.
        with helper(model=side.model, **{**case, "tools": _strict(case)}) as stream:
            events = [event.type for event in stream]
            return [*events, stream.get_final_completion().model_dump(warnings=False)]

    direct, routed = both(sides, act)

    assert differences(direct, routed) == []


def _strict(case: dict[str, Any]) -> Any:
    return [openai.pydantic_function_tool(Person)] if "tools" in case else openai.omit


@pytest.mark.parametrize(
    "fields",
    [
        {"input": "one text"},
        {"input": ["two", "texts"]},
        {"input": "floats", "encoding_format": "float"},
        {"input": "short", "dimensions": 3},
        {"input": [1, 2, 3]},
    ],
    ids=["text", "list", "floats", "dimensions", "token ids"],
)
def test_embeddings_pass_untouched(
    fields: dict[str, Any], large_upstream: Server, gateway: Server, clients: dict[str, openai.OpenAI]
) -> None:
    def embed(server: Server) -> Any:
        create: Any = clients[server.address].embeddings.create
        return create(model=LARGE_MODEL, **fields).model_dump()

    assert differences(embed(large_upstream), embed(gateway)) == []


def test_the_model_list_names_tiers_models_and_auto(gateway: Server, clients: dict[str, openai.OpenAI]) -> None:
    listed = clients[gateway.address].models.list().data

    assert {"auto", "small", "large", SMALL_MODEL, LARGE_MODEL} <= {model.id for model in listed}


@pytest.mark.parametrize(
    ("case", "status"),
    [
        (ask("Hello", temperature=5), 400),
        (ask("Hello", top_logprobs=2), 400),
        (ask("!status 400"), 400),
        (ask("!status 409"), 409),
        (ask("!status 413"), 413),
        (ask("!status 422"), 422),
    ],
    ids=["temperature", "logprobs", "400", "409", "413", "422"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_an_error_that_the_client_can_mend_arrives_as_it_was_written(
    case: dict[str, Any],
    status: int,
    stream: bool,  # noqa: FBT001 - a parameter of the test
    sides: Sides,
) -> None:
    direct, routed = both(sides, lambda side: raised(side, {**case, "stream": stream}))

    assert isinstance(direct, openai.APIStatusError)
    assert type(routed) is type(direct)
    assert routed.status_code == direct.status_code == status
    assert differences(direct.body, routed.body) == []
    assert routed.response.content == direct.response.content


@pytest.mark.parametrize("dialect", ["openai", "vllm"])
def test_a_context_error_that_no_tier_can_mend_arrives_as_it_was_written(dialect: str, sides: Sides) -> None:
    case = ask(f"!context 10 {dialect}\n" + "word " * 50)

    direct, routed = both(sides, lambda side: raised(side, case))

    assert isinstance(routed, openai.BadRequestError)
    assert routed.response.content == direct.response.content


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        ("!status 429 0.01", openai.RateLimitError),
        ("!status 500", openai.InternalServerError),
        ("!status 503", openai.InternalServerError),
        ("!drop", openai.InternalServerError),
    ],
)
def test_an_upstreams_failure_is_an_error_of_the_usual_class_and_form(
    order: str, kind: type[openai.APIStatusError], sides: Sides
) -> None:
    error = raised(sides.routed, ask(order))

    assert isinstance(error, kind)
    assert set(error.response.json()["error"]) == {"message", "type", "param", "code"}


def test_an_unknown_model_is_not_found_and_the_known_ones_are_listed(
    gateway: Server, clients: dict[str, openai.OpenAI]
) -> None:
    error = raised(Side(gateway.address, "gpt-unknown", clients[gateway.address]), ask("Hello"))

    assert isinstance(error, openai.NotFoundError)
    assert error.code == "model_not_found"
    assert SMALL_MODEL in error.message


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_clients_own_timeout_works_as_it_does_directly(stream: bool, sides: Sides) -> None:  # noqa: FBT001 - a parameter of the test
    case = {**ask("!sleep 20"), "stream": stream}

    direct, routed = both(sides, lambda side: raised(side, case, timeout=0.3))

    assert type(direct) is type(routed) is openai.APITimeoutError


def test_a_silent_stream_times_out_at_the_client_as_it_does_directly(sides: Sides) -> None:
    def act(side: Side) -> list[str]:
        client = side.client.with_options(timeout=0.5)
        seen: list[str] = []
        chunks = client.chat.completions.create(
            model=side.model, stream=True, messages=[{"role": "user", "content": "!stall 3"}]
        )
        with pytest.raises((openai.APITimeoutError, openai.APIConnectionError, _read_timeout())):
            seen.extend(chunk.choices[0].delta.content or "" for chunk in chunks)
        return seen

    started_at = time.monotonic()
    both(sides, act)

    assert time.monotonic() - started_at < 5


def _read_timeout() -> type[Exception]:
    """The SDK lets its HTTP library's own exception through in the middle of a stream."""
    import httpx2  # noqa: PLC0415 - the SDK's, and only this test's

    return httpx2.ReadTimeout


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_answer_after_failures_equals_the_one_that_the_sdks_own_retries_get(status: int, sides: Sides) -> None:
    def act(side: Side) -> Any:
        client: Any = side.client.with_options(max_retries=2)
        return client.chat.completions.create(model=side.model, **ask(f"!status {status} 0.01 first 2")).model_dump()

    direct, routed = both(sides, act)

    assert differences(direct, routed) == []


def test_leaving_a_stream_early_leaves_the_client_usable(sides: Sides) -> None:
    create: Any = sides.routed.client.chat.completions.create
    stream = create(model=sides.routed.model, stream=True, **ask("!words 500\n!slow 0.01"))
    next(stream)
    stream.close()

    again = create(model=sides.routed.model, **ask("Hello"))

    assert again.choices[0].finish_reason == "stop"


def test_usage_in_a_helper_stream_is_the_direct_one(sides: Sides) -> None:
    case = ask("Hello", stream_options={"include_usage": True})

    direct, routed = both(sides, lambda side: side.stream(case))

    assert differences(direct[-1]["usage"], without_suffice(routed)[-1]["usage"]) == []
