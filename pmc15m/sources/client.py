"""The HTTP client: very many GETs from one host by `requests`, each with one deadline for the whole of it.

`requests` and urllib3 connect, speak TLS and to proxies, parse heads and chunks. The environment (HTTPS_PROXY,
HTTP_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE) is read and the request prepared once a thread; the adapter then sends it with
another path each time: about half the CPU of `Session.get` (`python -m benchmarks.fetch`), and no redirects, cookies or
~/.netrc.

Neither has a total deadline: a read time-out starts anew with every byte that drips in. So what they read comes from
a file that looks at the clock before each read of the socket, in heads, chunks and bodies alike. Out of its reach are
name resolution (up to 20 s with two servers and the usual resolv.conf), and connecting and the TLS handshake: each may
take `network.connect_timeout_s`, the former once an address of the host.
"""

import functools
import http.client
import io
import re
import socket
import ssl
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.exceptions import InvalidSchema, ProxyError

from pmc15m import __version__
from pmc15m.config import NetworkConfig, public_address
from pmc15m.errors import SourceError
from pmc15m.sources.content import Content, Receiver
from pmc15m.sources.model import FetchError, Reason

_PIECE = 256 << 10
_BUFFER = 64 << 10
_HEAD_LIMIT = 1 << 20
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")


class Client:
    """One connection to one host, opened when needed. Not for several threads."""

    def __init__(self, base_url: str, network: NetworkConfig, folder: Path) -> None:
        """Large bodies go to `folder`. Raises `SourceError` where the URL or the proxy of the environment is none."""
        agent = f"pmc15m/{__version__}" + (f" ({network.contact})" if network.contact.isascii() else "")
        try:
            # Name and password of the URL become the header Authorization.
            self._request = requests.Request("GET", base_url, {"User-Agent": agent}).prepare()
            parts = urlsplit(str(self._request.url))
        except ValueError:  # would quote the password
            raise SourceError(f"{public_address(base_url)} is no URL that can be asked") from None
        self._base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
        self._query = parts.query  # a token, perhaps: sent with every request, told to nobody
        self._network = network
        self._folder = folder
        settings = requests.Session().merge_environment_settings(self._base, {}, True, None, None)
        # No proxy knows what this machine calls itself.
        is_direct = _LOOPBACK.fullmatch(urlsplit(self._base).hostname or "")
        self._settings: dict[str, Any] = {**settings, "proxies": {} if is_direct else settings["proxies"]}
        self._adapter = _Adapter()
        try:
            self._adapter.get_connection_with_tls_context(
                self._request, self._settings["verify"], self._settings["proxies"]
            )
        except ValueError as error:  # may quote the password
            cause = error if isinstance(error, InvalidSchema) else "no address of a proxy"
            raise SourceError(f"HTTPS_PROXY, HTTP_PROXY or ALL_PROXY: {cause}") from None
        self._is_kept = False

    def get(self, target: str, *, limit: int, deadline: float) -> Content:
        """GET `target` (path and query, percent-encoded), at most `limit` bytes as they are published.

        `deadline` is a `time.monotonic` moment. Raises `FetchError` with the cause; unless the answer was read to its
        end, the connection is closed then, and opened anew by the next call.
        """
        self._request.url = self._base + target
        if self._query:
            self._request.url += ("&" if "?" in target else "?") + self._query
        self._adapter.deadline, self._adapter.size = deadline, 2 * limit + _HEAD_LIMIT
        while True:
            was_kept, self._is_kept = self._is_kept, False
            try:
                return self._get(target, limit, deadline)
            except (OSError, urllib3.exceptions.HTTPError, ValueError) as error:
                # The server may have ended the kept connection while it was idle: no fault of this request.
                if not (was_kept and isinstance(error, requests.ConnectionError)):
                    raise _failure(error) from None

    def close(self) -> None:
        """Close the connection."""
        self._adapter.close()

    def _get(self, target: str, limit: int, deadline: float) -> Content:
        left = max(deadline - time.monotonic(), 0.001)
        timeout = min(self._network.connect_timeout_s, left), min(self._network.read_timeout_s, left)
        with self._adapter.send(self._request, timeout=timeout, **self._settings) as response:
            status, headers = response.status_code, response.headers
            if status != 200:
                if status > 200:  # below it, the answer itself comes later
                    response.raw.drain_conn()
                    self._is_kept = True
                asked = re.fullmatch(r"[0-9]{1,6}", headers.get("Retry-After", ""))
                retry_after = float(asked[0]) if asked else None
                phrase = http.client.responses.get(status, "")
                raise FetchError(_reason(status), f"{status} {phrase} for {target}", retry_after=retry_after)
            length = headers.get("Content-Length", "0")
            if not re.fullmatch(r"[0-9]+ *", length):
                raise FetchError(Reason.UNEXPECTED_ANSWER, "no number as Content-Length")
            is_small, receiver, size = int(length) <= limit, Receiver(self._folder), 0
            for piece in response.raw.stream(_PIECE, decode_content=False):
                size += len(piece)
                if size > limit:
                    self._is_kept = response.raw.connection is None  # the answer ended with this piece
                    raise FetchError(Reason.TOO_BIG, f"more than {limit} bytes")
                if is_small:  # else the head may be wrong: too big is what does not end before the limit
                    receiver.write(piece)
            self._is_kept = True
            return receiver.content()


