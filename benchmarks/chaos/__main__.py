"""Disturb a workspace in every way we know, for as long as you like, and compare it with one that nothing disturbed.

    python -m benchmarks.chaos --minutes 30 [--seed 0] [--kinds kill,network] [--rounds 1] [--keep DIR]

A round begins with nothing or with a finished workspace; one to four things happen to it (kills, faults of the network,
odd articles, rot, second runs, wrong inventories, updates: `kinds.py`). One undisturbed `run` and `verify` follow, and
`run` again where that found damage. Then tables, tars and exports say what an undisturbed workspace says; what could
not be fetched is a row with a reason, and is whole after `crawl --retry-failed`. The next round has the next seed. The
first violation ends it: what was done, what is wrong, how to see it again, where the remains lie; exit code 1.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.chaos.kinds import KINDS
from benchmarks.chaos.world import Violation, World
from pmc15m.demo import Server, generate, serve


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--minutes", type=float, default=0, help="begin no round after so many (default: as --rounds says)"
    )
    parser.add_argument(
        "--rounds", type=int, default=0, help="at most so many rounds (default: 1, or as --minutes says)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first round (default: 0)")
    parser.add_argument("--kinds", default=",".join(KINDS), help="what may happen (default: all: %(default)s)")
    parser.add_argument("--articles", type=int, default=16, help="of the miniature PMC (default: 16)")
    parser.add_argument(
        "--keep", type=Path, help="where the remains of a violation are left (default: a temporary folder)"
    )
    parser.add_argument("--go-on", action="store_true", help="do not end at a violation")
    options = parser.parse_args(arguments)
    kinds = options.kinds.split(",")
    if unknown := sorted(set(kinds) - KINDS.keys()):
        parser.error(f"unknown kinds: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    rounds = options.rounds or (sys.maxsize if options.minutes else 1)
    end = time.monotonic() + 60 * options.minutes if options.minutes else float("inf")
    happened: Counter[str] = Counter()
    done = violations = 0
    with tempfile.TemporaryDirectory() as scratch:
        pmc, whole = Path(scratch, "pmc"), Path(scratch, "whole")
        generate(pmc, articles=options.articles, figure_px=160)
        with serve(pmc) as server:
            make_first(Path(scratch), server, pmc, whole)
            while done < rounds and time.monotonic() < end:
                seed = options.seed + done
                done += 1
                kept = play(Path(scratch), server, pmc, whole, seed, kinds, happened)
                if kept is None:
                    continue
                violations += 1
                remains = (options.keep or Path(tempfile.mkdtemp(prefix="chaos-"))) / f"seed-{seed}"
                shutil.copytree(kept, remains, dirs_exist_ok=True)
                again = f"--seed {seed} --articles {options.articles} --kinds {options.kinds}"
                print(f"again: python -m benchmarks.chaos {again}")
                print(f"remains: {remains}", flush=True)
                if not options.go_on:
                    break
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(happened.items()))
    print(f"{done} rounds from seed {options.seed}: {counted}")
    print(f"{violations} violations" if violations else "nothing lost, nothing wrong")
    return 1 if violations else 0


def make_first(scratch: Path, server: Server, pmc: Path, whole: Path) -> None:
    """Make the workspace that nothing disturbs, from which every round begins."""
    (scratch / "whole-empty").mkdir()
    world = World(scratch / "first", server, pmc, scratch / "whole-empty", 0)
    shutil.rmtree(world.undisturbed)
    world.follow()
    world.undisturbed.rename(whole)
    shutil.rmtree(world.root)


def play(
    scratch: Path, server: Server, pmc: Path, whole: Path, seed: int, kinds: Sequence[str], happened: Counter[str]
) -> Path | None:
    """One round, and what happens in it on stdout; its folder where it ends with a violation."""
    root = scratch / f"round-{seed}"
    world = World(root, server, pmc, whole, seed)
    begins = world.rng.choice(("nothing", "a finished workspace"))
    if begins != "nothing":
        shutil.copytree(whole, world.disturbed)
    print(f"seed {seed}: begins with {begins}", flush=True)
    try:
        for _ in range(world.rng.randint(1, 4)):
            kind = world.rng.choice(kinds)
            happened[kind] += 1
            print(f"  {kind}: ", end="", flush=True)
            print(KINDS[kind](world), flush=True)
        if world.disturbed.exists():
            shutil.copytree(world.disturbed, root / "before-settling")
        print("  settled: ", end="", flush=True)
        world.settle()
        print("equal" + (", after --retry-failed" if world.is_retried else ""), flush=True)
    except Violation as violation:
        print(f"VIOLATION: {violation}", flush=True)
        return root
    shutil.rmtree(root)
    return None


if __name__ == "__main__":
    sys.exit(main())
