"""Where each table, shard and part lies; how parts are written; what is complete and what is stale.

    <root>/config.toml               the configuration of the last `run`
    <root>/catalog/catalog.parquet   one row an article version
    <root>/raw/NNNNN.tar             XML, metadata and images, byte for byte as published
    <root>/raw/NNNNN.parquet         the tar's index; its presence is the shard's completeness
    <root>/<table>/NNNNN.parquet     one part a raw shard: articles, figures, images, pixels, panels, pairs
    <root>/export/<name>/            training shards
    <root>/report/index.html         the report

A part is written to a temporary name, synced and renamed. It carries, as Parquet metadata, the fingerprint of what
made it: the stage's name and version, its section of the configuration, the bytes of its networks, fitted weights and
SQL, and the fingerprints of its inputs. A part is current when that equals what the stage would record today; so
re-running a command is the resume.
"""

import functools
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.errors import UsageError
from pmc15m.schema import SCHEMA_VERSION

_METADATA_KEY = b"pmc15m"
_TEMPORARY = ".tmp"
_SHARD = re.compile(r"[0-9]{5}|[1-9][0-9]{5,}")
_ROW_GROUP = 65_536
# Columns whose values hardly repeat: a dictionary would hold them all, and every reader would look each of them up.
_KEYS = ("key", "pair_key", "figure_key", "image_key", "panel_key")
_UNIQUE = {*_KEYS, "caption_hash", "caption_simhash", "phash", "md5", "sha256", "pixel_sha256"}


class Workspace:
    """A folder with a dataset in it. Nothing is written outside `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self) -> None:
        """Make sure that the folder exists and can be written. Raises `UsageError`."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.root / f".probe{os.getpid()}{_TEMPORARY}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UsageError(
                f"cannot write the workspace {self.root}: {error.strerror}; choose another with --workspace DIR"
            ) from None

    @property
    def catalog(self) -> Path:
        return self.root / "catalog" / "catalog.parquet"

    def tar(self, shard: str) -> Path:
        return self.root / "raw" / f"{shard}.tar"

    def read(self, shard: str, offset: int, size: int) -> bytes:
        """One object of a raw shard with one positioned read. Raises `OSError` where the bytes are not there."""
        with self.tar(shard).open("rb") as tar:
            content = os.pread(tar.fileno(), size, offset)
        if len(content) != size:
            raise OSError(f"{self.tar(shard).name} ends before byte {offset + size}")
        return content

    def part(self, table: str, shard: str) -> Path:
        """Path of a table's part; table `raw` is the index of the raw shard."""
        return self.root / table / f"{shard}.parquet"

    def shards(self, table: str = "raw", suffix: str = ".parquet") -> list[str]:
        """Names of the shards of which a table has a part, or a folder a file of that suffix, in order."""
        names = (path.stem for path in (self.root / table).glob(f"*{suffix}"))
        return in_order(name for name in names if _SHARD.fullmatch(name))

    def parts(self, table: str) -> list[Path]:
        """Paths of the parts that a table has, in the order of their shards."""
        return [self.part(table, shard) for shard in self.shards(table)]


def shard_name(number: int) -> str:
    """What the files of a shard are called: five digits, or as many as it takes."""
    return f"{number:05d}"


def shard_number(name: str) -> int:
    """The number of a shard of that name."""
    return int(name)


def in_order(shards: Iterable[str]) -> list[str]:
    """Names of shards in the order of their numbers: 99999 before 100000."""
    return sorted(shards, key=lambda name: (len(name), name))


def fingerprint(
    stage: str, version: int, config: Mapping[str, Any], inputs: Iterable[str], assets: Iterable[Path] = ()
) -> str:
    """What a part's content depends on, as 32 hex digits; of the files `assets` the bytes count, not where they lie."""
    files = sorted((asset.name, _file_digest(asset)) for asset in assets)
    facts = [stage, version, SCHEMA_VERSION, dict(config), list(inputs), files]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


@functools.cache  # asked once a shard; what ships with the package does not change under a running process
def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_fingerprint(path: Path) -> str | None:
    """The fingerprint that a part carries; None where there is no readable part of ours."""
    try:
        metadata = pq.read_metadata(path).metadata or {}
        return str(json.loads(metadata[_METADATA_KEY])["fingerprint"])
    except (OSError, pa.ArrowInvalid, KeyError, ValueError):
        return None


def read_part(path: Path, columns: list[str] | None = None, filters: list[Any] | None = None) -> pa.Table:
    """The rows of a part; a folder above it that is named like a column is none. Raises `OSError`, `ArrowInvalid`."""
    return pq.read_table(path, columns=columns, filters=filters, partitioning=None)


def write_part(path: Path, table: pa.Table, made_from: str) -> None:
    """Write a table atomically, with the fingerprint `made_from`. Same table and fingerprint, same bytes.

    Keys are packed with LZ4, which takes a little more room than zstd and half the time to read: a sample reads the
    keys of all rows to return those of a few.
    """
    columns = [leaf for field in table.schema for leaf in _leaves(field.name, field.type)]
    with atomic(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata(stamp(made_from)),
            temporary,
            compression={column: "lz4" if column in _KEYS else "zstd" for column in columns},
            use_dictionary=[column for column in columns if column not in _UNIQUE],
            row_group_size=_ROW_GROUP,
            write_page_index=True,
        )


def _leaves(path: str, kind: pa.DataType) -> Iterator[str]:
    """Parquet's names of the columns that hold an Arrow column."""
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", field.type)
    elif pa.types.is_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    else:
        yield path


def stamp(made_from: str) -> dict[bytes, bytes]:
    """The Parquet metadata that carries a fingerprint."""
    return {_METADATA_KEY: json.dumps({"fingerprint": made_from, "schema_version": SCHEMA_VERSION}).encode()}


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`: synced and renamed to it on success, removed on failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}{_TEMPORARY}")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Force a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rows_to_table(rows: Iterable[Mapping[str, Any]], schema: pa.Schema, *, partial: bool = False) -> pa.Table:
    """Rows as a table of exactly `schema`.

    A row with other columns than the schema's raises `KeyError`; of `partial` rows, what is not there is null.
    """
    names = set(schema.names)
    checked = []
    for row in rows:
        if unknown := row.keys() - names:
            raise KeyError(f"not in the schema: {', '.join(sorted(unknown))}")
        if not partial and (lacking := names - row.keys()):
            raise KeyError(f"not in the row: {', '.join(sorted(lacking))}")
        checked.append(row)
    return pa.Table.from_pylist(checked, schema=schema)
