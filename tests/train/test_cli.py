"""The command line: its surface, its exit codes, and one line for whatever is wrong."""

import argparse
import json
import logging
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.train.drawn_pairs import SMALL, write_webdataset
from train.__main__ import main, parser

SET_SMALL = [part for setting in SMALL for part in ("--set", setting)]


def test_the_surface() -> None:
    """Whoever renames a flag breaks somebody's script: change this list on purpose only."""
    (commands,) = (action.choices for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    common = {"-q", "--quiet", "-v", "--verbose", "-h", "--help"}
    run = {
        "data",
        "--out",
        "--preset",
        "--config",
        "--init",
        "--allow-random",
        "--set",
        "--steps",
        "--resume",
        "--json",
    }
    evaluate = {"--model", "--data", "--suite", "--tasks", "--out", "--workers", "--json"}
    expected = {"run": run, "evaluate": evaluate, "export": {"model", "folder", "--hub"}, "soup": {"models", "--out"}}
    for name, command in commands.items():
        flags = {flag for action in command._actions for flag in action.option_strings or [action.dest]}
        assert flags == expected.pop(name) | common
    assert not expected


@pytest.mark.parametrize(("rank", "level"), [("0", logging.INFO), ("1", logging.WARNING)])
def test_of_several_processes_one_speaks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rank: str, level: int
) -> None:
    monkeypatch.setenv("RANK", rank)
    main(["export", str(tmp_path / "absent"), str(tmp_path / "out")])
    assert logging.getLogger("train").level == level


def test_help_needs_no_torch() -> None:
    program = (
        "import sys, contextlib; from train.__main__ import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "assert not {'torch', 'timm', 'transformers', 'pyarrow', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_a_run_ends_with_its_summary_on_stdout(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["run", str(export), "--out", str(out), "--steps", "2", *SET_SMALL]) == 0
    printed = capsys.readouterr()
    assert "2 steps of 8 pairs" in printed.out
    assert "chance 11.1%, n = 9" in printed.out
    assert f"checkpoint {out}/checkpoints/step_000002" in printed.out

    assert main(["run", str(export), "--out", str(out), "--resume", "--steps", "3", "--json", "-q"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["steps"] == 3


def test_a_resumed_run_may_be_given_its_whole_command_again(export: Path, tmp_path: Path) -> None:
    command = ["run", str(export), "--out", str(tmp_path / "run"), "--steps", "1", *SET_SMALL, "--resume"]
    assert main(command) == 0
    assert main(command) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "there is no data folder nowhere"),
        (["empty"], "has no train split"),
        (["export", "--set", "optim.warmup=1"], "unknown config key optim.warmup; did you mean optim.warmup_steps?"),
        (["export", "--set", "data.batch_size=4000"], "40 pairs, fewer than one batch of 4000"),
        (["export", "--config", "none.toml"], "cannot read the config file none.toml"),
        (["export", "--steps", "0"], "--steps must be at least 1"),
        (["export", "--out", "export/train/sizes.json"], "is a file, not a folder"),
        (["export", "--out", "export/train/sizes.json/run"], "Not a directory"),
        (["export", "--out", "export/train"], "is not empty and holds no run"),
        (["export", "--out", "begun"], "holds a run already; go on with --resume"),
        (["export", "--out", "begun", "--resume", "--set", "embed_dim=64"], "embed_dim cannot change"),
        (["export", "--out", "begun", "--resume", "--preset", "tiny"], "cannot change in a run that has begun"),
        (["export", "--set", "image.model=vit_huge_nonsense"], "image tower vit_huge_nonsense"),
        (["export", "--set", "text.tokenizer=empty"], "neither tokenizer.json nor vocab.txt"),
        (["export", "--set", "text.weights=empty"], "neither tokenizer.json nor vocab.txt"),
        (["export", "--set", "image.weights=none.safetensors"], "there is no file none.safetensors"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    arguments: list[str],
    message: str,
    export: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "empty").mkdir()
    write_webdataset(tmp_path / "export", "train", [40])
    if "begun" in arguments:
        assert main(["run", str(export), "--out", "begun", "--steps", "1", *SET_SMALL, "-q"]) == 0
        capsys.readouterr()
    if "--out" not in arguments:
        arguments = [*arguments, "--out", "run"]
    assert main(["run", *arguments, "-q"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error


def test_without_the_extra_the_command_says_what_to_install(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "train.loop")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    monkeypatch.delitem(sys.modules, "train.data")
    assert main(["run", str(export), "--out", str(tmp_path / "run")]) == 2
    assert "pip install '.[train]'" in capsys.readouterr().err


def test_the_wheel_holds_the_trainer_whose_extra_it_has() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert "torch" in " ".join(project["project"]["optional-dependencies"]["train"])
    assert "train" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
