"""Fetching many small objects: CPU per object against the clients people use, and what all of PMC would take.

    python -m benchmarks.fetch [--objects 6000] [--size 61440] [--connections 32] [--rounds 3]

Every client gets the same objects from the same server on loopback and does the same work: the md5 checked, the
bytes appended to one tar, synced. Ours is the crawler itself, from a catalog to a finished raw shard, with what it
does besides: retries and deadlines, sha256, journal, Parquet index. Peers that are not installed are left out.
"""

import argparse
import hashlib
import importlib.util
import io
import json
import os
import queue
import random
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa

from pmc15m.config import Config, CrawlConfig, NetworkConfig
from pmc15m.crawl.crawler import Crawler
from pmc15m.crawl.ledger import read_ledger
from pmc15m.crawl.plan import extend_plan
from pmc15m.crawl.planned import read_plan
from pmc15m.crawl.select import Condition, MetadataCondition
from pmc15m.schema import CATALOG
from pmc15m.sources.check import checked
from pmc15m.sources.model import ArticleStatus, FetchTask, Role, StoredArticle, StoredObject
from pmc15m.sources.stores import HttpStore
from pmc15m.workspace import Workspace, write_part

OBJECTS_AN_ARTICLE = 7  # 1 JSON + 1 XML + 5 pictures
ALL_OF_PMC = 8_200_000  # article versions in the bucket, September 2026


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

    def identifiers(self, scratch: Path) -> None:
        return None

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
        Crawler(workspace, config, source, MetadataCondition(Condition()), ledger, todo).run()
        source.close()


class _Tar:
    """What every peer does with a body: md5, tar, sync every 100 objects."""

    def __init__(self, path: str) -> None:
        self._raw = open(path, "wb")  # noqa: SIM115 (closed below)
        self._tar = tarfile.open(fileobj=self._raw, mode="w|", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        self._count = 0

    def add(self, body: bytes, md5: str) -> None:
        assert hashlib.md5(body).hexdigest() == md5
        info = tarfile.TarInfo(f"o{self._count:06d}.jpg")
        info.size = len(body)
        self._tar.addfile(info, io.BytesIO(body))
        self._count += 1
        if self._count % 100 == 0:
            self._sync()

    def close(self) -> None:
        self._tar.close()
        self._sync()
        self._raw.close()

    def _sync(self) -> None:
        self._raw.flush()
        os.fsync(self._raw.fileno())


def _threaded(get: Callable[[str], bytes], urls: list[str], md5s: list[str], path: str, connections: int) -> None:
    """Threads and one bounded queue."""
    tar, todo, lock = _Tar(path), iter(enumerate(urls)), threading.Lock()
    arrived: queue.Queue[tuple[int, bytes] | None] = queue.Queue(4 * connections)

    def work() -> None:
        while True:
            with lock:
                item = next(todo, None)
            if item is None:
                arrived.put(None)
                return
            arrived.put((item[0], get(item[1])))

    for _ in range(connections):
        threading.Thread(target=work, daemon=True).start()
    left = connections
    while left:
        if (found := arrived.get()) is None:
            left -= 1
        else:
            tar.add(found[1], md5s[found[0]])
    tar.close()


def with_requests(urls: list[str], md5s: list[str], path: str, connections: int) -> None:
    """requests, one session with a pool, threads."""
    import requests

    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=connections))
    _threaded(lambda url: session.get(url, timeout=30).content, urls, md5s, path, connections)


def with_urllib3(urls: list[str], md5s: list[str], path: str, connections: int) -> None:
    """urllib3, one pool, threads."""
    import urllib3

    pool = urllib3.PoolManager(maxsize=connections, num_pools=1)
    _threaded(lambda url: pool.request("GET", url).data, urls, md5s, path, connections)


def with_aiohttp(urls: list[str], md5s: list[str], path: str, connections: int) -> None:
    """aiohttp, one event loop."""
    import asyncio

    import aiohttp

    async def main() -> None:
        tar, todo = _Tar(path), iter(enumerate(urls))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:

            async def work() -> None:
                for position, url in todo:
                    async with session.get(url) as answer:
                        tar.add(await answer.read(), md5s[position])

            await asyncio.gather(*[work() for _ in range(connections)])
        tar.close()

    asyncio.run(main())


CLIENTS = {"pmc15m": pmc15m, "requests": with_requests, "urllib3": with_urllib3, "aiohttp": with_aiohttp}


def _measure(client: str, folder: Path, url: str, connections: int) -> None:
    """In a process of its own: fetch everything, print CPU, wall time and peak memory."""
    md5s = json.loads((folder / "md5.json").read_text(encoding="ascii"))
    urls = [f"{url}/objects/o{number:06d}.jpg" for number in range(len(md5s))]
    if client in ("requests", "urllib3", "aiohttp"):
        __import__(client)
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    CLIENTS[client](urls, md5s, str(folder / "out.tar"), connections)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"cpu": cpu, "wall": wall, "mib": after.ru_maxrss / 1024}))


def main() -> None:
    """Make the objects, serve them, measure each client in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=6000)
    parser.add_argument("--size", type=int, default=61_440)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--client", nargs=3, metavar=("NAME", "FOLDER", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        name, place, url = options.client
        _measure(name, Path(place), url, options.connections)
        return
    clients = [name for name in CLIENTS if name == "pmc15m" or importlib.util.find_spec(name)]
    results: dict[str, list[dict[str, float]]] = {name: [] for name in clients}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "bucket" / "objects").mkdir(parents=True)
        dice, md5s = random.Random(0), []
        for number in range(options.objects):
            body = dice.randbytes(options.size)
            (folder / "bucket" / "objects" / f"o{number:06d}.jpg").write_bytes(body)
            md5s.append(hashlib.md5(body).hexdigest())
        (folder / "md5.json").write_text(json.dumps(md5s), encoding="ascii")
        command = [sys.executable, "-m", "pmc15m.demo", "serve", "--root", str(folder / "bucket")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            for _ in range(options.rounds):
                for name in clients:
                    command = [sys.executable, "-m", "benchmarks.fetch", "--connections", str(options.connections)]
                    said = subprocess.run(
                        [*command, "--client", name, str(folder), url], check=True, stdout=subprocess.PIPE, text=True
                    )
                    results[name].append(json.loads(said.stdout))
            server.terminate()
    _report(results, options.objects)


def _report(results: dict[str, list[dict[str, float]]], objects: int) -> None:
    cpu = {name: statistics.median(run["cpu"] for run in runs) / objects * 1e3 for name, runs in results.items()}
    print(f"{'client':10} {'CPU ms/object':>13} {'ours/theirs':>11} {'objects/s':>9} {'MiB':>5}")
    for name, runs in results.items():
        rate = objects / statistics.median(run["wall"] for run in runs)
        mib = max(run["mib"] for run in runs)
        print(f"{name:10} {cpu[name]:13.3f} {cpu['pmc15m'] / cpu[name]:11.2f} {rate:9.0f} {mib:5.0f}")
    requests = ALL_OF_PMC * OBJECTS_AN_ARTICLE
    print(f"all of PMC: {requests / 1e6:.0f} M requests, {requests * cpu['pmc15m'] / 3.6e6:.1f} CPU hours of fetching;")
    for rate in (50, 200, 500):
        print(f"  at {rate:3} requests/s {requests / rate / 3600:6.0f} h = {requests / rate / 86_400:4.1f} days")


if __name__ == "__main__":
    main()
