"""Where a bucket's objects lie: behind HTTP, in a store or in a folder. All answer the same three questions."""

import logging
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import quote, unquote, urlencode, urlsplit

from lxml import etree

from pmc15m.config import NetworkConfig, public_address
from pmc15m.errors import SourceError
from pmc15m.objects import Objects, checked_address
from pmc15m.sources.client import Client
from pmc15m.sources.content import Content, Receiver
from pmc15m.sources.courtesy import Courtesy
from pmc15m.sources.model import FetchError, Reason

log = logging.getLogger(__name__)

Value = TypeVar("Value")
Judge = Callable[[Content], Reason | None]
"""Why an object cannot be what was asked for."""

_LISTING_LIMIT = 16 << 20
_MOST_PAGES = 1_000  # of a listing: a thousand times more folders than the service has days
_S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_ODD = 2  # answers of wrong bytes, or too many, after which that is believed, and the metadata asked again
_PASSING = frozenset(
    {Reason.THROTTLED, Reason.SERVER_ERROR, Reason.TIMEOUT, Reason.CONNECTION, Reason.UNEXPECTED_ANSWER}
)
_RETRIED = _PASSING | {Reason.TRUNCATED, Reason.MD5_MISMATCH, Reason.BAD_METADATA, Reason.TOO_BIG}
_SILENCE = _PASSING | {Reason.FORBIDDEN, Reason.BAD_METADATA}
_HOPELESS = 3  # objects a connection
_SLOWING = frozenset({Reason.THROTTLED, Reason.TIMEOUT})


class Store(Protocol):
    """The objects of a bucket."""

    where: str  # for messages

    def get(self, key: str, *, limit: int, md5: str | None = None, judge: Judge = lambda content: None) -> Content:
        """An object of at most `limit` bytes, verified where its md5 is known, to which `judge` has no objection.

        Raises `FetchError`, `Stopped`, `NoRoom`.
        """

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

    def get(self, key: str, *, limit: int, md5: str | None = None, judge: Judge = lambda content: None) -> Content:
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
        return _verified(receiver.content(), key, md5, judge)

    def folders(self, prefix: str) -> list[str]:
        folder = self.root / prefix
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []

    def stop(self) -> None:
        """Files do not keep anybody waiting."""

    def close(self) -> None:
        """Nothing is open."""


class ObjectStore:
    """A bucket's copy in a store that asks for credentials, or the bucket itself, through obstore, which retries."""

    def __init__(self, address: str, network: NetworkConfig, scratch: Path) -> None:
        self.where = checked_address(address)
        self._objects = Objects(self.where)
        self._scratch = scratch
        self._courtesy = Courtesy(network.requests_per_s, network.connections)

    def get(self, key: str, *, limit: int, md5: str | None = None, judge: Judge = lambda content: None) -> Content:
        receiver = Receiver(self._scratch)
        try:
            with self._courtesy.turn():
                for block in self._objects.blocks(key):
                    if receiver.size + len(block) > limit:
                        raise FetchError(Reason.TOO_BIG, key)
                    receiver.write(block)
        except FileNotFoundError:
            raise FetchError(Reason.MISSING, key) from None
        except OSError as error:
            raise FetchError(Reason.CONNECTION, f"{key}: {error.strerror}") from None
        return _verified(receiver.content(), key, md5, judge)

    def folders(self, prefix: str) -> list[str]:
        try:
            with self._courtesy.turn():
                return self._objects.folders(prefix)
        except OSError as error:
            raise SourceError(f"cannot list {self.where}: {error.strerror}") from None

    def stop(self) -> None:
        self._courtesy.stop()

    def close(self) -> None:
        self.stop()


