"""One optimizer step: features, loss gradient, backward.

The loss hands out its gradient by the features, so the towers see one kind of backward pass whether or not their
activations fit at once. With `micro_batch` the graphs of as many micro-batches are kept as `activations_gb` allows; the
features of the others are made without, and each is run again under its gradient (GradCache, arXiv 2101.06983): the
gradient of the whole batch, exactly. Dropout draws from a generator seeded by (seed, step, process, tower,
micro-batch): the second pass repeats the first, and a resumed run the uninterrupted one. Nothing waits for a GPU.
"""

import contextlib
import dataclasses
import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from train.config import Config, OptimConfig
from train.data import Batch
from train.distributed import GradientSums, World
from train.loss import contrastive_loss, sigmoid_loss
from train.order import Rows
from train.towers import MAX_LOGIT_SCALE, Clip, distances

TEXT_PARTS = 8  # captions of a batch are taken in so many parts by length, of at least
TEXT_PART_PAIRS = 8  # pairs

Encode = Callable[[Tensor], Tensor]


@dataclasses.dataclass(frozen=True, slots=True)
class StepResult:
    """What a step reports; tensors, so that nobody waits for the GPU who does not read them."""

    loss: Tensor  # () over the batch of all processes
    grad_norm: Tensor  # () before clipping


def train_step(
    model: Clip, optimizer: torch.optim.Optimizer, batch: Batch, step: int, config: Config, world: World
) -> StepResult:
    """Update the model with one batch. The learning rate is the optimizer's present one."""
    size, key = config.run.micro_batch, f"{config.run.seed} {step} {world.rank}"
    kept = _Activations(model, config.run.activations_gb * 1e9)
    images = _Tower(model.encode_image, _chunks(batch.images, size), f"{key} image", config, kept)
    parts = _text_chunks(batch.tokens, batch.lengths, size)
    texts = _Tower(model.encode_text, parts, f"{key} text", config, kept)

    image_bD, text_bD, scale = images.features(), texts.features(), model.logit_scale.detach()
    if model.logit_bias is None:
        result = contrastive_loss(image_bD, text_bD, scale, world)
    else:
        result = sigmoid_loss(image_bD, text_bD, scale, model.logit_bias.detach(), world)

    optimizer.zero_grad(set_to_none=True)
    image_sums = GradientSums(world, model.visual.parameters(), len(images))
    images.backward(result.image_bD)
    text_sums = GradientSums(world, model.text.parameters(), len(texts))
    texts.backward(result.text_bD)
    image_sums.finish()
    text_sums.finish()
    model.logit_scale.grad = result.log_scale.to(model.logit_scale)  # every process has the whole of it already
    if model.logit_bias is not None:
        model.logit_bias.grad = result.bias

    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.optim.clip_norm or math.inf)
    optimizer.step()
    with torch.no_grad():
        model.logit_scale.clamp_(max=MAX_LOGIT_SCALE)
    return StepResult(result.loss, norm)


class _Tower:
    """One tower's forward and backward over the micro-batches of a step."""

    def __init__(
        self, encode: Encode, chunks: Sequence[tuple[Tensor, Tensor]], key: str, config: Config, kept: "_Activations"
    ) -> None:
        self._encode, self._chunks, self._key, self._kept = encode, chunks, key, kept
        self._keep = not config.run.micro_batch or len(chunks) == 1  # the graphs of all chunks fit at once
        self._bf16 = config.run.precision == "bf16"
        self._outputs: list[Tensor] = []

    def __len__(self) -> int:
        return len(self._chunks)

    def features(self) -> Tensor:
        """(pairs, D) detached, in the order of the batch."""
        for i in range(len(self._chunks)):
            with torch.set_grad_enabled(self._keep or self._kept.has_room()), self._kept.counted(not self._keep):
                self._outputs.append(self._run(i))
        in_chunk_order = torch.cat(self._outputs).detach()
        features = torch.empty_like(in_chunk_order)
        features[torch.cat([places for places, _ in self._chunks])] = in_chunk_order
        return features

    def backward(self, grad: Tensor) -> None:
        """Accumulate the parameters' gradients from the features' gradient (pairs, D)."""
        for i, (places, _) in enumerate(self._chunks):
            output = self._outputs[i] if self._outputs[i].requires_grad else self._run(i)
            torch.autograd.backward(output, grad[places])

    def _run(self, i: int) -> Tensor:
        inputs = self._chunks[i][1]
        torch.manual_seed(int.from_bytes(hashlib.blake2b(f"{self._key} {i}".encode(), digest_size=7).digest()))
        with torch.autocast(inputs.device.type, dtype=torch.bfloat16, enabled=self._bf16):
            return self._encode(inputs)


