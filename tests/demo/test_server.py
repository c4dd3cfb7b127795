"""The imitation answers as the real bucket does."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pmc15m.demo import DemoTruth, Server, generate, serve


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    return generate(tmp_path_factory.mktemp("demo") / "bucket", articles=12, figure_px=48, plain=True)


@pytest.fixture
def server(truth: DemoTruth) -> Iterator[Server]:
    with serve(truth.root) as server:
        yield server


def test_an_object_and_its_headers(server: Server) -> None:
    answer = requests.get(f"{server.url}/PMC70000000.1/PMC70000000.1.xml?md5=0", timeout=5)
    assert answer.status_code == 200
    assert answer.content.startswith(b"<article ")
    assert answer.headers["ETag"].strip('"') in requests.head(answer.url, timeout=5).headers["ETag"]
