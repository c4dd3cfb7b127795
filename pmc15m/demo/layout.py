"""What lies where in the PMC Cloud Service, and how its contents change: articles, metadata JSON, inventories.

Layout and field names as of 2026: the bucket's README.txt (https://pmc-oa-opendata.s3.amazonaws.com/README.txt).
"""

import csv
import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pmc15m.demo.listing import iso_milliseconds
from pmc15m.demo.store import BUCKET_NAME, EPOCH, Bucket

INVENTORY_PREFIX = f"inventory-reports/{BUCKET_NAME}/metadata/"
FILE_SCHEMA = "Bucket, Key, LastModifiedDate, ETag"

PMC_IDS_KEY = "PMC-ids.csv.gz"
PMC_IDS_HEADER = "Journal Title,ISSN,eISSN,Year,Volume,Issue,Page,DOI,PMCID,PMID,Manuscript Id,Release Date"

Metadata = dict[str, Any]
"""One article version's JSON, as json.loads gives it."""


def metadata_key(article_version: str) -> str:
    """`article_version` is "PMC10009416.1"; so it is throughout this module."""
    return f"metadata/{article_version}.json"


def object_url(bucket: Bucket, key: str, *, percent_encoded: bool = False) -> str:
    """s3://pmc-oa-opendata/PMC1.1/g001.jpg?md5=…"""
    md5 = hashlib.md5(bucket[key].read()).hexdigest()
    return f"s3://{BUCKET_NAME}/{quote(key) if percent_encoded else key}?md5={md5}"


def put_metadata(bucket: Bucket, metadata: Metadata, last_modified: datetime) -> None:
    """Write an article version's JSON below its own prefix and, the same bytes, below `metadata/`."""
    article_version = f"{metadata['pmcid']}.{metadata['version']}"
    body = json.dumps(metadata).encode()
    bucket.put(f"{article_version}/{article_version}.json", body, last_modified)
    bucket.put(metadata_key(article_version), body, last_modified)


def read_metadata(bucket: Bucket, article_version: str) -> Metadata:
    metadata: Metadata = json.loads(bucket[metadata_key(article_version)].read())
    return metadata


def edit_metadata(bucket: Bucket, article_version: str, **changes: object) -> None:
    """Change fields of a JSON, as a retraction (`is_retracted=True`) or a new licence does; a minute later."""
    moment = bucket[metadata_key(article_version)].last_modified + timedelta(minutes=1)
    put_metadata(bucket, read_metadata(bucket, article_version) | changes, moment)


def replace_object(bucket: Bucket, key: str, body: bytes) -> None:
    """Replace one object in place under its version number, as publishers do; the JSON's md5 follows.

    An object that no JSON names (the JSON itself, an inventory) is only replaced.
    """
    moment = bucket[key].last_modified + timedelta(minutes=1)
    bucket.put(key, body, moment)
    article_version = key.split("/")[0]
    if metadata_key(article_version) not in bucket:
        return

    def renewed(value: object) -> object:
        if isinstance(value, list):
            return [renewed(item) for item in value]
        if isinstance(value, str):
            for percent_encoded in (False, True):
                url = object_url(bucket, key, percent_encoded=percent_encoded)
                if value.split("?md5=")[0] == url.split("?md5=")[0]:
                    return url
        return value

    metadata = read_metadata(bucket, article_version)
    put_metadata(bucket, {name: renewed(value) for name, value in metadata.items()}, moment)


def withdraw(bucket: Bucket, article_version: str) -> None:
    """Remove an article version. The inventories still list it, as the real ones do until the next day."""
    for key in [*bucket.keys(f"{article_version}/"), metadata_key(article_version)]:
        bucket.delete(key)


def inventory_rows(bucket: Bucket) -> list[tuple[str, str, str, str]]:
    """(bucket, key, date, ETag) of every metadata object as it is now."""
    return [
        (BUCKET_NAME, quote(key), iso_milliseconds(bucket[key].last_modified), bucket.etag(key))
        for key in bucket.keys("metadata/")
    ]


