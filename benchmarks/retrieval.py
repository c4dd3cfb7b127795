"""Exact retrieval ranks of N × N: time, memory, and what they say of PMC-15M's 725,739 test pairs.

    python -m benchmarks.retrieval [--pairs 50000]

Time grows with the square of the pairs, memory with the pairs (two matrices of features) beside what Python and torch
take and one tile.
"""

import argparse
import resource
import time

import torch

from train.evaluation.retrieval import TILE, ranks

PUBLISHED = 725_739
WIDTH = 512


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of exact retrieval.")
    parser.add_argument("--pairs", type=int, default=50_000)
    n = parser.parse_args().pairs
    before = _peak()
    text = torch.nn.functional.normalize(torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(0)), dim=-1)
    image = torch.nn.functional.normalize(text + 0.1 * torch.randn(n, WIDTH), dim=-1)
    wall, cpu = time.perf_counter(), time.process_time()
    image_to_text, text_to_image = ranks(image, text)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    grown, features = _peak() - before, 2 * n * WIDTH * 4
    hits = [f"{float((direction < 1).double().mean()):.4f}" for direction in (image_to_text, text_to_image)]
    print(f"{n:,} pairs, both directions: {wall:.0f} s, {cpu:.0f} CPU s, R@1 {' and '.join(hits)}")
    print(f"memory {_peak() / 1e9:.2f} GB, {before / 1e9:.2f} of it before; {features / 1e9:.2f} GB are features")
    times = (PUBLISHED / n) ** 2
    memory = before + grown - features + 2 * PUBLISHED * WIDTH * 4
    print(f"{PUBLISHED:,} pairs: {wall * times / 3600:.1f} h, {cpu * times / 3600:.1f} CPU h, {memory / 1e9:.2f} GB")
    print(f"(tiles of {TILE}, {torch.get_num_threads()} threads)")


def _peak() -> int:
    """Bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
