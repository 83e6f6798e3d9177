"""The loopback upstream: an OpenAI-compatible server that answers from the request alone."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import msgspec

from suffice.testing.loopback.connection import Connection, Reply
from suffice.testing.loopback.directives import Behaviour, parse_directives
from suffice.testing.loopback.documents import Writer
from suffice.testing.loopback.embeddings import embed, list_models
from suffice.testing.loopback.failures import Refusal, check_context, check_model, ordered_refusal, refuse
from suffice.testing.loopback.generation import generate
from suffice.testing.loopback.ledger import Ledger, Request
from suffice.testing.loopback.options import LoopbackOptions
from suffice.testing.loopback.question import CHAT_PATH, Question, read_question
from suffice.testing.loopback.streaming import encode, events, stream

GENERATING = frozenset({CHAT_PATH, "/v1/completions"})


class Loopback:
    """The server's routes; see `directives` for what a request can make it do."""

    def __init__(self, options: LoopbackOptions) -> None:
        self.options = options
        self.ledger = Ledger()
        self._room = nullcontext() if options.slots is None else asyncio.Semaphore(options.slots)
        self._always = parse_directives(options.always.replace(";", "\n"))

    async def __call__(self, request: Request, reply: Reply) -> None:
        """Answer one request; cancelled when its client leaves."""
        if request.path.startswith("/_"):
            await self._tell(request, reply)
            return
        ledger = self.ledger
        ledger.by_path[request.path] += 1
        ledger.last.append(request)
        ledger.active += 1
        try:
            await self._answer(request, reply)
            ledger.finished += 1
        except asyncio.CancelledError:
            ledger.cancelled += 1
            raise
        finally:
            ledger.active -= 1

    async def _tell(self, request: Request, reply: Reply) -> None:
        documents: dict[str, Any] = {"/_stats": self.ledger.stats, "/_last": self.ledger.last_requests}
        if request.path == "/_reset":
            self.ledger.reset()
        document = documents.get(request.path, self.ledger.stats)()
        await reply.send(200, msgspec.json.encode(document))

    async def _answer(self, request: Request, reply: Reply) -> None:
        options = self.options
        if options.api_key is not None and request.headers.get("authorization") != f"Bearer {options.api_key}":
            await _refuse(reply, refuse(401, "Incorrect API key provided.", options.dialect))
        elif request.path == "/v1/models":
            await reply.send(200, msgspec.json.encode(list_models(options)))
        elif request.path == "/v1/embeddings":
            await self._embed(request, reply)
        elif request.path in GENERATING:
            await self._generate(request, reply)
        else:
            await _refuse(reply, Refusal(status=404, body=b'{"detail":"Not Found"}'))

    async def _embed(self, request: Request, reply: Reply) -> None:
        try:
            fields = msgspec.json.decode(request.body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            await _refuse(reply, refuse(400, f"invalid body: {error}", self.options.dialect))
            return
        self.ledger.by_model[str(fields.get("model"))] += 1
        await reply.send(200, msgspec.json.encode(embed(fields)))

    async def _generate(self, request: Request, reply: Reply) -> None:
        question = read_question(request)
        if isinstance(question, str):
            await _refuse(reply, refuse(400, question, self.options.dialect))
            return
        self.ledger.by_model[question.model] += 1
        behaviour = self._behaviour(question)
        if "drop" in behaviour:
            reply.close()
            return
        if "hang" in behaviour:
            await asyncio.Event().wait()
        async with self._room:
            await self._generate_in_turn(question, reply, behaviour)

    async def _generate_in_turn(self, question: Question, reply: Reply, behaviour: Behaviour) -> None:
        await asyncio.sleep(behaviour.number("sleep") or self.options.first_token_s)
        refusal = (
            ordered_refusal(behaviour, self.options)
            or check_model(question.model, self.options)
            or check_context(question, behaviour, self.options)
        )
        if refusal is not None:
            await _refuse(reply, refusal)
            return
        await self._write(question, reply, behaviour)

    def _behaviour(self, question: Question) -> Behaviour:
        key = f"{question.model}\n{question.last_text}"
        n_seen = self.ledger.by_message[key]
        self.ledger.by_message[key] += 1
        directives = [*self._always, *parse_directives(question.last_text)]
        return Behaviour(directives, names=(self.options.name, question.model), n_seen=lambda: n_seen)

    async def _write(self, question: Question, reply: Reply, behaviour: Behaviour) -> None:
        answers = generate(question, behaviour, n_words=self.options.n_words)
        writer = Writer(question, answers, dialect=self.options.dialect, echo=self.options.echo)
        if not question.stream:
            await self._write_plain(writer, reply, behaviour)
            return
        self.ledger.streams_open += 1
        try:
            garbage = [b"<html>no events here</html>"] if "garbage" in behaviour else None
            await stream(reply, garbage or events(writer, behaviour), behaviour, self.options)
        finally:
            self.ledger.streams_open -= 1

    async def _write_plain(self, writer: Writer, reply: Reply, behaviour: Behaviour) -> None:
        document = writer.whole()
        if self.options.tokens_per_s:
            await asyncio.sleep(document["usage"]["completion_tokens"] / self.options.tokens_per_s)
        if "nousage" in behaviour:
            del document["usage"]
        body = b"<html>no JSON here</html>" if "garbage" in behaviour else encode(document, behaviour)
        if "cut" in behaviour:
            await reply.send(200, body[: len(body) // 2], length=len(body))
        elif "stall" in behaviour:
            await reply.start_stream("application/json")
            await reply.write(body[: len(body) // 2])
            await asyncio.Event().wait()
        else:
            wrong = {"short": len(body) // 2, "long": len(body) + 100}.get(behaviour.text("length") or "")
            await reply.send(200, body, length=wrong)


async def _refuse(reply: Reply, refusal: Refusal) -> None:
    await reply.send(refusal.status, refusal.body, content_type=refusal.content_type, headers=refusal.headers)


@asynccontextmanager
async def serving(options: LoopbackOptions, *, port: int = 0) -> AsyncGenerator[tuple[Loopback, str]]:
    """Serve on 127.0.0.1 within the running loop; gives the server and its address, `http://127.0.0.1:PORT`."""
    loopback = Loopback(options)
    loop = asyncio.get_running_loop()
    tls = None
    if options.certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.certificate)
    server = await loop.create_server(
        lambda: Connection(loopback, loopback.ledger), "127.0.0.1", port, backlog=4096, ssl=tls
    )
    async with server:
        host, bound_port = server.sockets[0].getsockname()[:2]
        yield loopback, f"{'https' if tls else 'http'}://{host}:{bound_port}"
