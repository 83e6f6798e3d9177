"""What a conversation's past says of its next turn, and what is kept of this one."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from suffice.caching.conversations import Conversation, ConversationStore, Prefixes, owner_key, session_key
from suffice.caching.decisions import DecisionCache, Escalations
from suffice.pipeline.arrival import Arrival
from suffice.pipeline.reading import Reading
from suffice.policy.config import MemoryConfig
from suffice.policy.inherit import aged_count, carried_weight, holds, repeats_enough
from suffice.vocabulary import TierName
from suffice.wire.answer import Assembly


class Recall(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of the conversation that a request continues, or begins."""

    session: str
    prefixes: Prefixes
    key: bytes | None
    """Of an explicit session; else the conversation is kept under the prefix that its answer makes."""
    last_tier: TierName | None = None
    """That served the request before; None: nothing is remembered."""
    escalation_weight: float = 0.0
    """Aged to this request."""
    escalated_to: TierName | None = None

    @property
    def escalation_floor(self) -> TierName | None:
        """The tier that earlier escalations still hold the conversation on."""
        return self.escalated_to if holds(self.escalation_weight) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Conversations and escalations, kept between requests."""

    conversations: ConversationStore
    decisions: DecisionCache | None
    config: MemoryConfig
    clock: Callable[[], float]
    owners: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """What stands for each in the keys of conversations; there are as many as API keys and profiles."""

    def recall(self, arrival: Arrival, reading: Reading, *, profile: str | None) -> Recall:
        """Find the conversation that a request continues."""
        owner = f"{arrival.key_id}\0{profile}"
        known_owner = self.owners.get(owner)
        if known_owner is None:
            known_owner = self.owners[owner] = owner_key(owner)
        prefixes = reading.prefixes.owned_by(known_owner)
        if arrival.session is not None:
            key = session_key(arrival.session, owner=owner)
            known, session = self.conversations.find([key]), arrival.session
        else:
            key, known = None, self.conversations.find(prefixes.answered)
            continues = known is not None and self.conversations.claim(prefixes.answered[0], prefixes.whole)
            session = known.session if known is not None and continues else arrival.request_id
        if known is None:
            return Recall(session=session, prefixes=prefixes, key=key)
        weight = carried_weight(
            known.escalation_weight,
            new_turn=not reading.features.in_tool_loop,
            escalated=False,
            decay=self.config.turn_decay,
        )
        return Recall(
            session=session,
            prefixes=prefixes,
            key=key,
            last_tier=known.tier,
            escalation_weight=weight,
            escalated_to=known.escalated_to,
        )

    def remember(self, recall: Recall, assembly: Assembly, *, tier: TierName, escalated: bool) -> None:
        """Keep where the conversation stands after an answer.

        Args:
            recall: What was known before it.
            assembly: The answer.
            tier: That gave it.
            escalated: A lower tier's answer was rejected for it.
        """
        key = recall.key or recall.prefixes.with_answer(assembly.text, assembly.tool_calls)
        state = Conversation(
            session=recall.session,
            tier=tier,
            escalation_weight=recall.escalation_weight + (1.0 if escalated else 0.0),
            escalated_to=tier if escalated else recall.escalated_to,
        )
        self.conversations.put(key, state)

    def remember_escalation(self, prompt: bytes, *, to: TierName) -> None:
        """Count an escalation of a prompt.

        Args:
            prompt: Digest of its messages.
            to: Where it ended.
        """
        if self.decisions is None:
            return
        escalations = Escalations(count=self._aged_count(prompt) + 1.0, at=self.clock(), to=to)
        self.decisions.put_escalations(prompt, escalations)

    def escalated_prompt(self, prompt: bytes) -> TierName | None:
        """Where this very prompt was escalated to, often and lately enough to go there at once."""
        known = self.decisions.escalations(prompt) if self.decisions is not None else None
        return known.to if known and repeats_enough(self._aged_count(prompt), self.config.repeats) else None

    def _aged_count(self, prompt: bytes) -> float:
        known = self.decisions.escalations(prompt) if self.decisions is not None else None
        return aged_count(known.count, self.clock() - known.at, self.config.half_life_s) if known else 0.0
