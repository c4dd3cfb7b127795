"""The two lists that NLM publishes as CSV: PMC-ids.csv.gz (identifiers, journal, year) and oa_file_list.csv."""

import csv
import datetime
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from pmc15m.errors import SourceError

IDENTIFIERS = pa.schema([pa.field(name, pa.string()) for name in ("pmcid", "journal", "issn", "year", "doi", "pmid")])
_FIELDS = (
    *("Journal Title", "ISSN", "eISSN", "Year", "Volume", "Issue", "Page"),
    *("DOI", "PMCID", "PMID", "Manuscript Id", "Release Date"),
)
_FILE_LIST_FIELDS = 6
_DATES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%d-%m-%y %H:%M", "%m/%d/%Y %H:%M")


def read_identifiers(path: Path) -> pa.RecordBatchReader:
    """PMC-ids.csv(.gz) as `IDENTIFIERS`. Raises `SourceError` for another file.

    About one row in ten thousand has a thirteenth field, because of a comma in a journal's title that is not quoted.
    """
    odd: list[str] = []

    def keep_odd(row: arrow_csv.InvalidRow) -> str:
        odd.append(row.text)
        return "skip"

    try:
        reader = arrow_csv.open_csv(
            path,
            read_options=arrow_csv.ReadOptions(block_size=8 << 20),
            parse_options=arrow_csv.ParseOptions(invalid_row_handler=keep_odd),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(_FIELDS, pa.string())),
        )
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"cannot read {path.name}: {str(error).splitlines()[0]}") from None
    if tuple(reader.schema.names) != _FIELDS:
        raise SourceError(f"{path.name} is not PMC-ids.csv: its columns are {', '.join(reader.schema.names)}")

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            yield _identifiers(batch)
        yield _identifiers(_repaired(odd))

    return pa.RecordBatchReader.from_batches(IDENTIFIERS, batches())


def _identifiers(batch: pa.RecordBatch) -> pa.RecordBatch:
    def filled(name: str) -> pa.Array:
        values = batch.column(_FIELDS.index(name))
        return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)

    issn = pc.coalesce(filled("eISSN"), filled("ISSN"))
    columns = [filled("PMCID"), filled("Journal Title"), issn, filled("Year"), filled("DOI"), filled("PMID")]
    return pa.record_batch(columns, schema=IDENTIFIERS)


def _repaired(lines: list[str]) -> pa.RecordBatch:
    """Rows with too many fields: what is left of the last eleven is the title."""
    rows = [row for row in csv.reader(lines) if len(row) > len(_FIELDS)]
    repaired = [[",".join(row[: 1 - len(_FIELDS)]), *row[1 - len(_FIELDS) :]] for row in rows]
    columns = [pa.array([row[place] for row in repaired], pa.string()) for place in range(len(_FIELDS))]
    return pa.record_batch(columns, names=list(_FIELDS))


def read_file_list(data: bytes) -> Iterator[dict[str, str]]:
    """Rows of oa_file_list.csv, with or without its header: path, pmcid, updated, pmid, licence.

    Rows that name no PMCID are left out.
    """
    for row in csv.reader(io.StringIO(data.decode("utf-8", "replace"))):
        if len(row) >= _FILE_LIST_FIELDS and row[-4].startswith("PMC"):
            yield {"path": row[0], "pmcid": row[-4], "updated": row[-3], "pmid": row[-2], "licence": row[-1]}


def read_date(text: str) -> datetime.datetime | None:
    """A date of the file list, as NCBI or a spreadsheet wrote it; None for anything else."""
    for form in _DATES:
        try:
            return datetime.datetime.strptime(text.strip(), form).replace(tzinfo=datetime.UTC)
        except ValueError:
            continue
    return None
