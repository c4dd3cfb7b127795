"""Hugging Face Parquet as readers take it: a row group at a time; and what a store takes of a part that changed."""

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from benchmarks.chunks import chunks
from pmc15m.export.columns import SAMPLE
from pmc15m.export.huggingface import write_huggingface
from pmc15m.export.picture import Picture
from pmc15m.export.webdataset import write_webdataset


def samples(count: int, size: int) -> Iterator[tuple[Mapping[str, Any], Picture]]:
    """Pairs with pictures of `size` bytes."""
    content = bytes(size)
    for number in range(count):
        pair = dict.fromkeys(SAMPLE.names) | {"pair_key": f"PMC{number}_1_f1", "text": f"caption {number}"}
        yield pair, Picture("png", content, 100, 100)


def test_a_row_group_is_closed_by_bytes(tmp_path: Path) -> None:
    path = tmp_path / "train-00000-of-00001.parquet"
    write_huggingface(path, samples(7, 60 << 20), SAMPLE.names)
    file = pq.ParquetFile(path)
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [4, 3]
    read = [text for group in range(2) for text in file.read_row_group(group, columns=["text"])["text"].to_pylist()]
    assert read == [f"caption {number}" for number in range(7)]


def test_a_row_group_is_closed_by_rows(tmp_path: Path) -> None:
    path = tmp_path / "train-00000-of-00001.parquet"
    write_huggingface(path, samples(2_001, 10), SAMPLE.names)
    metadata = pq.read_metadata(path)
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [1_000, 1_000, 1]


def test_a_picture_above_the_limit_is_a_row_group(tmp_path: Path) -> None:
    path = tmp_path / "train-00000-of-00001.parquet"
    write_huggingface(path, samples(1, 257 << 20), SAMPLE.names)
    assert pq.read_metadata(path).num_row_groups == 1


@pytest.mark.parametrize("kind", ["hf", "webdataset"])
def test_a_store_that_knows_chunks_takes_of_a_new_version_what_changed(tmp_path: Path, kind: str) -> None:
    made = random.Random(0)
    pictures = [Picture("jpg", made.randbytes(made.randrange(20_000, 60_000)), 100, 100) for _ in range(400)]
    named = [(pair, picture) for (pair, _), picture in zip(samples(400, 0), pictures, strict=True)]
    whole, later = tmp_path / "whole", tmp_path / "later"
    for path, kept in ((whole, named), (later, named[:70] + named[71:])):
        if kind == "hf":
            write_huggingface(path, kept, SAMPLE.names)
        else:
            write_webdataset(path, kept, "jpg")
    known = dict(chunks(whole))
    new = sum(size for digest, size in chunks(later) if digest not in known)
    assert 0 < new < 300_000 < sum(known.values()) / 40, "the one picture that went lies in two or three chunks"


def test_small_pictures_behind_a_change_lie_in_pages_as_before(tmp_path: Path) -> None:
    made = random.Random(0)
    pictures = [Picture("jpg", made.randbytes(made.randrange(5_000, 15_000)), 100, 100) for _ in range(2_000)]
    named = [(pair, picture) for (pair, _), picture in zip(samples(2_000, 0), pictures, strict=True)]
    whole, later = tmp_path / "whole", tmp_path / "later"
    write_huggingface(whole, named, SAMPLE.names)
    write_huggingface(later, named[:70] + named[71:], SAMPLE.names)
    known = dict(chunks(whole))
    new = sum(size for digest, size in chunks(later) if digest not in known)
    assert 0 < new < 600_000 < sum(known.values()) / 30
