"""Labels to panels: what was read, what the caption names, and the reading order where nothing was read."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmc15m.figures.align import align, find_places, hungarian, margins, reading_order
from pmc15m.figures.captions import CaptionSplit, split_caption
from pmc15m.figures.model import LABEL_ALPHABET, Box, LabelReading, SeparationReason

GRID: list[Box] = [(0, 0, 100, 100), (110, 0, 210, 100), (0, 110, 100, 210), (110, 110, 210, 210)]
ABCD = split_caption("Growth of mice. (A) Weight. (B) Length. (C) Organs. (D) Tails.")


def read(panel: int, letter: str, probability: float = 0.95, **others: float) -> LabelReading:
    """A letter, perhaps read as some other one as well: `B=0.4`."""
    rest = (1 - probability - sum(others.values())) / (2 * len(LABEL_ALPHABET))
    log_probs = [math.log(rest)] * len(LABEL_ALPHABET)
    for text, p in {letter: probability, **others}.items():
        log_probs[LABEL_ALPHABET.index(text.lower())] = math.log(p)
    return LabelReading(panel, (0, 0, 9, 9), tuple(log_probs), float(letter.isupper()))


def labels(readings: list[LabelReading], split: CaptionSplit, boxes: list[Box] | None = None) -> list[str | None]:
    return [match.label for match in align(GRID if boxes is None else boxes, readings, split).matches]


def test_letters_decide_against_the_reading_order() -> None:
    readings = [read(i, letter) for i, letter in enumerate("BADC")]
    assert labels(readings, ABCD) == ["B", "A", "D", "C"]


def numbered(panel: int, letter: str, number: int) -> LabelReading:
    return dataclasses.replace(read(panel, letter), number=number)


def test_numbers_behind_letters_tell_panels_apart() -> None:
    readings = [read(0, "A"), numbered(1, "B", 2), numbered(2, "B", 1), read(3, "C")]
    assert labels(readings, CaptionSplit()) == ["A", "B2", "B1", "C"]
    split = split_caption("Growth of mice. (A) Weight. (B1) Length of the body. (B2) Length of the tail. (C) Organs.")
    assert labels(readings, split) == ["A", "B2", "B1", "C"]


def test_reading_order_where_nothing_was_read() -> None:
    alignment = align(GRID, [], ABCD)
    assert [match.label for match in alignment.matches] == ["A", "B", "C", "D"]
    assert all(0.5 < match.certainty < 0.95 for match in alignment.matches)


def test_two_letters_show_that_columns_come_first() -> None:
    assert labels([read(1, "C"), read(2, "B")], ABCD) == ["A", "C", "B", "D"]
    assert align(GRID, [read(1, "C"), read(2, "B")], ABCD).order == (0, 2, 1, 3)


def test_one_letter_is_filled_up_by_the_caption() -> None:
    alignment = align(GRID, [read(3, "D")], ABCD)
    assert [match.label for match in alignment.matches] == ["A", "B", "C", "D"]
    assert alignment.matches[3].certainty > alignment.matches[0].certainty
    assert alignment.matches[0].certainty > align(GRID, [], ABCD).matches[0].certainty


def test_of_two_letters_the_one_next_in_the_series_is_likelier_than_one_far_on() -> None:
    many = split_caption("Growth of mice. (A) Weight. (B) Length. (C) Organs. (D) Tails. (E) Ears. (F) Feet.")
    before = [read(0, "A"), read(1, "B")]
    assert labels([*before, read(2, "F", 0.5, D=0.4)], many, GRID[:3]) == ["A", "B", "D"]
    assert labels([*before, read(2, "F", 0.9, D=0.05)], many, GRID[:3]) == ["A", "B", "F"]


def test_where_letters_and_order_say_different_things_equally_loud_no_label_is_certain() -> None:
    """Two panels, each read as the other's letter: from a whisper on, over a draw, to where the letters win."""
    ab = split_caption("Growth of mice. (A) Weight. (B) Length.")
    found = []
    for step in range(100):
        p = 0.5 + 0.0049 * step
        readings = [read(0, "B", p, A=0.999 - p), read(1, "A", p, B=0.999 - p)]
        found.append(align(GRID[:2], readings, ab).matches)
    assert [match.label for match in (*found[0], *found[-1])] == ["A", "B", "B", "A"]
    assert all(match.certainty > 0.5 for match in (*found[0], *found[-1]))
    assert min(match.certainty for matches in found for match in matches) < 0.2


