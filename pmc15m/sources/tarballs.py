"""`oa_package` tarballs, as NCBI gave them out until August 2026 and as people kept them.

One package an article: one top folder with one `.nxml`, pictures, thumbnails, a PDF, supplements, in no order. A
package is read once from its start to its end; nothing is unpacked to disk. Packages have no version (0 here) and no
checksums. They are treated as hostile: members with a path that leads elsewhere, links and devices are left out, each
with its reason.
"""

import datetime
import functools
import gzip
import itertools
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import pyarrow as pa

from pmc15m.config import NetworkConfig
from pmc15m.errors import SourceError
from pmc15m.jats.licence import normalise
from pmc15m.jats.resolve import IMAGE_EXTENSIONS, extension
from pmc15m.sources.check import checked
from pmc15m.sources.content import Content, Receiver
from pmc15m.sources.metadata import printable
from pmc15m.sources.model import (
    LISTING,
    ArticleStatus,
    Facts,
    FetchError,
    FetchTask,
    ObjectStatus,
    Reason,
    Role,
    StoredArticle,
    StoredObject,
    Wanted,
)
from pmc15m.sources.names import is_safe_name
from pmc15m.sources.sniff import HEAD_BYTES, IMAGE_FORMATS, sniff_format
from pmc15m.sources.stores import HttpStore, split_url
from pmc15m.sources.tables import read_date, read_file_list

