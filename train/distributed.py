"""The processes of one run, as torchrun starts them; a single process is a world of one.

Every process computes the whole loss from the gathered features and keeps the gradient of its own rows; the parameters'
gradients are then summed. So the gradient is the batch's own, whatever the number of processes.
"""

import dataclasses
import os
from typing import Any

import torch
from torch import Tensor, distributed, nn

from train.errors import CheckpointError


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """This process among its like."""

    rank: int
    size: int
    device: torch.device
    control: distributed.ProcessGroup | None = None  # on the CPUs: what is agreed there waits for no GPU

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @property
    def memory(self) -> int:
        """Bytes that the device has."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_properties(self.device).total_memory
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

    def gather(self, local: Tensor) -> Tensor:
        """(b, D) of every process as (size · b, D), in rank order."""
        if self.size == 1:
            return local
        parts = [torch.empty_like(local) for _ in range(self.size)]
        distributed.all_gather(parts, local.contiguous())
        return torch.cat(parts)

    def own_part(self, gathered: Tensor) -> Tensor:
        """This process's rows of a gathered tensor."""
        return gathered.chunk(self.size)[self.rank]

    def sum_gradients(self, model: nn.Module) -> None:
        """Add the gradients of all processes, in one message."""
        if self.size == 1:
            return
        grads = [p.grad for p in model.parameters() if p.grad is not None]
        flat = torch.cat([grad.reshape(-1) for grad in grads])
        distributed.all_reduce(flat)
        for grad, part in zip(grads, torch.split(flat, [grad.numel() for grad in grads]), strict=True):
            grad.copy_(part.view_as(grad))

    def any(self, flag: bool) -> bool:
        """Whether any process says so (a signal may reach only one)."""
        if self.size == 1:
            return flag
        votes = torch.tensor(int(flag))
        distributed.all_reduce(votes, group=self.control)
        return bool(votes)

    def require_same(self, what: str, value: str) -> None:
        """Raise `CheckpointError` on every process where one has another value; a barrier as well."""
        if self.size == 1:
            return
        values: list[Any] = [None] * self.size
        distributed.all_gather_object(values, value, group=self.control)
        if other := next((rank for rank, theirs in enumerate(values) if theirs != values[0]), 0):
            raise CheckpointError(
                f"processes differ in {what}: {values[0]} in process 0, {values[other]} in process {other}; "
                "every machine must see the same folders"
            )


def join() -> World:
    """The world this process was started into: torchrun's variables, or alone."""
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    else:
        device = torch.device("cpu")
    if size > 1:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return World(rank, size, device, distributed.new_group(backend="gloo"))
    return World(rank, size, device)


def leave(world: World) -> None:
    if world.size > 1:
        distributed.destroy_process_group()
