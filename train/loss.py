"""Symmetric InfoNCE and SigLIP's sigmoid loss with their gradients, in tiles: no N × N matrix is ever kept.

    softmax = −1/2N · Σ_i [ log softmax_j(s·a_i·b_j)_i + log softmax_j(s·b_i·a_j)_i ]    CLIP, arXiv 2103.00020
    sigmoid = −1/N · Σ_ij log σ(±(s·a_i·b_j + bias)), + where i = j                      SigLIP, arXiv 2303.15343

Logits are fp32 whatever the autocast: in bf16 the feature gradients are off by 2 %
at a scale of 50 and by 5–23 % at 100. Row and column log-sum-exp are gathered tile by tile, then the tiles are formed
once more for the gradient: the memory is O(tile · N) and nothing is left for a backward pass (Inf-CL, arXiv 2410.17243,
does likewise).

Of several processes each forms the rows of its own b pictures against all N captions, and no others: column sums and
the captions' gradients are added up over the processes. What comes out is the derivative of the whole loss.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from train.distributed import World

TILE = 1024  # rows of logits at a time: 0.25 GB at N = 65,536


class LossAndGrads(NamedTuple):
    """The loss of all N pairs and its derivatives, all detached; by the features, those of this process."""

    loss: Tensor  # ()
    image_bD: Tensor
    text_bD: Tensor
    log_scale: Tensor  # ()
    bias: Tensor | None = None  # () of the sigmoid loss


@torch.no_grad()
def contrastive_loss(
    image_bD: Tensor, text_bD: Tensor, log_scale: Tensor, world: World, tile: int = TILE
) -> LossAndGrads:
    """The loss of N matching pairs of unit-length features, b of them here, and its gradient by each input."""
    a, own_b, scale = image_bD.float(), text_bD.float(), log_scale.float().exp()
    b, first = world.gather(own_b), world.rank * len(a)
    n = len(b)
    with torch.autocast(a.device.type, enabled=False):
        row_lse = torch.empty_like(a[:, 0], dtype=torch.float64)  # N numbers, so double costs nothing
        column_lse = torch.full_like(b[:, 0], -torch.inf, dtype=torch.float64)
        for start in range(0, len(a), tile):
            logits = scale * (a[start : start + tile] @ b.T)
            row_lse[start : start + tile] = logits.logsumexp(1)
            column_lse = torch.logaddexp(column_lse, logits.logsumexp(0).double())
        column_lse = world.gather(column_lse[None]).logsumexp(0)
        matching = scale * (a * own_b).sum(1)
        loss = (row_lse + world.own_part(column_lse) - 2 * matching).sum() / (2 * n)
        row_lse, column_lse = row_lse.float(), column_lse.float()

        # ∂loss/∂logits = (softmax over the row + softmax over the column − 2·identity) / 2N
        grad_a, grad_b = torch.empty_like(a), torch.zeros_like(b)
        for start in range(0, len(a), tile):
            rows = slice(start, start + tile)
            logits = scale * (a[rows] @ b.T)
            grad = (logits - row_lse[rows, None]).exp_().add_((logits - column_lse).exp_())
            grad.diagonal(first + start).sub_(2)
            grad /= 2 * n
            grad_a[rows] = scale * (grad @ b)
            grad_b += scale * (grad.T @ a[rows])
        grad_scale = (grad_a * a).sum()  # logits are linear in the scale, and d scale / d log_scale = scale
        loss, grad_scale = world.sum(torch.stack([loss, grad_scale.double()])).float()
        grad_b = world.own_part(world.sum(grad_b))
    return LossAndGrads(loss, grad_a, grad_b, grad_scale)


@torch.no_grad()
def sigmoid_loss(
    image_bD: Tensor, text_bD: Tensor, log_scale: Tensor, bias: Tensor, world: World, tile: int = TILE
) -> LossAndGrads:
    """As `contrastive_loss`; every one of the N × N pairs is judged by itself."""
    a, b, scale = image_bD.float(), world.gather(text_bD.float()), log_scale.float().exp()
    n, first = len(b), world.rank * len(a)
    grad_a, grad_b = torch.empty_like(a), torch.zeros_like(b)
    loss, grad_bias = (torch.zeros((), dtype=torch.float64, device=a.device) for _ in range(2))
    with torch.autocast(a.device.type, enabled=False):
        for start in range(0, len(a), tile):
            rows = slice(start, start + tile)
            logits = scale * (a[rows] @ b.T) + bias.float()
            # −log σ(x) = softplus(x) − x, and ∂loss/∂logits = (σ(logits) − identity) / N
            loss += torch.nn.functional.softplus(logits).sum(dtype=torch.float64) - logits.diagonal(first + start).sum()
            grad = logits.sigmoid_()
            grad.diagonal(first + start).sub_(1)
            grad /= n
            grad_a[rows] = scale * (grad @ b)
            grad_b += scale * (grad.T @ a[rows])
            grad_bias += grad.sum(dtype=torch.float64)
        grad_scale = (grad_a * a).sum().double()
        loss, grad_scale, grad_bias = world.sum(torch.stack([loss / n, grad_scale, grad_bias])).float()
        grad_b = world.own_part(world.sum(grad_b))
    return LossAndGrads(loss, grad_a, grad_b, grad_scale, grad_bias)


def chance_loss(kind: str, n: int) -> float:
    """The loss of a model that says the same of all N × N pairs; the sigmoid loss at its best bias, log-odds of 1/N."""
    return math.log(n) + ((n - 1) * math.log(n / (n - 1)) if kind == "sigmoid" else 0.0)
