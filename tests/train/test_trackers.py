"""What the log says, in TensorBoard and in Weights & Biases."""

import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from tests.train.drawn_pairs import small_config
from train import loop
from train.checkpoint import checkpoints
from train.config import override
from train.errors import ConfigError
from train.trackers import numbers


def test_the_numbers_of_a_row_are_named_by_their_places() -> None:
    row = {"step": 3, "val": {"image_to_text": {"r1": 0.5, "r1_95": [0.1, 0.9]}, "set": "val"}}
    assert dict(numbers(row)) == {"step": 3, "val/image_to_text/r1": 0.5}


class Sent:
    """Weights & Biases as far as it is asked."""

    def __init__(self) -> None:
        self.begun: list[dict[str, Any]] = []
        self.rows: list[tuple[int, dict[str, float]]] = []

    def init(self, **told: Any) -> "Sent":
        self.begun.append(told)
        return self

    def log(self, row: dict[str, float], step: int) -> None:
        self.rows.append((step, row))


def test_a_run_is_sent_to_wandb_and_goes_on_there(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Sent()
    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=sent.init))
    config = small_config("run.steps=2", "run.track=wandb")
    loop.run(config, export, tmp_path / "run")
    loop.run(override(config, ["run.steps=3"]), export, tmp_path / "run")
    first, second = sent.begun
    assert first["id"] == second["id"]
    assert (first["name"], first["resume"], first["config"]["run.steps"]) == ("run", "allow", 2)
    logged = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [(step, row["loss"]) for step, row in sent.rows if "loss" in row] == [
        (row["step"], row["loss"]) for row in logged if "loss" in row
    ]
    assert any("val/image_to_text/r1" in row for _, row in sent.rows)


def test_a_run_is_shown_by_tensorboard_and_steps_that_are_taken_again_once(export: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")  # of the extra `dev`
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = small_config("run.steps=4", "run.save_every=2", "run.keep=9", "run.track=tensorboard")
    loop.run(config, export, tmp_path)
    last = checkpoints(tmp_path)[-1]
    last.rename(tmp_path / "gone")
    loop.run(config, export, tmp_path)
    shown = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Scalars("loss")
    logged = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    expected = [(row["step"], pytest.approx(row["loss"])) for row in logged if "loss" in row]
    assert [(event.step, event.value) for event in shown] == expected


def test_a_tracker_that_is_not_installed_is_named_before_anything_is_written(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ConfigError, match=r"run\.track needs wandb: pip install wandb"):
        loop.run(small_config("run.track=wandb"), export, tmp_path / "run")
    assert not (tmp_path / "run").exists()
