"""The bucket's daily inventory: find the newest complete one, verify it, read its rows.

Layout: <prefix><date>/manifest.json and manifest.checksum, gzip CSV shards without a header below <prefix>data/
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html).
"""

import gzip
import itertools
import json
import logging
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from pmc15m.errors import SourceError
from pmc15m.sources.metadata import printable
from pmc15m.sources.model import LISTING, FetchError, Reason
from pmc15m.sources.names import BUCKET, METADATA_KEY
from pmc15m.sources.stores import Store

log = logging.getLogger(__name__)

PREFIX = f"inventory-reports/{BUCKET}/metadata/"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}-\d{2}Z")
_SHARD = re.compile(rf"{re.escape(PREFIX)}data/[A-Za-z0-9._-]{{1,100}}\.csv\.gz")
_FIELD = re.compile(rf'(?<![^",]){METADATA_KEY.pattern}(?![^",\s])')
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_ETAG = re.compile(r"[0-9a-f]{32}(?:-\d+)?")
_LONGEST_LINE = 1 << 20
_MD5 = re.compile(r"[0-9a-f]{32}")
_SPOILED = {Reason.MISSING, Reason.MD5_MISMATCH, Reason.TOO_BIG}
_DAYS_BACK = 8
_BELIEF_ATTEMPTS = 3
_MANIFEST_LIMIT = 16 << 20
_SHARD_LIMIT = 4 << 30
_KEY = r"^metadata/(?P<pmcid>PMC[1-9][0-9]{0,11})\.(?P<version>[1-9][0-9]{0,5})\.json$"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One day's inventory."""

    day: str
    columns: tuple[str, ...]
    shards: tuple[tuple[str, str], ...]  # key, md5
    md5: str = ""  # of manifest.json


class SpoiledInventoryError(SourceError):
    """A day's inventory that is there, and whose shards are not what its manifest says."""


def newest_manifest(store: Store, before: str = "9") -> Manifest:
    """The newest inventory of the days `before` whose manifest is whole. Raises `SourceError` where there is none."""
    try:
        days = [name for name in store.folders(PREFIX) if _DAY.fullmatch(name) and name < before]
    except FetchError as error:
        raise SourceError(f"cannot list {store.where}: {error}") from None
    for day in sorted(days, reverse=True)[:_DAYS_BACK]:
        try:
            return _manifest(store, day)
        except FetchError as error:
            if error.reason is not Reason.MISSING:
                raise SourceError(f"cannot read the inventory {day} of {store.where}: {error}") from None
            log.info("inventory %s has no manifest yet; taking the day before", day)
        except ValueError as error:
            log.warning("inventory %s is not usable (%s); taking the day before", day, error)
    raise SourceError(f"{store.where} has no complete inventory below {PREFIX}")


def _manifest(store: Store, day: str) -> Manifest:
    for _ in range(_BELIEF_ATTEMPTS):  # either of the two may have been damaged on the way
        checksum = (
            store.get(f"{PREFIX}{day}/manifest.checksum", limit=_MANIFEST_LIMIT).read().decode("ascii", "replace")
        )
        try:
            manifest = store.get(f"{PREFIX}{day}/manifest.json", limit=_MANIFEST_LIMIT, md5=checksum.strip())
        except FetchError as error:
            if error.reason is not Reason.MD5_MISMATCH:
                raise
        else:
            return replace(parse_manifest(manifest.read(), day), md5=manifest.md5)
    raise ValueError("manifest.json does not have the md5 of manifest.checksum")


def parse_manifest(data: bytes, day: str) -> Manifest:
    """Read manifest.json. Raises `ValueError` for what is not as documented."""
    try:
        facts = json.loads(data)
        columns = tuple(printable(name.strip()) for name in facts["fileSchema"].split(","))
        shards = tuple((file["key"], file["MD5checksum"].lower()) for file in facts["files"])
        file_format = facts["fileFormat"]
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"manifest.json lacks {error}") from None
    if file_format != "CSV" or not {"Key", "LastModifiedDate", "ETag"} <= set(columns):
        raise ValueError(f"an inventory of format {file_format} with {columns}")
    if len(set(columns)) != len(columns):
        raise ValueError("a column twice")
    for key, md5 in shards:
        if not isinstance(key, str) or not _SHARD.fullmatch(key) or not _MD5.fullmatch(md5):
            raise ValueError(f"a shard {key!r} outside the inventory's folder")
    return Manifest(day, columns, shards)


