"""The trainer's step, loss and decoding against open_clip's and torchvision's, in one run on one CPU thread.

    python -m benchmarks.train_step [--data EXPORT] [--text-tower small|base] [--batch 32] [--steps 3]

The step is taken by open_clip's own `train_one_epoch` and by our `train_step`: same weights, pictures, captions, order,
optimizer and schedule, each contender in a process of its own, so that its peak memory can be read. Without an export
the pictures are noise, and captions have log-normal lengths, 90 % below the context of 256, as in PMC-15M. open_clip
pads to the context, as its tokenizer does. CPU seconds, so that a busy machine disturbs little. It says whether our
step wastes work; what a GPU makes of it, `benchmarks/gpu.sh` says.
"""

import argparse
import io
import json
import math
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.open_clip_loop import epoch_of, loaded, same_towers
from train import _torchvision
from train.config import load_config
from train.data import Batch
from train.distributed import World
from train.images import decode_crop
from train.loss import contrastive_loss
from train.shards import open_split
from train.step import build_optimizer, learning_rate, train_step
from train.tokens import encode, train_tokenizer
from train.towers import Clip, build_model

CONTEXT, VOCABULARY, SIZE, SCHEDULE = 256, 8000, 224, 1000
TEXT_TOWERS = {"small": (256, 4, 4), "base": (768, 12, 12)}  # width, depth, heads
# Who steps, with how many micro-batches, and how many GB of graphs it may keep between the passes.
CONTENDERS = {
    "open_clip": (1, 0.0),
    "ours": (1, 0.0),
    "open_clip, accum-freq 4": (4, 0.0),
    "ours, 4 micro-batches": (4, 0.0),
    "ours, 4 micro-batches, 1 GB kept": (4, 1.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="EXPORT", help="real pictures and captions: its train split")
    parser.add_argument("--text-tower", choices=TEXT_TOWERS, default="small")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--contender", choices=CONTENDERS, help="this one alone, as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    _torchvision.make_importable()
    if arguments.contender:
        print(json.dumps(_contend(arguments)))
        return
    print(f"one thread, CPU time; torch {torch.__version__}")
    print(f"\n{arguments.steps} steps of {arguments.batch} pairs, ViT-Ti/16 + {arguments.text_tower} BERT")
    found: dict[str, Any] = {}
    for name in CONTENDERS:
        command = [sys.executable, "-m", "benchmarks.train_step", *sys.argv[1:], "--contender", name]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found[name] = json.loads(answer.splitlines()[-1])
        row, peer = found[name], found["open_clip, accum-freq 4" if CONTENDERS[name][0] > 1 else "open_clip"]
        losses = " ".join(f"{loss:.5f}" for loss in row["losses"])
        rate, peak = row["pairs_per_s"], row["peak_mb"]
        faster = rate / peer["pairs_per_s"]
        print(f"  {name:33} {rate:7.2f} pairs/s  {faster:.2f} ×  peak {peak:5.0f} MB  losses {losses}", flush=True)
    print(f"  mean caption {row['mean_tokens']:.0f} tokens")
    _losses()
    _decoding(3)


def _contend(arguments: argparse.Namespace) -> dict[str, Any]:
    """Take the steps, and say how fast, in how much memory beyond the start, and with which losses."""
    width, depth, heads = TEXT_TOWERS[arguments.text_tower]
    pairs = arguments.batch * arguments.steps
    texts, crops = _pairs(arguments.data, pairs)
    tokenizer = train_tokenizer(texts, VOCABULARY)
    settings = (
        *("embed_dim=256", "image.model=vit_tiny_patch16_224", "image.patch_size=0", "image.width=0"),
        *("image.depth=0", "image.heads=0", "image.init_std=0", "text.init_std=0", f"data.image_size={SIZE}"),
        *(f"data.context_length={CONTEXT}", f"text.width={width}", f"text.depth={depth}", f"text.heads={heads}"),
        *(f"data.batch_size={arguments.batch}", "optim.lr=1e-4", "optim.warmup_steps=3", "optim.temperature=0.07"),
    )
    config = load_config("tiny", None, settings)
    model = build_model(config, tokenizer.get_vocab_size()).train()
    batches = []
    for start in range(0, pairs, arguments.batch):
        rows = slice(start, start + arguments.batch)
        tokens = encode(tokenizer, texts[rows], CONTEXT)
        images = torch.from_numpy(crops[rows])
        batches.append(Batch(images, torch.from_numpy(tokens), (tokens != 0).sum(1), np.arange(len(tokens)), ()))
    parts, kept = CONTENDERS[arguments.contender]
    take = _open_clip(model, batches, parts) if "open" in arguments.contender else _ours(model, batches, parts, kept)
    before, start_time = _peak_mb(), time.process_time()
    losses = take()
    return {
        "pairs_per_s": pairs / (time.process_time() - start_time),
        "peak_mb": _peak_mb() - before,
        "losses": losses,
        "mean_tokens": float(np.concatenate([batch.lengths for batch in batches]).mean()),
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _pairs(data: Path | None, count: int) -> tuple[list[str], Any]:
    rng = np.random.default_rng(0)
    if data is None:
        lengths = np.exp(rng.normal(size=count) * 0.63 + math.log(100)).clip(8, CONTEXT).astype(int)
        words = np.array(["".join(rng.choice(list("aeioustrnl"), 4)) for _ in range(2000)])
        return [" ".join(rng.choice(words, n)) for n in lengths], rng.integers(0, 256, (count, 3, SIZE, SIZE), np.uint8)
    split = open_split(data, "train")
    pairs = [split.pair(int(row)) for row in rng.permutation(sum(split.sizes))[:count]]
    return [pair.text for pair in pairs], np.stack([decode_crop(pair.image, SIZE, 10**9, 0.9, rng) for pair in pairs])


def _ours(model: Clip, batches: list[Batch], parts: int, kept: float) -> Callable[[], list[float]]:
    micro_batch = 0 if parts == 1 else len(batches[0].rows) // parts
    taken = ("optim.lr=1e-4", "optim.warmup_steps=3", f"run.micro_batch={micro_batch}", f"run.activations_gb={kept}")
    config, world = load_config("tiny", None, taken), World(0, 1, torch.device("cpu"))
    optimizer = build_optimizer(model, config.optim)

    def take() -> list[float]:
        losses = []
        for step, batch in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, SCHEDULE, config.optim)
            losses.append(float(train_step(model, optimizer, batch, step, config, world).loss))
        return losses

    return take


def _open_clip(model: Clip, batches: list[Batch], parts: int) -> Callable[[], list[float]]:
    """The same weights in open_clip's towers, loss, optimizer groups, schedule and training loop."""
    from open_clip.loss import ClipLoss
    from open_clip_train.scheduler import cosine_lr
    from open_clip_train.train import train_one_epoch

    theirs = same_towers(model, 256, "vit_tiny_patch16_224", SIZE, CONTEXT)
    theirs.load_state_dict(model.state_dict())
    decayed = [p for p in theirs.parameters() if p.ndim >= 2]
    others = [p for p in theirs.parameters() if p.ndim < 2]
    groups = [{"params": others, "weight_decay": 0.0}, {"params": decayed, "weight_decay": 0.2}]
    optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.98), eps=1e-6)
    seen: list[float] = []

    class Recorded(ClipLoss):  # type: ignore[misc]
        def forward(self, *features: Any, **more: Any) -> Any:
            result = super().forward(*features, **more)
            seen.append(float(result["contrastive_loss"].detach()))
            return result

    told = {"device": "cpu", "precision": "fp32", "skip_scheduler": False, "log_every_n_steps": 1}
    pairs = loaded(model, batches, parts, CONTEXT)
    data, options = epoch_of(pairs, len(batches[0].rows), parts, **told)

    def take() -> list[float]:
        rates = cosine_lr(optimizer, 1e-4, 3, SCHEDULE)
        train_one_epoch(theirs, data, Recorded(cache_labels=True), 0, optimizer, None, rates, None, options)
        return seen[::parts]

    return take


def _losses() -> None:
    n, d = 4096, 512
    image, text = (torch.nn.functional.normalize(torch.randn(n, d), dim=-1) for _ in range(2))
    scale = torch.tensor(math.log(50.0))
    alone = World(0, 1, torch.device("cpu"))
    contenders: dict[str, Callable[[], object]] = {
        "ours, tiles of 1024": lambda: contrastive_loss(image, text, scale, alone)
    }
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
