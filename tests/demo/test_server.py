"""The imitation answers as the real bucket does."""

import hashlib
import http.client
import json
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
import requests
from lxml import etree

from pmc15m.demo import DemoTruth, Server, serve

XML = "PMC70000000.1/PMC70000000.1.xml"


def get(server: Server, key: str, **headers: str) -> requests.Response:
    return requests.get(f"{server.url}/{key}", headers=headers, timeout=5)


def test_an_object_with_its_headers(server: Server, truth: DemoTruth) -> None:
    answer = get(server, XML)
    assert answer.status_code == 200
    assert answer.content == (truth.root / XML).read_bytes()
    assert answer.headers["ETag"] == f'"{hashlib.md5(answer.content).hexdigest()}"'
    assert answer.headers["Last-Modified"] == "Tue, 01 Sep 2026 00:00:00 GMT"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Type"] == "binary/octet-stream"


def test_head_gives_the_headers_alone(server: Server) -> None:
    answer = requests.head(f"{server.url}/{XML}", timeout=5)
    assert answer.content == b""
    assert int(answer.headers["Content-Length"]) == len(get(server, XML).content)


def test_the_md5_parameter_is_ignored(server: Server) -> None:
    assert get(server, f"{XML}?md5=0").content == get(server, XML).content


def test_an_object_uploaded_in_parts_has_an_etag_that_is_no_md5(server: Server, truth: DemoTruth) -> None:
    article, _, graphic = next(row for row in truth.graphics() if (row[2].file or "").endswith(".tif"))
    assert get(server, f"{article.article_version}/{graphic.file}").headers["ETag"].endswith('-2"')


@pytest.mark.parametrize("key", ["PMC70000000.1/", "PMC70000000.1/nothing.jpg", "PMC70000000.1/../README.txt"])
def test_what_is_not_there_is_said_in_xml(server: Server, key: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", f"/{key}")
    answer = connection.getresponse()
    error = etree.fromstring(answer.read())
    connection.close()
    assert answer.status == 404
    assert (error.findtext("Code"), error.findtext("Key")) == ("NoSuchKey", key)


@pytest.mark.parametrize(
    ("wanted", "status", "expected"),
    [
        ("bytes=0-8", 206, slice(0, 9)),
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=3-99999999", 206, slice(3, None)),
        ("lines=1-2", 206, slice(None)),
    ],
)
def test_ranges(server: Server, wanted: str, status: int, expected: slice) -> None:
    whole = get(server, XML).content
    answer = get(server, XML, Range=wanted)
    assert (answer.status_code, answer.content) == (status, whole[expected])
    assert answer.headers["Content-Range"].endswith(f"/{len(whole)}")


def test_a_range_outside_the_object(server: Server) -> None:
    answer = get(server, XML, Range="bytes=99999999-")
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(get(server, XML).content)}"


def test_a_range_of_another_version_gives_the_whole_object(server: Server) -> None:
    answer = get(server, XML, **{"Range": "bytes=0-8", "If-Range": '"of another day"'})
    assert (answer.status_code, answer.content) == (200, get(server, XML).content)


def test_nothing_new_is_304(server: Server) -> None:
    etag = get(server, XML).headers["ETag"]
    answer = get(server, XML, **{"If-None-Match": f'"other", {etag}'})
    assert (answer.status_code, answer.content) == (304, b"")


def test_one_connection_serves_many_requests(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.connect()
    socket = connection.sock
    for key in ("README.txt", "nothing", XML):
        connection.request("GET", f"/{quote(key)}")
        connection.getresponse().read()
    assert connection.sock is socket
    connection.close()


def test_every_address_in_every_json_leads_to_its_bytes(server: Server, truth: DemoTruth) -> None:
    session = requests.Session()
    for article in truth.articles:
        metadata = session.get(f"{server.url}/metadata/{article.article_version}.json", timeout=5).json()
        urls = [metadata["xml_url"], metadata["text_url"], *metadata.get("media_urls", ())[:10]]
        for url in urls:
            address, _, md5 = url.partition("?md5=")
            key = address.removeprefix("s3://pmc-oa-opendata/")
            if article.shape == "hostile_names" and not md5.strip("0"):
                continue
            # Some addresses are percent-encoded and some are not.
            answer = session.get(f"{server.url}/{quote(unquote(key))}?md5={md5}", timeout=5)
            assert answer.status_code == 200, url
            assert md5 in ("", hashlib.md5(answer.content).hexdigest())
    session.close()


def test_both_copies_of_the_metadata_are_the_same(server: Server) -> None:
    assert get(server, "metadata/PMC70000000.1.json").content == get(server, "PMC70000000.1/PMC70000000.1.json").content
    assert json.loads(get(server, "metadata/PMC70000000.1.json").content)["pmcid"] == "PMC70000000"


def test_the_server_counts_and_logs(server: Server) -> None:
    get(server, XML, **{"User-Agent": "test"})
    get(server, XML)
    assert server.counts["GET", XML] == 2
    first, second = server.requests
    assert (first.method, first.key, first.attempt, first.user_agent) == ("GET", XML, 1, "test")
    assert second.attempt == 2


def test_it_listens_on_loopback_only(server: Server) -> None:
    assert server.url.startswith("http://127.0.0.1:")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="no folder to serve"):
        serve(tmp_path / "nowhere")
