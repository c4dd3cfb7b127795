"""What can be looked at, in memory: where each row lies, and the narrow columns to choose and sort by.

A row takes some 30 bytes; captions, keys and pixels stay in the workspace. Rows are also counted once into a cube (one
row a combination of values, without journals), which is hundreds of times smaller: every facet under every choice is
then a matter of milliseconds, whatever the number of pairs.
"""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from pmc15m.browse.condition import refuse_all_but_a_condition
from pmc15m.browse.marks import Verdict
from pmc15m.browse.selection import FACETS, STEPS, Order, Selection, View, quoted, words_test
from pmc15m.engine.progress import Progress
from pmc15m.errors import UsageError
from pmc15m.query import connect, query_error
from pmc15m.workspace import Workspace, shard_name, shard_number

MEMORY_LIMIT = "800MB"  # DuckDB's own; the process with its pictures stays below 1.5 GB
SECONDS = 20.0  # that one answer may take
PATIENCE_S = 3.0  # after which a search shows what it has found so far
_BATCH = 64 << 20  # bytes of parts that are read at a time
_SEPARATOR = "|"  # in no flag and no modality
_JOURNALS = 12  # of the facet
_KEPT = 2  # searches that stay in memory
_REMEMBERED = 1000  # selections that were counted

# Every row of `pairs`, with what became of its picture.
_PAIRS = """
SELECT pairs.*, pairs.file_row_number AS row, 0 AS graphic, pixels.status, NULL::VARCHAR AS reason,
  alignment_score AS certainty
FROM {pairs} AS pairs LEFT JOIN {pixels} AS pixels USING (image_key)"""

# Every figure with each of its pictures, and what became of both.
_FIGURES = """
SELECT figures.* EXCLUDE (status, reason), figures.file_row_number AS row, figures.caption AS text,
  coalesce(images.graphic_index, 0) AS graphic, NULL::VARCHAR AS level,
  CASE WHEN figures.status <> 'ok' THEN 'unusable' WHEN images.status IS NULL THEN 'no_picture'
    WHEN images.status <> 'ok' THEN 'not_stored' ELSE coalesce(pixels.status, 'not_yet_split') END AS status,
  coalesce(figures.reason, images.reason, pixels.reason) AS reason,
  images.image_key, images.format, parse_filename(figures.filename, true) AS shard,
  pixels.* EXCLUDE (status, reason, image_key, kind, filename, file_row_number), pixels.kind AS image_kind,
  articles.*, pairs.split, pairs.flags, pairs.modalities, panels.certainty
FROM {figures} AS figures LEFT JOIN {images} AS images USING (figure_key)
  LEFT JOIN {pixels} AS pixels USING (image_key)
  LEFT JOIN (SELECT image_key, min(alignment_score) AS certainty FROM {panels} GROUP BY 1) AS panels USING (image_key)
  LEFT JOIN (SELECT image_key, split, flags, modalities FROM {pairs} WHERE level = 'figure') AS pairs USING (image_key)
  LEFT JOIN (SELECT pmcid AS article, version AS article_version, title AS article_title, journal, licence_code,
      licence_group, year(pub_date) AS year FROM {articles}) AS articles
    ON article = figures.pmcid AND article_version = figures.version"""

_SOURCES: Mapping[View, str] = {View.PAIRS: _PAIRS, View.FIGURES: _FIGURES}
_TABLES = ("articles", "figures", "images", "pixels", "panels", "pairs")

# The enumerated columns of the index, a byte or two a row, and the columns that hold their values.
_SETS = {name: f"array_to_string({facet.column}, '{_SEPARATOR}')" for name, facet in FACETS.items() if facet.is_set}
_ENUMERATED: Mapping[str, Sequence[tuple[str, str]]] = {
    "status": [("pixels", "status")],
    "reason": [("figures", "reason"), ("images", "reason"), ("pixels", "reason")],
    "level": [("pairs", "level")],
    "licence": [("pairs", "licence_code"), ("articles", "licence_code")],
    "kind": [("pairs", "image_kind"), ("pixels", "kind")],
    "modality": [("pairs", _SETS["modality"])],
    "split": [("pairs", "split")],
    "flag": [("pairs", _SETS["flag"])],
    "journal": [("pairs", "journal"), ("articles", "journal")],
    "mark": [],
}
_VALUES = ("", "unusable", "no_picture", "not_stored", "not_yet_split", *Verdict)  # that no table holds
_COLUMNS = {"kind": "image_kind", "licence": "licence_code", "mark": "NULL", **_SETS}
_INDEXED = (
    "SELECT shard::UINTEGER AS shard, row::UINTEGER AS row, graphic::USMALLINT AS graphic, "
    "(hash(pmcid) >> 32)::UINTEGER AS article, year::USMALLINT AS year, certainty::FLOAT AS certainty, "
    + ", ".join(f"{_COLUMNS.get(name, name)}::{name}_values AS {name}" for name in _ENUMERATED)
)
_STEP = STEPS.format("certainty")
_CUBED = ", ".join([*(name for name in FACETS if name not in ("certainty", "journal")), f"{_STEP} AS certainty"])

