"""`python -m pmc15m.demo generate DIR` and `python -m pmc15m.demo serve`: see their `--help`."""

import argparse
import sys
import tempfile
import threading
from pathlib import Path

from pmc15m.demo.faults import parse_faults
from pmc15m.demo.generate import generate
from pmc15m.demo.real_articles import bucket_of_articles
from pmc15m.demo.server import serve
from pmc15m.demo.store import Bucket


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pmc15m.demo", description="A miniature PMC on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)

    make = commands.add_parser("generate", help="write the miniature PMC to a new folder")
    make.add_argument("folder", type=Path, metavar="DIR")

    run = commands.add_parser("serve", help="serve a bucket on 127.0.0.1 until interrupted")
    what = run.add_mutually_exclusive_group()
    what.add_argument("--root", type=Path, metavar="DIR", help="a folder in the bucket's layout; default: a new one")
    what.add_argument("--articles", type=Path, metavar="DIR", help="a folder of real articles with its INDEX.csv")
    run.add_argument("--port", type=int, default=0, help="default: any free port")
    run.add_argument("--faults", default="", metavar="SPEC", help="kind[@pattern]=probability[xTIMES],…")

    for command in (make, run):
        command.add_argument("--seed", type=int, default=0, help="of the pictures and of the faults (default: 0)")
        command.add_argument("--count", type=int, default=60, help="how many articles to generate (default: 60)")
    options = parser.parse_args(arguments)
    try:
        if options.command == "generate":
            truth = generate(options.folder, seed=options.seed, articles=options.count)
            print(f"{len(truth.articles)} article versions in {truth.root}, the truth about them in {truth.path}")
        else:
            _serve(options)
    except (OSError, ValueError) as error:
        print(f"pmc15m.demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _serve(options: argparse.Namespace) -> None:
    faults = parse_faults(options.faults)
    with tempfile.TemporaryDirectory(prefix="pmc15m-demo-") as scratch:
        if options.articles is not None:
            bucket = bucket_of_articles(options.articles)
        elif options.root is not None:
            bucket = Bucket.open(options.root)
        else:
            bucket = Bucket.open(generate(Path(scratch, "bucket"), seed=options.seed, articles=options.count).root)
        with serve(bucket, port=options.port, faults=faults, seed=options.seed) as server:
            print(server.url, flush=True)
            threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
