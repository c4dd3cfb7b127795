"""The command line.

    python -m train DATA_DIR --out runs/x [--preset tiny] [--steps N] [--set section.key=value] [--resume]

The summary goes to stdout, progress to stderr. Exit codes: 0 complete, 2 wrong use or bad input, 130 interrupted.
"""

import argparse
import dataclasses
import json
import logging
import os
import sys
from pathlib import Path

from train.config import Config, differences, load_config, override, preset_names, read_config
from train.errors import CheckpointError, ConfigError, ExitCode, TrainError

EXTRA = {"torch", "timm", "transformers", "tokenizers", "safetensors"}  # the packages of the extra `train`


def parser() -> argparse.ArgumentParser:
    """The command line surface."""
    result = argparse.ArgumentParser(
        prog="python -m train",
        description="Train CLIP on what `pmc15m export` wrote (WebDataset tars or Hugging Face Parquet).",
        epilog="Several GPUs: torchrun --nproc-per-node 8 -m train DATA_DIR --out runs/x",
    )
    result.add_argument(
        "data", type=Path, metavar="DATA_DIR", help="exported folder with a train split, best a val split"
    )
    result.add_argument("--out", type=Path, required=True, metavar="RUN_DIR", help="folder of the run")
    result.add_argument("--preset", choices=preset_names(), help="where the configuration starts (default: tiny)")
    result.add_argument("--config", type=Path, metavar="FILE", help="TOML on top of the preset")
    result.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="one value on top of both, e.g. optim.lr=3e-4"
    )
    result.add_argument("--steps", type=int, metavar="N", help="short for --set run.steps=N")
    result.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in RUN_DIR, if any")
    result.add_argument("--json", action="store_true", help="print the summary as JSON")
    volume = result.add_mutually_exclusive_group()
    volume.add_argument("-q", "--quiet", action="store_true", help="warnings only")
    volume.add_argument("-v", "--verbose", action="store_true", help="debug messages as well")
    return result


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    level = logging.WARNING if arguments.quiet else logging.DEBUG if arguments.verbose else logging.INFO
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    logging.getLogger("train").setLevel(level)
    try:
        config = _config(arguments)
        from train.loop import run  # torch, timm and transformers load here

        summary = run(config, arguments.data, arguments.out)
    except TrainError as error:
        print(f"error: {error}", file=sys.stderr)
        return ExitCode.USAGE
    except OSError as error:  # a folder that cannot be written, a full disk
        print(f"error: {error}", file=sys.stderr)
        return ExitCode.USAGE
    except ModuleNotFoundError as error:
        if error.name not in EXTRA:
            raise
        print(f"error: {error.name} is not installed; pip install -e '.[train]'", file=sys.stderr)
        return ExitCode.USAGE
    except KeyboardInterrupt:
        print("interrupted; the same command with --resume goes on from the last checkpoint", file=sys.stderr)
        return ExitCode.INTERRUPTED
    if os.environ.get("RANK", "0") == "0":  # of torchrun's processes one speaks
        print(json.dumps(dataclasses.asdict(summary), indent=2) if arguments.json else summary)
    return ExitCode.COMPLETE if summary.complete else ExitCode.INTERRUPTED


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
    if not (out / "config.toml").exists():
        if out.exists() and any(out.iterdir()):
            raise CheckpointError(f"--out {out} is not empty and holds no run; choose another folder")
        return load_config(arguments.preset or "tiny", arguments.config, overrides)
    if not arguments.resume:
        raise CheckpointError(f"{out} holds a run already; go on with --resume or choose another --out")
    stored = read_config(out / "config.toml")
    fresh = arguments.preset or arguments.config
    wanted = override(load_config(arguments.preset or "tiny", arguments.config) if fresh else stored, overrides)
    for key in differences(stored, wanted):
        if key == "run.seed" or not key.startswith("run."):
            raise CheckpointError(f"{key} cannot change in a run that has begun; choose another --out for a new run")
    return wanted


if __name__ == "__main__":
    sys.exit(main())
