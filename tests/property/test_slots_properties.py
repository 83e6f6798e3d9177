import asyncio

from hypothesis import given
from hypothesis import strategies as st

from suffice.upstream.slots import Slots

# What happens in a run: somebody comes, the n-th task leaves or is cancelled, or the loop turns once.
steps = st.lists(
    st.one_of(
        st.just(("come", 0)),
        st.tuples(st.sampled_from(["leave", "cancel"]), st.integers(0, 30)),
        st.just(("turn", 0)),
    ),
    max_size=60,
)


class _Visitor:
    def __init__(self, slots: Slots, inside: list["_Visitor"]) -> None:
        self._slots = slots
        self._inside = inside
        self.may_leave = asyncio.Event()
        self.task = asyncio.create_task(self._visit())

    async def _visit(self) -> None:
        async with self._slots.hold():
            self._inside.append(self)
            try:
                await self.may_leave.wait()
            finally:
                self._inside.remove(self)


async def _play(n: int, plan: list[tuple[str, int]]) -> tuple[int, int]:
    """Run the plan; returns the most visitors inside at once, and the places free at the end."""
    slots, inside, visitors, most = Slots(n, max_waiting=100), list[_Visitor](), list[_Visitor](), 0
    for action, index in plan:
        if action == "come":
            visitors.append(_Visitor(slots, inside))
        elif action == "turn":
            await asyncio.sleep(0)
        elif index < len(visitors):
            visitor = visitors[index]
            visitor.may_leave.set() if action == "leave" else visitor.task.cancel()
        most = max(most, len(inside))
    for visitor in visitors:
        visitor.may_leave.set()
    await asyncio.wait([visitor.task for visitor in visitors] or [asyncio.create_task(asyncio.sleep(0))])
    assert all(visitor.task.cancelled() or visitor.task.exception() is None for visitor in visitors)
    assert slots.n_waiting == 0
    return most, n - slots.n_taken


@given(n=st.integers(1, 4), plan=steps)
def test_no_cancelled_waiter_loses_a_place_and_no_place_is_taken_twice(n: int, plan: list[tuple[str, int]]) -> None:
    most, free = asyncio.run(_play(n, plan))

    assert most <= n
    assert free == n
