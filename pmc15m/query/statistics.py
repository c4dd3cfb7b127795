"""The numbers of a workspace: the answers to the questions that ship, as text, as JSON and for the report."""

import io
import json as json_lines
from collections.abc import Mapping

import duckdb
import pyarrow as pa

from pmc15m.manifests import named_queries
from pmc15m.query.connection import connect, query_error
from pmc15m.query.output import plain_rows, write_table
from pmc15m.workspace import Workspace

# What `stats` and the report say, in their order.
QUESTIONS = (
    "funnel",
    "drops",
    "published",
    "licences",
    "licence_rules",
    "licences_by_year",
    "years",
    "journals",
    "article_types",
    "languages",
    "figure_kinds",
    "image_kinds",
    "modalities",
    "modalities_by_licence",
    "kinds_by_modality",
    "image_sizes",
    "caption_lengths",
    "caption_histogram",
    "tokens",
    "mentions",
    "caption_duplicates",
    "caption_groups",
    "duplicates",
    "panels_per_figure",
    "separations",
    "alignment",
    "splits",
    "flags",
)

Answers = Mapping[str, pa.Table]


def answers(connection: duckdb.DuckDBPyConnection) -> Answers:
    """Every question's answer, by name; afterwards the connection's `drops` stay as they were counted.

    Raises `UsageError` where a part cannot be read.
    """
    try:
        # The funnel is made of the drops: counted once for both.
        connection.execute("CREATE TEMP TABLE counted_drops AS FROM drops")
        connection.execute("CREATE OR REPLACE VIEW drops AS FROM counted_drops")
        return {name: connection.sql(named_queries()[name].sql).to_arrow_table() for name in QUESTIONS}
    except duckdb.Error as error:
        raise query_error(error) from None


def stats(workspace: Workspace, json: bool = False) -> str:
    """The numbers as text, or as one JSON object: question → rows."""
    workspace.require_data()
    with connect(workspace) as connection:
        found = answers(connection)
    if json:
        return json_lines.dumps({name: plain_rows(table) for name, table in found.items()}, ensure_ascii=False)
    blocks = []
    for name, table in found.items():
        if table.num_rows:
            stream = io.StringIO()
            write_table(table.to_reader(), stream)
            blocks.append(f"{named_queries()[name].title}\n\n{stream.getvalue()}")
    return "\n".join(blocks).rstrip("\n")
