"""A soup (arXiv 2203.05482): the average of several checkpoints, as one that can be judged, exported and begun from."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from train import checkpoint, files
from train.errors import CheckpointError
from train.pretrained import read


def soup(paths: Sequence[Path], folder: Path) -> int:
    """Write the average of checkpoints, of a run of all that it kept. Returns how many there were.

    Raises `CheckpointError` when they are fewer than two, or of different models.
    """
    if folder.exists():
        raise CheckpointError(f"{folder} exists already; name a new folder")
    members = [member for path in paths for member in _members(path)]
    if len(members) < 2:
        raise CheckpointError("a soup takes two checkpoints or more; run.keep and run.keep_every let a run keep them")
    total: dict[str, Tensor] = {}
    for member in members:
        source = read(member)
        shapes = {name: tensor.shape for name, tensor in source.weights.items()}
        if total and shapes != {name: tensor.shape for name, tensor in total.items()}:
            raise CheckpointError(f"{member} is another model than {members[0]}")
        total = {name: tensor.double() + total.get(name, 0.0) for name, tensor in source.weights.items()}
    last = checkpoint.read_meta(members[-1])
    meta = dataclasses.replace(last, config=last.config | {"optim": last.config["optim"] | {"ema": 0.0}})
    folder.mkdir(parents=True)
    weights = {name: (tensor / len(members)).to(source.weights[name].dtype) for name, tensor in total.items()}
    files.write(folder / checkpoint.MODEL, save(weights))
    files.write(folder / "tokenizer.json", (members[-1] / "tokenizer.json").read_bytes())
    files.write(folder / "meta.json", (json.dumps(dataclasses.asdict(meta), indent=2) + "\n").encode())
    return len(members)


def _members(path: Path) -> list[Path]:
    return [path] if (path / "meta.json").exists() else checkpoint.checkpoints(path)
