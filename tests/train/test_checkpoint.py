"""Checkpoints are whole or absent."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import save_file

from tests.train.drawn_pairs import small_config
from train import loop
from train.checkpoint import checkpoint_path, checkpoints, load_weights, newest, prune, read_meta
from train.errors import CheckpointError
from train.towers import build_model


@pytest.fixture(scope="module")
def run(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    loop.run(small_config("run.steps=1"), export, folder)
    return folder


def test_a_checkpoint_holds_no_pickle_and_explains_itself(run: Path) -> None:
    (newest,) = checkpoints(run)
    files = {"model.safetensors", "optimizer.safetensors", "tokenizer.json", "meta.json"}
    assert {path.name for path in newest.iterdir()} == files
    meta = json.loads((newest / "meta.json").read_text())
    assert (meta["step"], meta["data"]["pairs"]) == (1, 40)
    assert meta["config"]["data"]["batch_size"] == 8
    assert meta["versions"].keys() >= {"torch", "timm", "transformers"}


def test_steps_are_numbers(run: Path, tmp_path: Path) -> None:
    steps = [999_000, 999_500, 1_000_000, 1_000_500, 10_000_000]
    for step in steps:
        shutil.copytree(checkpoints(run)[0], checkpoint_path(tmp_path, step))
    for other in ("step_best", "step_1000000 (copy)", "step_"):
        (tmp_path / "checkpoints" / other).mkdir()
    assert checkpoints(tmp_path) == [checkpoint_path(tmp_path, step) for step in steps]
    assert newest(tmp_path) == checkpoint_path(tmp_path, 10_000_000)
    prune(tmp_path, keep=2)
    assert [path.name for path in checkpoints(tmp_path)] == ["step_1000500", "step_10000000"]


def test_a_run_goes_on_beyond_a_million_steps(export: Path, run: Path, tmp_path: Path) -> None:
    first = Path(shutil.copytree(checkpoints(run)[0], checkpoint_path(tmp_path, 999_998)))
    meta = json.loads((first / "meta.json").read_text())
    (first / "meta.json").write_text(json.dumps(meta | {"step": 999_998}))
    for last in (1_000_001, 1_000_002):
        config = small_config(f"run.steps={last}", "run.save_every=1", "run.keep=2")
        summary = loop.run(config, export, tmp_path)
        assert Path(summary.checkpoint) == newest(tmp_path) == checkpoint_path(tmp_path, last)
        assert [read_meta(path).step for path in checkpoints(tmp_path)] == [last - 1, last]


def test_what_is_no_checkpoint_says_so(run: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        read_meta(tmp_path)
    meta = json.loads((checkpoints(run)[0] / "meta.json").read_text())
    (tmp_path / "meta.json").write_text(json.dumps(meta | {"format": 9}))
    with pytest.raises(CheckpointError, match="has format 9"):
        read_meta(tmp_path)
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_meta(tmp_path)


def test_weights_of_another_model_are_refused(run: Path, tmp_path: Path) -> None:
    model = build_model(small_config("embed_dim=48"), 200)
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_weights(checkpoints(run)[0], model)
    save_file({}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_weights(tmp_path, model)
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_weights(tmp_path, model)
