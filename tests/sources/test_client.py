"""The HTTP client against a server that says whatever the test wants."""

import base64
import gzip
import itertools
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pmc15m.config import NetworkConfig
from pmc15m.errors import SourceError
from pmc15m.sources.client import Client
from pmc15m.sources.content import IN_MEMORY
from pmc15m.sources.model import FetchError, Reason
from pmc15m.sources.stores import HttpStore
from tests.sources.certificate import make_certificate

Say = Callable[[socket.socket, bytes], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
NETWORK = NetworkConfig(contact="me@example.org")
HOST = "bucket.example.org"


class Talker:
    """Listens on loopback, with TLS where `tls` is given; each request (a head without body) is answered by `say`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.say: Say = lambda connection, head: connection.sendall(OK)
        self.heads: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
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
        if self._tls is not None:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:
                return  # not trusted
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


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing of the machine's own proxies and certificates."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def client(talker: Talker, tmp_path: Path) -> Iterator[Client]:
    client = Client(talker.url, NETWORK, tmp_path)
    yield client
    client.close()


def get(client: Client, limit: int = 1 << 30, seconds: float = 30) -> bytes:
    return client.get("/key", limit=limit, deadline=time.monotonic() + seconds).read()


def failure(client: Client, limit: int = 1 << 30, seconds: float = 30) -> FetchError:
    with pytest.raises(FetchError) as raised:
        get(client, limit, seconds)
    return raised.value


def ask(url: str, folder: Path) -> bytes:
    """One answer by a client of its own."""
    client = Client(url, NETWORK, folder)
    try:
        return get(client)
    finally:
        client.close()


def say_and_close(answer: bytes) -> Say:
    def say(connection: socket.socket, head: bytes) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError  # a request that came before the end was seen is not read

    return say


def test_a_connection_is_kept_and_says_who_asks(client: Client, talker: Talker) -> None:
    assert [get(client) for _ in range(3)] == [b"hello"] * 3
    assert talker.connections == 1
    assert b"User-Agent: pmc15m/" in talker.heads[0]
    assert b" (me@example.org)\r\n" in talker.heads[0]
    assert talker.heads[0].startswith(b"GET /key HTTP/1.1\r\nHost: 127.0.0.1:")


def test_a_kept_connection_that_the_server_closed_is_no_failure(client: Client, talker: Talker) -> None:
    talker.say = say_and_close(OK)
    assert [get(client) for _ in range(3)] == [b"hello"] * 3
    assert talker.connections == 3


def test_a_kept_connection_that_is_closed_at_the_next_request_is_no_failure(client: Client, talker: Talker) -> None:
    talker.say = lambda connection, head: (
        connection.sendall(OK) if len(talker.heads) % 2 else connection.shutdown(socket.SHUT_RDWR)
    )
    assert [get(client) for _ in range(3)] == [b"hello"] * 3
    assert (talker.connections, len(talker.heads)) == (3, 5)


def test_a_connection_kept_after_an_answer_over_the_limit_may_be_closed_too(client: Client, talker: Talker) -> None:
    talker.say = lambda connection, head: (
        connection.sendall(OK) if len(talker.heads) % 2 else connection.shutdown(socket.SHUT_RDWR)
    )
    assert failure(client, limit=4).reason is Reason.TOO_BIG
    assert get(client) == b"hello"
    assert (talker.connections, len(talker.heads)) == (2, 3)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        OK.replace(b"Content-Length", b"content-length").replace(b": 5", b":5  "),
    ],
)
def test_bodies_as_http_allows_them(client: Client, talker: Talker, answer: bytes) -> None:
    talker.say = lambda connection, head: connection.sendall(answer)
    assert [get(client), get(client)] == [b"hello"] * 2


def test_a_body_without_length_ends_with_the_connection(client: Client, talker: Talker) -> None:
    talker.say = say_and_close(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 600_000)
    assert len(get(client)) == 600_000


@pytest.mark.parametrize("size", [0, 1, 65_536, 262_144, 300_000, IN_MEMORY + 1])
def test_every_byte_arrives_whatever_its_pieces(client: Client, talker: Talker, size: int, tmp_path: Path) -> None:
    body = bytes(range(256)) * (size // 256 + 1)

    def say(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
        connection.sendall(b"ngth: %d\r\n\r" % size)
        connection.sendall(b"\n" + body[:size])

    talker.say = say
    assert get(client) == body[:size]
    assert not list(tmp_path.iterdir()), "large bodies lie in unnamed files"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", Reason.CONNECTION),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", Reason.TRUNCATED),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Reason.TRUNCATED),
        (b"HTTP/1.1 200 OK\r\n", Reason.TRUNCATED),
        (CHUNKED + b"9\r\nhello", Reason.TRUNCATED),
        (CHUNKED + b"5\r\nhello\r\n", Reason.TRUNCATED),
        (CHUNKED + b"ffffffff\r\n", Reason.TRUNCATED),
        (CHUNKED + b"-1\r\nhello\r\n0\r\n\r\n", Reason.TRUNCATED),
        (CHUNKED + b"-6\r\nhello\r\n0\r\n\r\n", Reason.UNEXPECTED_ANSWER),
        (CHUNKED + b"xyz\r\n", Reason.UNEXPECTED_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", Reason.UNEXPECTED_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n", Reason.UNEXPECTED_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\nx", Reason.UNEXPECTED_ANSWER),
        (OK.replace(b"\r\n\r\n", b"\r\nContent-Length: 4\r\n\r\n"), Reason.UNEXPECTED_ANSWER),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, Reason.UNEXPECTED_ANSWER),
        (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200, Reason.UNEXPECTED_ANSWER),
        (b"HTTP/2 200 OK\r\n\r\n", Reason.UNEXPECTED_ANSWER),
        (b"SSH-2.0-OpenSSH\r\n\r\n", Reason.UNEXPECTED_ANSWER),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Reason.UNEXPECTED_ANSWER),
        (b"HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\nhe", Reason.UNEXPECTED_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\nx", Reason.TRUNCATED),
    ],
)
def test_answers_that_are_none(client: Client, talker: Talker, answer: bytes, reason: Reason) -> None:
    talker.say = say_and_close(answer)
    assert failure(client, limit=1 << 20).reason is reason
    talker.say = lambda connection, head: connection.sendall(OK)
    assert get(client) == b"hello", "the next object is none the worse"


def test_the_limit_is_the_last_size_that_is_taken(client: Client, talker: Talker) -> None:
    for head in (b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", CHUNKED + b"5\r\n"):
        talker.say = say_and_close(head + b"hello\r\n0\r\n\r\n" if head.startswith(CHUNKED) else head + b"hello")
        assert get(client, limit=5) == b"hello"
        assert failure(client, limit=4).reason is Reason.TOO_BIG


@pytest.mark.parametrize(
    ("head", "again", "reason"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 65_536, Reason.TOO_BIG),
        (CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n", Reason.TOO_BIG),
        (CHUNKED + b"ffffffff\r\n", b"x" * 65_536, Reason.TOO_BIG),
        (CHUNKED + b"-1\r\n", b"x" * 65_536, Reason.UNEXPECTED_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\n", b"x" * 65_536, Reason.TOO_BIG),
        (CHUNKED + b"0\r\n", b"X: a\r\n" * 1_000, Reason.UNEXPECTED_ANSWER),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000, Reason.UNEXPECTED_ANSWER),
        (CHUNKED, b"1" * 65_536, Reason.TRUNCATED),
    ],
)
def test_an_answer_without_end_is_cut_at_the_limit(
    client: Client, talker: Talker, head: bytes, again: bytes, reason: Reason
) -> None:
    def say(connection: socket.socket, asked: bytes) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(again)

    talker.say = say
    assert failure(client, limit=1 << 20).reason is reason


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X: a\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
        (CHUNKED, b"0"),
        (CHUNKED + b"ffff\r\n", b"x"),
        (CHUNKED + b"5;", b"x"),
        (CHUNKED + b"0\r\n", b"X: a\r\n"),
        (b"HTTP/1.1 503 Slow Down\r\nContent-Length: 100000\r\n\r\n", b"x"),
    ],
)
def test_a_drip_ends_at_the_deadline(client: Client, talker: Talker, head: bytes, drop: bytes) -> None:
    stopped = threading.Event()

    def say(connection: socket.socket, asked: bytes) -> None:
        connection.sendall(head)
        while not stopped.wait(0.02):
            connection.sendall(drop)

    talker.say = say
    reason = failure(client, seconds=0.2).reason
    stopped.set()
    assert reason is (Reason.THROTTLED if b"503" in head else Reason.TIMEOUT)


def test_silence_ends_at_the_read_time_out_or_the_deadline(talker: Talker, tmp_path: Path) -> None:
    silent = threading.Event()
    talker.say = lambda connection, head: connection.sendall(OK) if silent.wait(60) else None
    for read_timeout_s, seconds in ((0.1, 60), (60, 0.1), (60, -1)):
        client = Client(talker.url, NetworkConfig(read_timeout_s=read_timeout_s), tmp_path)
        assert failure(client, seconds=seconds).reason is Reason.TIMEOUT
        client.close()
    silent.set()


def test_a_late_read_waits_no_longer_than_the_deadline(
    talker: Talker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = threading.Event()
    talker.say = lambda connection, head: connection.sendall(OK) if silent.wait(600) else None
    moments = itertools.chain([0.0], itertools.repeat(999.9))
    monkeypatch.setattr("pmc15m.sources.client.time", SimpleNamespace(monotonic=lambda: next(moments)))
    client = Client(talker.url, NetworkConfig(read_timeout_s=600), tmp_path)
    with pytest.raises(FetchError, match="timeout"):
        client.get("/key", limit=100, deadline=1000)
    silent.set()
    client.close()


def test_bodies_are_taken_as_they_are_published(client: Client, talker: Talker) -> None:
    body = gzip.compress(b"hello")
    talker.say = lambda connection, head: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    assert get(client) == body
    assert b"Accept-Encoding: identity\r\n" in talker.heads[0]
    talker.say = lambda connection, head: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    assert get(client) == b"hello", "though it is no gzip"


def test_what_follows_an_answer_is_not_the_next_one(client: Client, talker: Talker) -> None:
    evil = OK.replace(b"hello", b"evil!")
    talker.say = lambda connection, head: connection.sendall(OK + evil if len(talker.heads) % 2 else OK)
    assert [get(client) for _ in range(4)] == [b"hello"] * 4


def test_after_a_hint_the_connection_is_not_kept(client: Client, talker: Talker) -> None:
    """The answer proper would be taken for that of the next object."""
    talker.say = lambda connection, head: connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    assert [failure(client).reason for _ in range(2)] == [Reason.UNEXPECTED_ANSWER] * 2
    assert talker.connections == 2


def test_an_answer_of_another_status_keeps_the_connection(client: Client, talker: Talker) -> None:
    talker.say = lambda connection, head: connection.sendall(OK.replace(b"200 OK", b"404 Not Found"))
    assert [str(failure(client)) for _ in range(2)] == ["missing: 404 Not Found for /key"] * 2
    assert talker.connections == 1


def test_a_fresh_connection_that_is_closed_without_an_answer_is_not_tried_twice(client: Client, talker: Talker) -> None:
    talker.say = say_and_close(b"")
    assert failure(client).reason is Reason.CONNECTION
    assert talker.connections == 1


def test_neither_cookies_nor_passwords_of_the_home_directory_are_sent(
    talker: Talker, tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret", encoding="ascii")
    environment.setenv("NETRC", str(tmp_path / "netrc"))
    client = Client(talker.url, NETWORK, tmp_path)
    talker.say = lambda connection, head: connection.sendall(OK.replace(b"OK", b"OK\r\nSet-Cookie: a=b; Path=/"))
    assert [get(client), get(client)] == [b"hello"] * 2
    client.close()
    assert not [head for head in talker.heads if b"Cookie" in head or b"Authorization" in head]


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:99999", "http://127.0.0.1:abc", "http://[::1", "x"])
def test_an_address_that_is_none_is_said(url: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no URL"):
        Client(url, NETWORK, tmp_path)


def test_a_redirect_to_another_host_is_not_followed(talker: Talker, tmp_path: Path) -> None:
    elsewhere = Talker()
    moved = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.url}/x\r\nContent-Length: 0\r\n\r\n".encode()
    talker.say = lambda connection, head: connection.sendall(moved)
    store = HttpStore(talker.url, NetworkConfig(requests_per_s=0, attempts=3, backoff_s=0), tmp_path)
    with pytest.raises(FetchError) as raised:
        store.get("key", limit=100)
    store.close()
    elsewhere.close()
    assert raised.value.reason is Reason.UNEXPECTED_ANSWER
    assert (elsewhere.connections, len(talker.heads)) == (0, 3)


@pytest.mark.parametrize(
    "odd",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\nx",
    ],
)
def test_an_odd_answer_is_asked_for_again(talker: Talker, tmp_path: Path, odd: bytes) -> None:
    talker.say = lambda connection, head: say_and_close(odd if len(talker.heads) < 3 else OK)(connection, head)
    store = HttpStore(talker.url, NetworkConfig(requests_per_s=0, backoff_s=0), tmp_path)
    assert store.get("key", limit=100).read() == b"hello"
    store.close()
    assert len(talker.heads) == 3


def test_name_password_and_token_of_the_source_are_sent_and_never_said(talker: Talker, tmp_path: Path) -> None:
    talker.say = lambda connection, head: connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
    url = f"http://me:se%2Fcret@127.0.0.1:{talker.port}/base?sig=secret"
    store = HttpStore(url, NetworkConfig(requests_per_s=0), tmp_path)
    for ask in (lambda: store.get("key", limit=100), lambda: store.folders("a/")):
        with pytest.raises(FetchError) as raised:
            ask()
        assert "secret" not in str(raised.value)
    store.close()
    assert store.where == f"http://127.0.0.1:{talker.port}/base"
    lines = [head.split(b"\r\n")[0] for head in talker.heads]
    assert lines[0] == b"GET /base/key?sig=secret HTTP/1.1"
    assert lines[1].endswith(b"&sig=secret HTTP/1.1")
    credentials = base64.b64encode(b"me:se/cret")
    assert all(b"Authorization: Basic " + credentials + b"\r\n" in head for head in talker.heads)
    with pytest.raises(SourceError) as wrong:
        Client("http://me:secret@127.0.0.1:port?sig=secret", NETWORK, tmp_path)
    assert "secret" not in str(wrong.value)


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


# Proxies, TLS and what is said of each trouble.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), HOST)


@pytest.fixture
def bucket(certificate: Path) -> Iterator[Talker]:
    """The service, by HTTPS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    talker = Talker(tls)
    yield talker
    talker.close()


class Proxy(Talker):
    """Wants a name and a password; every host it is asked for is `bucket`."""

    def __init__(self, bucket: Talker) -> None:
        super().__init__()
        self.say = self._relay
        self.bucket = bucket

    def _relay(self, connection: socket.socket, head: bytes) -> None:
        if f"Proxy-Authorization: Basic {base64.b64encode(b'me:p@ss word').decode()}\r\n".encode() not in head:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.bucket.port)) as onward:
            if head.startswith(b"CONNECT "):
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                onward.sendall(head)
            back = threading.Thread(target=_pass_on, args=(onward, connection), daemon=True)
            back.start()
            _pass_on(connection, onward)
            back.join()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65_536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def proxy(bucket: Talker) -> Iterator[Proxy]:
    proxy = Proxy(bucket)
    yield proxy
    proxy.close()


