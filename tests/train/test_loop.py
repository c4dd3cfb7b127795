"""A whole run: it learns, it resumes to the bit, it stops when asked, it keeps what it should."""

import dataclasses
import functools
import json
import math
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.train.drawn_pairs import draw_pair, small_config, write_parquet, write_tar, write_webdataset
from train import checkpoint, loop
from train.checkpoint import checkpoints, read_meta
from train.config import Config, override
from train.errors import CheckpointError, ConfigError, DataError, DivergedError
from train.evaluation import meanwhile
from train.shards import open_split


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


def test_a_run_that_begins_again_does_not_believe_the_tokens_of_its_first_beginning(
    export: Path, config: Config, straight: Path, tmp_path: Path
) -> None:
    loop.run(override(config, ["run.steps=1", "data.context_length=5"]), export, tmp_path)
    shutil.rmtree(tmp_path / "checkpoints")
    loop.run(config, export, tmp_path)
    assert same(weights(tmp_path), weights(straight))


def test_what_a_kill_left_of_tokens_goes_with_the_next_start(export: Path, tmp_path: Path) -> None:
    loop.run(small_config("run.steps=1"), export, tmp_path)
    tokens = tmp_path / "tokens"
    whole = sorted(tokens.iterdir())
    for torn in (".000000.npy.0a.tmp", "000000.npy.0a"):
        (tokens / torn).touch()
    loop.run(small_config("run.steps=2"), export, tmp_path)
    assert sorted(tokens.iterdir()) == whole


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


@pytest.mark.parametrize("has_fingerprint", [True, False])
def test_data_of_the_same_sizes_are_not_taken_for_the_same(
    config: Config, tmp_path: Path, has_fingerprint: bool
) -> None:
    data, moved, other = (tmp_path / name for name in ("data", "moved", "other"))
    write_webdataset(data, "train", [25, 15])
    write_webdataset(other, "train", [25, 15], first_seed=5000)
    if has_fingerprint:
        for folder, fingerprint in ((data, "a"), (other, "b")):
            (folder / "export.json").write_text(json.dumps({"fingerprint": fingerprint}))
    loop.run(override(config, ["run.steps=1"]), data, tmp_path / "run")
    with pytest.raises(CheckpointError, match="was trained on other data"):
        loop.run(config, other, tmp_path / "run")
    shutil.move(data, moved)
    assert loop.run(config, moved, tmp_path / "run").complete