PACKAGE = re.compile(r"(PMC[1-9][0-9]{0,11})\.tar\.gz")
FILE_LIST = "oa_file_list.csv"
VERSION = 0
_MAX_MEMBERS = 20_000
_PACKAGE_LIMIT = 4 << 30  # bytes unpacked: a guard against archives that unpack to no end


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a package; without content where `reason` says why."""

    name: str
    reason: Reason | None
    content: Content | None = None
    is_xml: bool = False


class TooMuch(Exception):
    """A package that holds more than any article does."""


def read_member(name: str, size: int, file: IO[bytes], *, limit: int, scratch: Path) -> Member:
    """A file of an article, with its content where that may be wanted. Raises `EOFError` where bytes are missing."""
    if not is_safe_name(name):
        return Member(name, Reason.UNSAFE_NAME)
    if size > limit:
        return Member(name, Reason.TOO_BIG)
    head = file.read(HEAD_BYTES)
    is_xml = name.endswith(".nxml")
    if not is_xml and sniff_format(head) not in IMAGE_FORMATS and extension(name) not in IMAGE_EXTENSIONS:
        return Member(name, Reason.UNREFERENCED)
    receiver = Receiver(scratch)
    receiver.write(head)
    while block := file.read(1 << 20):
        receiver.write(block)
    if receiver.size != size:
        raise EOFError
    return Member(name, None, receiver.content(), is_xml)


class Tarballs:
    """Packages, wherever they lie; a subclass says what there is and opens one."""

    name = "oa_package"

    def __init__(self, max_object_bytes: int, scratch: Path) -> None:
        self._limit = max_object_bytes
        self._scratch = scratch

    def identifiers(self, scratch: Path) -> Path | None:
        """Packages come without."""
        return None

    def listing(self, scratch: Path) -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            rows = self._rows()
            while some := list(itertools.islice(rows, 10_000)):
                yield pa.RecordBatch.from_pylist(some, schema=LISTING)

        return pa.RecordBatchReader.from_batches(LISTING, batches())

    def fetch(self, task: FetchTask) -> list[StoredArticle]:
        return [self._article(task, wanted) for wanted in task.versions]

    def stop(self) -> None:
        """A package is read quickly."""

    def close(self) -> None:
        """Nothing is open."""

    def _rows(self) -> Iterator[dict[str, object]]:
        raise NotImplementedError

    def _open(self, locator: str) -> AbstractContextManager[BinaryIO]:
        """A package as a file. Raises `OSError` or `FetchError`."""
        raise NotImplementedError

    def _article(self, task: FetchTask, wanted: Wanted) -> StoredArticle:
        try:
            members = self._members(wanted.locator)
        except FetchError as error:
            return _ended(wanted, ArticleStatus.FAILED, error.reason)
        except FileNotFoundError:
            return _ended(wanted, ArticleStatus.FAILED, Reason.MISSING)
        except (tarfile.TarError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError, TooMuch):
            return _ended(wanted, ArticleStatus.FAILED, Reason.BAD_ARCHIVE)
        except OSError:
            return _ended(wanted, ArticleStatus.FAILED, Reason.UNREADABLE)
        return article_of_package(task, wanted, members)

    def _members(self, locator: str) -> list[Member]:
        """Every file of an article. Raises what `_open` and `_read` raise."""
        with self._open(locator) as file:
            return self._read(file)

    def _read(self, file: BinaryIO) -> list[Member]:
        """Every member, in byte order of its name. Raises `OSError`, `TarError`, `EOFError`, `zlib.error`."""
        found: dict[str, Member] = {}
        total = 0
        with tarfile.open(fileobj=file, mode="r|gz") as package:
            for info in package:
                if info.isdir():
                    continue
                total += info.size
                if len(found) >= _MAX_MEMBERS or total > _PACKAGE_LIMIT:
                    raise TooMuch
                member = self._member(package, info)
                if member.name in found:  # the same name in two folders
                    member = Member(info.name, Reason.UNSAFE_NAME)
                found[member.name] = member
        return sorted(found.values(), key=lambda member: member.name.encode("utf-8", "surrogatepass"))

    def _member(self, package: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
        parts = info.name.split("/")
        if not info.isreg() or not all(is_safe_name(part) for part in parts):
            return Member(info.name, Reason.UNSAFE_NAME)
        name = parts[-1]
        file = package.extractfile(info)
        assert file is not None  # it is a regular file
        return read_member(name, info.size, file, limit=self._limit, scratch=self._scratch)


class TarballFolder(Tarballs):
    """A folder of packages, in the two-level layout or flat. An `oa_file_list.csv` in it tells dates and licences."""

    def __init__(self, root: Path, packages: Sequence[Path], max_object_bytes: int, scratch: Path) -> None:
        super().__init__(max_object_bytes, scratch)
        self._root = root
        self._packages = packages
        self._list = root / FILE_LIST

    def snapshot(self) -> str:
        lists = [self._list] if self._list.exists() else []
        stats = [(path.relative_to(self._root).as_posix(), path.stat()) for path in [*lists, *self._packages]]
        return Content.of(repr([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]).encode()).md5

    def _rows(self) -> Iterator[dict[str, object]]:
        listed = {row["pmcid"]: row for row in read_file_list(self._list.read_bytes())} if self._list.exists() else {}
        for path in self._packages:
            stat = path.stat()
            pmcid = path.name.removesuffix(".tar.gz")
            modified = datetime.datetime.fromtimestamp(int(stat.st_mtime), datetime.UTC)
            row = _row(pmcid, path.relative_to(self._root).as_posix(), listed.get(pmcid, {}))
            yield row | {
                "last_modified": row["last_modified"] or modified,
                "change_token": f"{stat.st_size}-{int(stat.st_mtime)}",
            }

    def _open(self, locator: str) -> AbstractContextManager[BinaryIO]:
        return (self._root / locator).open("rb")


class TarballSite(Tarballs):
    """Packages behind HTTP: everything that the `oa_file_list.csv` at `url` lists, beside it."""

    def __init__(self, url: str, network: NetworkConfig, max_object_bytes: int, scratch: Path) -> None:
        super().__init__(max_object_bytes, scratch)
        base, self._file_list = split_url(url)
        self._store = HttpStore(base, network, scratch)

    @functools.cached_property
    def _list(self) -> Content:
        try:
            return self._store.get(self._file_list, limit=_PACKAGE_LIMIT)
        except FetchError as error:
            raise SourceError(f"cannot read {self._store.where}/{self._file_list}: {error}") from None

    def snapshot(self) -> str:
        return self._list.md5

    def _rows(self) -> Iterator[dict[str, object]]:
        for row in read_file_list(self._list.read()):
            folder, _, name = row["path"].rpartition("/")
            match = PACKAGE.fullmatch(name)
            if match and match[1] == row["pmcid"] and all(map(is_safe_name, folder.split("/") if folder else ())):
                yield _row(row["pmcid"], row["path"], row)

    @contextmanager
    def _open(self, locator: str) -> Iterator[BinaryIO]:
        content = self._store.get(locator, limit=_PACKAGE_LIMIT)
        yield content.open()

    def stop(self) -> None:
        self._store.stop()

    def close(self) -> None:
        self._store.close()


def _row(pmcid: str, locator: str, listed: Mapping[str, str]) -> dict[str, object]:
    """A row of `LISTING`; the date of the file list is the change token of a package."""
    return {
        "pmcid": pmcid,
        "version": VERSION,
        "change_token": listed.get("updated"),
        "last_modified": read_date(listed.get("updated", "")),
        "locator": locator,
        "pmid": listed.get("pmid") or None,
        "licence_code": normalise(listed.get("licence", "")),
    }


def article_of_package(task: FetchTask, wanted: Wanted, members: Sequence[Member]) -> StoredArticle:
    """What of a package is kept: the XML, and the pictures that its figures refer to."""
    xmls = [member for member in members if member.is_xml]
    media = [member for member in members if not member.is_xml]
    if len(xmls) != 1 or xmls[0].content is None:
        reason = Reason.SEVERAL_XML if len(xmls) > 1 else Reason.NO_XML
        rows = tuple(_left_out(member, member.reason or Reason.UNREFERENCED) for member in members)
        return _ended(wanted, ArticleStatus.FAILED, reason, objects=rows)
    xml = xmls[0].content
    reading = task.read_xml(xml.read(), wanted.pmcid, [member.name for member in media if member.reason is None])
    if not task.is_selected(wanted, reading.facts):
        return _ended(wanted, ArticleStatus.EXCLUDED, Reason.NOT_SELECTED, reading.facts)
    objects = [checked(Role.XML, f"{wanted.pmcid}.{wanted.version}.xml", xml, None)]
    for member in media:
        left_out = member.reason or reading.media[member.name]
        if left_out is not None or member.content is None:
            objects.append(_left_out(member, left_out or Reason.UNREFERENCED))
        else:
            objects.append(checked(Role.MEDIA, member.name, member.content, None))
    return _ended(wanted, ArticleStatus.COMPLETE, None, reading.facts, tuple(objects))


def _left_out(member: Member, reason: Reason) -> StoredObject:
    return StoredObject(role=Role.MEDIA, name=printable(member.name), status=ObjectStatus.SKIPPED, reason=reason)


def _ended(
    wanted: Wanted,
    status: ArticleStatus,
    reason: Reason | None,
    facts: Facts | None = None,
    objects: tuple[StoredObject, ...] = (),
) -> StoredArticle:
    return StoredArticle(
        pmcid=wanted.pmcid,
        version=wanted.version,
        status=status,
        reason=reason,
        change_token=wanted.change_token,
        facts=facts or {},
        objects=objects,
    )
