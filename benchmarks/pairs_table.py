"""Generates a workspace with 15,282,336 pairs, the size of PMC-15M, to ask questions of.

    python -m benchmarks.pairs_table DIR [--rows 15282336] [--parts 125]

Figure level, sorted by article, captions of 72 words on average (real ones: 72.3) that zstd packs like real ones;
2 % of the pictures and 3 % of the captions are exact duplicates. Fingerprints of captions are made up, the modalities
are those that `curate` would store. Same arguments, same bytes.
"""

import argparse
import functools
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pmc15m import schema
from pmc15m.curate.captions import define_normalised
from pmc15m.curate.modalities import define_modalities_of
from pmc15m.workspace import Workspace, fingerprint, read_fingerprint, shard_name, write_part

ROWS = 15_282_336
PARTS = 125
_FIGURES_PER_ARTICLE = 5.1
_COPIES = 20_000  # rows of the part that later parts repeat

_LICENCES = ("CC BY", "CC BY-NC", "CC BY-NC-ND", "CC BY-NC-SA", "CC0", None)
_LICENCE_SHARES = (0.62, 0.17, 0.10, 0.05, 0.02, 0.04)
_GROUPS = ("commercial", "noncommercial", "noncommercial", "noncommercial", "commercial", "other")
_KINDS = ("plot", "diagram", "microscopy", "photo", "radiology", "gel", "mixed", "table_text")
_KIND_SHARES = (0.45, 0.15, 0.15, 0.05, 0.04, 0.04, 0.10, 0.02)
_TYPES = ("research-article", "review-article", "case-report", "brief-report")
_CONSONANTS, _VOWELS = "bcdfghlmnprst", "aeiou"


def pairs_workspace(root: Path, rows: int = ROWS, parts: int = PARTS) -> Workspace:
    """A workspace with `rows` pairs in `parts` parts; parts that are there already are kept."""
    workspace = Workspace(root)
    workspace.create()
    edges = np.linspace(0, rows, parts + 1).astype(int)
    for number in range(parts):
        path = workspace.part("pairs", shard_name(number))
        if read_fingerprint(path) != _made_from(rows, parts):
            part = _part(number, int(edges[number + 1] - edges[number]), int(edges[number]))
            write_part(path, part, _made_from(rows, parts))
    return workspace


def is_generated(workspace: Workspace) -> bool:
    """Whether the pairs of a workspace are all of those that this module makes, and no others."""
    paths = workspace.parts("pairs")
    made_from = _made_from(sum(pq.read_metadata(path).num_rows for path in paths), len(paths))
    return bool(paths) and {read_fingerprint(path) for path in paths} == {made_from}


def _made_from(rows: int, parts: int) -> str:
    return fingerprint("pairs_table", 2, {"rows": rows, "parts": parts}, [])


def _part(number: int, rows: int, first_row: int) -> pa.Table:
    rng = np.random.default_rng([15, number])
    words = rng.gamma(2.2, 72 / 2.2, rows).clip(3, 600).astype(np.int32)
    text = _captions(rng, words)
    sha256 = pa.array([f"{number:04x}{row:060x}" for row in range(rows)])
    keeper = np.full(rows, -1)
    if number:
        text, words, keeper = _repeated(rng, text, words, _first_captions(), 0.03)
        copied = rng.random(rows) < 0.02
        copies = pa.array([f"{0:04x}{row:060x}" for row in rng.integers(0, _COPIES, rows)])
        sha256 = pc.if_else(pa.array(copied), copies, sha256)
    article = 100_000 + (np.arange(first_row, first_row + rows) / _FIGURES_PER_ARTICLE).astype(np.int64)
    figure = np.arange(first_row, first_row + rows) - np.ceil((article - 100_000) * _FIGURES_PER_ARTICLE)
    pmcid = _joined("PMC", article.astype(str))
    figure_key = pc.binary_join_element_wise(
        pmcid, "_1_f", pa.array(np.char.zfill((figure + 1).astype(int).astype(str), 3)), ""
    )
    image_key = pc.binary_join_element_wise(figure_key, "_g01", "")
    licence = rng.choice(len(_LICENCES), rows, p=_LICENCE_SHARES)
    year = 2026 - np.minimum(rng.gamma(1.6, 4, rows), 30).astype(np.int32)
    split = np.select([article % 10_000 < 475, article % 10_000 < 484], ["test", "val"], "train")
    duplicate = rng.random(rows) < 0.05
    columns = {
        "pair_key": image_key,
        "level": _constant("figure", rows),
        "pmcid": pmcid,
        "version": np.ones(rows, np.int32),
        "figure_key": figure_key,
        "image_key": image_key,
        "shard": _constant(shard_name(number), rows),
        "offset": np.cumsum(rng.integers(20_000, 300_000, rows)),
        "size": rng.integers(20_000, 300_000, rows),
        "width": rng.integers(120, 2400, rows).astype(np.int32),
        "height": rng.integers(120, 2400, rows).astype(np.int32),
        "format": _constant("jpeg", rows),
        "label": _joined("Figure ", (figure + 1).astype(int).astype(str)),
        "text": text,
        "n_chars": pc.utf8_length(text),
        "n_words": words,
        **_read(text),
        "caption_group": pc.if_else(pa.array(keeper >= 0), _joined("PMC99999_1_f", keeper.astype(str)), None),
        "is_caption_duplicate": keeper >= 0,
        "article_hash": article.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15),
        "journal": _journals().take(pa.array(rng.choice(7000, rows, p=_falling(7000, 5.0)))),
        "year": year,
        "released": pa.array(
            (np.datetime64("1970-01-01") + (365.25 * (year - 1970)).astype(int)).astype("datetime64[D]")
        ),
        "article_type": pa.array(_TYPES).take(pa.array(rng.choice(4, rows, p=(0.8, 0.1, 0.07, 0.03)))),
        "language": _constant("en", rows),
        "licence_code": pa.array(_LICENCES).take(pa.array(licence)),
        "licence_group": pa.array(_GROUPS).take(pa.array(licence)),
        "figure_kind": _constant("figure", rows),
        "origin": _constant("body", rows),
        "image_kind": pa.array(_KINDS).take(pa.array(rng.choice(8, rows, p=_KIND_SHARES))),
        "image_kind_score": rng.random(rows).astype(np.float32),
        "n_panels": rng.geometric(0.4, rows).astype(np.int32),
        "compound": rng.random(rows).astype(np.float32),
        "entropy": (rng.random(rows) * 8).astype(np.float32),
        "white_share": rng.random(rows).astype(np.float32),
        "sha256": sha256,
        "phash": rng.integers(0, 2**64, rows, dtype=np.uint64),
        "duplicate_group": pc.if_else(pa.array(duplicate), image_key, None),
        "is_duplicate": duplicate & (rng.random(rows) < 0.5),
        "split": split,
        "flags": pa.array([_FLAGS[n] for n in rng.choice(4, rows, p=(0.5, 0.45, 0.04, 0.01))], pa.list_(pa.string())),
    }
    missing = {
        name: pa.nulls(rows, schema.PAIRS.field(name).type) for name in schema.PAIRS.names if name not in columns
    }
    return pa.table({**columns, **missing}).select(schema.PAIRS.names).cast(schema.PAIRS)


