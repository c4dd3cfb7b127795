"""Objects that an older shard already holds, by the md5 that the service states: they are not fetched again."""

import functools
import hashlib
import threading

import pyarrow as pa

from pmc15m.crawl.ledger import Ledger
from pmc15m.sources.content import Content
from pmc15m.workspace import Workspace, read_part, shard_name

_Places = dict[tuple[str, int, str], tuple[int, int, str]]  # (PMCID, version, md5) → offset, size, sha256


class OlderObjects:
    """The function of `FetchTask.stored`."""

    def __init__(self, workspace: Workspace, ledger: Ledger) -> None:
        self._workspace = workspace
        self._ledger = ledger
        self._lock = threading.Lock()
        self._places = functools.lru_cache(maxsize=4)(self._read_places)

    def __call__(self, pmcid: str, version: int, md5: str) -> Content | None:
        """The verified content, or None where no finished shard has it."""
        number = self._ledger.shard_of(pmcid, version)
        if number < 0:
            return None
        shard = shard_name(number)
        try:
            with self._lock:
                place = self._places(shard).get((pmcid, version, md5))
            if place is None:
                return None
            offset, size, sha256 = place
            data = self._workspace.read(shard, offset, size)
        except (OSError, pa.ArrowException):
            return None
        return Content.of(data) if hashlib.sha256(data).hexdigest() == sha256 else None

    def _read_places(self, shard: str) -> _Places:
        columns = ["pmcid", "version", "published_md5", "offset", "size", "sha256", "status"]
        rows = read_part(self._workspace.part("raw", shard), columns=columns).to_pylist()
        return {
            (row["pmcid"], row["version"], row["published_md5"]): (row["offset"], row["size"], row["sha256"])
            for row in rows
            if row["offset"] is not None and row["published_md5"] is not None
        }