class _Adapter(requests.adapters.HTTPAdapter):
    """The way to one host, where every answer ends with the allowance of the object that is being fetched."""

    deadline = 0.0
    size = 0  # bytes of head, framing and body that may still come
    _pool: Any = None

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        if self._pool is None:
            pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
            answer = staticmethod(functools.partial(_Response, self))
            pool.ConnectionCls = type("Connection", (pool.ConnectionCls,), {"response_class": answer})
            if pool.scheme == "https":
                # What the machine trusts (SSL_CERT_FILE too), beside what `requests` does.
                pool.conn_kw["ssl_context"] = ssl.create_default_context()
            self._pool = pool
        return self._pool


class _Response(http.client.HTTPResponse):
    """An answer that is read through `_Reader`."""

    def __init__(self, allowance: _Adapter, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._reader = _Reader(allowance, sock, self.fp.detach())
        self.fp = io.BufferedReader(self._reader, _BUFFER)

    def begin(self) -> None:
        super().begin()
        if self._reader.is_at_end:  # http.client takes a torn head for a whole one
            raise http.client.IncompleteRead(b"")


class _Reader(io.RawIOBase):
    """The bytes of a socket, as long as the allowance lasts."""

    def __init__(self, allowance: _Adapter, sock: socket.socket, file: io.RawIOBase) -> None:
        self._allowance, self._socket = allowance, sock
        self._file = file  # keeps the socket open
        self.is_at_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left, timeout = self._allowance.deadline - time.monotonic(), self._socket.gettimeout()
        if left <= 0:
            raise TimeoutError("the object's deadline has passed")
        if timeout is None or left < timeout:
            self._socket.settimeout(left)
        count = self._socket.recv_into(buffer)
        self._allowance.size -= count
        if self._allowance.size < 0:
            raise _TooMuch("more bytes than the limit allows")
        self.is_at_end = count == 0
        return count

    def close(self) -> None:
        super().close()
        self._file.close()


class _TooMuch(http.client.HTTPException):
    """Head, framing and body are more than any object within the limit needs."""


def _reason(status: int) -> Reason:
    if status in (404, 410):
        return Reason.MISSING
    if status in (401, 403, 407):
        return Reason.FORBIDDEN
    if status in (429, 503):
        return Reason.THROTTLED
    if status in (408, 425):
        return Reason.TIMEOUT
    return Reason.SERVER_ERROR if status >= 500 else Reason.UNEXPECTED_ANSWER


def _failure(error: Exception) -> FetchError:
    """The innermost of the exceptions that `requests` and urllib3 wrap into each other says what happened."""
    origin: BaseException = error
    while isinstance(
        inner := origin.__cause__ or origin.__context__,
        OSError | http.client.HTTPException | urllib3.exceptions.HTTPError,
    ):
        origin = inner
    said = str(getattr(origin, "strerror", None) or origin)[:200]
    cause = ("proxy: " if isinstance(error, ProxyError) else "") + (said if said.isprintable() else ascii(said))
    match origin:
        case TimeoutError():
            return FetchError(Reason.TIMEOUT, cause)
        case OSError() if said.startswith("Tunnel connection failed: 407"):
            return FetchError(Reason.FORBIDDEN, cause)  # not tried again: proxies lock names after wrong passwords
        case OSError():
            return FetchError(Reason.CONNECTION, cause)
        case _TooMuch() | urllib3.exceptions.InvalidChunkLength():
            return FetchError(Reason.UNEXPECTED_ANSWER, cause)
        case http.client.IncompleteRead() | urllib3.exceptions.ProtocolError():
            return FetchError(Reason.TRUNCATED, cause)
    return FetchError(Reason.UNEXPECTED_ANSWER, cause)
