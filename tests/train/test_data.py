"""From rows to batches: the same ones however many processes make them, and no more memory than is allowed."""

import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.train.drawn_pairs import draw_pair, small_config, write_parquet, write_tar, write_webdataset
from train import data
from train.data import Batch, Schedule, TrainBatches
from train.errors import DataError
from train.order import Order, weights_of
from train.shards import Splits, open_split
from train.tokens import Captions, train_tokenizer

CPU = torch.device("cpu")


class Disk(NamedTuple):
    free: int


def batches_of(folder: Path, tokens: Path, *overrides: str) -> TrainBatches:
    config, split = small_config(*overrides), open_split(folder, "train")
    schedule = Schedule([Order(split.sizes, 0, split.units_per_window)], config.data.batch_size)
    captions = Captions(split, train_tokenizer(split.texts(), 200), config.data.context_length, tokens)
    return TrainBatches(Splits([split]), schedule, captions, config.data, 0)


def made(batches: TrainBatches, step: int) -> Batch:
    """The batch of a step, its parts made here."""
    items = range(step * batches.per_step, (step + 1) * batches.per_step)
    return Batch.join([batches[item] for item in items], CPU)


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_a_batch_is_the_same_however_many_processes_make_its_parts(
    export: Path, tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "PART_PAIRS", 3)
    alone, shared = batches_of(export, tmp_path), batches_of(export, tmp_path, f"data.workers={workers}")
    assert (alone.per_step, shared.per_step) == (1, workers * -(-8 // (3 * workers)))
    for step in (0, 4):
        one, many = made(alone, step), made(shared, step)
        assert one.rows.tolist() == many.rows.tolist()
        assert one.lengths.tolist() == many.lengths.tolist() == (one.tokens != 0).sum(1).tolist()
        assert torch.equal(one.images, many.images)
        assert torch.equal(one.tokens, many.tokens)


def test_loader_processes_bring_every_batch_in_order(export: Path, tmp_path: Path) -> None:
    alone, shared = batches_of(export, tmp_path), batches_of(export, tmp_path / "both", "data.workers=2")
    for step, batch in enumerate(shared.batches(range(2), CPU)):
        assert torch.equal(batch.images, made(alone, step).images)


@given(
    st.lists(st.tuples(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.floats(0.2, 5)), min_size=1, max_size=3),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(0, 9),
)
def test_every_row_of_a_batch_is_in_one_process_and_one_worker(
    exports: list[tuple[list[int], float]], world: int, workers: int, step: int
) -> None:
    orders = [Order(sizes, 1, 2) for sizes, _ in exports]
    shares = [share for _, share in exports]
    if min(shares) * 12 < sum(shares) or sum(order.rows for order in orders) < 12:
        return
    whole = Schedule(orders, 12 * world, shares=shares) if sum(o.rows for o in orders) >= 12 * world else None
    if whole is None:
        return
    ranks = [Schedule(orders, 12 * world, rank, world, shares) for rank in range(world)]
    assert [len(rank.rows(step)) for rank in ranks] == [12] * world
    parts = [rank.rows(step, worker, workers) for rank in ranks for worker in range(workers)]
    assert sorted(np.concatenate(parts)) == sorted(whole.rows(step))


def test_each_export_has_its_share_of_every_batch_and_no_row_waits_for_others() -> None:
    orders = [Order([40], 0, 1), Order([300], 0, 1)]
    schedule = Schedule(orders, 10, shares=[1.0, 3.0])
    drawn = [schedule.rows(step) for step in range(64)]
    assert {sum(rows < 40) for rows in drawn} == {2, 3}
    assert Counter(np.concatenate(drawn)[np.concatenate(drawn) < 40].tolist()) == dict.fromkeys(range(40), 4)
    with pytest.raises(DataError, match=r"data\.mix needs a share"):
        Schedule(orders, 10, shares=[1.0])
    with pytest.raises(DataError, match=r"data\.mix needs a share"):
        Schedule(orders, 10, shares=[1.0, 99.0])


@given(st.lists(st.floats(0, 20, width=32), min_size=2, max_size=40), st.integers(1, 4), st.data())
def test_a_row_comes_as_often_as_its_weight_says(weights: list[float], window: int, drawn: st.DataObject) -> None:
    if not any(weight > 0.01 for weight in weights):
        return
    sizes = [0, len(weights) // 2, len(weights) - len(weights) // 2]
    order = Order(sizes, 3, window, np.array(weights, dtype=np.float32))
    expected = np.array(weights) * len(weights) / sum(weights)
    total = np.zeros(len(weights))
    for epoch in range(50):
        rows = order.take(epoch, 0, order.rows)
        counts = np.bincount(rows, minlength=len(weights))
        assert len(rows) == len(weights)
        assert (np.abs(counts - expected) < 1 + 1e-3).all()
        total += counts
    assert np.abs(total / 50 - expected).max() < 0.5
    start = drawn.draw(st.integers(0, order.rows))
    stop = drawn.draw(st.integers(start, order.rows))
    assert list(order.take(49, start, stop)) == list(rows[start:stop])


def test_words_are_balanced_and_numbers_weigh() -> None:
    words = ["CT"] * 6 + ["MRI"] * 2 + [None]
    balanced = weights_of(words, 1.0)
    assert [balanced[:6].sum(), balanced[6:8].sum(), balanced[8:].sum()] == pytest.approx([1, 1, 1])
    assert weights_of(words, 0.0).tolist() == [1.0] * 9
    assert weights_of([["CT"], ["CT", "MRI"], ["CT"]], 1.0).tolist() == [0.5, 1.0, 0.5]
    assert weights_of([0, 2.5], 1.0).tolist() == [0.0, 2.5]
    for none in ([-1.0, 2.0], [0, 0], [float("nan"), 1.0]):
        with pytest.raises(DataError, match="weights must be finite"):
            weights_of(none, 1.0)


def test_other_texts_stand_in_as_often_as_asked(tmp_path: Path) -> None:
    pairs = [("jpg", *draw_pair(seed)) for seed in range(16)]
    told = [{"context": f"context {n}" if n % 2 else "", "mentions": f"one {n}; two {n}"} for n in range(16)]
    write_tar(tmp_path / "train" / "00000.tar", pairs, told)

    def texts(*settings: str) -> Counter[str]:
        batches = batches_of(tmp_path, tmp_path / "tokens", "data.batch_size=16", *settings)
        seen: Counter[str] = Counter()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Captions, "encode", lambda _, rows, texts: seen.update(texts) or np.ones((16, 3), dtype=int))
            for step in range(40):
                batches[step]
        kinds: Counter[str] = Counter()
        for text, count in seen.items():
            kinds[text.partition(" ")[0] if text else "caption"] += count
        return kinds

    assert texts().keys() == {"caption"}
    found = texts("data.context_share=0.5", "data.mention_share=0.25")
    share = {kind: count / found.total() for kind, count in found.items()}
    assert share == pytest.approx({"context": 0.25, "one": 0.125, "two": 0.125, "caption": 0.5}, abs=0.05)
    assert texts("data.context_share=0.5") == texts("data.context_share=0.5")


def test_an_unknown_column_is_named(tmp_path: Path) -> None:
    split = open_split(write_webdataset(tmp_path, "train", [3]), "train")
    with pytest.raises(DataError, match="no side table tells a column image_kind"):
        split.column("image_kind")
    parquet = open_split(write_parquet(tmp_path / "hf", "train", [3]), "train")
    assert parquet.column("text") == [draw_pair(seed)[1] for seed in range(3)]
    with pytest.raises(DataError, match="has no column image_kind"):
        parquet.column("image_kind")


@pytest.mark.parametrize("workers", [1, 2, 4, 8, 16])
def test_a_row_group_is_read_by_one_worker(workers: int) -> None:
    """Four windows of 16 row groups of 1,000, in batches of 4,096 that lie across their borders."""
    schedule = Schedule([Order([1000] * 64, 0, 16)], 4096)
    steps = range(schedule.steps_per_epoch)
    readers = {
        (worker, int(row) // 1000)
        for step in steps
        for worker in range(workers)
        for row in schedule.rows(step, worker, workers)
    }
    assert 64 <= len(readers) <= 1.2 * 64
    shares = [len(schedule.rows(step, worker, workers)) for step in steps for worker in range(workers)]
    assert max(shares) <= 1.3 * 4096 / workers


@pytest.mark.parametrize(("workers", "pixels"), [(8, 224), (2, 224), (32, 224), (8, 384)])
def test_what_is_made_ahead_stays_below_a_gigabyte(workers: int, pixels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(64 << 30))
    per_step = workers * -(-4096 // (workers * data.PART_PAIRS))
    part = 4096 * 3 * pixels**2 / per_step
    ahead = data._ahead(2 * 4096 * 3 * pixels**2, part, workers)
    assert ahead >= 1
    assert workers * ahead * part < 1e9


def test_a_small_shared_memory_is_used_or_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    part = 64 * 3 * 224**2
    monkeypatch.setattr(data, "SHARED_MEMORY", Path("/"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(8 * 3 * part))
    assert data._ahead(10**10, part, 8) == 3
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    with pytest.raises(DataError, match=r"8 loader processes need 77 MB of shared memory, / has 58 MB a process"):
        data._ahead(10**10, part, 8)
