"""Answers as a table for people, CSV, JSON, Parquet or Markdown. Streams: an answer never has to fit in memory.

Values are data of strangers: in what a person looks at, control characters (a terminal would obey them) are shown
as escapes; in Markdown also what would end a cell or start HTML.
"""

import csv
import datetime
import decimal
import enum
import html
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

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
    PARQUET = "parquet"
    MARKDOWN = "markdown"


def parse_format(name: str) -> Format:
    """Raises `UsageError` for a name that is none."""
    try:
        return Format(name)
    except ValueError:
        raise UsageError(f"--format takes {', '.join(Format)}, not {name!r}") from None


def write(answer: pa.RecordBatchReader, style: Format, output: Path | None) -> None:
    """Write an answer to a file (atomically), or to stdout."""
    if style is Format.PARQUET:
        if output is None:
            raise UsageError("Parquet is not for the screen; name a file with --output FILE")
        with atomic(output) as temporary, pq.ParquetWriter(temporary, answer.schema, compression="zstd") as writer:
            for batch in answer:
                writer.write_batch(batch)
        return
    with _text(output) as stream:
        _WRITERS[style](answer, stream)


@contextmanager
def _text(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with atomic(output) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        yield stream


def write_table(answer: pa.RecordBatchReader, stream: TextIO) -> None:
    """Columns under their names; numbers to the right, long cells cut."""
    rows, more = _first_rows(answer, _SHOWN_ROWS)
    names = [_shortened(_shown(name)) for name in answer.schema.names]
    cells = [[_shortened(_shown(value)) for value in row] for row in rows]
    widths = [max(map(_columns, column)) for column in zip(names, *cells, strict=True)]
    right = [is_number(field.type) for field in answer.schema]

    def line(texts: Iterable[str]) -> str:
        padded = (
            " " * (width - _columns(text)) + text if is_right else text + " " * (width - _columns(text))
            for text, width, is_right in zip(texts, widths, right, strict=True)
        )
        return "  ".join(padded).rstrip() + "\n"

    stream.write(line(names))
    stream.write("  ".join("─" * width for width in widths) + "\n")
    stream.writelines(map(line, cells))
    if more:
        stream.write(f"… more than {_SHOWN_ROWS} rows; another --format, or --output FILE, gives all\n")


def write_markdown(answer: pa.RecordBatchReader, stream: TextIO) -> None:
    """A Markdown table."""
    marks = ["---:" if is_number(field.type) else "---" for field in answer.schema]
    stream.write(f"| {' | '.join(map(markdown_text, answer.schema.names))} |\n|{'|'.join(marks)}|\n")
    for row in _rows(answer):
        stream.write(f"| {' | '.join(map(markdown_text, row))} |\n")


def write_csv(answer: pa.RecordBatchReader, stream: TextIO) -> None:
    """RFC 4180 with `\\n`; lists and structs as JSON, null as nothing."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(answer.schema.names)
    for row in _rows(answer):
        writer.writerow("" if value is None else _text_of(value) for value in row)


def write_json(answer: pa.RecordBatchReader, stream: TextIO) -> None:
    """One array, one object a line; NaN and infinity are null."""
    names = answer.schema.names
    separator = "[\n"
    for row in _rows(answer):
        plain = {name: _plain(value) for name, value in zip(names, row, strict=True)}
        stream.write(separator + json.dumps(plain, ensure_ascii=False))
        separator = ",\n"
    stream.write("[]\n" if separator == "[\n" else "\n]\n")


def plain_rows(answer: pa.Table) -> list[dict[str, Any]]:
    """Rows of JSON's own types."""
    return [{name: _plain(value) for name, value in row.items()} for row in answer.to_pylist()]


_WRITERS = {
    Format.TABLE: write_table,
    Format.MARKDOWN: write_markdown,
    Format.CSV: write_csv,
    Format.JSON: write_json,
}


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
