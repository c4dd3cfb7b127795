"""Raw shards: how they grow, how they are finished, how they are read again.

While a shard is being crawled it is two files: `NNNNN.part` with the bytes of the objects in the order in which
their articles were finished, and `NNNNN.journal` with a line of JSON an article, written after its bytes. When its
last article is there, the objects are copied into `NNNNN.tar` in the order of the plan. So nothing in a finished
shard depends on time-outs, threads or interruptions, and a crash loses what was in flight, no more.
"""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

import pyarrow as pa

from pmc15m import schema
from pmc15m.sources.model import ArticleStatus, Reason, StoredArticle, StoredObject, Wanted
from pmc15m.workspace import Workspace, atomic, rows_to_table, write_part

Row = dict[str, Any]
Key = tuple[str, int]
_BLOCK = tarfile.BLOCKSIZE
TAR_END = 2 * _BLOCK
_SYNC_EVERY = 64 << 20


class GrowingShard:
    """A shard that is being crawled. Opening it takes up what an interrupted crawl left."""

    def __init__(self, workspace: Workspace, shard: str) -> None:
        self.shard = shard
        self._workspace = workspace
        self._part_path = workspace.tar(shard).with_suffix(".part")
        self._journal_path = workspace.tar(shard).with_suffix(".journal")
        self._part_path.parent.mkdir(parents=True, exist_ok=True)
        self.articles: dict[Key, list[Row]] = {}
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
        """Append a finished article: first its bytes, then its line. After an `OSError` nothing of it is there."""
        stored = [item.content for item in article.objects if item.content is not None]
        rows = [article_row(article), *(_object_row(article, item) for item in article.objects)]
        self._append(rows, (block for content in stored for block in content.blocks()))

    def add_rows(self, rows: Iterable[Row], contents: Iterable[bytes]) -> None:
        """Append an article that a finished shard held: its rows, and the bytes of those that have an offset."""
        self._append([dict(row) for row in rows], contents)

    def _append(self, rows: list[Row], blocks: Iterable[bytes | bytearray]) -> None:
        start = offset = self._part.tell()
        line = self._journal.tell()
        for row in rows:
            if row.get("offset") is not None:
                row["offset"] = offset
                offset += row["size"]
        entry = {"start": start, "end": offset, "rows": rows}
        try:
            for block in blocks:
                self._part.write(block)
            self._part.flush()
            self._journal.write(json.dumps(entry).encode() + b"\n")
            self._journal.flush()
        except OSError:
            for file, end in ((self._part, start), (self._journal, line)):
                file.seek(end)
                file.truncate()
            raise
        self.articles[rows[0]["pmcid"], rows[0]["version"]] = rows
        self.size += tar_size(rows)
        self._unsynced += offset - start
        if self._unsynced >= _SYNC_EVERY:
            self._unsynced = 0
            os.fsync(self._part.fileno())
            os.fsync(self._journal.fileno())

    def finish(self, order: Sequence[Key]) -> None:
        """Write `NNNNN.tar` and its index, in the order of the plan, and remove what the shard grew in."""
        rows: list[Row] = []
        with atomic(self._workspace.tar(self.shard)) as temporary, temporary.open("wb") as tar:
            for key in order:
                for row in self.articles[key]:
                    rows.append(self._copy(row, tar))
            tar.write(bytes(TAR_END))
        write_index(self._workspace, self.shard, rows_to_table(rows, schema.RAW_INDEX))
        self.discard()

    def leave_out(self, wanted: Wanted, reason: Reason) -> None:
        """Put a row in the place of an article that is not taken; known to this process only, until `finish`."""
        article = StoredArticle(
            pmcid=wanted.pmcid,
            version=wanted.version,
            status=ArticleStatus.EXCLUDED,
            reason=reason,
            change_token=wanted.change_token,
        )
        self.articles[wanted.key] = [article_row(article)]

    def discard(self) -> None:
        """Remove what the shard grew in."""
        self.close()
        self._part_path.unlink()
        self._journal_path.unlink()

    def close(self) -> None:
        """Leave the shard as it is, to be taken up by the next crawl."""
        self._part.close()
        self._journal.close()

    def _copy(self, row: Row, tar: BinaryIO) -> Row:
        if row.get("offset") is None:
            return row
        member = member_name(row)
        tar.write(tar_header(member, row["size"]))
        copied = {**row, "member": member, "offset": tar.tell()}
        left, position = row["size"], row["offset"]
        while left:
            block = os.pread(self._part.fileno(), min(left, 8 << 20), position)
            tar.write(block)
            left, position = left - len(block), position + len(block)
        tar.write(bytes(-row["size"] % _BLOCK))
        return copied

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
            self.articles[rows[0]["pmcid"], rows[0]["version"]] = rows
            good += len(line)
            end = entry["end"]
        self._journal.truncate(good)
        self._part.truncate(end)
        self._journal.seek(good)
        self._part.seek(end)

    def _is_whole(self, rows: Iterable[Row]) -> bool:
        for row in rows:
            if row.get("offset") is not None:
                content = os.pread(self._part.fileno(), row["size"], row["offset"])
                if hashlib.sha256(content).hexdigest() != row["sha256"]:
                    return False
        return True


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
    if content is not None:  # the offset is known when it is appended
        row |= {"offset": 0, "size": content.size, "md5": content.md5, "sha256": content.sha256}
    return row


def write_index(workspace: Workspace, shard: str, table: pa.Table) -> None:
    """Write a shard's index; its fingerprint is a digest of its rows."""
    write_part(workspace.part("raw", shard), table, digest_of(table))


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


def tar_size(rows: Iterable[Mapping[str, Any]]) -> int:
    """Bytes that the objects of some rows take in a tar."""
    stored = [row for row in rows if row.get("offset") is not None]
    return sum(len(tar_header(member_name(row), row["size"])) + row["size"] + -row["size"] % _BLOCK for row in stored)


def member_name(row: Mapping[str, Any]) -> str:
    """Name of an object in its tar."""
    return f"{row['pmcid']}.{row['version']}/{row['name']}"


def tar_header(member: str, size: int) -> bytes:
    """The header of a member, the same for the same name and size whenever and by whomever it is written."""
    info = tarfile.TarInfo(member)
    info.size = size
    info.mode = 0o644
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
