"""`crawl`: the selected articles, fetched by several threads, written by one, shard by shard."""

import dataclasses
import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from pmc15m.config import Config
from pmc15m.crawl.catalog import scratch_folder
from pmc15m.crawl.crawled import is_crawled, note_crawled
from pmc15m.crawl.interrupt import Interruption
from pmc15m.crawl.ledger import Ledger, read_ledger
from pmc15m.crawl.media import XmlReader
from pmc15m.crawl.older import OlderObjects
from pmc15m.crawl.plan import extend_plan, selection_of
from pmc15m.crawl.planned import PlanFile, count_articles, read_articles, read_plan, restore_plan
from pmc15m.crawl.pool import Pool
from pmc15m.crawl.repair import reopen_damaged
from pmc15m.crawl.room import Ending, Room
from pmc15m.crawl.select import MetadataCondition, read_condition
from pmc15m.crawl.settle import settle
from pmc15m.crawl.shard import FAILURES, TAR_END, GrowingShard, count_ends, tar_size
from pmc15m.crawl.status import count_catalog
from pmc15m.crawl.turns import Job, Turns
from pmc15m.crawl.watch import Watch
from pmc15m.engine.progress import Progress
from pmc15m.engine.stage import Execution
from pmc15m.errors import ExitCode, Pmc15mError
from pmc15m.schema import TABLES
from pmc15m.sources import Source, open_source
from pmc15m.sources.bucket import BucketSource
from pmc15m.sources.content import NoRoom
from pmc15m.sources.model import ArticleStatus, Facts, FetchTask, Reason, Stopped, StoredArticle, Wanted
from pmc15m.workspace import Workspace, atomic, in_order, read_part, remove, shard_name, shard_number

log = logging.getLogger(__name__)

_GRACE_S = 3.0  # for what is in flight, after an interruption


