"""Checkpoints: a folder each, whole or absent.

    RUN/checkpoints/step_000060/
        model.safetensors        weights under open_clip's names
        optimizer.safetensors    AdamW's moments, `<parameter>.exp_avg` …
        tokenizer.json
        meta.json                step, configuration, data, versions: readable, and all that a resume needs

Nothing here is a pickle. The folder is filled under a temporary name, synced and renamed, so a reader never meets half
a checkpoint. Data position and random numbers need no storage: both are functions of (seed, step).
"""

import contextlib
import dataclasses
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from tokenizers import Tokenizer

from train.config import Config, from_dict
from train.errors import CheckpointError
from train.tokens import load_tokenizer
from train.towers import Clip, build_model

FORMAT = 1
FOLDER = "checkpoints"
OPTIMIZER_STATE = ("exp_avg", "exp_avg_sq", "step")
_NAME = re.compile(r"step_([0-9]{6}|[1-9][0-9]{6,})")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What `meta.json` says."""

    step: int  # steps taken
    loss: float  # of the last one
    config: dict[str, Any]
    data: dict[str, Any]  # what the train split looked like
    vocab_size: int
    versions: dict[str, str]
    format: int = FORMAT


def save_checkpoint(run: Path, meta: Meta, model: Clip, optimizer: torch.optim.Optimizer, tokenizer: Tokenizer) -> Path:
    """Write the checkpoint of `meta.step` and return its folder."""
    final = checkpoint_path(run, meta.step)
    temporary = final.with_name(f".{final.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    moments = {
        f"{name}.{key}": optimizer.state[parameter][key].cpu()
        for name, parameter in model.named_parameters()
        for key in OPTIMIZER_STATE
        if parameter in optimizer.state
    }
    weights = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    _write(temporary / "model.safetensors", save(weights))
    _write(temporary / "optimizer.safetensors", save(moments))
    _write(temporary / "tokenizer.json", tokenizer.to_str(pretty=True).encode())
    _write(temporary / "meta.json", (json.dumps(dataclasses.asdict(meta), indent=2) + "\n").encode())
    _sync_folder(temporary)
    if final.exists():  # the same step again: a run that was told to save twice
        shutil.rmtree(final)
    temporary.rename(final)
    _sync_folder(final.parent)
    return final


def checkpoint_path(run: Path, step: int) -> Path:
    """Where the checkpoint after `step` steps lies."""
    return run / FOLDER / f"step_{step:06d}"


def checkpoints(run: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    names = (_NAME.fullmatch(path.name) for path in (run / FOLDER).glob("step_*"))
    return [checkpoint_path(run, step) for step in sorted(int(name[1]) for name in names if name)]


def prune(run: Path, keep: int) -> None:
    """Remove all but the newest `keep` checkpoints, and what killed writers left behind."""
    for path in [*checkpoints(run)[:-keep], *(run / FOLDER).glob(".step_*.tmp")]:
        hidden = path.with_name(f".{path.name.strip('.')}.tmp") if path.name.startswith("step_") else path
        path.rename(hidden)  # a folder that is half removed must not look like a checkpoint
        shutil.rmtree(hidden)


def read_meta(checkpoint: Path) -> Meta:
    """Raises `CheckpointError` when the folder is no checkpoint of ours."""
    try:
        meta = Meta(**json.loads((checkpoint / "meta.json").read_text(encoding="utf-8")))
    except OSError as error:
        raise CheckpointError(f"{checkpoint} is no checkpoint: {error.strerror}: {error.filename}") from None
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{checkpoint / 'meta.json'} cannot be read: {error}") from None
    if meta.format != FORMAT:
        raise CheckpointError(f"{checkpoint} has format {meta.format}; this version reads {FORMAT}")
    return meta


def newest(run_or_checkpoint: Path) -> Path:
    """The folder itself if it is a checkpoint, else the newest checkpoint of the run. Raises `CheckpointError`."""
    if (run_or_checkpoint / "meta.json").exists():
        return run_or_checkpoint
    found = checkpoints(run_or_checkpoint)
    if not found:
        raise CheckpointError(f"{run_or_checkpoint} is no checkpoint and holds none")
    return found[-1]


def load_model(checkpoint: Path) -> tuple[Clip, Tokenizer, Config]:
    """The trained model on the CPU in evaluation mode, its tokenizer and its configuration."""
    meta = read_meta(checkpoint)
    config = from_dict(meta.config, str(checkpoint / "meta.json"))
    model = build_model(config, meta.vocab_size, pretrained=False)
    load_weights(checkpoint, model)
    return model.eval(), load_tokenizer(str(checkpoint)), config


def load_weights(checkpoint: Path, model: Clip) -> None:
    """Put the weights of a checkpoint into the model."""
    with _reading(checkpoint):
        model.load_state_dict(load_file(checkpoint / "model.safetensors"))


def load_optimizer(checkpoint: Path, model: Clip, optimizer: torch.optim.Optimizer) -> None:
    """Put the moments of a checkpoint into a fresh optimizer of `model`."""
    with _reading(checkpoint):
        moments = load_file(checkpoint / "optimizer.safetensors")
        for name, parameter in model.named_parameters():
            state = {key: moments[f"{name}.{key}"].to(parameter.device) for key in OPTIMIZER_STATE}
            optimizer.state[parameter] = state


@contextlib.contextmanager
def _reading(checkpoint: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError, RuntimeError, KeyError) as error:
        raise CheckpointError(f"{checkpoint} cannot be loaded: {str(error).splitlines()[0]}") from None


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
