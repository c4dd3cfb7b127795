"""The trainer's step, loss and decoding against open_clip's and torchvision's, in one run on one CPU thread.

    python -m benchmarks.train_step [--rounds 3]

Without open_clip_torch (`pip install --no-deps open_clip_torch ftfy regex`) only our own figures are printed. Both
sides have the same weights, pictures and captions; captions have log-normal lengths, 90 % below the context of 256,
as in PMC-15M. open_clip pads to the context, as its tokenizer does. CPU seconds, so that a busy machine disturbs
little. It says whether our step wastes work; what a GPU makes of it needs a GPU.
"""

import argparse
import importlib.util
import io
import math
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from train import _torchvision
from train.config import load_config
from train.data import Batch
from train.distributed import World
from train.images import decode_crop
from train.loss import contrastive_loss
from train.step import StepSettings, build_optimizer, train_step
from train.towers import Clip, build_model

BATCH, CONTEXT, VOCABULARY = 32, 256, 8000
MODEL = (
    *("embed_dim=256", "image.model=vit_tiny_patch16_224", "image.patch_size=0", "image.width=0", "image.depth=0"),
    *("image.heads=0", "image.init_std=0", "data.image_size=224", f"data.context_length={CONTEXT}"),
    *("text.width=256", "text.depth=4", "text.heads=4", "text.hidden_dropout=0.1", f"data.batch_size={BATCH}"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    _torchvision.make_importable()
    peer = importlib.util.find_spec("open_clip") is not None
    print(f"one thread, {rounds} rounds, median CPU time; torch {torch.__version__}")
    _steps(rounds, peer)
    _losses(peer)
    _decoding(rounds)


def _steps(rounds: int, peer: bool) -> None:
    config = load_config("tiny", None, MODEL)
    model = build_model(config, VOCABULARY).train()
    generator = torch.Generator().manual_seed(0)
    lengths = torch.exp(torch.randn(BATCH, generator=generator) * 0.63 + math.log(115)).clamp(8, CONTEXT).long()
    tokens = torch.randint(5, VOCABULARY, (BATCH, CONTEXT), generator=generator)
    tokens[torch.arange(CONTEXT) >= lengths[:, None]] = 0
    images = torch.randint(0, 256, (BATCH, 3, 224, 224), dtype=torch.uint8, generator=generator)
    batch = Batch(images, tokens[:, : int(lengths.max())], np.arange(BATCH), ())
    world = World(0, 1, torch.device("cpu"))

    def ours(micro_batch: int) -> Callable[[], object]:
        optimizer = build_optimizer(model, config.optim)
        settings = StepSettings(0, micro_batch, bf16=False, clip_norm=1.0)
        return lambda: train_step(model, optimizer, batch, 0, settings, world)

    contenders = {"ours": ours(0), "ours, micro-batch 8": ours(8)}
    if peer:
        contenders["open_clip"] = _open_clip_step(model, images, tokens)
    seconds = _alternate(contenders, rounds)
    print(f"\nstep of {BATCH} pairs, ViT-Ti/16 + 4-layer BERT; mean caption {float(lengths.float().mean()):.0f} tokens")
    for name, value in seconds.items():
        ratio = f"{seconds['open_clip'] / value:.2f}× open_clip" if peer else ""
        print(f"  {name:22} {value * 1000:8.0f} ms {BATCH / value:8.1f} pairs/s  {ratio}")


def _open_clip_step(model: Clip, images: Tensor, tokens: Tensor) -> Callable[[], object]:
    """The same towers under open_clip's loss and training loop (one process, no accumulation)."""
    from open_clip.loss import ClipLoss

    loss, optimizer = ClipLoss(), torch.optim.AdamW(model.parameters(), lr=1e-3)
    pixels = (images / 255 - model.mean) / model.std

    def step() -> None:
        optimizer.zero_grad()
        image = torch.nn.functional.normalize(model.visual(pixels), dim=-1)
        text = torch.nn.functional.normalize(model.text(tokens), dim=-1)
        loss(image, text, model.logit_scale.exp()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def _losses(peer: bool) -> None:
    n, d = 4096, 512
    image, text = (torch.nn.functional.normalize(torch.randn(n, d), dim=-1) for _ in range(2))
    scale = torch.tensor(math.log(50.0))
    contenders: dict[str, Callable[[], object]] = {"ours, tiles of 1024": lambda: contrastive_loss(image, text, scale)}
    if peer:
        from open_clip.loss import ClipLoss

        def theirs() -> None:
            a, b = image.requires_grad_(), text.requires_grad_()
            ClipLoss()(a, b, scale.exp()).backward()

        contenders["open_clip"] = theirs
    print(f"\nloss and its gradient, N = {n}, D = {d}")
    for name, value in _alternate(contenders, 3).items():
        kept = _bytes_kept(contenders[name]) / 1e6
        print(f"  {name:22} {value * 1000:8.0f} ms {kept:8.1f} MB kept for backward")


def _bytes_kept(call: Callable[[], object]) -> int:
    """Bytes that autograd holds on to between forward and backward."""
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        call()
    return sum(storages.values())


def _by_torchvision(transform: Any, data: bytes) -> object:
    return transform(Image.open(io.BytesIO(data)).convert("RGB"))


def _decoding(rounds: int) -> None:
    from torchvision.transforms import v2

    theirs: Any = v2.Compose(
        [v2.RandomResizedCrop(224, scale=(0.9, 1.0), interpolation=v2.InterpolationMode.BICUBIC), v2.PILToTensor()]
    )
    rng = np.random.default_rng(0)
    print("\ndecode + RandomResizedCrop(0.9, 1) + bicubic to 224 px")
    for side in (800, 1600):
        smooth = Image.fromarray(rng.integers(0, 256, (side // 16, side // 16, 3), dtype=np.uint8))
        picture = io.BytesIO()
        smooth.resize((side, side * 3 // 4), Image.Resampling.BICUBIC).save(picture, "JPEG", quality=90)
        data = picture.getvalue()
        contenders: dict[str, Callable[[], object]] = {
            "ours": partial(decode_crop, data, 224, 10**9, 0.9, rng),
            "torchvision's way": partial(_by_torchvision, theirs, data),
        }
        seconds = _alternate(contenders, 10 * rounds)
        for name, value in seconds.items():
            ratio = seconds["torchvision's way"] / value
            print(f"  JPEG {side} px, {name:18} {1 / value:8.0f} images/s  {ratio:.2f}×")


def _alternate(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each, taken in turns after one warm-up."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, call in contenders.items():
            start = time.process_time()
            call()
            if turn:
                taken[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in taken.items()}


if __name__ == "__main__":
    main()
