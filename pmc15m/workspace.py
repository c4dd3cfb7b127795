"""Where each table, shard and part lies; how parts are written; what is complete and what is stale.

    <root>/config.toml               the configuration of the last `run`
    <root>/catalog/catalog.parquet   one row an article version; kept twice, as what it tells cannot be made again
    <root>/raw/NNNNN.tar             XML, metadata and images, byte for byte as published
    <root>/raw/NNNNN.parquet         the tar's index; its presence is the shard's completeness
    <root>/<table>/NNNNN.parquet     one part a raw shard: articles, figures, images, pixels, panels, pairs
    <root>/export/<name>/            training shards
    <root>/report/index.html         the report
    <root>/.sql_history              what was asked in the shell of `sql`
    <root>/<table>/.footers          what the footers of a table's parts say, so that not all are read again (`footers`)
    <root>/.status                   what `status` said last (`remembered`)
    <root>/durations.jsonl           how long every run of a step took, one line each
    <root>/marks.jsonl               what people said of single figures and pairs in `browse`, one line a mark
    <root>/**/NAME.damage            a note that NAME's file is damaged: it counts as missing until it is made again

A part is written to a temporary name, synced and renamed. It carries, as Parquet metadata, the fingerprint of what
made it: the stage's name and version, its section of the configuration, the bytes of its networks, fitted weights and
SQL, and the digests of its inputs' rows. A part is current when that equals what the stage would record today; so
re-running a command is the resume, and a part that is made again with the same rows makes nothing behind it stale. It
also carries its checksums (`checksum`), and no row is believed unchecked.

A workspace in a store (`s3://bucket/prefix`) is such a folder, too, which a `mirror` keeps like the store; what differs
for it stands in the functions that finish, open and remove files here.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import socket
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmc15m import footers, mirror
from pmc15m.checksum import body_digest, check_file, read_bytes, seal, stamp
from pmc15m.errors import DamageError, UsageError
from pmc15m.tables import SCHEMA_VERSION, TABLES

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_TEMPORARY = ".tmp"
_LEFTOVER = re.compile(rf".+\.[0-9a-f]{{32}}{re.escape(_TEMPORARY)}")
_COPY = ".copy"
_DURATIONS = "durations.jsonl"
_SHARD = re.compile(r"[0-9]{5}|[1-9][0-9]{5,}")
_FOLDERS = ("", "*/", "raw/plan/", "export/*/", "export/*/*/")  # that hold files of ours, as patterns
_KEPT = ("catalog", "raw", *TABLES)  # tables whose footers are kept
_ROW_GROUP = 65_536
# Columns whose values hardly repeat: a dictionary would hold them all, and every reader would look each of them up.
_KEYS = ("key", "pair_key", "figure_key", "image_key", "panel_key")
_UNIQUE = {*_KEYS, "caption_hash", "caption_simhash", "phash", "md5", "sha256", "pixel_sha256"}


class Workspace:
    """A folder with a dataset in it. Nothing is written outside `root`."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        mirror.join(self.root)

    def __reduce__(self) -> tuple[type[Workspace], tuple[Path]]:
        return Workspace, (self.root,)  # so that another process knows a mirror, too

    def __str__(self) -> str:
        """Where it lies, for people."""
        return shown(self.root)

    @property
    def name(self) -> str:
        """What its folder is called, or its prefix in a store."""
        return Path(str(self)).absolute().name

    def create(self) -> None:
        """Make sure that the folder exists and can be written. Raises `UsageError`."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self.now_ns()
        except OSError as error:
            raise UsageError(
                f"cannot write the workspace {self.root}: {error.strerror}; choose another with --workspace DIR"
            ) from None

    def require_data(self) -> None:
        """Raise `UsageError` where there is nothing to ask or to work on: an empty answer would be taken for one."""
        if not self.root.is_dir():
            raise UsageError(
                f"there is no workspace {self}; name one with --workspace DIR, or make it with `pmc15m run`"
            )
        catalogs = (self.catalog, copy_of(self.catalog))
        if any(map(Path.exists, catalogs)) or any(self.shards(table) for table in ("raw", *TABLES)):
            return
        inside = sorted(str(path.parent) for path in self.root.glob("*/pairs"))
        hint = f"did you mean --workspace {' or '.join(inside)}?" if inside else "`pmc15m run` fills it"
        raise UsageError(f"there is nothing in {self} yet; {hint}")

    @property
    def catalog(self) -> Path:
        return self.root / "catalog" / "catalog.parquet"

    def tar(self, shard: str) -> Path:
        return self.root / "raw" / f"{shard}.tar"

    def read(self, shard: str, offset: int, size: int, sha256: str) -> bytes:
        """One object of a raw shard with one positioned read.

        Raises `DamageError` where it is not what was fetched, and `OSError` where there is no tar.
        """
        if (store := mirror.mirror_of(self.root)) is not None:
            content = store.read(self.tar(shard), offset, size)
        else:
            with self.tar(shard).open("rb") as tar:
                content = os.pread(tar.fileno(), size, offset)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise DamageError(self.tar(shard), f"has other bytes than were fetched at {offset}")
        return content

    def part(self, table: str, shard: str) -> Path:
        """Path of a table's part; table `raw` is the index of the raw shard."""
        return Path(f"{self.root}/{table}/{shard}.parquet")  # a third of the cost of `/`, half a million times

    def shards(self, table: str = "raw", suffix: str = ".parquet") -> list[str]:
        """Names of the shards of which a table has a part, or a folder a file of that suffix, in order.

        What lies in `raw` without a tar and without being an index of ours is somebody else's.
        """
        try:
            files = os.listdir(self.root / table)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = {name for file in files if file.endswith(suffix) and _SHARD.fullmatch(name := file[: -len(suffix)])}
        if table == "raw" and suffix == ".parquet":
            alone = names - {file[:-4] for file in files if file.endswith(".tar")}
            names -= {name for name in alone if read_fingerprint(self.part(table, name)) is None}
        return in_order(names)

    def parts(self, table: str) -> list[Path]:
        """Paths of the parts that a table has, in the order of their shards."""
        return [self.part(table, shard) for shard in self.shards(table)]

    def check(self, tables: Iterable[str]) -> None:
        """Re-read every part of some tables, before a reader that checks nothing. Raises `DamageError`."""
        for table in tables:
            for path in self.parts(table):
                check_file(path)
                check_columns(path, table)

    def notes(self) -> list[Path]:
        """The notes of damage that nobody has mended yet."""
        return sorted(path for pattern in _FOLDERS for path in self.root.glob(f"{pattern}*{footers.NOTE}"))

    def check_touched(self, tables: Iterable[str]) -> None:
        """Re-read what of some tables somebody has touched since a command last wrote here. Raises `DamageError`."""
        for path in (path for table in tables for path in self._files(table)):
            footers.check(path)

    def count_rows(self, table: str) -> int:
        """How many rows a table has, of parts that are checked as in `check_touched`. Raises `DamageError`."""
        return sum(map(footers.count_rows, self._files(table)))

    def keep_footers(self) -> None:
        """Keep what the footers of the tables' parts say for the next command, and note which parts are damaged.

        Only for a writer.
        """
        now_ns = self.now_ns()
        raw = {*self.shards(), self.catalog.stem}  # what belongs to none of these is not mended

        def note(path: Path) -> None:
            if path.stem in raw:
                note_damage(path)

        for folder in (folder for table in _KEPT if (folder := self.root / table).is_dir()):
            if (text := footers.to_keep(folder, now_ns, note)) is not None:
                with atomic(folder / footers.NAME) as temporary:
                    temporary.write_text(text, encoding="utf-8")
                    os.utime(temporary, ns=(now_ns, now_ns))

    def _files(self, table: str) -> list[Path]:
        return self.parts(table) if table != "catalog" else [self.catalog] * self.catalog.is_file()

    def now_ns(self) -> int:
        """The time of the file system, in ns, as a file that is written now gets it. Raises `OSError`."""
        probe = self.root / f".probe.{uuid.uuid4().hex}{_TEMPORARY}"
        probe.touch()
        now_ns = probe.stat().st_mtime_ns
        probe.unlink()
        return now_ns

    def remove_leftovers(self) -> None:
        """Remove what killed processes left unfinished. Only for a writer who knows that there is no other."""
        for path in (path for pattern in _FOLDERS for path in self.root.glob(f"{pattern}*{_TEMPORARY}")):
            if path.is_file() and is_leftover(path):
                path.unlink(missing_ok=True)
        for spill in self.root.glob(f".duckdb-{socket.gethostname()}-*{_TEMPORARY}"):  # of a query, perhaps alive
            if not Path("/proc", spill.stem.rpartition("-")[2]).exists():
                shutil.rmtree(spill, ignore_errors=True)


