import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.curate.groups import components, stars

Edges = list[tuple[int, int]]


def ends(edges: Edges) -> tuple[np.ndarray, np.ndarray]:
    return np.array([a for a, _ in edges], int), np.array([b for _, b in edges], int)


def one_by_one(count: int, edges: Edges) -> list[int]:
    """From the best to the worst: who is not yet taken is a keeper and takes its neighbours."""
    keeper = [-1] * count
    for item in range(count):
        if keeper[item] < 0:
            keeper[item] = item
            for other in {a if b == item else b for a, b in edges if item in (a, b)}:
                keeper[other] = item if keeper[other] < 0 else keeper[other]
    return keeper


def test_a_chain_falls_into_stars() -> None:
    chain = [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert stars(5, *ends(chain)).tolist() == [0, 0, 2, 2, 4]
    assert components(5, *ends(chain)).tolist() == [0, 0, 0, 0, 0]


def test_between_two_keepers_the_better_one_counts() -> None:
    assert stars(4, *ends([(3, 1), (0, 3)])).tolist() == [0, 1, 2, 0]
    late = [(0, 1), (1, 2), (2, 4), (3, 4)]  # that 2 is a keeper shows a round after 3 is one
    assert stars(5, *ends(late)).tolist() == [0, 0, 2, 3, 2]


edges = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda e: e[0] != e[1]), max_size=30),
    )
)


@given(edges)
def test_rounds_give_what_one_by_one_gives(graph: tuple[int, Edges]) -> None:
    count, edges = graph
    assert stars(count, *ends(edges)).tolist() == one_by_one(count, edges)


@given(edges)
def test_components_are_named_by_their_best(graph: tuple[int, Edges]) -> None:
    count, edges = graph
    best = list(range(count))
    for _ in range(count):
        for a, b in edges:
            best[a] = best[b] = min(best[a], best[b])
    assert components(count, *ends(edges)).tolist() == best
