"""What stands beside the training shards: sizes, attribution, data card, and the machine's summary."""

import csv
import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from pmc15m.checksum import check_file
from pmc15m.export.card import data_card
from pmc15m.export.layout import Layout
from pmc15m.export.plan import SPLITS, Shard
from pmc15m.export.recipes import Funnel, Recipe
from pmc15m.query.connection import read_files
from pmc15m.workspace import atomic, read_part

_ATTRIBUTION = """
    SELECT pmcid, version, doi, pmid, title, array_to_string(authors, '; ') AS authors, journal,
           year(pub_date) AS year, citation, licence_code, licence_url, copyright_statement
    FROM articles SEMI JOIN (SELECT * FROM exported WHERE export_status = 'success') USING (pmcid, version)
    ORDER BY pmcid, version
"""


def write_summary(
    connection: duckdb.DuckDBPyConnection,
    layout: Layout,
    recipe: Recipe,
    order: Mapping[str, Any],
    funnel: Funnel,
    shards: Sequence[Shard],
    made_from: str,
) -> None:
    """Write `sizes.json` a split, `attribution.csv`, `README.md` and, last, `export.json`."""
    for shard in shards:
        check_file(layout.rows(shard))  # DuckDB does not look at checksums
    nothing = "SELECT *, '' AS export_status FROM pairs LIMIT 0"
    exported = read_files(connection, map(layout.rows, shards)) if shards else connection.sql(nothing)
    exported.create_view("exported")

    def counts(expression: str, condition: str = "export_status = 'success'") -> dict[str, int]:
        return dict(
            connection.execute(
                f"SELECT {expression} AS what, count(*) FROM exported WHERE {condition} GROUP BY 1 ORDER BY 1"
            ).fetchall()
        )

    _write_attribution(connection, layout)
    sizes = _write_sizes(layout, shards) if layout.format == "webdataset" else []
    facts: dict[str, Any] = {
        "fingerprint": made_from,
        "order": order,
        "recipe": recipe.name,
        "format": layout.format,
        "samples": counts("split"),
        "levels": counts("level"),
        "licences": counts("coalesce(licence_code, 'none')"),
        "failed": counts("export_reason", "export_status = 'failed'") if shards else {},
        "funnel": funnel.as_rows(),
    }
    with atomic(layout.folder / "README.md") as temporary:
        temporary.write_text(data_card(recipe, facts), encoding="utf-8")
    layout.write_summary(facts, ["README.md", "attribution.csv", *sizes])


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


def _write_sizes(layout: Layout, shards: Sequence[Shard]) -> list[str]:
    written = []
    for split in SPLITS:
        sizes = {}
        for shard in shards:
            if shard.split == split:
                statuses = read_part(layout.rows(shard), columns=["export_status"])["export_status"]
                sizes[layout.data(shard).name] = statuses.to_pylist().count("success")
        if sizes:
            with atomic(layout.sizes(split)) as temporary:
                temporary.write_text(json.dumps(sizes, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            written.append(str(layout.sizes(split).relative_to(layout.folder)))
    return written
