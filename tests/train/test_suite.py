"""The whole command: suites, reports, caches, foreign weights, and the hook in training."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from tests.train.drawn_pairs import small_config
from tests.train.models import small_encoder
from tests.train.official import patch, write
from train import loop
from train.__main__ import main
from train.distributed import World
from train.errors import DataError
from train.evaluation import embeddings
from train.evaluation.embeddings import embed_pictures, embed_texts
from train.evaluation.readers import open_set
from train.evaluation.report import HEADER
from train.evaluation.sets import load_set
from train.images import open_clip_crop

SUITE = """title = "Two sets"
retrieval = ["here"]
zero_shot = ["bloodmnist", "lc25000-colon"]
probe = ["bloodmnist"]
vqa = ["slake"]
amounts = ["1-shot", 1.0]
"""


@pytest.fixture(scope="module")
def data(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with two sets beside it."""
    root = tmp_path_factory.mktemp("data")
    shutil.copytree(export / "test", root / "test")
    for name in ("bloodmnist", "lc25000-colon"):
        write(root, name)
    (root / "suite.toml").write_text(SUITE)
    return root


@pytest.fixture(scope="module")
def models(export: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("models")
    for seed in range(2):
        loop.run(small_config("run.steps=1", f"run.seed={seed}"), export, root / str(seed))
    return [root / "0", root / "1"]


def command(data: Path, models: list[Path], out: Path, *more: str) -> list[str]:
    named = [part for model in models for part in ("--model", str(model))]
    return ["evaluate", "--suite", str(data / "suite.toml"), "--data", str(data), "--out", str(out), *named, *more]


def test_one_command_judges_two_models_on_all_tasks(
    data: Path, models: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(data, models, tmp_path)) == 1  # SLAKE is not there
    printed = capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    done = [(r["model"], r["task"], r["data"]) for r in report["results"] if not r["problem"]]
    tasks = [("retrieval", "here"), ("zero-shot", "bloodmnist"), ("zero-shot", "lc25000-colon")]
    tasks += [("probe, 1-shot", "bloodmnist"), ("probe, 100 %", "bloodmnist")]
    assert done == [(model, *task) for model in ("0", "1") for task in tasks]
    for said in (
        "not there",
        "https://www.med-vqa.com/slake",
        "template: a photo of {}",
        "class 0: colon adenocarcinomas: ",
        "92.98 (BiomedCLIP, v3, NEJM AI)",
        "6 (officially 10000)",
        "## Paired bootstrap",
        "1 − 0",
    ):
        assert said in printed
    markdown = (tmp_path / "report.md").read_text()
    assert markdown.rstrip() == printed.rstrip()
    assert [cell.strip() for cell in markdown.splitlines()[2].split("|")[1:-1]] == list(HEADER)
    assert "published: 92.98 accuracy, BiomedCLIP, v3, NEJM AI: arXiv 2303.00915v3, table 5" in markdown
    assert {(row["task"], row["set"]) for row in report["paired"]} == set(tasks)


def test_nothing_is_encoded_twice_and_a_half_done_set_goes_on(
    data: Path, models: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "BATCH", 4)
    monkeypatch.setattr(embeddings, "ROWS_PER_FILE", 8)
    assert main(command(data, models[:1], tmp_path, "--tasks", "zero_shot", "-q")) == 0
    first = json.loads((tmp_path / "report.json").read_text())
    (folder,) = {path.parent for path in (tmp_path / "embeddings").rglob("00000016.npy")}
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(kept) == ["00000000.npy", "00000008.npy", "00000016.npy"]
    (folder / "00000008.npy").unlink()
    prepared = []
    crop = embeddings.centre_crop

    def counting(image: Image.Image, size: int, max_pixels: int) -> np.ndarray:
        prepared.append(image)
        return crop(image, size, max_pixels)

    monkeypatch.setattr(embeddings, "centre_crop", counting)
    assert main(command(data, models[:1], tmp_path, "--tasks", "zero_shot", "-q")) == 0
    assert len(prepared) == 8
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == kept
    assert json.loads((tmp_path / "report.json").read_text()) == first
    assert main(command(data, models[1:], tmp_path, "--tasks", "lc25000-colon", "-q")) == 0
    assert len(prepared) == 8 + 6  # other weights


def test_several_processes_encode_what_one_does(data: Path) -> None:
    """The rows that each of three would take, put together as `gather` does."""
    encoder = small_encoder()
    pictures = open_set(write(data / "more", "breastmnist"), data / "more", "test")
    alone = embed_pictures(encoder, pictures)
    taken: list[torch.Tensor] = []

    class Rank(World):
        def gather(self, local: torch.Tensor) -> torch.Tensor:
            taken.append(local)
            return torch.cat(taken) if len(taken) == 3 else local.repeat(3, 1)

        def any(self, flag: bool) -> bool:
            return flag

    ranks = [dataclasses.replace(encoder, world=Rank(rank, 3, torch.device("cpu"))) for rank in range(3)]
    together = [embed_pictures(rank, pictures) for rank in ranks][-1]
    assert torch.allclose(together, alone, atol=1e-6)
    taken.clear()
    texts = ["many red cells", "few bars", "a blot", "a gel"]
    together = [embed_texts(rank, texts) for rank in ranks][-1]
    assert torch.allclose(together, embed_texts(encoder, texts), atol=1e-6)


def test_where_one_process_meets_a_torn_picture_all_stop(data: Path) -> None:
    class OtherFailed(World):
        def any(self, flag: bool) -> bool:
            return True

    encoder = dataclasses.replace(small_encoder(), world=OtherFailed(0, 2, torch.device("cpu")))
    pictures = open_set(load_set("bloodmnist"), data, "test")
    with pytest.raises(DataError, match="another process met a picture"):
        embed_pictures(encoder, pictures, whole=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--suite", "biomedklip"], "unknown suite 'biomedklip'; there are biomedclip, biomedical, retrieval"),
        (["--tasks", "zeroshot"], "has neither a task nor a set 'zeroshot'"),
        (["--data", "nowhere"], "there is no data folder nowhere"),
        (["--model", "SAME"], "one model is named twice"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: list[str],
    message: str,
    data: Path,
    models: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(models[0]) if part == "SAME" else part for part in arguments]
    assert main([*command(data, models[:1], tmp_path), *given]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "CMYK", "1"])
@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [(301, 200), (97, 333), (64, 64), (20, 30)])
def test_foreign_weights_see_what_open_clip_shows_them(mode: str, resize_mode: str, size: tuple[int, int]) -> None:
    image = patch(3, size).convert(mode)
    for interpolation in ("bicubic", "bilinear"):
        transform = open_clip.image_transform(
            64, is_train=False, mean=(0, 0, 0), std=(1, 1, 1), resize_mode=resize_mode, interpolation=interpolation
        )
        theirs = np.rint(transform(image).numpy() * 255).astype(int)
        ours = open_clip_crop(image, 64, resize_mode, interpolation).astype(int)
        assert np.abs(theirs - ours).max() <= 1


