"""Where a bucket's objects lie: behind HTTP or in a folder. Both answer the same three questions."""

import random
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlencode

from lxml import etree

from pmc15m import __version__
from pmc15m.config import NetworkConfig
from pmc15m.errors import SourceError
from pmc15m.sources.content import Content, Receiver
from pmc15m.sources.courtesy import Courtesy
from pmc15m.sources.model import FetchError, Reason
from pmc15m.sources.wire import Answer, Limits, Wire

_LISTING_LIMIT = 16 << 20
_S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_MISMATCHES = 2  # wrong bytes in a row before the metadata is asked again
_RETRIED = frozenset(
    {Reason.THROTTLED, Reason.SERVER_ERROR, Reason.TIMEOUT, Reason.CONNECTION, Reason.TRUNCATED, Reason.MD5_MISMATCH}
)
_SILENCE = frozenset({Reason.THROTTLED, Reason.SERVER_ERROR, Reason.TIMEOUT, Reason.CONNECTION, Reason.FORBIDDEN})
_HOPELESS = 3  # objects a connection
_SLOWING = frozenset({Reason.THROTTLED, Reason.TIMEOUT})


class Store(Protocol):
    """The objects of a bucket."""

    where: str  # for messages

    def get(self, key: str, *, limit: int, md5: str | None = None) -> Content:
        """An object of at most `limit` bytes, verified where its md5 is known. Raises `FetchError`, `Stopped`."""

    def folders(self, prefix: str) -> list[str]:
        """Names of the "folders" just below a prefix that ends in a slash, without slashes, sorted."""

    def stop(self) -> None:
        """Make every `get` that waits or retries raise `Stopped`."""

    def close(self) -> None:
        """Let go of what is open."""


