"""The bytes of one object with their digests: in memory, or in an unnamed file where they are many."""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

IN_MEMORY = 4 << 20
_BLOCK = 1 << 20


class NoRoom(Exception):
    """The disk does not take what arrives: no fault of the object, and the end of the run."""


class _Spill:
    """An unnamed file: it is gone with the process, however that ends."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def __del__(self) -> None:
        self.file.close()


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that were read to their end."""

    size: int
    md5: str
    sha256: str
    _held: bytes | bytearray | _Spill

    @classmethod
    def of(cls, data: bytes | bytearray) -> "Content":
        """The content of bytes at hand."""
        return cls(len(data), hashlib.md5(data).hexdigest(), hashlib.sha256(data).hexdigest(), data)

    def head(self, count: int) -> bytes:
        """The first bytes."""
        return bytes(next(self.blocks(count), b"")[:count])

    def read(self) -> bytes:
        """All bytes; ask only where `size` is known to be small."""
        return bytes(self._held) if isinstance(self._held, bytes | bytearray) else b"".join(self.blocks())

    def blocks(self, size: int = _BLOCK) -> Iterator[bytes | bytearray]:
        """The bytes in pieces; the whole at once where it lies in memory."""
        if isinstance(self._held, bytes | bytearray):
            yield self._held
            return
        self._held.file.seek(0)
        while block := self._held.file.read(size):
            yield block

    def save(self, path: Path) -> None:
        """Write the bytes to a file."""
        with path.open("wb") as file:
            for block in self.blocks():
                file.write(block)

    def open(self) -> BinaryIO:
        """The bytes as a file, which lives as long as this content."""
        if isinstance(self._held, bytes | bytearray):
            return io.BytesIO(self._held)
        self._held.file.seek(0)
        return self._held.file


class Receiver:
    """Takes an object piece by piece and hashes it on the way; beyond `IN_MEMORY` it moves to a file in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory = bytearray()
        self._spill: _Spill | None = None
        self._md5, self._sha256 = hashlib.md5(), hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes | memoryview) -> None:
        """Take the next bytes. Raises `NoRoom`."""
        self._md5.update(piece)
        self._sha256.update(piece)
        self.size += len(piece)
        if self.size <= IN_MEMORY:
            self._memory += piece
            return
        with self._on_disk():
            if self._spill is None:
                self._spill = _Spill(tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115 (closed with its content)
                self._spill.file.write(self._memory)
                self._memory = bytearray()
            self._spill.file.write(piece)

    @contextmanager
    def _on_disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise NoRoom(f"cannot write to {self._folder}: {error.strerror}") from None

    def content(self) -> Content:
        """What was received. Raises `NoRoom`."""
        if self._spill is not None:
            with self._on_disk():
                self._spill.file.flush()
        return Content(self.size, self._md5.hexdigest(), self._sha256.hexdigest(), self._spill or self._memory)
