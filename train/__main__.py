"""The command line.

    python -m train run DATA_DIR --out runs/x [--preset tiny] [--init MODEL] [--set section.key=value] [--resume]
    python -m train evaluate --model MODEL [--model MODEL …] --data DIR [--suite biomedclip|FILE] [--tasks …]
    python -m train export MODEL FOLDER [--hub OWNER/NAME]
    python -m train soup CHECKPOINT … --out FOLDER

A MODEL is a run (its newest checkpoint), a checkpoint, or a folder that open_clip reads. Results go to stdout, progress
to stderr. Exit codes: 0 complete, 1 a set was not evaluated, 2 wrong use or bad input, 130 interrupted.
"""

import argparse
import dataclasses
import json
import logging
import os
import sys
from pathlib import Path

from train.config import Config, load_config, override, preset_names, read_config
from train.errors import CheckpointError, ConfigError, ExitCode, TrainError

EXTRA = {"torch", "timm", "transformers", "tokenizers", "safetensors", "sklearn"}  # the packages of the extra `train`
MODEL_HELP = "a run (its newest checkpoint), a checkpoint, or a folder for open_clip"


def parser() -> argparse.ArgumentParser:
    """The command line surface."""
    common = argparse.ArgumentParser(add_help=False)
    volume = common.add_mutually_exclusive_group()
    volume.add_argument("-q", "--quiet", action="store_true", help="warnings only")
    volume.add_argument("-v", "--verbose", action="store_true", help="debug messages as well")
    printed = argparse.ArgumentParser(add_help=False)
    printed.add_argument("--json", action="store_true", help="print the result as JSON")

    result = argparse.ArgumentParser(prog="python -m train", description="Train CLIP on what `pmc15m export` wrote.")
    commands = result.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run",
        parents=[common, printed],
        help="train on an export, or go on",
        description="Train on an export (WebDataset tars or Hugging Face Parquet).",
        epilog="Several GPUs: torchrun --nproc-per-node 8 -m train run DATA_DIR --out runs/x",
    )
    run.add_argument("data", type=Path, nargs="+", metavar="DATA_DIR", help="exports with a train, best a val split")
    run.add_argument("--out", type=Path, required=True, metavar="RUN_DIR", help="folder of the run")
    run.add_argument("--preset", choices=preset_names(), help="where the configuration starts (default: tiny)")
    run.add_argument("--config", type=Path, metavar="FILE", help="TOML on top of the preset")
    run.add_argument("--init", type=Path, metavar="MODEL", help=f"weights and sizes to begin from: {MODEL_HELP}")
    run.add_argument("--allow-random", action="store_true", help="what those weights lack may begin at random")
    run.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one value, e.g. optim.lr=3e-4")
    run.add_argument("--steps", type=int, metavar="N", help="short for --set run.steps=N")
    run.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in RUN_DIR, if any")

    evaluate = commands.add_parser(
        "evaluate",
        parents=[common, printed],
        help="retrieval, zero-shot, probe, few-shot, VQA",
        description="Judge models by a suite of tasks. Each set lies in its folder below --data; its description, in "
        "train/evaluation/sets, says which and where from. Without --suite: retrieval over an export's test split.",
        epilog="Several GPUs: torchrun --nproc-per-node 8 -m train evaluate …",
    )
    evaluate.add_argument("--model", type=Path, action="append", required=True, metavar="MODEL", help=MODEL_HELP)
    evaluate.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the sets, or an export")
    suites, some = "biomedclip, biomedical, or a TOML file", "some of it: retrieval, zero_shot, probe, vqa, or sets"
    evaluate.add_argument("--suite", default="retrieval", metavar="NAME|FILE", help=suites)
    evaluate.add_argument("--tasks", nargs="+", default=[], metavar="TASK|SET", help=some)
    written = "report and features (default: evaluation)"
    evaluate.add_argument("--out", type=Path, default=Path("evaluation"), metavar="OUT_DIR", help=written)
    evaluate.add_argument("--workers", type=int, default=8, metavar="N", help="threads that decode (default: 8)")

    export = commands.add_parser("export", parents=[common], help="write a folder for open_clip, timm and transformers")
    export.add_argument("model", type=Path, metavar="MODEL", help=MODEL_HELP)
    export.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that does not exist yet")
    export.add_argument("--hub", default="", metavar="OWNER/NAME", help="the name it will have on the Hugging Face hub")

    soup = commands.add_parser("soup", parents=[common], help="average checkpoints into one")
    soup.add_argument("models", type=Path, nargs="+", metavar="CHECKPOINT", help="of a run all that it kept")
    soup.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a folder that does not exist yet")
    return result


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    level = logging.DEBUG if arguments.verbose else logging.INFO
    if arguments.quiet or not _leads():
        level = logging.WARNING
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    logging.getLogger("train").setLevel(level)
    try:
        commands = {"run": _run, "evaluate": _evaluate, "export": _export, "soup": _soup}
        return commands[arguments.command](arguments)
    except (TrainError, OSError) as error:  # OSError: a folder that cannot be written, a full disk
        print(f"error: {error}", file=sys.stderr)
        return ExitCode.USAGE
    except ModuleNotFoundError as error:
        if error.name not in EXTRA:
            raise
        print(
            f"error: {error.name} is not installed; the extra `train` brings it: pip install '.[train]'",
            file=sys.stderr,
        )
        return ExitCode.USAGE
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where it stopped, a run with --resume", file=sys.stderr)
        return ExitCode.INTERRUPTED


