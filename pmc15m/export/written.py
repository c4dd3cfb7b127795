"""The pictures of shards that were written, in every format."""

import tarfile
from collections.abc import Iterator

import pyarrow.parquet as pq

from pmc15m.export.columns import KEY_AND_TEXT
from pmc15m.export.layout import Layout
from pmc15m.export.shards import Shard


def written_pictures(layout: Layout, shard: Shard) -> Iterator[tuple[str, bytes]]:
    """Key and bytes of every picture of a shard. Raises `OSError`, `ValueError` or `tarfile.TarError`."""
    data = layout.data(shard)
    if layout.is_foldered:
        yield from ((path.stem, path.read_bytes()) for path in sorted(data.iterdir()))
    elif data.suffix == ".tar":
        with tarfile.open(data) as tar:
            for member in tar:
                key, _, suffix = member.name.partition(".")
                if suffix not in ("txt", "json") and (file := tar.extractfile(member)) is not None:
                    yield key, file.read()
    elif layout.format == "interleaved":
        for batch in pq.ParquetFile(data).iter_batches(1, columns=["images", "figures"]):
            for row in batch.to_pylist():
                for image, figure in zip(row["images"], row["figures"], strict=True):
                    yield figure["pair_key"], image["bytes"]
    else:
        for batch in pq.ParquetFile(data).iter_batches(64, columns=["image", KEY_AND_TEXT[0].name]):
            for row in batch.to_pylist():
                yield row["pair_key"], row["image"]["bytes"]
