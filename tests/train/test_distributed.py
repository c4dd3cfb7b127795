"""Several processes take the steps that one takes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.train.drawn_pairs import SMALL, small_config
from train import loop
from train.checkpoint import newest


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run_processes(count: int, export: Path, out: Path) -> None:
    settings = [part for setting in (*SMALL, "run.steps=3") for part in ("--set", setting)]
    command = [sys.executable, "-m", "train", "run", str(export), "--out", str(out), "-q", *settings]
    world = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    started = [
        subprocess.Popen(command, env=os.environ | world | {"RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in range(count)
    ]
    printed = [process.communicate(timeout=100)[0] for process in started]
    assert [process.returncode for process in started] == [0] * count
    assert [bool(text) for text in printed] == [True] + [False] * (count - 1)


def test_two_processes_take_the_same_steps_as_one(export: Path, tmp_path: Path) -> None:
    """Same rows, same loss; weights differ only by the order in which sums are made."""
    loop.run(small_config("run.steps=3"), export, tmp_path / "1")
    run_processes(2, export, tmp_path / "2")
    lines = [(tmp_path / run / "metrics.jsonl").read_text().splitlines() for run in ("1", "2")]
    losses = [[json.loads(line)["loss"] for line in run[:3]] for run in lines]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    one, two = (load_file(newest(tmp_path / run) / "model.safetensors") for run in ("1", "2"))
    for name, tensor in one.items():
        if not name.endswith("key.bias"):  # its gradient is 0 but for rounding, which Adam blows up to a full step
            assert torch.allclose(tensor, two[name], atol=1e-3), name
