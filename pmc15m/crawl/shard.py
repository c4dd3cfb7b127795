"""Raw shards: how they grow, how they are finished, how they are read again.

While a shard is being crawled it is two files: `NNNNN.part`, a tar that has no end yet, and `NNNNN.journal` with a
line of JSON an article, written after the article's objects. Articles are appended in the order of the plan as far as
that costs no waiting; a shard whose articles came in another order is copied in the right one when it is whole. So
nothing in a finished shard depends on time-outs, threads or interruptions, and a crash loses what was in flight, no
more.
"""

import hashlib
import json
import logging
import os
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import pyarrow as pa

from pmc15m import schema
from pmc15m.footers import one_moment
from pmc15m.sources.model import ArticleStatus, Reason, StoredArticle, StoredObject, Wanted
from pmc15m.workspace import Workspace, atomic, finish, leave_to_store, read_facts, rows_to_table, write_part

log = logging.getLogger(__name__)

Row = dict[str, Any]

Key = tuple[str, int]
_BLOCK = tarfile.BLOCKSIZE
TAR_END = 2 * _BLOCK
FAILURES = (ArticleStatus.FAILED.value, ArticleStatus.PARTIAL.value)
_SYNC_EVERY = 64 << 20


class GrowingShard:
    """A shard that is being crawled. Opening it takes up what an interrupted crawl left."""

    def __init__(self, workspace: Workspace, shard: str) -> None:
        self.shard = shard
        self._workspace = workspace
        self._tar_path = workspace.tar(shard)
        self._part_path = self._tar_path.with_suffix(".part")
        self._journal_path = self._tar_path.with_suffix(".journal")
        self._tar_path.parent.mkdir(parents=True, exist_ok=True)
        for torn in self._tar_path.parent.glob(f"{shard}.*.tmp"):
            torn.unlink()  # of a crawl that was killed
        if self._journal_path.exists() and not self._part_path.exists() and self._tar_path.exists():
            os.replace(self._tar_path, self._part_path)  # a crash between the tar and its index
        self.articles: dict[Key, list[Row]] = {}  # in the order in which they lie in the part
        self._part = self._part_path.open("a+b")
        self._journal = self._journal_path.open("a+b")
        self._take_up()
        self._unsynced = 0
        self.size = TAR_END + sum(map(tar_size, self.articles.values()))  # bytes that the tar will have

    @staticmethod
    def is_begun(workspace: Workspace, shard: str) -> bool:
        """Whether something of an unfinished shard is there."""
        return workspace.tar(shard).with_suffix(".journal").exists()

    def add(self, article: StoredArticle) -> None:
        """Append a finished article: first its bytes, then its line. After an exception nothing of it is there."""
        stored = [item.content for item in article.objects if item.content is not None]
        rows = [article_row(article), *(_object_row(article, item) for item in article.objects)]
        self._append(rows, (content.blocks() for content in stored))

    def add_rows(self, rows: Iterable[Row], contents: Iterable[bytes]) -> None:
        """Append an article that a finished shard held: its rows, and the bytes of those that have an offset."""
        self._append([dict(row) for row in rows], ([content] for content in contents))

    def _append(self, rows: list[Row], contents: Iterable[Iterable[bytes | bytearray]]) -> None:
        start, line = self._part.tell(), self._journal.tell()
        remaining = iter(contents)
        try:
            for row in rows:
                if _is_stored(row):
                    row["offset"] = _write_member(self._part, row, next(remaining))
            self._part.flush()
            end = self._part.tell()
            self._journal.write(json.dumps({"start": start, "end": end, "rows": rows}).encode() + b"\n")
            self._journal.flush()
        except Exception:
            for file, length in ((self._part, start), (self._journal, line)):
                file.seek(length)
                file.truncate()
            raise
        self.articles[rows[0]["pmcid"], rows[0]["version"]] = rows
        self.size += end - start
        self._unsynced += end - start
        if self._unsynced >= _SYNC_EVERY:
            self._unsynced = 0
            os.fsync(self._part.fileno())
            os.fsync(self._journal.fileno())

    def finish(self, order: Sequence[Key]) -> None:
        """Make `NNNNN.tar` and its index, in the order of the plan, and remove what the shard grew in."""
        table = self._index(order)
        rows = [row for key in order for row in self.articles[key]]
        offsets = [row["offset"] for row in rows if _is_stored(row)]
        if offsets == sorted(offsets) and tar_size(rows) == self._part.tell():
            self._part.write(bytes(TAR_END))
            self._part.flush()
            finish(self._part_path, self._tar_path)  # `_take_up` undoes this if there is no index afterwards
        else:
            with atomic(self._tar_path) as temporary, temporary.open("wb") as tar:
                copied = pa.array([self._copy(row, tar) for row in rows], pa.int64())
                tar.write(bytes(TAR_END))
            table = table.set_column(table.schema.get_field_index("offset"), schema.RAW_INDEX.field("offset"), copied)
        write_index(self._workspace, self.shard, table)
        self.discard()
        leave_to_store(self._tar_path)

    def _index(self, order: Sequence[Key]) -> pa.Table:
        """The rows of some articles; where no table can hold those of one, it becomes a failure first."""
        try:
            return _table([row for key in order for row in self.articles[key]])
        except Exception:
            for key in order:
                try:
                    _table(self.articles[key])
                except Exception as error:
                    log.error("crawl: %s.%d cannot be stored: %.300r", *key, error)
                    self.articles[key] = [_unexpected(self.articles[key][0])]
        return _table([row for key in order for row in self.articles[key]])

    def leave_out(self, wanted: Wanted, reason: Reason, need: int) -> None:
        """Put a row in the place of an article that is not taken; known to this process only, until `finish`.

        `need` is what the first one that is left out would take in the tar.
        """
        article = StoredArticle(
            pmcid=wanted.pmcid,
            version=wanted.version,
            status=ArticleStatus.EXCLUDED,
            reason=reason,
            change_token=wanted.change_token,
        )
        self.articles[wanted.key] = [{**article_row(article), "size": need}]

    def discard(self) -> None:
        """Remove what the shard grew in."""
        self.close()
        self._part_path.unlink(missing_ok=True)
        self._journal_path.unlink()

    def close(self) -> None:
        """Leave the shard as it is, to be taken up by the next crawl."""
        for file in (self._part, self._journal):
            with suppress(OSError):  # what the disk did not take is fetched again
                file.close()

    def _copy(self, row: Row, tar: BinaryIO) -> int | None:
        return _write_member(tar, row, self._blocks(row)) if _is_stored(row) else None

    def _blocks(self, row: Row) -> Iterator[bytes]:
        position, end = row["offset"], row["offset"] + row["size"]
        while position < end:
            block = os.pread(self._part.fileno(), min(end - position, 8 << 20), position)
            yield block
            position += len(block)

    def _take_up(self) -> None:
        """Read the journal up to the last article that is there whole; cut both files behind it.

        Every byte is read again: after a power cut a file may be as long as it was, with other bytes in it.
        """
        good = end = 0
        self._journal.seek(0)
        for line in self._journal:
            try:
                entry = json.loads(line) if line.endswith(b"\n") else None
                if entry is None or entry["start"] != end or not self._is_whole(entry["rows"]):
                    break
            except (ValueError, KeyError, TypeError):
                break
            rows = entry["rows"]
            key = rows[0]["pmcid"], rows[0]["version"]
            self.articles.pop(key, None)
            if rows[0]["status"] not in FAILURES:  # those get another chance
                self.articles[key] = rows
            good += len(line)
            end = entry["end"]
        self._journal.truncate(good)
        self._part.truncate(end)
        self._journal.seek(good)
        self._part.seek(end)

    def _is_whole(self, rows: Iterable[Row]) -> bool:
        for row in rows:
            if _is_stored(row):
                content = os.pread(self._part.fileno(), row["size"], row["offset"])
                if hashlib.sha256(content).hexdigest() != row["sha256"]:
                    return False
        return True


