"""What a query says, for those who look at words."""

import msgspec

from suffice.errors import RequestError
from suffice.features import read
from suffice.lab.dataset.form import Query
from suffice.lab.dataset.report import RowError
from suffice.policy.config import RoutingConfig
from suffice.vocabulary import Features
from suffice.wire.request import Endpoint, Message, parse

MAX_TURNS = RoutingConfig().max_turns
"""Where no configuration says otherwise."""


def read_user_text(query: Query) -> str:
    """All that the user says, joined by line breaks; what system, assistant and tools say is left out.

    Raises:
        RowError: The messages are not in OpenAI's form.
    """
    if query.messages is None:
        return query.prompt or ""
    try:
        messages = msgspec.convert(query.messages, tuple[Message, ...])
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        field = f"messages{path.strip('`').removeprefix('$')}"
        raise RowError(message.replace("`", ""), field=field, value=query.messages) from error
    return "\n".join(message.text for message in messages if message.role == "user")


def read_features(query: Query, *, max_turns: int = MAX_TURNS) -> Features:
    """What the gateway would know of this query: read from a request by the same code.

    Args:
        query: The query.
        max_turns: Turns looked back at, as `routing.max_turns` of the gateway.

    Raises:
        RowError: The gateway would refuse such messages.
    """
    body = msgspec.json.encode({"model": "auto", "messages": query.conversation})
    try:
        return read(parse(Endpoint.CHAT, body), max_turns=max_turns)
    except RequestError as error:
        raise RowError(str(error), field=error.param, value=query.messages) from error