# Where the rows with some keys lie, and each one's mark.
_MARKED: Mapping[View, str] = {
    View.PAIRS: """
SELECT parse_filename(filename, true) AS shard, file_row_number AS row, 0 AS graphic, mark
FROM {pairs} JOIN given ON key = pair_key""",
    View.FIGURES: """
SELECT parse_filename(figures.filename, true) AS shard, figures.file_row_number AS row,
  coalesce(graphic_index, 0) AS graphic, mark
FROM {figures} AS figures LEFT JOIN {images} AS images USING (figure_key)
  JOIN given ON key = coalesce(image_key, figure_key)""",
}
_SAME = " AND ".join(f"{{0}}.{name} = changed.{name}" for name in ("shard", "row", "graphic"))


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a row lies: its shard, the row of the part, and which of the figure's pictures (from 0)."""

    shard: int
    row: int
    graphic: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows a selection has, by facet and value too: each facet as if nothing of it were chosen."""

    total: int
    facets: Mapping[str, Sequence[tuple[str, int]]]
    searched: float
    """Share of the rows that were looked through for words or a condition."""


@dataclass(slots=True)
class _Search:
    """The rows found so far, and the batches of shards that are still to be looked through."""

    table: str
    left: list[list[int]]
    batches: int

    @property
    def searched(self) -> float:
        return 1 - len(self.left) / self.batches if self.batches else 1.0


class Index:
    """The index of a workspace, and a connection to ask. Threads may share one."""

    def __init__(self, workspace: Workspace) -> None:
        """Read the narrow columns of every part. Raises `UsageError` where a part cannot be read."""
        self.workspace = workspace
        self.connection = connect(workspace, memory_limit=MEMORY_LIMIT)
        self._shards = {table: workspace.shards(table) for table in _TABLES}
        self._searches: dict[tuple[View, str, str], _Search] = {}
        self._marks: Mapping[str, str] = {}
        self._changes = 0  # of the marks
        self._lock = threading.Lock()
        self._losing = threading.Lock()
        self._has_lost = False
        try:
            self._enumerate()
            self.sizes = {view: self._fill(view) for view in View}
        except duckdb.Error as error:
            raise query_error(error) from None
        self._counted: dict[tuple[object, ...], Counts] = {}

    def close(self) -> None:
        """Free the memory."""
        self.connection.close()

    def counts(self, selection: Selection) -> Counts:
        """How many rows, by facet. Raises `UsageError`."""
        table, searched = self._narrowed(selection)
        choices = tuple((name, selection.chosen[name]) for name in FACETS if name in selection.chosen)
        known = (table, choices, searched, self._changes)
        if known not in self._counted:
            if len(self._counted) >= _REMEMBERED:
                self._counted.clear()
            self._counted[known] = Counts(*self._count(selection.view, choices, table), searched)
        return self._counted[known]

    def select(self, selection: Selection, count: int, start: int = 0) -> list[Place]:
        """The places of some rows, in the selection's order; no search goes on for it. Raises `UsageError`."""
        table, _ = self._narrowed(selection, go_on=False)
        order = {
            Order.STORED: "",
            Order.WORST: "ORDER BY certainty NULLS LAST, shard, row, graphic",
            Order.RANDOM: f"ORDER BY hash(shard, row, graphic, {selection.seed}), shard, row, graphic",
        }[selection.order]
        tests = " AND ".join(self._tests(selection.chosen.items())) or "true"
        query = f"SELECT shard, row, graphic FROM {table} WHERE {tests} {order} LIMIT {count} OFFSET {start}"
        return [Place(**row) for row in self.ask(query)]

    def rows_by_shard(self, selection: Selection) -> list[tuple[int, str]]:
        """Each shard of a selection, and SQL of its rows' numbers. Raises `UsageError` before all was searched."""
        table, searched = self._narrowed(selection, go_on=False)
        if searched < 1:
            raise UsageError(f"only {searched:.0%} of the rows are looked through yet; let the search go on first")
        tests = " AND ".join(self._tests(selection.chosen.items())) or "true"
        shards = [row["shard"] for row in self.ask(f"SELECT DISTINCT shard FROM {table} WHERE {tests} ORDER BY 1")]
        return [(shard, f"SELECT row FROM {table} WHERE shard = {shard} AND {tests}") for shard in shards]

    def take_marks(self, marks: Mapping[str, str]) -> None:
        """Verdicts by key, from now on all that counts. Raises `UsageError`."""
        with self._lock:
            before = self._marks
            if marks == before:
                return
            changed = {key: marks.get(key) for key in {**before, **marks} if marks.get(key) != before.get(key)}
            with self._cursor() as cursor:
                cursor.begin()
                for view in View:
                    self._mark(cursor, view, changed)
                cursor.commit()
            self._marks = dict(marks)
            self._changes += 1

    def _mark(self, cursor: duckdb.DuckDBPyConnection, view: View, changed: Mapping[str, str | None]) -> None:
        """Change the marks of a view's rows, and of the cube what they change in it."""
        articles = sorted({key.partition("_")[0] for key in changed})
        hashes = "SELECT (hash(unnest($articles::VARCHAR[])) >> 32)::UINTEGER"
        near = f"SELECT DISTINCT shard FROM rows_{view} WHERE article IN ({hashes}) ORDER BY 1"
        shards = [shard for (shard,) in cursor.execute(near, {"articles": articles}).fetchall()]
        places = _MARKED[view].format(**{table: self.parts(table, shards) for table in _TABLES})
        cursor.execute(
            "CREATE TEMP TABLE changed AS WITH given AS "
            "(SELECT unnest($keys::VARCHAR[]) AS key, unnest($marks::VARCHAR[]) AS mark) "
            "SELECT shard::UINTEGER AS shard, row::UINTEGER AS row, graphic::USMALLINT AS graphic, "
            f"mark::mark_values AS mark FROM ({places})",
            {"keys": [*changed], "marks": [*changed.values()]},
        )
        rows = f"rows_{view} SEMI JOIN changed USING (shard, row, graphic)"
        count = f"INSERT INTO cube_{view} SELECT {_CUBED}, {{}} FROM {rows}"
        cursor.execute(count.format(-1))
        for table in (f"rows_{view}", *(search.table for known, search in self._searches.items() if known[0] is view)):
            cursor.execute(_marking(table, "changed"))
        cursor.execute(count.format(1))
        cursor.execute(f"DELETE FROM marked_{view} USING changed WHERE {_SAME.format(f'marked_{view}')}")
        cursor.execute(f"INSERT INTO marked_{view} FROM changed")
        cursor.execute("DROP TABLE changed")

    def lost_articles(self) -> str:
        """The table of the view `lost_articles`: joined once, when it is first asked for, however long that takes."""
        with self._losing, self.connection.cursor() as cursor:
            if not self._has_lost:
                try:
                    cursor.execute("CREATE TABLE articles_lost AS FROM lost_articles")
                except duckdb.Error as error:
                    raise query_error(error) from None
                self._has_lost = True
        return "articles_lost"

    def shards_of(self, pmcid: str) -> list[int]:
        """The shards with rows of an article; by a hash, so that a stranger's may be among them."""
        arms = " UNION ".join(
            f"SELECT shard FROM rows_{view} WHERE article = (hash($pmcid::VARCHAR) >> 32)::UINTEGER" for view in View
        )
        return [row["shard"] for row in self.ask(f"{arms} ORDER BY 1", pmcid=pmcid)]

    def parts(self, table: str, shards: Iterable[int]) -> str:
        """SQL of the rows of a table in some shards, with `filename` and `file_row_number`."""
        there = set(self._shards.get(table, ()) or self.workspace.shards(table))
        paths = [self.workspace.part(table, name).resolve() for name in map(shard_name, shards) if name in there]
        if not paths:
            return f"(SELECT *, '' AS filename, 0 AS file_row_number FROM {table} WHERE false)"
        listed = ", ".join(quoted(re.sub(r"([*?\[])", r"[\1]", str(path))) for path in paths)
        return f"read_parquet([{listed}], filename = true, file_row_number = true, hive_partitioning = false)"

    def ask(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of an answer. Raises `UsageError`, also when it takes longer than `SECONDS`."""
        with self._cursor() as cursor:
            rows: list[dict[str, Any]] = cursor.sql(query, params=parameters or None).to_arrow_table().to_pylist()
        return rows

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.connection.cursor() as cursor:
            timer = threading.Timer(SECONDS, cursor.interrupt)
            timer.start()
            try:
                yield cursor
            except duckdb.InterruptException:
                raise UsageError(f"no answer within {SECONDS:g} seconds; ask for less") from None
            except duckdb.Error as error:
                raise query_error(error) from None
            finally:
                timer.cancel()

    def _do(self, statement: str) -> None:
        with self._cursor() as cursor:
            cursor.execute(statement)

    def _enumerate(self) -> None:
        self._values: dict[str, list[str]] = {}
        for name, columns in _ENUMERATED.items():
            arms = [f"SELECT DISTINCT {column} AS value FROM {table}" for table, column in columns]
            arms.append(f"SELECT unnest({[*map(str, _VALUES)]}) AS value")
            known = f"SELECT DISTINCT value FROM ({' UNION ALL '.join(arms)}) WHERE value IS NOT NULL ORDER BY 1"
            self.connection.execute(f"CREATE TYPE {name}_values AS ENUM ({known})")
            found = self.connection.execute(f"SELECT unnest(enum_range(NULL::{name}_values))").fetchall()
            self._values[name] = [value for (value,) in found]

    def _fill(self, view: View) -> int:
        """Make the view's rows and its cube; how many rows there are."""
        execute = self.connection.execute
        execute(f"CREATE TABLE rows_{view} AS {self._rows(view, [])} LIMIT 0")
        with Progress(f"browse: {view}", total=len(self._shards[view]), unit="part") as progress:
            for batch in self._batches(view):
                execute(f"INSERT INTO rows_{view} {self._rows(view, batch)}")
                progress.advance(len(batch))
        execute(f"CREATE TABLE cube_{view} AS SELECT {_CUBED}, count(*) AS n FROM rows_{view} GROUP BY ALL")
        execute(f"CREATE TABLE marked_{view} AS SELECT shard, row, graphic, mark FROM rows_{view} LIMIT 0")
        [(rows,)] = execute(f"SELECT count(*) FROM rows_{view}").fetchall()
        return int(rows)

    def _rows(self, view: View, batch: Sequence[int], tests: Sequence[str] = ()) -> str:
        """SQL of the index's rows of some shards that pass tests over the columns of `figures` or `pairs`."""
        source = _SOURCES[view].format(**{table: self.parts(table, batch) for table in _TABLES})
        return f"{_INDEXED} FROM ({source}) AS {view} WHERE true" + "".join(f" AND (\n{test}\n)" for test in tests)

    def _batches(self, view: View) -> list[list[int]]:
        """The view's shards in order, as many at a time as have a batch's bytes."""
        batches: list[list[int]] = []
        room = 0
        for shard in self._shards[view]:
            size = self.workspace.part(view, shard).stat().st_size
            if size > room or not batches:
                batches.append([])
                room = _BATCH
            batches[-1].append(shard_number(shard))
            room -= size
        return batches

    def _narrowed(self, selection: Selection, go_on: bool = True) -> tuple[str, float]:
        """The table with the rows that have the words and meet the condition, and the share that was looked through.

        A search that is not through after `PATIENCE_S` stops, and goes on when it is asked again to `go_on`.
        """
        view, words, where = selection.view, selection.words, selection.where
        if not words and not where:
            return f"rows_{view}", 1.0
        if where:
            with self.connection.cursor() as cursor:
                refuse_all_but_a_condition(cursor, view, where)
        tests = [words_test(words)] * bool(words) + [where] * bool(where)
        with self._lock:
            known = self._searches.pop((view, words, where), None)
            search = known or self._begin(view)
            until = time.monotonic() + PATIENCE_S
            try:
                while search.left and (go_on or known is None):
                    self._do(f"INSERT INTO {search.table} {self._rows(view, search.left[0], tests)}")
                    self._do(_marking(search.table, f"marked_{view}"))
                    del search.left[0]
                    if time.monotonic() > until:
                        break
            except UsageError:
                self._do(f"DROP TABLE {search.table}")
                raise
            self._searches[view, words, where] = search  # the latest is last
            for stale in list(self._searches)[:-_KEPT]:
                self._do(f"DROP TABLE {self._searches.pop(stale).table}")
            return search.table, search.searched

    def _begin(self, view: View) -> _Search:
        batches = self._batches(view)
        search = _Search(f"found_{time.monotonic_ns()}", batches, len(batches))
        self._do(f"CREATE TABLE {search.table} AS FROM rows_{view} LIMIT 0")
        return search

    def _tests(self, choices: Iterable[tuple[str, Sequence[str]]], cubed: bool = False) -> list[str]:
        """SQL over the index of what is chosen."""
        return [f"({' OR '.join(self._test(name, value, cubed) for value in values)})" for name, values in choices]

    def _test(self, name: str, value: str, cubed: bool) -> str:
        if FACETS[name].is_set:
            sets = [quoted(one) for one in self._values[name] if value in one.split(_SEPARATOR)]
            return f"{name} IN ({', '.join(sets)})" + f" OR {name} IS NULL" * (not value) if sets else "false"
        if not value:
            return f"{name} IS NULL"
        if name in self._values:
            return f"{name} = {quoted(value)}" if value in self._values[name] else "false"
        number = value if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value) else "NULL"  # the rest are numbers
        return f"{name if cubed or name != 'certainty' else _STEP} = {number}"

    def _count(
        self, view: View, choices: tuple[tuple[str, tuple[str, ...]], ...], table: str
    ) -> tuple[int, Mapping[str, Sequence[tuple[str, int]]]]:
        names = [name for name in FACETS if view in FACETS[name].views]
        chosen = {name for name, _ in choices}

        def arm(facet: str | None) -> str:
            """Rows by value, under what is chosen of all other facets; without a facet, all that is chosen counts."""
            others = [choice for choice in choices if choice[0] != facet]
            cubed = table == f"rows_{view}" and "journal" not in {facet, *(name for name, _ in others)}
            tests = " AND ".join(self._tests(others, cubed)) or "true"
            found = table if facet == "journal" else "of_journals"
            source, n = (f"cube_{view}", "sum(n)") if cubed else (found, "count(*)")
            value = "NULL" if facet is None else _STEP if facet == "certainty" and not cubed else facet
            limit = f"ORDER BY n DESC, value LIMIT {_JOURNALS}" if facet == "journal" else ""
            grouped = f"SELECT {value} AS value, {n} AS n FROM {source} WHERE {tests} GROUP BY 1 HAVING {n} > 0 {limit}"
            return f"SELECT {quoted(facet or '')} AS facet, value::VARCHAR AS value, n::BIGINT AS n FROM ({grouped})"

        counted: dict[str, Counter[str]] = {name: Counter() for name in names}
        total = 0
        journals = self._tests(choice for choice in choices if choice[0] == "journal")
        kept = "MATERIALIZED" if journals else "NOT MATERIALIZED"  # few rows, looked through once for all facets
        few = f"WITH of_journals AS {kept} (FROM {table} WHERE {' AND '.join(journals) or 'true'}) "
        for row in self.ask(few + " UNION ALL ".join(arm(facet) for facet in (None, *names))):
            if not row["facet"]:
                total += row["n"]
                continue
            value = row["value"] or ""
            values = value.split(_SEPARATOR) if FACETS[row["facet"]].is_set else [value]
            counted[row["facet"]].update(dict.fromkeys(values, row["n"]))
        for name, values in choices:
            counted[name].update(dict.fromkeys(values, 0))  # what is chosen can be taken back
        telling = {name: counts for name, counts in counted.items() if len(counts) > 1 or name in chosen}
        return total, {name: _arranged(name, counts) for name, counts in telling.items()}


def _marking(table: str, marked: str) -> str:
    """SQL that gives the rows of a table the marks of another."""
    return f"UPDATE {table} SET mark = changed.mark FROM {marked} AS changed WHERE {_SAME.format(table)}"


def _arranged(name: str, counts: Counter[str]) -> Sequence[tuple[str, int]]:
    """Years from the latest, certainties from the lowest, everything else from the commonest."""
    if name == "year":
        return sorted(counts.items(), reverse=True)
    return sorted(counts.items(), key=lambda item: (item[0] if name == "certainty" else -item[1], item[0]))
