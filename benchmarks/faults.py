"""Crawl 400 articles from a bucket that misbehaves, killed now and then, and compare with an undisturbed crawl.

    python -m benchmarks.faults [--articles 400] [--kill-every 3] [--seed 0]

Prints the exit codes, what `verify` says, and how many files differ. Exit code 1 if any does.
"""

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pmc15m.demo import generate, parse_faults, serve

FAULTS = "slow_down=0.1,reset=0.02,truncated=0.02,wrong_bytes=0.01,stall=0.005"
_FLAGS = (
    *("--set", "crawl.articles_per_shard=50", "--set", "network.requests_per_s=0"),
    *("--set", "network.backoff_s=0.05", "--set", "network.read_timeout_s=1"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=400)
    parser.add_argument(
        "--kill-every", type=float, default=0, metavar="S", help="kill -9 after up to S seconds; 0 = never"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        generate(root / "pmc", articles=options.articles, figure_px=64, plain=True)
        with serve(root / "pmc") as server:
            whole = _command("index", root / "whole", server.url).wait() or _crawl(root / "whole", server.url)
        with serve(root / "pmc", faults=parse_faults(FAULTS), seed=options.seed) as server:
            started = time.monotonic()
            kills = _crawl_killed(root / "hurt", server.url, options.kill_every, random.Random(options.seed))
            code = _crawl(root / "hurt", server.url)
            taken_s = time.monotonic() - started
        verified = _command("verify", root / "hurt", "").wait()
        expected, found = _digests(root / "whole"), _digests(root / "hurt")
    differing = {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)}
    print(f"undisturbed: exit {whole}; with {FAULTS}, killed {kills} times: exit {code} after {taken_s:.0f} s")
    print(f"verify: exit {verified}; {len(expected)} shards and indexes, {len(differing)} differ")
    return 1 if differing or code or verified else 0


def _crawl_killed(workspace: Path, source: str, every_s: float, moments: random.Random) -> int:
    """Index, then crawl until it ends by itself; how often it was killed."""
    while _command("index", workspace, source).wait():
        pass
    kills = 0
    while every_s:
        process = _command("crawl", workspace, source)
        try:
            process.wait(moments.uniform(1, every_s))
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    return kills


def _crawl(workspace: Path, source: str) -> int:
    return _command("crawl", workspace, source).wait()


def _command(name: str, workspace: Path, source: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "pmc15m.cli", name, "--workspace", str(workspace), *_FLAGS]
    return subprocess.Popen(
        [*command, *(["--source", source] if source else [])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _digests(workspace: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for pattern in ("*.tar", "*.parquet")
        for path in (workspace / "raw").glob(pattern)
    }


if __name__ == "__main__":
    sys.exit(main())
