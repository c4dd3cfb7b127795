"""Several processes take the steps that one takes."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.train.drawn_pairs import SMALL, small_config
from tests.train.official import write
from train import loop
from train.checkpoint import newest


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start_processes(export: Path, outs: list[Path], steps: int, more: Sequence[str] = ()) -> list[tuple[int, str, str]]:
    """A run of as many processes as there are folders. Of each the exit code, what it printed and what it said."""
    settings = [part for setting in (*SMALL, f"run.steps={steps}", *more) for part in ("--set", setting)]
    world = {"WORLD_SIZE": str(len(outs)), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "train", "run", str(export), "--out", str(out), "--resume", "-q", *settings],
            env=os.environ | world | {"RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, out in enumerate(outs)
    ]
    said = [process.communicate(timeout=300) for process in started]
    return [(process.returncode, *texts) for process, texts in zip(started, said, strict=True)]


def run_processes(count: int, export: Path, out: Path, steps: int = 3, settings: Sequence[str] = ()) -> None:
    ended = start_processes(export, [out] * count, steps, settings)
    assert [code for code, _, _ in ended] == [0] * count
    assert [bool(printed) for _, printed, _ in ended] == [True] + [False] * (count - 1)


def test_two_processes_take_the_same_steps_as_one(export: Path, tmp_path: Path) -> None:
    """Same rows, same loss, same answers when judged; weights differ only by the order in which sums are made."""
    write(tmp_path, "breastmnist")
    (tmp_path / "suite.toml").write_text('title = "t"\nzero_shot = ["breastmnist"]\n')
    judged = [f"run.suite={tmp_path / 'suite.toml'}", f"run.suite_data={tmp_path}"]
    loop.run(small_config("run.steps=3", *judged), export, tmp_path / "1")
    run_processes(2, export, tmp_path / "2", settings=judged)
    lines = [(tmp_path / run / "metrics.jsonl").read_text().splitlines() for run in ("1", "2")]
    losses = [[json.loads(line)["loss"] for line in run[:3]] for run in lines]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    for what in ("val", "zero_shot"):
        first, second = (next(row[what] for row in map(json.loads, run) if what in row) for run in lines)
        assert first == second
    one, two = (load_file(newest(tmp_path / run) / "model.safetensors") for run in ("1", "2"))
    for name, tensor in one.items():
        if not name.endswith("key.bias"):  # its gradient is 0 but for rounding, which Adam blows up to a full step
            assert torch.allclose(tensor, two[name], atol=1e-3), name


def test_a_run_goes_on_with_another_number_of_processes(export: Path, tmp_path: Path) -> None:
    """The same batches, so the same losses as of a run that had one process throughout."""
    for steps in (2, 4):
        loop.run(small_config(f"run.steps={steps}"), export, tmp_path / "1")
    run_processes(2, export, tmp_path / "2", steps=2)
    loop.run(small_config("run.steps=4"), export, tmp_path / "2")
    lines = [(tmp_path / run / "metrics.jsonl").read_text().splitlines() for run in ("1", "2")]
    losses = [[row["loss"] for row in map(json.loads, run) if "loss" in row] for run in lines]
    assert len(losses[0]) == 4
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_processes_that_see_different_folders_take_no_step(export: Path, tmp_path: Path) -> None:
    """As on two machines that do not share the run's folder."""
    loop.run(small_config("run.steps=1"), export, tmp_path / "mine")
    ended = start_processes(export, [tmp_path / "mine", tmp_path / "yours"], 3)
    assert [code for code, _, _ in ended] == [2, 2]
    for _, _, said in ended:
        assert "processes differ in the step they go on from: 1 in process 0, 0 in process 1" in said
    assert not (tmp_path / "yours" / "checkpoints").exists()


def test_processes_that_do_not_share_the_folder_of_a_new_run_take_no_step(export: Path, tmp_path: Path) -> None:
    """They would train, and find nothing to go on from."""
    ended = start_processes(export, [tmp_path / "mine", tmp_path / "yours"], 3)
    assert [code for code, _, _ in ended] == [2, 2]
    for _, _, said in ended:
        assert "mine/tokens: yes in process 0, no in process 1; every machine must see the same folders" in said or (
            "yours/tokens: yes in process 0, no in process 1; every machine must see the same folders" in said
        )
    assert not (tmp_path / "yours").exists()
    assert not [*(tmp_path / "mine").glob("tokens/*"), *(tmp_path / "mine").glob("checkpoints/*")]