def _unexpected(head: Row) -> Row:
    """The row of an article over which our own code failed."""
    row = {name: head[name] for name in ("pmcid", "version", "role", "change_token")}
    return {**row, "status": ArticleStatus.FAILED.value, "reason": Reason.UNEXPECTED_ERROR.value}


def _table(rows: Iterable[Row]) -> pa.Table:
    return rows_to_table(rows, schema.RAW_INDEX, partial=True)


def article_row(article: StoredArticle) -> Row:
    """The row of role `article`."""
    return {
        "pmcid": article.pmcid,
        "version": article.version,
        "role": "article",
        "change_token": article.change_token,
        "status": article.status.value,
        "reason": article.reason,
        **{key: article.facts.get(key) for key in schema.FACTS},
    }


def _object_row(article: StoredArticle, item: StoredObject) -> Row:
    row: Row = {
        "pmcid": article.pmcid,
        "version": article.version,
        "role": item.role.value,
        "name": item.name,
        "published_md5": item.published_md5,
        "format": item.format,
        "status": item.status.value,
        "reason": item.reason,
    }
    content = item.content
    if content is not None:  # its offset is known when it is appended
        row |= {"size": content.size, "md5": content.md5, "sha256": content.sha256}
        row["member"] = member_name(row)
    return row