def crawl(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
    """Fetch what is selected and not there yet. Raises `SourceError`, `UsageError`."""
    count_catalog(workspace)  # it is there
    restore_plan(workspace)
    reopen_damaged(workspace, execution)
    with scratch_folder(workspace) as scratch, closing(open_source(_share(config, execution), scratch)) as source:
        return _crawl(workspace, config, execution, source, scratch)


def _crawl(workspace: Workspace, config: Config, execution: Execution, source: Source, scratch: Path) -> ExitCode:
    is_cloud = source.name == BucketSource.name
    if is_crawled(workspace, config, is_cloud=is_cloud) and not execution.retry_failed:
        _remember(workspace, config)
        log.info("crawl: nothing to do")
        return _code(workspace, Ending.DONE)
    ledger = read_ledger(workspace)
    keep_all = config.select.versions == "all"
    if settle(workspace, ledger, keep_all=keep_all):
        ledger = read_ledger(workspace)
    ledger = ledger.last()
    if 0 < config.crawl.max_bytes < stored_bytes(workspace) + left_out_bytes(workspace, ledger):
        for shard, _ in _todo(workspace, config, execution):
            if GrowingShard.is_begun(workspace, shard):
                GrowingShard(workspace, shard).discard()
        return _code(workspace, Ending.BUDGET)
    condition = read_condition(config.select.where)
    retried = FAILURES if execution.retry_failed else ()
    unknown = extend_plan(workspace, config, condition, ledger, scratch, retried=retried, is_cloud=is_cloud)
    _remember(workspace, config)
    _remove_strays(workspace)
    ending, todo = Ending.DONE, _todo(workspace, config, execution)
    if todo:
        ending = Crawler(workspace, config, source, MetadataCondition(condition), ledger, todo).run()
        settle(workspace, read_ledger(workspace), keep_all=keep_all)
    else:
        log.info("crawl: nothing to do")
    if unknown:
        return max(_code(workspace, ending), ExitCode.INCOMPLETE)
    if ending is Ending.DONE and execution.processes == 1:
        note_crawled(workspace, config, is_cloud=is_cloud)
    return _code(workspace, ending)


def stored_bytes(workspace: Workspace) -> int:
    """Bytes of all finished tars."""
    return sum(workspace.tar(shard).stat().st_size for shard in workspace.shards())


def left_out_bytes(workspace: Workspace, ledger: Ledger) -> int:
    """What the article needs at which the last budget ended; 0 where none did."""
    by_budget = ledger.kinds_where((ArticleStatus.EXCLUDED.value, Reason.BUDGET.value))[ledger.outcomes]
    if not by_budget.any():
        return 0
    path = workspace.part("raw", shard_name(int(ledger.shards[by_budget].max())))
    rows = read_part(path, columns=["size", "reason"])
    return int(rows["size"][rows["reason"].index(Reason.BUDGET.value).as_py()].as_py())


def _code(workspace: Workspace, ending: Ending) -> ExitCode:
    if ending is not Ending.DONE:
        log.warning("crawl: stopped, because %s; the same command goes on where there is room", ending.value)
    ends = count_ends(workspace, workspace.shards())
    failures = sum(count for (status, _), count in ends.items() if status in FAILURES)
    if failures:
        log.warning("crawl: %d articles are not complete; `pmc15m crawl --retry-failed` takes just those", failures)
    return ExitCode.INCOMPLETE if failures or ending is not Ending.DONE else ExitCode.COMPLETE


def _share(config: Config, execution: Execution) -> Config:
    """The politeness of one of n processes: together they keep the limits."""
    count = execution.processes
    network = config.network
    limited = dataclasses.replace(
        network,
        requests_per_s=network.requests_per_s / count,
        connections=max(1, network.connections // count),
    )
    return dataclasses.replace(config, network=limited)


def _unexpected(wanted: Wanted, error: Exception) -> StoredArticle:
    """The end of an article over which our own code failed; `--retry-failed` takes it again."""
    log.error("crawl: %s.%d cannot be taken: %.300r", *wanted.key, error)
    return wanted.failed(Reason.UNEXPECTED_ERROR)


def _remember(workspace: Workspace, config: Config) -> None:
    """Note which selection is being crawled, for `status`."""
    path = workspace.root / "raw" / "selection"
    text = selection_of(config) + "\n"
    if not path.exists() or path.read_bytes() != text.encode():  # bytes: a damaged one may be no text
        with atomic(path) as temporary:
            temporary.write_text(text, encoding="ascii")


def _remove_strays(workspace: Workspace) -> None:
    """Remove what was made from shards that are neither there nor planned: their raw folder was lost with its plan."""
    known = {*workspace.shards(), *(shard for file in read_plan(workspace) for shard in file.shards)}
    strays = [
        workspace.part(table, shard) for table in TABLES for shard in workspace.shards(table) if shard not in known
    ]
    for path in strays:
        remove(path)
    if strays:
        log.warning("crawl: removed %d parts of shards that are no more, %s among them", len(strays), strays[0])


def _todo(workspace: Workspace, config: Config, execution: Execution) -> list[tuple[str, PlanFile]]:
    finished, selection = set(workspace.shards()), selection_of(config)
    return [
        (shard, file)
        for file in read_plan(workspace)
        if file.selection == selection
        for shard in file.shards
        if shard not in finished and execution.takes(shard)
    ]


class Crawler:
    """One crawl: jobs go out in the order of the plan, results come back in any, one thread writes."""

    def __init__(
        self,
        workspace: Workspace,
        config: Config,
        source: Source,
        condition: MetadataCondition,
        ledger: Ledger,
        todo: Sequence[tuple[str, PlanFile]],
    ) -> None:
        self._workspace, self._config, self._source, self._ledger = workspace, config, source, ledger
        self._condition, self._todo = condition, todo
        self._read_xml = XmlReader(config.crawl)
        self._stored = OlderObjects(workspace, ledger)
        self._pool: Pool[Job] = Pool(config.network.connections, self._fetch)
        self._in_flight = 0
        self._interruption = Interruption(self._pool.wake)
        self._progress = Progress("crawl", total=count_articles(todo), unit="article")
        self._watch = Watch(self._progress)
        self._turns = Turns()
        self._room = Room(workspace.root, config.crawl, stored_bytes(workspace))
        self._growing: dict[str, GrowingShard] = {}
        self._orders: dict[str, list[Wanted]] = {}  # of the growing shards

    def run(self) -> Ending:
        """Fetch all there is to do. Raises `SourceError`, and `KeyboardInterrupt` within seconds."""
        try:
            with self._interruption, self._progress:
                self._fetch_all()
            if self._room.ending is Ending.BUDGET:
                self._cut()
            return self._room.ending
        except BaseException:
            self._abandon()
            raise
        finally:
            self._pool.close()
            for growing in self._growing.values():
                growing.close()

    def _fetch_all(self) -> None:
        self._room.look(at_disk=True)
        for job in self._jobs():
            self._pool.submit(job)
            self._in_flight += 1
            while self._in_flight >= 2 * self._pool.size:
                self._collect()
            if not self._room.is_left:
                break
        while self._in_flight:
            self._collect()

    def _jobs(self) -> Iterator[Job]:
        numbers = itertools.count()
        for shard, file in self._todo:
            if not self._room.is_left:
                return
            order = [wanted for wanted in read_articles(file, shard) if not self._is_elsewhere(wanted, shard)]
            growing = self._growing[shard] = GrowingShard(self._workspace, shard)
            self._orders[shard] = order
            self._room.take(growing.size)
            self._watch.found(len(growing.articles))
            for _, versions in itertools.groupby(order, key=lambda wanted: wanted.pmcid):
                group = tuple(versions)
                if any(wanted.key not in growing.articles for wanted in group):
                    yield Job(next(numbers), shard, group)
            self._finish_if_whole(shard)

    def _is_elsewhere(self, wanted: Wanted, shard: str) -> bool:
        """Whether a later shard, planned for another selection, has the article meanwhile."""
        return self._ledger.shard_of(wanted.pmcid, wanted.version) > shard_number(shard)

    def _fetch(self, job: Job) -> list[StoredArticle]:
        task = FetchTask(
            versions=job.versions,
            keep_all=self._config.select.versions == "all",
            is_selected=self._is_selected,
            read_xml=self._read_xml,
            stored=self._stored,
            each=self._pool.each,
        )
        try:
            return self._source.fetch(task)
        except (Stopped, Pmc15mError, NoRoom):
            raise
        except Exception as error:  # one odd article does not end the crawl of all
            return [_unexpected(wanted, error) for wanted in job.versions]

    def _is_selected(self, wanted: Wanted, facts: Facts) -> bool:
        return self._condition({**wanted.row, **{key: value for key, value in facts.items() if value is not None}})

    def _collect(self) -> None:
        """Wait for one result, and write what is due."""
        self._interruption.raise_if_noted()
        result = self._pool.result()
        if result is None:
            return
        self._in_flight -= 1
        job, articles, error = result
        if isinstance(error, NoRoom):
            self._stop_writing(str(error))
            return
        if error is not None:
            raise error
        self._turns.add(job, articles)
        for due in self._turns.due():
            self._write(*due)

    def _write(self, job: Job, articles: Sequence[StoredArticle]) -> None:
        """Add articles to their shard. Written out of turn, they are put in order when the shard is whole."""
        if self._room.ending in (Ending.DISK, Ending.UNWRITABLE):
            return
        growing, wanted = self._growing[job.shard], {version.key: version for version in job.versions}
        for article in articles:
            if article.key not in growing.articles:
                before = growing.size
                try:
                    growing.add(article)
                except OSError as error:
                    self._stop_writing(f"cannot write shard {job.shard}: {error.strerror}")
                    return
                except Exception as error:
                    growing.add(_unexpected(wanted[article.key], error))
                self._room.take(growing.size - before)
                self._watch.add(article)
        self._room.look(at_disk=not self._in_flight)
        self._finish_if_whole(job.shard)

    def _finish_if_whole(self, shard: str) -> None:
        growing, order = self._growing.get(shard), self._orders[shard]
        if growing is None or len(growing.articles) < len(order) or not self._room.is_left:
            return
        if all(wanted.key in growing.articles for wanted in order):
            self._finish(shard)

    def _finish(self, shard: str) -> None:
        try:
            self._growing[shard].finish([wanted.key for wanted in self._orders[shard]])
        except OSError as error:
            self._stop_writing(f"cannot write shard {shard}: {error.strerror}")
        else:
            del self._growing[shard], self._orders[shard]

    def _stop_writing(self, cause: str) -> None:
        log.error("crawl: %s", cause)
        self._room.ending = Ending.UNWRITABLE

    def _cut(self) -> None:
        """Finish what the budget allows, counted in the order of the plan: what was fetched beyond it is dropped.

        Jobs went out in that order, so everything before the cut is there, whatever came back first.
        """
        growing = in_order(self._growing)
        used = self._room.bytes - sum(self._growing[shard].size for shard in growing)
        is_cut = False
        for shard in growing:
            if is_cut:
                self._growing.pop(shard).discard()
                continue
            order, articles = self._orders[shard], self._growing[shard].articles
            used += TAR_END
            for position, wanted in enumerate(order):
                need = tar_size(articles[wanted.key])
                if used + need > self._config.crawl.max_bytes:
                    for left_out in order[position:]:
                        self._growing[shard].leave_out(left_out, Reason.BUDGET, need)
                    is_cut = True
                    break
                used += need
            self._finish(shard)

    def _abandon(self) -> None:
        """After an interruption: stop asking, keep what comes back at once, leave the rest to the next crawl."""
        self._source.stop()
        give_up = time.monotonic() + _GRACE_S
        while self._in_flight and (left := give_up - time.monotonic()) > 0:
            if (result := self._pool.result(left)) is not None:
                self._in_flight -= 1
                job, articles, error = result
                if error is None:
                    self._turns.add(job, articles)
        for waiting in self._turns.rest():
            self._write(*waiting)
