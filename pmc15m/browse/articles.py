"""Articles: what was tried with each, where it ended, and the lists of those that were lost whole."""

from collections.abc import Sequence
from dataclasses import dataclass

from pmc15m.browse.cards import Row
from pmc15m.browse.index import Index
from pmc15m.browse.story import Step
from pmc15m.workspace import shard_number

PAGE = 100  # lost articles of a list
_OBJECTS = 200  # of an article that are shown
_NAMING = ("catalog", "raw", "articles")
_STEPS = {"fetched": "fetched", "parsed": "parsed", "with_figures": "with figures"}  # as in the view `lost_articles`


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of an article: its rows of `catalog` and `articles` ({} where there is none), and its way."""

    number: int
    listed: Row
    article: Row
    fetches: Sequence[Row]
    """Rows of `raw` with role article, superseded ones too, in the order of their shards."""
    objects: Sequence[Row]
    """What was asked for: rows of `raw` of all other roles."""
    steps: Sequence[Step]
    figures: Sequence[Row]


def versions(index: Index, pmcid: str) -> list[Version]:
    """All that the workspace knows of an article, the latest version first; [] where it knows nothing."""
    listed = _by_version(index, "catalog", "*", pmcid)
    raw = _by_version(index, "raw", "*, parse_filename(filename, true) AS shard", pmcid)
    articles = _by_version(index, "articles", "*", pmcid)
    figures = _by_version(index, "figures", 'figure_key, version, label, "order", status, reason', pmcid)
    lost = _by_version(index, index.lost_articles(), "*", pmcid)
    found = []
    for number in sorted(listed.keys() | raw.keys() | articles.keys(), reverse=True):
        rows = raw.get(number, [])
        found.append(
            Version(
                number=number,
                listed=listed.get(number, [{}])[0],
                article=articles.get(number, [{}])[0],
                fetches=[row for row in rows if row["role"] == "article"],
                objects=[row for row in rows if row["role"] != "article"][:_OBJECTS],
                steps=_steps(lost.get(number, [{}])[0]) if number in listed or rows else [],
                figures=figures.get(number, []),
            )
        )
    return found


def is_known(index: Index, pmcid: str) -> bool:
    """Whether the catalog, the raw shards or the articles name it."""
    tables = " UNION ALL ".join(f"SELECT pmcid FROM {table} WHERE pmcid = $pmcid" for table in _NAMING)
    return bool(index.ask(f"{tables} LIMIT 1", pmcid=pmcid))


def losses(index: Index) -> list[Row]:
    """How many articles were lost whole, by step and reason: {step, reason, n}, in the order of the steps."""
    order = f"list_position({list(_STEPS)}, step)"
    counted = f"SELECT step, reason, count(*) AS n FROM {index.lost_articles()} GROUP BY step, reason"
    return index.ask(f"FROM ({counted}) ORDER BY {order}, n DESC, reason")


def lost(index: Index, step: str, reason: str, start: int) -> list[Row]:
    """A page of the articles that one step lost for one reason: {pmcid, version, title}."""
    return index.ask(
        f"""SELECT pmcid, version, title FROM (
          SELECT pmcid, version FROM {index.lost_articles()} WHERE step = $step AND reason = $reason
          ORDER BY length(pmcid), pmcid, version LIMIT {PAGE} OFFSET {start}
        ) LEFT JOIN articles USING (pmcid, version) ORDER BY length(pmcid), pmcid, version""",
        step=step,
        reason=reason,
    )


def _by_version(index: Index, table: str, columns: str, pmcid: str) -> dict[int, list[Row]]:
    source = index.parts(table, map(shard_number, index.workspace.shards())) if table == "raw" else table
    rows: dict[int, list[Row]] = {}
    for row in index.ask(f"SELECT {columns} FROM {source} WHERE pmcid = $pmcid", pmcid=pmcid):
        rows.setdefault(row["version"], []).append(row)
    return rows


def _steps(lost: Row) -> list[Step]:
    """The way of an article up to the step that lost it."""
    names = [*_STEPS]
    if (step := lost.get("step")) is not None:
        names = names[: names.index(step) + 1]
    return [
        Step(name=_STEPS[name], is_passed=name != step, reason=lost["reason"] if name == step else None)
        for name in names
    ]
