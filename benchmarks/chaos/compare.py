"""Whether two workspaces say the same, whatever shard their articles lie in.

Two that were fed by the same source may differ in layout: an article that failed once lies in a later shard, and a day
that one of them missed left no tombstone there. What counts is equal in both: the rows without their pointers, the
bytes that the pointers lead to, and what is exported.
"""

import hashlib
import json
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.sources.model import ArticleStatus

Row = Mapping[str, Any]

TABLES = ("articles", "figures", "images", "pixels", "panels", "captions", "duplicates", "caption_groups", "pairs")
_KEYS = ("pair_key", "panel_key", "image_key", "figure_key", "key", "sample")  # the first one names the row
_ROLE = ("pmcid", "version", "role", "name")  # of rows without
_POINTERS = {"shard", "offset"}
_FAILED = {ArticleStatus.FAILED.value, ArticleStatus.PARTIAL.value}
_GONE = {ArticleStatus.SUPERSEDED.value, ArticleStatus.REMOVED.value}
_PLACES = "export_span"  # where the files of a sample lie in its tar, which depends on the samples before it
_PLAN = "plan"  # how many samples each file of an export has
_MADE_FROM = {"fingerprint", "sha256"}  # what `export.json` says of files that hold pointers
_VERSIONED = "croissant.json"  # its version is of the fingerprint
_HISTORY = "CHANGES.parquet"  # what the last update of an export changed
_SHOWN = 3  # differences a table


def digests(root: Path) -> dict[str, str]:
    """Every shard, index, table and export; not the configuration and the report, which name source and workspace."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix in {".tar", ".parquet", ".json", ".csv", ".md"} and path.name != _HISTORY
    }


def differences(expected: Path, found: Path, *, without: Collection[str] = ()) -> list[str]:
    """What `found` lacks, has beyond `expected`, or says otherwise, a line each; rows of PMCIDs `without` left out.

    Where the raw shards are the same bytes, so must all that was made from them be.
    """
    one, other = digests(expected), digests(found)
    changed = sorted(
        name
        for name in one.keys() | other.keys()
        if one.get(name) != other.get(name) and not name.startswith(("raw/plan/", "catalog/"))
    )
    if changed and not without and not any(name.startswith("raw/") for name in changed):
        return [f"{name}: {_how(one, other, name)}, though the raw shards are the same" for name in changed]
    lines: list[str] = []
    for name, rows in _everything(without).items():
        try:
            lines += _compare(name, rows(expected), rows(found))
        except (OSError, tarfile.TarError, pa.ArrowException) as error:
            lines.append(f"{name}: cannot be read: {error}")
    return lines or list(_broken_pointers(found))


def failed_articles(workspace: Path) -> set[tuple[str, int]]:
    """Article versions whose last fetch did not get everything."""
    return {
        (row["pmcid"], row["version"])
        for row in _raw(workspace)
        if row["role"] == "article" and row["status"] in _FAILED
    }


def lost_articles(expected: Path, found: Path) -> list[str]:
    """Article versions of which `found` says nothing, and failures without a reason."""
    known, there = ({(row["pmcid"], row["version"]) for row in _raw(root)} for root in (expected, found))
    explained = {(row["pmcid"], row["version"]) for row in _raw(found) if row["reason"] is not None}
    lines = [f"raw: {pmcid}.{version} is lost" for pmcid, version in sorted(known - there)]
    for pmcid, version in sorted(failed_articles(found) - explained):
        lines.append(f"raw: {pmcid}.{version} failed without a reason")
    return lines


def read_rows(root: Path, table: str) -> list[dict[str, Any]]:
    """All rows of a table."""
    return [row for path in _parts(root, table) for row in _read(path)]


def stored_bytes(workspace: Path) -> int:
    """Bytes of all raw shards, but for the two blocks that end each: one that came later has a shard of its own."""
    return sum(tar.stat().st_size - 2 * tarfile.BLOCKSIZE for tar in (workspace / "raw").glob("*.tar"))


def _parts(root: Path, table: str) -> list[Path]:
    """A table's parts, but for those of raw shards that are not there any more."""
    parts = sorted((root / table).glob("*.parquet"))
    return [part for part in parts if table == "catalog" or (root / "raw" / part.name).exists()]


