"""A client of the gateway as an application would write it: with the official `openai` package."""

from dataclasses import dataclass
from typing import Any, cast

from openai import AsyncOpenAI, OpenAIError
from openai.types.chat import ChatCompletionMessageParam

from suffice.lab.workload import Prompt

_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back for one prompt."""

    answer: str = ""
    tier: str = ""
    """From `x-suffice-tier`."""
    cost_usd: float = 0.0
    """From `x-suffice-cost-usd`, or the usage chunk of a stream."""
    error: str | None = None


class DemoClient:
    """Asks the gateway; every failure is a reply with an error, for the table counts them."""

    def __init__(self, url: str, *, stream: bool = False) -> None:
        self._client = AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=_TIMEOUT_S)
        self._stream = stream

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def ask(self, prompt: Prompt, model: str) -> Reply:
        """Send a prompt; `model` is `auto` or a tier's name."""
        try:
            return await (self._ask_stream(prompt, model) if self._stream else self._ask_plain(prompt, model))
        except OpenAIError as error:
            return Reply(error=str(error))

    async def _ask_plain(self, prompt: Prompt, model: str) -> Reply:
        raw = await self._client.chat.completions.with_raw_response.create(
            model=model, messages=_messages(prompt), max_tokens=prompt.max_tokens, temperature=0.0
        )
        return Reply(
            answer=raw.parse().choices[0].message.content or "",
            tier=raw.headers.get("x-suffice-tier", ""),
            cost_usd=float(raw.headers.get("x-suffice-cost-usd", "0")),
        )

    async def _ask_stream(self, prompt: Prompt, model: str) -> Reply:
        raw = await self._client.chat.completions.with_raw_response.create(
            model=model,
            messages=_messages(prompt),
            max_tokens=prompt.max_tokens,
            temperature=0.0,
            stream=True,
            stream_options={"include_usage": True},
        )
        pieces: list[str] = []
        at_the_end: dict[str, Any] = {}
        async for chunk in raw.parse():
            pieces += [choice.delta.content or "" for choice in chunk.choices]
            at_the_end = (chunk.model_extra or {}).get("suffice") or at_the_end
        return Reply(
            answer="".join(pieces),
            tier=str(at_the_end.get("tier") or raw.headers.get("x-suffice-tier", "")),
            cost_usd=float(at_the_end.get("cost_usd", 0.0)),
        )


def _messages(prompt: Prompt) -> list[ChatCompletionMessageParam]:
    messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
    return cast("list[ChatCompletionMessageParam]", messages)