def read_inventory(store: Store, manifest: Manifest, scratch: Path) -> pa.RecordBatchReader:
    """The rows of an inventory as `LISTING`; rows that are no article's are left out.

    Raises `SpoiledInventoryError` where another day may be better, and `SourceError` where it may be had later.
    """
    log.info("inventory %s of %s: %d shards", manifest.day, store.where, len(manifest.shards))
    return pa.RecordBatchReader.from_batches(LISTING, _batches(store, manifest, scratch))


def _batches(store: Store, manifest: Manifest, scratch: Path) -> Iterator[pa.RecordBatch]:
    for number, (key, md5) in enumerate(manifest.shards):
        try:
            content = store.get(key, limit=_SHARD_LIMIT, md5=md5)
        except FetchError as error:
            kind = SpoiledInventoryError if error.reason in _SPOILED else SourceError
            raise kind(f"the inventory of {manifest.day} cannot be read: {error}") from None
        path = scratch / f"inventory-{number}.csv.gz"
        content.save(path)
        yield from read_shard(path, manifest.columns)
        path.unlink()


def read_shard(path: Path, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """The rows of one gzip CSV shard. Raises `SpoiledInventoryError` where it cannot be unpacked."""
    try:
        with gzip.open(path) as file:
            if not file.read(1):
                log.warning("a shard of the inventory is empty")
                return
        try:
            yield from _read_csv(path, columns)
        except pa.ArrowInvalid:
            yield from _read_lines(path, len(columns))
    except (OSError, EOFError, zlib.error) as error:
        raise SpoiledInventoryError(f"a shard of the inventory cannot be unpacked: {error}") from None


def _read_csv(path: Path, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    reader = csv.open_csv(
        path,
        read_options=csv.ReadOptions(column_names=list(columns), block_size=8 << 20),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.binary()), include_columns=["Key", "LastModifiedDate", "ETag"]
        ),
    )
    for batch in reader:
        yield _listing(*map(_text, batch.columns))


def _read_lines(path: Path, columns: int) -> Iterator[pa.RecordBatch]:
    """The articles of a shard with rows that are none: nothing that is named seems withdrawn because of them."""
    lines = odd = 0
    with gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="\n") as file:
        while some := list(itertools.islice(iter(lambda: file.readline(_LONGEST_LINE), ""), 65_536)):
            lines += len(some)
            odd += sum(line.count(",") != columns - 1 or line.count('"') % 2 == 1 for line in some)
            found = [
                [match and match[0] for match in (key, _STAMP.search(line), _ETAG.search(line))]
                for line in some
                if (key := _FIELD.search(line))
            ]
            if found:
                yield _listing(*(pa.array(values, pa.string()) for values in zip(*found, strict=True)))
    log.warning("%d of %d rows in a shard of the inventory are malformed", odd, lines)


def _text(values: pa.Array) -> pa.Array:
    """Bytes as text, with U+FFFD for what is not UTF-8."""
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        log.warning("rows of the inventory are not UTF-8")
        return pa.array([value and value.decode(errors="replace") for value in values.to_pylist()], pa.string())


def _listing(keys: pa.Array, stamps: pa.Array, tokens: pa.Array) -> pa.RecordBatch:
    keys, tokens = pc.replace_substring(keys, "%2F", "/"), pc.utf8_trim(tokens, '"')
    tokens = pc.if_else(pc.equal(tokens, ""), pa.scalar(None, pa.string()), tokens)  # not known, so not changed
    parts = pc.extract_regex(keys, _KEY)
    is_article = pc.is_valid(parts)
    parts, keys, stamps = parts.filter(is_article), keys.filter(is_article), stamps.filter(is_article)
    return pa.record_batch(
        [
            pc.struct_field(parts, "pmcid"),
            pc.cast(pc.struct_field(parts, "version"), pa.int32()),
            tokens.filter(is_article),
            pc.cast(
                pc.strptime(pc.utf8_slice_codeunits(stamps, 0, 19), "%Y-%m-%dT%H:%M:%S", "us", error_is_null=True),
                LISTING.field("last_modified").type,
            ),
            keys,
            pa.nulls(len(keys), pa.string()),
            pa.nulls(len(keys), pa.string()),
        ],
        schema=LISTING,
    )
