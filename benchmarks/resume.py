"""Kill `pmc15m run` at random moments, resume it, and compare with an uninterrupted run, byte for byte.

python -m benchmarks.resume --kills 10 [--articles 60] [--seed 0]
"""

import argparse
import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pmc15m.demo import generate, serve

_FLAGS = ("--set", "crawl.articles_per_shard=10", "--set", "curate.val_share=0.1", "--set", "curate.test_share=0.1")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--articles", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        generate(root / "pmc", articles=options.articles)
        with serve(root / "pmc") as server:
            started = time.monotonic()
            _start(root / "whole", server.url).wait()
            whole_s = time.monotonic() - started
            killed = 0
            while killed < options.kills:
                process = _start(root / "killed", server.url)
                try:
                    process.wait(moments.uniform(0.3, 0.6 * whole_s))
                    print(f"finished before the kill, after {killed} kills: starting again from nothing")
                    subprocess.run(["rm", "-rf", root / "killed"], check=True)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    killed += 1
            _start(root / "killed", server.url).wait()
        whole, resumed = _digests(root / "whole"), _digests(root / "killed")
    differing = sorted(name for name in whole.keys() | resumed.keys() if whole.get(name) != resumed.get(name))
    print(f"uninterrupted: {whole_s:.1f} s, {len(whole)} files; killed {killed} times: {len(differing)} files differ")
    for name in differing:
        print(f"  {name}")
    return 1 if differing else 0


def _start(workspace: Path, source: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "pmc15m.cli", "run", "--workspace", str(workspace), "--source", source, *_FLAGS]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _digests(root: Path) -> dict[str, str]:
    """Every table, shard and export (the report names its workspace).

    What a killed process left half-written has a temporary name and does not count.
    """
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and ".tmp" not in path.name and path.name != "index.html"
    }


if __name__ == "__main__":
    sys.exit(main())
