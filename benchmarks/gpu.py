"""The trainer on a GPU: `benchmarks/gpu.sh` runs it. Each part says PASS, FAIL or its figures; none stops the others.

    correct    loss and gradient against plain fp64; graphs kept or made again: the same bits; no step waits for the GPU
    resume     a run that is halted and resumed against one that is not, to the bit
    speed      ViT-B/16 + BERT-base, captions of log-normal lengths, 1,024 and 4,096 pairs: pairs/s, share of the peak,
               memory; compiled, and with half of the patches; beside open_clip's own `train_one_epoch` (bf16,
               accumulation) where it can be imported
    figures    pictures/s of the network that divides figures, one by one and in batches
    loader     pairs/s of `TrainBatches` with the machine's cores, and how long the first batch takes

With `--device cpu --tiny` all of it on towers of a few thousand parameters, to see that the script itself works: some
minutes, most of them the compiler's.
"""

import argparse
import contextlib
import copy
import importlib.util
import io
import json
import math
import os
import random
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from benchmarks.open_clip_loop import epoch_of, loaded, same_towers
from train import _torchvision, loop
from train.checkpoint import checkpoints
from train.config import Config, load_config, override
from train.data import Batch, Schedule, TrainBatches
from train.distributed import World
from train.errors import TrainError
from train.loop import PEAK_TFLOPS
from train.order import Order
from train.shards import Splits, open_split
from train.step import build_optimizer, train_step
from train.tokens import Captions, train_tokenizer
from train.towers import Clip, build_model, compile_blocks, flops