def test_what_enters_the_weights_cannot_change_in_a_run_that_has_begun(
    export: Path, config: Config, straight: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    for setting in ("data.batch_size=4", "run.micro_batch=4", "run.precision=bf16", "optim.lr=1", "run.seed=1"):
        key = setting.partition("=")[0]
        with pytest.raises(CheckpointError, match=f"{key} cannot change in a run that has begun"):
            loop.run(override(config, [setting]), export, run)
    assert same(weights(run), weights(straight))


def test_how_a_run_is_fed_and_watched_may_change(export: Path, config: Config, straight: Path, tmp_path: Path) -> None:
    loop.run(override(config, ["run.steps=7", "run.save_every=3", "run.keep=9"]), export, tmp_path)
    shutil.rmtree(checkpoints(tmp_path)[-1])
    settings = ["run.log_every=2", "run.save_every=2", "run.eval_every=3", "run.keep=1", "data.workers=1"]
    loop.run(override(config, settings), export, tmp_path)
    assert same(weights(tmp_path), weights(straight))


def broken(step: int, value: float, what: str) -> Any:
    """A `train_step` which at one step leaves a number that is none."""
    taken = loop.train_step

    def breaking(*args: Any, **kwargs: Any) -> Any:
        result = taken(*args, **kwargs)
        if args[3] == step and what == "weights":
            with torch.no_grad():
                args[0].text.proj[0].weight[0, 0] = value
        elif args[3] == step:
            result = dataclasses.replace(result, **{what: torch.tensor(value)})
        return result

    return breaking


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("what", ["loss", "grad_norm", "weights"])
def test_what_is_no_number_ends_the_run_before_it_is_saved(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, value: float
) -> None:
    """Seen although that step is neither logged nor saved; the good checkpoint stays, and nothing was validated."""
    monkeypatch.setattr(loop, "train_step", broken(3, value, what))
    config = small_config("run.steps=6", "run.log_every=6", "run.save_every=2", "run.keep=1")
    with pytest.raises(DivergedError, match="not finite at step 4"):
        loop.run(config, export, tmp_path)
    assert [read_meta(path).step for path in checkpoints(tmp_path)] == [2]
    assert all(bool(tensor.isfinite().all()) for tensor in weights(tmp_path).values())
    assert [row["step"] for row in map(json.loads, (tmp_path / "metrics.jsonl").read_text().splitlines())] == [1]


def test_an_interrupted_run_does_not_save_what_is_no_number(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking = broken(1, math.nan, "loss")

    def signalled(*args: Any, **kwargs: Any) -> Any:
        if args[3] == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return breaking(*args, **kwargs)

    monkeypatch.setattr(loop, "train_step", signalled)
    with pytest.raises(DivergedError):
        loop.run(small_config("run.log_every=6"), export, tmp_path)
    assert checkpoints(tmp_path) == []


def test_every_checkpoint_is_saved_once(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    save = checkpoint.save_checkpoint

    def counting(run: Path, meta: checkpoint.Meta, *args: Any) -> Path:
        saved.append(meta.step)
        return save(run, meta, *args)

    monkeypatch.setattr(checkpoint, "save_checkpoint", counting)
    loop.run(small_config("run.steps=4", "run.save_every=2"), export, tmp_path)
    assert saved == [2, 4]
    loop.run(small_config("run.steps=4", "run.save_every=2"), export, tmp_path)
    assert saved == [2, 4]


def test_neither_evaluations_nor_saving_count_as_training(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that stands still but for a second a step, a hundred an evaluation and a thousand a checkpoint."""
    now = 0.0

    def lasting(seconds: float, function: Any) -> Any:
        def slow(*args: Any, **kwargs: Any) -> Any:
            nonlocal now
            now += seconds
            return function(*args, **kwargs)

        return slow

    monkeypatch.setattr(loop.time, "perf_counter", lambda: now)
    monkeypatch.setattr(loop, "train_step", lasting(1, loop.train_step))
    monkeypatch.setattr(meanwhile, "evaluate", lasting(100, meanwhile.evaluate))
    monkeypatch.setattr(checkpoint, "save_checkpoint", lasting(1000, checkpoint.save_checkpoint))
    settings = ("run.steps=12", "run.log_every=4", "run.eval_every=3", "run.save_every=5")
    summary = loop.run(small_config(*settings), export, tmp_path)
    rows = [row for row in map(json.loads, (tmp_path / "metrics.jsonl").read_text().splitlines()) if "loss" in row]
    assert [(row["step"], row["dt_s"], row["pairs_per_s"], row["data_wait"], row["eta_s"]) for row in rows] == [
        (1, 1.0, 8.0, 0.0, 11.0),
        (4, 1.0, 8.0, 0.0, 8.0),
        (8, 1.0, 8.0, 0.0, 4.0),
        (12, 1.0, 8.0, 0.0, 0.0),
    ]
    assert summary.seconds == 12.0


@pytest.mark.parametrize("name", ["meta.json", "model.safetensors", "optimizer.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("is_cut", [True, False])
def test_a_torn_checkpoint_is_passed_over_and_named(
    export: Path,
    config: Config,
    straight: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
    is_cut: bool,
) -> None:
    loop.run(override(config, ["run.steps=4", "run.save_every=2"]), export, tmp_path)
    torn = checkpoints(tmp_path)[-1] / name
    content = torn.read_bytes()
    torn.unlink()
    if is_cut:
        torn.write_bytes(content[: len(content) // 2])
    caplog.clear()
    assert [read_meta(path).step for path in checkpoints(tmp_path)] == [2]
    assert "passed over: " in caplog.text
    assert str(torn.parent) in caplog.text
    assert loop.run(config, export, tmp_path).complete
    assert same(weights(tmp_path), weights(straight))
    assert [read_meta(path).step for path in checkpoints(tmp_path)] == [2, 7]


def test_a_run_whose_checkpoints_are_all_torn_does_not_begin_again(
    export: Path, config: Config, straight: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    (checkpoints(run)[0] / "meta.json").unlink()
    with pytest.raises(CheckpointError, match=r"no checkpoint of .* is whole .*; remove them to begin again"):
        loop.run(config, export, run)


def test_several_exports_are_mixed_and_a_run_on_them_resumes_to_the_bit(
    export: Path, config: Config, tmp_path: Path
) -> None:
    other = write_parquet(tmp_path / "other", "train", [12])
    mixed = override(config, ["data.mix=[1, 3]", "run.save_every=3", "run.keep=9"])
    loop.run(mixed, [export, other], tmp_path / "straight")
    shutil.copytree(
        tmp_path / "straight" / "checkpoints" / "step_000003", tmp_path / "on" / "checkpoints" / "step_000003"
    )
    loop.run(mixed, [export, other], tmp_path / "on")
    assert same(weights(tmp_path / "on"), weights(tmp_path / "straight"))
    meta = read_meta(checkpoints(tmp_path / "on")[-1])
    assert (meta.data["pairs"], len(meta.data["exports"])) == (52, 2)
    with pytest.raises(CheckpointError, match="was trained on other data"):
        loop.run(mixed, [other, export], tmp_path / "on")


def test_a_column_balances_what_is_trained_on(tmp_path: Path) -> None:
    data = write_parquet(tmp_path, "train", [12])
    split = open_split(data, "train")
    order = loop._order(split, small_config("data.weight=text"))
    assert sorted(order.take(0, 0, 12)) == list(range(12))  # every caption is another one


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch hides it by a filter of its own
def test_a_compiled_run_that_was_halted_goes_on_to_the_bit(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced and differentiated as always; what is left out is the compiler of C++, which takes minutes."""
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    torch._dynamo.reset()
    settings = ("run.compile=true", "run.micro_batch=4", "text.hidden_dropout=0.1", "image.patch_dropout=0.25")
    config = small_config("run.steps=4", "run.save_every=2", "run.keep=9", *settings)
    loop.run(config, export, tmp_path / "straight")
    assert torch._dynamo.utils.counters["frames"]["ok"] > 2  # one each, of images and of texts, and the trial
    shutil.copytree(
        tmp_path / "straight" / "checkpoints" / "step_000002", tmp_path / "on" / "checkpoints" / "step_000002"
    )
    loop.run(config, export, tmp_path / "on")
    assert same(weights(tmp_path / "on"), weights(tmp_path / "straight"))


def test_where_nothing_can_be_compiled_no_run_is_begun(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_compiler(*_: Any) -> Any:
        raise RuntimeError("no working C++ compiler")

    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=without_compiler))
    with pytest.raises(ConfigError, match=r"no working C\+\+ compiler.*; without: --set run\.compile=false"):
        loop.run(small_config("run.compile=true"), export, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_last_steps_see_whole_pictures(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dropped, taken = [], loop.train_step

    def looking(model: Any, *rest: Any) -> Any:
        dropped.append(model.visual.trunk.patch_drop.prob)
        return taken(model, *rest)

    monkeypatch.setattr(loop, "train_step", looking)
    loop.run(small_config("run.steps=5", "image.patch_dropout=0.5", "image.whole_tail=0.4"), export, tmp_path)
    assert dropped == [0.5, 0.5, 0.5, 0.0, 0.0]
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    work = [row["tflops"] * row["dt_s"] for row in rows if "loss" in row]
    assert min(work[3:]) > max(work[:3])


def test_more_than_the_memory_cannot_be_kept(export: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"run\.activations_gb 1e\+06 cannot stay in the"):
        loop.run(small_config("run.activations_gb=1e6"), export, tmp_path)