@pytest.fixture
def trusted(environment: pytest.MonkeyPatch, certificate: Path) -> None:
    environment.setenv("SSL_CERT_FILE", str(certificate))


def secret_proxy(proxy: Talker) -> str:
    return f"http://me:p%40ss%20word@127.0.0.1:{proxy.port}"


@pytest.mark.usefixtures("trusted")
def test_a_proxy_gets_its_name_and_password_and_the_service_does_not(
    proxy: Proxy, bucket: Talker, tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HTTPS_PROXY", secret_proxy(proxy))
    client = Client(f"https://{HOST}", NETWORK, tmp_path)
    assert [get(client), get(client)] == [b"hello"] * 2
    client.close()
    assert [head.split(b"\r\n")[0] for head in proxy.heads] == [f"CONNECT {HOST}:443 HTTP/1.0".encode()]
    assert len(bucket.heads) == 2
    assert not [head for head in bucket.heads if b"Proxy" in head]


def test_a_proxy_for_plain_http(talker: Talker, proxy: Proxy, tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    proxy.bucket = talker
    environment.setenv("HTTP_PROXY", secret_proxy(proxy))
    assert ask(f"http://{HOST}", tmp_path) == b"hello"
    assert proxy.heads[0].startswith(f"GET http://{HOST}/key HTTP/1.1\r\n".encode())


def test_a_machine_is_not_asked_for_itself_through_a_proxy(
    talker: Talker, proxy: Proxy, tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HTTP_PROXY", secret_proxy(proxy))
    assert ask(talker.url, tmp_path) == b"hello"
    assert ask(f"http://localhost:{talker.port}", tmp_path) == b"hello"
    assert not proxy.heads


def test_no_proxy_is_heeded(talker: Talker, proxy: Proxy, tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    lookup = socket.getaddrinfo
    environment.setattr(socket, "getaddrinfo", lambda host, *rest: lookup("127.0.0.1", *rest))
    environment.setenv("HTTP_PROXY", secret_proxy(proxy))
    environment.setenv("NO_PROXY", "example.org")
    assert ask(f"http://{HOST}:{talker.port}", tmp_path) == b"hello"
    assert not proxy.heads


def _unknown(host: str, *rest: object) -> list[object]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_each_trouble_has_its_own_words(
    talker: Talker, proxy: Proxy, bucket: Talker, tmp_path: Path, environment: pytest.MonkeyPatch, certificate: Path
) -> None:
    said: dict[str, str] = {}

    def note(name: str, url: str) -> None:
        with pytest.raises(FetchError) as raised:
            ask(url, tmp_path)
        said[name] = str(raised.value)

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = closed.getsockname()[1]
        note("refused", f"http://127.0.0.1:{dead}")
        talker.say = say_and_close(b"")
        note("closed", talker.url)
        talker.say = lambda connection, head: (
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)) or connection.close()
        )
        note("reset", talker.url)
        note("tls: nobody vouches for it", f"https://127.0.0.1:{bucket.port}")
        environment.setenv("SSL_CERT_FILE", str(certificate))
        note("tls: another host", f"https://127.0.0.1:{bucket.port}")
        environment.setenv("HTTPS_PROXY", f"http://me:wrongsecret@127.0.0.1:{proxy.port}")
        environment.setenv("HTTP_PROXY", f"http://me:wrongsecret@127.0.0.1:{proxy.port}")
        note("proxy: 407", f"https://{HOST}")
        note("proxy: 407 without tls", f"http://{HOST}")
        environment.setenv("HTTPS_PROXY", f"http://me:wrongsecret@127.0.0.1:{dead}")
        note("proxy: refused", f"https://{HOST}")
        environment.setattr(socket, "getaddrinfo", _unknown)
        environment.setenv("HTTPS_PROXY", "http://me:wrongsecret@proxy.example.org:3128")
        note("proxy: unknown", f"https://{HOST}")
        environment.delenv("HTTPS_PROXY")
        note("unknown", f"https://{HOST}")
    expected = {
        "refused": "connection: Connection refused",
        "closed": "connection: Remote end closed connection without response",
        "reset": "connection: Connection reset by peer",
        "unknown": "connection: Name or service not known",
        "proxy: 407": "forbidden: proxy: Tunnel connection failed: 407 Proxy Authentication Required",
        "proxy: 407 without tls": "forbidden: 407 Proxy Authentication Required for /key",
        "proxy: refused": "connection: proxy: Connection refused",
        "proxy: unknown": "connection: proxy: Name or service not known",
    }
    assert {name: words for name, words in said.items() if name in expected} == expected
    assert "certificate verify failed: self-signed certificate" in said["tls: nobody vouches for it"]
    assert "certificate is not valid for '127.0.0.1'" in said["tls: another host"]
    assert "secret" not in str(said)


@pytest.mark.parametrize(
    "address", ["http://me:secret@127.0.0.1:abc", "http://me:secret@:3128", "socks5://me:secret@127.0.0.1:1080"]
)
def test_a_proxy_that_cannot_be_one_is_said_without_its_password(
    address: str, tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HTTPS_PROXY", address)
    with pytest.raises(SourceError, match="SOCKS" if "socks" in address else "no address of a proxy") as raised:
        ask(f"https://{HOST}", tmp_path)
    assert "secret" not in str(raised.value)
