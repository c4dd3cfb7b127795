"""Checkpoints are whole or absent."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.train.drawn_pairs import small_config
from train import loop
from train.__main__ import main
from train.checkpoint import checkpoint_path, checkpoints, load_weights, newest, prune, read_meta
from train.config import override
from train.errors import CheckpointError
from train.pretrained import load_model, read
from train.soup import soup
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


def test_checkpoints_of_every_so_many_steps_stay(export: Path, tmp_path: Path) -> None:
    settings = ("run.steps=7", "run.save_every=1", "run.keep=2", "run.keep_every=3")
    loop.run(small_config(*settings), export, tmp_path)
    assert [read_meta(path).step for path in checkpoints(tmp_path)] == [3, 6, 7]


def test_averaged_weights_are_those_that_are_read_and_a_resumed_run_goes_on_with_them(
    export: Path, tmp_path: Path
) -> None:
    config = small_config("run.steps=4", "optim.ema=0.75", "text.hidden_dropout=0.1")
    summary = loop.run(config, export, tmp_path / "straight")
    loop.run(override(config, ["run.steps=2"]), export, tmp_path / "halted")
    (tmp_path / "halted" / "summary.json").unlink()
    loop.run(config, export, tmp_path / "halted")
    (straight,), (halted,) = (checkpoints(tmp_path / name)[-1:] for name in ("straight", "halted"))
    for name in ("model.safetensors", "averaged.safetensors"):
        left, right = load_file(straight / name), load_file(halted / name)
        assert all(torch.equal(left[key], right[key]) for key in left), name
    averaged, last = load_file(straight / "averaged.safetensors"), load_file(straight / "model.safetensors")
    assert all(torch.equal(tensor, averaged[name]) for name, tensor in read(straight).weights.items())
    assert not torch.equal(averaged["text.proj.0.weight"], last["text.proj.0.weight"])
    assert summary.complete
    (straight / "averaged.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no checkpoint of .* is whole"):
        checkpoints(tmp_path / "straight")


def test_the_average_follows_the_weights_with_its_decay(export: Path, tmp_path: Path) -> None:
    config = small_config("run.steps=3", "run.save_every=1", "run.keep=3", "optim.ema=0.5")
    loop.run(config, export, tmp_path)
    key = "visual.head.proj.weight"
    models = [load_file(path / "model.safetensors")[key] for path in checkpoints(tmp_path)]
    averages = [load_file(path / "averaged.safetensors")[key] for path in checkpoints(tmp_path)]
    for before, model, after in zip(averages, models[1:], averages[1:], strict=False):
        assert torch.allclose(after, 0.5 * before + 0.5 * model, atol=1e-7)


def test_a_soup_is_the_average_and_a_model_like_any_other(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = small_config("run.steps=3", "run.save_every=1", "run.keep=3")
    loop.run(config, export, tmp_path / "run")
    assert main(["soup", str(tmp_path / "run"), "--out", str(tmp_path / "soup")]) == 0
    assert "the average of 3 checkpoints" in capsys.readouterr().out
    members = [load_file(path / "model.safetensors") for path in checkpoints(tmp_path / "run")]
    for name, tensor in read(tmp_path / "soup").weights.items():
        assert torch.allclose(tensor, sum(member[name] for member in members) / 3, atol=1e-6), name
    model, _ = load_model(read(tmp_path / "soup"))
    assert not model.training
    started = override(config, [f"init={tmp_path / 'soup'}", "run.steps=1"])
    assert loop.run(started, export, tmp_path / "on").complete


def test_a_soup_of_one_or_of_unlike_models_is_refused(export: Path, run: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="two checkpoints or more"):
        soup([run], tmp_path / "soup")
    loop.run(small_config("run.steps=1", "embed_dim=16"), export, tmp_path / "other")
    with pytest.raises(CheckpointError, match="is another model than"):
        soup([run, tmp_path / "other"], tmp_path / "soup")
    with pytest.raises(CheckpointError, match="exists already"):
        soup([run, run], tmp_path)
    assert not (tmp_path / "soup").exists()