SMALL = (
    *("embed_dim=32", "data.batch_size=16", "data.image_size=32", "data.context_length=24", "image.patch_size=16"),
    *("image.width=32", "image.depth=2", "image.heads=2", "text.width=32", "text.depth=2", "text.heads=2"),
    *("text.vocab_size=200", "run.steps=6", "run.log_every=1", "run.save_every=3", "run.keep=9", "run.threads=0"),
)
REAL = (  # a ViT that open_clip can build as well
    *("image.model=test_vit", "data.image_size=160"),
    *(f"image.{size}=0" for size in ("patch_size", "width", "depth", "heads")),
)
FULL = ("text.weights=", "image.weights=", "text.attention_dropout=0", "text.hidden_dropout=0")
VOCABULARY = 30522
WORDS = ("cells", "bars", "bands", "of", "red", "blue", "tissue", "after", "days")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--only", nargs="+", choices=("correct", "resume", "speed", "figures", "loader"))
    arguments = parser.parse_args()
    _torchvision.make_importable()
    device, until = torch.device(arguments.device), time.monotonic() + 60 * arguments.minutes
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    print(f"{name}, {os.cpu_count()} cores, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as scratch:
        data = _export(Path(scratch) / "data", 64 if arguments.tiny else 1024)
        parts: dict[str, Callable[[], None]] = {
            "correct": lambda: _correct(device, data),
            "resume": lambda: _resume(data, Path(scratch)),
            "speed": lambda: _speed(device, arguments.tiny, until),
            "figures": lambda: _figures(device, arguments.tiny),
            "loader": lambda: _loader(data, arguments.tiny),
        }
        for part in arguments.only or parts:
            print(f"\n{part}", flush=True)
            try:
                parts[part]()
            except (RuntimeError, TrainError, AssertionError, ImportError) as error:
                print(f"  FAIL: {type(error).__name__}: {str(error).splitlines()[0]}")


def _said(what: str, holds: bool, figure: str = "") -> None:
    print(f"  {'PASS' if holds else 'FAIL'}  {what}  {figure}", flush=True)


def _export(folder: Path, count: int) -> Path:
    """Drawn pictures of journal size with captions, as a WebDataset."""
    rng, chance = np.random.default_rng(0), random.Random(0)
    (folder / "train").mkdir(parents=True)
    with tarfile.open(folder / "train" / "00000.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for number in range(count):
            picture = io.BytesIO()
            smooth = Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8))
            smooth.resize((800, 640), Image.Resampling.BICUBIC).save(picture, "JPEG", quality=90)
            caption = " ".join(chance.choice(WORDS) for _ in range(30))
            for suffix, content in (("jpg", picture.getvalue()), ("txt", f"{number} {caption}".encode())):
                member = tarfile.TarInfo(f"{number:06d}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    (folder / "train" / "sizes.json").write_text(json.dumps({"00000.tar": count}))
    return folder


def _batch(config: Config, pairs: int, vocabulary: int, device: torch.device) -> Batch:
    rng, context = np.random.default_rng(0), config.data.context_length
    spread = np.exp(rng.normal(size=pairs) * 0.63 + math.log(115 * context / 256))
    lengths = spread.clip(3, context).astype(np.int64)
    tokens = rng.integers(5, vocabulary, (pairs, int(lengths.max())))
    tokens[np.arange(tokens.shape[1]) >= lengths[:, None]] = 0
    images = torch.randint(0, 256, (pairs, 3, config.data.image_size, config.data.image_size), dtype=torch.uint8)
    return Batch(images.to(device), torch.from_numpy(tokens).to(device), lengths, np.arange(pairs), ())


@contextlib.contextmanager
def _no_waiting(device: torch.device) -> Iterator[None]:
    if device.type == "cuda":
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        if device.type == "cuda":
            torch.cuda.set_sync_debug_mode("default")


def _correct(device: torch.device, data: Path) -> None:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    config = load_config("tiny", None, [*SMALL, "run.precision=fp32"])
    model, world = build_model(config, 200).to(device).train(), World(0, 1, device)
    batch = _batch(config, 16, 200, device)

    def gradients(micro_batch: int, kept: float, bf16: bool = False) -> torch.Tensor:
        taken, room = copy.deepcopy(model), [f"run.micro_batch={micro_batch}", f"run.activations_gb={kept / 1e9}"]
        how = override(config, [f"run.precision={'bf16' if bf16 else 'fp32'}", "optim.clip_norm=0", *room])
        optimizer = build_optimizer(taken, config.optim)
        train_step(taken, optimizer, batch, 0, how, world)  # warms up
        with torch.no_grad():
            for left, right in zip(taken.parameters(), model.parameters(), strict=True):
                left.copy_(right)
        with _no_waiting(device):
            train_step(taken, optimizer, batch, 0, how, world)
        return torch.cat([p.grad.flatten() for p in taken.parameters() if p.grad is not None]).double().cpu()

    plain = copy.deepcopy(model).double().cpu()
    image = torch.nn.functional.normalize(plain.visual((batch.images.cpu() / 255 - plain.mean) / plain.std), dim=-1)
    text = torch.nn.functional.normalize(plain.text(batch.tokens.cpu()), dim=-1)
    logits, own = plain.logit_scale.exp() * image @ text.T, torch.arange(16)
    entropy = torch.nn.functional.cross_entropy
    torch.autograd.backward((entropy(logits, own) + entropy(logits.T, own)) / 2)
    expected = torch.cat([p.grad.flatten() for p in plain.parameters() if p.grad is not None])
    for what, micro_batch, kept in (("whole batch", 0, 0.0), ("4 micro-batches", 4, 0.0), ("half kept", 4, 3e6)):
        error = float((gradients(micro_batch, kept) - expected).norm() / expected.norm())
        _said(f"gradient in fp32, {what}: off fp64 by", error < 1e-4, f"{error:.1e}")
    _said("graphs kept or made again: the same bits", torch.equal(gradients(4, 0.0), gradients(4, 1e12)))
    error = float((gradients(0, 0.0, bf16=True) - expected).norm() / expected.norm())
    _said("gradient in bf16 off fp64 by", error < 0.1, f"{error:.1e}")
    if device.type == "cuda":
        print("  (every step above ran under torch.cuda.set_sync_debug_mode('error'))")


def _resume(data: Path, scratch: Path) -> None:
    config = load_config("tiny", None, [*SMALL, "text.hidden_dropout=0.1", "image.patch_dropout=0.25"])
    loop.run(config, data, scratch / "straight")
    loop.run(config, data, scratch / "halted")
    last = checkpoints(scratch / "halted")[-1]
    for file in last.iterdir():
        file.unlink()
    last.rmdir()
    loop.run(override(config, ["data.workers=2"]), data, scratch / "halted")
    left, right = (load_file(checkpoints(scratch / run)[-1] / "model.safetensors") for run in ("straight", "halted"))
    equal = all(torch.equal(left[name], right[name]) for name in left)
    _said("resumed with two loader processes: the same bits", equal)


def _speed(device: torch.device, tiny: bool, until: float) -> None:
    config = load_config("tiny", None, [*SMALL, *REAL]) if tiny else load_config("biomedclip", None, FULL)
    vocabulary = 200 if tiny else VOCABULARY
    model = build_model(config, vocabulary).to(device).train()
    memory = torch.cuda.get_device_properties(device).total_memory / 1e9 if device.type == "cuda" else 21.0
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    peak = next((tflops for word, tflops in PEAK_TFLOPS.items() if word in name), math.nan)
    kept = max(0.0, memory - 20) * 1e9 * 0.75
    size = 8 if tiny else 256
    rows = [("ours, everything twice", 0.0, ""), (f"ours, {kept / 1e9:.0f} GB kept", kept, "")]
    rows += [("ours, compiled", kept, "compiled"), ("ours, biomedclip-fast", kept, "fast")]
    halved = build_model(override(config, ["image.patch_dropout=0.5"]), vocabulary)
    for pairs in (16, 32) if tiny else (1024, 4096):
        batch = _batch(config, pairs, vocabulary, device)
        contenders, done = {}, {}
        for what, room, how in rows:
            own = copy.deepcopy(halved if how == "fast" else model).to(device).train()
            if how:
                compile_blocks(own)
            contenders[what] = _ours(own, config, batch, size, room, device)
            done[what] = flops(own, config, batch.lengths)
        if importlib.util.find_spec("open_clip_train"):
            contenders["open_clip"] = _open_clip(model, config, batch, pairs // size, device)
        for what, take in contenders.items():
            if time.monotonic() > until - 60:
                print(f"  {pairs} pairs, {what}: left out, the time is over")
                continue
            try:
                seconds, gigabytes = _timed(take, device)
            except torch.OutOfMemoryError:
                print(f"  {pairs} pairs, {what}: out of memory")
                continue
            used = done.get(what, flops(model, config, batch.lengths)) / seconds / 1e12
            of_gpu = f"  MFU {used / peak:5.1%}  {gigabytes:5.1f} GB" if device.type == "cuda" else ""
            rate = f"{pairs / seconds:8.0f} pairs/s  {used:8.3g} TFLOP/s{of_gpu}"
            print(f"  {pairs} pairs, {what:24} {rate}", flush=True)


def _timed(take: Callable[[], None], device: torch.device) -> tuple[float, float]:
    """Seconds a step after one that warms up, and the peak of memory in GB."""
    cuda = device.type == "cuda"
    take()
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    start, steps = time.perf_counter(), 0
    while steps < 2 or (time.perf_counter() - start < 8 and steps < 20):
        take()
        steps += 1
        if cuda:
            torch.cuda.synchronize()
    seconds = (time.perf_counter() - start) / steps
    gigabytes = torch.cuda.max_memory_allocated() / 1e9 if cuda else math.nan
    if cuda:
        torch.cuda.empty_cache()
    return seconds, gigabytes


def _ours(
    model: Clip, config: Config, batch: Batch, micro_batch: int, kept: float, device: torch.device
) -> Callable[[], None]:
    optimizer, world = build_optimizer(model, config.optim), World(0, 1, device)
    room = [f"run.micro_batch={micro_batch}", f"run.activations_gb={kept / 1e9}"]
    config = override(config, ["run.precision=bf16", "optim.clip_norm=1", *room])

    def take() -> None:
        train_step(model, optimizer, batch, 0, config, world)

    return take


def _open_clip(model: Clip, config: Config, batch: Batch, parts: int, device: torch.device) -> Callable[[], None]:
    """The same architecture in open_clip's own loop: bf16, padded to the context, accumulation in `parts`."""
    from open_clip.loss import ClipLoss
    from open_clip_train.train import train_one_epoch

    theirs = same_towers(
        model, config.embed_dim, config.image.model, config.data.image_size, config.data.context_length
    ).to(device)
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-6)
    pairs = loaded(model, [batch], parts, config.data.context_length)
    told = {"device": device, "precision": "amp_bf16", "skip_scheduler": True, "log_every_n_steps": 1000}
    data, options = epoch_of(pairs, len(batch.rows), parts, **told)
    loss = ClipLoss(cache_labels=True)

    def take() -> None:
        train_one_epoch(theirs, data, loss, 0, optimizer, None, None, None, options)

    return take


def _figures(device: torch.device, tiny: bool) -> None:
    from models.panels.network import PanelNet

    network = PanelNet().to(device).eval()
    for pictures in (1, 4) if tiny else (1, 64, 512):
        ink = torch.rand(pictures, 1, 320, 320, device=device)

        def take(ink: torch.Tensor = ink) -> None:
            with torch.no_grad():
                network(ink)

        print(f"  {pictures} at a time: {pictures / _timed(take, device)[0]:.0f} pictures/s", flush=True)


def _loader(data: Path, tiny: bool) -> None:
    workers = 2 if tiny else max(1, min(16, os.cpu_count() or 1) - 1)
    pairs = 32 if tiny else 512
    config = load_config("biomedclip", None, [f"data.workers={workers}", f"data.batch_size={pairs}"]).data
    split = open_split(data, "train")
    schedule = Schedule([Order(split.sizes, 0, split.units_per_window)], pairs)
    captions = Captions(split, train_tokenizer(split.texts(), 500), config.context_length, data / "tokens")
    batches = TrainBatches(Splits([split]), schedule, captions, config, 0)
    start, first, steps = time.perf_counter(), math.nan, 3 if tiny else 20
    for step, _ in enumerate(batches.batches(range(steps), torch.device("cpu"))):
        if step == 0:
            first = time.perf_counter() - start
    rate = (steps - 1) * pairs / (time.perf_counter() - start - first)
    print(f"  JPEG of 800 px, {workers} processes: {rate:.0f} pairs/s, first batch after {first:.1f} s")


if __name__ == "__main__":
    main()
