"""One step: GradCache gives the gradient of the whole batch, whatever the micro-batch and the number of processes."""

import copy
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.train.drawn_pairs import small_config
from tests.train.models import ALONE
from tests.train.test_loss import plain_loss, plain_sigmoid_loss
from tests.train.worlds import Thread, together
from train import distributed
from train.config import Config, override
from train.data import Batch, Schedule, TrainBatches
from train.distributed import World
from train.order import Order
from train.shards import open_split
from train.step import build_optimizer, learning_rate, train_step
from train.tokens import Captions, train_tokenizer
from train.towers import MAX_LOGIT_SCALE, Clip, build_model, flops, lock

# timm's own test network, with batch norms.
CNN = ("image.model=test_efficientnet", "image.width=0", "image.depth=0", "image.heads=0", "image.patch_size=0")


def first_batch(export: Path, config: Config) -> tuple[Batch, int]:
    split = open_split(export, "train")
    tokenizer = train_tokenizer(split.texts(), config.text.vocab_size)
    schedule = Schedule([Order(split.sizes, 0, split.units_per_window)], config.data.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        captions = Captions(split, tokenizer, config.data.context_length, Path(folder))
        return TrainBatches(split, schedule, captions, config.data, 0)[0], tokenizer.get_vocab_size()


def take(model: Clip, batch: Batch, config: Config, *overrides: str) -> None:
    """The first step, its gradient as it is."""
    config = override(config, ["optim.clip_norm=0", *overrides])
    train_step(model, build_optimizer(model, config.optim), batch, 0, config, ALONE)


def gradients(model: Clip, batch: Batch, config: Config, micro_batch: int) -> dict[str, torch.Tensor]:
    model = copy.deepcopy(model)
    take(model, batch, config, f"run.micro_batch={micro_batch}")
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("towers", [(), (*CNN, "text.pool=mean")], ids=["ViT and [CLS]", "CNN and mean"])
@pytest.mark.parametrize("micro_batch", [0, 1, 3, 8])
def test_the_gradient_is_that_of_the_plain_loss(export: Path, micro_batch: int, towers: tuple[str, ...]) -> None:
    config = small_config(*towers)
    batch, vocab_size = first_batch(export, config)
    model = build_model(config, vocab_size).train()
    ours = gradients(model, batch, config, micro_batch)
    plain_loss(model.encode_image(batch.images), model.encode_text(batch.tokens), model.logit_scale).backward()
    plain = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert ours.keys() == plain.keys() == {name for name, _ in model.named_parameters()}
    error = torch.cat([(ours[name] - plain[name]).flatten() for name in plain]).norm()
    assert float(error / torch.cat([grad.flatten() for grad in plain.values()]).norm()) < 1e-5


def part_of(batch: Batch, world: World) -> Batch:
    """The pairs of a batch that a process has."""
    own = np.array_split(np.arange(len(batch.rows)), world.size)[world.rank]
    return Batch(batch.images[own], batch.tokens[own], batch.lengths[own], batch.rows[own], ())


@pytest.mark.parametrize("loss", ["softmax", "sigmoid"])
@pytest.mark.parametrize(("size", "micro_batch"), [(2, 0), (2, 3), (4, 1)])
def test_the_gradient_of_processes_is_that_of_one(export: Path, size: int, micro_batch: int, loss: str) -> None:
    config = small_config(f"optim.loss={loss}", "optim.clip_norm=0", f"run.micro_batch={micro_batch}")
    batch, vocab_size = first_batch(export, config)
    model = build_model(config, vocab_size).train()
    alone = gradients(model, batch, config, 0)
    copies = [copy.deepcopy(model) for _ in range(size)]

    def step(world: World) -> float:
        own = copies[world.rank]
        optimizer = build_optimizer(own, config.optim)
        return float(train_step(own, optimizer, part_of(batch, world), 0, config, world).loss)

    losses = together(size, step)
    assert losses == [pytest.approx(losses[0], rel=1e-6)] * size
    for own in copies:
        error = torch.cat([(p.grad - alone[name]).flatten() for name, p in own.named_parameters()]).norm()
        assert float(error / torch.cat([grad.flatten() for grad in alone.values()]).norm()) < 1e-5
        assert all(map(torch.equal, own.parameters(), copies[0].parameters()))


@pytest.mark.parametrize("micro_batch", [0, 2])
def test_gradients_leave_while_backward_goes_on(
    export: Path, monkeypatch: pytest.MonkeyPatch, micro_batch: int
) -> None:
    """Those of a block once it is through, and no sooner: a micro-batch may follow."""
    monkeypatch.setattr(distributed, "BUCKET_BYTES", 1)
    config = small_config("image.depth=2", f"run.micro_batch={micro_batch}")
    batch, vocab_size = first_batch(export, config)
    models = [build_model(config, vocab_size).train() for _ in range(2)]

    def step(world: Thread) -> tuple[list[int], list[int]]:
        """How many messages had been sent whenever a gradient came to the last and to the first block."""
        model, seen = models[world.rank], ([], [])
        for block, counts in zip(reversed(model.visual.trunk.blocks), seen, strict=True):
            block.norm2.bias.register_post_accumulate_grad_hook(lambda _, c=counts: c.append(len(world.messages)))
        train_step(model, build_optimizer(model, config.optim), part_of(batch, world), 0, config, world)
        assert len(world.messages) == len(list(model.parameters())) - 1  # the temperature's comes with the loss
        return seen

    for last, first in together(2, step):
        assert len(last) == len(first) == (1 if micro_batch == 0 else 2)
        assert last[:-1] == first[:-1] == [0] * (len(last) - 1)
        assert 0 < last[-1] < first[-1]


def test_with_dropout_the_second_pass_repeats_the_first(export: Path) -> None:
    """Were the masks drawn anew, the features of the two passes would differ and so would the gradient."""
    config = small_config("text.hidden_dropout=0.5")
    batch, vocab_size = first_batch(export, config)
    model = build_model(config, vocab_size).train()
    seen: list[torch.Tensor] = []
    model.text.register_forward_hook(lambda _module, _inputs, output: seen.append(output.detach()))
    take(model, batch, config, "run.micro_batch=4")
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
    take(model, batch, config)
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


@pytest.mark.parametrize("room", [1e3, 1e5, 1e9])
def test_graphs_that_are_kept_change_nothing(export: Path, room: float) -> None:
    config = small_config("text.hidden_dropout=0.5", "image.patch_dropout=0.5")
    batch, vocab_size = first_batch(export, config)
    model = build_model(config, vocab_size).train()
    runs, found = [], []
    for activations in (0.0, room):
        taken = copy.deepcopy(model)
        counts = [0]
        taken.text.register_forward_hook(lambda *_, counts=counts: counts.__setitem__(0, counts[0] + 1))
        take(taken, batch, config, "run.micro_batch=2", f"run.activations_gb={activations / 1e9}")
        runs.append({name: p.grad for name, p in taken.named_parameters()})
        found.append(counts[0])
    assert all(torch.equal(runs[0][name], runs[1][name]) for name in runs[0])
    assert found[0] == 8  # four micro-batches, each twice
    assert found[1] == {1e3: 8, 1e5: 8, 1e9: 4}[room]


def test_as_many_graphs_are_kept_as_fit(export: Path) -> None:
    config = small_config()
    batch, vocab_size = first_batch(export, config)
    model = build_model(config, vocab_size).train()
    counts = []
    for room in (3e4, 1e5, 2e5, 4e5, 1e7):
        calls: list[int] = []
        taken = copy.deepcopy(model)
        for tower in (taken.visual, taken.text):
            tower.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        take(taken, batch, config, "run.micro_batch=1", f"run.activations_gb={room / 1e9}")
        counts.append(len(calls))
    assert counts == sorted(counts, reverse=True)
    assert (counts[0] > counts[2] > counts[-1], counts[-1]) == (True, 16)


@pytest.mark.parametrize("micro_batch", [0, 3])
def test_the_gradient_of_the_sigmoid_loss_is_that_of_the_plain_one(export: Path, micro_batch: int) -> None:
    config = small_config("optim.loss=sigmoid")
    batch, vocab_size = first_batch(export, config)
    model = build_model(config, vocab_size).train()
    assert model.logit_bias is not None
    ours = gradients(model, batch, config, micro_batch)
    features = model.encode_image(batch.images), model.encode_text(batch.tokens)
    plain_sigmoid_loss(*features, model.logit_scale, model.logit_bias).backward()
    for name, parameter in model.named_parameters():
        assert torch.allclose(ours[name], parameter.grad, rtol=1e-3, atol=1e-6), name


def test_what_is_locked_stays_and_what_is_unlocked_does_not(export: Path) -> None:
    config = small_config("image.depth=3", "image.unlocked=0", "text.depth=3", "text.unlocked=2", "optim.unlock_step=1")
    batch, vocab_size = first_batch(export, config)
    model = build_model(config, vocab_size).train()
    optimizer, before = build_optimizer(model, config.optim), copy.deepcopy(model).state_dict()

    def moved() -> set[str]:
        return {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}

    lock(model, config, 0)
    train_step(model, optimizer, batch, 0, config, ALONE)
    assert {name for name in moved() if name.startswith("visual.trunk.") and ".norm." not in name} == set()
    layers = {name.split(".")[4] for name in moved() if ".layer." in name}
    assert layers == {"1", "2"}
    assert not any("embeddings" in name for name in moved())
    assert {"logit_scale", "visual.head.proj.weight", "text.proj.0.weight"} <= moved()
    lock(model, config, 1)
    train_step(model, optimizer, batch, 1, config, ALONE)
    still = set(before) - moved()
    assert not any(name.endswith("weight") for name in still)


def test_a_locked_tower_with_batch_norms_stays_to_the_bit(export: Path) -> None:
    """Statistics of a batch would change it, and what is judged would not be what was trained."""
    config = small_config(*CNN, "image.unlocked=0")
    batch, vocab_size = first_batch(export, config)
    model = build_model(config, vocab_size).train()
    before = copy.deepcopy(model.visual.trunk).state_dict()
    lock(model, config, 0)
    take(model, batch, config, "run.micro_batch=3")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.visual.trunk.state_dict().items())
    features = model.encode_image(batch.images)
    assert torch.equal(features, model.eval().encode_image(batch.images))