def _chunks(inputs: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    """(places in the batch, inputs) of each micro-batch."""
    places = torch.arange(len(inputs), device=inputs.device)
    return [(part, inputs[part]) for part in torch.split(places, size or len(inputs))]


def _text_chunks(tokens: Tensor, lengths: Rows, size: int) -> list[tuple[Tensor, Tensor]]:
    """Micro-batches in order of length, each cut to its own longest: padding costs as much as words do.

    The loss needs all features of the batch anyway, so the order inside the batch changes nothing.
    """
    size = size or max(TEXT_PART_PAIRS, len(tokens) // TEXT_PARTS)
    by_length = np.argsort(-lengths, kind="stable")
    places = torch.from_numpy(by_length).to(tokens.device, non_blocking=True)
    longest = lengths[by_length[::size]].tolist()
    return [(part, tokens[part, :n]) for part, n in zip(torch.split(places, size), longest, strict=True)]


class _Activations:
    """How many bytes of graphs a step may keep, and how many it does."""

    def __init__(self, model: Clip, room: float) -> None:
        self._room, self._last = room, 0
        self._known = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()} if room else set()

    def has_room(self) -> bool:
        """Whether another micro-batch as large as the last one fits."""
        return self._last < self._room

    @contextlib.contextmanager
    def counted(self, counts: bool) -> Iterator[None]:
        if not (counts and self.has_room()):
            yield
            return
        seen: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in self._known:
                seen[storage.data_ptr()] = storage.nbytes()
            return tensor.detach()

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            yield
        self._last = sum(seen.values())
        self._room -= self._last


def learning_rate(step: int, steps: int, optim: OptimConfig) -> float:
    """Linear warm-up, then half a cosine down to 0 at the end of the run."""
    if step < optim.warmup_steps:
        return optim.lr * (step + 1) / optim.warmup_steps
    progress = (step - optim.warmup_steps) / max(1, steps - optim.warmup_steps)
    return optim.lr * 0.5 * (1 + math.cos(math.pi * progress))


def parameter_groups(model: nn.Module, weight_decay: float, scale: Callable[[str], float]) -> list[dict[str, Any]]:
    """An optimizer's groups, each with its `scale` of the learning rate, which a parameter has by its name.

    Weight decay on tensors of two and more dimensions only (open_clip's rule).
    """
    groups: dict[tuple[float, bool], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        groups.setdefault((-scale(name), parameter.ndim < 2), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": 0.0 if is_small else weight_decay, "scale": -falling}
        for (falling, is_small), parameters in sorted(groups.items(), key=lambda group: group[0])
    ]


def build_optimizer(model: Clip, optim: OptimConfig) -> torch.optim.AdamW:
    """AdamW, whose groups have a `scale` of the learning rate by their distance from the output."""
    away = distances(model) if optim.layer_decay < 1 else {}
    return torch.optim.AdamW(
        parameter_groups(model, optim.weight_decay, lambda name: optim.layer_decay ** away.get(name, 0)),
        lr=optim.lr,
        betas=(optim.beta1, optim.beta2),
        eps=optim.eps,
        fused=model.logit_scale.is_cuda,
    )