def _is_stored(row: Row) -> bool:
    return row.get("member") is not None


def _write_member(tar: BinaryIO, row: Row, blocks: Iterable[bytes | bytearray]) -> int:
    """Write header, content and padding; returns where the content begins."""
    header = tar_header(row["member"], row["size"])
    offset = tar.tell() + len(header)
    tar.write(header)
    for block in blocks:
        tar.write(block)
    tar.write(bytes(-row["size"] % _BLOCK))
    return offset


def write_index(workspace: Workspace, shard: str, table: pa.Table) -> None:
    """Write a shard's index: its facts are the size of its tar and how its articles ended, its fingerprint a digest."""
    import pyarrow.compute as pc  # here, for `status` answers before it is loaded

    size = tar_size(table.select(["member", "size"]).to_pylist()) + TAR_END
    heads = table.filter(pc.equal(table["role"], "article")).select(["status", "reason"]).to_pylist()
    ends = Counter("/".join(filter(None, head.values())) for head in heads)
    del ends[ArticleStatus.SUPERSEDED.value]
    write_part(workspace.part("raw", shard), table, digest_of(table), tar_size=size, ends=ends)


@one_moment()
def count_ends(workspace: Workspace, shards: Iterable[str]) -> Counter[tuple[str, str | None]]:
    """How many article versions of some finished shards ended how: status and reason; superseded ones not counted."""
    counts: Counter[tuple[str, str | None]] = Counter()
    for shard in shards:
        facts = read_facts(workspace.part("raw", shard)) or {}
        for end, count in facts.get("ends", {}).items():
            status, _, reason = end.partition("/")
            counts[status, reason or None] += count
    return counts


def digest_of(table: pa.Table) -> str:
    """32 hex digits that depend on every value of a table."""
    text = json.dumps(table.to_pylist(), default=str, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def count_journal(workspace: Workspace, shard: str) -> int:
    """How many articles of an unfinished shard are there, perhaps while another process adds to it."""
    try:
        return workspace.tar(shard).with_suffix(".journal").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def tar_size(rows: Iterable[Row]) -> int:
    """Bytes that the objects of some rows take in a tar."""
    stored = [row for row in rows if _is_stored(row)]
    return sum(len(tar_header(row["member"], row["size"])) + row["size"] + -row["size"] % _BLOCK for row in stored)


def member_name(row: Row) -> str:
    """Name of an object in its tar."""
    return f"{row['pmcid']}.{row['version']}/{row['name']}"


def tar_header(member: str, size: int) -> bytes:
    """The header of a member, the same for the same name and size whenever and by whomever it is written."""
    if not (member.isascii() and len(member) < 100 and size < 8**11):
        info = tarfile.TarInfo(member)
        info.size, info.mode = size, 0o644
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    # What tarfile makes of a plain name, in a tenth of its time: name, size and checksum in a header that is there.
    name, digits = member.encode("ascii"), b"%011o" % size
    header = bytearray(_HEADER)
    header[: len(name)] = name
    header[124:135] = digits
    header[148:154] = b"%06o" % (_HEADER_SUM + sum(name) + sum(digits))
    return bytes(header)


def _plain_header() -> tuple[bytes, int]:
    """A header without name and size, and the sum of its bytes with the checksum taken as blanks."""
    info = tarfile.TarInfo("")
    info.mode = 0o644
    header = bytearray(info.tobuf(tarfile.PAX_FORMAT))
    header[124:135] = bytes(11)
    return bytes(header), sum(header) - sum(header[148:156]) + 8 * ord(" ")


_HEADER, _HEADER_SUM = _plain_header()
