"""Train the figure network on synthetic figures and export it.

    python -m benchmarks.panelnet.train --fonts /usr/share/fonts --layouts DIR --out RUN [--steps 2600] [--batch 8]

Resumes from RUN/checkpoint.pt. Runs on a GPU when there is one, with figures composed by `--workers` processes; two
CPU cores manage some ten figures a second. Every figure is a function of (seed, its number): the order of workers
does not matter. `--export FILE` writes the averaged weights as ONNX and stops.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from benchmarks.panelnet.compose import Composer
from benchmarks.panelnet.network import SIDE, PanelNet
from benchmarks.panelnet.targets import targets

LAYOUTS = ("panelseg_train.csv.gz", "imageclef2016_train.csv.gz")
AVERAGE = 0.995  # decay of the weight average that is exported


class Figures(Dataset[tuple[np.ndarray, np.ndarray, int]]):
    """Synthetic figures by number, from `first` to `last`."""

    def __init__(self, composer: Composer, seed: int, first: int, last: int) -> None:
        self.composer, self.seed, self.first, self.last = composer, seed, first, last

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, int]:
        if index >= len(self):
            raise IndexError(index)
        figure = self.composer.draw(np.random.default_rng((self.seed, self.first + index)))
        return targets(figure)


def loss_of(maps: torch.Tensor, count: torch.Tensor, wanted: torch.Tensor, panels: torch.Tensor) -> torch.Tensor:
    """Cross entropy and Dice for gutters, the focal loss of CenterNet for labels, cross entropy for the count."""
    gutters, truth = maps[:, :2], wanted[:, :2]
    weight = 1 + 3 * truth
    entropy = functional.binary_cross_entropy_with_logits(gutters, truth, weight)
    p = gutters.sigmoid()
    dice = 1 - (2 * (p * truth).sum((2, 3)) + 20) / (p.sum((2, 3)) + truth.sum((2, 3)) + 20)
    log_p, log_q = functional.logsigmoid(maps[:, 2]), functional.logsigmoid(-maps[:, 2])
    bump, q = wanted[:, 2], maps[:, 2].sigmoid()
    peak = (bump > 0.8).float()
    focal = -(peak * (1 - q) ** 2 * log_p + (1 - peak) * (1 - bump) ** 4 * q**2 * log_q).sum() / peak.sum().clamp(min=1)
    return entropy + 0.5 * dice.mean() + 0.05 * focal + 0.1 * functional.cross_entropy(count, panels)


def pace(step: int, steps: int) -> float:
    """Share of the learning rate: up over 200 steps, level, and down to nothing over the last two fifths."""
    return min((step + 1) / 200, 1.0, (steps - step) / (0.4 * steps))


def export(network: PanelNet, path: Path) -> None:
    """ONNX with a free batch size; the outputs are probabilities, so that inference needs no more mathematics."""

    class Probabilities(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, figure: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            maps, count = self.network(figure.permute(0, 3, 1, 2) / 255)
            return maps.sigmoid(), count.softmax(1)

    network.eval()
    example = torch.zeros(1, SIDE, SIDE, 3)
    torch.onnx.export(
        Probabilities(), (example,), str(path), input_names=["figure"], output_names=["maps", "count"],
        dynamic_axes={"figure": {0: "batch"}, "maps": {0: "batch"}, "count": {0: "batch"}}, dynamo=False,
    )  # fmt: skip


def batches(composer: Composer, args: argparse.Namespace, first_step: int) -> Iterator[list[torch.Tensor]]:
    figures = Figures(composer, args.seed, first_step * args.batch, args.steps * args.batch)
    yield from DataLoader(figures, batch_size=args.batch, num_workers=args.workers, drop_last=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, nargs="+", required=True)
    parser.add_argument("--layouts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2600)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--export", type=Path)
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    network = PanelNet().to(device)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE), use_buffers=True
    )
    optimiser = torch.optim.AdamW(network.parameters(), lr=args.rate, weight_decay=0.01)
    checkpoint, step = args.out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step = state["step"]
    if args.export:
        export(average.module.cpu(), args.export)
        return
    composer = Composer(args.fonts, [args.layouts / name for name in LAYOUTS])
    network.train()
    mean, start = 0.0, time.monotonic()
    for square, wanted, panels in batches(composer, args, step):
        figure = square.to(device).permute(0, 3, 1, 2).float() / 255
        loss = loss_of(*network(figure), wanted.to(device), panels.to(device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.param_groups[0]["lr"] = args.rate * pace(step, args.steps)
        optimiser.step()
        average.update_parameters(network)
        step += 1
        mean = 0.98 * mean + 0.02 * loss.item() if mean else loss.item()
        if step % 50 == 0:
            print(f"{step}/{args.steps} loss {mean:.4f} {time.monotonic() - start:.0f} s", flush=True)
        if step % 100 == 0 or step == args.steps:
            state = {"network": network.state_dict(), "average": average.state_dict(), "step": step}
            torch.save(state | {"optimiser": optimiser.state_dict()}, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)


if __name__ == "__main__":
    main()
