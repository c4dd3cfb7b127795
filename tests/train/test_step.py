"""One step: GradCache gives the gradient of the whole batch, whatever the micro-batch and the number of processes."""

import copy
from pathlib import Path

import pytest
import torch

from tests.train.drawn_pairs import small_config
from tests.train.test_loss import plain_loss
from train.config import Config
from train.data import Batch, Schedule, TrainBatches
from train.distributed import World
from train.order import Order
from train.shards import open_split
from train.step import StepSettings, build_optimizer, learning_rate, train_step
from train.tokens import train_tokenizer
from train.towers import MAX_LOGIT_SCALE, Clip, build_model

ALONE = World(0, 1, torch.device("cpu"))


def first_batch(export: Path, config: Config) -> tuple[Batch, int]:
    split = open_split(export, "train")
    tokenizer = train_tokenizer(split.texts(), config.text.vocab_size)
    schedule = Schedule(Order(split.sizes, 0, split.units_per_window), config.data.batch_size)
    return TrainBatches(split, schedule, tokenizer, config.data, 0)[0], tokenizer.get_vocab_size()


def gradients(model: Clip, batch: Batch, config: Config, micro_batch: int) -> dict[str, torch.Tensor]:
    model = copy.deepcopy(model)
    settings = StepSettings(seed=0, micro_batch=micro_batch, bf16=False, clip_norm=0.0)
    train_step(model, build_optimizer(model, config.optim), batch, 0, settings, ALONE)
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("micro_batch", [0, 1, 3, 8])
def test_the_gradient_is_that_of_the_plain_loss(export: Path, micro_batch: int) -> None:
    config = small_config()
    batch, vocab_size = first_batch(export, config)
    model = build_model(config, vocab_size).train()
    ours = gradients(model, batch, config, micro_batch)
    plain_loss(model.encode_image(batch.images), model.encode_text(batch.tokens), model.logit_scale).backward()
    plain = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert ours.keys() == plain.keys() == {name for name, _ in model.named_parameters()}
    error = torch.cat([(ours[name] - plain[name]).flatten() for name in plain]).norm()
    assert float(error / torch.cat([grad.flatten() for grad in plain.values()]).norm()) < 1e-5


def test_with_dropout_the_second_pass_repeats_the_first(export: Path) -> None:
    """Were the masks drawn anew, the features of the two passes would differ and so would the gradient."""
    config = small_config("text.hidden_dropout=0.5")
    batch, vocab_size = first_batch(export, config)
    model = build_model(config, vocab_size).train()
    seen: list[torch.Tensor] = []
    model.text.register_forward_hook(lambda _module, _inputs, output: seen.append(output.detach()))
    train_step(model, build_optimizer(model, config.optim), batch, 0, StepSettings(0, 4, False, 0.0), ALONE)
    assert len(seen) == 4
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])
    assert not torch.equal(seen[0], seen[1])


def test_the_temperature_stays_above_a_hundredth(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture has the features of its own caption: all that is left to gain is a lower temperature."""
    config = small_config("optim.temperature=0.01", "optim.lr=0.1")
    batch, vocab_size = first_batch(export, config)
    model = build_model(config, vocab_size).eval()
    monkeypatch.setattr(model, "encode_image", lambda images: model.encode_text(batch.tokens))
    train_step(model, build_optimizer(model, config.optim), batch, 0, StepSettings(0, 0, False, 0.0), ALONE)
    assert model.logit_scale.grad is not None
    assert float(model.logit_scale.grad) < 0
    assert float(model.logit_scale.detach()) == pytest.approx(MAX_LOGIT_SCALE)


def test_norms_biases_and_temperature_do_not_decay() -> None:
    model = build_model(small_config(), 200)
    decayed, other = build_optimizer(model, small_config().optim).param_groups
    assert decayed["weight_decay"] == 0.2
    assert other["weight_decay"] == 0.0
    assert {p.ndim for p in other["params"]} == {0, 1}
    assert len(decayed["params"]) + len(other["params"]) == len(list(model.parameters()))


def test_the_learning_rate_warms_up_and_falls_to_nothing() -> None:
    optim = small_config("optim.lr=1.0", "optim.warmup_steps=4").optim
    rates = [learning_rate(step, 20, optim) for step in range(21)]
    assert rates[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert rates[12] == pytest.approx(0.5)
    assert rates[20] == pytest.approx(0.0)
    assert rates[4:] == sorted(rates[4:], reverse=True)