def test_a_set_that_is_not_there_does_not_end_a_run(data: Path, export: Path, tmp_path: Path) -> None:
    (tmp_path / "suite.toml").write_text('title = "t"\nzero_shot = ["bloodmnist", "kather2016"]\n')
    suite = [f"run.suite={tmp_path / 'suite.toml'}", f"run.suite_data={data}"]
    loop.run(small_config("run.steps=1", *suite), export, tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    (found,) = (row["zero_shot"] for row in rows if "zero_shot" in row)
    assert found["kather2016"]["problem"].startswith("not there: ")
    assert 0 <= found["bloodmnist"]["value"] <= 100


def test_a_run_is_judged_on_the_sets_of_a_suite_by_their_own_period(data: Path, export: Path, tmp_path: Path) -> None:
    suite = [f"run.suite={data / 'suite.toml'}", f"run.suite_data={data}", "run.suite_every=2", "run.eval_every=3"]
    loop.run(small_config("run.steps=5", *suite), export, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "zero_shot" in row] == [2, 4, 5]
    assert [row["step"] for row in rows if "val" in row] == [3, 5]
    last = next(row["zero_shot"] for row in reversed(rows) if "zero_shot" in row)
    assert set(last) == {"bloodmnist", "lc25000-colon"}
    assert main(command(data, [tmp_path], tmp_path / "out", "--tasks", "zero_shot", "-q")) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    for result in report["results"]:
        assert result["scores"]["accuracy"] == {key: last[result["data"]][key] for key in ("value", "low", "high")}
