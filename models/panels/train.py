"""The figure network (`panels.onnx`), trained on synthetic figures.

    python -m models panels --fonts /usr/share/fonts --layouts DIR --run DIR --out FILE [--figures 32000] [--epochs 5]

Composes the figures once (RUN/*.npy, 4 GB; five minutes on two cores), then trains, on a GPU when there is one, and
resumes from RUN/checkpoint.pt. Every figure is a function of (seed, its number), whatever the workers. The weights that
are written are the average of the last steps; --epochs 0 writes those of a checkpoint as it is.
"""

import argparse
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import swa_utils

from models.export import onnx_file
from models.panels.bank import Bank
from models.panels.compose import Composer
from models.panels.network import PanelNet
from models.panels.targets import CELLS, targets
from pmc15m.figures.lanes import SIDE

ABOUT = "Which straight lines are gutters between panels (pmc15m.figures), learned from synthetic figures"
LAYOUTS = ("panelseg_train.csv.gz", "imageclef2016_train.csv.gz")
DENSE = 0.25  # share of the figures that are dense trees
AVERAGE = 0.998  # decay of the weight average that is exported
SMOOTH = 0.03  # of certainty that no cell is asked for
GAMMA, NOISE = 0.4, 0.02  # spread of the logarithm of contrast, and of grain: published pictures are greyer than drawn
WARM_UP, LEVEL = 300, 0.3  # steps; share of the steps after which the learning rate falls

_composer: Composer | None = None  # what worker processes inherit


def _compose(numbered: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, int]:
    assert _composer is not None
    return targets(_composer.draw(np.random.default_rng(numbered)))


def compose(composer: Composer, out: Path, seed: int, count: int, workers: int) -> None:
    """Writes what `figures` reads, unless it is there."""
    global _composer
    shapes = {"squares": (count, SIDE, SIDE), "maps": (count, 3, CELLS, CELLS), "counts": (count,)}
    if all((out / f"{name}.npy").exists() for name in shapes):
        return
    parts = [np.lib.format.open_memmap(out / f"{name}.tmp", "w+", np.uint8, shape) for name, shape in shapes.items()]
    _composer = composer
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        for i, row in enumerate(pool.map(_compose, ((seed, i) for i in range(count)), chunksize=64)):
            for part, value in zip(parts, row, strict=True):
                part[i] = value
    for name in shapes:
        (out / f"{name}.tmp").replace(out / f"{name}.npy")


def figures(out: Path) -> list[np.ndarray]:
    """Memory maps of squares uint8 (n, SIDE, SIDE), maps uint8 (n, 3, CELLS, CELLS) and counts uint8 (n,)."""
    return [np.load(out / f"{name}.npy", mmap_mode="r") for name in ("squares", "maps", "counts")]


def loss_of(maps: Tensor, count: Tensor, wanted: Tensor, panels: Tensor) -> Tensor:
    """Cross entropy and Dice for gutters, the focal loss of CenterNet for labels, cross entropy for the count."""
    gutters, truth = maps[:, :2], wanted[:, :2]
    smooth = SMOOTH + (1 - 2 * SMOOTH) * truth
    entropy: Tensor = functional.binary_cross_entropy_with_logits(gutters, smooth, 1 + 3 * truth)
    p = gutters.sigmoid()
    dice = 1 - (2 * (p * truth).sum((2, 3)) + 20) / (p.sum((2, 3)) + truth.sum((2, 3)) + 20)
    log_p, log_q = functional.logsigmoid(maps[:, 2]), functional.logsigmoid(-maps[:, 2])
    bump, q = wanted[:, 2], maps[:, 2].sigmoid()
    peak = (bump > 0.8).float()
    focal = -(peak * (1 - q) ** 2 * log_p + (1 - peak) * (1 - bump) ** 4 * q**2 * log_q).sum() / peak.sum().clamp(min=1)
    return entropy + 0.5 * dice.mean() + 0.05 * focal + 0.1 * functional.cross_entropy(count, panels)


