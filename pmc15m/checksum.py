"""Parquet files that tell whether their bytes are those that were written.

Parquet's own page checksums cover neither the headers of pages nor the footer, and DuckDB does not look at them. So the
footer of every file of ours holds, as metadata, the sha256 of all that stands before it, and its own, taken with zeros
in its place. The first look at a file, which asks for the footer alone, reads a few kilobytes and believes none of them
unchecked; who reads rows checks the rest (`read_bytes`, `check_file`) or, where that would read far more than is asked
for, the pages that are read (`read_rows`). Arrow is loaded by what reads more than a footer's facts.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pmc15m.errors import DamageError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_KEY = "pmc15m"
_START, _FOOTER = b'{"fingerprint": ', b'"footer_sha256": "'
_ZEROS = b"0" * 64
_TAIL = 65_536  # bytes; nearly every footer is shorter
_END = 8  # bytes: the length of the footer, and Parquet's magic


def stamp(writer: pq.ParquetWriter, made_from: str, facts: Mapping[str, Any]) -> None:
    """Put a fingerprint and other facts into the footer of a file that is being written, with room for digests."""
    digests = {"body_sha256": _ZEROS.decode(), "footer_sha256": _ZEROS.decode()}
    writer.add_key_value_metadata({_KEY: json.dumps({"fingerprint": made_from, **facts, **digests})})


def seal(path: Path) -> None:
    """Write the digests into a stamped file."""
    with path.open("r+b") as file:
        footer = bytearray(_read_footer(file))
        start = path.stat().st_size - len(footer)
        file.seek(0)
        for name, digest in ((b'"body_sha256": "', _digest(file, start)), (_FOOTER, "")):
            place = footer.rindex(name) + len(name)
            footer[place : place + 64] = (digest or hashlib.sha256(footer).hexdigest()).encode()
        file.seek(start)
        file.write(footer)


def read_stamp(path: Path) -> dict[str, Any]:
    """What `stamp` noted: `fingerprint`, other facts, digests. Raises `DamageError`, `FileNotFoundError`."""
    with path.open("rb") as file:
        return _stamp(path, _read_footer(file))


def check_file(path: Path) -> None:
    """Re-read a file. Raises `DamageError` where any byte is not as it was written, and `FileNotFoundError`."""
    with path.open("rb") as file:
        footer = _read_footer(file)
        file.seek(0)
        _compare(path, footer, _digest(file, path.stat().st_size - len(footer)))


def read_bytes(path: Path) -> pa.Buffer:
    """All bytes of a file, checked. Raises `DamageError`, `FileNotFoundError`."""
    import pyarrow as pa

    content = path.read_bytes()
    footer = content[max(0, len(content) - _END - int.from_bytes(content[-_END:-4], "little")) :]
    _compare(path, footer, hashlib.sha256(memoryview(content)[: len(content) - len(footer)]).hexdigest())
    return pa.py_buffer(content)


def body_digest(content: pa.Buffer) -> str:
    """The sha256 of all that stands before the footer of a file, given its bytes."""
    view = memoryview(content)
    return hashlib.sha256(view[: len(view) - _END - int.from_bytes(view[-_END:-4], "little")]).hexdigest()


def read_metadata(path: Path) -> pq.FileMetaData:
    """The footer of a file, checked: what its columns are, where they lie, their statistics. Raises as `read_stamp`."""
    import pyarrow.parquet as pq

    read_stamp(path)
    return pq.read_metadata(path)


def read_rows(path: Path, columns: Sequence[str] | None = None, groups: Sequence[int] | None = None) -> pa.Table:
    """Some columns of some row groups of a file; the footer is checked, and the pages that are read.

    Raises `DamageError`, `FileNotFoundError`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    read_stamp(path)
    file = pq.ParquetFile(path, page_checksum_verification=True)
    try:
        return file.read_row_groups(range(file.num_row_groups) if groups is None else groups, columns=columns)
    except (OSError, pa.ArrowException):
        raise DamageError(path, "has other bytes than were written") from None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `verify` re-reads: what it is called, the file to note where it is damaged, and what is wrong."""

    name: str
    path: Path
    complaints: Callable[[], Sequence[str]]

    @classmethod
    def of_file(cls, name: str, *paths: Path) -> Check:
        """The check of a file of ours, and of what stands beside it; the first one is noted."""
        return cls(name, paths[0], lambda: [harm for path in paths if (harm := _harm(path)) is not None])


def _harm(path: Path) -> str | None:
    try:
        check_file(path)
    except FileNotFoundError:
        return f"{path.name} is missing"
    except DamageError as error:
        return f"{path.name} {error.what}"
    return None


def _read_footer(file: BinaryIO) -> bytes:
    """The footer with its length and magic; whatever is there where these are damaged."""
    size = os.fstat(file.fileno()).st_size
    tail = os.pread(file.fileno(), _TAIL, max(0, size - _TAIL))
    length = min(size, _END + int.from_bytes(tail[-_END:-4], "little"))
    return tail[-length:] if length <= len(tail) else os.pread(file.fileno(), length, size - length)


def _stamp(path: Path, footer: bytes) -> dict[str, Any]:
    place = footer.rfind(_FOOTER) + len(_FOOTER)
    stated = footer[place : place + 64]
    if hashlib.sha256(footer[:place] + _ZEROS + footer[place + 64 :]).hexdigest().encode() != stated:
        raise DamageError(path, "is cut, damaged, or not of this version")
    found: dict[str, Any] = json.loads(footer[footer.rindex(_START) : place + 66])
    return found


def _compare(path: Path, footer: bytes, body_sha256: str) -> None:
    if _stamp(path, footer)["body_sha256"] != body_sha256:
        raise DamageError(path, "has other bytes than were written")


def _digest(file: BinaryIO, size: int) -> str:
    """sha256 of the next `size` bytes."""
    sha, left = hashlib.sha256(), size
    while left and (block := file.read(min(left, 1 << 20))):
        sha.update(block)
        left -= len(block)
    return sha.hexdigest()