def test_the_rate_falls_with_the_distance_from_the_output() -> None:
    model = build_model(small_config("image.depth=2", "text.depth=3"), 200)
    optimizer = build_optimizer(model, small_config("optim.layer_decay=0.5").optim)
    scales = {id(p): group["scale"] for group in optimizer.param_groups for p in group["params"]}
    found = {name: scales[id(parameter)] for name, parameter in model.named_parameters()}
    assert found["visual.head.proj.weight"] == found["logit_scale"] == found["text.proj.2.weight"] == 1.0
    assert found["visual.trunk.blocks.1.mlp.fc1.weight"] == 0.5
    assert found["visual.trunk.blocks.0.mlp.fc1.bias"] == 0.25
    assert found["visual.trunk.patch_embed.proj.weight"] == found["visual.trunk.cls_token"] == 0.125
    assert found["text.transformer.embeddings.word_embeddings.weight"] == 0.0625
    assert len(found) == len(scales)


@pytest.mark.parametrize(("tower", "off"), [(("image.depth=2",), 0.06), (CNN, 0.1)], ids=["ViT", "CNN"])
def test_the_operations_of_a_step_are_those_that_torch_counts(export: Path, tower: tuple[str, ...], off: float) -> None:
    config = small_config(*tower, "text.depth=2", "data.batch_size=6")
    batch, vocab_size = first_batch(export, config)
    model = build_model(config, vocab_size).train()
    longest = batch.tokens.shape[1]
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:  # it passes over fused attention
        loss = model.encode_image(batch.images).sum() + model.encode_text(batch.tokens).sum()
        loss.backward()
    ours = flops(model, config, np.full(6, longest))
    # Off by the projections and the first layer's input, and what torch counts too much behind grouped convolutions.
    assert ours == pytest.approx(counter.get_total_flops(), rel=off)
    assert flops(model, config, np.full(6, longest - 2)) < ours
