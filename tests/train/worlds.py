"""Several processes of a run as threads of one."""

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch
from torch import Tensor

from train.distributed import World

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Thread(World):
    """Collectives on a board that all see; what is started is done at once."""

    board: list[Any] = dataclasses.field(default_factory=list)
    barrier: threading.Barrier = dataclasses.field(default_factory=lambda: threading.Barrier(1))
    messages: list[int] = dataclasses.field(default_factory=list)  # numbers in each that was sent meanwhile

    def gather(self, local: Tensor) -> Tensor:
        self.board[self.rank] = local
        self.barrier.wait()
        gathered = torch.cat(self.board)
        self.barrier.wait()
        return gathered

    def sum(self, tensor: Tensor) -> Tensor:
        return tensor.copy_(self.gather(tensor.clone()[None]).sum(0))

    def start_sum(self, tensor: Tensor) -> Any:
        self.messages.append(tensor.numel())
        self.sum(tensor)
        return self

    def wait(self) -> None:
        """It is done."""


def together(size: int, work: Callable[[Thread], T]) -> list[T]:
    """What each of `size` processes makes of the work, in their order."""
    board, barrier = [None] * size, threading.Barrier(size, timeout=60)
    worlds = [Thread(rank, size, torch.device("cpu"), board=board, barrier=barrier) for rank in range(size)]
    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(work, worlds))
