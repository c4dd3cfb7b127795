"""The tiled loss against plain torch."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.train.models import ALONE
from tests.train.worlds import together
from train.distributed import World
from train.loss import LossAndGrads, chance_loss, contrastive_loss, sigmoid_loss


def unit_features(n: int, d: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    image, noise = torch.randn(2, n, d, generator=generator)
    return functional.normalize(image, dim=-1), functional.normalize(image + noise, dim=-1)


def plain_loss(image: Tensor, text: Tensor, log_scale: Tensor) -> Tensor:
    """What CLIP's paper prints."""
    logits = log_scale.exp() * image @ text.T
    own = torch.arange(len(image))
    return (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2


def plain_sigmoid_loss(image: Tensor, text: Tensor, log_scale: Tensor, bias: Tensor) -> Tensor:
    """What SigLIP's paper prints."""
    logits = log_scale.exp() * image @ text.T + bias
    return -functional.logsigmoid((2 * torch.eye(len(image), dtype=image.dtype) - 1) * logits).sum() / len(image)


@pytest.mark.parametrize("tile", [1, 7, 64, 1000])
@pytest.mark.parametrize(("scale", "at"), [(10.0, -10.0), (100.0, -20.0), (1.0, 0.0)])
def test_sigmoid_loss_and_gradient_equal_the_plain_ones(tile: int, scale: float, at: float) -> None:
    image, text = (features.double().requires_grad_() for features in unit_features(64, 16))
    log_scale, bias = torch.tensor(scale).double().log().requires_grad_(), torch.tensor(at).double().requires_grad_()
    expected = plain_sigmoid_loss(image, text, log_scale, bias)
    expected.backward()
    result = sigmoid_loss(image, text, log_scale.detach(), bias.detach(), ALONE, tile)
    assert float(result.loss) == pytest.approx(float(expected.detach()), rel=1e-5)
    found = (result.image_bD, result.text_bD, result.log_scale, result.bias)
    for ours, theirs in zip(found, (image.grad, text.grad, log_scale.grad, bias.grad), strict=True):
        assert ours is not None
        assert theirs is not None
        assert float((ours - theirs).norm() / theirs.norm()) < 1e-4


@pytest.mark.parametrize("tile", [1, 7, 64, 1000])
@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_loss_and_gradient_equal_the_plain_ones(tile: int, scale: float) -> None:
    image, text = (features.double().requires_grad_() for features in unit_features(64, 16))
    log_scale = torch.tensor(scale).double().log().requires_grad_()
    expected = plain_loss(image, text, log_scale)
    expected.backward()
    result = contrastive_loss(image, text, log_scale, ALONE, tile)
    assert float(result.loss) == pytest.approx(float(expected.detach()), rel=1e-6)
    for ours, theirs in (
        (result.image_bD, image.grad),
        (result.text_bD, text.grad),
        (result.log_scale, log_scale.grad),
    ):
        assert theirs is not None
        assert float((ours - theirs).norm() / theirs.norm()) < 1e-5


def test_logits_are_fp32_under_autocast() -> None:
    image, text = unit_features(64, 16)
    log_scale = torch.tensor(100.0).log()
    outside = contrastive_loss(image, text, log_scale, ALONE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = contrastive_loss(image, text, log_scale, ALONE)
    assert torch.equal(outside.loss, inside.loss)
    assert torch.equal(outside.image_bD, inside.image_bD)


def test_equal_features_cost_what_guessing_costs() -> None:
    same, scale = functional.normalize(torch.ones(32, 4), dim=-1), torch.tensor(1.0)
    assert float(contrastive_loss(same, same, scale, ALONE).loss) == pytest.approx(chance_loss("softmax", 32))
    bias = torch.tensor(1 / 31).log() - scale.exp()  # the log-odds of one caption in 32
    assert float(sigmoid_loss(same, same, scale, bias, ALONE).loss) == pytest.approx(chance_loss("sigmoid", 32))
    assert float(sigmoid_loss(same, same, scale, bias + 0.1, ALONE).loss) > chance_loss("sigmoid", 32)


@pytest.mark.parametrize("size", [2, 4])
def test_processes_that_form_their_own_rows_have_the_gradient_of_the_whole_loss(size: int) -> None:
    image, text = (features.double().requires_grad_() for features in unit_features(64, 16))
    log_scale, bias = torch.tensor(14.3).double().log().requires_grad_(), torch.tensor(-10.0).double().requires_grad_()
    inputs = [image, text, log_scale, bias]

    def of_process(world: World) -> tuple[LossAndGrads, LossAndGrads]:
        mine = image.detach().chunk(size)[world.rank], text.detach().chunk(size)[world.rank]
        scale, at = log_scale.detach(), bias.detach()
        return contrastive_loss(*mine, scale, world, 7), sigmoid_loss(*mine, scale, at, world, 7)

    found = zip(*together(size, of_process), strict=True)
    plain = plain_loss(image, text, log_scale), plain_sigmoid_loss(image, text, log_scale, bias)
    for results, loss in zip(found, plain, strict=True):
        gradients = torch.autograd.grad(loss, inputs, allow_unused=True)
        own = [torch.cat([result.image_bD for result in results]), torch.cat([result.text_bD for result in results])]
        for result in results:
            assert float(result.loss) == pytest.approx(float(loss.detach()), rel=1e-6)
            for ours, theirs in zip([*own, result.log_scale, result.bias], gradients, strict=True):
                assert (ours is None) == (theirs is None)
                assert ours is None or float((ours - theirs).norm() / theirs.norm()) < 1e-4
