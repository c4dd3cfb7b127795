"""The inventory: manifests, shards, listings."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from pmc15m.config import NetworkConfig
from pmc15m.demo import Bucket, Fault, FaultKind, serve
from pmc15m.errors import SourceError
from pmc15m.sources.content import Content
from pmc15m.sources.inventory import parse_manifest, read_shard
from pmc15m.sources.model import FetchError
from pmc15m.sources.stores import HttpStore, read_listing
from tests.shared_data import SHARED

CLOUD = SHARED / "corpus" / "cloud"
COLUMNS = ("Bucket", "Key", "LastModifiedDate", "ETag")
ROW = '"pmc-oa-opendata","metadata/PMC10000002.1.json","2026-01-08T11:47:59.000Z","f25d9c5f5b85338f62156faeedfc1e95"\n'


def rows(tmp_path: Path, text: str, columns: tuple[str, ...] = COLUMNS) -> list[dict[str, object]]:
    path = tmp_path / "shard.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return [row for batch in read_shard(path, columns) for row in batch.to_pylist()]


def test_a_row_is_an_article_version(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, ROW)
    assert (row["pmcid"], row["version"], row["change_token"]) == (
        *("PMC10000002", 1, "f25d9c5f5b85338f62156faeedfc1e95"),
    )
    assert str(row["last_modified"]) == "2026-01-08 11:47:59+00:00"


def test_the_order_of_columns_is_the_manifests(tmp_path: Path) -> None:
    turned = '"abc","metadata/PMC1.10.json","x","2026-01-08T11:47:59.000Z"\n'
    (row,) = rows(tmp_path, turned, ("ETag", "Key", "Bucket", "LastModifiedDate"))
    assert (row["pmcid"], row["version"], row["change_token"]) == ("PMC1", 10, "abc")


@pytest.mark.parametrize(
    "key",
    [
        "README.txt",
        "PMC1.1/PMC1.1.json",
        "metadata/PMC1.json",
        "metadata/PMC1.1.json/..",
        "metadata/../PMC1.1.json",
        "",
    ],
)
def test_other_keys_are_left_out(tmp_path: Path, key: str) -> None:
    assert rows(tmp_path, ROW + ROW.replace("metadata/PMC10000002.1.json", key)) == rows(tmp_path, ROW)


def test_an_odd_date_is_null(tmp_path: Path) -> None:
    assert rows(tmp_path, ROW.replace("2026-01-08T11:47:59.000Z", "yesterday"))[0]["last_modified"] is None


OTHER = ROW.replace("10000002", "10000007")


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        (b'"only","three","columns"\n', False),
        (b"\n\0\xff garbage\n", False),
        (b'"b","x/\xff","2026-01-08T11:47:59.000Z","f25d"\n', False),
        (b'"b","metadata/PMC5.1.json","2026-01-08T11:47:59.000Z","f2\xff5d"\n', True),
        (b'"b","metadata/PMC5.1.json"\n', True),
        (b'"b","metadata/PMC5.1.json\n', True),
        (b'"b","metadata/PMC5.1.json","2026-01-08T11:47:59.000Z","f25d","more"\n', True),
        (b'"b","x/metadata/PMC5.1.json"\n', False),
    ],
)
def test_a_malformed_row_is_counted_and_costs_no_other(
    tmp_path: Path, odd: bytes, named: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """An article that a malformed row names is listed: it is not withdrawn."""
    path = tmp_path / "shard.csv.gz"
    path.write_bytes(gzip.compress(ROW.encode() + odd + OTHER.encode()))
    found = {row["pmcid"]: row for batch in read_shard(path, COLUMNS) for row in batch.to_pylist()}
    assert set(found) == {"PMC10000002", "PMC10000007"} | ({"PMC5"} if named else set())
    assert found["PMC10000007"]["change_token"] == "f25d9c5f5b85338f62156faeedfc1e95"
    assert len(caplog.messages) == 1


def test_a_token_that_is_empty_is_null(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, ROW.replace("f25d9c5f5b85338f62156faeedfc1e95", ""))
    assert row["change_token"] is None


def test_a_manifest_with_half_a_character_names_columns_that_a_table_can_hold() -> None:
    text = r'{"fileFormat": "CSV", "fileSchema": "Key, LastModifiedDate, ETag, \ud800", "files": []}'
    assert parse_manifest(text.encode(), "2026-01-01T01-00Z").columns[-1] == "\ufffd"


def test_an_empty_shard_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert rows(tmp_path, "") == []
    assert caplog.messages == ["a shard of the inventory is empty"]


def test_a_shard_that_cannot_be_unpacked_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "shard.csv.gz"
    for text in (ROW, ROW + "too,short\n"):
        path.write_bytes(gzip.compress(text.encode() * 9)[:-9])
        with pytest.raises(SourceError, match="cannot be unpacked"):
            list(read_shard(path, COLUMNS))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"fileFormat": "CSV", "fileSchema": "Key", "files": []}',
        '{"fileFormat": "ORC", "fileSchema": "Key, LastModifiedDate, ETag", "files": []}',
        '{"fileFormat": "CSV", "fileSchema": 7, "files": []}',
        '{"fileFormat": "CSV", "fileSchema": "Key, LastModifiedDate, ETag", "files": [{"key": "x"}]}',
        '{"fileFormat": "CSV", "fileSchema": "Key, LastModifiedDate, ETag", "files": '
        '[{"key": "../../etc/passwd", "MD5checksum": "00000000000000000000000000000000"}]}',
    ],
)
def test_manifests_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_manifest(text.encode(), "2026-01-01T01-00Z")


def test_listings_go_on_page_after_page(tmp_path: Path) -> None:
    bucket = Bucket()
    for number in range(23):
        bucket.put(f"a/{number:02d}+/x", b"")
    with serve(bucket, max_keys=5) as server:
        store = HttpStore(server.url, NetworkConfig(requests_per_s=0), tmp_path)
        assert store.folders("a/") == [f"{number:02d}+" for number in range(23)]
        assert store.folders("b/") == []
        store.close()


@pytest.mark.corpus
@pytest.mark.skipif(not CLOUD.is_dir(), reason=f"no recorded answers in {CLOUD}")
def test_recorded_listings() -> None:
    found = read_listing((CLOUD / "s3_list_PMC7988253_two_versions.xml").read_bytes())
    assert found == (["PMC7988253.1/", "PMC7988253.2/"], None)
    assert read_listing((CLOUD / "s3_list_PMC12977955_empty.xml").read_bytes()) == ([], None)


@pytest.mark.parametrize("page", [b"", b"<html><body>Sign in</body></html>", b"<ListBucketResult/>", b"\0"])
def test_what_is_no_bucket_says_so(page: bytes) -> None:
    with pytest.raises(FetchError, match="no listing as S3 gives it"):
        read_listing(page)


PAGE = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{}</ListBucketResult>'
FOLDER = "<CommonPrefixes><Prefix>a/one/</Prefix></CommonPrefixes>"


@pytest.mark.parametrize(
    ("token", "pages"),
    [("<NextContinuationToken>t</NextContinuationToken>", 2), ("<NextContinuationToken/>", 1), ("", 1)],
)
def test_a_listing_without_end_is_taken_as_far_as_it_goes(
    tmp_path: Path, token: str, pages: int, caplog: pytest.LogCaptureFixture
) -> None:
    page = PAGE.format(f"{FOLDER}<IsTruncated>true</IsTruncated>{token}").encode()
    asked: list[str] = []

    class Same(HttpStore):
        def _retried(self, target: str, limit: int, read: Any) -> Any:
            asked.append(target)
            return read(Content.of(page))

    store = Same("http://127.0.0.1:9", NetworkConfig(), tmp_path)
    assert store.folders("a/") == ["one"]
    assert len(asked) == pages
    assert "does not end" in caplog.text


def test_a_web_page_instead_of_a_listing_is_asked_for_again(tmp_path: Path) -> None:
    bucket = Bucket()
    bucket.put("a/one/x", b"")
    with serve(bucket, faults=(Fault(FaultKind.HTML, "[?]list*", times=2),)) as server:
        store = HttpStore(server.url, NetworkConfig(requests_per_s=0, backoff_s=0), tmp_path)
        assert store.folders("a/") == ["one"]
        store.close()
