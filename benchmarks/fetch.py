"""Fetching many small objects: CPU per object against the clients people use, and what all of PMC would take.

    python -m benchmarks.fetch [--objects 3000] [--size 61440] [--connections 32] [--rounds 3]

Every client gets the same objects from the same server on loopback and does the same work: the md5 checked, the
bytes appended to one tar, synced. Ours is the crawler itself, from a catalog to a finished raw shard, with what it
does besides: retries and deadlines, sha256, journal, Parquet index. Peers that are not installed are left out.
"""

import argparse
import hashlib
import http.server
import io
import json
import os
import queue
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa

from pmc15m.config import Config, CrawlConfig, NetworkConfig
from pmc15m.crawl.crawler import Crawler
from pmc15m.crawl.ledger import read_ledger
from pmc15m.crawl.plan import extend_plan, read_plan
from pmc15m.crawl.select import Condition, MetadataCondition
from pmc15m.schema import CATALOG
from pmc15m.sources.check import checked
from pmc15m.sources.model import ArticleStatus, FetchTask, Role, StoredArticle, StoredObject
from pmc15m.sources.stores import HttpStore
from pmc15m.workspace import Workspace, write_part

OBJECTS_AN_ARTICLE = 7  # 1 JSON + 1 XML + 5 pictures
ALL_OF_PMC = 8_200_000  # article versions in the bucket, September 2026
TLS_MS = 0.03  # estimate: AES-GCM of 60 KB


class _Objects:
    """A source whose articles are `OBJECTS_AN_ARTICLE` objects each: no JATS, only bytes."""

    name = "objects"

    def __init__(self, store: HttpStore, urls: list[str], md5s: list[str]) -> None:
        self._store, self._urls, self._md5s = store, urls, md5s

    def fetch(self, task: FetchTask) -> list[StoredArticle]:
        (wanted,) = task.versions
        start = (int(wanted.pmcid[3:]) - 1) * OBJECTS_AN_ARTICLE
        objects = task.each(self._one, range(start, min(start + OBJECTS_AN_ARTICLE, len(self._urls))))
        return [
            StoredArticle(
                pmcid=wanted.pmcid, version=1, status=ArticleStatus.COMPLETE, change_token="", objects=tuple(objects)
            )
        ]

    def _one(self, position: int) -> StoredObject:
        key, md5 = urlsplit(self._urls[position]).path[1:], self._md5s[position]
        content = self._store.get(key, limit=1 << 30, md5=md5)
        return checked(Role.MEDIA, key.rpartition("/")[2], content, md5)

    def snapshot(self) -> str:
        return ""

    def listing(self, scratch: Path) -> pa.RecordBatchReader:
        raise NotImplementedError

    def stop(self) -> None:
        self._store.stop()

    def close(self) -> None:
        self._store.close()


def pmc15m(urls: list[str], md5s: list[str], tar_path: str, connections: int) -> None:
    """The crawler, from URLs to a finished raw shard beside `tar_path`."""
    base = urlsplit(urls[0])
    with tempfile.TemporaryDirectory(dir=Path(tar_path).parent) as folder:
        workspace, scratch = Workspace(Path(folder)), Path(folder)
        network = NetworkConfig(requests_per_s=0, connections=connections)
        config = Config(network=network, crawl=CrawlConfig(articles_per_shard=len(urls), min_free_bytes=0))
        articles = range(1, -(-len(urls) // OBJECTS_AN_ARTICLE) + 1)
        rows = [{"pmcid": f"PMC{n}", "version": 1, "change_token": "", "state": "listed"} for n in articles]
        write_part(workspace.catalog, pa.Table.from_pylist(rows, schema=CATALOG), "")
        source = _Objects(HttpStore(f"{base.scheme}://{base.netloc}", network, scratch), urls, md5s)
        ledger = read_ledger(workspace)
        extend_plan(workspace, config, Condition(), ledger, scratch)
        todo = [(shard, file) for file in read_plan(workspace) for shard in file.shards]
        Crawler(workspace, config, source, MetadataCondition(Condition()), ledger).run(todo)
        source.close()
