"""A whole run, readable from top to bottom.

Writes into the run folder and nowhere else:

    config.toml      the effective configuration
    metrics.jsonl    a line every `run.log_every` steps, and one for each evaluation
    checkpoints/     see `checkpoint.py`
    tokens/          those of the captions, made as the shards are met
    tensorboard/     with `run.track=tensorboard`
    summary.json     once the run is complete
"""

import copy
import dataclasses
import hashlib
import json
import logging
import math
import os
import platform
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from train import checkpoint, files, pretrained
from train.config import Config, from_dict, override, to_toml
from train.data import Schedule, TrainBatches
from train.distributed import World, join, leave
from train.errors import CheckpointError, ConfigError, DataError, DivergedError
from train.evaluation.meanwhile import Judges
from train.loss import chance_loss
from train.order import Order, weights_of
from train.pretrained import Pretrained
from train.shards import Split, Splits, open_split, read_at
from train.step import build_optimizer, learning_rate, train_step
from train.tokens import CAPTIONS_FOR_TRAINING, Captions, load_tokenizer, train_tokenizer
from train.towers import Clip, all_finite, build_model, compile_blocks, drop_patches, flops, lock
from train.trackers import open_tracker, require_tracker

SAMPLE_BYTES = 1 << 16  # of either end of a file that has no fingerprint
PEAK_TFLOPS = {"H100": 989, "H200": 989, "A100": 312, "L40S": 362, "B200": 2250}  # dense bf16, as its maker says

TOKENS = "tokens"

