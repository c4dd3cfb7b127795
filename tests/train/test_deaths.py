"""A run that dies, wherever it dies, goes on as if it had not."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.train.drawn_pairs import SMALL, write_tar, write_webdataset
from train import loop
from train.__main__ import main
from train.checkpoint import checkpoints, read_meta
from train.shards import open_split
from train.step import StepResult
from train.tokens import train_tokenizer

SETTINGS = [part for setting in (*SMALL, "run.save_every=1", "run.keep=1") for part in ("--set", setting)]


class Death(BaseException):
    """Not to be caught: nobody cleans up behind a killed process."""


class Reaper:
    """Counts what is done to files below a folder; from one of these calls on nothing is done any more."""

    def __init__(self, folder: Path, at: int) -> None:
        self._folder, self._at = str(folder), at
        self.calls = 0

    def _is_dead(self) -> bool:
        self.calls += 1
        return self.calls >= self._at

    def _concerns(self, target: Any) -> bool:
        return isinstance(target, int) or str(target).startswith(self._folder)

    def call(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(target: Any, *args: Any, **kwargs: Any) -> Any:
            if (self._concerns(target) or "dir_fd" in kwargs) and self._is_dead():
                raise Death
            return function(target, *args, **kwargs)

        return called

    def open(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def opened(target: Any, *args: Any, **kwargs: Any) -> Any:
            file = self.call(function)(target, *args, **kwargs)
            if self._concerns(target) and file.writable():
                write = file.write

                def half(data: Any) -> Any:
                    if self._is_dead():
                        write(data[: len(data) // 2])
                        file.flush()
                        raise Death
                    return write(data)

                file.write = half
            return file

        return opened


@contextmanager
def dying(folder: Path, at: int) -> Iterator[Reaper]:
    reaper = Reaper(folder, at)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "mkdir", "rename", "replace", "unlink", "rmdir", "fsync"):
            patch.setattr(os, name, reaper.call(getattr(os, name)))
        patch.setattr(io, "open", reaper.open(io.open))
        yield reaper


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_webdataset(tmp_path_factory.mktemp("data"), "train", [16])
    open_split(folder, "train").pair(0)  # its index is kept from here on, so that every run makes the same calls
    return folder


class Towers(torch.nn.Module):
    """What the loop and its checkpoints ask of a model."""

    def __init__(self, *_: Any) -> None:
        super().__init__()
        self.visual, self.text = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
        self.logit_scale, self.bert = torch.nn.Parameter(torch.ones(())), {"model_type": "bert"}
        for parameter in self.parameters():
            torch.nn.init.constant_(parameter, 0.5)


def step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, _batch: Any, number: int, *_: Any) -> StepResult:
    for place, parameter in enumerate(model.parameters()):
        parameter.grad = torch.full_like(parameter, float(number + place))
    optimizer.step()
    return StepResult(torch.tensor(2.0 / (1 + number)), torch.tensor(1.0))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are what is looked at: no towers, and steps that are an optimizer's alone."""
    tokenizer = train_tokenizer(["cells and bands"] * 3, 40)
    monkeypatch.setattr(loop, "_tokenizer", lambda *_: tokenizer)
    monkeypatch.setattr(loop, "_versions", dict)
    monkeypatch.setattr(loop, "build_model", Towers)
    monkeypatch.setattr(loop, "train_step", step)
    monkeypatch.setattr(loop, "flops", lambda *_: 0.0)


def go(data: Path, out: Path, steps: int) -> int:
    return main(["run", str(data), "--out", str(out), "--resume", "--steps", str(steps), "-q", *SETTINGS])


def state(out: Path) -> tuple[Any, ...]:
    """All that a run is, its times left out."""
    (checkpoint,) = checkpoints(out)
    tensors = [load_file(checkpoint / name) for name in ("model.safetensors", "optimizer.safetensors")]
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    numbers = {f"{n} {name}": tensor.tolist() for n, part in enumerate(tensors) for name, tensor in part.items()}
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*"))
    return numbers, [(row["step"], row["loss"]) for row in rows], read_meta(checkpoint), names


@pytest.mark.parametrize("begun", [False, True])
def test_death_at_any_call_to_the_file_system_leaves_a_run_that_goes_on(
    data: Path, tmp_path: Path, begun: bool, quick: None
) -> None:
    """At the start, in every save and every removal; the newest checkpoint that was ever there is still there."""
    before, straight, steps = tmp_path / "before", tmp_path / "straight", 3 if begun else 2
    if begun:
        assert go(data, before, 2) == 0
        shutil.copytree(before, straight)
    with dying(straight, at=10**9) as alive:
        assert go(data, straight, steps) == 0
    assert alive.calls >= 50
    kept = []
    for at in range(1, alive.calls + 1):
        out = tmp_path / f"{at}"
        if begun:
            shutil.copytree(before, out)
        with dying(out, at), pytest.raises(Death):
            go(data, out, steps)
        kept.append(max((read_meta(checkpoint).step for checkpoint in checkpoints(out)), default=0))
        assert go(data, out, steps) == 0, f"dead at {at}"
        assert state(out) == state(straight), f"dead at {at}"
        shutil.rmtree(out)
    assert kept == sorted(kept)
    assert kept[0] == (2 if begun else 0)
    assert kept[-1] == steps


@contextmanager
def waiting_for_data(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A run in processes of its own that has taken a step, and whose loader's process has the next batch to make."""
    stored = io.BytesIO()
    Image.new("L", (5000, 5000)).save(stored, "PNG", compress_level=1)  # takes its time
    write_tar(folder / "data" / "train" / "00000.tar", [("png", stored.getvalue(), "grey") for _ in range(16)])
    command = [sys.executable, "-m", "train", "run", str(folder / "data"), "--out", str(folder / "run"), *SETTINGS]
    command += ["--set", "run.save_every=0", "--set", "data.workers=1", "--steps", "500"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        assert any("step 1/" in line for line in process.stderr)
        yield process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_while_data_are_waited_for_leaves_a_checkpoint(tmp_path: Path, number: int) -> None:
    """As SLURM and Ctrl-C send it: to the loader's process too."""
    with waiting_for_data(tmp_path) as process:
        os.killpg(process.pid, number)
        _, said = process.communicate()
    assert process.returncode == 130, said
    (checkpoint,) = checkpoints(tmp_path / "run")
    assert read_meta(checkpoint).step < 500


def test_the_processes_of_a_killed_run_end_with_it(tmp_path: Path) -> None:
    """The last of them that ends closes the pipe to which all of them write."""
    with waiting_for_data(tmp_path) as process:
        process.kill()
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