def _read(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.ParquetFile(path).read().to_pylist()
    return rows


def _how(one: Mapping[str, str], other: Mapping[str, str], name: str) -> str:
    return "missing" if name not in other else "beyond what was expected" if name not in one else "other bytes"


def _everything(without: Collection[str]) -> dict[str, Callable[[Path], Iterable[Row]]]:
    """By name, how to read what both workspaces must agree on."""

    def table(name: str) -> Callable[[Path], Iterable[Row]]:
        return lambda root: [row for row in _rows(root, name) if not _is_of(row, without)]

    return {
        "catalog": lambda root: [row for row in _catalog(root) if not _is_of(row, without)],
        "raw": lambda root: [row for row in _raw(root) if not _is_of(row, without)],
        **{name: table(name) for name in TABLES},
        "export": lambda root: [row for row in _exported(root, is_whole=not without) if not _is_of(row, without)],
    }


def _is_of(row: Row, pmcids: Collection[str]) -> bool:
    first = next((row[name] for name in ("pmcid", *_KEYS) if row.get(name)), "")
    return first.partition("_")[0] in pmcids


def _rows(root: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table, but for articles that count no more."""
    return [row for row in read_rows(root, table) if not (table == "articles" and row["status"] in _GONE)]


def _catalog(root: Path) -> Iterator[dict[str, Any]]:
    """The catalog's rows without what tells how the source was before."""
    for row in read_rows(root, "catalog"):
        if row.pop("state") != "removed":
            yield row


def _raw(root: Path) -> list[dict[str, Any]]:
    """The rows of all raw indexes, but for those of articles that count no more."""
    kept = []
    withdrawn = {(row["pmcid"], row["version"]) for row in read_rows(root, "catalog") if row["state"] == "removed"}
    for path in _parts(root, "raw"):
        rows = _read(path)
        articles = {(row["pmcid"], row["version"]): row["status"] for row in rows if row["role"] == "article"}
        gone = {key for key, status in articles.items() if status in _GONE}
        # One that was excluded and is withdrawn keeps its reason, and has no row where its shard was lost since.
        gone |= {key for key, status in articles.items() if status == ArticleStatus.EXCLUDED and key in withdrawn}
        kept += [row for row in rows if (row["pmcid"], row["version"]) not in gone]
    return kept


def _exported(root: Path, *, is_whole: bool) -> Iterator[dict[str, Any]]:
    """What each export holds: the members of its tars and the rows of its tables, with their places, and other files.

    Of a part that is not whole, what tells of all or of an order is left out.
    """
    for path in sorted(path for path in (root / "export").rglob("*.*") if path.is_file() and path.stem != "CHANGES"):
        name = str(path.relative_to(root))
        rows: list[dict[str, Any]] = []
        if path.suffix == ".tar":
            with tarfile.open(path) as tar:
                for member in tar:
                    content = tar.extractfile(member)
                    digest = hashlib.sha256(content.read() if content else b"").hexdigest()
                    rows.append({"sample": member.name, "sha256": digest})
        elif path.suffix == ".parquet":
            rows = _read(path) if is_whole or path.stem != _PLAN else []
        elif is_whole and path.name == "export.json":
            facts = {key: value for key, value in json.loads(path.read_bytes()).items() if key not in _MADE_FROM}
            del facts["files"][_VERSIONED]
            yield {"export": name, **facts}
        elif is_whole and path.suffix != ".tmp" and path.name != _VERSIONED:
            yield {"export": name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for place, row in enumerate(rows):
            if not is_whole:
                row.pop(_PLACES, None)
            yield ({"export": name, "place": place} if is_whole else {"export": str(Path(name).parent)}) | row


def _broken_pointers(root: Path) -> Iterator[str]:
    """Members of tars that are not what their index says, and pointers that lead elsewhere."""
    stored: dict[tuple[str, int], str] = {}
    for part in _parts(root, "raw"):
        named = {row["member"]: row for row in _read(part) if row["member"] is not None}
        tar = part.with_suffix(".tar")
        try:
            with tarfile.open(tar) as opened:
                places = {member.name: member.offset_data for member in opened}
        except (OSError, tarfile.TarError) as error:
            yield f"raw/{tar.name}: cannot be read: {error}"
            continue
        if places != {name: row["offset"] for name, row in named.items()}:
            yield f"raw/{tar.name}: holds {len(places)} members, and not where its index says"
        with tar.open("rb") as file:
            for name, row in named.items():
                digest = hashlib.sha256(os.pread(file.fileno(), row["size"], row["offset"])).hexdigest()
                stored[part.stem, row["offset"]] = digest
                if digest != row["sha256"]:
                    yield f"raw/{tar.name}: {name} is not as its index says"
    for table in ("images", "pairs"):
        for row in read_rows(root, table):
            if row["offset"] is not None and stored.get((row["shard"], row["offset"])) != row["sha256"]:
                yield f"{table}: the pointer of {_key(row)} leads to other bytes"


def _compare(name: str, expected: Iterable[Row], found: Iterable[Row]) -> Iterator[str]:
    """The differences of two tables, whose rows may come in any order."""
    one, other = _numbered(expected), _numbered(found)
    lacking, beyond = one.keys() - other.keys(), other.keys() - one.keys()
    by_key = {_key(other[text]): other[text] for text in beyond}
    lines = []
    for text in sorted(lacking):
        row = one[text]
        twin = by_key.pop(_key(row), None)
        if twin is None:
            lines.append(f"{name}: {_key(row)} is lost")
        else:
            columns = [
                column for column in row if column not in _POINTERS and _text(row[column]) != _text(twin.get(column))
            ]
            values = ", ".join(f"{column} {row[column]!r:.60} → {twin.get(column)!r:.60}" for column in columns)
            lines.append(f"{name}: {_key(row)} differs: {values}")
    lines += [f"{name}: {key} is there and should not be" for key in sorted(by_key)]
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"{name}: {len(lines) - _SHOWN} more rows differ"


def _numbered(rows: Iterable[Row]) -> dict[tuple[str, int], Row]:
    """Rows by their text, and by how often it was there before."""
    numbered, times = {}, Counter[str]()
    for row in rows:
        text = _text(row)
        numbered[text, times[text]] = row
        times[text] += 1
    return numbered


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        value = {key: item for key, item in value.items() if key not in _POINTERS}
    return json.dumps(value, default=str, sort_keys=True)


def _key(row: Row) -> str:
    """What tells a row from the others of its table."""
    key = [row[name] for name in _KEYS if row.get(name)][:1] or [row.get(name) for name in _ROLE]
    return " ".join(str(part) for part in (row.get("export"), row.get("place"), *key) if part is not None)
