"""The order of rows: every row once an epoch, on any number of processes, from the seed alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from train.data import Schedule
from train.order import Order

sizes = st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(lambda s: sum(s) > 0)


@given(sizes, st.integers(0, 3), st.integers(0, 3), st.integers(1, 5))
def test_every_row_comes_once_an_epoch(sizes: list[int], seed: int, epoch: int, window: int) -> None:
    order = Order(sizes, seed, window)
    assert sorted(order.take(epoch, 0, order.rows)) == list(range(sum(sizes)))


@given(sizes, st.integers(1, 5), st.data())
def test_any_stretch_can_be_asked_for_at_once(sizes: list[int], window: int, data: st.DataObject) -> None:
    whole = Order(sizes, 7, window).take(1, 0, sum(sizes))
    start = data.draw(st.integers(0, sum(sizes)))
    stop = data.draw(st.integers(start, sum(sizes)))
    assert list(Order(sizes, 7, window).take(1, start, stop)) == list(whole[start:stop])


def test_epochs_and_seeds_differ() -> None:
    order = Order([50, 50], 0, 2)
    first = order.take(0, 0, 100)
    assert not np.array_equal(first, order.take(1, 0, 100))
    assert not np.array_equal(first, Order([50, 50], 1, 2).take(0, 0, 100))


def test_a_window_keeps_to_its_units() -> None:
    """40 units of 5, four together: 20 positions in a row touch four units."""
    rows = Order([5] * 40, 0, 4).take(0, 0, 200)
    for start in range(0, 200, 20):
        assert len(set(rows[start : start + 20] // 5)) == 4


def test_processes_share_a_batch_without_overlap() -> None:
    order = Order([30, 21], 3, 32)
    alone = Schedule([order], 12)
    for step in range(9):
        parts = [Schedule([order], 12, rank, 4).rows(step) for rank in range(4)]
        assert [len(part) for part in parts] == [3, 3, 3, 3]
        assert sorted(np.concatenate(parts)) == sorted(alone.rows(step))


def test_an_epoch_of_batches_repeats_no_row() -> None:
    schedule = Schedule([Order([30, 21], 3, 32)], 12)
    assert schedule.steps_per_epoch == 4
    rows = np.concatenate([schedule.rows(step) for step in range(4)])
    assert len(set(rows)) == 48
    assert schedule.epoch(3) == 0
    assert schedule.epoch(4) == 1
