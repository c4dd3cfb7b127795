"""A lean HTTP/1.1 client for very many GETs of small objects from one host: one kept connection a thread.

Why not `requests` or `http.client`: per 60 KB object they cost four and one and a half times the CPU (`python -m
benchmarks.fetch`), they cannot enforce a total deadline (a read time-out starts anew with every byte that drips in),
and `requests` follows redirects to other hosts. Connecting, TLS and proxies are left to `http.client`.
"""

import http.client
import socket
import ssl
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pmc15m.sources.content import Content, Receiver
from pmc15m.sources.model import FetchError, Reason

_HEAD_LIMIT = 64 << 10
_BUFFER = 256 << 10


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: status, headers by lower-case name, body."""

    status: int
    headers: Mapping[str, str]
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long one request may take."""

    connect_s: float
    read_s: float  # without a single byte


class Wire:
    """One connection to one host, opened when needed. Not for several threads."""

    def __init__(self, base_url: str, limits: Limits, user_agent: str, folder: Path) -> None:
        self._base = urlsplit(base_url)
        self._limits = limits
        self._folder = folder
        self._head = f"Host: {self._base.netloc.rpartition('@')[2]}\r\nUser-Agent: {user_agent}\r\nAccept: */*\r\n\r\n"
        self._socket: socket.socket | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._buffer = bytearray(_BUFFER)
        self._start = self._end = 0  # what of the buffer is received and not yet used

    def get(self, target: str, *, limit: int, deadline: float) -> Answer:
        """GET `target` (path and query, percent-encoded). A body above `limit` bytes is refused.

        `deadline` is a `time.monotonic` moment. Raises `FetchError` with TIMEOUT, CONNECTION, TRUNCATED, TOO_BIG or
        UNEXPECTED_ANSWER; the connection is closed then and opened anew by the next call.
        """
        try:
            return self._get(target, limit, deadline)
        except BaseException as error:
            self.close()
            if isinstance(error, TimeoutError):
                raise FetchError(Reason.TIMEOUT, str(error)) from None
            if isinstance(error, OSError | http.client.HTTPException):
                raise FetchError(Reason.CONNECTION, str(error)) from None
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._socket = None

    def _get(self, target: str, limit: int, deadline: float) -> Answer:
        request = f"GET {self._base.path.rstrip('/')}{target} HTTP/1.1\r\n{self._head}".encode("ascii")
        is_kept = self._socket is not None
        try:
            self._send(request, deadline)
            self._receive(deadline)
        except TimeoutError:
            raise
        except (OSError, _Closed):
            if not is_kept:
                raise FetchError(Reason.CONNECTION, "closed without an answer") from None
            # The server ended the kept connection while it was idle: no fault of this request.
            self.close()
            self._send(request, deadline)
            try:
                self._receive(deadline)
            except _Closed:
                raise FetchError(Reason.CONNECTION, "closed without an answer") from None
        try:
            status, headers = self._read_head(deadline)
            while 100 <= status < 200:
                status, headers = self._read_head(deadline)
            content = self._read_body(status, headers, limit, deadline)
        except _Closed:
            raise FetchError(Reason.TRUNCATED) from None
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, headers, content)

    def _send(self, request: bytes, deadline: float) -> None:
        if self._socket is None:
            self._connect(deadline)
        assert self._socket is not None
        self._start = self._end = 0
        # Once a request, not once a read: it is a system call. The deadline is looked at after every read.
        self._socket.settimeout(self._timeout(deadline))
        self._socket.sendall(request)

    def _connect(self, deadline: float) -> None:
        base = self._base
        timeout = min(self._limits.connect_s, max(deadline - time.monotonic(), 0.001))
        connection = _open(base, timeout)
        connection.connect()
        self._connection, self._socket = connection, connection.sock

    def _timeout(self, deadline: float) -> float:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the object's deadline has passed")
        return min(left, self._limits.read_s)

    def _receive(self, deadline: float) -> None:
        """Read more into the buffer, which must have room at its end. Raises `_Closed` at the end of the stream."""
        assert self._socket is not None
        self._timeout(deadline)
        count = self._socket.recv_into(memoryview(self._buffer)[self._end :])
        if count == 0:
            raise _Closed
        self._end += count

    def _read_head(self, deadline: float) -> tuple[int, dict[str, str]]:
        while (end := self._buffer.find(b"\r\n\r\n", self._start, self._end)) < 0:
            if self._end - self._start > _HEAD_LIMIT:
                raise FetchError(Reason.UNEXPECTED_ANSWER, "the head of the answer is too long")
            self._receive(deadline)
        lines = self._buffer[self._start : end].decode("latin-1").split("\r\n")
        self._start = end + 4
        words = lines[0].split(None, 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdecimal():
            raise FetchError(Reason.UNEXPECTED_ANSWER, "no HTTP")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if words[0] == "HTTP/1.0":
            headers.setdefault("connection", "close")
        return int(words[1]), headers

    def _read_body(self, status: int, headers: dict[str, str], limit: int, deadline: float) -> Content:
        receiver = Receiver(self._folder)
        if status in (204, 304):
            return receiver.content()
        if headers.get("transfer-encoding", "identity").lower() == "chunked":
            while size := self._read_chunk_size(deadline):
                self._take(receiver, size, limit, deadline)
                self._read_line(deadline)
            while self._read_line(deadline):
                pass  # trailers
        elif (length := headers.get("content-length")) is not None:
            if not length.isdecimal():
                raise FetchError(Reason.UNEXPECTED_ANSWER, "no number as Content-Length")
            self._take(receiver, int(length), limit, deadline)
        else:
            headers["connection"] = "close"
            self._take_to_end(receiver, limit, deadline)
        return receiver.content()

    def _take(self, receiver: Receiver, size: int, limit: int, deadline: float) -> None:
        """Hand the next `size` bytes of the stream on."""
        if receiver.size + size > limit:
            raise FetchError(Reason.TOO_BIG, f"{receiver.size + size} bytes")
        with memoryview(self._buffer) as view:
            while size:
                if self._start == self._end:
                    self._start = self._end = 0
                # Small objects are received whole before they are hashed: one call instead of many.
                while self._end - self._start < size and self._end < len(view):
                    self._receive(deadline)
                count = min(size, self._end - self._start)
                receiver.write(view[self._start : self._start + count])
                self._start += count
                size -= count

    def _take_to_end(self, receiver: Receiver, limit: int, deadline: float) -> None:
        try:
            while True:
                if self._start == self._end:
                    self._start = self._end = 0
                    self._receive(deadline)
                self._take(receiver, self._end - self._start, limit, deadline)
        except _Closed:
            return

    def _read_line(self, deadline: float) -> bytes:
        while (end := self._buffer.find(b"\r\n", self._start, self._end)) < 0:
            if self._end == len(self._buffer):
                rest = self._buffer[self._start : self._end]
                if len(rest) > _HEAD_LIMIT:
                    raise FetchError(Reason.UNEXPECTED_ANSWER, "a line without end")
                self._buffer[: len(rest)] = rest
                self._start, self._end = 0, len(rest)
            self._receive(deadline)
        line = bytes(self._buffer[self._start : end])
        self._start = end + 2
        return line

    def _read_chunk_size(self, deadline: float) -> int:
        try:
            return int(self._read_line(deadline).partition(b";")[0], 16)
        except ValueError:
            raise FetchError(Reason.UNEXPECTED_ANSWER, "no chunk size") from None


class _Closed(Exception):
    """The stream ended."""


def _open(base: SplitResult, timeout: float) -> http.client.HTTPConnection:
    """A connection to the service, through the proxy of the environment (HTTPS_PROXY) if there is one."""
    assert base.hostname is not None
    if base.scheme != "https":
        return http.client.HTTPConnection(base.hostname, base.port, timeout=timeout)
    context = ssl.create_default_context()
    proxy = urllib.request.getproxies().get("https")
    if proxy is None or urllib.request.proxy_bypass(base.hostname):
        return http.client.HTTPSConnection(base.hostname, base.port, timeout=timeout, context=context)
    server = urlsplit(proxy)
    connection = http.client.HTTPSConnection(server.hostname or proxy, server.port, timeout=timeout, context=context)
    connection.set_tunnel(base.hostname, base.port or 443)
    return connection
