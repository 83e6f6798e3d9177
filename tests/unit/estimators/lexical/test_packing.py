from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from suffice.estimators.lexical.packing import Packing

numbers = st.lists(st.integers(-(2**48), 2**48), min_size=3, max_size=3)
places = st.lists(st.integers(0, 4), unique=True)
items = st.lists(st.tuples(numbers, places), max_size=8)


@given(items=items)
def test_a_sum_of_packed_numbers_holds_the_sum_of_each(items: list[tuple[list[int], list[int]]]) -> None:
    packing = Packing(3, 5)

    found, counts = packing.unpack(sum((packing.pack(*item) for item in items), packing.zero))

    assert list(found) == [sum(item[0][place] for item in items) for place in range(3)]
    assert counts.tolist() == [sum(place in item[1] for item in items) for place in range(5)]


def test_the_order_of_a_sum_does_not_matter() -> None:
    packing = Packing(2, 1)
    packed = [packing.pack([-(2**40), 3], [0]), packing.pack([7, -1]), packing.pack([2**40, 2**47])]

    assert len({sum(order, packing.zero) for order in permutations(packed)}) == 1


def test_without_counts_there_are_none() -> None:
    packing = Packing(1, 0)

    found, counts = packing.unpack(packing.zero + packing.pack([-5]))

    assert (list(found), counts.size) == ([-5], 0)
