"""Batches: rows in their order, pictures as uint8 crops, captions as tokens.

The batch of a step is a function of (seed, step): positions [t·B, (t+1)·B) of the epoch that the step falls in, strided
over the GPUs. What is left at the end of an epoch and fills no batch sits that epoch out (other rows the next time).
"""

import contextlib
import dataclasses
import signal
from collections.abc import Generator, Iterator
from multiprocessing import resource_tracker
from typing import Any, TypeVar

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.utils.data import DataLoader, Dataset

from train.config import DataConfig
from train.errors import DataError
from train.images import Crop, UnreadableImage, decode_crop
from train.order import Order, Rows
from train.shards import Split
from train.tokens import encode

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """One process's share of a step."""

    images: torch.Tensor  # (pairs, 3, size, size) uint8
    tokens: torch.Tensor  # (pairs, longest) int64, 0 = padding
    rows: Rows  # (pairs,) of the split
    unreadable: tuple[str, ...]  # where the pictures lie that could not be decoded

    def pin_memory(self) -> "Batch":  # what DataLoader calls for a type of ours
        return dataclasses.replace(self, images=self.images.pin_memory(), tokens=self.tokens.pin_memory())

    def to(self, device: torch.device) -> "Batch":
        return dataclasses.replace(
            self,
            images=self.images.to(device, non_blocking=True),
            tokens=self.tokens.to(device, non_blocking=True),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """Which rows form the batch of each step, for one of `world` processes."""

    order: Order
    batch_size: int  # over all processes
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if self.batch_size > self.order.rows:
            raise DataError(
                f"the train split has {self.order.rows} pairs, fewer than one batch of {self.batch_size}; "
                f"lower it with --set data.batch_size={max(2, self.order.rows // 2)}"
            )
        if self.batch_size % self.world:
            raise DataError(f"data.batch_size {self.batch_size} is no multiple of the {self.world} processes")

    @property
    def steps_per_epoch(self) -> int:
        return self.order.rows // self.batch_size

    def epoch(self, step: int) -> int:
        return step // self.steps_per_epoch

    def rows(self, step: int) -> Rows:
        """This process's rows of a step, each row in exactly one process."""
        start = step % self.steps_per_epoch * self.batch_size
        return self.order.take(self.epoch(step), start, start + self.batch_size)[self.rank :: self.world]


class TrainBatches(Dataset[Batch]):
    """Item t is the batch of step t: random crops from a counter RNG keyed by (seed, epoch, row)."""

    def __init__(self, split: Split, schedule: Schedule, tokenizer: Tokenizer, config: DataConfig, seed: int) -> None:
        self._split, self._schedule, self._tokenizer = split, schedule, tokenizer
        self._config, self._seed = config, seed

    def __getitem__(self, step: int) -> Batch:
        epoch, config = self._schedule.epoch(step), self._config
        crops, texts, rows, unreadable = [], [], [], []
        for wanted in self._schedule.rows(step):
            for row in self._from(int(wanted)):
                pair = self._split.pair(row)
                rng = np.random.default_rng([self._seed, epoch, row])
                try:
                    crop = decode_crop(pair.image, config.image_size, config.max_pixels, config.crop_scale, rng)
                except UnreadableImage as error:
                    unreadable.append(f"{self._split.where(row)}: {error}")
                    continue
                crops.append(crop)
                texts.append(pair.text)
                rows.append(row)
                break
            else:
                raise DataError(
                    f"not one picture of the {self._split.name} split can be decoded; the last: {unreadable[-1]}"
                )
        return _batch(crops, texts, rows, unreadable, self._tokenizer, self._config)

    def _from(self, row: int) -> Iterator[int]:
        """The row itself, then its successors: the next readable picture takes the place of one that is not."""
        count = self._schedule.order.rows
        return ((row + distance) % count for distance in range(count))


def iter_batches(batches: Dataset[T], items: range, workers: int, pin: bool) -> Generator[T]:
    """The batches of `items` in order, made by `workers` processes ahead of time (0: here, when asked for).

    Signals to the process group do not reach the workers: the training process says when they end, by `close`.
    """
    loader: DataLoader[Any] = DataLoader(
        batches,
        batch_size=None,
        sampler=items,
        num_workers=workers,
        collate_fn=_as_it_is,
        pin_memory=pin,
        multiprocessing_context="forkserver" if workers else None,  # fork deadlocks beside Arrow's threads
        worker_init_fn=_single_threaded if workers else None,
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


def _as_it_is(batch: Any) -> Any:  # the datasets make whole batches; there is nothing to collate
    return batch


def _single_threaded(_worker: int) -> None:
    torch.set_num_threads(1)


def _batch(
    crops: list[Crop],
    texts: list[str],
    rows: list[int],
    unreadable: list[str],
    tokenizer: Tokenizer,
    config: DataConfig,
) -> Batch:
    size = config.image_size
    images = np.stack(crops) if crops else np.empty((0, 3, size, size), dtype=np.uint8)
    return Batch(
        images=torch.from_numpy(images),
        tokens=torch.from_numpy(encode(tokenizer, texts, config.context_length)),
        rows=np.asarray(rows, dtype=np.int64),
        unreadable=tuple(unreadable),
    )
