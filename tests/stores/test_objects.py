"""Objects in a store, on two S3 servers."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from pmc15m.errors import UsageError
from pmc15m.objects import Objects, checked_address


def test_what_is_there_is_replaced_only_by_who_has_read_it(objects: Objects, tmp_path: Path) -> None:
    first = objects.put("pairs/00000.parquet", b"first", None)
    with pytest.raises(FileExistsError, match="somebody else"):
        objects.put("pairs/00000.parquet", b"other", None)
    second = objects.put("pairs/00000.parquet", b"second", first)
    with pytest.raises(FileExistsError):
        objects.put("pairs/00000.parquet", b"third!", first)
    objects.get("pairs/00000.parquet", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"second"
    assert [(found.key, found.size, found.tag) for found in objects.listing()] == [("pairs/00000.parquet", 6, second)]


def test_the_same_bytes_written_twice_are_no_conflict(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(bytes(range(256)) * 40_000)
    assert objects.put("raw/00000.tar", tmp_path / "part", None) == objects.put(
        "raw/00000.tar", tmp_path / "part", None
    )


def test_a_piece_is_read_alone(objects: Objects) -> None:
    objects.put("raw/00000.tar", bytes(range(200)), None)
    assert objects.read("raw/00000.tar", 100, 3) == bytes([100, 101, 102])
    assert objects.read("raw/00000.tar", 100, 0) == b""


def test_what_is_not_there_is_said_and_removed_without_complaint(objects: Objects, tmp_path: Path) -> None:
    assert objects.head("nothing") is None
    objects.remove("nothing")
    with pytest.raises(FileNotFoundError) as raised:
        objects.get("nothing", tmp_path / "copy")
    assert raised.value.filename == f"{objects.address}/nothing"


def test_google_is_told_the_generation_of_what_is_to_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"path": "k", "size": 3, "e_tag": '"a"', "version": "17", "last_modified": None}
    told: list[object] = []
    store = SimpleNamespace(head=lambda _: found, put=lambda *_, mode: told.append(mode) or found)
    monkeypatch.setattr("obstore.store.from_url", lambda *_, **__: store)
    objects = Objects("gs://papers/x")
    objects.put("k", b"four", '"a"')
    with pytest.raises(FileExistsError, match="somebody else"):
        objects.put("k", b"four", '"of another"')
    assert told == [{"e_tag": '"a"', "version": "17"}]


def test_what_somebody_removed_from_google_meanwhile_was_changed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: str) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("obstore.store.from_url", lambda *_, **__: SimpleNamespace(head=absent))
    with pytest.raises(FileExistsError, match="somebody else"):
        Objects("gs://papers/x").put("k", b"four", '"a"')


def test_the_quotes_that_azure_leaves_out_of_a_listing_make_no_other_object(monkeypatch: pytest.MonkeyPatch) -> None:
    written = {"path": "k", "size": 3, "e_tag": '"0x1"', "version": None, "last_modified": None}
    monkeypatch.setattr("obstore.store.from_url", lambda *_, **__: SimpleNamespace(put=lambda *_, mode: written))
    monkeypatch.setattr("obstore.list", lambda *_, **__: [[written | {"e_tag": "0x1"}]])
    objects = Objects("az://papers/x")
    assert [found.tag for found in objects.listing()] == [objects.put("k", b"one", None)]


def test_an_error_tells_no_address_with_a_key_in_it(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:hush1@127.0.0.1:1/?sig=hush2")
    monkeypatch.setattr("pmc15m.objects._RETRIES", {"max_retries": 0})
    with pytest.raises(OSError, match=place) as raised:
        Objects(place).put("pairs/00000.parquet", b"", None)
    assert "hush" not in f"{raised.value}{raised.value!r}"
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "address",
    [
        "s3://key:hush@bucket/x",
        "s3://bucket/x?sig=hush",
        "az://bucket/x#hush",
        "hdfs://hush",
        "s3://",
        "s3://bucket/../x",
    ],
)
def test_an_address_with_more_than_a_place_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(UsageError) as refusal:
        checked_address(address)
    assert "hush" not in str(refusal.value)


def test_slashes_that_say_nothing_are_left_out() -> None:
    assert checked_address("S3://bucket//a/b/") == "s3://bucket/a/b"
