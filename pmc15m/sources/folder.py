"""Loose JATS articles with their pictures beside them: unpacked packages, Europe PMC's full texts, bioRxiv's archives.

    PMC123/paper.nxml, PMC123/f1.jpg       an article alone in its folder: every picture below is its own
    PMC123.xml, PMC124.xml, PMC123/f1.jpg  several: a folder of the file's name or the PMCID, files that begin with it
    PMC1_PMC99.xml                         several articles in one file, as Europe PMC's bulk has them
    0a1b.meca                              bioRxiv's and medRxiv's: a zip with content/*.xml and its pictures

XML may be gzipped, where a file is one article. As packages, articles have no version (0 here) and no checksums, and
their files are treated as hostile. An article that PMC does not have gets a number of its own
(`names.number_outside_pmc`).
"""

import datetime
import functools
import gzip
import itertools
import logging
import mmap
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pmc15m.jats import Article, ArticleStatus, parse_articles
from pmc15m.sources.content import Content
from pmc15m.sources.model import Reason
from pmc15m.sources.names import PMCID, number_outside_pmc
from pmc15m.sources.tarballs import VERSION, Member, Tarballs, TooMuch, read_member

log = logging.getLogger(__name__)

_XML = (".nxml", ".xml", ".jats", ".nxml.gz", ".xml.gz")
_ARCHIVE = ".meca"
_HEAD = 1 << 16  # bytes in which an article begins
_IS_ARTICLE = re.compile(rb"<(?:[\w.-]+:)?article[\s>]")
_ONE_ARTICLE = re.compile(rb"<article[\s>].*?</article\s*>", re.DOTALL)
_EDITION = re.compile(rb"<article-version[^>]*>\s*(?:1\.)?([0-9]{1,4})\s*<")  # bioRxiv: 1.3 is the third
_PLACED = re.compile(r"(.*)#([0-9]+)-([0-9]+)", re.DOTALL)  # a locator: the file, and the bytes of an article in it
_MAX_FILES = 20_000  # that may belong to one article
_MOST_BYTES = 4 << 30  # that an archive may unpack to


def find_articles(root: Path) -> list[Path]:
    """Files below a folder that are articles, in the order of their paths; other XML is counted in the log."""
    endings = (*_XML, _ARCHIVE)
    named = sorted(path for path in root.rglob("*") if path.name.lower().endswith(endings) and path.is_file())
    articles = [path for path in named if _is_article(path)]
    if len(articles) < len(named):
        log.info("import: %d XML files are no articles", len(named) - len(articles))
    return articles


def _is_article(path: Path) -> bool:
    """Whether a file is to be read as one: what is called .nxml always is, so that what is wrong with it is told."""
    if not str(path).isprintable():  # no table can hold its name
        return False
    if path.name.lower().endswith((".nxml", ".nxml.gz", _ARCHIVE)):
        return True
    try:
        with _opened(path) as file:
            return _IS_ARTICLE.search(file.read(_HEAD)) is not None
    except _UNREADABLE:
        return False


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class _Found:
    """An article as it is listed; the higher of two editions counts."""

    pmcid: str
    edition: int
    locator: str
    pmid: str | None
    licence_code: str | None
    change_token: str


