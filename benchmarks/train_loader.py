"""What feeding the trainer costs: pairs a CPU second, the index, shared memory, how long the first batch takes.

    python -m benchmarks.train_loader EXPORT … [--batch 256] [--seconds 20]

Of each export: pairs per CPU second of one core through `TrainBatches` with stored tokens, in turns with its parts and
with the floor, Pillow's draft decoding and resizing alone. Of the first: batches of 4,096 by 8 processes,
the seconds until the first part and the most that lay in /dev/shm. Then an index of 10,000 pairs as the exporter notes
it against a walk over the headers, and what share of the decoding 64 processes would spend on either in an epoch.
"""

import argparse
import contextlib
import io
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from pmc15m.export.picture import Picture
from pmc15m.export.webdataset import write_webdataset
from train import data, shards
from train.config import load_config
from train.data import SHARED_MEMORY, Schedule, TrainBatches, iter_batches
from train.images import decode_crop
from train.order import Order
from train.shards import Splits, open_split
from train.tokens import Captions, encode, train_tokenizer

SIZE = 224


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exports", type=Path, nargs="+", metavar="EXPORT")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=20, help="of CPU time an export")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        of_each = [(export, Path(folder) / str(number)) for number, export in enumerate(arguments.exports)]
        rates = [_rate(export, arguments.batch, arguments.seconds, tokens) for export, tokens in of_each]
        _shared(arguments.exports[0], Path(folder) / "shared")
    _index(rates[0])


def _batches(export: Path, batch: int, workers: int, tokens: Path) -> TrainBatches:
    config = load_config("biomedclip", None, [f"data.batch_size={batch}", f"data.workers={workers}"]).data
    split = open_split(export, "train")
    repeated = [Order(split.sizes, 0, split.units_per_window)] * -(-batch // sum(split.sizes))  # small ones, again
    shares = [1.0] * len(repeated)
    splits = Splits([split] * len(repeated))
    captions = Captions(splits, train_tokenizer(split.texts(), 30522), config.context_length, tokens)
    return TrainBatches(splits, Schedule(repeated, batch, shares=shares), captions, config, 0)


def _rate(export: Path, batch: int, seconds: float, tokens: Path) -> float:
    batches = _batches(export, batch, 0, tokens)
    batches[0]  # reads the index and makes the tokens
    split, turns = open_split(export, "train"), itertools.count()
    rows = range(min(batch, sum(split.sizes)))
    pairs = [split.pair(row) for row in rows]
    tokenizer, stream = train_tokenizer(split.texts(), 30522), np.random.default_rng(0)
    parts: dict[str, Callable[[], int]] = {
        "together": lambda: len(batches[next(turns)].rows),
        "reading": lambda: len([split.pair(row) for row in rows]),
        "decoding": lambda: len([decode_crop(pair.image, SIZE, 10**9, 0.9, stream) for pair in pairs]),
        "the floor": lambda: len([_plain(pair.image) for pair in pairs]),
        "tokens made anew": lambda: len(encode(tokenizer, [pair.text for pair in pairs], 256)),
    }
    done, spent, until = dict.fromkeys(parts, 0), dict.fromkeys(parts, 0.0), time.process_time() + seconds
    while time.process_time() < until:
        for name, part in parts.items():
            start = time.process_time()
            done[name] += part()
            spent[name] += time.process_time() - start
    rates = {name: done[name] / spent[name] for name in parts}
    print(f"{export.name}: {', '.join(f'{name} {rate:.0f}' for name, rate in rates.items())} pairs per CPU second")
    return rates["together"]


def _plain(stored: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(stored))
    image.draft("RGB", (SIZE, SIZE))
    return image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def _shared(export: Path, tokens: Path) -> None:
    batches = _batches(export, 4096, 8, tokens)
    free, start, most = shutil.disk_usage(SHARED_MEMORY).free, time.monotonic(), 0
    own = 4096 * 3 * SIZE**2
    ahead = data._ahead(2 * own, own / batches.per_step, 8)
    with contextlib.closing(iter_batches(batches, range(2 * batches.per_step), 8, pin=False, ahead=ahead)) as parts:
        for place, _ in enumerate(parts):
            most = max(most, free - shutil.disk_usage(SHARED_MEMORY).free)
            if place == 0:
                print(f"8 processes, batches of 4,096: first part after {time.monotonic() - start:.1f} s", flush=True)
                time.sleep(20)  # a step of the training process, while the others make what they may
    print(f"most in {SHARED_MEMORY}: {most / 1e6:.0f} MB")


def _index(rate: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tar = Path(folder) / "data" / "train-00000-of-00001.tar"
        tar.parent.mkdir()
        picture = Picture("jpg", b"x" * 2000, 10, 10, "published")
        sample = {"text": "a caption", "journal": "a journal", "context": "words " * 50}
        spans = write_webdataset(tar, ((sample | {"pair_key": f"k{n}"}, picture) for n in range(10_000)), "jpg")
        table = pa.table({"export_span": pa.array(spans, pa.list_(pa.int64())), "caption": ["words " * 200] * 10_000})
        facts = json.dumps({"data": {"size": tar.stat().st_size}})
        side = Path(folder) / ".pmc15m" / "train-00000.parquet"
        side.parent.mkdir()
        pq.write_table(table.replace_schema_metadata({"pmc15m": facts}), side)
        costs = {}
        for name, read in (("noted", shards._noted_index), ("walked", shards._walk)):
            read(tar)
            start = time.process_time()
            for _ in range(3):
                read(tar)
            costs[name] = (time.process_time() - start) / 3
    tars = 1530  # of 10,000: PMC-15M
    for name, cost in costs.items():
        share = 64 * tars * cost / (tars * 10_000 / rate)
        print(f"index of 10,000 pairs, {name}: {cost * 1000:.1f} ms; by 64 processes, of the decoding: {share:.2%}")


if __name__ == "__main__":
    main()
