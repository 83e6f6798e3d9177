"""`python -m suffice.testing.loopback`: the loopback upstream as a process of its own."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from suffice.testing.loopback.options import Dialect, LoopbackOptions
from suffice.testing.loopback.server import serving


def main(argv: Sequence[str]) -> None:
    """Serve until SIGTERM or SIGINT; prints `listening on http://127.0.0.1:PORT` (or https) when ready."""
    arguments = _parser().parse_args(argv)
    options = LoopbackOptions(
        models=tuple(arguments.model or ["loopback"]),
        name=arguments.name,
        dialect=Dialect(arguments.dialect),
        context_tokens=arguments.context_tokens,
        n_words=arguments.words,
        first_token_s=arguments.first_token_s,
        tokens_per_s=arguments.tokens_per_s,
        slots=arguments.slots,
        always=arguments.always,
        echo=arguments.echo,
        api_key=arguments.api_key,
        certificate=arguments.certificate,
    )
    uvloop.run(_serve(options, arguments.port))


async def _serve(options: LoopbackOptions, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(options, port=port) as (_, address):
        sys.stdout.write(f"listening on {address}\n")
        sys.stdout.flush()
        await stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m suffice.testing.loopback", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--model", action="append", help="a name it answers to; may be given again")
    parser.add_argument("--name", default="loopback", help="what directives call this server")
    parser.add_argument("--dialect", choices=[dialect.value for dialect in Dialect], default=Dialect.OPENAI.value)
    parser.add_argument("--context-tokens", type=int, default=8192)
    parser.add_argument("--words", type=int, default=12, help="length of an answer that nothing else limits")
    parser.add_argument("--first-token-s", type=float, default=0.0)
    parser.add_argument("--tokens-per-s", type=float, default=None)
    parser.add_argument("--slots", type=int, default=None, help="answers at once; more wait")
    parser.add_argument("--always", default="", help="directives for every request, separated by `;`")
    parser.add_argument("--echo", action="store_true", help="tell in each answer which fields arrived")
    parser.add_argument("--api-key", default=None)
    parser.add_argument("--certificate", type=Path, default=None, help="PEM with chain and private key: serve TLS")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
