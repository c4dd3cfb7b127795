"""All pairs within 4 bits of 15.3 million perceptual hashes: CPU seconds, memory, and the same pairs as brute force.

    python -m benchmarks.neardup [--rows 15282336] [--spread uniform|skewed] [--peer] [--check 50000]

`uniform`: random hashes. `skewed`: 30 % of them near 2,000 templates drawn by Zipf's law, with 10 to 12 bits flipped
(plots, gels, white pages). Both with 3 % planted copies of 0 to 4 flips. The peer is the same idea in plain numpy: sort
each of the 15 tables of 21-bit keys whole, compare neighbours.
"""

import argparse
import itertools
import json
import resource
import subprocess
import sys

import numpy as np

from pmc15m.curate.neardup import near_pairs

DISTANCE = 4
ROWS = 15_282_336


def hashes(rows: int, spread: str) -> np.ndarray:
    """uint64 (rows,)."""
    rng = np.random.default_rng(64)
    one = np.uint64(1)
    values = rng.integers(0, 2**64, rows, dtype=np.uint64)
    if spread == "skewed":
        near = rows * 3 // 10
        values[:near] = rng.integers(0, 2**64, 2000, dtype=np.uint64)[(rng.zipf(1.3, near) - 1) % 2000]
        for _ in range(12):
            values[:near] ^= one << rng.integers(0, 64, near, dtype=np.uint64)
        values = rng.permutation(values)
    planted = rows * 3 // 100
    copies = values[rng.integers(0, rows - planted, planted)]
    for _ in range(DISTANCE):
        flips = one << rng.integers(0, 64, planted, dtype=np.uint64)
        copies ^= np.where(rng.random(planted) < 0.5, flips, np.uint64(0))
    values[rows - planted :] = copies
    return values


def by_sorting(values: np.ndarray) -> int:
    """The peer: number of pairs."""
    edges = [round(n * 64 / 6) for n in range(7)]
    found = np.empty(0, np.uint64)
    for choice in itertools.combinations(itertools.pairwise(edges), 2):
        key = np.zeros(len(values), np.uint64)
        for low, high in choice:
            key = (key << np.uint64(high - low)) | ((values >> np.uint64(low)) & np.uint64((1 << high - low) - 1))
        packed = np.sort((key << np.uint64(32)) | np.arange(len(values), dtype=np.uint64))
        order, key = packed.astype(np.uint32), packed >> np.uint64(32)
        ordered, alive, step, new = values[order], np.arange(len(values)), 1, [found]
        while len(alive := alive[: np.searchsorted(alive, len(values) - step)]):
            alive = alive[key[alive] == key[alive + step]]
            near = alive[np.bitwise_count(ordered[alive] ^ ordered[alive + step]) <= DISTANCE]
            i, j = order[near].astype(np.uint64), order[near + step].astype(np.uint64)
            new.append((np.minimum(i, j) << np.uint64(32)) | np.maximum(i, j))
            step += 1
        found = np.unique(np.concatenate(new))
    return len(found)


def check(rows: int, spread: str) -> None:
    """Compare with every pair compared."""
    values = hashes(rows, spread)
    i, j = near_pairs(values, DISTANCE)
    expected: set[tuple[int, int]] = set()
    for row in range(rows - 1):
        near = np.flatnonzero(np.bitwise_count(values[row] ^ values[row + 1 :]) <= DISTANCE)
        expected.update((row, row + 1 + int(n)) for n in near)
    same = set(zip(i.tolist(), j.tolist(), strict=True)) == expected
    print(f"{rows:,} {spread} hashes: {len(expected):,} pairs by brute force, {'the same' if same else 'OTHERS'} found")


def measure(rows: int, spread: str, peer: bool) -> dict[str, float]:
    values = hashes(rows, spread)
    before = resource.getrusage(resource.RUSAGE_SELF)
    pairs = by_sorting(values) if peer else len(near_pairs(values, DISTANCE)[0])
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu, "peak_mib": after.ru_maxrss / 1024, "before_mib": before.ru_maxrss / 1024, "pairs": pairs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--spread", choices=("uniform", "skewed"), default="uniform")
    parser.add_argument("--peer", action="store_true", help="measure the peer as well: minutes at full size")
    parser.add_argument("--check", type=int, default=50_000, help="rows of the comparison with brute force; 0 = none")
    parser.add_argument("--child", choices=("ours", "peer"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(args.rows, args.spread, args.child == "peer")))
        return
    if args.check:
        check(args.check, args.spread)
    found = {}
    for what in ("ours", "peer") if args.peer else ("ours",):
        command = [sys.executable, "-m", "benchmarks.neardup", "--rows", str(args.rows), "--spread", args.spread]
        answer = subprocess.run([*command, "--child", what], check=True, capture_output=True, text=True).stdout
        found[what] = row = json.loads(answer)
        print(
            f"{what:4} {args.rows:,} {args.spread}: {row['cpu_s']:.1f} CPU s, peak {row['peak_mib']:.0f} MiB "
            f"(before: {row['before_mib']:.0f}), {row['pairs']:,} pairs"
        )
    if args.peer:
        print(f"ratio {found['ours']['cpu_s'] / found['peer']['cpu_s']:.2f}")


if __name__ == "__main__":
    main()
