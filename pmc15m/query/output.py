"""Answers as a table for people, Markdown, CSV, JSON, JSON lines or Parquet. Streams: none has to fit in memory.

CSV, JSON and Parquet are DuckDB's own writing (`COPY … TO`), through a pipe: so the guard stays shut, a file appears
whole or not at all, and 300,000 rows of CSV cost .24 CPU s. Tables and Markdown are for people, and values are data of
strangers: control characters (a terminal would obey them) are shown as escapes; in Markdown also what would end a cell
or start HTML.
"""

import datetime
import decimal
import enum
import functools
import html
import json
import os
import re
import shutil
import socket
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import duckdb
import pyarrow as pa

from pmc15m.errors import UsageError
from pmc15m.query.harmless import harmless
from pmc15m.workspace import atomic

_SHOWN_ROWS = 1000  # of a table; the other formats give everything
_CELL = 60  # characters of a cell in a table


class Format(enum.StrEnum):
    """How an answer is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"
    MARKDOWN = "markdown"


_BY_SUFFIX = {
    "": Format.TABLE,
    ".txt": Format.TABLE,
    ".md": Format.MARKDOWN,
    ".csv": Format.CSV,
    ".json": Format.JSON,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
}
_COPY = {
    Format.CSV: "FORMAT csv, HEADER",
    Format.JSON: "FORMAT json, ARRAY true",
    Format.JSONL: "FORMAT json",
    Format.PARQUET: "FORMAT parquet, COMPRESSION zstd",
}


def parse_format(name: str | None, output: Path | None = None) -> Format:
    """The format of that name; without one, as the file is called, and a table on the screen. Raises `UsageError`."""
    if name is None and output is not None:
        if output.suffix.lower() not in _BY_SUFFIX:
            known = ", ".join(filter(None, _BY_SUFFIX))
            raise UsageError(f"what {output.name} should hold cannot be told: call it {known}, or give --format")
        return _BY_SUFFIX[output.suffix.lower()]
    try:
        return Format(name or Format.TABLE)
    except ValueError:
        raise UsageError(f"--format takes {', '.join(Format)}, not {name!r}") from None


def write(connection: duckdb.DuckDBPyConnection, query: str, style: Format, output: Path | None) -> None:
    """Write the answer to one query that only reads to a file (atomically), or to stdout."""
    with atomic(output) if output is not None else nullcontext() as temporary:
        if style in _COPY:
            with temporary.open("wb") if temporary is not None else nullcontext(sys.stdout.buffer) as binary:
                sys.stdout.flush()
                _copy(connection, query, style, binary)
                binary.flush()
            return
        with temporary.open("w", encoding="utf-8") if temporary is not None else nullcontext(sys.stdout) as stream:
            answer = connection.sql(query).to_arrow_reader()
            if answer.schema.names == ["explain_key", "explain_value"]:
                write_plan(answer, stream)
            elif style is Format.MARKDOWN:
                write_markdown(answer, stream)
            else:
                write_table(answer, stream, shutil.get_terminal_size().columns if stream.isatty() else None)


def pipe_path() -> str:
    """The one path outside the workspace that a connection may write: the end of a pipe, while there is an answer."""
    return f"/dev/fd/{_reserved()}"


@functools.cache
def _reserved() -> int:
    """The number of that end; between answers it is of a socket, which cannot be opened by a path."""
    here, there = socket.socketpair()
    here.close()
    return there.detach()


def _copy(connection: duckdb.DuckDBPyConnection, query: str, style: Format, stream: BinaryIO) -> None:
    asked = connection.sql(query)
    replaced = ", ".join(
        filter(None, (_replacement(style, *column) for column in zip(asked.columns, asked.types, strict=True)))
    )
    rows = f"SELECT * REPLACE ({replaced}) FROM (\n{query}\n)" if replaced else query
    here, there = os.pipe()
    nothing = os.dup(_reserved())
    os.dup2(there, _reserved(), inheritable=False)
    os.close(there)

    def fill() -> None:
        try:
            connection.execute(f"COPY (\n{rows}\n) TO '{pipe_path()}' ({_COPY[style]})")
        finally:
            os.dup2(nothing, _reserved(), inheritable=False)  # closes the pipe, and keeps the number
            os.close(nothing)

    with ThreadPoolExecutor(1) as other:
        filled = other.submit(fill)
        with open(here, "rb") as piped:
            shutil.copyfileobj(piped, stream, 1 << 16)
        filled.result()


def _replacement(style: Format, name: str, kind: Any) -> str:
    """What stands for a column that a format has no word for: in CSV lists and structs as JSON, in JSON NaN as null."""
    quoted = '"' + name.replace('"', '""') + '"'
    if style is Format.CSV and kind.id in ("list", "struct", "map", "array"):
        return f"to_json({quoted})::VARCHAR AS {quoted}"
    if style in (Format.JSON, Format.JSONL) and kind.id in ("float", "double"):
        return f"CASE WHEN isfinite({quoted}) THEN {quoted} END AS {quoted}"
    return ""


def write_plan(answer: pa.RecordBatchReader, stream: TextIO) -> None:
    """What EXPLAIN says, as DuckDB draws it."""
    for _, plan in _rows(answer):
        stream.write("\n".join(map(harmless, plan.rstrip("\n").split("\n"))) + "\n")


def write_table(answer: pa.RecordBatchReader, stream: TextIO, width: int | None = None) -> None:
    """Columns under their names; numbers to the right, long cells cut.

    With `width`, of a terminal, as many columns as it has room for, with their types, and how many there are.
    """
    rows, more = _first_rows(answer, _SHOWN_ROWS)
    heads = [[_shortened(_shown(name)) for name in answer.schema.names]]
    if width is not None:
        heads.append([_shortened(_type_name(field.type)) for field in answer.schema])
    cells = [*heads, *([_shortened(_shown(value)) for value in row] for row in rows)]
    widths = [max(map(_columns, column)) for column in zip(*cells, strict=True)]
    right = [is_number(field.type) for field in answer.schema]
    shown = _fitting(widths, width)

    def line(texts: Iterable[str]) -> str:
        padded = [
            " " * (width - _columns(text)) + text if is_right else text + " " * (width - _columns(text))
            for text, width, is_right in zip(texts, widths, right, strict=True)
        ]
        return "  ".join(padded[place] if place is not None else "…" for place in shown).rstrip() + "\n"

    stream.writelines(map(line, cells[: len(heads)]))
    stream.write(line("─" * width for width in widths))
    stream.writelines(map(line, cells[len(heads) :]))
    if more:
        stream.write(f"… more than {_SHOWN_ROWS} rows; another --format, or --output FILE, gives all\n")
    elif width is not None:
        left_out = len(widths) - sum(place is not None for place in shown)
        stream.write(f"({len(rows):,} rows{f', {left_out} of {len(widths)} columns left out' if left_out else ''})\n")


def _fitting(widths: list[int], width: int | None) -> list[int | None]:
    """Which columns a terminal has room for, from both ends; None for those in the middle that it has not."""
    places: list[int | None] = list(range(len(widths)))
    if width is None or sum(widths) + 2 * (len(widths) - 1) <= width:
        return places
    first, last, left = 1, len(widths), width - widths[0] - 3  # the first one stands whatever its width
    while last > first:
        is_first = first <= len(widths) - last + 1
        need = widths[first if is_first else last - 1] + 2
        if need > left:
            break
        left -= need
        first, last = (first + 1, last) if is_first else (first, last - 1)
    return [*places[:first], None, *places[last:]]


def _type_name(kind: pa.DataType) -> str:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"{_type_name(kind.value_type)}[]"
    return "struct" if pa.types.is_struct(kind) else str(kind).partition("[")[0]


def write_markdown(answer: pa.RecordBatchReader, stream: TextIO) -> None:
    """A Markdown table."""
    marks = ["---:" if is_number(field.type) else "---" for field in answer.schema]
    stream.write(f"| {' | '.join(map(markdown_text, answer.schema.names))} |\n|{'|'.join(marks)}|\n")
    for row in _rows(answer):
        stream.write(f"| {' | '.join(map(markdown_text, row))} |\n")


def plain_rows(answer: pa.Table) -> list[dict[str, Any]]:
    """Rows of JSON's own types."""
    return [{name: _plain(value) for name, value in row.items()} for row in answer.to_pylist()]


