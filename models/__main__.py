"""Makes one of the trained files of `pmc15m/weights`, and writes it where --out says.

    python -m models NAME --help
    python -m models NAME … --out FILE [--force]

NAME is the file's: kinds, panels, reader, texts (networks: need torch and onnx), captions, certainty (linear
models).
A FILE that exists is overwritten with --force alone.
"""

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from pmc15m.workspace import atomic

TRAINERS = {
    "kinds": "models.kinds.train",
    "panels": "models.panels.train",
    "reader": "models.panels.reader",
    "captions": "models.captions.markers",
    "texts": "models.captions.texts",
    "certainty": "models.captions.certainty",
}
_Help = argparse.RawDescriptionHelpFormatter


class Trainer(Protocol):
    """A module that makes one file; its docstring is the help of the command."""

    def options(self, parser: argparse.ArgumentParser) -> None: ...

    def train(self, args: argparse.Namespace) -> bytes: ...


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m models", description=__doc__, formatter_class=_Help)
    parser.add_argument("name", choices=TRAINERS, metavar="NAME")
    parser.add_argument("options", nargs=argparse.REMAINDER, metavar="…")
    chosen = parser.parse_args(argv)
    trainer = cast(Trainer, importlib.import_module(TRAINERS[chosen.name]))
    own = argparse.ArgumentParser(f"{parser.prog} {chosen.name}", description=trainer.__doc__, formatter_class=_Help)
    own.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the trained file is written")
    own.add_argument("--force", action="store_true", help="overwrite FILE if it exists")
    own.set_defaults(name=chosen.name)
    trainer.options(own)
    args = own.parse_args(chosen.options)
    if args.out.exists() and not args.force:
        own.error(f"{args.out} exists; --force overwrites it")
    content = trainer.train(args)
    with atomic(args.out) as temporary:
        temporary.write_bytes(content)
    print(f"{args.out}: {len(content)} bytes")


if __name__ == "__main__":
    main()
