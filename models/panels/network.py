"""The figure network: a plain U-Net with strip pooling, for gutters, printed labels and the panel count.

Input (batch, 1, 320, 320): ink in 0..1 (0: white), the figure letterboxed into the top left corner of a white square.
Outputs: `maps` (batch, 3, 80, 80), logits of horizontal gutters, vertical gutters and printed labels, and
`count` (batch, COUNTS), logits of 1, 2, ... COUNTS or more panels.

Four by four pixels become the channels of one before the first convolution, and convolutions are dense: on two cores
a step takes a fifteenth of what depthwise ones at half the resolution took. Where a gutter lies exactly, the picture
tells; the network tells whether it divides panels. Strip pooling (Hou et al., CVPR 2020) suits gutters: what decides
is the mean of a whole row or column.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from pmc15m.figures.lanes import STRIDE

COUNTS = 9
WIDTHS = (32, 64, 96, 128)
DECODER = (32, 48, 64)


class Block(nn.Module):
    """3 x 3 convolution, batch norm, ReLU; residual where the shape allows."""

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(outside)
        self.residual = inside == outside and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x))
        return functional.relu(x + y if self.residual else y)


class Strips(nn.Module):
    """Adds to every pixel what its whole row and its whole column look like."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.rows = nn.Conv1d(width, width, 3, padding=1)
        self.columns = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.rows(x.mean(3))[..., None] + self.columns(x.mean(2))[:, :, None])


class PanelNet(nn.Module):
    """0.79 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.PixelUnshuffle(STRIDE), Block(STRIDE**2, WIDTHS[0]), Block(WIDTHS[0], WIDTHS[0]))
        self.down = nn.ModuleList(nn.Sequential(Block(a, b, 2), Block(b, b), Strips(b)) for a, b in pairwise(WIDTHS))
        self.lateral = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(WIDTHS[:-1], DECODER, strict=True))
        self.up = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip((*DECODER[1:], WIDTHS[-1]), DECODER, strict=True))
        self.mix = nn.ModuleList(nn.Sequential(Block(c, c), Strips(c)) for c in DECODER)
        self.maps = nn.Conv2d(DECODER[0], 3, 1)
        self.count = nn.Sequential(nn.Linear(WIDTHS[-1], 64), nn.ReLU(), nn.Linear(64, COUNTS))
        nn.init.constant_(self.maps.get_parameter("bias"), -3.0)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        skips = [self.stem(x)]
        for step in self.down:
            skips.append(step(skips[-1]))
        y = skips[-1]
        count = self.count(y.mean((2, 3)))
        for i in range(len(DECODER) - 1, -1, -1):
            y = functional.interpolate(self.up[i](y), scale_factor=2.0, mode="nearest")
            y = self.mix[i](functional.relu(y + self.lateral[i](skips[i])))
        return self.maps(y), count
