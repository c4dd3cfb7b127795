"""Parts in a store, as files that DuckDB reads where they lie: of each, the pieces that a query asks for."""

import io
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmc15m.mirror import Mirror

SCHEME = "workspace"  # of the paths that DuckDB asks for
_PIECE = 256 << 10  # bytes that are read at least: a footer, or a column of a small part


class _Pieces(io.RawIOBase):
    """An object as a file."""

    def __init__(self, mirror: "Mirror", key: str, size: int) -> None:
        self._mirror, self._key, self._size, self._place = mirror, key, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        size = max(0, min(len(buffer), self._size - self._place))
        buffer[:size] = self._mirror.objects.read(self._key, self._place, size)
        self._place += size
        return size


def stored_files(mirror: "Mirror") -> Any:
    """The file system of a workspace in a store, for `register_filesystem`; nothing in it can be written."""
    from fsspec import AbstractFileSystem

    class StoredFiles(AbstractFileSystem):  # type: ignore[misc]
        protocol = SCHEME
        cachable = False

        def _open(self, path: str, mode: str = "rb", **_: Any) -> io.BufferedReader:
            if mode != "rb":
                raise PermissionError("queries only read")
            found = self.info(path)
            return io.BufferedReader(_Pieces(mirror, found["name"], found["size"]), _PIECE)

        def info(self, path: str, **_: Any) -> dict[str, Any]:
            key = self._strip_protocol(path)
            return {"name": key, "size": (mirror.root / key).stat().st_size, "type": "file"}

        def glob(self, path: str, **_: Any) -> list[str]:
            folder, _, pattern = self._strip_protocol(path).rpartition("/")
            names = sorted(file.name for file in (mirror.root / folder).glob("*.parquet"))
            return [f"{folder}/{name}" for name in names if fnmatchcase(name, pattern)]

        def modified(self, path: str) -> datetime:
            return datetime.fromtimestamp((mirror.root / self._strip_protocol(path)).stat().st_mtime, UTC)

    return StoredFiles()
