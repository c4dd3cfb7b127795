"""The plan: which article version goes into which raw shard. Append-only, and a function of content alone.

A crawl that finds something new to fetch appends one file, `raw/plan/NNNNN.parquet`, named after its first shard: the
rows of the catalog that are to be fetched, in the order of their PMCIDs, with the number of their shard. Several
processes that start from the same catalog and selection find or write the same file.

A file belongs to one selection. When another selection is crawled before its shards are finished, they rest, and
are taken up again when the first selection is.

Every file is kept twice: what was planned when cannot be told from anything else.
"""

import dataclasses
import hashlib
import itertools
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pmc15m.config import Config, shareable
from pmc15m.crawl.ledger import KEY, Ledger, pmcid_numbers
from pmc15m.crawl.planned import FOLDER, PlanFile, read_plan
from pmc15m.crawl.select import Condition, catalog_conditions, ids_text, known_exclusions, locked_database, read_ids
from pmc15m.crawl.stream import BATCH, stream
from pmc15m.schema import CATALOG
from pmc15m.sources.model import ArticleStatus, Reason
from pmc15m.workspace import Workspace, keep_twice, part_writer, shard_name, shard_number

log = logging.getLogger(__name__)

_PLAN = pa.schema([pa.field("shard", pa.int32()), *CATALOG])
_MEMORY = "256MB"
_NAMED = 20  # asked ids that nothing has; the rest is counted

_Bools = npt.NDArray[np.bool_]


def extend_plan(
    workspace: Workspace,
    config: Config,
    condition: Condition,
    ledger: Ledger,
    scratch: Path,
    *,
    retried: tuple[str, ...] = (),
    is_cloud: bool = True,
) -> int:
    """Append what is selected and neither fetched nor planned; articles that ended as `retried` are planned again.

    Returns how many asked ids the catalog does not know; the log names them. Raises `UsageError` for a selection that
    cannot be.
    """
    files = read_plan(workspace)
    first = 1 + max([file.last for file in files] + [shard_number(shard) for shard in workspace.shards()], default=-1)
    needs = _Needs(workspace, config, condition, ledger, retried, files)
    with locked_database(memory=_MEMORY, spill=scratch) as database:
        database.register("catalog", stream(workspace.catalog))
        database.register("ids", read_ids(config.select, workspace.catalog))
        columns = ", ".join(CATALOG.names)
        chosen = f"SELECT {columns}, {KEY} AS key, hash(change_token) AS token FROM catalog"
        reader = database.sql(
            f"{chosen} WHERE {catalog_conditions(config.select, condition, is_cloud=is_cloud)}"
        ).to_arrow_reader(BATCH)
        by_pmcid = config.select.versions == "preferred"
        needed = _needed(reader, needs, by_pmcid=by_pmcid, limit=config.select.limit)
        count = _write(needed, workspace.part(FOLDER, shard_name(first)), first, config)
    if count:
        log.info("crawl: planned %s article versions", f"{count:,}")
    return _tell_unknown(workspace, config) if config.select.ids else 0


def _tell_unknown(workspace: Workspace, config: Config) -> int:
    """Name the ids of the user's file that no article of the catalog has. The number of these."""
    with locked_database(memory=_MEMORY) as database:
        database.register("listed", stream(workspace.catalog, ["pmcid", "pmid", "doi"]))
        database.register("ids", read_ids(config.select, workspace.catalog))
        known = "SELECT unnest([pmcid, pmid, lower(doi)]) AS id FROM listed"
        strangers = database.sql(f"SELECT DISTINCT id FROM ids ANTI JOIN ({known}) USING (id) ORDER BY id")
        unknown = [word for (word,) in strangers.fetchall()]
        [(asked,)] = database.sql("SELECT count(DISTINCT id) FROM ids").fetchall()
    log.info("crawl: %d of %d asked ids are in the catalog", asked - len(unknown), asked)
    if unknown:
        more = f" … and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        log.warning("crawl: these are not: %s%s", ", ".join(map(repr, unknown[:_NAMED])), more)
    return len(unknown)


def selection_of(config: Config) -> str:
    """A digest of what is asked for: the selection and what a shard holds of an article."""
    select, crawl = dataclasses.asdict(shareable(config).select) | {"ids": ""}, config.crawl  # their text counts
    facts = [select, ids_text(config.select), extras_of(config), crawl.max_object_bytes]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def extras_of(config: Config) -> tuple[str, ...]:
    """What is fetched beside the pictures of figures."""
    crawl = config.crawl
    wanted = {"table_images": crawl.table_images, "formula_images": crawl.formula_images}
    return tuple(name for name, is_wanted in wanted.items() if is_wanted)


