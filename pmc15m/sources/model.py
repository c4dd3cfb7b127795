"""What every source of articles offers, and the values that pass between a source and the crawler."""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from pmc15m.sources.content import Content

# One row an article version, in any order: what a source lists before anything is fetched.
LISTING = pa.schema(
    [
        pa.field("pmcid", pa.string()),
        pa.field("version", pa.int32()),
        pa.field("change_token", pa.string()),
        pa.field("last_modified", pa.timestamp("us", tz="UTC")),
        pa.field("locator", pa.string()),
        # what only some sources list
        pa.field("pmid", pa.string()),
        pa.field("licence_code", pa.string()),
    ]
)


class Reason(enum.StrEnum):
    """Why an article or an object is not stored."""

    # final and explained: nothing was lost
    UNREFERENCED = "unreferenced"  # published media that no figure refers to: never fetched
    SUPPLEMENTARY = "supplementary"  # a picture of supplementary material: never fetched
    TOO_BIG = "too_big"
    EMPTY = "empty"  # published with 0 bytes
    NOT_AN_IMAGE = "not_an_image"  # published like that: a web page, a film, text
    UNSAFE_NAME = "unsafe_name"  # path separators, control characters, too long
    FOREIGN_ADDRESS = "foreign_address"  # another bucket, or another version's prefix
    NOT_SELECTED = "not_selected"  # a condition on the metadata that is not met
    OTHER_VERSION = "other_version"  # another version of the article was preferred
    BUDGET = "budget"  # crawl.max_bytes was reached before
    WITHDRAWN = "withdrawn"  # gone from the source
    # failures: another attempt may succeed
    MISSING = "missing"  # 404 for a listed object
    FORBIDDEN = "forbidden"
    THROTTLED = "throttled"  # 503 SlowDown or 429 to the end
    SERVER_ERROR = "server_error"
    UNEXPECTED_ANSWER = "unexpected_answer"  # a redirect, an odd status, a web page, no HTTP at all
    TIMEOUT = "timeout"
    CONNECTION = "connection"  # refused, reset, TLS
    TRUNCATED = "truncated"
    MD5_MISMATCH = "md5_mismatch"
    BAD_METADATA = "bad_metadata"
    NO_XML = "no_xml"
    SEVERAL_XML = "several_xml"  # which one is the article cannot be known
    BAD_ARCHIVE = "bad_archive"  # a tarball that cannot be read to its end
    UNREADABLE = "unreadable"  # a file of a local source that the system does not let us read
    UNEXPECTED_ERROR = "unexpected_error"  # our own code failed over it; the log says how


class FetchError(Exception):
    """An object could not be had."""

    def __init__(self, reason: Reason, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason.value)
        self.reason = reason
        self.retry_after = retry_after  # seconds, where the service says so


class Stopped(Exception):
    """The crawl is being stopped: give up at once, nothing is a failure."""


class Role(enum.StrEnum):
    """What an object is to its article."""

    METADATA = "metadata"
    XML = "xml"
    MEDIA = "media"


class ObjectStatus(enum.StrEnum):
    """What became of an object."""

    OK = "ok"
    SKIPPED = "skipped"  # on purpose, for a final reason
    FAILED = "failed"


class ArticleStatus(enum.StrEnum):
    """What became of an article version."""

    COMPLETE = "complete"  # every wanted object is stored or has a final reason
    PARTIAL = "partial"  # metadata and XML are stored, a picture failed
    FAILED = "failed"
    EXCLUDED = "excluded"
    REMOVED = "removed"  # withdrawn at the source: a tombstone
    SUPERSEDED = "superseded"  # fetched again into a later shard


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One object of an article; without `content` it is not stored, and `reason` says why."""

    role: Role
    name: str
    status: ObjectStatus
    reason: Reason | None = None
    published_md5: str | None = None
    content: Content | None = None
    format: str | None = None


Facts = Mapping[str, object]
"""What the metadata says, by the names of the catalog's columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArticle:
    """One article version as it goes into a shard."""

    pmcid: str
    version: int
    status: ArticleStatus
    reason: Reason | None = None
    change_token: str | None = None
    facts: Facts = field(default_factory=dict)
    objects: tuple[StoredObject, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        """PMCID and version."""
        return self.pmcid, self.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One article version that is to be fetched, with its row of the catalog."""

    pmcid: str
    version: int
    change_token: str | None
    locator: str
    row: Mapping[str, object]

    @property
    def key(self) -> tuple[str, int]:
        """PMCID and version."""
        return self.pmcid, self.version

    def failed(self, reason: Reason, *objects: StoredObject) -> StoredArticle:
        """The article version as a failure."""
        return StoredArticle(
            pmcid=self.pmcid,
            version=self.version,
            status=ArticleStatus.FAILED,
            reason=reason,
            change_token=self.change_token,
            objects=objects,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What the XML says: facts for sources without metadata, and which media are worth keeping."""

    facts: Facts
    media: Mapping[str, Reason | None]  # every name, with None where it is wanted or the reason why not


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchTask:
    """All that fetching the versions of one PMCID depends on."""

    versions: Sequence[Wanted]
    keep_all: bool  # every version, not only the preferred one
    is_selected: Callable[[Wanted, Facts], bool]  # the conditions that need the metadata
    read_xml: Callable[[bytes, str, Sequence[str]], Reading]
    """(XML, PMCID, names of the published media) → what the XML says of them."""
    stored: Callable[[str, int, str], Content | None]
    """(PMCID, version, md5) → bytes that an older shard holds of it."""
    each: Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
    """Apply a function to several objects, perhaps at once; results in their order."""


class Source(Protocol):
    """Where articles come from."""

    name: str

    def snapshot(self) -> str:
        """A digest that changes with the listing, cheaper than the listing itself. Raises `SourceError`."""

    def listing(self, scratch: Path) -> pa.RecordBatchReader:
        """Every article version, as `LISTING`. May write to the folder `scratch`. Raises `SourceError`."""

    def identifiers(self, scratch: Path) -> Path | None:
        """PMC-ids.csv.gz, if the source has it; may write it to the folder `scratch`."""

    def fetch(self, task: FetchTask) -> list[StoredArticle]:
        """Fetch the versions of one article, in their order.

        What goes wrong with it is in the result. Raises `Stopped`, and `SourceError` once nothing can be had.
        """

    def stop(self) -> None:
        """Make every `fetch` that is under way raise `Stopped` soon."""

    def close(self) -> None:
        """Let go of connections and scratch files."""
