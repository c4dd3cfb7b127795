"""The network of image kinds (`kinds.onnx`), trained on what programs drew (`models.drawings`), never on published
pictures.

    python -m models kinds --run DIR --out FILE       20,000 drawings of 60 ms each, then 10 epochs

Every drawing is a function of the seed and its number. DIR keeps the drawings (drawings.npz, 2.8 GB; of another --seed
or --count: another DIR) and the weights (weights.pt), from which a later run goes on with --start.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.drawings.compose import draw
from models.export import onnx_file
from models.kinds import network
from pmc15m.pictures.hashes import working_picture
from pmc15m.pictures.kinds import SIDE, squeezed

ABOUT = "What a picture shows (pmc15m.pictures.kinds), learned from drawings"
STORED = 216  # px of the stored squares: more than the network sees, so that stretching them blurs nothing


def drawn(seed: int, number: int) -> tuple[NDArray[np.uint8], int]:
    """uint8 (STORED, STORED, 3) and the number of its kind."""
    image, kind = draw(np.random.default_rng((seed, number)))
    return squeezed(working_picture(image), STORED), network.KINDS.index(kind)


def drawings(path: Path, seed: int, count: int, workers: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """uint8 (count, STORED, STORED, 3) and int64 (count,): from the file where it exists, drawn and kept otherwise."""
    if not path.exists():
        pictures, kinds = np.zeros((count, STORED, STORED, 3), np.uint8), np.zeros(count, np.int64)
        with ProcessPoolExecutor(workers) as pool:
            for number, made in enumerate(pool.map(drawn, [seed] * count, range(count), chunksize=50)):
                pictures[number], kinds[number] = made
        np.savez(path, pictures=pictures, kinds=kinds)
    stored = np.load(path)
    return stored["pictures"], stored["kinds"]


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--start", type=Path, help="weights.pt of an earlier run to go on from")


def train(args: argparse.Namespace) -> bytes:
    args.run.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.workers)
    start = network.KindNet() if args.start else None
    if start is not None:
        start.load_state_dict(torch.load(args.start, weights_only=True))
    pictures, kinds = drawings(args.run / "drawings.npz", args.seed, args.count, args.workers)
    net = network.train(pictures, kinds, args.epochs, args.seed, start)
    torch.save(net.state_dict(), args.run / "weights.pt")
    example = torch.zeros(1, SIDE, SIDE, 3, dtype=torch.uint8)
    return onnx_file(network.Probabilities(net), example, (["pictures"], ["kinds"]), ABOUT, args)
