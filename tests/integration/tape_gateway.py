"""A stand-in for `suffice serve`: tapes behind sockets, routed by length, with the headers the demo reads.

Started as a program it takes `--config FILE` as the real one does.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml
from aiohttp import web

from suffice.upstream.call import Call
from suffice.upstream.config import TapeConfig
from suffice.upstream.recorded import RecordedUpstream
from suffice.vocabulary import TierName
from suffice.wire.sse import DONE, write_event


class TapeGateway:
    """Answers from the tapes of a configuration file; `auto` sends prompts of over 250 characters to the top."""

    def __init__(self, tiers: list[dict[str, Any]]) -> None:
        self._models = {tier["name"]: tier["model"] for tier in tiers}
        self._prices = {tier["name"]: tier["price"] for tier in tiers}
        self._upstreams = {
            tier["name"]: RecordedUpstream(TierName(tier["name"]), TapeConfig(**tier["tape"])) for tier in tiers
        }

    def make_app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        return app

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        tier = body["model"]
        if tier == "auto":
            names = list(self._models)
            tier = names[-1] if len(body["messages"][-1]["content"]) > 250 else names[0]
        body["model"] = self._models[tier]
        stream = bool(body.get("stream"))
        call = Call(path="/chat/completions", body=msgspec.json.encode(body), stream=stream)
        async with self._upstreams[tier].open(call) as exchange:
            headers = {"x-suffice-tier": tier, "content-type": exchange.content_type}
            if exchange.chunks is None:
                assert exchange.body is not None
                headers["x-suffice-cost-usd"] = str(self._cost(tier, exchange.body))
                return web.Response(status=exchange.status, body=exchange.body, headers=headers)
            answer = web.StreamResponse(headers=headers)
            await answer.prepare(request)
            async for chunk in exchange.chunks:
                await answer.write(chunk.removesuffix(DONE))
            last: dict[str, Any] = {
                "id": "x",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "m",
                "choices": [],
            }
            await answer.write(write_event(msgspec.json.encode({**last, "suffice": {"cost_usd": 0.5, "tier": tier}})))
            await answer.write(DONE)
            return answer

    def _cost(self, tier: str, body: bytes) -> float:
        usage = msgspec.json.decode(body).get("usage", {})
        price = self._prices[tier]
        return (usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0)) * price["output"] / 1e6


async def start(config: Path) -> tuple[web.AppRunner, str]:
    document = await asyncio.to_thread(config.read_text)
    runner = web.AppRunner(TapeGateway(yaml.safe_load(document)["tiers"]).make_app(), shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def main() -> None:
    _, url = await start(Path(sys.argv[sys.argv.index("--config") + 1]))
    sys.stdout.write(f"starting\nlistening on {url}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
