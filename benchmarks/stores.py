"""What a library for object stores costs: obstore, which the workspace uses, beside s3fs (fsspec).

    python -m benchmarks.stores s3://bucket/prefix [--library s3fs] [--parts 300] [--pieces 600]

The store is found as each library finds it (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID …). What a workspace does: parts of
30 KB are created where there is none, listed, and read again; pictures of 60 KB are read as pieces of a shard of 60 MB,
which is written and read whole. CPU seconds are this process's; whoever serves has others. What is written is removed.
"""

import argparse
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

_PART, _PIECE, _SHARD = 30_000, 60_000, 60_000_000


class Library(Protocol):
    """What a workspace asks of a store; keys are below the prefix."""

    def create(self, key: str, content: bytes) -> None: ...
    def keys(self) -> list[str]: ...
    def read(self, key: str) -> bytes: ...
    def piece(self, key: str, start: int, size: int) -> bytes: ...
    def remove(self, keys: list[str]) -> None: ...


class Obstore:
    """obstore."""

    def __init__(self, address: str) -> None:
        import obstore

        self._store = obstore.store.from_url(address)
        self._list, self._delete = obstore.list, obstore.delete

    def create(self, key: str, content: bytes) -> None:
        self._store.put(key, content, mode="create")

    def keys(self) -> list[str]:
        return [found["path"] for page in self._list(self._store, chunk_size=1000) for found in page]

    def read(self, key: str) -> bytes:
        return bytes(self._store.get(key).bytes())

    def piece(self, key: str, start: int, size: int) -> bytes:
        return bytes(self._store.get_range(key, start=start, length=size))

    def remove(self, keys: list[str]) -> None:
        self._delete(self._store, keys)


class S3fs:
    """s3fs, over aiobotocore."""

    def __init__(self, address: str) -> None:
        import s3fs

        self._files = s3fs.S3FileSystem(endpoint_url=os.environ.get("AWS_ENDPOINT_URL"), use_listings_cache=False)
        self._place = address.removeprefix("s3://")

    def create(self, key: str, content: bytes) -> None:
        self._files.pipe_file(f"{self._place}/{key}", content, mode="create")

    def keys(self) -> list[str]:
        return [str(found) for found in self._files.find(self._place)]

    def read(self, key: str) -> bytes:
        return bytes(self._files.cat_file(f"{self._place}/{key}"))

    def piece(self, key: str, start: int, size: int) -> bytes:
        return bytes(self._files.cat_file(f"{self._place}/{key}", start=start, end=start + size))

    def remove(self, keys: list[str]) -> None:
        self._files.rm([f"{self._place}/{key}" for key in keys])


LIBRARIES: dict[str, Callable[[str], Library]] = {"obstore": Obstore, "s3fs": S3fs}


@contextmanager
def _timed(what: str, count: int = 1) -> Iterator[None]:
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    cpu, wall = (time.process_time() - cpu) * 1000 / count, (time.perf_counter() - wall) * 1000 / count
    print(f"{what:24} {cpu:9.2f} CPU ms {wall:9.2f} ms", flush=True)


def main() -> None:
    """Measure one library; the order of what is done is that of the chain."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--library", choices=LIBRARIES, default="obstore")
    parser.add_argument("--parts", type=int, default=300)
    parser.add_argument("--pieces", type=int, default=600)
    options = parser.parse_args()
    with _timed("import and open"):
        library = LIBRARIES[options.library](f"{options.address}/{uuid.uuid4().hex}")
        assert library.keys() == []
    part, shard = os.urandom(_PART), os.urandom(_SHARD)
    keys = [f"pairs/{number:05d}.parquet" for number in range(options.parts)]
    with _timed("create a part", options.parts):
        for key in keys:
            library.create(key, part)
    with _timed("list 1,000 parts", max(1, options.parts // 1000)):
        assert len(library.keys()) == options.parts
    with _timed("read a part", options.parts):
        assert all(library.read(key) == part for key in keys)
    with _timed("create a shard, 60 MB"):
        library.create("raw/00000.tar", shard)
    with _timed("read a shard"):
        assert library.read("raw/00000.tar") == shard
    starts = range(0, _SHARD - _PIECE, (_SHARD - _PIECE) // options.pieces)
    with _timed("read a picture", len(starts)):
        assert all(library.piece("raw/00000.tar", start, _PIECE) == shard[start : start + _PIECE] for start in starts)
    library.remove([*keys, "raw/00000.tar"])


if __name__ == "__main__":
    main()
