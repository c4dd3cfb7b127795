"""Retrieval: exact ranks in tiles, honest ties, and the command over an export."""

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tests.train.drawn_pairs import draw_pair, small_config, write_tar
from train import loop
from train.__main__ import main
from train.evaluation import retrieval
from train.evaluation.retrieval import ranks, score


def by_sorting(query: torch.Tensor, target: torch.Tensor) -> list[int]:
    order = (query @ target.T).argsort(dim=1, descending=True, stable=True)
    return [order[i].tolist().index(i) for i in range(len(query))]


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 9))
def test_ranks_of_both_directions_equal_a_full_sort(n: int, tile: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Small whole numbers: sums are exact and ties are common.
    image, text = torch.randint(-2, 3, (2, n, 3), generator=generator).float()
    image_to_text, text_to_image = ranks(image, text, tile)
    assert image_to_text.tolist() == by_sorting(image, text)
    assert text_to_image.tolist() == by_sorting(text, image)


def test_a_model_that_says_the_same_of_everything_scores_chance() -> None:
    noise = 1e-8 * torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    for direction in ranks(torch.ones(20, 4) / 2, torch.ones(20, 4) / 2 + noise, tile=7):
        assert direction.tolist() == list(range(20))


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 9))
def test_rows_are_taken_in_place(is_taken: list[bool], tile: int) -> None:
    features, taken = torch.arange(float(2 * len(is_taken))).view(-1, 2), torch.tensor(is_taken)
    wanted = features[taken]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(retrieval, "TILE", tile)
        assert torch.equal(retrieval._only(features, taken.nonzero()[:, 0]), wanted)


@pytest.mark.parametrize("tile", [1, 3, 100])
def test_no_number_is_no_hit(tile: int) -> None:
    sound = torch.eye(5)
    for lost in (torch.full((5, 5), math.nan), sound.clone().fill_diagonal_(math.nan)):
        for direction in (*ranks(lost, sound, tile), *ranks(sound, lost, tile)):
            assert not (direction < 1).any()


def test_recalls_and_the_median_rank_are_those_of_the_ranks() -> None:
    found = score(torch.tensor([0, 0, 3, 9, 40]), torch.tensor([0, 5, 5, 5, 0]))
    ways = found.as_dict()
    assert [ways["image_to_text"][key] for key in ("r1", "r5", "r10", "median_rank")] == [0.4, 0.6, 0.8, 4.0]
    assert [ways["text_to_image"][key] for key in ("r1", "r5", "r10", "median_rank")] == [0.4, 0.4, 1.0, 6.0]
    low, high = ways["image_to_text"]["r1_95"]
    assert 0 <= low < 0.4 < high <= 1


def test_an_empty_split_has_no_scores() -> None:
    assert score(*ranks(torch.empty(0, 3), torch.empty(0, 3))).as_dict()["n"] == 0


def test_weights_that_are_no_numbers_score_nothing(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = loop.run(small_config("run.steps=1"), export, tmp_path / "run")
    stored = load_file(Path(summary.checkpoint) / "model.safetensors")
    stored["text.proj.0.weight"][0, 0] = math.nan
    save_file(stored, Path(summary.checkpoint) / "model.safetensors")
    assert main(["evaluate", "--model", str(tmp_path / "run"), "--data", str(export), "--out", str(tmp_path)]) == 1
    assert "5 of 5 features of the text tower are no finite numbers" in capsys.readouterr().out


def test_a_checkpoint_scores_what_its_run_said(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the same pictures, as val of the one and as test of the other export."""
    pairs = [("jpg", *draw_pair(seed)) for seed in range(2000, 2005)]
    pairs[2] = ("jpg", b"no picture", "a caption without a picture")
    for split in ("val", "test"):
        write_tar(tmp_path / "export" / split / "00000.tar", pairs)
    (tmp_path / "export" / "train").symlink_to(export / "train")
    summary = loop.run(small_config("run.steps=3"), tmp_path / "export", tmp_path / "run")
    assert summary.val is not None
    assert (summary.val["n"], summary.val["unreadable"]) == (4, 1)
    command = ["evaluate", "--data", str(tmp_path / "export"), "--out", str(tmp_path / "out"), "--json"]
    assert main([*command, "--model", str(tmp_path / "run")]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    for way in ("image_to_text", "text_to_image"):
        for key in ("r1", "r5", "r10"):
            assert result["scores"][f"{way} {key}"]["value"] / 100 == summary.val[way][key]
    assert result["details"]["unreadable"] == 1


def test_what_cannot_be_evaluated_is_one_line(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--model", str(tmp_path), "--data", str(export), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path} is no checkpoint and holds none; a folder for open_clip has open_clip_config.json\n"
    )