def test_a_label_without_a_panel_is_named() -> None:
    alignment = align(GRID[:3], [read(0, "A"), read(1, "B"), read(2, "D")], ABCD)
    assert [match.label for match in alignment.matches] == ["A", "B", "D"]
    assert alignment.unassigned == ("C",)


def test_a_panel_without_a_label_stays_without() -> None:
    ab = split_caption("Growth of mice. (A) Weight. (B) Length.")
    alignment = align(GRID[:3], [read(0, "A"), read(1, "B")], ab)
    assert [match.label for match in alignment.matches] == ["A", "B", None]
    assert alignment.matches[2].certainty == 0


def test_a_letter_that_the_caption_lacks_is_kept_as_read() -> None:
    ab = split_caption("Growth of mice. (A) Weight. (B) Length.")
    alignment = align(GRID[:3], [read(0, "A"), read(1, "B"), read(2, "C")], ab)
    assert [(match.label, match.name) for match in alignment.matches] == [("A", "A"), ("B", "B"), ("C", None)]


def test_one_label_for_each_panel_even_if_the_reader_saw_it_twice() -> None:
    assert labels([read(0, "A", 0.9), read(1, "A", 0.6)], ABCD, GRID[:4])[:2] == ["A", "B"]


def test_letters_without_a_caption_fill_their_gaps() -> None:
    alignment = align(GRID, [read(0, "a"), read(1, "b"), read(3, "d")], CaptionSplit())
    assert [match.label for match in alignment.matches] == ["a", "b", "c", "d"]
    assert alignment.reason is SeparationReason.NO_CAPTION_LABELS


def test_nothing_read_and_nothing_named() -> None:
    alignment = align(GRID, [], CaptionSplit())
    assert [match.label for match in alignment.matches] == [None] * 4
    assert alignment.reason is SeparationReason.NO_CAPTION_LABELS
    assert alignment.order == (0, 1, 2, 3)


def test_far_fewer_panels_than_labels_keep_the_whole_caption() -> None:
    many = split_caption("Growth. (A–H) Weight of mice over time.")
    alignment = align(GRID[:2], [], many)
    assert alignment.reason is SeparationReason.NO_PRINTED_LABELS


def test_places_of_the_caption_name_panels() -> None:
    split = split_caption("Knees. Left: before surgery. Right: after surgery.")
    alignment = align(GRID, [], split)
    assert [match.name for match in alignment.matches] == ["left", "right", "left", "right"]
    assert [match.label for match in alignment.matches] == [None] * 4
    assert alignment.reason is None


@pytest.mark.parametrize(
    ("boxes", "places"),
    [
        ([(0, 0, 210, 100), (0, 110, 210, 210)], ("left", "right")),
        ([(0, 0, 100, 100)], ("left", "right")),
        (GRID, ("left", "bottom")),
        ([], ("left", "right")),
    ],
)
def test_places_that_do_not_fit_the_panels(boxes: list[Box], places: tuple[str, ...]) -> None:
    assert find_places(boxes, places) is None


def test_reading_order_follows_the_cuts() -> None:
    tall_left: list[Box] = [(110, 110, 210, 210), (0, 0, 100, 210), (110, 0, 210, 100)]
    assert reading_order(tall_left) == (1, 2, 0)
    assert reading_order(GRID, columns=True) == (0, 2, 1, 3)
    shaken: list[Box] = [(0, 3, 100, 104), (98, 0, 210, 101), (0, 108, 104, 210)]
    assert reading_order(shaken) == (0, 1, 2)
    assert reading_order([]) == ()


squares = st.integers(1, 5).flatmap(
    lambda n: st.lists(st.lists(st.integers(-9, 9), min_size=n, max_size=n), min_size=n, max_size=n)
)


@given(squares)
@settings(max_examples=200, deadline=None)
def test_assignment_and_margins_equal_the_brute_force(rows: list[list[int]]) -> None:
    cost = np.array(rows, float)
    n = len(cost)
    prices = {p: sum(cost[i, p[i]] for i in range(n)) for p in itertools.permutations(range(n))}
    match = hungarian(cost)
    best = min(prices.values())
    assert prices[tuple(match.tolist())] == best
    for i, margin in enumerate(margins(cost, match)):
        others = [price for p, price in prices.items() if p[i] != match[i]]
        assert margin == (min(others) - best if others else math.inf)
