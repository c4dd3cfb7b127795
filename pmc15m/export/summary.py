"""What stands beside the training shards: sizes, attribution, data card, and the machine's summary."""

import csv
import json
from collections.abc import Sequence
from typing import Any

import duckdb

from pmc15m.checksum import check_file
from pmc15m.export.card import data_card
from pmc15m.export.columns import EXPORTED, SAMPLE
from pmc15m.export.croissant import croissant
from pmc15m.export.folder import write_split
from pmc15m.export.funnel import Funnel
from pmc15m.export.layout import Layout
from pmc15m.export.order import Order
from pmc15m.export.release import write_release
from pmc15m.export.shards import SPLITS, Shard
from pmc15m.query.connection import read_files
from pmc15m.workspace import atomic, read_facts, read_part

_ATTRIBUTION = """
    SELECT pmcid, version, doi, pmid, title, array_to_string(authors, '; ') AS authors, journal,
           year(pub_date) AS year, citation, licence_code, licence_url, copyright_statement
    FROM articles SEMI JOIN (FROM exported WHERE export_status = 'success') USING (pmcid, version)
    ORDER BY pmcid, version
"""


def write_summary(
    connection: duckdb.DuckDBPyConnection,
    layout: Layout,
    order: Order,
    columns: Sequence[str],
    funnel: Funnel,
    shards: Sequence[Shard],
    made_from: str,
) -> None:
    """Write what is said of all shards together, `attribution.csv`, `README.md` and, last, `export.json`."""
    for shard in shards:
        check_file(layout.rows(shard))  # DuckDB does not look at checksums
    if shards:
        read_files(connection, map(layout.rows, shards)).create_view("exported")
    else:
        connection.register("exported", EXPORTED.empty_table())

    def counts(
        expression: str, condition: str = "export_status = 'success'", counted: str = "count(*)"
    ) -> dict[Any, int]:
        asked = f"SELECT {expression} AS what, {counted} FROM exported WHERE {condition} GROUP BY 1 ORDER BY 1"
        return dict(connection.execute(asked).fetchall())

    _write_attribution(connection, layout)
    others: list[str] = []
    if layout.format == "webdataset" and shards:
        others = [_write_sizes(layout, shards)]
    elif layout.is_foldered:
        for split in SPLITS:
            if of_split := [shard for shard in shards if shard.split == split]:
                samples = (_samples(layout, shard, order) for shard in of_split)
                others += write_split(layout.folder, layout.format, split, samples, order.recipe, columns)
    facts: dict[str, Any] = {
        "fingerprint": made_from,
        "order": order.as_facts(),
        "recipe": order.recipe.name,
        "format": layout.format,
        "samples": counts("split"),
        "articles": counts("1", "export_status = 'success'", "count(DISTINCT pmcid)").get(1, 0),
        "levels": counts("level"),
        "licences": counts("coalesce(licence_code, 'none')"),
        "languages": counts("coalesce(language, language_guess, 'und')"),
        "years": {str(year): count for year, count in counts("year").items() if year is not None},
        "kinds": counts("coalesce(image_kind, 'not known')"),
        "licence_urls": [url for url in counts("licence_url") if url is not None],
        "newest": str(max((day for day in counts("released") if day is not None), default="")),
        "conversions": counts("if(export_conversion = 'published', 'published', 'cut or re-encoded')"),
        "failed": counts("export_reason", "export_status = 'failed'"),
        "funnel": funnel.as_rows(),
        "shards": {str(layout.data(shard).relative_to(layout.folder)): _described(layout, shard) for shard in shards},
    }
    with atomic(layout.folder / "README.md") as temporary:
        temporary.write_text(data_card(order, columns, facts), encoding="utf-8")
    with atomic(layout.folder / "croissant.json") as temporary:
        temporary.write_text(croissant(order, columns, facts), encoding="utf-8")
    write_release(connection, layout, shards)
    layout.write_summary(facts, ["README.md", "croissant.json", "attribution.csv", "manifest.json", *others])


def _write_attribution(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    answer = connection.execute(_ATTRIBUTION)
    with (
        atomic(layout.folder / "attribution.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(column[0] for column in answer.description or ())
        while rows := answer.fetchmany(10_000):
            writer.writerows(rows)


def _samples(layout: Layout, shard: Shard, order: Order) -> list[dict[str, Any]]:
    """The samples of a shard, with all columns and the `path` of their picture below the split's folder."""
    rows = (row for row in read_part(layout.rows(shard)).to_pylist() if row["export_status"] == "success")
    return [
        order.sample(row, SAMPLE.names) | {"path": f"{shard.name}/{row['pair_key']}.{row['export_extension']}"}
        for row in rows
    ]


def _described(layout: Layout, shard: Shard) -> Any:
    """Size and sha256 of a shard, as noted when it was written."""
    return (read_facts(layout.rows(shard)) or {})["data"]


def _write_sizes(layout: Layout, shards: Sequence[Shard]) -> str:
    sizes = {}
    for shard in shards:
        statuses = read_part(layout.rows(shard), columns=["export_status"])["export_status"]
        sizes[layout.data(shard).name] = statuses.to_pylist().count("success")
    with atomic(layout.sizes) as temporary:
        temporary.write_text(json.dumps(sizes, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return str(layout.sizes.relative_to(layout.folder))
