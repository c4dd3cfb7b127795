"""How the bucket changes: replacements, retractions, withdrawals, inventories."""

import csv
import gzip
import hashlib
import io
import json
from datetime import UTC, datetime

import pytest
import requests

from pmc15m.demo import Bucket, DemoTruth, Fault, FaultKind, serve
from pmc15m.demo.generate import INVENTORY_DAYS
from pmc15m.demo.layout import INVENTORY_PREFIX, add_inventory, edit_metadata, read_metadata, replace_object, withdraw

ARTICLE = "PMC70000000.1"


@pytest.fixture
def bucket(truth: DemoTruth) -> Bucket:
    return Bucket.open(truth.root)


def rows_of(bucket: Bucket, stamp: str) -> list[list[str]]:
    """The rows that a manifest leads to, every checksum verified."""
    body = bucket[f"{INVENTORY_PREFIX}{stamp}/manifest.json"].read()
    checksum = bucket[f"{INVENTORY_PREFIX}{stamp}/manifest.checksum"].read().decode().strip()
    assert checksum == hashlib.md5(body).hexdigest()
    manifest = json.loads(body)
    assert manifest["fileSchema"] == "Bucket, Key, LastModifiedDate, ETag"
    rows = []
    for file in manifest["files"]:
        shard = bucket[file["key"]].read()
        assert (file["size"], file["MD5checksum"]) == (len(shard), hashlib.md5(shard).hexdigest())
        rows += list(csv.reader(io.StringIO(gzip.decompress(shard).decode())))
    return rows


def test_the_newest_inventory_has_no_manifest_yet(bucket: Bucket) -> None:
    stamps = [f"{day:%Y-%m-%dT%H-%MZ}" for day in INVENTORY_DAYS]
    manifests = [f"{INVENTORY_PREFIX}{stamp}/manifest.json" in bucket for stamp in stamps]
    assert manifests == [True, True, False]
    assert any(bucket.keys(f"{INVENTORY_PREFIX}{stamps[-1]}/"))


def test_the_complete_inventory_lists_every_metadata_object_and_one_stray(bucket: Bucket, truth: DemoTruth) -> None:
    rows = rows_of(bucket, "2026-10-02T01-00Z")
    etags = {row[1]: row[3] for row in rows}
    assert len(rows) == len(etags)
    assert etags.keys() == {f"metadata/{article.article_version}.json" for article in truth.articles} | {
        "metadata/README.txt"
    }
    assert all(etags[key] == bucket.etag(key) for key in bucket.keys("metadata/"))
    assert rows[0] == ["pmc-oa-opendata", rows[0][1], "2026-09-01T00:00:00.000Z", rows[0][3]]
    assert [row[1] for row in rows] != sorted(row[1] for row in rows)


def test_the_days_differ_by_one_added_one_changed_one_removed(bucket: Bucket) -> None:
    before, after = ({row[1]: row[3] for row in rows_of(bucket, f"2026-10-0{day}T01-00Z")} for day in (1, 2))
    added = after.keys() - before.keys() - {"metadata/README.txt"}
    changed = [key for key in before.keys() & after.keys() if before[key] != after[key]]
    assert (len(added), len(changed), len(before.keys() - after.keys())) == (1, 1, 1)


def test_shards_have_quoted_values_and_no_header(bucket: Bucket) -> None:
    key = next(bucket.keys(f"{INVENTORY_PREFIX}data/"))
    assert gzip.decompress(bucket[key].read()).startswith(b'"pmc-oa-opendata","metadata/PMC7')


def test_replacing_a_picture_changes_both_copies_of_the_json_and_the_next_inventory(bucket: Bucket) -> None:
    url = read_metadata(bucket, ARTICLE)["media_urls"][0]
    key = url.split("?")[0].removeprefix("s3://pmc-oa-opendata/")
    before = bucket.etag(f"metadata/{ARTICLE}.json")
    replace_object(bucket, key, b"new")
    assert read_metadata(bucket, ARTICLE)["media_urls"][0] == (
        f"s3://pmc-oa-opendata/{key}?md5={hashlib.md5(b'new').hexdigest()}"
    )
    assert bucket[f"metadata/{ARTICLE}.json"].read() == bucket[f"{ARTICLE}/{ARTICLE}.json"].read()
    add_inventory(bucket, datetime(2026, 10, 4, 1, tzinfo=UTC))
    row = next(row for row in rows_of(bucket, "2026-10-04T01-00Z") if row[1] == f"metadata/{ARTICLE}.json")
    assert row[2:] == ["2026-09-01T00:01:00.000Z", bucket.etag(row[1])] != [row[2], before]


def test_a_retraction_changes_nothing_but_the_json(bucket: Bucket) -> None:
    before = read_metadata(bucket, ARTICLE)
    edit_metadata(bucket, ARTICLE, is_retracted=True)
    assert read_metadata(bucket, ARTICLE) == before | {"is_retracted": True}


def test_a_withdrawn_article_is_listed_and_gone(bucket: Bucket) -> None:
    withdraw(bucket, ARTICLE)
    assert not list(bucket.keys(f"{ARTICLE}/"))
    assert any(row[1] == f"metadata/{ARTICLE}.json" for row in rows_of(bucket, "2026-10-02T01-00Z"))


def test_an_object_replaced_between_json_and_get(bucket: Bucket) -> None:
    key = f"{ARTICLE}/{ARTICLE}.xml"
    with serve(bucket, faults=[Fault(FaultKind.REPLACED, keys=key, times=1)]) as server:

        def promised() -> str:
            metadata = requests.get(f"{server.url}/metadata/{ARTICLE}.json", timeout=5).json()
            return str(metadata["xml_url"]).rpartition("=")[2]

        before = promised()
        body = requests.get(f"{server.url}/{key}", timeout=5).content
        assert hashlib.md5(body).hexdigest() == promised() != before
        assert requests.get(f"{server.url}/{key}", timeout=5).content == body


def test_changes_never_reach_the_folder(bucket: Bucket, truth: DemoTruth) -> None:
    before = (truth.root / "metadata" / f"{ARTICLE}.json").read_bytes()
    edit_metadata(bucket, ARTICLE, is_retracted=True)
    assert (truth.root / "metadata" / f"{ARTICLE}.json").read_bytes() == before


def test_pmc_ids_has_a_row_with_a_comma_too_many(bucket: Bucket, truth: DemoTruth) -> None:
    lines = gzip.decompress(bucket["PMC-ids.csv.gz"].read()).decode().splitlines()
    assert lines[0] == "Journal Title,ISSN,eISSN,Year,Volume,Issue,Page,DOI,PMCID,PMID,Manuscript Id,Release Date"
    lengths = [len(row) for row in csv.reader(lines[1:])]
    assert (lengths.count(12), lengths.count(13)) == (len({article.pmcid for article in truth.articles}) - 1, 1)
