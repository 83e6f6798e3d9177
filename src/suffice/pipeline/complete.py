"""A plain answer: whole before anything is sent, so it can be judged whole."""

from suffice.errors import UpstreamBrokenError
from suffice.pipeline.attempting import Held, Running, candidates_of, judge_refusal
from suffice.upstream.call import Exchange
from suffice.wire.answer import parse_answer
from suffice.wire.errors import error_text


def hold_answer(running: Running, exchange: Exchange) -> Held:
    """Read and judge a plain answer.

    Raises:
        UpstreamBrokenError: It is no answer in OpenAI's form.
    """
    if 200 < exchange.status < 300:
        raise UpstreamBrokenError(f"{exchange.replica} answered {exchange.status}, which carries no answer")
    if exchange.status != 200:
        return judge_refusal(running, exchange)
    body = exchange.body or b""
    answer = parse_answer(body)
    if answer is None or not answer.choices:
        said = error_text(answer) or body[:200].decode(errors="replace")
        raise UpstreamBrokenError(f"{exchange.replica} answered with no choices: {said}")
    running.assembly.add(answer)
    running.usage = answer.usage
    running.is_whole = True
    # A plain answer comes whole: its first token is as late as its last.
    running.attempt.first_token_s = running.elapsed_s
    return Held(
        verdict=running.judge(candidates_of(answer)),
        status=exchange.status,
        content_type=exchange.content_type,
        body=body,
    )
