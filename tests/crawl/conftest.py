"""A small bucket on loopback, and a workspace to crawl it into."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pmc15m.config import load_config
from pmc15m.crawl.catalog import index
from pmc15m.crawl.crawler import crawl
from pmc15m.demo import Bucket, Server, generate, serve
from pmc15m.engine.stage import Execution
from pmc15m.errors import ExitCode
from pmc15m.workspace import Workspace

FAST = (
    *("crawl.articles_per_shard=10", "crawl.min_free_bytes=0", "network.requests_per_s=0", "network.connections=8"),
    *("network.backoff_s=0.001", "network.read_timeout_s=0.3", "network.attempts=8", "network.object_deadline_s=5"),
)


@dataclass(frozen=True)
class Place:
    """A workspace and the source that it is filled from."""

    workspace: Workspace
    source: str

    def index(self, *settings: str, accept_removals: bool = False) -> ExitCode:
        config = load_config(None, [*FAST, f"source={self.source}", *settings])
        return index(self.workspace, config, accept_removals=accept_removals)

    def crawl(self, *settings: str, shard: tuple[int, int] = (0, 1), retry_failed: bool = False) -> ExitCode:
        config = load_config(None, [*FAST, f"source={self.source}", *settings])
        return crawl(self.workspace, config, Execution(shard=shard, retry_failed=retry_failed))

    def rows(self, **wanted: Any) -> list[dict[str, Any]]:
        """Rows of all raw indexes with the given values."""
        parts = [pq.read_table(path).replace_schema_metadata(None) for path in self.workspace.parts("raw")]
        found = pa.concat_tables(parts).to_pylist() if parts else []
        return [row for row in found if all(row[name] == value for name, value in wanted.items())]

    def article(self, pmcid: str, version: int = 1) -> dict[str, Any]:
        """The row of an article version that counts."""
        rows = self.rows(role="article", pmcid=pmcid, version=version)
        (row,) = [row for row in rows if row["status"] != "superseded"]
        return row

    def digests(self) -> dict[str, str]:
        """Every file of the raw shards and the plan."""
        raw = self.workspace.root / "raw"
        files = [path for path in sorted(raw.rglob("*")) if path.is_file()]
        return {str(path.relative_to(raw)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="session")
def pmc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bucket's folder: one article of each shape."""
    root = tmp_path_factory.mktemp("pmc") / "bucket"
    generate(root, articles=60, figure_px=96, plain=True)
    return root


@pytest.fixture
def bucket(pmc: Path) -> Bucket:
    """The bucket; changes to it end with the test."""
    return Bucket.open(pmc)


@pytest.fixture
def server(bucket: Bucket) -> Iterator[Server]:
    with serve(bucket) as server:
        yield server


@pytest.fixture
def place(tmp_path: Path, server: Server) -> Place:
    return Place(Workspace(tmp_path / "workspace"), server.url)


@pytest.fixture
def another_place(tmp_path: Path) -> Callable[[str, str], Place]:
    def make(name: str, source: str) -> Place:
        return Place(Workspace(tmp_path / name), source)

    return make


@pytest.fixture(scope="session")
def undisturbed(pmc: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A workspace after one crawl without faults."""
    with serve(pmc) as server:
        place = Place(Workspace(tmp_path_factory.mktemp("undisturbed")), server.url)
        place.index()
        assert place.crawl() is ExitCode.COMPLETE
    return place


@pytest.fixture
def crawled(place: Place, undisturbed: Place) -> Place:
    """The workspace after such a crawl."""
    place.index()
    shutil.copytree(undisturbed.workspace.root / "raw", place.workspace.root / "raw")
    return place
