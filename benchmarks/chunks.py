"""How much of a full shard is new to a store that keeps content-defined chunks, when one article in a hundred changed.

python -m benchmarks.chunks [--pairs 10000] [--bytes 15000] [--share 0.01] [--together]

Every full shard has some of the changed articles, so that it is written again as a file; what a store takes of it (the
hub's, restic, borg) are the chunks that it does not know. Articles are made up (panels: 20 pairs of 15 KB; `--bytes
100000 --pairs-per-article 5` are figures), their pictures are noise, as encoded pictures are to a store. The changed
articles have all of their captions reworded, the worst kind of change that leaves pictures alone, or went, or came.
`--together` is `export.shuffle=false`. Chunks are cut as the hub cuts them: a gear hash of 64 bytes, 64 KiB on average,
8 to 128 KiB.
"""

import argparse
import hashlib
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pmc15m.export.columns import SAMPLE
from pmc15m.export.huggingface import write_huggingface
from pmc15m.export.picture import Picture
from pmc15m.export.webdataset import write_webdataset

_LEAST, _MOST, _BITS = 8 << 10, 128 << 10, 16
_GEAR = np.random.default_rng(0).integers(0, 1 << 64, 256, dtype=np.uint64)
_PIECE = 1 << 22  # bytes hashed at once


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--bytes", type=int, default=15_000, help="of a picture")
    parser.add_argument("--pairs-per-article", type=int, default=20)
    parser.add_argument("--share", type=float, default=0.01, help="of articles that change")
    parser.add_argument("--together", action="store_true", help="the pairs of an article")
    options = parser.parse_args()
    articles = options.pairs // options.pairs_per_article
    changed = set(random.Random(1).sample(range(articles), max(1, round(articles * options.share))))
    for kind in ("webdataset", "hf"):
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "shard")
            _write(kind, path, _samples(options, {}))
            known = set(chunks(path))
            for what in ("reworded", "removed", "replaced"):
                _write(kind, path, _samples(options, dict.fromkeys(changed, what)))
                sizes = dict(chunks(path))
                new = sum(size for digest, size in sizes.items() if (digest, size) not in known)
                print(f"{kind} {what}: {new:,} of {path.stat().st_size:,} bytes, {new / path.stat().st_size:.2%}")
    return 0


def chunks(path: Path) -> Iterator[tuple[str, int]]:
    """SHA-256 and size in bytes of each chunk of a file."""
    content = path.read_bytes()
    candidates = iter(_candidates(np.frombuffer(content, np.uint8)))
    start, candidate = 0, next(candidates, len(content))
    while start < len(content):
        while candidate < start + _LEAST and candidate < len(content):
            candidate = next(candidates, len(content))
        end = min(candidate, start + _MOST, len(content))
        yield hashlib.sha256(content[start:end]).hexdigest(), end - start
        start = end


def _candidates(content: np.ndarray) -> Iterator[int]:
    """Places behind which the gear hash of the last 64 bytes allows a cut."""
    for start in range(0, len(content), _PIECE):
        piece = _GEAR[content[max(0, start - 63) : start + _PIECE]]
        hashed = piece.copy()
        for shift in (1, 2, 4, 8, 16, 32):  # sums of 2, 4 … 64 bytes, each shifted by its age
            hashed[shift:] += hashed[:-shift] << np.uint64(shift)
        found = np.flatnonzero(hashed >> np.uint64(64 - _BITS) == 0) + max(0, start - 63) + 1
        yield from found[found > start].tolist()


def _write(kind: str, path: Path, samples: Iterator[tuple[dict[str, Any], Picture]]) -> None:
    if kind == "hf":
        write_huggingface(path, samples, SAMPLE.names)
    else:
        write_webdataset(path, samples, "jpg")


def _samples(options: argparse.Namespace, changes: dict[int, str]) -> Iterator[tuple[dict[str, Any], Picture]]:
    keys = [
        (f"PMC{7_000_000 + article}_f{number:03d}_g01", article)
        for article in range(options.pairs // options.pairs_per_article)
        for number in range(options.pairs_per_article)
    ]

    def place(pair: tuple[str, int]) -> tuple[bytes, bytes]:
        digests = [hashlib.md5(text.encode()).digest() for text in (str(pair[1]), pair[0])]
        return (digests[0] if options.together else b"", digests[1])

    for key, article in sorted(keys, key=place):
        what = changes.get(article, "")
        if what == "removed":
            continue
        told = random.Random(key + what)
        words = " ".join(f"{told.randrange(1 << 20):x}" for _ in range(40))
        version = "2" if what == "replaced" else "1"
        known = {"pair_key": key.replace("_f", f"_{version}_f"), "text": words, "title": f"Article {article}"}
        picture = random.Random(key + (what if what == "replaced" else ""))
        content = picture.randbytes(picture.randrange(options.bytes // 2, options.bytes * 3 // 2))
        yield {**dict.fromkeys(SAMPLE.names), **known, "context": words}, Picture("jpg", content, 256, 256)


if __name__ == "__main__":
    raise SystemExit(main())
