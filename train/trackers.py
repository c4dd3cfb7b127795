"""What the log says, shown by others as well: TensorBoard, in `RUN/tensorboard`, or Weights & Biases.

Neither is needed to train. W&B takes its project, entity and mode from the environment (`WANDB_PROJECT` …).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from train.config import Config, flat
from train.errors import ConfigError

Tracker = Callable[[Mapping[str, Any]], None]  # takes a row of metrics.jsonl


def require_tracker(config: Config) -> None:
    """Raise `ConfigError` when the tracker that `run.track` names is not installed."""
    if config.run.track:
        try:
            import_module(config.run.track)
        except ModuleNotFoundError:
            raise ConfigError(f"run.track needs {config.run.track}: pip install {config.run.track}") from None


def open_tracker(config: Config, out: Path, start: int) -> Tracker:
    """The tracker that `run.track` names, going on from step `start`."""
    if not config.run.track:
        return lambda row: None
    return {"tensorboard": _tensorboard, "wandb": _wandb}[config.run.track](config, out, start)


def numbers(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a row by their names, `val/image_to_text/r1` where they are nested."""
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{prefix}{key}/")
        elif isinstance(value, int | float):
            yield f"{prefix}{key}", value


def _tensorboard(_config: Config, out: Path, start: int) -> Tracker:
    from torch.utils.tensorboard import SummaryWriter

    writer: Any = SummaryWriter(str(out / "tensorboard"), purge_step=start + 1)  # later steps are taken again

    def send(row: Mapping[str, Any]) -> None:
        for name, value in numbers(row):
            writer.add_scalar(name, value, row["step"])
        writer.flush()

    return send


def _wandb(config: Config, out: Path, _start: int) -> Tracker:
    import wandb  # type: ignore[import-not-found]

    folder = str(out.resolve())
    identity = hashlib.sha256(folder.encode()).hexdigest()[:12]  # the same when the run is resumed
    run: Any = wandb.init(dir=folder, name=out.name, id=identity, resume="allow", config=flat(config))
    return lambda row: run.log(dict(numbers(row)), step=row["step"])
