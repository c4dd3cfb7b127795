import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pmc15m.figures.components import components


def flood(mask):
    """Boxes and areas of the 8-connected components by plain flood fill, in the order of their first pixel."""
    left, out = {tuple(p) for p in np.argwhere(mask).tolist()}, []
    while left:
        todo = [min(left)]
        left.remove(todo[0])
        seen = []
        while todo:
            y, x = todo.pop()
            seen.append((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            todo += near
        ys, xs = zip(*seen, strict=True)
        out.append(((min(xs), min(ys), max(xs) + 1, max(ys) + 1), len(seen)))
    return out


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_components_are_those_of_a_flood_fill(mask):
    boxes, areas = components(mask)
    found = list(zip(map(tuple, boxes.tolist()), areas.tolist(), strict=True))
    assert sorted(found) == sorted(flood(mask))


def test_a_spiral_is_one_component():
    rows = ["#######", "......#", "#####.#", "#...#.#", "#.###.#", "#.....#", "#######"]
    boxes, areas = components(np.array([[c == "#" for c in row] for row in rows]))
    assert boxes.tolist() == [[0, 0, 7, 7]]
    assert areas.tolist() == [sum(row.count("#") for row in rows)]


def test_nothing_on_an_empty_page():
    boxes, areas = components(np.zeros((5, 5), bool))
    assert boxes.shape == (0, 4)
    assert areas.shape == (0,)