class ArticleFolder(Tarballs):
    """A folder of loose articles, listed by what stands in their XML."""

    name = "folder"

    def __init__(self, root: Path, articles: Iterable[Path], max_object_bytes: int, scratch: Path) -> None:
        super().__init__(max_object_bytes, scratch)
        self._root = root
        self._articles = tuple(articles)
        self._in_folder: dict[Path, list[Path]] = {}
        for path in self._articles:
            self._in_folder.setdefault(path.parent, []).append(path)
        self._holding = {parent for folder in self._in_folder for parent in (folder, *folder.parents)}
        self._folder_of = functools.cache(self._read_folder)

    def snapshot(self) -> str:
        return _token([*self._articles, *_files_below(self._root)])

    def _rows(self) -> Iterator[dict[str, object]]:
        found: dict[str, _Found] = {}
        others = 0
        for one in (one for path in self._articles for one in self._listed(path)):
            others += one.pmcid in found
            if one.pmcid not in found or one.edition > found[one.pmcid].edition:
                found[one.pmcid] = one
        if others:
            log.warning("import: %d files are other editions or copies of articles that are taken", others)
        for one in found.values():
            modified = int(self._placed(one.locator)[0].stat().st_mtime)
            yield {
                "pmcid": one.pmcid,
                "version": VERSION,
                "change_token": one.change_token,
                "last_modified": datetime.datetime.fromtimestamp(modified, datetime.UTC),
                "locator": one.locator,
                "pmid": one.pmid,
                "licence_code": one.licence_code,
            }

    def _listed(self, path: Path) -> Iterator[_Found]:
        """The articles in a file. One that cannot be read is listed, so that fetching it says why."""
        name = path.relative_to(self._root).as_posix()
        try:
            places = _places(path)
        except TooMuch:
            log.warning("import: %s holds several articles; gunzip it first", name)
            return
        except _UNREADABLE:
            places = []
        for locator in [f"{name}#{start}-{end}" for start, end in places] or [name]:
            try:
                xml = self._xml_at(locator)
            except _UNREADABLE:
                xml = b""
            article = parse_articles(xml)[0]
            edition = _EDITION.search(xml[:_HEAD])
            yield _Found(
                pmcid=_pmcid(article, path, locator),
                edition=int(edition[1]) if edition else 0,
                locator=locator,
                pmid=article.pmid,
                licence_code=article.licence_code,
                change_token=_token([path, *self._pictures(locator, article.pmcid)]),
            )

    def _placed(self, locator: str) -> tuple[Path, tuple[int, int] | None]:
        """The file of an article, and where in it the article stands if it is one of several."""
        match = _PLACED.fullmatch(locator)
        if match is None:
            return self._root / locator, None
        return self._root / match[1], (int(match[2]), int(match[3]))

    def _xml_at(self, locator: str) -> bytes:
        path, place = self._placed(locator)
        if place is not None:
            with path.open("rb") as file:
                file.seek(place[0])
                return file.read(place[1] - place[0])
        return self._xml_of_archive(path) if path.name.lower().endswith(_ARCHIVE) else self._xml(path)

    def _xml(self, path: Path) -> bytes:
        with _opened(path) as file:
            xml = file.read(self._limit + 1)
        if len(xml) > self._limit:
            raise TooMuch
        return xml

    def _xml_of_archive(self, path: Path) -> bytes:
        xml = [member for member in self._of_archive(path) if member.is_xml]
        return xml[0].content.read() if len(xml) == 1 and xml[0].content is not None else b""

    def _members(self, locator: str) -> list[Member]:
        path, _ = self._placed(locator)
        if path.name.lower().endswith(_ARCHIVE):
            return self._of_archive(path)
        xml = self._xml_at(locator)
        members = {path.name: Member(path.name, None, Content.of(xml), is_xml=True)}
        for picture in self._pictures(locator, parse_articles(xml)[0].pmcid):
            with picture.open("rb") as file:
                self._add(members, picture.relative_to(path.parent).as_posix(), picture.stat().st_size, file)
        return list(members.values())

    def _add(self, members: dict[str, Member], name: str, size: int, file: IO[bytes]) -> None:
        """Read a member; of two with one name the first is taken, as of a package."""
        if len(members) > _MAX_FILES:
            raise TooMuch
        last = name.rpartition("/")[2]
        if last in members:
            members[name] = Member(name, Reason.UNSAFE_NAME)
        else:
            members[last] = read_member(last, size, file, limit=self._limit, scratch=self._scratch)

    def _of_archive(self, path: Path) -> list[Member]:
        try:
            with zipfile.ZipFile(path) as archive:
                return self._unpacked(archive)
        except (RuntimeError, ValueError, struct.error) as error:  # encrypted, packed in another way, senseless
            raise zipfile.BadZipFile(str(error)) from None

    def _unpacked(self, archive: zipfile.ZipFile) -> list[Member]:
        members: dict[str, Member] = {}
        infos = [info for info in archive.infolist() if info.filename.startswith("content/") and not info.is_dir()]
        if sum(info.file_size for info in infos) > _MOST_BYTES:
            raise TooMuch
        for info in sorted(infos, key=lambda info: info.filename):
            name = info.filename.rpartition("/")[2]
            with archive.open(info) as file:
                if name.lower().endswith(".xml") and info.file_size <= self._limit:
                    xml = file.read()
                    if _IS_ARTICLE.search(xml[:_HEAD]):
                        members[name] = Member(name, None, Content.of(xml), is_xml=True)
                else:
                    self._add(members, info.filename, info.file_size, file)
        return list(members.values())

    def _pictures(self, locator: str, pmcid: str | None) -> Iterator[Path]:
        """Files that may be an article's pictures: all, where it is alone in its folder, else those with its name."""
        path, place = self._placed(locator)
        if path.name.lower().endswith(_ARCHIVE):
            return
        folder = self._folder_of(path.parent)
        is_alone = place is None and len(folder.stems) == 1
        names = {pmcid, *({_stem(path), _pmcid_in(path)} if place is None else ())} - {None}
        for owner, files in folder.files.items():
            if is_alone or owner in names:
                yield from files
        for below in folder.folders:
            if is_alone or below.name in names:
                yield from _files_below(below)

    def _read_folder(self, folder: Path) -> "_Folder":
        articles = set(self._in_folder[folder])
        stems = {_stem(path) for path in articles}
        files: dict[str, list[Path]] = {}
        folders = []
        for entry in sorted(folder.iterdir()):
            if entry.is_dir():
                folders.append(entry)
            elif entry not in articles and entry.is_file():
                owner = next((entry.name[:n] for n in range(len(entry.name), 0, -1) if entry.name[:n] in stems), "")
                files.setdefault(owner, []).append(entry)
        return _Folder(frozenset(stems), files, tuple(below for below in folders if below not in self._holding))


_UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, TooMuch)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder with articles: their stems, other files by the longest stem that they begin with, and folders without
    articles."""

    stems: frozenset[str]
    files: Mapping[str, list[Path]]
    folders: tuple[Path, ...]


def _places(path: Path) -> list[tuple[int, int]]:
    """Where the articles of a file with several stand; none for a file of one. Raises `TooMuch` where it is gzipped."""
    if path.suffix.lower() == ".gz":
        with gzip.open(path) as packed:
            if sum(1 for _ in itertools.islice(_ONE_ARTICLE.finditer(packed.read(_MOST_BYTES)), 2)) > 1:
                raise TooMuch
        return []
    if path.name.lower().endswith(_ARCHIVE) or not path.stat().st_size:
        return []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        found = [match.span() for match in _ONE_ARTICLE.finditer(held)]
    return found if len(found) > 1 else []


def _token(paths: Iterable[Path]) -> str:
    """What changes when one of some files comes, goes or changes."""
    stats = [(path.as_posix(), path.stat()) for path in paths]
    told = repr([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])
    return Content.of(told.encode("utf-8", "surrogatepass")).md5


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(parent) / name for name in sorted(files) if (Path(parent) / name).is_file())


def _stem(path: Path) -> str:
    return re.sub(r"\.(n?xml|jats)(\.gz)?$|\.meca$", "", path.name, flags=re.IGNORECASE)


def _pmcid_in(path: Path) -> str | None:
    """The PMCID that a file or its folder is called by."""
    return next((name for name in (_stem(path), path.parent.name) if PMCID.fullmatch(name)), None)


def _pmcid(article: Article, path: Path, locator: str) -> str:
    """The PMCID that an article has, or a number for one that has none: of its DOI, its PMID, or where it lies."""
    if article.status is not ArticleStatus.UNUSABLE and article.pmcid:
        return article.pmcid
    return _pmcid_in(path) or number_outside_pmc((article.doi or article.pmid or locator).lower())