def _rows(answer: pa.RecordBatchReader) -> Iterator[tuple[Any, ...]]:
    for batch in answer:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _first_rows(answer: pa.RecordBatchReader, limit: int) -> tuple[list[tuple[Any, ...]], bool]:
    rows: list[tuple[Any, ...]] = []
    for row in _rows(answer):
        if len(rows) == limit:
            return rows, True
        rows.append(row)
    return rows, False


def is_number(kind: pa.DataType) -> bool:
    """Whether a column stands to the right."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _text_of(value: Any) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def cell_text(value: Any) -> str:
    """A value as a person reads it: 15,282,336; 0.0496; a, b, c."""
    if isinstance(value, float) and value % 1 == 0:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10_000:
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(map(cell_text, value))
    return _shown(value)


def _shown(value: Any) -> str:
    """A value as one harmless line; floats with four digits."""
    if value is None:
        return ""
    return harmless(_number(value) if isinstance(value, float) else _text_of(value))


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"


def _shortened(text: str) -> str:
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"


def _columns(text: str) -> int:
    """Columns of a terminal that a text takes: East Asian characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def markdown_text(value: Any) -> str:
    """A value as text in Markdown, also in a table: no HTML, no link, no picture from elsewhere, no second cell."""
    text = html.escape(_shown(value), quote=False)
    return re.sub(r"([\\`*\[\]|])", r"\\\1", text)
