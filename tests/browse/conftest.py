"""The made-up workspace with a second shard, and a server over it."""

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pmc15m.browse.index import Index
from pmc15m.browse.server import listen, serve
from pmc15m.workspace import Workspace
from tests.browse.made import fill_browsed


@pytest.fixture(scope="package")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Seven figures and eight pairs in two shards; only marks are ever written."""
    return fill_browsed(tmp_path_factory.mktemp("browsed"))


@pytest.fixture(scope="package")
def index(workspace: Workspace) -> Iterator[Index]:
    made = Index(workspace)
    yield made
    made.close()


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()


class Site:
    """A running server."""

    def __init__(self, index: Index) -> None:
        self.workspace = index.workspace
        listening = listen(0)
        self.port = listening.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._server = serve(index, listening)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"accept": "text/html"} | {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return Answer(answer.status, answer.headers, content)


@pytest.fixture(scope="package")
def site(index: Index) -> Iterator[Site]:
    running = Site(index)
    yield running
    running.close()


@pytest.fixture
def marks_file(workspace: Workspace) -> Iterator[Path]:
    path = workspace.root / "marks.jsonl"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)
