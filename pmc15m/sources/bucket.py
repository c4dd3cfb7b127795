"""Articles in the layout of the PMC Cloud Service: metadata JSON → XML → only the pictures that figures refer to."""

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from pmc15m.errors import SourceError
from pmc15m.sources.check import checked
from pmc15m.sources.content import Content
from pmc15m.sources.inventory import PREFIX, Manifest, newest_manifest, read_inventory
from pmc15m.sources.metadata import Metadata, Published, read_metadata
from pmc15m.sources.model import (
    LISTING,
    ArticleStatus,
    FetchError,
    FetchTask,
    ObjectStatus,
    Reason,
    Role,
    StoredArticle,
    StoredObject,
    Wanted,
)
from pmc15m.sources.names import METADATA_KEY, metadata_key, object_key
from pmc15m.sources.stores import FolderStore, Store

_IDENTIFIERS_LIMIT = 4 << 30
_METADATA_LIMIT = 16 << 20
_BELIEF_ATTEMPTS = 3
_REREADABLE = frozenset({Reason.MD5_MISMATCH, Reason.MISSING, Reason.FORBIDDEN})


class _Replaced(Exception):
    """The metadata changed while the article was being fetched."""

    def __init__(self, head: "_Head") -> None:
        self.head = head


@dataclass(frozen=True, slots=True)
class _Head:
    """The metadata of a version, as bytes and as read."""

    content: Content
    metadata: Metadata