log = logging.getLogger("train")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run came to."""

    complete: bool
    steps: int
    batch_size: int
    seconds: float  # of this process, training only
    first_loss: float  # of step 1
    last_loss: float  # of the last step
    chance_loss: float  # of a model that knows nothing
    checkpoint: str
    val: dict[str, Any] | None  # None: there is no val split

    def __str__(self) -> str:
        pairs = self.steps * self.batch_size
        lines = [
            f"{self.steps} steps of {self.batch_size} pairs ({pairs} in all), {self.seconds:.1f} s of training here",
            f"loss {self.first_loss:.3f} → {self.last_loss:.3f} (a model that knows nothing: {self.chance_loss:.3f})",
        ]
        if self.val is None:
            lines.append("no val split, so nothing was evaluated")
        elif self.val["n"]:
            both = (self.val["image_to_text"], self.val["text_to_image"])
            shown = [f"{way['r1']:.1%} (95 %: {way['r1_95'][0]:.1%}–{way['r1_95'][1]:.1%})" for way in both]
            chance = f"chance {self.val['chance_r1']:.1%}, n = {self.val['n']}"
            lines.append(f"val R@1 image→text {shown[0]}, text→image {shown[1]}; {chance}")
        lines.append(f"checkpoint {self.checkpoint}")
        if not self.complete:
            lines.append("interrupted; the same command with --resume goes on from there")
        return "\n".join(lines)


def run(config: Config, data: Path | Sequence[Path], out: Path, allow_random: bool = False) -> Summary:
    """Train on one export or several into `out`, from its newest whole checkpoint if it has one.

    `allow_random`: parts that the weights to begin from lack may begin at random.
    """
    world = join()
    folders = [data] if isinstance(data, Path) else list(data)
    try:
        with _signals() as stopped:
            return _run(config, folders, out, allow_random, world, stopped)
    finally:
        leave(world)


def _run(
    config: Config, folders: Sequence[Path], out: Path, allow_random: bool, world: World, stopped: list[int]
) -> Summary:
    if config.run.threads:
        torch.set_num_threads(config.run.threads)
    if config.run.activations_gb * 1e9 > world.memory:
        raise ConfigError(
            f"run.activations_gb {config.run.activations_gb:g} cannot stay in the {world.memory / 1e9:.0f} GB of this "
            f"{world.device.type.upper()}; what does not fit is made twice, with 0 everything"
        )
    require_tracker(config)
    if config.run.precision == "auto":  # from here on it is the run's own, on whatever device it goes on
        config = override(config, [f"run.precision={'bf16' if world.device.type == 'cuda' else 'fp32'}"])

    # The data: rows in an order that is a function of the seed.
    splits = [open_split(folder, "train") for folder in folders]
    train_split = Splits(splits)
    orders = [_order(split, config) for split in splits]
    shares = config.data.mix or [order.rows for order in orders]
    schedule = Schedule(orders, config.data.batch_size, world.rank, world.size, shares)
    steps = config.run.steps or config.run.epochs * schedule.steps_per_epoch
    tail = round(config.image.whole_tail * steps)
    pairs, exports = sum(train_split.sizes), list(map(_identity_of, folders, splits))
    identity = {"layout": train_split.layout, "pairs": pairs, "exports": exports}

    # The model: new, as weights of others have it, or as the newest checkpoint left it.
    newest = next(reversed(checkpoint.checkpoints(out)), None)
    if newest:
        meta = checkpoint.read_meta(newest)
        _refuse_changes(meta, newest, config, identity, world)
        tokenizer = load_tokenizer(str(newest))
        start, loss = meta.step, torch.tensor(meta.loss)
        model = build_model(config, tokenizer.get_vocab_size(), meta.bert)
        checkpoint.load_weights(newest, model)
    else:
        source = pretrained.read(Path(config.init)) if config.init else None
        tokenizer = _tokenizer(config, train_split, source)
        start, loss = 0, torch.tensor(math.nan)
        if world.leads:  # of another beginning, with other settings perhaps
            shutil.rmtree(out / TOKENS, ignore_errors=True)
        model = build_model(config, tokenizer.get_vocab_size(), source.bert if source else None, allow_random)
        if source:
            pretrained.fill(model, source, allow_random)
    model.to(world.device).train()
    optimizer = build_optimizer(model, config.optim)
    judged = copy.deepcopy(model).requires_grad_(False) if config.optim.ema else model
    if newest:
        checkpoint.load_optimizer(newest, model, optimizer)
        if judged is not model:
            checkpoint.load_weights(newest, judged, checkpoint.AVERAGED)
    lock(model, config, start)
    if config.run.compile:
        compile_blocks(model)
    judges = Judges.of(config, folders, judged, tokenizer, world)

    world.require_same("the step they go on from", str(start))
    whole = f"{identity} {to_toml(config)}".encode()
    world.require_same("data or configuration", hashlib.sha256(whole).hexdigest()[:16])
    if world.leads:
        out.mkdir(parents=True, exist_ok=True)
        files.write(out / "config.toml", to_toml(config).encode())
        (out / checkpoint.FOLDER).mkdir(exist_ok=True)
        (out / TOKENS).mkdir(exist_ok=True)
        files.sweep(out / TOKENS, ".npy")
        checkpoint.prune(out, config.run.keep, config.run.keep_every)
        _forget_after(out / "metrics.jsonl", start)
        _say_hello(config, train_split, schedule, model, start, steps, world)
        track = open_tracker(config, out, start)
    world.require_shared(out / TOKENS)

    sound = torch.ones((), dtype=torch.bool, device=world.device)

    def require_finite(step: int) -> None:
        """The same on every process, so that all of them stop."""
        if not (sound and all_finite(model)):
            raise DivergedError(
                f"loss, gradient or weights are not finite at step {step}; nothing was saved since they were. "
                "Lower optim.lr or set optim.clip_norm in a new run"
            )

    def save(step: int) -> None:
        require_finite(step)
        if world.leads:
            meta = checkpoint.Meta(
                step=step,
                loss=float(loss),
                config=dataclasses.asdict(config),
                data=identity,
                bert=model.bert,
                vocab_size=tokenizer.get_vocab_size(),
                processes=world.size,
                versions=_versions(),
            )
            checkpoint.save_checkpoint(out, meta, model, optimizer, tokenizer, judged)
            checkpoint.prune(out, config.run.keep, config.run.keep_every)

    def log_row(row: dict[str, Any]) -> None:
        if world.leads and row:
            with (out / "metrics.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            track(row)

    def is_due(every: int) -> bool:  # what the end of the run is due for comes there
        return every > 0 and step % every == 0 and step < steps

    captions = Captions(train_split, tokenizer, config.data.context_length, out / TOKENS)
    batches = TrainBatches(train_split, schedule, captions, config.data, config.run.seed)
    clock = _Clock(config.data.batch_size, steps, world.device)
    step, saved = start, start if newest else -1
    with closing(batches.batches(range(start, steps), world.device)) as made:
        while step < steps and not world.any(bool(stopped)):
            with clock.waiting():
                batch = next(made)
            for place in batch.unreadable:
                log.warning("%s; the next pair takes its place", place)
            if step == config.optim.unlock_step:
                lock(model, config, step)
            if config.image.patch_dropout:
                drop_patches(model, config.image.patch_dropout if step < steps - tail else 0.0)
            lr = learning_rate(step, steps, config.optim)
            for group in optimizer.param_groups:
                group["lr"] = lr * group["scale"]
            result = train_step(model, optimizer, batch, step, config, world)
            if judged is not model:
                torch._foreach_lerp_([*judged.parameters()], [*model.parameters()], 1 - config.optim.ema)
            sound &= torch.isfinite(result.loss) & torch.isfinite(result.grad_norm)
            loss = result.loss
            step += 1
            clock.count(flops(model, config, batch.lengths))

            if step == 1 or step % config.run.log_every == 0 or step == steps:
                require_finite(step)
                row = {"step": step, "epoch": schedule.epoch(step - 1), "loss": float(loss), "lr": lr}
                row |= {"grad_norm": float(result.grad_norm), "scale": float(model.logit_scale.detach().exp())}
                row |= clock.read(step)
                log_row(row)
                if world.leads:
                    log.info(_log_line(row, steps))
            with clock.stopped():
                if is_due(config.run.save_every):
                    save(step)
                    saved = step
                if is_due(config.run.eval_every):
                    require_finite(step)
                    log_row(judges.validate(step))
                if is_due(config.run.suite_every):
                    require_finite(step)
                    log_row(judges.judge(step))

    if step > saved:
        save(step)
    complete, scores = step >= steps, {}
    if complete:
        scores = judges.validate(step)
        log_row(scores)
        log_row(judges.judge(step))
    summary = Summary(
        complete=complete,
        steps=step,
        batch_size=config.data.batch_size,
        seconds=clock.seconds(),
        first_loss=next((float(row["loss"]) for row in _rows(out / "metrics.jsonl") if "loss" in row), math.nan),
        last_loss=float(loss),
        chance_loss=chance_loss(config.optim.loss, config.data.batch_size),
        checkpoint=str(checkpoint.checkpoint_path(out, step)),
        val=scores.get("val"),
    )
    if complete and world.leads:
        files.write(out / "summary.json", (json.dumps(dataclasses.asdict(summary), indent=2) + "\n").encode())
    return summary


def _order(split: Split, config: Config) -> Order:
    column = config.data.weight
    weights = weights_of(split.column(column), config.data.balance) if column else None
    return Order(split.sizes, config.run.seed, split.units_per_window, weights)


def _refuse_changes(
    meta: checkpoint.Meta, newest: Path, config: Config, identity: dict[str, Any], world: World
) -> None:
    """Raise `CheckpointError` when what enters the weights is not what it was."""
    for key in checkpoint.fixed_differences(from_dict(meta.config, str(newest)), config):
        raise CheckpointError(
            f"{key} cannot change in a run that has begun; choose another --out for a new run, with --init {newest} "
            "if it shall begin from these weights"
        )
    if meta.data != identity:
        raise CheckpointError(f"{newest} was trained on other data: {meta.data}, now {identity}")
    if meta.processes != world.size:
        said = "%d processes until now, %d from here: the same batches, but other masks where there is dropout"
        log.warning(said, meta.processes, world.size)


def _tokenizer(config: Config, split: Split, source: Pretrained | None) -> Tokenizer:
    if config.text.tokenizer:
        return load_tokenizer(config.text.tokenizer)
    if source and source.tokenizer:
        return source.tokenizer
    if config.text.weights:
        return load_tokenizer(config.text.weights)
    texts = (text for text, _ in zip(split.texts(), range(CAPTIONS_FOR_TRAINING), strict=False))
    return train_tokenizer(texts, config.text.vocab_size)


def _identity_of(folder: Path, split: Split) -> dict[str, Any]:
    """The export's fingerprint, and the units that the order is made of.

    What another program wrote has no fingerprint: sizes, beginnings and ends of its files stand for it.
    """
    units = hashlib.sha256(json.dumps(list(split.sizes)).encode()).hexdigest()[:16]
    identity = {"pairs": sum(split.sizes), "units": len(split.sizes), "units_sha256": units}
    try:
        told = json.loads((folder / "export.json").read_text(encoding="utf-8"))
        return identity | {"fingerprint": told["fingerprint"]}
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder / 'export.json'} cannot be read: {error!r}; export it again") from None
    digest = hashlib.sha256()
    for path in split.files:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            digest.update(f"{path.name} {size} ".encode())
            for start in (0, max(0, size - SAMPLE_BYTES)):
                digest.update(read_at(file, start, SAMPLE_BYTES))
    return identity | {"files_sha256": digest.hexdigest()[:16]}


def _versions() -> dict[str, str]:
    packages = ("torch", "timm", "transformers", "tokenizers", "safetensors", "pillow", "numpy")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def _say_hello(
    config: Config, split: Split, schedule: Schedule, model: Clip, start: int, steps: int, world: World
) -> None:
    rows, batch = schedule.pairs, schedule.batch_size
    size = {name: sum(p.numel() for p in tower.parameters()) / 1e6 for name, tower in model.named_children()}
    log.info("train split: %d pairs in %d %s units", rows, len(split.sizes), split.layout)
    log.info("an epoch is %d steps of %d, %d pairs sit each epoch out", rows // batch, batch, rows % batch)
    log.info("image tower %.1f M parameters, text tower %.1f M", size["visual"], size["text"])
    begins = "resuming at" if start else "starting at"
    device = f"{world.device.type} × {world.size}, {config.run.precision}"
    log.info("%s step %d of %d on %s", begins, start, steps, device)


def _log_line(row: dict[str, Any], steps: int) -> str:
    used = f" ({row['mfu']:.0%} of the peak)" if "mfu" in row else ""
    return (
        f"step {row['step']}/{steps}  loss {row['loss']:.4f}  lr {row['lr']:.2e}  grad {row['grad_norm']:.2f}  "
        f"scale {row['scale']:.1f}  dt {row['dt_s'] * 1000:.0f} ms  {row['pairs_per_s']:.0f} pairs/s  "
        f"{row['tflops']:.3g} TFLOP/s{used}  waiting for data {row['data_wait']:.0%}  "
        f"ETA {timedelta(seconds=round(row['eta_s']))}"
    )


class _Clock:
    """Time a step and waiting for data; what happens while it is stopped does not count."""

    def __init__(self, batch_size: int, steps: int, device: torch.device) -> None:
        self._batch_size, self._steps = batch_size, steps
        self._since = time.perf_counter()
        self._waited = self._before = self._flops = 0.0
        self._steps_taken = 0  # since the last reading
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
        self._peak = next((peak for word, peak in PEAK_TFLOPS.items() if word in name), 0)

    def count(self, flops: float) -> None:
        """A step that is taken."""
        self._steps_taken += 1
        self._flops += flops

    @contextmanager
    def waiting(self) -> Iterator[None]:
        mark = time.perf_counter()
        yield
        self._waited += time.perf_counter() - mark

    @contextmanager
    def stopped(self) -> Iterator[None]:
        mark = time.perf_counter()
        yield
        self._since += time.perf_counter() - mark

    def seconds(self) -> float:
        """Of all steps since the start."""
        return self._before + (time.perf_counter() - self._since if self._steps_taken else 0.0)

    def read(self, step: int) -> dict[str, float]:
        """Means since the last reading; `tflops` and `mfu`, its share of the peak, are those of one GPU."""
        now = time.perf_counter()
        spent = now - self._since
        dt, tflops = spent / self._steps_taken, self._flops / spent / 1e12
        row = {
            "dt_s": dt,
            "pairs_per_s": self._batch_size / dt,
            "data_wait": self._waited / spent,
            "eta_s": dt * (self._steps - step),
            "tflops": tflops,
        }
        self._before += spent
        self._since, self._waited, self._flops, self._steps_taken = now, 0.0, 0.0, 0
        return row | ({"mfu": tflops / self._peak} if self._peak else {})


@contextmanager
def _signals() -> Iterator[list[int]]:
    """The list that SIGINT and SIGTERM append to; a second SIGINT stops at once."""
    caught: list[int] = []

    def catch(number: int, _frame: Any) -> None:
        if caught and number == signal.SIGINT:
            raise KeyboardInterrupt
        caught.append(number)
        log.warning("stopping after this step; a checkpoint will be written")

    before = {number: signal.signal(number, catch) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:  # the last line of a run that was killed while writing it
            continue
    return rows


def _forget_after(path: Path, step: int) -> None:
    """Drop what a killed run logged after its last checkpoint: those steps are taken again."""
    if path.exists():
        kept = [row for row in _rows(path) if row["step"] <= step]
        files.write(path, "".join(json.dumps(row) + "\n" for row in kept).encode())
