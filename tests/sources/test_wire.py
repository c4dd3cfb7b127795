"""The HTTP client against a server that says whatever the test wants."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pmc15m.config import NetworkConfig
from pmc15m.sources.content import IN_MEMORY
from pmc15m.sources.model import FetchError, Reason
from pmc15m.sources.stores import HttpStore
from pmc15m.sources.wire import Limits, Wire

Say = Callable[[socket.socket, bytes], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Talker:
    """Listens on loopback; each request (a head without body) is answered by `say`."""

    def __init__(self) -> None:
        self.say: Say = lambda connection, head: connection.sendall(OK)
        self.heads: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            while head := self._head(connection):
                self.heads.append(head)
                try:
                    self.say(connection, head)
                except OSError:
                    return

    @staticmethod
    def _head(connection: socket.socket) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            try:
                piece = connection.recv(65536)
            except OSError:
                return b""
            if not piece:
                return b""
            head += piece
        return head

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def talker() -> Iterator[Talker]:
    talker = Talker()
    yield talker
    talker.close()


@pytest.fixture
def wire(talker: Talker, tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(talker.url, Limits(connect_s=1, read_s=0.3), "pmc15m/test (me@example.org)", tmp_path)
    yield wire
    wire.close()


def get(wire: Wire, limit: int = 1 << 30, seconds: float = 2) -> bytes:
    return wire.get("/key", limit=limit, deadline=time.monotonic() + seconds).content.read()


def reason_of(wire: Wire, limit: int = 1 << 30, seconds: float = 2) -> Reason:
    with pytest.raises(FetchError) as raised:
        get(wire, limit, seconds)
    return raised.value.reason


def test_a_connection_is_kept_and_says_who_asks(wire: Wire, talker: Talker) -> None:
    assert [get(wire) for _ in range(3)] == [b"hello"] * 3
    assert talker.connections == 1
    assert b"User-Agent: pmc15m/test (me@example.org)\r\n" in talker.heads[0]
    assert talker.heads[0].startswith(b"GET /key HTTP/1.1\r\nHost: 127.0.0.1:")


def test_a_kept_connection_that_the_server_closed_is_no_failure(wire: Wire, talker: Talker) -> None:
    def once(connection: socket.socket, head: bytes) -> None:
        connection.sendall(OK)
        connection.shutdown(socket.SHUT_RDWR)

    talker.say = once
    assert [get(wire) for _ in range(3)] == [b"hello"] * 3
    assert talker.connections == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        OK.replace(b"Content-Length", b"content-length").replace(b": 5", b":5  "),
    ],
)
def test_bodies_as_http_allows_them(wire: Wire, talker: Talker, answer: bytes) -> None:
    talker.say = lambda connection, head: connection.sendall(answer)
    assert [get(wire), get(wire)] == [b"hello"] * 2


def test_a_body_without_length_ends_with_the_connection(wire: Wire, talker: Talker) -> None:
    def say(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 600_000)
        connection.shutdown(socket.SHUT_RDWR)

    talker.say = say
    assert len(get(wire)) == 600_000


@pytest.mark.parametrize("size", [0, 1, 65_536, 262_144, 300_000, IN_MEMORY + 1])
def test_every_byte_arrives_whatever_its_pieces(wire: Wire, talker: Talker, size: int, tmp_path: Path) -> None:
    body = bytes(range(256)) * (size // 256 + 1)

    def say(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
        connection.sendall(b"ngth: %d\r\n\r" % size)
        connection.sendall(b"\n" + body[:size])

    talker.say = say
    assert get(wire) == body[:size]
    assert not list(tmp_path.iterdir()), "large bodies lie in unnamed files"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", Reason.CONNECTION),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", Reason.TRUNCATED),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Reason.TRUNCATED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", Reason.UNEXPECTED_ANSWER),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", Reason.UNEXPECTED_ANSWER),
        (b"SSH-2.0-OpenSSH\r\n\r\n", Reason.UNEXPECTED_ANSWER),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, Reason.UNEXPECTED_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\nx", Reason.TOO_BIG),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", Reason.TOO_BIG),
    ],
)
def test_answers_that_are_none(wire: Wire, talker: Talker, answer: bytes, reason: Reason) -> None:
    def say(connection: socket.socket, head: bytes) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    talker.say = say
    assert reason_of(wire, limit=1 << 20) is reason


def test_a_body_without_end_is_cut_at_the_limit(wire: Wire, talker: Talker) -> None:
    def say(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65_536)

    talker.say = say
    assert reason_of(wire, limit=1 << 20) is Reason.TOO_BIG


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_drip_ends_at_the_deadline(wire: Wire, talker: Talker, where: str) -> None:
    stopped = threading.Event()

    def say(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 100000\r\n\r\n" if where == "body" else b""))
        while not stopped.wait(0.02):
            connection.sendall(b"x")

    talker.say = say
    started = time.monotonic()
    assert reason_of(wire, seconds=0.4) is Reason.TIMEOUT
    stopped.set()
    assert time.monotonic() - started < 1.5


def test_a_redirect_to_another_host_is_not_followed(talker: Talker, tmp_path: Path) -> None:
    elsewhere = Talker()
    moved = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.url}/x\r\nContent-Length: 0\r\n\r\n".encode()
    talker.say = lambda connection, head: connection.sendall(moved)
    store = HttpStore(talker.url, NetworkConfig(requests_per_s=0), tmp_path)
    with pytest.raises(FetchError) as raised:
        store.get("key", limit=100)
    store.close()
    elsewhere.close()
    assert raised.value.reason is Reason.UNEXPECTED_ANSWER
    assert (elsewhere.connections, len(talker.heads)) == (0, 1)


def test_keys_are_quoted_on_the_wire(talker: Talker, tmp_path: Path) -> None:
    store = HttpStore(talker.url, NetworkConfig(requests_per_s=0), tmp_path)
    store.get("PMC1.1/a b?c#d\r\nHost: x ü%41.jpg", limit=100)
    store.close()
    assert talker.heads[0].split(b"\r\n")[0] == b"GET /PMC1.1/a%20b%3Fc%23d%0D%0AHost%3A%20x%20%C3%BC%2541.jpg HTTP/1.1"


def test_retry_after_is_honoured(talker: Talker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = b"HTTP/1.1 503 Slow Down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    talker.say = lambda connection, head: connection.sendall(busy if len(talker.heads) < 3 else OK)
    store = HttpStore(talker.url, NetworkConfig(requests_per_s=0, connections=8), tmp_path)
    waited: list[float] = []
    monkeypatch.setattr(store.courtesy, "wait", waited.append)
    assert store.get("key", limit=100).read() == b"hello"
    store.close()
    assert [pause for pause in waited if pause] == [7, 7]
    assert store.courtesy.limit == 4, "halved once: two answers of one moment are one sign"


def test_back_off_doubles_with_full_jitter(talker: Talker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talker.say = lambda connection, head: connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    network = NetworkConfig(requests_per_s=0, attempts=5, backoff_s=1, backoff_max_s=3)
    store = HttpStore(talker.url, network, tmp_path, draw=lambda: 0.5)
    waited: list[float] = []
    monkeypatch.setattr(store.courtesy, "wait", waited.append)
    with pytest.raises(FetchError) as raised:
        store.get("key", limit=100)
    store.close()
    assert raised.value.reason is Reason.SERVER_ERROR
    assert [pause for pause in waited if pause] == [0.5, 1, 1.5, 1.5]
