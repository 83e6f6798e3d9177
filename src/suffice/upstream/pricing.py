"""What an attempt cost."""

from suffice.vocabulary import Price, Usage, Usd

TOKENS_PER_PRICE = 1_000_000


def cost(price: Price, usage: Usage) -> Usd:
    """What `usage` costs at `price`, in USD.

    Cached prompt tokens cost `price.cached_input` where the price has one. More cached than prompt tokens, as some
    servers report, count as a wholly cached prompt; negative counts as none.
    """
    prompt = max(0, usage.prompt_tokens)
    cached = min(max(0, usage.cached_tokens), prompt)
    cached_price = price.input if price.cached_input is None else price.cached_input
    output = max(0, usage.completion_tokens) * price.output
    return Usd(((prompt - cached) * price.input + cached * cached_price + output) / TOKENS_PER_PRICE)