class FolderStore:
    """A local copy of the bucket, or of a part of it."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root = root
        self.where = str(root)
        self._scratch = scratch

    def get(self, key: str, *, limit: int, md5: str | None = None) -> Content:
        receiver = Receiver(self._scratch)
        try:
            with (self.root / key).open("rb") as file:
                while block := file.read(1 << 20):
                    if receiver.size + len(block) > limit:
                        raise FetchError(Reason.TOO_BIG, key)
                    receiver.write(block)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise FetchError(Reason.MISSING, key) from None
        except OSError as error:
            raise FetchError(Reason.UNREADABLE, f"{key}: {error.strerror}") from None
        content = receiver.content()
        if md5 is not None and content.md5 != md5:
            raise FetchError(Reason.MD5_MISMATCH, key)
        return content

    def folders(self, prefix: str) -> list[str]:
        folder = self.root / prefix
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []

    def stop(self) -> None:
        """Files do not keep anybody waiting."""

    def close(self) -> None:
        """Nothing is open."""


class HttpStore:
    """The PMC Cloud Service, or an imitation of it: anonymous GETs on one host, retried and verified."""

    def __init__(
        self, base_url: str, network: NetworkConfig, scratch: Path, draw: Callable[[], float] = random.random
    ) -> None:
        self.where = base_url.rstrip("/")
        self._network = network
        self._scratch = scratch
        self._draw = draw
        self.courtesy = Courtesy(network.requests_per_s, network.connections)
        self._agent = f"pmc15m/{__version__}" + (f" ({network.contact})" if network.contact.isascii() else "")
        self._limits = Limits(connect_s=network.connect_timeout_s, read_s=network.read_timeout_s)
        self._given_up = 0  # objects in a row that could not be had at all
        self._of_thread = threading.local()
        self._wires: list[Wire] = []

    def get(self, key: str, *, limit: int, md5: str | None = None) -> Content:
        return self._retried(f"/{quote(key)}", limit, md5)

    def folders(self, prefix: str) -> list[str]:
        found: list[str] = []
        query = {"list-type": "2", "prefix": prefix, "delimiter": "/"}
        token: str | None = ""
        while token is not None:
            page = self._retried(
                "/?" + urlencode(query | ({"continuation-token": token} if token else {})), _LISTING_LIMIT
            )
            names, token = read_listing(page.read(), self.where)
            found += [name.removeprefix(prefix).rstrip("/") for name in names]
        return sorted(found)

    def stop(self) -> None:
        self.courtesy.stop()

    def close(self) -> None:
        self.stop()
        for wire in self._wires:
            wire.close()

    def _retried(self, target: str, limit: int, md5: str | None = None) -> Content:
        """GET with attempts, back-off with full jitter, and one deadline for all of it."""
        network = self._network
        deadline = time.monotonic() + network.object_deadline_s
        mismatches = 0
        for attempt in range(1, network.attempts + 1):
            try:
                return self._once(target, limit, md5, deadline)
            except _Refused as refused:
                error, pause = FetchError(refused.reason, target), refused.retry_after
            except FetchError as failed:
                error, pause = failed, None
            if error.reason in _SLOWING:
                self.courtesy.went_badly()
            mismatches += error.reason is Reason.MD5_MISMATCH
            if error.reason not in _RETRIED or attempt == network.attempts or mismatches >= _MISMATCHES:
                raise self._judged(error)
            if pause is None:
                pause = self._draw() * min(network.backoff_s * 2 ** (attempt - 1), network.backoff_max_s)
            if time.monotonic() + pause >= deadline:
                raise self._judged(error)
            self.courtesy.wait(pause)
        raise AssertionError("unreachable")

    def _judged(self, error: FetchError) -> Exception:
        """The error of one object, or of the whole service once nothing has come from it for long."""
        if error.reason in _SILENCE:
            self._given_up += 1
            if self._given_up >= _HOPELESS * self._network.connections:
                return SourceError(f"{self.where} does not answer any more ({error}); the same command goes on later")
        return error

    def _once(self, target: str, limit: int, md5: str | None, deadline: float) -> Content:
        with self.courtesy.turn():
            answer = self._wire().get(target, limit=limit, deadline=deadline)
        if answer.status != 200:
            raise _Refused(_reason_of(answer.status), _retry_after(answer, self._network.backoff_max_s))
        if md5 is not None and answer.content.md5 != md5:
            raise FetchError(Reason.MD5_MISMATCH, target)
        self._given_up = 0
        self.courtesy.went_well()
        return answer.content

    def _wire(self) -> Wire:
        wire: Wire | None = getattr(self._of_thread, "wire", None)
        if wire is None:
            wire = Wire(self.where, self._limits, self._agent, self._scratch)
            self._of_thread.wire = wire
            self._wires.append(wire)
        return wire


class _Refused(Exception):
    def __init__(self, reason: Reason, retry_after: float | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


def _reason_of(status: int) -> Reason:
    if status in (404, 410):
        return Reason.MISSING
    if status in (401, 403):
        return Reason.FORBIDDEN
    if status in (429, 503):
        return Reason.THROTTLED
    if status in (408, 425):
        return Reason.TIMEOUT
    return Reason.SERVER_ERROR if status >= 500 else Reason.UNEXPECTED_ANSWER


def _retry_after(answer: Answer, most_s: float) -> float | None:
    value = answer.headers.get("retry-after", "")
    return min(float(value), most_s) if re.fullmatch(r"[0-9]{1,6}", value) else None


def read_listing(page: bytes, where: str) -> tuple[list[str], str | None]:
    """The common prefixes of one page of ListObjectsV2, and the token of the next page. Raises `SourceError`."""
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        root = etree.fromstring(page, parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None or root.tag != f"{_S3}ListBucketResult":
        raise SourceError(f"{where} is not a bucket: it does not answer a listing as S3 does")
    # The <Prefix> at the top only echoes the query.
    names = [str(element.text) for element in root.iterfind(f"{_S3}CommonPrefixes/{_S3}Prefix")]
    is_truncated = root.findtext(f"{_S3}IsTruncated") == "true"
    return names, root.findtext(f"{_S3}NextContinuationToken") if is_truncated else None
