"""The objects of a bucket: keys in byte order, bodies in memory or in files, S3's ETags."""

import hashlib
import os
import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

BUCKET_NAME = "pmc-oa-opendata"

# S3 gives objects that were uploaded in parts an ETag that is no md5; the bucket's films and TIFFs stand for them.
MULTIPART_KEYS = ("*.tif", "*.mp4")
EPOCH = datetime(2026, 9, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object: its bytes, or the file that holds them (read when asked for, never copied)."""

    body: bytes | Path
    last_modified: datetime

    def read(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else self.body.read_bytes()

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.body) if isinstance(self.body, bytes) else self.body.stat().st_size


class Bucket:
    """A mapping of keys to objects that behaves as S3 does: byte-ordered keys, prefixes instead of folders.

    Changes (`put`, `delete`) stay in memory; a folder that the bucket was opened on is never written to.
    All methods may be called from several threads.
    """

    def __init__(self) -> None:
        self._objects: dict[str, StoredObject] = {}
        self._etags: dict[str, str] = {}
        self._sorted: list[str] | None = None
        self._lock = threading.RLock()

    @classmethod
    def open(cls, root: Path) -> "Bucket":
        """A bucket over the files below `root`, whose relative paths are the keys."""
        if not root.is_dir():
            raise NotADirectoryError(f"no folder to serve as a bucket: {root}")
        bucket = cls()
        for folder, _, names in os.walk(root):
            for name in names:
                path = Path(folder, name)
                modified = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
                bucket.put(path.relative_to(root).as_posix(), path, modified)
        return bucket

    def write(self, root: Path) -> None:
        """Write every object to `root`/key, with its date as the file's, so that `open` gives the same bucket."""
        for key in self.keys():
            path = root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            stored = self[key]
            path.write_bytes(stored.read())
            seconds = stored.last_modified.timestamp()
            os.utime(path, (seconds, seconds))

    def put(self, key: str, body: bytes | Path, last_modified: datetime = EPOCH) -> None:
        with self._lock:
            if key not in self._objects:
                self._sorted = None
            self._objects[key] = StoredObject(body, last_modified)
            self._etags.pop(key, None)

    def delete(self, key: str) -> None:
        with self._lock:
            del self._objects[key]
            self._etags.pop(key, None)
            self._sorted = None

    def __getitem__(self, key: str) -> StoredObject:
        return self._objects[key]

    def __contains__(self, key: object) -> bool:
        return key in self._objects

    def keys(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """The keys that start with `prefix` and come after `after`, in the byte order of their UTF-8."""
        with self._lock:
            if self._sorted is None:
                self._sorted = sorted(self._objects, key=_byte_order)
            ordered = self._sorted
        start = bisect_left(ordered, max(prefix, after, key=_byte_order).encode(), key=_byte_order)
        for key in ordered[start:]:
            if not key.startswith(prefix):
                return
            if key != after:
                yield key

    def etag(self, key: str) -> str:
        """The ETag without its quotes: the md5, or for an object uploaded in parts the md5 of the parts' md5s
        and their number (docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html).
        """
        with self._lock:
            if key not in self._etags:
                body = self._objects[key].read()
                if any(fnmatchcase(key, pattern) for pattern in MULTIPART_KEYS):
                    half = len(body) // 2
                    parts = b"".join(hashlib.md5(part).digest() for part in (body[:half], body[half:]))
                    self._etags[key] = f"{hashlib.md5(parts).hexdigest()}-2"
                else:
                    self._etags[key] = hashlib.md5(body).hexdigest()
            return self._etags[key]


def _byte_order(key: str) -> bytes:
    return key.encode()
