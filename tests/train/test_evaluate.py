"""Retrieval: exact ranks, honest ties, honest intervals."""

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tests.train.drawn_pairs import small_config
from train import loop
from train.__main__ import main
from train.evaluate import evaluate_model, ranks, wilson


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 9))
def test_ranks_equal_a_full_sort(n: int, chunk: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Small whole numbers: sums are exact and ties are common.
    query, target = torch.randint(-2, 3, (2, n, 3), generator=generator).float()
    order = (query @ target.T).argsort(dim=1, descending=True, stable=True)
    expected = [order[i].tolist().index(i) for i in range(n)]
    assert ranks(query, target, chunk).tolist() == expected


def test_a_model_that_says_the_same_of_everything_scores_chance() -> None:
    same = torch.ones(20, 4)
    assert (ranks(same, same) < 1).float().mean() == pytest.approx(1 / 20)


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_no_number_is_no_hit(chunk: int) -> None:
    sound = torch.eye(5)
    for lost in (torch.full((5, 5), math.nan), sound.clone().fill_diagonal_(math.nan)):
        assert not (ranks(lost, sound, chunk) < 5).any()
        assert not (ranks(sound, lost, chunk) < 1).any()
    assert not (ranks(torch.full((1, 2), math.nan), torch.ones(1, 2)) < 1).any()


def test_weights_that_are_no_numbers_score_nothing(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = loop.run(small_config("run.steps=1"), export, tmp_path)
    stored = load_file(Path(summary.checkpoint) / "model.safetensors")
    stored["text.proj.0.weight"][0, 0] = math.nan
    save_file(stored, Path(summary.checkpoint) / "model.safetensors")
    assert main(["evaluate", str(tmp_path), str(export)]) == 2
    assert "error: 9 of 9 features of the text tower are no finite numbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1.0)]
)
def test_wilson_intervals(hits: int, n: int, low: float, high: float) -> None:
    """Values of Brown, Cai and DasGupta (2001), table by formula."""
    assert wilson(hits, n) == pytest.approx((low, high), abs=1e-3)


def test_a_stored_checkpoint_scores_what_its_run_said(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = loop.run(small_config("run.steps=3"), export, tmp_path)
    assert evaluate_model(tmp_path, export, "val").as_dict() == summary.val
    assert main(["evaluate", summary.checkpoint, str(export), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == summary.val


def test_what_cannot_be_evaluated_is_one_line(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(tmp_path), str(export)]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path} is no checkpoint and holds none; a folder for open_clip has open_clip_config.json\n"
    )