def note_duration(workspace: Workspace, step: str, seconds: float) -> None:
    """Keep how long a run of a step took. One write at the file's end: processes of an array job do not mix lines."""
    with (workspace.root / _DURATIONS).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step, "seconds": round(seconds, 3)}) + "\n")


def durations(workspace: Workspace) -> Mapping[str, float]:
    """Seconds that all runs of each step took together, as far as is known; lines that say nothing are passed over."""
    taken: defaultdict[str, float] = defaultdict(float)
    with suppress(OSError):
        for line in (workspace.root / _DURATIONS).read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, TypeError, KeyError):
                noted = json.loads(line)
                taken[str(noted["step"])] += float(noted["seconds"])
    return taken


def shard_name(number: int) -> str:
    """What the files of a shard are called: five digits, or as many as it takes."""
    return f"{number:05d}"


def shard_number(name: str) -> int:
    """The number of a shard of that name."""
    return int(name)


def in_order(shards: Iterable[str]) -> list[str]:
    """Names of shards in the order of their numbers: 99999 before 100000."""
    return sorted(shards, key=lambda name: (len(name), name))


def fingerprint(
    stage: str, version: int, config: Mapping[str, Any], inputs: Iterable[str], assets: Iterable[Path] = ()
) -> str:
    """What a part's content depends on, as 32 hex digits; of the files `assets` the bytes count, not where they lie."""
    files = sorted((asset.name, _file_digest(asset)) for asset in assets)
    facts = [stage, version, SCHEMA_VERSION, dict(config), list(inputs), files]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