_FLAGS: tuple[list[str], ...] = ([], ["compound"], ["own_rights"], ["retracted"])


def _captions(rng: np.random.Generator, words: np.ndarray) -> pa.Array:
    vocabulary = _vocabulary()
    ends = np.concatenate([[0], np.cumsum(words)]).astype(np.int32)
    cumulative = np.cumsum(_falling(len(vocabulary), 2.7))
    chosen = np.searchsorted(cumulative, rng.random(ends[-1])).clip(0, len(vocabulary) - 1)
    lists = pa.ListArray.from_arrays(pa.array(ends), vocabulary.take(pa.array(chosen)))
    return pc.binary_join(lists, " ")


def _repeated(
    rng: np.random.Generator, text: pa.Array, words: np.ndarray, source: tuple[pa.Array, np.ndarray], share: float
) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """A share of the captions replaced by captions of the first part; which one of them, or -1."""
    copied = rng.random(len(words)) < share
    from_row = rng.integers(0, len(source[1]), len(words))
    texts = pc.if_else(pa.array(copied), source[0].take(pa.array(from_row)), text)
    return texts, np.where(copied, source[1][from_row], words), np.where(copied, from_row, -1)


@functools.cache
def _first_captions() -> tuple[pa.Array, np.ndarray]:
    rng = np.random.default_rng([15, 10**6])
    words = rng.gamma(2.2, 72 / 2.2, _COPIES).clip(3, 600).astype(np.int32)
    return _captions(rng, words), words


@functools.cache
def _vocabulary() -> pa.Array:
    """20,000 words to be drawn by Zipf's law; `histology` and `radiograph` are among them."""
    rng = np.random.default_rng(15)
    words: dict[str, None] = {}
    while len(words) < 20_000:
        syllables = [
            _CONSONANTS[rng.integers(13)]
            + _VOWELS[rng.integers(5)]
            + (_CONSONANTS[rng.integers(13)] if rng.random() < 0.4 else "")
            for _ in range(rng.integers(2, 6))
        ]
        words["".join(syllables)] = None
    chosen = list(words)
    chosen[700], chosen[900] = "histology", "radiograph"
    return pa.array(chosen)


@functools.cache
def _journals() -> pa.Array:
    words = _vocabulary()
    return pa.array([f"Journal of {words[n]} {words[n + 7]}" for n in range(7000)])


def _falling(count: int, offset: float) -> np.ndarray:
    shares: np.ndarray = 1 / (np.arange(count) + offset)
    return shares / float(shares.sum())


def _read(text: pa.Array) -> dict[str, pa.ChunkedArray | np.ndarray]:
    """What `curate` reads from the captions; a fingerprint that is equal for equal captions."""
    with duckdb.connect(config={"threads": 1}) as connection:
        define_normalised(connection)
        define_modalities_of(connection)
        connection.register("captions", pa.table({"text": text}))
        found = connection.sql(
            "SELECT md5_number_lower(normalised(text)) AS hash, modalities_of(text) AS modalities FROM captions"
        ).to_arrow_table()
    return {
        "modalities": found["modalities"],
        "caption_hash": found["hash"],
        "caption_simhash": found["hash"].to_numpy() * np.uint64(0xD6E8FEB86659FD93),
    }


def _joined(prefix: str, numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(prefix), pa.array(numbers), "")


def _constant(value: str, rows: int) -> pa.Array:
    return pa.repeat(value, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--parts", type=int, default=PARTS)
    args = parser.parse_args()
    workspace = pairs_workspace(args.root, args.rows, args.parts)
    size = sum(path.stat().st_size for path in workspace.parts("pairs"))
    print(f"{args.rows:,} pairs in {args.parts} parts, {size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
