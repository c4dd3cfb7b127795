"""What the metadata JSON and the names in it may do."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.sources.metadata import clean_metadata, read_metadata
from pmc15m.sources.model import Reason
from pmc15m.sources.names import is_safe_name, object_key
from tests.shared_data import SHARED

CLOUD = SHARED / "corpus" / "cloud"
MD5 = "0123456789abcdef" * 2
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=8,
)
TEXTS = ("pmcid", "pmid", "doi", "title", "citation", "license_code")
FLAGS = ("is_pmc_openaccess", "is_manuscript", "is_historical_ocr", "is_retracted")
KEYS = ("version", "xml_url", "media_urls", *TEXTS, *FLAGS)


def url(name: str, prefix: str = "PMC1.1/") -> str:
    return f"s3://pmc-oa-opendata/{prefix}{name}?md5={MD5}"


@pytest.mark.corpus
@pytest.mark.skipif(not CLOUD.is_dir(), reason=f"no recorded answers in {CLOUD}")
def test_every_recorded_answer_is_understood() -> None:
    media = {}
    for path in sorted(CLOUD.glob("s3_meta_*.json")):
        record = json.loads(path.read_bytes())
        metadata = read_metadata(path.read_bytes(), record["pmcid"], record["version"])
        assert metadata is not None
        assert metadata.xml is not None
        assert metadata.xml.md5 is not None
        assert not [item for item in metadata.media if item.reason]
        media[path.stem] = len(metadata.media)
    assert sorted(media.values()) == [0, 0, 0, 1, 5, 12, 12, 18]
    for path in CLOUD.glob("quoted_meta_*.json"):
        record = json.loads(path.read_bytes())
        assert read_metadata(path.read_bytes(), record["pmcid"], record["version"]) is not None


def test_missing_unknown_and_null_keys() -> None:
    metadata = read_metadata(b'{"new_key": 1, "media_urls": null, "doi": null, "is_retracted": null}', "PMC1", 1)
    assert metadata is not None
    assert (metadata.xml, metadata.media, metadata.is_manuscript) == (None, (), False)
    assert metadata.facts["licence_group"] == "other"


@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING | st.text(st.characters(), max_size=9)))
def test_every_record_has_values_that_a_table_can_hold(record: dict[str, object]) -> None:
    content = json.dumps(record).encode()
    for key, value in clean_metadata(content).items():
        kinds = str if key in TEXTS else bool if key in FLAGS else int
        assert value is None or (key in record and type(value) is kinds), key
        assert "\0" not in str(value).encode().decode()
    metadata = read_metadata(content, "PMC1", 1)
    if metadata is not None:
        for name in (*map(str, metadata.facts.values()), *(item.name for item in metadata.media)):
            assert "\0" not in name.encode().decode()


@given(st.binary(max_size=60))
def test_no_bytes_raise(data: bytes) -> None:
    assert read_metadata(data, "PMC1", 1) is None or clean_metadata(data) is not None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"pmid": 12}', {"pmid": "12"}),
        ('{"pmid": [1], "doi": null}', {"pmid": None, "doi": None}),
        ('{"pmid": true}', {"pmid": None}),
        ('{"pmid": NaN}', {"pmid": None}),
        ('{"pmid": %s, "title": "T"}' % ("7" * 5_000), {"pmid": None, "title": "T"}),
        ('{"doi": "10.1/\\u0000a"}', {"doi": None}),
        ('{"license_code": "CC \\ud800"}', {"license_code": None}),
        ('{"title": "a\\nb \\udc00", "citation": 7}', {"title": "a b \ufffd", "citation": None}),
        ('{"is_retracted": "false", "is_manuscript": 1}', {"is_retracted": False, "is_manuscript": True}),
        ('{"is_retracted": {}, "is_manuscript": "perhaps"}', {"is_retracted": None, "is_manuscript": None}),
        ('{"mood": "good"}', {}),
        ("<html>", {}),
        ("[" * 9_000, {}),
    ],
)
def test_odd_values_are_read_or_null(written: str, read: dict[str, object]) -> None:
    assert clean_metadata(written.encode()) == read


def test_a_record_of_another_article_is_none() -> None:
    assert read_metadata(b'{"pmcid": "PMC2", "version": 1}', "PMC1", 1) is None
    assert read_metadata(b'{"pmcid": "PMC1", "version": 2}', "PMC1", 1) is None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (url("../PMC2.1/x.jpg"), Reason.UNSAFE_NAME),
        (url("%2e%2e%2fx.jpg"), Reason.UNSAFE_NAME),
        (url("a/b.jpg"), Reason.UNSAFE_NAME),
        (url("C:\\x.jpg"), Reason.UNSAFE_NAME),
        (url("C%3Ax.jpg"), Reason.UNSAFE_NAME),
        (url(".."), Reason.UNSAFE_NAME),
        (url(""), Reason.UNSAFE_NAME),
        (url("a\nHost: x"), Reason.UNSAFE_NAME),
        (url("a%00.jpg"), Reason.UNSAFE_NAME),
        (url("x" * 300), Reason.UNSAFE_NAME),
        (url("x.jpg", "PMC2.1/"), Reason.FOREIGN_ADDRESS),
        (url("x.jpg", "PMC1.2/"), Reason.FOREIGN_ADDRESS),
        (url("x.jpg").replace("pmc-oa-opendata", "other-bucket"), Reason.FOREIGN_ADDRESS),
        ("https://example.org/PMC1.1/x.jpg?md5=" + MD5, Reason.FOREIGN_ADDRESS),
        ("file:///etc/passwd", Reason.FOREIGN_ADDRESS),
    ],
)
def test_hostile_addresses_are_rows_with_a_reason(address: str, reason: Reason) -> None:
    metadata = read_metadata(json.dumps({"media_urls": [address], "xml_url": address}).encode(), "PMC1", 1)
    assert metadata is not None
    assert [item.reason for item in metadata.media] == [reason]
    assert metadata.xml is not None
    assert metadata.xml.reason is reason


@pytest.mark.parametrize(
    ("written", "name"),
    [("a%20b.jpg", "a b.jpg"), ("a b.jpg", "a b.jpg"), ("%C3%BC.jpg", "ü.jpg"), ("ü.jpg", "ü.jpg"), ("a%ff", "a%ff")],
)
def test_names_may_be_percent_encoded(written: str, name: str) -> None:
    metadata = read_metadata(json.dumps({"media_urls": [url(written)]}).encode(), "PMC1", 1)
    assert metadata is not None
    assert [(item.name, item.md5, item.reason) for item in metadata.media] == [(name, MD5, None)]


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (["a b.jpg", "a%20b.jpg"], ["a b.jpg", "a%20b.jpg"]),
        (["a%20b.jpg", "a%2520b.jpg", "a b.jpg"], ["a%20b.jpg", "a%2520b.jpg", "a b.jpg"]),
        (["%C3%BC.jpg", "ü.jpg"], ["%C3%BC.jpg", "ü.jpg"]),
    ],
)
def test_two_objects_have_two_names(written: list[str], names: list[str]) -> None:
    addresses = [url(name).replace(MD5, f"{number:032x}") for number, name in enumerate(written)]
    metadata = read_metadata(json.dumps({"media_urls": addresses}).encode(), "PMC1", 1)
    assert metadata is not None
    assert [(item.name, item.md5) for item in metadata.media] == [
        (name, f"{number:032x}") for number, name in enumerate(names)
    ]


def test_no_medium_is_left_out_however_many_there_are() -> None:
    record = {"media_urls": [url(f"g{number}.jpg") for number in range(25_000)] * 2}
    metadata = read_metadata(json.dumps(record).encode(), "PMC1", 1)
    assert metadata is not None
    assert len(metadata.media) == 25_000


@pytest.mark.parametrize("tail", ["", "?md5=", "?md5=XYZ", "?md5=" + "g" * 32])
def test_an_address_without_md5_is_unverifiable_not_an_error(tail: str) -> None:
    address = f"s3://pmc-oa-opendata/PMC1.1/x.jpg{tail}"
    metadata = read_metadata(json.dumps({"media_urls": [address]}).encode(), "PMC1", 1)
    assert metadata is not None
    assert metadata.media[0].md5 is None


@given(st.text(max_size=40))
def test_a_key_never_leaves_its_version(name: str) -> None:
    try:
        key = object_key("PMC1", 1, name)
    except ValueError:
        return
    assert is_safe_name(name)
    assert key.split("/") == ["PMC1.1", name]
    assert os.path.normpath(key) == key