@functools.cache  # asked once a shard; what ships with the package does not change under a running process
def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_fingerprint(path: Path) -> str | None:
    """The fingerprint that a part carries; None where there is no part of ours, or one that is known to be damaged."""
    facts = read_facts(path)
    return str(facts["fingerprint"]) if facts is not None else None


def read_digest(path: Path) -> str | None:
    """The sha256 of a part's rows, as they are written; None as in `read_fingerprint`."""
    footer = _read_footer(path)
    return str(footer["body_sha256"]) if footer is not None else None


def read_facts(path: Path) -> dict[str, Any] | None:
    """The fingerprint and what else was noted with it; None as in `read_fingerprint`."""
    footer = _read_footer(path)
    return {name: value for name, value in footer.items() if name != "body_sha256"} if footer is not None else None


def _read_footer(path: Path) -> dict[str, Any] | None:
    text = footers.look(os.fspath(path))
    footer: dict[str, Any] | None = json.loads(text) if text is not None else None
    return footer


def note_path(path: Path) -> Path:
    """Where it is noted that a file is damaged."""
    return Path(footers.note_of(os.fspath(path)))


def note_damage(path: Path) -> None:
    """Note that a file is damaged: `status` says so, and the next run makes it again."""
    note_path(path).touch()


def read_part(path: Path, columns: list[str] | None = None) -> pa.Table:
    """The rows of a part, whatever the folders above it are called. Raises `DamageError`, `FileNotFoundError`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # In this thread alone: one of Arrow's pool that still holds Python's bytes while the interpreter ends takes the
    # process down ("terminate called without an active exception").
    return pq.ParquetFile(pa.BufferReader(read_bytes(path)), pre_buffer=False).read(columns, use_threads=False)


def check_columns(path: Path, table: str) -> None:
    """Raise `DamageError` where a part has other columns than its table; of those that are no stage's nothing is known.

    Columns come with versions, and a part that lacks one is stale already.
    """
    import pyarrow.parquet as pq

    from pmc15m import schema

    if table in TABLES and pq.read_schema(path).names != schema.TABLES[table].names:
        raise DamageError(path, "is of another version")


def write_part(path: Path, table: pa.Table, made_from: str, **facts: Any) -> None:
    """Write a table atomically, with the fingerprint `made_from` and `facts`. Same arguments, same bytes.

    Keys are packed with LZ4, which takes a little more room than zstd and half the time to read: a sample reads the
    keys of all rows to return those of a few.
    """
    columns = [leaf for field in table.schema for leaf in leaves(field.name, field.type)]
    packing = {
        "compression": {column: "lz4" if column in _KEYS else "zstd" for column in columns},
        "use_dictionary": [column for column in columns if column not in _UNIQUE],
    }
    with part_writer(path, table.schema, made_from, facts, **packing) as writer:
        writer.write_table(table, row_group_size=_ROW_GROUP)


def digest_of(table: pa.Table) -> str:
    """The sha256 of a table's rows. As Parquet, which has no bytes for what is null, and here in its cheapest form."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    schema = table.schema.remove_metadata()
    with pq.ParquetWriter(sink, schema, compression="none", use_dictionary=False, write_statistics=False) as writer:
        writer.write_table(table, row_group_size=_ROW_GROUP)
    return body_digest(sink.getvalue())


