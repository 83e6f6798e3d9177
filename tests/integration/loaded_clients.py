"""Clients that ask without a pause while something is done to the gateway."""

import asyncio
from collections.abc import Callable

import aiohttp

CHAT = "/v1/chat/completions"


async def ask_while(address: str, n_clients: int, act: Callable[[], None], *, key: str | None = None) -> list[str]:
    """Let clients ask, plain and streamed, until something is done.

    Args:
        address: Of the gateway.
        n_clients: How many ask at once; every second one wants streams.
        act: What is done meanwhile; blocks.
        key: Their API key.

    Returns:
        The model of each answer, in the order of each client; an answer that is not as it should be is an error.
    """
    is_over = asyncio.Event()
    headers = {"authorization": f"Bearer {key}"} if key else {}
    connector = aiohttp.TCPConnector(limit=n_clients)
    async with (
        aiohttp.ClientSession(address, connector=connector, headers=headers) as session,
        asyncio.TaskGroup() as tasks,
    ):
        clients = [tasks.create_task(_ask(session, n, is_over)) for n in range(n_clients)]
        try:
            await asyncio.to_thread(act)
        finally:
            is_over.set()
    return [model for client in clients for model in client.result()]


async def _ask(session: aiohttp.ClientSession, number: int, is_over: asyncio.Event) -> list[str]:
    models: list[str] = []
    streams = number % 2 == 0
    while not is_over.is_set() or not models:
        messages = [{"role": "user", "content": f"client {number} asks for the {len(models)}th time"}]
        async with session.post(CHAT, json={"model": "auto", "messages": messages, "stream": streams}) as answer:
            content = await answer.read()
        assert answer.status == 200, content
        assert content.endswith(b"data: [DONE]\n\n") if streams else b'"usage"' in content, content
        models.append(answer.headers["x-suffice-tier"])
    return models
