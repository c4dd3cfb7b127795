"""The objects below an address in a store (`s3://bucket/prefix`, `gs://`, `az://`), through obstore.

Whole objects are written under a condition: that there is none of that name yet, or that it is the one that was
read before. So of two that write the same object one is told, and nobody finds half of either.

Credentials are found by obstore where each store's own tools have them (environment, instance roles). They are given
in no address, and what obstore says of an error is told without addresses, as a signature may stand in one.
"""

import contextlib
import errno
import importlib.util
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pmc15m.errors import UsageError

SCHEMES = ("s3", "gs", "az")
_RETRIES: dict[str, Any] = {"max_retries": 6}  # with pauses of .1 s and more, doubled each time
_PAGE = 1_000  # of a listing: as many as S3 gives
_BLOCK = 8 << 20
_ADDRESS = re.compile(r"\S+://\S+")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")  # a word of the server's
_LONGEST = 300  # of what is told of an error


class Stored(NamedTuple):
    """An object that is there."""

    key: str
    size: int
    tag: str  # what tells it from what stood there before: its entity tag
    modified: datetime  # by the store's clock


def is_address(text: str) -> bool:
    """Whether a text names a place in a store, and no path."""
    return "://" in text


def checked_address(text: str) -> str:
    """The address of a store, without a slash at its end. Raises `UsageError`, which repeats no secret."""
    scheme, _, rest = text.partition("://")
    parts = urlsplit(text)
    if scheme.lower() not in SCHEMES:
        raise UsageError(f"no store is known by {scheme[:20]}://; there are {', '.join(f'{it}://' for it in SCHEMES)}")
    if "@" in parts.netloc or "?" in rest or "#" in rest:
        raise UsageError(
            f"an address of a store is {scheme}://bucket/prefix and no more; keys and tokens are taken from the "
            "environment, as the store's own tools take them"
        )
    if not parts.netloc or any(part in (".", "..") for part in parts.path.split("/")):
        raise UsageError(f"{text} is no {scheme}://bucket/prefix")
    if importlib.util.find_spec("obstore") is None:
        raise UsageError("a store needs obstore: pip install 'pmc15m[stores]'")
    return "/".join([f"{scheme.lower()}://{parts.netloc}", *filter(None, parts.path.split("/"))])


class Objects:
    """The objects below one address; keys begin there. All methods raise `OSError`, with no secret in it."""

    def __init__(self, address: str) -> None:
        from obstore.store import from_url

        self.address = address
        with self._telling(""):
            self._store: Any = from_url(address, retry_config=_RETRIES)  # type: ignore[call-overload]

    def listing(self, *, at_top: bool = False) -> Iterator[Stored]:
        """All objects, or those that lie in no folder."""
        import obstore

        with self._telling(""):
            pages = obstore.list(self._store, chunk_size=_PAGE)
            for page in [obstore.list_with_delimiter(self._store)["objects"]] if at_top else pages:
                yield from map(_stored, page)

    def head(self, key: str) -> Stored | None:
        """What is there by that name; None where nothing is."""
        try:
            with self._telling(key):
                return _stored(self._store.head(key))
        except FileNotFoundError:
            return None

    def get(self, key: str, path: Path) -> str:
        """Write an object into a file; its tag."""
        with self._telling(key):
            answer = self._store.get(key)
            with path.open("wb") as file:
                for block in answer.stream(min_chunk_size=_BLOCK):
                    file.write(block)
            return _tag(answer.meta)

    def blocks(self, key: str) -> Iterator[bytes]:
        """An object, block by block."""
        with self._telling(key):
            yield from map(bytes, self._store.get(key).stream(min_chunk_size=1 << 20))

    def folders(self, prefix: str) -> list[str]:
        """Names of the "folders" just below a prefix, sorted."""
        import obstore

        with self._telling(prefix):
            found = obstore.list_with_delimiter(self._store, prefix)["common_prefixes"]
            return sorted(name.rstrip("/").rpartition("/")[2] for name in found)

    def read(self, key: str, offset: int, size: int) -> bytes:
        """A piece of an object, with one request."""
        if size == 0:
            return b""
        with self._telling(key):
            return bytes(self._store.get_range(key, start=offset, length=size))

    def put(self, key: str, content: Path | bytes, before: str | None) -> str:
        """Write an object where there is none (`before` is None), or in the place of the one of that tag; its own tag.

        Where another one is found that has the same bytes, that is as good. `OSError` (EEXIST) where it has others.
        """
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        try:
            with self._telling(key):
                mode = "create" if before is None else self._version(key, before)
                return _tag(self._store.put(key, content, mode=mode))
        except (AlreadyExistsError, PreconditionError):
            there = self.head(key)
            if there is not None and self._is_same(there, content):
                return there.tag
        told = "was changed by somebody else meanwhile; run the same command again"
        raise FileExistsError(errno.EEXIST, told, f"{self.address}/{key}")

    def remove(self, key: str) -> None:
        """Remove an object; as good where there is none."""
        with contextlib.suppress(FileNotFoundError), self._telling(key):
            self._store.delete(key)

    def _version(self, key: str, tag: str) -> dict[str, str]:
        """What a store is told of the object that is to be replaced; Google's its generation, which no listing has.

        Raises `PreconditionError` where another one is found.
        """
        from obstore.exceptions import PreconditionError

        if not self.address.startswith("gs:"):
            return {"e_tag": tag}
        try:
            there = self._store.head(key)
        except FileNotFoundError:
            raise PreconditionError(key) from None
        if _tag(there) != tag:
            raise PreconditionError(key)
        return {"e_tag": tag, "version": there["version"]}

    def _is_same(self, there: Stored, content: Path | bytes) -> bool:
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        if there.size != size:
            return False
        if isinstance(content, bytes):
            return self.read(there.key, 0, size) == content
        with content.open("rb") as file:
            starts = range(0, size, _BLOCK)
            return all(self.read(there.key, start, min(_BLOCK, size - start)) == file.read(_BLOCK) for start in starts)

    @contextlib.contextmanager
    def _telling(self, key: str) -> Iterator[None]:
        """Tell of obstore's errors as `OSError`; a condition that was not met is the caller's."""
        from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

        place = f"{self.address}/{key}".rstrip("/")
        try:
            yield
        except (AlreadyExistsError, PreconditionError):
            raise
        except FileNotFoundError as error:
            told = "there is no such bucket" if "NoSuchBucket" in str(error) else "there is no such object"
            raise FileNotFoundError(errno.ENOENT, told, place) from None
        except (BaseError, ValueError, TypeError) as error:
            said = _ADDRESS.sub("…", re.split(r"\n|<\?xml", str(error))[0]).rstrip(": ")[:_LONGEST]
            if code := _CODE.search(str(error)):
                said += f": {code[1]}"
            raise OSError(errno.EIO, said, place) from None


def _stored(found: Any) -> Stored:
    return Stored(found["path"], found["size"], _tag(found), found["last_modified"])


def _tag(found: Any) -> str:
    """The entity tag of an object, in quotes: Azure's listings leave them out.

    What else obstore calls its version is told by some answers and not by others.
    """
    return '"{}"'.format((found["e_tag"] or "").strip('"'))
