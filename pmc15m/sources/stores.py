"""Where a bucket's objects lie: behind HTTP or in a folder. Both answer the same three questions."""

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlencode

from lxml import etree

from pmc15m.config import NetworkConfig
from pmc15m.errors import SourceError
from pmc15m.sources.client import Client
from pmc15m.sources.content import Content, Receiver
from pmc15m.sources.courtesy import Courtesy
from pmc15m.sources.model import FetchError, Reason

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
        self._given_up = 0  # objects in a row that could not be had at all
        self._of_thread = threading.local()
        self._clients: list[Client] = []

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
        for client in self._clients:
            client.close()

    def _retried(self, target: str, limit: int, md5: str | None = None) -> Content:
        """GET with attempts, back-off with full jitter, and one deadline for all of it."""
        network = self._network
        deadline = time.monotonic() + network.object_deadline_s
        attempt = mismatches = 0
        while True:
            attempt += 1
            try:
                return self._once(target, limit, md5, deadline)
            except FetchError as failed:
                error = failed
            if error.reason in _SLOWING:
                self.courtesy.went_badly()
            mismatches += error.reason is Reason.MD5_MISMATCH
            if error.reason not in _RETRIED or attempt >= network.attempts or mismatches >= _MISMATCHES:
                raise self._judged(error)
            most = min(network.backoff_s * 2 ** (attempt - 1), network.backoff_max_s)
            asked = error.retry_after
            pause = self._draw() * most if asked is None else min(asked, network.backoff_max_s)
            if time.monotonic() + pause >= deadline:
                raise self._judged(error)
            self.courtesy.wait(pause)

    def _judged(self, error: FetchError) -> Exception:
        """The error of one object, or of the whole service once nothing has come from it for long."""
        if error.reason in _SILENCE:
            self._given_up += 1
            if self._given_up >= _HOPELESS * self._network.connections:
                return SourceError(f"{self.where} does not answer any more ({error}); the same command goes on later")
        return error

    def _once(self, target: str, limit: int, md5: str | None, deadline: float) -> Content:
        with self.courtesy.turn():
            content = self._client().get(target, limit=limit, deadline=deadline)
        if md5 is not None and content.md5 != md5:
            raise FetchError(Reason.MD5_MISMATCH, target)
        self._given_up = 0
        self.courtesy.went_well()
        return content

    def _client(self) -> Client:
        client: Client | None = getattr(self._of_thread, "client", None)
        if client is None:
            client = self._of_thread.client = Client(self.where, self._network, self._scratch)
            self._clients.append(client)
        return client


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