def pace(step: int, steps: int) -> float:
    """Share of the learning rate: up, level, and down to nothing along half a cosine."""
    fall = max(0.0, step / steps - LEVEL) / (1 - LEVEL)
    return min((step + 1) / WARM_UP, 1.0) * 0.5 * (1 + float(np.cos(np.pi * fall)))


def batches(parts: list[np.ndarray], seed: int, batch: int, first: int, last: int) -> Iterator[list[Tensor]]:
    """Ink float32 (batch, 1, SIDE, SIDE), maps float32 and counts int64 of the steps from `first` to `last`."""
    each = len(parts[0]) // batch
    for step in range(first, last):
        noise = torch.Generator().manual_seed(seed + step)
        epoch, place = divmod(step, each)
        chosen = np.sort(np.random.default_rng((seed, epoch)).permutation(len(parts[0]))[place * batch :][:batch])
        square, wanted, panels = (torch.from_numpy(part[chosen]) for part in parts)
        ink = 1 - square[:, None].float() / 255
        ink = ink ** torch.exp(GAMMA * torch.randn((batch, 1, 1, 1), generator=noise))
        ink += NOISE * torch.rand((batch, 1, 1, 1), generator=noise) * torch.randn(ink.shape, generator=noise)
        yield [ink, wanted.float() / 255, panels.long()]


class Probabilities(nn.Module):
    """What ships: greys of 0..255 in, probabilities of gutters out, nothing of what only teaches."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, figure: Tensor) -> Tensor:
        maps, _ = self.network(1 - figure[:, None] / 255)
        gutters: Tensor = maps[:, :2].sigmoid()
        return gutters


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fonts", type=Path, nargs="+", required=True)
    parser.add_argument("--layouts", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="keeps the figures and the checkpoint")
    parser.add_argument("--figures", type=int, default=32_000)
    parser.add_argument("--drawings", type=int, default=50, help="pictures that each painter draws for panels")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=15)


def train(args: argparse.Namespace) -> bytes:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    args.run.mkdir(parents=True, exist_ok=True)
    checkpoint, step = args.run / "checkpoint.pt", 0
    if not checkpoint.exists():  # before any thread of torch, which workers must not inherit
        composer = Composer(
            args.fonts, [args.layouts / name for name in LAYOUTS], DENSE, Bank(args.seed, args.drawings)
        )
        compose(composer, args.run, args.seed, args.figures, args.workers)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    network = PanelNet().to(device)
    follow = swa_utils.get_ema_multi_avg_fn(AVERAGE)  # type: ignore[no-untyped-call]
    average = swa_utils.AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=args.rate, weight_decay=0.01)
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step = state["step"]
    parts = figures(args.run)
    steps = args.epochs * (len(parts[0]) // args.batch)
    network.train()
    mean, start = 0.0, time.monotonic()
    for figure, wanted, panels in batches(parts, args.seed, args.batch, step, steps):
        with torch.autocast(device, torch.bfloat16):
            maps, count = network(figure.to(device))
        loss = loss_of(maps.float(), count.float(), wanted.to(device), panels.to(device))
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.param_groups[0]["lr"] = args.rate * pace(step, steps)
        optimiser.step()
        average.update_parameters(network)
        step += 1
        mean = 0.98 * mean + 0.02 * loss.item() if mean else loss.item()
        if step % 50 == 0:
            print(f"{step}/{steps} loss {mean:.4f} {time.monotonic() - start:.0f} s", flush=True)
        if step % 250 == 0 or step == steps:
            state = {"network": network.state_dict(), "average": average.state_dict(), "step": step}
            torch.save(state | {"optimiser": optimiser.state_dict()}, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)
    example = torch.zeros(1, SIDE, SIDE)
    return onnx_file(Probabilities(average.module.cpu()), example, (["figure"], ["gutters"]), ABOUT, args)