class HttpStore:
    """The PMC Cloud Service, or an imitation of it: anonymous GETs on one host, retried and verified."""

    def __init__(
        self, base_url: str, network: NetworkConfig, scratch: Path, draw: Callable[[], float] = random.random
    ) -> None:
        self.where = public_address(base_url).rstrip("/")
        self._base_url = base_url
        self._network = network
        self._scratch = scratch
        self._draw = draw
        self.courtesy = Courtesy(network.requests_per_s, network.connections)
        self._given_up = 0  # objects in a row that could not be had at all
        self._of_thread = threading.local()
        self._clients: list[Client] = []

    def get(self, key: str, *, limit: int, md5: str | None = None, judge: Judge = lambda content: None) -> Content:
        return self._retried(f"/{quote(key)}", limit, lambda content: _verified(content, key, md5, judge))

    def folders(self, prefix: str) -> list[str]:
        found: set[str] = set()
        tokens: set[str] = set()
        query = {"list-type": "2", "prefix": prefix, "delimiter": "/"}
        token: str | None = ""
        while token is not None and token not in tokens and len(tokens) < _MOST_PAGES:
            tokens.add(token)
            target = "/?" + urlencode(query | ({"continuation-token": token} if token else {}))
            names, token = self._retried(target, _LISTING_LIMIT, lambda page: read_listing(page.read()))
            found.update(name.removeprefix(prefix).rstrip("/") for name in names)
        if token is not None:
            log.warning("the listing of %s does not end; going by its first %d pages", self.where, len(tokens))
        return sorted(found)

    def stop(self) -> None:
        self.courtesy.stop()

    def close(self) -> None:
        self.stop()
        for client in self._clients:
            client.close()

    def _retried(self, target: str, limit: int, read: Callable[[Content], Value]) -> Value:
        """What `read` makes of an answer: GET with attempts, back-off with full jitter, and one deadline for all of it.

        An answer for which `read` raises `FetchError` is asked for again as one that did not come.
        """
        network = self._network
        deadline = time.monotonic() + network.object_deadline_s
        attempt = odd = 0
        while True:
            attempt += 1
            try:
                return self._once(target, limit, read, deadline)
            except FetchError as failed:
                error = failed
            if error.reason in _SLOWING:
                self.courtesy.went_badly()
            odd += error.reason in (Reason.MD5_MISMATCH, Reason.TOO_BIG)
            if error.reason not in _RETRIED or attempt >= network.attempts or odd >= _ODD:
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

    def _once(self, target: str, limit: int, read: Callable[[Content], Value], deadline: float) -> Value:
        with self.courtesy.turn():
            content = self._client().get(target, limit=limit, deadline=deadline)
        value = read(content)
        self._given_up = 0
        self.courtesy.went_well()
        return value

    def _client(self) -> Client:
        client: Client | None = getattr(self._of_thread, "client", None)
        if client is None:
            client = self._of_thread.client = Client(self._base_url, self._network, self._scratch)
            self._clients.append(client)
        return client


def split_url(url: str) -> tuple[str, str]:
    """The address of the folder that a file lies in, with what belongs to the whole of it, and the file's name."""
    parts = urlsplit(url)
    folder, _, name = parts.path.rpartition("/")
    return parts._replace(path=folder).geturl(), unquote(name)


def _verified(content: Content, key: str, md5: str | None, judge: Judge) -> Content:
    if md5 is not None and content.md5 != md5:
        raise FetchError(Reason.MD5_MISMATCH, key)
    if (reason := judge(content)) is not None:
        raise FetchError(reason, key)
    return content


def read_listing(page: bytes) -> tuple[list[str], str | None]:
    """The common prefixes of one page of ListObjectsV2, and the token of the next page, null after the last.

    The token is empty where the page says that it is not the last and names none. Raises `FetchError`.
    """
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        root = etree.fromstring(page, parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None or root.tag != f"{_S3}ListBucketResult":
        raise FetchError(Reason.UNEXPECTED_ANSWER, "no listing as S3 gives it")
    # The <Prefix> at the top only echoes the query.
    names = [str(element.text) for element in root.iterfind(f"{_S3}CommonPrefixes/{_S3}Prefix")]
    is_truncated = root.findtext(f"{_S3}IsTruncated") == "true"
    return names, (root.findtext(f"{_S3}NextContinuationToken") or "") if is_truncated else None
