"""The processes of one run, as torchrun starts them; a single process is a world of one.

Every process has the gradient of the whole loss by its own features; the parameters' gradients are then summed. So the
gradient is the batch's own, whatever the number of processes.
"""

import contextlib
import dataclasses
import functools
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn

from train.errors import CheckpointError

BUCKET_BYTES = 25 << 20  # of gradients in a message, at least; DistributedDataParallel's default


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

    def sum(self, tensor: Tensor) -> Tensor:
        """The tensor, in which from now on stands the sum over all processes."""
        if self.size > 1:
            distributed.all_reduce(tensor)
        return tensor

    def start_sum(self, tensor: Tensor) -> Any:
        """Begin what `sum` does; what is returned has a `wait`."""
        return distributed.all_reduce(tensor, async_op=True)

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

    def require_shared(self, folder: Path) -> None:
        """Raise `CheckpointError` on every process where one does not see what process 0 puts into the folder.

        It does so under a name that nobody has asked for, and lists the folders above it: NFS calls absent for a while
        what was absent when asked for, unless the folder that holds it is opened anew.
        """
        if self.size == 1:
            return
        name = [uuid.uuid4().hex]
        if self.leads:
            (folder / name[0]).touch()
        distributed.broadcast_object_list(name, group=self.control)
        for place in (folder.parent.parent, folder.parent, folder):
            with contextlib.suppress(OSError):
                os.listdir(place)
        mark = folder / name[0]
        try:
            self.require_same(f"whether they see what process 0 writes to {folder}", "yes" if mark.exists() else "no")
        finally:
            if self.leads:
                mark.unlink()


class GradientSums:
    """Adds up the gradients of all processes while backward goes on.

    The parameters lie in buckets, the last first, as backward comes to them. A bucket leaves once each of its
    parameters has been given a gradient `times` times, and never before its predecessors: all processes send the same.
    """

    def __init__(self, world: World, parameters: Iterable[nn.Parameter], times: int) -> None:
        self._world = world
        trained = [p for p in parameters if p.requires_grad] if world.size > 1 else []
        self._buckets = _buckets(trained[::-1])
        self._missing = [times * len(bucket) for bucket in self._buckets]
        self._sent: list[tuple[list[Tensor], Tensor, Any]] = []
        self._hooks = []
        for number, bucket in enumerate(self._buckets):
            count = functools.partial(self._count, number)
            self._hooks += [p.register_post_accumulate_grad_hook(count) for p in bucket]  # type: ignore[no-untyped-call]

    def _count(self, number: int, _parameter: Tensor) -> None:
        self._missing[number] -= 1
        while len(self._sent) < len(self._buckets) and self._missing[len(self._sent)] == 0:
            self._send()

    def _send(self) -> None:
        bucket = self._buckets[len(self._sent)]
        grads = [p.grad for p in bucket if p.grad is not None]
        flat = torch.cat([bucket[0].new_empty(0), *(grad.reshape(-1) for grad in grads)])
        self._sent.append((grads, flat, self._world.start_sum(flat)))

    def finish(self) -> None:
        """Wait until the sums stand in the gradients."""
        for hook in self._hooks:
            hook.remove()
        while len(self._sent) < len(self._buckets):
            self._send()
        for grads, flat, sum_ in self._sent:
            sum_.wait()
            for grad, part in zip(grads, torch.split(flat, [grad.numel() for grad in grads]), strict=True):
                grad.copy_(part.view_as(grad))


def _buckets(parameters: Iterable[nn.Parameter]) -> list[list[nn.Parameter]]:
    buckets: list[list[nn.Parameter]] = []
    size = BUCKET_BYTES
    for parameter in parameters:
        if size >= BUCKET_BYTES:
            buckets.append([])
            size = 0
        buckets[-1].append(parameter)
        size += parameter.nbytes
    return buckets


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