class BucketSource:
    """The PMC Cloud Service, an imitation or a local copy."""

    name = "cloud"

    def __init__(self, store: Store, max_object_bytes: int) -> None:
        self._store = store
        self._limit = max_object_bytes

    @cached_property
    def _manifest(self) -> Manifest | None:
        """The inventory; None for a copy that has none."""
        if isinstance(self._store, FolderStore) and not (self._store.root / PREFIX).is_dir():
            return None
        return newest_manifest(self._store)

    def day(self) -> str | None:
        """The day of the inventory, which sorts as text; null for a copy that has none."""
        return self._manifest.day if self._manifest is not None else None

    def go_back(self) -> None:
        """Take the inventory of the day before. Raises `SourceError` where there is none."""
        assert self._manifest is not None
        self._manifest = newest_manifest(self._store, self._manifest.day)

    def snapshot(self) -> str:
        if self._manifest is not None:
            return self._manifest.md5
        assert isinstance(self._store, FolderStore)
        return _folder_snapshot(self._store.root)

    def listing(self, scratch: Path) -> pa.RecordBatchReader:
        if self._manifest is not None:
            return read_inventory(self._store, self._manifest, scratch)
        assert isinstance(self._store, FolderStore)
        return _list_folder(self._store.root)

    def identifiers(self, scratch: Path, key: str = "PMC-ids.csv.gz") -> Path | None:
        try:
            content = self._store.get(key, limit=_IDENTIFIERS_LIMIT)
        except FetchError:
            return None  # the real service keeps it elsewhere
        content.save(scratch / "PMC-ids.csv.gz")
        return scratch / "PMC-ids.csv.gz"

    def stop(self) -> None:
        self._store.stop()

    def close(self) -> None:
        self._store.close()

    def fetch(self, task: FetchTask) -> list[StoredArticle]:
        read = [self.read_head(wanted) for wanted in task.versions]
        chosen = _chosen(task, read)
        shared: dict[str, Content] = {}
        return [
            head
            if isinstance(head, StoredArticle)
            else _Fetch(self, task, wanted, head, shared).article(wanted in chosen)
            for wanted, head in zip(task.versions, read, strict=True)
        ]

    def read_head(self, wanted: Wanted) -> "StoredArticle | _Head":
        """The metadata of a version, or its end where that cannot be had."""
        try:
            content = self._get_metadata(wanted)
        except FetchError as error:
            return wanted.failed(error.reason)
        metadata = read_metadata(content.read(), wanted.pmcid, wanted.version)
        if metadata is None:
            return wanted.failed(Reason.BAD_METADATA, _stored(Role.METADATA, _json_name(wanted), content))
        return _Head(content, metadata)

    def _get_metadata(self, wanted: Wanted) -> Content:
        """The JSON itself has no published md5: it is verified by the inventory's ETag, which is one."""
        key = metadata_key(wanted.pmcid, wanted.version)

        def judge(content: Content) -> Reason | None:
            """What is not the listed record is one at least, and no web page."""
            if content.md5 == wanted.change_token or read_metadata(content.read(), *wanted.key) is not None:
                return None
            return Reason.BAD_METADATA

        content = self._store.get(key, limit=_METADATA_LIMIT, judge=judge)
        if content.md5 == wanted.change_token:
            return content
        # It was changed after the inventory was made, or damaged on the way: believe what comes twice.
        for _ in range(_BELIEF_ATTEMPTS):
            again = self._store.get(key, limit=_METADATA_LIMIT, judge=judge)
            if again.md5 in (content.md5, wanted.change_token):
                return again
            content = again
        raise FetchError(Reason.MD5_MISMATCH, key)

    def read_object(self, wanted: Wanted, item: Published) -> Content:
        """An object as its metadata publishes it. Raises `FetchError`."""
        key = object_key(wanted.pmcid, wanted.version, item.name)
        try:
            return self._store.get(key, limit=self._limit, md5=item.md5)
        except FetchError as error:
            if error.reason is not Reason.MISSING or item.as_written in ("", item.name):
                raise
        # What looked like an escape may be part of the name.
        key = object_key(wanted.pmcid, wanted.version, item.as_written)
        return self._store.get(key, limit=self._limit, md5=item.md5)


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One version on its way into a shard."""

    source: BucketSource
    task: FetchTask
    wanted: Wanted
    head: _Head
    shared: dict[str, Content]  # by md5: what the PMCID's other versions have brought
    is_last: bool = False  # to be finished, whatever is replaced meanwhile

    def article(self, is_chosen: bool) -> StoredArticle:
        """The version. Where it is replaced meanwhile, it is fetched once more from the start."""
        if not is_chosen:
            return self._ended(ArticleStatus.EXCLUDED, Reason.OTHER_VERSION)
        try:
            return self._attempt()
        except _Replaced as replaced:
            return replace(self, head=replaced.head, is_last=True)._attempt()

    def _attempt(self) -> StoredArticle:
        metadata = self.head.metadata
        if not self.task.is_selected(self.wanted, metadata.facts):
            return self._ended(ArticleStatus.EXCLUDED, Reason.NOT_SELECTED)
        if metadata.xml is None:
            return self._ended(ArticleStatus.FAILED, Reason.NO_XML)
        if metadata.xml.reason is not None:
            return self._ended(ArticleStatus.FAILED, metadata.xml.reason)
        xml = self._object(metadata.xml, Role.XML)
        if xml.content is None:
            lost = [_not_stored(item, ObjectStatus.FAILED, xml.reason) for item in metadata.media]
            return self._ended(ArticleStatus.FAILED, xml.reason, xml, *lost)
        media = self._media(xml.content)
        failures = [item.reason for item in media if item.status is ObjectStatus.FAILED]
        if failures:
            return self._ended(ArticleStatus.PARTIAL, failures[0], xml, *media)
        return self._ended(ArticleStatus.COMPLETE, None, xml, *media)

    def _ended(self, status: ArticleStatus, reason: Reason | None, *objects: StoredObject) -> StoredArticle:
        return StoredArticle(
            pmcid=self.wanted.pmcid,
            version=self.wanted.version,
            status=status,
            reason=reason,
            change_token=self.wanted.change_token,
            facts=self.head.metadata.facts,
            objects=(_stored(Role.METADATA, _json_name(self.wanted), self.head.content), *objects),
        )

    def _media(self, xml: Content) -> list[StoredObject]:
        """Every published medium: fetched where the XML wants it, or the reason why not."""
        media = self.head.metadata.media
        names = [item.name for item in media if item.reason is None]
        wanted = self.task.read_xml(xml.read(), self.wanted.pmcid, names).media
        reasons = [item.reason or wanted[item.name] for item in media]
        pictures = [item for item, reason in zip(media, reasons, strict=True) if reason is None]
        fetched = iter(self.task.each(lambda item: self._object(item, Role.MEDIA), pictures))
        return [
            next(fetched) if reason is None else _not_stored(item, ObjectStatus.SKIPPED, reason)
            for item, reason in zip(media, reasons, strict=True)
        ]

    def _object(self, item: Published, role: Role) -> StoredObject:
        """One object, from another version or an older shard where its md5 is the same. Raises `_Replaced`."""
        content = None
        if item.md5 is not None:
            content = self.shared.get(item.md5) or self.task.stored(self.wanted.pmcid, self.wanted.version, item.md5)
        if content is None:
            try:
                content = self.source.read_object(self.wanted, item)
            except FetchError as error:
                if error.reason in _REREADABLE and not self.is_last:
                    self._raise_if_replaced()
                status = ObjectStatus.SKIPPED if error.reason is Reason.TOO_BIG else ObjectStatus.FAILED
                return _not_stored(item, status, error.reason, role)
        if item.md5 is not None and self.task.keep_all:
            self.shared[item.md5] = content
        return checked(role, item.name, content, item.md5)

    def _raise_if_replaced(self) -> None:
        again = self.source.read_head(self.wanted)
        if isinstance(again, _Head) and again.content.md5 != self.head.content.md5:
            raise _Replaced(again)


def _chosen(task: FetchTask, read: Sequence[StoredArticle | _Head]) -> list[Wanted]:
    """The versions to keep: all, or one: published before manuscript, then the highest number."""
    if task.keep_all or len(task.versions) == 1:
        return list(task.versions)
    usable = [
        (not head.metadata.is_manuscript, wanted.version, wanted)
        for wanted, head in zip(task.versions, read, strict=True)
        if isinstance(head, _Head)
    ]
    return [max(usable, key=lambda item: item[:2])[2]] if usable else []


def _json_name(wanted: Wanted) -> str:
    return f"{wanted.pmcid}.{wanted.version}.json"


def _stored(role: Role, name: str, content: Content) -> StoredObject:
    return StoredObject(role=role, name=name, status=ObjectStatus.OK, content=content, format="json")


def _not_stored(item: Published, status: ObjectStatus, reason: Reason | None, role: Role = Role.MEDIA) -> StoredObject:
    return StoredObject(role=role, name=item.name, status=status, reason=reason, published_md5=item.md5)


def _metadata_files(root: Path) -> list[tuple[re.Match[str], Path]]:
    found = sorted((root / "metadata").glob("PMC*.json"))
    files = [(match, path) for path in found if (match := METADATA_KEY.fullmatch(f"metadata/{path.name}"))]
    if not files:
        raise SourceError(f"{root} is not a source: no inventory, no metadata/PMC*.json, no PMC*.tar.gz")
    return files


def _folder_snapshot(root: Path) -> str:
    stats = [(path.name, path.stat()) for _, path in _metadata_files(root)]
    return Content.of(repr([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]).encode()).md5


def _list_folder(root: Path) -> pa.RecordBatchReader:
    """The versions of a copy that has no inventory: their metadata files. Raises `SourceError`."""
    rows = _metadata_files(root)

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), 10_000):
            yield pa.RecordBatch.from_pylist([_file_row(*row) for row in rows[start : start + 10_000]], schema=LISTING)

    return pa.RecordBatchReader.from_batches(LISTING, batches())


def _file_row(match: re.Match[str], path: Path) -> dict[str, object]:
    return {
        "pmcid": match[1],
        "version": int(match[2]),
        "change_token": Content.of(path.read_bytes()).md5,
        "last_modified": datetime.datetime.fromtimestamp(int(path.stat().st_mtime), datetime.UTC),
        "locator": match[0],
    }
