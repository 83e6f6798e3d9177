"""Plain answers through the gateway equal the direct ones, byte by byte and as the official SDK reads them."""

import asyncio
import json
from typing import Any

import openai
import pytest
from contract_cases import CHAT, COMPLETIONS, Case
from contract_sides import Sides

from suffice.testing import SMALL_MODEL, Server, differences, last_requests, post


@pytest.mark.parametrize("case", CHAT.values(), ids=CHAT.keys())
def test_a_chat_answer_equals_the_direct_one(case: Case, sides: Sides) -> None:
    direct = sides.direct.create(case)

    routed = sides.routed.create(case)

    assert differences(direct.parse().model_dump(), routed.parse().model_dump()) == []
    assert routed.content == direct.content
    assert routed.headers["content-type"] == direct.headers["content-type"]


@pytest.mark.parametrize("case", COMPLETIONS.values(), ids=COMPLETIONS.keys())
def test_a_completion_equals_the_direct_one(case: Case, sides: Sides) -> None:
    direct = sides.direct.create(case, chat=False)

    routed = sides.routed.create(case, chat=False)

    assert differences(direct.parse().model_dump(), routed.parse().model_dump()) == []
    assert routed.content == direct.content


def test_async_answers_at_once_equal_the_direct_ones(sides: Sides) -> None:
    cases = list(CHAT.values())[:12]

    async def ask_all(address: str, model: str) -> list[dict[str, object]]:
        async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="sk-any", max_retries=0) as client:
            create: Any = client.chat.completions.create
            async with asyncio.TaskGroup() as group:
                tasks: list[asyncio.Task[Any]] = [group.create_task(create(model=model, **case)) for case in cases]
            return [task.result().model_dump() for task in tasks]

    direct = asyncio.run(ask_all(sides.direct.address, sides.direct.model))
    routed = asyncio.run(ask_all(sides.routed.address, sides.routed.model))

    assert differences(direct, routed) == []


def test_bytes_that_the_gateway_does_not_understand_arrive_as_they_were_sent(
    small_upstream: Server, gateway: Server
) -> None:
    value = b'[ 1e2,-0.0, 12345678901234567890123,"\\u00e9\\/"]'
    odd = b'{"model":"%s", "x" : ' + value + b' ,"messages":[{"role":"user","content":"odd"}]}'
    direct = post(small_upstream.address, "/v1/chat/completions", odd % SMALL_MODEL.encode())

    routed = post(gateway.address, "/v1/chat/completions", odd % b"small")

    assert routed.body == direct.body
    assert value.decode() in last_requests(small_upstream.address)[-1]["body"]


def test_an_answer_names_its_tier_in_the_headers_and_nothing_of_ours_in_the_body(gateway: Server) -> None:
    body = {"model": "auto@10", "messages": [{"role": "user", "content": "Hello"}]}

    answer = post(gateway.address, "/v1/chat/completions", body)

    assert answer.headers["x-suffice-tier"] == "small"
    assert answer.headers["x-suffice-reason"] == "suffices"
    assert float(answer.headers["x-suffice-cost-usd"]) > 0
    assert "suffice" not in json.loads(answer.body)


def test_the_clients_key_stays_at_the_gateway(small_upstream: Server, gateway: Server) -> None:
    body = {"model": "small", "messages": [{"role": "user", "content": "whose key?"}]}

    post(gateway.address, "/v1/chat/completions", body, headers={"authorization": "Bearer sk-of-the-client"})

    received = last_requests(small_upstream.address)[-1]
    assert "whose key?" in received["body"]
    assert "sk-of-the-client" not in str(received["headers"])
