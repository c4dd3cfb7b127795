"""`crawl`: the selected articles, fetched by several threads, written by one, shard by shard."""

import itertools
import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import pyarrow.parquet as pq

from pmc15m.config import Config
from pmc15m.crawl.catalog import scratch_folder
from pmc15m.crawl.media import XmlReader
from pmc15m.crawl.plan import Plan, extend_plan
from pmc15m.crawl.select import MetadataCondition, read_condition
from pmc15m.crawl.shard import GrowingShard
from pmc15m.crawl.tombstones import settle
from pmc15m.errors import ExitCode
from pmc15m.progress import Progress
from pmc15m.sources import Source, open_source
from pmc15m.sources.model import Facts, FetchTask, StoredArticle, Wanted
from pmc15m.stage import Execution
from pmc15m.workspace import Workspace

log = logging.getLogger(__name__)


def crawl(workspace: Workspace, config: Config, execution: Execution, *, retry_failed: bool = False) -> ExitCode:
    """Fetch what is selected and not there yet. Raises `SourceError`, `UsageError`."""
    settle(workspace)
    plan = extend_plan(workspace, config, retry_failed=retry_failed)
    finished = set(workspace.shards())
    todo = [(shard, path) for shard, path in plan.shards() if shard not in finished and execution.takes(shard)]
    if not todo:
        log.info("crawl: nothing to do")
    else:
        with scratch_folder(workspace) as scratch, closing(open_source(config, scratch)) as source:
            _Crawl(workspace, config, source, plan).run(todo)
        settle(workspace)
    return ExitCode.INCOMPLETE if has_failures(workspace) else ExitCode.COMPLETE


def has_failures(workspace: Workspace) -> bool:
    """Whether an article of a finished shard failed wholly or in part."""
    wanted = [("role", "=", "article"), ("status", "in", ["failed", "partial"])]
    return any(pq.read_table(path, columns=["status"], filters=wanted).num_rows for path in workspace.parts("raw"))


@dataclass(frozen=True, slots=True)
class _Job:
    shard: str
    versions: tuple[Wanted, ...]


class _Crawl:
    def __init__(self, workspace: Workspace, config: Config, source: Source, plan: Plan) -> None:
        self._workspace, self._config, self._source, self._plan = workspace, config, source, plan
        self._condition = MetadataCondition(read_condition(config.select.where))
        self._read_xml = XmlReader(config.crawl)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[_Job, list[StoredArticle] | BaseException]] = queue.SimpleQueue()
        self._growing: dict[str, GrowingShard] = {}
        self._orders: dict[str, list[tuple[str, int]]] = {}

    def run(self, todo: Sequence[tuple[str, object]]) -> None:
        threads = [
            threading.Thread(target=self._work, name=f"fetch-{number}", daemon=True)
            for number in range(self._config.network.connections)
        ]
        for thread in threads:
            thread.start()
        jobs = self._all_jobs(todo)
        running = 0
        try:
            with Progress("crawl", total=len(todo), unit="shard") as progress:
                self._progress = progress
                for job in jobs:
                    self._jobs.put(job)
                    running += 1
                    if running >= 2 * len(threads):
                        self._take_result()
                        running -= 1
                while running:
                    self._take_result()
                    running -= 1
        finally:
            for _ in threads:
                self._jobs.put(None)
            for shard in self._growing.values():
                shard.close()

    def _all_jobs(self, todo: Sequence[tuple[str, object]]) -> Iterator[_Job]:
        for shard, path in todo:
            articles = self._plan.articles(shard, path)  # type: ignore[arg-type]
            growing = GrowingShard(self._workspace, shard)
            self._growing[shard] = growing
            self._orders[shard] = [(wanted.pmcid, wanted.version) for wanted in articles]
            for _, versions in itertools.groupby(articles, key=lambda wanted: wanted.pmcid):
                group = tuple(versions)
                if any((wanted.pmcid, wanted.version) not in growing.articles for wanted in group):
                    yield _Job(shard, group)
            self._finish_if_whole(shard)

    def _take_result(self) -> None:
        job, result = self._results.get()
        if isinstance(result, BaseException):
            raise result
        for article in result:
            if (article.pmcid, article.version) not in self._growing[job.shard].articles:
                self._growing[job.shard].add(article)
        self._finish_if_whole(job.shard)

    def _finish_if_whole(self, shard: str) -> None:
        growing = self._growing.get(shard)
        if growing is not None and len(growing.articles) == len(self._orders[shard]):
            growing.finish(self._orders.pop(shard))
            del self._growing[shard]
            self._progress.advance()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._results.put((job, self._source.fetch(self._task(job))))
            except BaseException as error:
                self._results.put((job, error))

    def _task(self, job: _Job) -> FetchTask:
        return FetchTask(
            versions=job.versions,
            keep_all=self._config.select.versions == "all",
            is_selected=self._is_selected,
            read_xml=self._read_xml,
            stored=lambda pmcid, version, md5: None,
        )

    def _is_selected(self, wanted: Wanted, facts: Facts) -> bool:
        return self._condition({**wanted.row, **{key: value for key, value in facts.items() if value is not None}})
