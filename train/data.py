"""Batches: rows in their order, pictures as uint8 crops, captions as tokens.

The batch of a step is a function of (seed, step): positions [t·B, (t+1)·B) of the epoch that the step falls in. Loader
processes make it in parts, so that the first is there in seconds and shared memory holds little more than a batch.
"""

import contextlib
import dataclasses
import itertools
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Generator, Iterator, Sequence
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from train.config import DataConfig
from train.errors import DataError
from train.images import UnreadableImage, decode_crop
from train.order import Order, Rows
from train.shards import OTHER_TEXTS, Split
from train.tokens import Captions

PART_PAIRS = 64  # that a loader process makes at a time, at most
SHARED_MEMORY = Path("/dev/shm")  # how parts travel from the loader processes
SHARED_BYTES = 900 << 20  # that may lie there, for each training process

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """One process's share of a step, or a part of that."""

    images: torch.Tensor  # (pairs, 3, size, size) uint8
    tokens: torch.Tensor  # (pairs, longest) int64, 0 = padding
    lengths: Rows  # (pairs,) in tokens; on the CPU, so that nobody has to ask the GPU
    rows: Rows  # (pairs,) of the split
    unreadable: tuple[str, ...]  # where the pictures lie that could not be decoded

    def pin_memory(self) -> "Batch":  # what DataLoader calls for a type of ours
        return dataclasses.replace(self, images=self.images.pin_memory(), tokens=self.tokens.pin_memory())

    @classmethod
    def join(cls, parts: Sequence["Batch"], device: torch.device) -> "Batch":
        """The parts on a device, in the order of the rows: the same however they were shared out."""
        longest = max(part.tokens.shape[1] for part in parts)
        images = torch.cat([part.images.to(device, non_blocking=True) for part in parts])
        tokens = [part.tokens.to(device, non_blocking=True) for part in parts]
        rows = np.concatenate([part.rows for part in parts])
        by_row = np.argsort(rows, kind="stable")
        places = torch.from_numpy(by_row).to(device, non_blocking=True)
        return cls(
            images=images[places],
            tokens=torch.cat([functional.pad(part, (0, longest - part.shape[1])) for part in tokens])[places],
            lengths=np.concatenate([part.lengths for part in parts])[by_row],
            rows=rows[by_row],
            unreadable=tuple(place for part in parts for place in part.unreadable),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """Which rows form the batch of each step, for one of `world` processes.

    The rows of several orders are numbered through. Each order has its share of every batch, to a row, and its epochs
    follow one another without a gap. Of a single order, what fills no batch sits the epoch out.
    """

    orders: Sequence[Order]
    batch_size: int  # over all processes
    rank: int = 0
    world: int = 1
    shares: Sequence[float] = (1.0,)  # of each order

    def __post_init__(self) -> None:
        if self.batch_size > self.pairs:
            raise DataError(
                f"the train split has {self.pairs} pairs, fewer than one batch of {self.batch_size}; "
                f"lower it with --set data.batch_size={max(2, self.pairs // 2)}"
            )
        if self.batch_size % self.world:
            raise DataError(f"data.batch_size {self.batch_size} is no multiple of the {self.world} processes")
        if len(self.shares) != len(self.orders) or min(self.shares) * self.batch_size < sum(self.shares):
            raise DataError(f"data.mix needs a share of at least a pair a batch for each of {len(self.orders)} exports")

    @property
    def pairs(self) -> int:
        return sum(order.rows for order in self.orders)

    @property
    def steps_per_epoch(self) -> int:
        return self.pairs // self.batch_size

    def epoch(self, step: int) -> int:
        return step // self.steps_per_epoch

    def rows(self, step: int, worker: int = 0, workers: int = 1) -> Rows:
        """This process's rows of a step, of which each of its loader processes makes a run.

        Rows of a unit stay together, so that few processes read it. Of every order each process and each worker has as
        many as if the batch were dealt like cards.
        """
        runs, first, own_first, number = [], 0, 0, 0
        for index, order in enumerate(self.orders):
            for rows, places in self._windows(index, step):
                own = slice(*_dealt(first, len(rows), self.rank, self.world))
                first += len(rows)
                own_rows, own_places = rows[own], places[own]
                run = _dealt(own_first, len(own_rows), worker, workers)
                own_first += len(own_rows)
                runs.append(number + own_rows[slice(*(_at_border(place, own_places, workers) for place in run))])
            number += order.rows
        return np.concatenate(runs)

    def _windows(self, index: int, step: int) -> Iterator[tuple[Rows, Rows]]:
        """The rows of one order in a batch, window by window, sorted by the places of their units, and these."""
        order = self.orders[index]
        start, stop = self._taken(index, step), self._taken(index, step + 1)
        length = order.rows - (order.rows % self.batch_size if len(self.orders) == 1 else 0)
        while start < stop:
            epoch, inside = divmod(start, length)
            rows = order.take(epoch, inside, min(inside + stop - start, length))
            places = order.places(epoch, rows)
            by_place = np.lexsort((rows, places))
            borders = np.flatnonzero(np.diff(places[by_place] // order.units_per_window)) + 1
            yield from zip(np.split(rows[by_place], borders), np.split(places[by_place], borders), strict=True)
            start += len(rows)

    def _taken(self, index: int, step: int) -> int:
        """How many rows of an order all steps before this one have taken."""
        ends = (sum(self.shares[:upto]) / sum(self.shares) * self.batch_size * step for upto in (index, index + 1))
        before, after = (int(end) for end in ends)
        return after - before


def _dealt(first: int, count: int, player: int, players: int) -> tuple[int, int]:
    """A player's run of `count` cards: as many as if they were dealt in turns, from player `first` mod `players` on."""

    def before(player: int) -> int:
        ends = (upto // players * player + min(upto % players, player) for upto in (first, first + count))
        return -next(ends) + next(ends)

    return before(player), before(player + 1)


def _at_border(at: int, places: Rows, workers: int) -> int:
    """A near border between units, where there is one: a unit that two workers share is read twice."""
    borders = np.flatnonzero(np.diff(places)) + 1
    if not 0 < at < len(places) or not len(borders):
        return at
    nearest = int(borders[np.abs(borders - at).argmin()])
    return nearest if abs(nearest - at) * workers * 3 <= len(places) else at


class TrainBatches(Dataset[Batch]):
    """The batches of a process in parts: `per_step` items a step, which `workers` loader processes make in turns.

    Random crops, and which of a pair's texts is taken, come from a counter RNG keyed by (seed, step, row).
    """

    def __init__(self, split: Split, schedule: Schedule, captions: Captions, config: DataConfig, seed: int) -> None:
        self._split, self._schedule, self._captions = split, schedule, captions
        self._config, self._seed = config, seed
        self._workers = max(1, config.workers)
        own = schedule.batch_size // schedule.world
        self.per_step = self._workers * -(-own // (self._workers * PART_PAIRS)) if config.workers else 1

    def __getitem__(self, item: int) -> Batch:
        step, place = divmod(item, self.per_step)
        part, worker = divmod(place, self._workers)  # DataLoader gives item i to worker i mod workers
        wanted = np.array_split(self._schedule.rows(step, worker, self._workers), self.per_step // self._workers)[part]
        size = self._config.image_size
        crops = np.empty((len(wanted), 3, size, size), dtype=np.uint8)
        texts: list[str | None] = []
        rows, unreadable = [], []
        for crop, first in zip(crops, wanted, strict=True):
            for row in self._from(int(first)):
                pair, rng = self._split.pair(row), np.random.default_rng([self._seed, step, row])
                try:
                    crop[:] = decode_crop(pair.image, size, self._config.max_pixels, self._config.crop_scale, rng)
                except UnreadableImage as error:
                    unreadable.append(f"{self._split.where(row)}: {error}")
                    continue
                texts.append(self._other_text(row, rng))
                rows.append(row)
                break
            else:
                raise DataError(
                    f"not one picture of the {self._split.name} split can be decoded; the last: {unreadable[-1]}"
                )
        tokens = self._captions.encode(rows, texts)
        return Batch(
            images=torch.from_numpy(crops),
            tokens=torch.from_numpy(tokens),
            lengths=(tokens != 0).sum(1),
            rows=np.asarray(rows, dtype=np.int64),
            unreadable=tuple(unreadable),
        )

    def _other_text(self, row: int, rng: np.random.Generator) -> str | None:
        """With the configured shares another text of the pair than its caption, where it has one."""
        drawn = rng.random()
        shares = (self._config.context_share, self._config.mention_share)
        for share, column in zip(shares, OTHER_TEXTS, strict=True):
            if 0 <= drawn < share and (texts := self._split.facts(row, column)):
                return texts[rng.integers(len(texts))]
            drawn -= share
        return None

    def _from(self, row: int) -> Iterator[int]:
        """The row itself, then its successors: the next readable picture takes the place of one that is not."""
        count = self._schedule.pairs
        return ((row + distance) % count for distance in range(count))

    def batches(self, steps: range, device: torch.device) -> Generator[Batch]:
        """The batches of the steps in order, on the device, made ahead of time."""
        items = range(steps.start * self.per_step, steps.stop * self.per_step)
        own = self._schedule.batch_size // self._schedule.world * 3 * self._config.image_size**2  # bytes
        ahead, pin = _ahead(2 * own, own / self.per_step, self._config.workers), device.type == "cuda"
        with contextlib.closing(iter_batches(self, items, self._config.workers, pin, ahead)) as made:
            while parts := list(itertools.islice(made, self.per_step)):
                yield Batch.join(parts, device)


def _ahead(wanted: int, part: float, workers: int) -> int:
    """How many parts each worker may make ahead: as many bytes as wanted, as far as the shared memory goes.

    Raises `DataError` when it does not hold one of each worker.
    """
    free = shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.exists() else SHARED_BYTES
    free //= int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    ahead = min(wanted, SHARED_BYTES, free) / (max(1, workers) * part)
    if workers and ahead < 1 and free < SHARED_BYTES:
        raise DataError(
            f"{workers} loader processes need {workers * part / 1e6:.0f} MB of shared memory, {SHARED_MEMORY} has "
            f"{free / 1e6:.0f} MB a process: give the container more (docker run --shm-size=8g), or lower data.workers"
        )
    return max(1, int(ahead))


def iter_batches(batches: Dataset[T], items: range, workers: int, pin: bool, ahead: int = 2) -> Generator[T]:
    """The batches of `items` in order, made by `workers` processes ahead of time (0: here, when asked for).

    Signals to the process group do not reach the workers: the training process says when they end, by `close`.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload(["torch"])  # which takes seconds, once for all
    loader: DataLoader[Any] = DataLoader(
        batches,
        batch_size=None,
        sampler=items,
        num_workers=workers,
        pin_memory=pin,
        prefetch_factor=ahead if workers else None,
        multiprocessing_context="forkserver" if workers else None,  # fork deadlocks beside Arrow's threads
        worker_init_fn=_begin_worker if workers else None,
    )
    with _signals_held():
        made = iter(loader)
    try:
        yield from made
    finally:
        del made  # ends the workers


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """SIGINT and SIGTERM wait meanwhile, and in every process that is started meanwhile for ever."""
    resource_tracker.ensure_running()  # it would let them through again when it is started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(_worker: int) -> None:
    """One thread of torch's, and an end with the training process, however that ends: torch looks at the forkserver."""
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_trainer, daemon=True).start()


def _end_with_trainer() -> None:
    if trainer := multiprocessing.parent_process():
        trainer.join()
        os._exit(1)