@contextmanager
def part_writer(
    path: Path,
    schema: pa.Schema,
    made_from: str,
    facts: Mapping[str, Any],
    *,
    compression: Any = "zstd",
    **packing: Any,
) -> Iterator[pq.ParquetWriter]:
    """A writer of rows of `schema`; when it is left, the file stands there with checksums, stamped and whole."""
    import pyarrow.parquet as pq

    with (
        sealed(path) as temporary,
        pq.ParquetWriter(
            temporary,
            schema.remove_metadata(),
            compression=compression,
            write_page_index=True,
            write_page_checksum=True,
            **packing,
        ) as writer,
    ):
        yield writer
        stamp(writer, made_from, {"schema_version": SCHEMA_VERSION, **facts})


@contextmanager
def sealed(path: Path) -> Iterator[Path]:
    """A temporary path for a stamped file; when it is left, the file stands there with its digests, and whole."""
    with atomic(path) as temporary:
        yield temporary
        seal(temporary)
    note_path(path).unlink(missing_ok=True)


def is_leftover(path: Path) -> bool:
    """Whether a file is what a killed process left unfinished (`atomic`)."""
    return _LEFTOVER.fullmatch(path.name) is not None


def copy_of(path: Path) -> Path:
    """Where the second copy of a file lies that is kept twice."""
    return path.with_suffix(_COPY)


def keep_twice(path: Path) -> None:
    """Write the second copy of a file."""
    with atomic(copy_of(path)) as temporary:
        shutil.copyfile(path, temporary)


def restore(path: Path) -> bool:
    """Make a file and its copy whole again, one from the other, where one is missing or known to be damaged.

    Returns whether the file is there and whole. Where both are damaged, both are removed.
    """
    copy = copy_of(path)
    if read_fingerprint(path) is not None and read_fingerprint(path) == read_fingerprint(copy):
        return True
    whole = next((kept for kept in (path, copy) if _is_whole(kept)), None)
    for kept in {path, copy} - {whole}:
        if whole is None:
            remove(kept)
        else:
            with atomic(kept) as temporary:
                shutil.copyfile(whole, temporary)
    note_path(path).unlink(missing_ok=True)
    return whole is not None


def _is_whole(path: Path) -> bool:
    try:
        check_file(path)
    except (OSError, DamageError):
        return False
    return True


def leaves(path: str, kind: pa.DataType) -> Iterator[str]:
    """Parquet's names of the columns that hold an Arrow column."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        for field in kind:
            yield from leaves(f"{path}.{field.name}", field.type)
    elif pa.types.is_list(kind):
        yield from leaves(f"{path}.list.element", kind.value_type)
    else:
        yield path


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`: synced and renamed to it on success, removed on failure.

    Raises `FileExistsError` where somebody else has changed it in the store of the workspace.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}{_TEMPORARY}")  # in containers, process ids repeat
    try:
        yield temporary
        finish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


def finish(temporary: Path, path: Path) -> None:
    """Give a file that is whole its name, once it is on the disk and in the store, if the workspace lies in one."""
    sync(temporary)
    keep_in_store(temporary, path)
    os.replace(temporary, path)


def keep_in_store(finished: Path, path: Path | None = None) -> None:
    """Put a file, or what will have the name `path`, into the store of the workspace, if it has one."""
    if (store := mirror.mirror_of(path or finished)) is not None:
        store.push(path or finished, finished)


def remove(path: Path) -> None:
    """Remove a finished file, if it is there."""
    if (store := mirror.mirror_of(path)) is not None:
        store.remove(path)
    path.unlink(missing_ok=True)


def opened(path: Path) -> BufferedReader:
    """A finished file, however large, opened to be read whole. Raises `FileNotFoundError`."""
    store = mirror.mirror_of(path)
    return store.opened(path) if store is not None else path.open("rb")


def leave_to_store(path: Path) -> None:
    """Take no room any more for a large file that will not be read here; nothing where the workspace is a folder."""
    if (store := mirror.mirror_of(path)) is not None:
        store.evict(path)


def shown(path: Path) -> str:
    """Where something lies, for people: in the store of the workspace, if it has one."""
    store = mirror.mirror_of(path)
    return store.shown(path) if store is not None else str(path)


def sync(path: Path) -> None:
    """Force a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rows_to_table(rows: Iterable[Mapping[str, Any]], schema: pa.Schema, *, partial: bool = False) -> pa.Table:
    """Rows as a table of exactly `schema`.

    A row with other columns than the schema's raises `KeyError`; of `partial` rows, what is not there is null.
    """
    import pyarrow as pa

    names = set(schema.names)
    checked = []
    for row in rows:
        if unknown := row.keys() - names:
            raise KeyError(f"not in the schema: {', '.join(sorted(unknown))}")
        if not partial and (lacking := names - row.keys()):
            raise KeyError(f"not in the row: {', '.join(sorted(lacking))}")
        checked.append(row)
    return pa.Table.from_pylist(checked, schema=schema)
