"""The network of image kinds: a small residual CNN with strip pooling, its training on drawn pictures.

Input uint8 (n, SIDE, SIDE, 3), the picture squeezed into a square; output (n, kinds) of probabilities. Strip pooling
(Hou et al., CVPR 2020) lets a place know its whole row and column: axes, rules, lanes and bands are long and thin.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import convert_conv2d_weight_memory_format

from pmc15m.pictures.kinds import PICTURES, SIDE, ImageKind

KINDS = list(ImageKind)
WIDTHS = (24, 32, 56, 88)
_BATCH, _RATE, _DECAY, _AVERAGED, _SMOOTHED = 64, 4e-3, 2e-2, 0.998, 0.05


class Block(nn.Module):
    """Two convolutions round a shortcut, then what rows and columns look like as a whole."""

    def __init__(self, inside: int, outside: int, strips: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, 2, 1, bias=False)
        self.second = nn.Conv2d(outside, outside, 3, 1, 1, groups=outside // 8, bias=False)
        self.third = nn.Conv2d(outside, outside, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outside) for _ in range(2))
        self.rows = nn.Conv1d(outside, outside, 3, padding=1) if strips else None
        self.columns = nn.Conv1d(outside, outside, 3, padding=1) if strips else None

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norms[0](self.first(x)))
        x = functional.relu(x + self.norms[1](self.third(functional.relu(self.second(x)))))
        if self.rows is not None and self.columns is not None:
            x = functional.relu(x + self.rows(x.mean(3))[..., None] + self.columns(x.mean(2))[:, :, None])
        return x


class KindNet(nn.Module):
    """0.16 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, WIDTHS[0], 5, 3, 2, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU())
        shapes = zip(WIDTHS, WIDTHS[1:], (False, True, True), strict=False)
        self.blocks = nn.Sequential(*(Block(*shape) for shape in shapes))
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * WIDTHS[-1], len(KINDS)))

    def forward(self, x: Tensor) -> Tensor:
        """Float (n, 3, SIDE, SIDE), -1…1, to (n, kinds) of logits."""
        x = self.blocks(self.stem(x))
        logits: Tensor = self.head(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))
        return logits


def augmented(x: Tensor, is_picture: Tensor, random: torch.Generator) -> Tensor:
    """(n, 3, SIDE, SIDE) of stored squares: shifted, stretched, in another light.

    Pictures are mirrored too; graphics are not, they are read from left to right.
    """
    n = len(x)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=random)

    stretch, shift = uniform(0.82, 1.06, n, 2), uniform(-0.08, 0.08, n, 2)
    mirror = torch.where(is_picture[:, None] & (uniform(0, 1, n, 2) < 0.5), -1.0, 1.0)
    turns = torch.zeros(n, 2, 3)
    turns[:, 0, 0], turns[:, 1, 1], turns[:, :, 2] = stretch[:, 0] * mirror[:, 0], stretch[:, 1] * mirror[:, 1], shift
    places = functional.affine_grid(turns, [n, 3, SIDE, SIDE], align_corners=False)
    x = functional.grid_sample(x, places, padding_mode="border", align_corners=False)
    x = x * uniform(0.8, 1.1, n, 1, 1, 1) + uniform(-0.1, 0.1, n, 1, 1, 1) + uniform(-0.05, 0.05, n, 3, 1, 1)
    swapped = torch.rand(n, generator=random) < 0.15
    x[swapped] = x[swapped][:, torch.randperm(3, generator=random)]
    return x.clamp(-1, 1).contiguous(memory_format=torch.channels_last)


def train(
    pictures: NDArray[np.uint8], kinds: NDArray[np.int64], epochs: int, seed: int = 0, start: KindNet | None = None
) -> KindNet:
    """A network trained on uint8 (n, side, side, 3), side at least SIDE; from `start` on, when it is given.

    Every twentieth picture is kept apart; the accuracy on those is printed after each epoch.
    """
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    apart = np.arange(len(pictures)) % 20 == 0
    taught = np.flatnonzero(~apart)
    net, averaged = KindNet(), KindNet()
    convert_conv2d_weight_memory_format(net, torch.channels_last)  # faster on a CPU
    if start is not None:
        net.load_state_dict(start.state_dict())
    averaged.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=_DECAY)
    steps, step = epochs * (len(taught) // _BATCH), 0
    of_picture = torch.tensor([kind in PICTURES for kind in KINDS])
    for epoch in range(epochs):
        net.train()
        order, total = taught[torch.randperm(len(taught), generator=random).numpy()], 0.0
        for at in range(0, len(order) - _BATCH + 1, _BATCH):
            chosen = order[at : at + _BATCH]
            truth = torch.from_numpy(kinds[chosen])
            x = augmented(_scaled(pictures[chosen]), of_picture[truth], random)
            for group in optimiser.param_groups:
                group["lr"] = _RATE * min(1, (step + 1) / 200) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
            loss = functional.cross_entropy(net(x), truth, label_smoothing=_SMOOTHED)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            step, total = step + 1, total + float(loss.detach())
            _follow(averaged, net, min(_AVERAGED, step / (step + 10)))
        likely = probabilities(averaged, pictures[apart])
        right = float((likely.argmax(1) == kinds[apart]).mean())
        print(f"epoch {epoch + 1}: loss {total * _BATCH / len(order):.3f}, kept apart {right:.3f}", flush=True)
    return averaged.eval()


def _follow(averaged: nn.Module, net: nn.Module, share: float) -> None:
    """Moving average of the weights (Polyak): the last steps of a short training jump about."""
    with torch.no_grad():
        for slow, fast in zip(averaged.state_dict().values(), net.state_dict().values(), strict=True):
            slow.lerp_(fast, 1 - share) if slow.is_floating_point() else slow.copy_(fast)


def _scaled(pictures: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def probabilities(net: KindNet, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    net.eval()
    with torch.no_grad():
        parts = [
            net(
                functional.interpolate(
                    _scaled(pictures[start : start + 256]), (SIDE, SIDE), mode="bilinear", antialias=True
                )
            )
            for start in range(0, len(pictures), 256)
        ]
    likely: NDArray[np.float32] = torch.cat(parts).softmax(1).numpy()
    return likely


class Probabilities(nn.Module):
    """What ships: uint8 (n, SIDE, SIDE, 3) to float (n, kinds) of probabilities."""

    def __init__(self, net: KindNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> Tensor:
        likely: Tensor = self.net(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1).softmax(1)
        return likely
