"""Checkpoints: a folder each, whole or absent.

    RUN/checkpoints/step_000060/
        model.safetensors        weights under open_clip's names
        optimizer.safetensors    AdamW's moments, `<parameter>.exp_avg` …
        averaged.safetensors     with `optim.ema`: the averaged weights, which are those that are judged and exported
        tokenizer.json
        meta.json                step, configuration, data, versions: readable, and all that a resume needs

Nothing here is a pickle. The folder is filled under a temporary name, synced and renamed, and an older checkpoint goes
only after that: a run that dies anywhere has its newest whole checkpoint. Data position and random numbers need no
storage: both are functions of (seed, step).
"""

import contextlib
import dataclasses
import functools
import json
import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from tokenizers import Tokenizer

from train.config import Config, flat
from train.errors import CheckpointError, DataError
from train.files import hidden, sync_folder, write
from train.tokens import load_tokenizer
from train.towers import Clip

FORMAT = 6
FOLDER = "checkpoints"
MODEL, OPTIMIZER, AVERAGED = "model.safetensors", "optimizer.safetensors", "averaged.safetensors"
OPTIMIZER_STATE = ("exp_avg", "exp_avg_sq", "step")
# What a run that has begun may change: how it is watched and fed, and how long it is.
CHANGEABLE = {"data.workers"} | {f"run.{name}" for name in ("threads", "activations_gb", "epochs", "steps")}
CHANGEABLE |= {f"run.{name}_every" for name in ("log", "eval", "save", "suite", "keep")}
CHANGEABLE |= {"run.keep", "run.suite", "run.suite_data", "run.track"}
_NAME = re.compile(r"step_([0-9]{6}|[1-9][0-9]{6,})")

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What `meta.json` says."""

    step: int  # steps taken
    loss: float  # of the last one
    config: dict[str, Any]
    data: dict[str, Any]  # which train split it was
    bert: dict[str, Any]  # the text tower, as transformers describes it
    vocab_size: int  # entries of the tokenizer
    processes: int
    versions: dict[str, str]
    format: int = FORMAT


def save_checkpoint(
    run: Path, meta: Meta, model: Clip, optimizer: torch.optim.Optimizer, tokenizer: Tokenizer, averaged: Clip
) -> Path:
    """Write the checkpoint of `meta.step` and return its folder. `averaged`: the model itself where nothing is."""
    final = checkpoint_path(run, meta.step)
    temporary, torn = hidden(final), final.with_name(f".{final.name}.torn.tmp")
    for left in (temporary, torn):
        shutil.rmtree(left, ignore_errors=True)
    temporary.mkdir(parents=True)
    moments = {
        f"{name}.{key}": optimizer.state[parameter][key].cpu()
        for name, parameter in model.named_parameters()
        for key in OPTIMIZER_STATE
        if parameter in optimizer.state
    }
    for name, weights in ((MODEL, model), (AVERAGED, averaged))[: 1 if averaged is model else 2]:
        tensors = {key: tensor.cpu().contiguous() for key, tensor in weights.state_dict().items()}
        write(temporary / name, save(tensors))
    write(temporary / OPTIMIZER, save(moments))
    write(temporary / "tokenizer.json", tokenizer.to_str(pretty=True).encode())
    write(temporary / "meta.json", (json.dumps(dataclasses.asdict(meta), indent=2) + "\n").encode())
    if final.exists():  # torn, or the run would have gone on behind it
        final.rename(torn)
    temporary.rename(final)
    sync_folder(final.parent)
    return final


def checkpoint_path(run: Path, step: int) -> Path:
    """Where the checkpoint after `step` steps lies."""
    return run / FOLDER / f"step_{step:06d}"


def checkpoints(run: Path) -> list[Path]:
    """The whole checkpoints of a run, oldest first. Torn ones are passed over, and named in the log.

    Raises `CheckpointError` when all are torn: to begin again is not for us to decide.
    """
    return [checkpoint_path(run, step) for step in _whole_steps(run)]


def _steps(run: Path) -> list[int]:
    names = (_NAME.fullmatch(path.name) for path in (run / FOLDER).glob("step_*"))
    return sorted(int(name[1]) for name in names if name)


def _whole_steps(run: Path) -> list[int]:
    flaws = {step: _flaw(checkpoint_path(run, step)) for step in _steps(run)}
    for flaw in filter(None, flaws.values()):
        _say_torn(flaw)
    if flaws and all(flaws.values()):
        raise CheckpointError(f"no checkpoint of {run} is whole ({flaws[max(flaws)]}); remove them to begin again")
    return [step for step, flaw in flaws.items() if not flaw]


def _flaw(checkpoint: Path) -> str:
    """What makes a folder no whole checkpoint; nothing when it is one. Reads no weights."""
    try:
        averaged = read_meta(checkpoint).config["optim"]["ema"]
        load_tokenizer(str(checkpoint))
        with _reading(checkpoint):
            for name in (MODEL, OPTIMIZER, AVERAGED)[: 3 if averaged else 2]:
                with safe_open(checkpoint / name, "pt"):  # compares the size of the file with its header
                    pass
    except (CheckpointError, DataError) as error:
        return str(error)
    return ""


@functools.cache  # once a process, not at every save
def _say_torn(flaw: str) -> None:
    log.warning("passed over: %s", flaw)


def prune(run: Path, keep: int, keep_every: int = 0) -> None:
    """Remove all but the newest `keep` whole checkpoints and those of every `keep_every` steps (0: of none).

    What killed writers left behind goes as well.
    """
    for left in (run / FOLDER).glob(".step_*.tmp"):
        shutil.rmtree(left, ignore_errors=True)
    kept = _whole_steps(run)[-keep:]
    for step in _steps(run):
        # A torn one that is newer stays: a glance may have been wrong, a removal cannot be undone.
        if step < min(kept) and (not keep_every or step % keep_every):
            path = checkpoint_path(run, step)
            path.rename(hidden(path))  # a folder that is half removed must not look like a checkpoint
            shutil.rmtree(hidden(path), ignore_errors=True)


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


def load_weights(checkpoint: Path, model: Clip, name: str = MODEL) -> None:
    """Put the weights of a checkpoint into the model."""
    with _reading(checkpoint):
        model.load_state_dict(load_file(checkpoint / name))


def load_optimizer(checkpoint: Path, model: Clip, optimizer: torch.optim.Optimizer) -> None:
    """Put the moments of a checkpoint into a fresh optimizer of `model`."""
    with _reading(checkpoint):
        moments = load_file(checkpoint / OPTIMIZER)
        for name, parameter in model.named_parameters():
            if f"{name}.step" in moments:  # what was always locked has none
                state = {key: moments[f"{name}.{key}"].to(parameter.device) for key in OPTIMIZER_STATE}
                optimizer.state[parameter] = state


def fixed_differences(old: Config, new: Config) -> list[str]:
    """The dotted keys whose values differ and must not in a run that has begun."""
    left, right = flat(old), flat(new)
    masks = any(left[f"{key}_dropout"] for key in ("image.patch", "text.hidden", "text.attention"))
    # Each micro-batch has masks of its own, and what is compiled draws others.
    changeable = CHANGEABLE if masks else CHANGEABLE | {"run.micro_batch", "run.compile"}
    return [key for key in left if left[key] != right[key] and key not in changeable]


@contextlib.contextmanager
def _reading(checkpoint: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError, RuntimeError, KeyError) as error:
        raise CheckpointError(f"{checkpoint} cannot be loaded: {str(error).splitlines()[0]}") from None
