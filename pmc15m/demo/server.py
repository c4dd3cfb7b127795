"""The imitation of the PMC Cloud Service: a bucket over HTTP/1.1 on loopback, which can misbehave on request."""

import re
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from pmc15m.demo.faults import Fault, FaultKind, choose_fault
from pmc15m.demo.layout import replace_object
from pmc15m.demo.listing import MAX_KEYS, XML_DECLARATION, InvalidListing, list_objects
from pmc15m.demo.store import Bucket

DRIP_PIECES = 20
HUGE = 2**31
PIECE = bytes(2**20)
ANOTHER_HOST = "http://127.0.0.2/"
WEB_PAGE = b"<!DOCTYPE html>\n<html><head><title>Preparing to download ...</title></head><body></body></html>\n"


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the server's log."""

    method: str
    key: str
    """The object's key; for a listing "?" and the query as sent."""
    attempt: int
    """How many requests with this method and key there have been, this one included."""
    user_agent: str
    fault: FaultKind | None


class Server:
    """A running imitation; a context manager. Made by `serve`."""

    def __init__(self, bucket: Bucket, port: int, faults: Sequence[Fault], max_keys: int, seed: int) -> None:
        self.bucket = bucket
        self.faults = tuple(faults)
        """May be set to other rules while the server runs."""
        self.max_keys = max_keys
        self.seed = seed
        self.requests: list[Request] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        """Requests by (method, key)."""
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._http = _HTTPServer(self, port)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def log(self, method: str, key: str, user_agent: str) -> Fault | None:
        """Count a request and say what is to go wrong with it."""
        with self._lock:
            self.counts[method, key] += 1
            attempt = self.counts[method, key]
            fault = choose_fault(self.faults, self.seed, key, attempt)
            self.requests.append(Request(method, key, attempt, user_agent, fault.kind if fault else None))
            return fault

    def close(self) -> None:
        """Stop, ending stalls and kept-alive connections at once."""
        self.closing.set()
        self._http.shutdown()
        self._http.close_connections()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def serve(
    bucket: Bucket | Path,
    *,
    port: int = 0,
    faults: Sequence[Fault] = (),
    max_keys: int = MAX_KEYS,
    seed: int = 0,
) -> Server:
    """Serve a bucket, or a folder in the bucket's layout, on 127.0.0.1.

    `port=0` takes a free one; `max_keys` caps the length of listing pages; `seed` decides which requests the
    faults hit. Raises OSError when the port is taken, NotADirectoryError when the folder is not there.

        with serve(folder, faults=parse_faults("slow_down=0.1")) as server:
            crawl(server.url)
    """
    return Server(Bucket.open(bucket) if isinstance(bucket, Path) else bucket, port, faults, max_keys, seed)


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, owner: Server, port: int) -> None:
        self.owner = owner
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self._connections_lock:
            for connection in self._connections:
                # A client may have closed its end in this moment; then there is nothing to shut.
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: object, client_address: object) -> None:
        """Broken connections are what this server is for; anything else is a defect and gets its traceback."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Abort(ConnectionError):
    """The answer ends here: close the connection without another word."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "AmazonS3"
    sys_version = ""
    # Headers and body leave in one write; without this a kept-alive client waits 40 ms for a delayed ACK.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _HTTPServer

    # What S3 says with each error: code, message.
    ERRORS: ClassVar = {
        FaultKind.SLOW_DOWN: (503, "SlowDown", "Please reduce your request rate."),
        FaultKind.INTERNAL_ERROR: (500, "InternalError", "We encountered an internal error. Please try again."),
        FaultKind.FORBIDDEN: (403, "AccessDenied", "Access Denied"),
        FaultKind.NOT_FOUND: (404, "NoSuchKey", "The specified key does not exist."),
        FaultKind.REDIRECT: (307, "TemporaryRedirect", "Please re-send this request to the specified endpoint."),
    }

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        listing = target.path == "/"
        key = f"?{target.query}" if listing else unquote(target.path[1:])
        fault = self.server.owner.log(self.command, key, self.headers.get("User-Agent", ""))
        if fault is not None:
            self._before_answer(fault, key)
        if fault is not None and fault.kind in self.ERRORS:
            status, code, message = self.ERRORS[fault.kind]
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            if fault.kind is FaultKind.REDIRECT:
                headers["Location"] = f"{ANOTHER_HOST}{quote(key)}"
            self._send_error(status, code, message, key, headers)
        elif listing:
            self._send_listing(query, fault)
        else:
            self._send_object(key, fault)

    do_HEAD = do_GET

    def _send_listing(self, query: dict[str, str], fault: Fault | None) -> None:
        owner = self.server.owner
        if query.get("list-type") != "2":
            self._send_error(501, "NotImplemented", "This imitation lists with list-type=2 only.", "", {})
            return
        try:
            page = list_objects(owner.bucket, query, owner.max_keys)
        except InvalidListing as error:
            self._send_error(400, "InvalidArgument", str(error), "", {})
            return
        self._send(200, page.encode(), {"Content-Type": "application/xml"}, fault)

    def _send_object(self, key: str, fault: Fault | None) -> None:
        bucket = self.server.owner.bucket
        try:
            stored = bucket[key]
            body, etag = stored.read(), f'"{bucket.etag(key)}"'
        except (KeyError, FileNotFoundError):
            self._send_error(*self.ERRORS[FaultKind.NOT_FOUND], key, {})
            return
        headers = {
            "Last-Modified": format_datetime(stored.last_modified.astimezone(UTC), usegmt=True),
            "ETag": etag,
            "Accept-Ranges": "bytes",
            "Content-Type": "binary/octet-stream",
        }
        if etag in re.split(r"\s*,\s*", self.headers.get("If-None-Match", "")):
            self._send(304, b"", headers, None)
            return
        wanted = self.headers.get("Range")
        if wanted is None or self.headers.get("If-Range", etag) != etag:
            self._send(200, body, headers, fault)
            return
        span = _byte_range(wanted, len(body))
        if span is None:
            self._send_error(
                416,
                "InvalidRange",
                "The requested range is not satisfiable",
                key,
                {"Content-Range": f"bytes */{len(body)}"},
            )
            return
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{len(body)}"
        self._send(206, body[span.start : span.stop], headers, fault)

    def _send_error(self, status: int, code: str, message: str, key: str, headers: dict[str, str]) -> None:
        named = f"<Key>{escape(key)}</Key>" if code == "NoSuchKey" else ""
        body = (
            f"{XML_DECLARATION}<Error><Code>{code}</Code><Message>{message}</Message>{named}"
            "<RequestId>0000000000000000</RequestId><HostId>imitation</HostId></Error>"
        )
        self._send(status, body.encode(), {"Content-Type": "application/xml", **headers}, None)

    def _send(self, status: int, body: bytes, headers: dict[str, str], fault: Fault | None) -> None:
        """Answer, with the fault's harm done to the body."""
        kind = None if fault is None else fault.kind
        length = len(body)
        if kind is FaultKind.HTML:
            body, headers = WEB_PAGE, headers | {"Content-Type": "text/html"}
            length = len(body)
        elif kind is FaultKind.WRONG_BYTES and body:
            middle = length // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        elif kind is FaultKind.CUT:
            body = body[: length // 2]
            length = len(body)
        elif kind is FaultKind.HUGE:
            length += HUGE
        self.send_response(HTTPStatus(status))
        for name, value in headers.items():
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
            return
        if kind in (FaultKind.TRUNCATED, FaultKind.STALL_IN_BODY, FaultKind.RESET_IN_BODY):
            self.wfile.write(body[: length // 2])
            self.wfile.flush()
            if kind is FaultKind.STALL_IN_BODY and fault is not None:
                self._wait(fault.seconds)
            self._hang_up(reset=kind is FaultKind.RESET_IN_BODY)
        elif kind is FaultKind.DRIP and fault is not None:
            step = max(1, -(-length // DRIP_PIECES))
            for start in range(0, length, step):
                self.wfile.write(body[start : start + step])
                self.wfile.flush()
                self._wait(fault.seconds / DRIP_PIECES)
        elif kind is FaultKind.HUGE:
            self.wfile.write(body)
            for _ in range(HUGE // len(PIECE)):
                self.wfile.write(PIECE)
        else:
            self.wfile.write(body)

    def _before_answer(self, fault: Fault, key: str) -> None:
        """What happens before the first byte leaves."""
        if fault.kind is FaultKind.STALL:
            self._wait(fault.seconds)
        if fault.kind in (FaultKind.RESET, FaultKind.STALL):
            self._hang_up(reset=fault.kind is FaultKind.RESET)
        bucket = self.server.owner.bucket
        if fault.kind is FaultKind.REPLACED and key in bucket:
            # A line break at the end changes the bytes and leaves XML and pictures readable.
            replace_object(bucket, key, bucket[key].read() + b"\n")

    def _wait(self, seconds: float) -> None:
        if self.server.owner.closing.wait(seconds):
            raise _Abort

    def _hang_up(self, *, reset: bool) -> None:
        if reset:
            # Lingering for zero seconds makes close() send RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        raise _Abort

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr: `Server.requests` is the log."""


def _byte_range(header: str, size: int) -> range | None:
    """The bytes that a Range header asks for, the whole object where S3 would ignore it; None if unsatisfiable."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return range(size)
    first, last = match.groups()
    span = (
        range(max(0, size - int(last)), size)
        if first == ""
        else range(int(first), min(size, int(last) + 1) if last else size)
    )
    return span if span.start < span.stop else None
