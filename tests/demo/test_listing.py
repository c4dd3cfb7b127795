"""ListObjectsV2, word for word where the real service was recorded."""

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from pmc15m.demo import Bucket, DemoTruth, Server, serve
from pmc15m.demo.listing import list_objects

S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def listing(bucket: Bucket, page_limit: int = 1000, **query: str) -> etree._Element:
    return etree.fromstring(
        list_objects(bucket, {k.replace("_", "-"): v for k, v in query.items()}, page_limit).encode()
    )


def texts(page: etree._Element, path: str) -> list[str]:
    return [element.text or "" for element in page.findall("/".join(S3 + name for name in path.split("/")))]


def bucket_of(*keys: str) -> Bucket:
    bucket = Bucket()
    for key in keys:
        bucket.put(key, key.encode())
    return bucket


def walk(bucket: Bucket, page_limit: int, **query: str) -> tuple[list[str], list[str], int]:
    """All keys and common prefixes of a listing, page by page."""
    keys: list[str] = []
    prefixes: list[str] = []
    token = None
    for pages in range(1, 1000):
        page = listing(bucket, page_limit, **query, **({"continuation_token": token} if token else {}))
        keys += texts(page, "Contents/Key")
        prefixes += texts(page, "CommonPrefixes/Prefix")
        assert int(texts(page, "KeyCount")[0]) <= page_limit
        if texts(page, "IsTruncated") == ["false"]:
            assert not texts(page, "NextContinuationToken")
            return keys, prefixes, pages
        (token,) = texts(page, "NextContinuationToken")
    raise AssertionError("the listing does not end")


def test_versions_of_an_article_as_recorded_for_pmc7988253() -> None:
    bucket = bucket_of("PMC7988253.1/PMC7988253.1.xml", "PMC7988253.2/PMC7988253.2.xml", "PMC79882530.1/x.xml")
    assert list_objects(bucket, {"prefix": "PMC7988253.", "delimiter": "/"}) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>pmc-oa-opendata</Name>'
        "<Prefix>PMC7988253.</Prefix><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys><Delimiter>/</Delimiter>"
        "<IsTruncated>false</IsTruncated><CommonPrefixes><Prefix>PMC7988253.1/</Prefix></CommonPrefixes>"
        "<CommonPrefixes><Prefix>PMC7988253.2/</Prefix></CommonPrefixes></ListBucketResult>"
    )


def test_an_unknown_article_is_an_empty_answer_as_recorded_for_pmc12977955() -> None:
    assert list_objects(bucket_of("README.txt"), {"prefix": "PMC12977955.", "delimiter": "/"}) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>pmc-oa-opendata</Name>'
        "<Prefix>PMC12977955.</Prefix><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><Delimiter>/</Delimiter>"
        "<IsTruncated>false</IsTruncated></ListBucketResult>"
    )


def test_keys_come_in_byte_order() -> None:
    page = listing(bucket_of("PMC2.1/", "PMC100.1/", "PMC10.1/", "PMC10.10/", "PMC10.2/"))
    assert texts(page, "Contents/Key") == ["PMC10.1/", "PMC10.10/", "PMC10.2/", "PMC100.1/", "PMC2.1/"]


def test_without_the_dot_the_prefix_finds_two_articles(server: Server) -> None:
    answer = requests.get(f"{server.url}/?list-type=2&prefix=PMC70000008&delimiter=/", timeout=5)
    assert texts(etree.fromstring(answer.content), "CommonPrefixes/Prefix") == [
        "PMC70000008.1/",
        "PMC700000081.1/",
        "PMC700000081.2/",
    ]


def test_etag_and_size_of_an_entry() -> None:
    text = list_objects(bucket_of("a"), {})
    assert "<ETag>&quot;0cc175b9c0f1b6a831c399e269772661&quot;</ETag>" in text
    assert "<Size>1</Size>" in text
    assert "<LastModified>2026-09-01T00:00:00.000Z</LastModified>" in text


def test_keys_are_escaped_or_percent_encoded() -> None:
    bucket = bucket_of("a & b/<1>.jpg")
    assert "<Key>a &amp; b/&lt;1&gt;.jpg</Key>" in list_objects(bucket, {})
    assert "<Key>a%20%26%20b/%3C1%3E.jpg</Key>" in list_objects(bucket, {"encoding-type": "url"})


def test_start_after_is_exclusive() -> None:
    assert texts(listing(bucket_of("a", "b", "c"), start_after="b"), "Contents/Key") == ["c"]


def test_more_than_a_thousand_keys_are_never_given() -> None:
    bucket = bucket_of(*(f"{number:04d}" for number in range(1001)))
    page = listing(bucket, max_keys="5000")
    assert (texts(page, "MaxKeys"), texts(page, "KeyCount")) == (["1000"], ["1000"])


def test_max_keys_of_zero_is_an_empty_untruncated_page() -> None:
    page = listing(bucket_of("a"), max_keys="0")
    assert (texts(page, "KeyCount"), texts(page, "IsTruncated")) == (["0"], ["false"])


keys = st.lists(st.text("ab/é", min_size=1, max_size=6), max_size=30, unique=True)


@given(keys, st.integers(1, 7), st.text("ab/", max_size=2), st.sampled_from(["", "/"]))
def test_pages_add_up_to_the_whole(keys: list[str], page_limit: int, prefix: str, delimiter: str) -> None:
    found, prefixes, pages = walk(bucket_of(*keys), page_limit, prefix=prefix, delimiter=delimiter)
    matching = sorted((key for key in keys if key.startswith(prefix)), key=str.encode)
    groups = {key[: key.index("/", len(prefix)) + 1] for key in matching if delimiter and "/" in key[len(prefix) :]}
    assert prefixes == sorted(groups, key=str.encode)
    assert found == [key for key in matching if not any(key.startswith(group) for group in groups)]
    assert pages == max(1, -(-(len(found) + len(prefixes)) // page_limit))


@pytest.mark.parametrize("query", ["max-keys=many", "max-keys=-1", "continuation-token=guessed"])
def test_wrong_parameters_are_400(server: Server, query: str) -> None:
    answer = requests.get(f"{server.url}/?list-type=2&{query}", timeout=5)
    assert (answer.status_code, "<Code>InvalidArgument</Code>" in answer.text) == (400, True)


def test_the_server_pages_when_told_to(truth: DemoTruth) -> None:
    with serve(truth.root, max_keys=7) as server:
        query = {"list-type": "2", "prefix": "metadata/"}
        found: list[str] = []
        for _ in range(100):
            page = etree.fromstring(requests.get(server.url, params=query, timeout=5).content)
            found += texts(page, "Contents/Key")
            if texts(page, "IsTruncated") == ["false"]:
                break
            query["continuation-token"] = texts(page, "NextContinuationToken")[0]
    assert len(found) == len(truth.articles)
