"""A query as text, for whoever reads it as a whole."""

from suffice.lab.dataset import Query
from suffice.lab.dataset.sources.exchange import read_answer


def write_transcript(query: Query) -> str:
    """A prompt as it stands; a conversation with the role before each message. Images are not in it."""
    messages = query.conversation
    if len(messages) == 1:
        return read_answer(messages[0]) or ""
    return "\n\n".join(f"[{message.get('role')}]\n{read_answer(message) or ''}" for message in messages)