def add_inventory(
    bucket: Bucket,
    day: datetime,
    *,
    rows: Sequence[Sequence[str]] | None = None,
    shards: int = 3,
    finished: bool = True,
) -> None:
    """Write the inventory of a day: shards, symlink list and, when `finished`, the manifest and its checksum.

    `rows` stands for an earlier or a wrong state of the bucket; None is the present state. They are dealt to
    the shards in turn, because order within and across shards is not guaranteed.
    """
    stamp = day.strftime("%Y-%m-%dT%H-%MZ")
    if rows is None:
        rows = inventory_rows(bucket)
    files = []
    for index in range(shards):
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows[index::shards])
        body = gzip.compress(text.getvalue().encode(), mtime=0)
        name = hashlib.md5(f"{stamp} {index}".encode()).hexdigest()
        key = f"{INVENTORY_PREFIX}data/{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}.csv.gz"
        bucket.put(key, body, day)
        files.append({"key": key, "size": len(body), "MD5checksum": hashlib.md5(body).hexdigest()})
    links = "\n".join(f"s3://{BUCKET_NAME}/{file['key']}" for file in files)
    bucket.put(f"{INVENTORY_PREFIX}hive/dt={day.strftime('%Y-%m-%d-%H-%M')}/symlink.txt", links.encode(), day)
    folder = f"{INVENTORY_PREFIX}{stamp}/"
    if not finished:
        # The folder is there before its manifest is: S3 shows it through whatever is written first.
        bucket.put(f"{folder}manifest.checksum.tmp", b"", day)
        return
    manifest = {
        "sourceBucket": BUCKET_NAME,
        "destinationBucket": f"arn:aws:s3:::{BUCKET_NAME}",
        "version": "2016-11-30",
        "creationTimestamp": str(int(day.timestamp() * 1000)),
        "fileFormat": "CSV",
        "fileSchema": FILE_SCHEMA,
        "files": files,
    }
    body = json.dumps(manifest, indent=2).encode()
    bucket.put(f"{folder}manifest.json", body, day)
    bucket.put(f"{folder}manifest.checksum", f"{hashlib.md5(body).hexdigest()}\n".encode(), day)


def put_article(
    bucket: Bucket,
    metadata: Mapping[str, object],
    xml: bytes | Path,
    *,
    text: bytes | None = None,
    pdf: bytes | None = None,
    media: Mapping[str, bytes] | Mapping[str, Path] | None = None,
    last_modified: datetime = EPOCH,
    percent_encoded: bool = False,
) -> None:
    """Put all objects of one article version and the JSON that names them with their md5.

    `metadata` has the fields that are not addresses; `media` maps names to bytes or files. As in PMC, `pdf_url` and
    `media_urls` are absent, not null, where there is nothing, and media come in byte order of their names.
    """
    article_version = f"{metadata['pmcid']}.{metadata['version']}"
    urls: Metadata = {}
    for field, suffix, body in (("text_url", "txt", text), ("pdf_url", "pdf", pdf), ("xml_url", "xml", xml)):
        if body is not None:
            key = f"{article_version}/{article_version}.{suffix}"
            bucket.put(key, body, last_modified)
            urls[field] = object_url(bucket, key)
    if media:
        keys = {name: f"{article_version}/{name}" for name in sorted(media, key=str.encode)}
        for name, key in keys.items():
            bucket.put(key, media[name], last_modified)
        urls["media_urls"] = [object_url(bucket, key, percent_encoded=percent_encoded) for key in keys.values()]
    put_metadata(bucket, {**metadata, **urls}, last_modified)


def pmc_ids_row(
    journal: str, issn: str, year: int | str, doi: str | None, pmcid: str, pmid: int | None, mid: str | None = None
) -> tuple[object, ...]:
    """A row of PMC-ids.csv; volume, issue and page stay empty."""
    return (journal, "", issn, year, "", "", "", doi or "", pmcid, pmid or "", mid or "", "live")


def put_pmc_ids(bucket: Bucket, rows: Iterable[Sequence[object]]) -> None:
    """Write PMC-ids.csv.gz, which the real service keeps on its file server instead of in the bucket.

    The first title that holds a comma stands unquoted, so that its row has a thirteenth field, as about one in
    ten thousand real rows has.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    unquoted = re.sub(r'^"([^"]*)"', r"\1", text.getvalue(), count=1, flags=re.MULTILINE)
    bucket.put(PMC_IDS_KEY, gzip.compress(f"{PMC_IDS_HEADER}\n{unquoted}".encode(), mtime=0))