class _Needs:
    """Says of article versions of the catalog whether they have to be fetched."""

    def __init__(
        self,
        workspace: Workspace,
        config: Config,
        condition: Condition,
        ledger: Ledger,
        retried: tuple[str, ...],
        files: list[PlanFile],
    ) -> None:
        self._known = ledger
        not_selected = (ArticleStatus.EXCLUDED.value, Reason.NOT_SELECTED.value)
        again: list[str | tuple[str, str | None]] = [ArticleStatus.REMOVED.value, *retried]
        again.append((ArticleStatus.EXCLUDED.value, Reason.BUDGET.value))
        if config.select.versions == "all":
            again.append((ArticleStatus.EXCLUDED.value, Reason.OTHER_VERSION.value))
        self._again = self._known.kinds_where(*again)
        self._excluded = self._known.kinds_where(not_selected)
        self._other_version = self._known.kinds_where((ArticleStatus.EXCLUDED.value, Reason.OTHER_VERSION.value))
        self._still_excluded = known_exclusions(workspace, condition) if self._excluded.any() else np.empty(0, np.int64)
        poorer = [file for file in files if not set(extras_of(config)) <= set(file.extras)]
        self._poorer = np.array([number for file in poorer for number in range(file.first, file.last + 1)], np.int32)
        self._pending = _pending(workspace, files, selection_of(config))

    def __call__(self, keys: npt.NDArray[np.int64], tokens: npt.NDArray[np.uint64]) -> _Bools:
        found, at = self._known.find(keys)
        needed: _Bools = ~found
        if len(self._known.keys):
            kinds = self._known.outcomes[at]
            changed = self._known.tokens[at] != tokens
            lacks = np.isin(self._known.shards[at], self._poorer)
            selected_now = self._excluded[kinds] & ~np.isin(keys, self._still_excluded)
            needed |= found & (self._again[kinds] | changed | lacks | selected_now)
        return needed & ~np.isin(keys, self._pending)

    def gave_way(self, keys: npt.NDArray[np.int64]) -> _Bools:
        """Which of them another version of their article was preferred to, when they were asked for last."""
        found, at = self._known.find(keys)
        if not len(self._known.keys):
            return found
        return found & self._other_version[self._known.outcomes[at]] & ~np.isin(keys, self._pending)


def _pending(workspace: Workspace, files: list[PlanFile], selection: str) -> npt.NDArray[np.int64]:
    """Keys that are planned for this selection in shards that are not finished."""
    finished = set(workspace.shards())
    keys = [np.empty(0, np.int64)]
    for file in files:
        unfinished = [shard_number(shard) for shard in file.shards if shard not in finished]
        if file.selection == selection and unfinished:
            with locked_database(memory=_MEMORY) as database:
                database.register("rows", stream(file.path, ["shard", "pmcid", "version"]))
                reader = database.sql(f"SELECT {KEY} AS key, shard FROM rows").to_arrow_reader(BATCH)
                keys += [batch["key"].to_numpy()[np.isin(batch["shard"].to_numpy(), unfinished)] for batch in reader]
    return np.sort(np.concatenate(keys))


def _needed(
    reader: pa.RecordBatchReader, needs: _Needs, *, by_pmcid: bool, limit: int
) -> Iterator[tuple[pa.Table, npt.NDArray[np.int64]]]:
    """The rows to fetch with a number that rows of one PMCID share, batch by batch.

    With `by_pmcid` the versions of a PMCID are judged together, because one of them is going to be preferred. Where
    all that are listed gave way to one that is listed no more, they are needed.
    `limit` counts PMCIDs then, else versions; 0 is none.
    """
    units = 0
    rest = reader.schema.empty_table()
    for batch in itertools.chain(reader, [None]):
        rows = rest if batch is None else pa.concat_tables([rest, pa.Table.from_batches([batch])])
        numbers = pmcid_numbers(rows["key"].to_numpy())
        if len(numbers) and (np.diff(rows["key"].to_numpy()) <= 0).any():
            raise AssertionError("the catalog is not in the order of its keys")
        # The last PMCID may go on in the next batch.
        whole = len(numbers) if batch is None else int(np.searchsorted(numbers, numbers[-1])) if len(numbers) else 0
        rest, rows, numbers = rows.slice(whole), rows.slice(0, whole), numbers[:whole]
        if not whole:
            continue
        needed = needs(rows["key"].to_numpy(), rows["token"].to_numpy())
        is_first = np.append(True, numbers[1:] != numbers[:-1])
        unit = units + (np.cumsum(is_first) if by_pmcid else np.arange(1, whole + 1))
        if by_pmcid:
            starts = np.flatnonzero(is_first)
            gave_way = needs.gave_way(rows["key"].to_numpy())
            is_needed = np.logical_or.reduceat(needed, starts) | np.logical_and.reduceat(gave_way, starts)
            needed = np.repeat(is_needed, np.diff(np.append(starts, whole)))
        units = int(unit[-1])
        if limit:
            needed &= unit <= limit
        if needed.any():
            yield rows.filter(pa.array(needed)), numbers[needed]
        if limit and units >= limit:
            return


def _write(needed: Iterator[tuple[pa.Table, npt.NDArray[np.int64]]], path: Path, first: int, config: Config) -> int:
    """Deal the rows to shards, versions of one PMCID to one shard. No file is written for no rows."""
    head = next(needed, None)
    if head is None:
        return 0
    count, last_number, start_of_last = 0, -1, 0
    with part_writer(path, _PLAN, selection_of(config), {"extras": extras_of(config)}) as writer:
        for rows, numbers in itertools.chain([head], needed):
            is_first = np.append(numbers[0] != last_number, numbers[1:] != numbers[:-1])
            position = np.arange(count, count + len(numbers))
            starts = np.maximum.accumulate(np.where(is_first, position, start_of_last))
            shards = (first + starts // config.crawl.articles_per_shard).astype(np.int32)
            count, last_number, start_of_last = count + len(numbers), int(numbers[-1]), int(starts[-1])
            columns = [pa.array(shards), *(rows[field.name].cast(field.type) for field in CATALOG)]
            writer.write_table(pa.table(columns, schema=_PLAN), row_group_size=BATCH)
    keep_twice(path)
    return count
