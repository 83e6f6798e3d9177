"""Streams through the gateway equal the direct ones, byte by byte and as the official SDK reads them."""

import asyncio
from typing import Any

import openai
import pytest
from contract_cases import CHAT, COMPLETIONS, SHAPES, Case
from contract_sides import Sides, json_events, without_suffice

from suffice.testing import differences

STREAMS = {**CHAT, **SHAPES}
WITH_USAGE = {name: case for name, case in STREAMS.items() if name != "no usage"}
USAGE: Case = {"stream_options": {"include_usage": True}}


@pytest.mark.parametrize("case", STREAMS.values(), ids=STREAMS.keys())
def test_a_stream_without_usage_has_the_bytes_of_the_direct_one(case: Case, sides: Sides) -> None:
    direct = sides.direct.raw_stream(case)

    routed = sides.routed.raw_stream(case)

    assert routed == direct


@pytest.mark.parametrize("case", WITH_USAGE.values(), ids=WITH_USAGE.keys())
def test_a_stream_with_usage_equals_the_direct_one_but_for_the_suffice_object(case: Case, sides: Sides) -> None:
    direct = json_events(sides.direct.raw_stream(case | USAGE))

    routed = json_events(sides.routed.raw_stream(case | USAGE))

    assert differences(direct, without_suffice(routed)) == []


@pytest.mark.parametrize("case", COMPLETIONS.values(), ids=COMPLETIONS.keys())
def test_a_streamed_completion_has_the_bytes_of_the_direct_one(case: Case, sides: Sides) -> None:
    direct = sides.direct.raw_stream(case, chat=False)

    routed = sides.routed.raw_stream(case, chat=False)

    assert routed == direct


@pytest.mark.parametrize("name", ["hello", "three choices", "five calls", "top logprobs", "reasoning then tools"])
def test_the_sdk_reads_the_same_chunks(name: str, sides: Sides) -> None:
    direct = sides.direct.stream(CHAT[name] | USAGE)

    routed = sides.routed.stream(CHAT[name] | USAGE)

    assert differences(direct, without_suffice(routed)) == []


def test_a_client_that_asks_for_usage_gets_exactly_one_usage_chunk_with_the_cost(sides: Sides) -> None:
    chunks = sides.routed.stream(CHAT["hello"] | USAGE)

    with_usage = [chunk for chunk in chunks if chunk.get("usage")]
    assert len(with_usage) == 1
    assert with_usage[0] is chunks[-1]
    assert with_usage[0]["suffice"]["cost_usd"] > 0


def test_a_usage_chunk_is_made_up_where_the_upstream_sends_none(sides: Sides) -> None:
    direct = json_events(sides.direct.raw_stream(CHAT["no usage"] | USAGE))

    *routed, made_up = json_events(sides.routed.raw_stream(CHAT["no usage"] | USAGE))

    assert differences(direct, routed) == []
    assert made_up["choices"] == []
    assert made_up["usage"]["completion_tokens"] > 0
    assert made_up["suffice"]["cost_usd"] > 0


def test_continuous_usage_is_passed_on_where_it_was_asked_for(sides: Sides) -> None:
    case = CHAT["hello"] | {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}
    direct = json_events(sides.direct.raw_stream(case))

    routed = json_events(sides.routed.raw_stream(case))

    assert differences(direct, without_suffice(routed)) == []


def test_async_streams_at_once_equal_the_direct_ones(sides: Sides) -> None:
    cases = list(CHAT.values())[:12]

    async def read(client: openai.AsyncOpenAI, model: str, case: Case) -> list[dict[str, Any]]:
        chunks: Any = await client.chat.completions.create(model=model, stream=True, **case)
        return [chunk.model_dump() async for chunk in chunks]

    async def read_all(address: str, model: str) -> list[list[dict[str, Any]]]:
        async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="sk-any", max_retries=0) as client:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(read(client, model, case)) for case in cases]
            return [task.result() for task in tasks]

    direct = asyncio.run(read_all(sides.direct.address, sides.direct.model))
    routed = asyncio.run(read_all(sides.routed.address, sides.routed.model))

    assert differences(direct, routed) == []