def _leads() -> bool:
    """Of torchrun's processes one speaks."""
    return os.environ.get("RANK", "0") == "0"


def _run(arguments: argparse.Namespace) -> ExitCode:
    config = _config(arguments)
    from train.loop import run  # torch, timm and transformers load here

    summary = run(config, arguments.data, arguments.out, arguments.allow_random)
    if _leads():
        print(json.dumps(dataclasses.asdict(summary), indent=2) if arguments.json else summary)
    return ExitCode.COMPLETE if summary.complete else ExitCode.INTERRUPTED


def _evaluate(arguments: argparse.Namespace) -> ExitCode:
    from train.evaluation.suite import load_suite, run

    suite = load_suite(arguments.suite, arguments.tasks)
    report = run(suite, arguments.model, arguments.data, arguments.out, arguments.workers)
    if _leads():
        print(json.dumps(report.as_dict(), indent=2, ensure_ascii=False) if arguments.json else report)
    return ExitCode.COMPLETE if report.complete else ExitCode.UNDONE


def _export(arguments: argparse.Namespace) -> ExitCode:
    from train.export import export

    export(arguments.model, arguments.folder, arguments.hub)
    print(arguments.folder)
    return ExitCode.COMPLETE


def _soup(arguments: argparse.Namespace) -> ExitCode:
    from train.soup import soup

    print(f"{arguments.out}: the average of {soup(arguments.models, arguments.out)} checkpoints")
    return ExitCode.COMPLETE


def _config(arguments: argparse.Namespace) -> Config:
    """The run's configuration: a preset's for a new run, the stored one for a resumed run."""
    out: Path = arguments.out
    overrides = list(arguments.set)
    if arguments.steps is not None:
        if arguments.steps < 1:
            raise ConfigError(f"--steps must be at least 1, not {arguments.steps}")
        overrides.append(f"run.steps={arguments.steps}")
    if out.exists() and not out.is_dir():
        raise CheckpointError(f"--out {out} is a file, not a folder")
    begun = (out / "config.toml").exists()
    if not begun and out.exists() and {path.name for path in out.iterdir()} - {".config.toml.tmp"}:
        raise CheckpointError(f"--out {out} is not empty and holds no run; choose another folder")
    if begun and not arguments.resume:
        raise CheckpointError(f"{out} holds a run already; go on with --resume or choose another --out")
    if begun and not (arguments.preset or arguments.config or arguments.init):
        return override(read_config(out / "config.toml"), overrides)
    start = {}
    if arguments.init:
        from train.pretrained import architecture, read

        start = architecture(read(arguments.init)) | {"init": str(arguments.init)}
    return load_config(arguments.preset or "tiny", arguments.config, overrides, start)


if __name__ == "__main__":
    sys.exit(main())
