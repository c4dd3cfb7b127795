"""A whole run: it learns, it resumes to the bit, it stops when asked, it keeps what it should."""

import dataclasses
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.train.drawn_pairs import draw_pair, small_config, write_parquet, write_tar, write_webdataset
from train import loop
from train.checkpoint import checkpoints, read_meta
from train.config import Config, override
from train.errors import CheckpointError, DataError


def weights(run: Path) -> dict[str, torch.Tensor]:
    newest = checkpoints(run)[-1]
    model, optimizer = load_file(newest / "model.safetensors"), load_file(newest / "optimizer.safetensors")
    return model | {f"optimizer: {name}": tensor for name, tensor in optimizer.items()}


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def losses(run: Path) -> list[tuple[int, float]]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [(row["step"], row["loss"]) for row in rows if "loss" in row]


@pytest.fixture(scope="module")
def config() -> Config:
    # Dropout on, so that a resumed run must find its random numbers again.
    return small_config("run.steps=7", "text.hidden_dropout=0.1", "image.patch_dropout=0.25")


@pytest.fixture(scope="module")
def straight(export: Path, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    run = tmp_path_factory.mktemp("straight")
    loop.run(config, export, run)
    return run


def test_the_loss_falls(export: Path, tmp_path: Path) -> None:
    summary = loop.run(small_config("run.steps=40", "run.log_every=40"), export, tmp_path)
    assert summary.complete
    assert summary.first_loss == pytest.approx(2.08, abs=0.3)  # ln 8: it knows nothing
    assert summary.last_loss < 0.75 * summary.first_loss
    assert summary.val is not None
    assert summary.val["n"] == 9
    assert json.loads((tmp_path / "summary.json").read_text()) == json.loads(json.dumps(dataclasses.asdict(summary)))


def test_the_same_run_twice_is_the_same_to_the_bit(
    export: Path, config: Config, straight: Path, tmp_path: Path
) -> None:
    loop.run(config, export, tmp_path)
    assert same(weights(tmp_path), weights(straight))
    assert losses(tmp_path) == losses(straight)


def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(
    export: Path, config: Config, straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in step 5, two steps after its last checkpoint and with more in its log than in its checkpoint."""
    taken = loop.train_step

    def dying(*args: Any, **kwargs: Any) -> Any:
        if args[3] == 5:
            raise KeyboardInterrupt
        return taken(*args, **kwargs)

    config = override(config, ["run.save_every=3"])
    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", dying)
        with pytest.raises(KeyboardInterrupt):
            loop.run(config, export, tmp_path)
    assert [read_meta(path).step for path in checkpoints(tmp_path)] == [3]
    assert losses(tmp_path)[-1][0] == 5

    summary = loop.run(config, export, tmp_path)
    assert summary.complete
    assert same(weights(tmp_path), weights(straight))
    assert losses(tmp_path) == losses(straight)


def test_a_signal_ends_the_run_after_its_step(
    export: Path, config: Config, straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = loop.train_step

    def signalled(*args: Any, **kwargs: Any) -> Any:
        if args[3] == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return taken(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", signalled)
        summary = loop.run(config, export, tmp_path)
    assert (summary.complete, summary.steps) == (False, 3)
    assert [read_meta(path).step for path in checkpoints(tmp_path)] == [3]
    assert not (tmp_path / "summary.json").exists()

    assert loop.run(config, export, tmp_path).complete
    assert same(weights(tmp_path), weights(straight))


def test_a_complete_run_has_nothing_left_to_do(export: Path, config: Config, straight: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(straight, run)
    before = weights(run)
    summary = loop.run(config, export, run)
    assert (summary.complete, summary.steps, summary.seconds) == (True, 7, 0.0)
    assert same(weights(run), before)


def test_loader_processes_change_nothing(export: Path, config: Config, straight: Path, tmp_path: Path) -> None:
    loop.run(override(config, ["data.workers=2"]), export, tmp_path)
    assert same(weights(tmp_path), weights(straight))


def test_only_the_newest_checkpoints_stay(export: Path, tmp_path: Path) -> None:
    loop.run(small_config("run.save_every=1", "run.keep=2"), export, tmp_path)
    assert [read_meta(path).step for path in checkpoints(tmp_path)] == [5, 6]
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["step_000005", "step_000006"]


def test_parquet_trains_as_well(tmp_path: Path) -> None:
    data = write_parquet(tmp_path / "export", "train", [12, 9])
    summary = loop.run(small_config("run.steps=3"), data, tmp_path / "run")
    assert summary.complete
    assert summary.val is None
    assert "nothing was evaluated" in str(summary)


def test_an_unreadable_picture_is_replaced_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pairs = [("jpg", *draw_pair(seed)) for seed in range(8)]
    pairs[3] = ("jpg", b"torn", pairs[3][2])
    write_tar(tmp_path / "export" / "train" / "00000.tar", pairs)
    write_tar(tmp_path / "export" / "val" / "00000.tar", pairs)
    summary = loop.run(small_config("run.steps=1"), tmp_path / "export", tmp_path / "run")
    assert "train/00000.tar, pair 3" in caplog.text
    assert summary.val is not None
    assert (summary.val["n"], summary.val["unreadable"]) == (7, 1)


def test_a_split_smaller_than_a_batch_says_what_to_do(tmp_path: Path) -> None:
    data = write_webdataset(tmp_path / "export", "train", [6])
    with pytest.raises(DataError, match=r"6 pairs, fewer than one batch of 8; lower it with --set data.batch_size=3"):
        loop.run(small_config(), data, tmp_path / "run")


def test_other_data_cannot_go_on_with_a_run(config: Config, straight: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(straight, run)
    data = write_webdataset(tmp_path / "export", "train", [20, 20])
    with pytest.raises(CheckpointError, match="was trained on other data"):
        loop.run(config, data, run)
