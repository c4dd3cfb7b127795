"""Zero-shot retrieval: does each picture find its caption among all, and each caption its picture?

Ranks are exact, over the whole split, made in chunks. A tie goes to the lower row (open_clip's rule), so a model that
says the same of everything scores chance; and a similarity that is no number counts against it.
"""

import dataclasses
import math
import os
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from train.data import Batch, EvalBatches, iter_batches
from train.errors import DivergedError
from train.pretrained import load_model, read
from train.shards import open_split
from train.towers import Clip

KS = (1, 5, 10)
CHUNK = 4096  # rows of similarities at a time


@dataclasses.dataclass(frozen=True, slots=True)
class Recall:
    """Recall at k in one direction."""

    at: dict[int, float]
    interval_at_1: tuple[float, float]  # 95 %, Wilson


@dataclasses.dataclass(frozen=True, slots=True)
class Retrieval:
    """Both directions over n pairs."""

    n: int
    image_to_text: Recall
    text_to_image: Recall
    unreadable: int  # pairs left out because their picture cannot be decoded

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        result: dict[str, Any] = {
            "n": self.n,
            "unreadable": self.unreadable,
            "chance_r1": 1 / self.n if self.n else None,
        }
        for name, recall in (("image_to_text", self.image_to_text), ("text_to_image", self.text_to_image)):
            result[name] = {f"r{k}": value for k, value in recall.at.items()} | {"r1_95": list(recall.interval_at_1)}
        return result

    def __str__(self) -> str:
        lines = []
        for name, recall in (("image→text", self.image_to_text), ("text→image", self.text_to_image)):
            low, high = recall.interval_at_1
            rest = "  ".join(f"R@{k} {value:.1%}" for k, value in recall.at.items() if k > 1)
            lines.append(f"{name} R@1 {recall.at[1]:.1%} (95 %: {low:.1%}–{high:.1%})  {rest}")
        return "\n".join(lines)


@torch.no_grad()
def evaluate(model: Clip, batches: Iterable[Batch], device: torch.device, bf16: bool) -> Retrieval:
    """Retrieval over all batches; leaves the model in the mode it was in. Raises `DivergedError` for NaN features."""
    training = model.training
    model.eval()
    images, texts, unreadable = [], [], 0
    for batch in batches:
        unreadable += len(batch.unreadable)
        if len(batch.rows):
            on_device = batch.to(device)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
                images.append(model.encode_image(on_device.images))
                texts.append(model.encode_text(on_device.tokens))
    model.train(training)
    if not images:
        return Retrieval(0, _recall(torch.empty(0)), _recall(torch.empty(0)), unreadable)
    image_ND, text_ND = torch.cat(images), torch.cat(texts)
    for tower, features in (("image", image_ND), ("text", text_ND)):
        if lost := int((~torch.isfinite(features).all(1)).sum()):
            raise DivergedError(f"{lost} of {len(features)} features of the {tower} tower are no finite numbers")
    return Retrieval(
        n=len(image_ND),
        image_to_text=_recall(ranks(image_ND, text_ND)),
        text_to_image=_recall(ranks(text_ND, image_ND)),
        unreadable=unreadable,
    )


def evaluate_model(path: Path, data: Path, split: str) -> Retrieval:
    """Retrieval of a run's newest checkpoint, a checkpoint or an open_clip folder, on the GPU if there is one."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    source = read(path)
    config = source.config
    model, tokenizer = load_model(source)
    if config.run.threads:
        torch.set_num_threads(config.run.threads)
    batches = EvalBatches(open_split(data, split), tokenizer, config.data)
    workers = min(config.data.workers, len(os.sched_getaffinity(0)))  # the model may come from a larger machine
    with closing(iter_batches(batches, range(len(batches)), workers, pin=device.type == "cuda")) as made:
        return evaluate(model.to(device), made, device, bf16=False)


def ranks(query_ND: Tensor, target_ND: Tensor, chunk: int = CHUNK) -> Tensor:
    """(N,) how many targets come before a query's own; 0 is a hit at 1. NaN counts against it."""
    parts = []
    places = torch.arange(len(target_ND), device=target_ND.device)
    for start in range(0, len(query_ND), chunk):
        similarity = query_ND[start : start + chunk] @ target_ND.T
        own = similarity.diagonal(start)[:, None]
        earlier = places[None, :] < places[start : start + chunk, None]
        before = torch.where(earlier, ~(similarity < own), ~(similarity <= own))
        parts.append(before.sum(1))
    return torch.cat(parts)


def _recall(rank: Tensor) -> Recall:
    n = len(rank)
    at = {k: (int((rank < k).sum()) / n if n else math.nan) for k in KS}
    return Recall(at, wilson(int((rank < 1).sum()), n))


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share of `hits` in `n` (Wilson 1927): sound for small n and shares near 0."""
    if not n:
        return 0.0, 1.0
    p, spread = hits / n, z * z / n
    centre = (p + spread / 2) / (1 + spread)
    half = z * math.sqrt(p * (1 - p) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)
