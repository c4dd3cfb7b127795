"""An exported split as numbered rows, each with its picture's bytes and its caption.

Two layouts, both as `pmc15m export` writes them:

    DATA/data/train-00000-of-000NN.tar …        WebDataset: `<key>.jpg|png|jpeg|webp` and `<key>.txt`, adjacent;
      + sizes.json                              also DATA/train/*.tar, as others lay it
    DATA/.pmc15m/train-00000.parquet …          what the exporter knows of their rows, and where they lie
    DATA/data/train-00000-of-000NN.parquet …    Hugging Face: column `image` struct<bytes, path>, column `text`

A *unit* is what is opened at once: a tar, or a row group. Units are numbered in the order of the names, whose digits
count as numbers, and rows through all units in turn. Nothing is unpacked, and nothing but pictures, text and JSON is
ever decoded (WebDataset would allow pickles). The headers of a tar that nobody has indexed are walked once; where its
members lie is then kept in `DATA/.pmc15m`, if that can be written.
"""

import bisect
import contextlib
import dataclasses
import functools
import io
import itertools
import json
import logging
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from train import files
from train.errors import DataError

log = logging.getLogger(__name__)

IMAGE_SUFFIXES = ("jpg", "png", "jpeg", "webp")  # open_clip's order
TEXT_SUFFIX, FACTS_SUFFIX = "txt", "json"
SPLIT_NAMES = {"train": ("train",), "val": ("val", "validation"), "test": ("test",)}  # ours, then Hugging Face's

OTHER_TEXTS = ("context", "mentions")  # columns that a caption may be replaced from

HIDDEN = ".pmc15m"  # the exporter's folder of side tables

TARS_PER_WINDOW = 32  # units shuffled together (`order.py`): an index of 10,000 rows takes 480 kB
ROW_GROUPS_PER_WINDOW = 16  # or fewer: of these the pictures themselves stay in memory
WINDOW_BYTES = 1 << 30  # of row groups in memory, in each loader process; one row group may be larger


Spans = np.ndarray[Any, np.dtype[np.int64]]


class Pair(NamedTuple):
    """One row: the picture as stored, and its caption."""

    image: bytes
    text: str


class Split:
    """Rows 0 … len-1 of an export's split, unit after unit. Raises `DataError` when there are none."""

    def __init__(self, name: str, units: Sequence["Tar | RowGroup"], units_per_window: int = 1) -> None:
        self.name, self.units, self.units_per_window = name, units, units_per_window
        self.layout = " and ".join(sorted({unit.layout for unit in units}))
        self.files = list(dict.fromkeys(unit.path for unit in units))
        self.sizes = [unit.size for unit in units]
        self._ends = list(itertools.accumulate(self.sizes))
        if not self._ends[-1]:
            raise DataError(f"the {name} split in {self.files[0].parent} is empty: its files hold no pairs")

    def locate(self, row: int) -> tuple[int, int]:
        """The number of the unit that holds a row, and the row's number inside it."""
        place = bisect.bisect_right(self._ends, row)
        return place, row - self._ends[place] + self.sizes[place]

    def pair(self, row: int) -> Pair:
        place, inside = self.locate(row)
        return self.units[place].pair(inside)

    def where(self, row: int) -> str:
        """File and place of a row, for messages."""
        place, inside = self.locate(row)
        return self.units[place].where(inside)

    def texts(self) -> Iterator[str]:
        """All captions in row order, without reading the pictures."""
        return itertools.chain.from_iterable(unit.texts() for unit in self.units)

    def facts(self, row: int, column: str) -> list[str]:
        """The texts that a row has in another column; of `mentions` several. Nothing where there is no such thing."""
        place, inside = self.locate(row)
        return self.units[place].facts(inside, column)

    def column(self, name: str) -> list[Any]:
        """A column of all rows. Raises `DataError` where there is none."""
        return [value for unit in self.units for value in unit.column(name)]


class Splits(Split):
    """Splits of several exports as one, its rows numbered through."""

    def __init__(self, splits: Sequence[Split]) -> None:
        super().__init__(splits[0].name, [unit for split in splits for unit in split.units])


def open_split(data: Path, name: str) -> Split:
    """The split `name` (train, val or test) of an exported folder. Raises `DataError` when it is absent or empty."""
    if not data.is_dir():
        raise DataError(f"there is no data folder {data}; `pmc15m export` writes one")
    for alias in SPLIT_NAMES[name]:
        for tars in ((data / "data").glob(f"{alias}-*.tar"), (data / alias).glob("*.tar")):
            if found := sorted_by_numbers(tars):
                return Split(name, list(map(Tar, found, _read_sizes(found))), TARS_PER_WINDOW)
        if found := sorted_by_numbers((data / "data").glob(f"{alias}-*.parquet")):
            return _row_groups(name, found)
    raise DataError(
        f"{data} has no {name} split: neither data/{name}-*.tar (WebDataset) nor data/{name}-*.parquet (Hugging Face)"
    )


def sorted_by_numbers(paths: Iterable[Path]) -> list[Path]:
    """By name, with 99999.tar before 100000.tar."""
    return sorted(paths, key=_by_numbers)


def _by_numbers(path: Path) -> tuple[list[str | int], str]:
    words = re.split(r"([0-9]+)", path.name)  # every second one is a number
    return [int(word) if place % 2 else word for place, word in enumerate(words)], path.name


@dataclasses.dataclass(frozen=True, slots=True)
class Tar:
    """A WebDataset shard. Its index is made when its first row is asked for."""

    path: Path
    size: int
    layout: ClassVar[str] = "WebDataset"

    def _spans(self) -> Spans:
        spans = tar_index(self.path)
        if len(spans) != self.size:
            told = f"{self.path} holds {len(spans)} complete pairs, but sizes.json says {self.size}"
            raise DataError(f"{told}; export it again")
        return spans

    def _read(self, spans: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        with self.path.open("rb", buffering=0) as file:
            for start, size in spans:
                yield read_at(file, start, size)

    def pair(self, row: int) -> Pair:
        image_start, image_size, *text, _, _ = self._spans()[row].tolist()
        image, caption = self._read([(image_start, image_size), text])
        return Pair(image, _decode_text(caption))

    def where(self, row: int) -> str:
        return f"{self.path.parent.name}/{self.path.name}, pair {row}"

    def texts(self) -> Iterator[str]:
        return map(_decode_text, self._read(self._spans()[:, 2:4].tolist()))

    def facts(self, row: int, column: str) -> list[str]:
        [stored] = self._read(self._spans()[row : row + 1, 4:].tolist())
        try:
            told = json.loads(stored or b"{}").get(column) or ""
        except (ValueError, AttributeError):
            return []
        separator = "\n" if "\n" in told else "; "  # the exporter's, of lists
        return [text for text in (told.split(separator) if column == "mentions" else [told]) if text]

    def column(self, name: str) -> list[Any]:
        try:
            table = pq.ParquetFile(_side_table(self.path)).read([name, "export_span"]).select([name, "export_span"])
            values = [value for value, span in zip(*(c.to_pylist() for c in table.columns), strict=True) if span]
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            told = str(error).splitlines()[0]
            raise DataError(f"{self.path}: no side table tells a column {name}: {told}") from None
        if len(values) != self.size:
            told = f"{_side_table(self.path)} tells of {len(values)} pairs, not {self.size}"
            raise DataError(f"{told}; export the split again")
        return values


@functools.lru_cache(maxsize=2 * TARS_PER_WINDOW)  # a batch on the border of two windows touches both
def tar_index(path: Path) -> Spans:
    """Offset and size of each pair's image, text and JSON in bytes: (pairs, 6), zeros where there is no JSON.

    As the exporter noted it, as it was kept, or by a walk over the headers. Raises `DataError` when that shows a torn
    tar, or none.
    """
    noted = _noted_index(path)
    return _kept_index(path) if noted is None else noted


def _side_table(tar: Path) -> Path:
    return tar.parent.parent / HIDDEN / f"{re.sub('-of-[0-9]+$', '', tar.stem)}.parquet"


def _noted_index(tar: Path) -> Spans | None:
    """From the side table of the exporter, if it is that of the very tar."""
    try:
        table = pq.ParquetFile(_side_table(tar))
        size = json.loads(table.metadata.metadata[b"pmc15m"])["data"]["size"]
        spans: Spans = table.read(["export_span"])["export_span"].combine_chunks().flatten().to_numpy().reshape(-1, 6)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None
    return spans if size == tar.stat().st_size else None


def _kept_index(tar: Path) -> Spans:
    """Walks once; where the folder can be written, the next one that asks finds the answer there."""
    kept = tar.parent.parent / HIDDEN / f"{tar.parent.name}-{tar.name}.npy"
    about = [tar.stat().st_size, tar.stat().st_mtime_ns]
    index: Spans | None = None
    with contextlib.suppress(OSError, ValueError, EOFError):
        index = np.load(kept)
    if index is None or index[:1, :2].tolist() != [about]:
        spans, incomplete = _walk(tar)
        index = np.concatenate([[[*about, incomplete, 0, 0, 0]], spans])
        with contextlib.suppress(OSError):
            stored = io.BytesIO()
            np.save(stored, index)
            files.share(kept, stored.getvalue())
    if index[0, 2]:
        _say_incomplete(tar, int(index[0, 2]))
    return index[1:]


def _walk(path: Path) -> tuple[Spans, int]:
    """Also the number of samples that lack a picture or a text."""
    spans: list[tuple[int, ...]] = []
    incomplete = 0
    for _, found in tar_groups(path):
        image = next((found[suffix] for suffix in IMAGE_SUFFIXES if suffix in found), None)
        if image is None or TEXT_SUFFIX not in found:
            incomplete += 1
        else:
            spans.append((*image, *found[TEXT_SUFFIX], *found.get(FACTS_SUFFIX, (0, 0))))
    return np.array(spans, dtype=np.int64).reshape(-1, 6), incomplete


def tar_groups(path: Path) -> Iterator[tuple[str, dict[str, tuple[int, int]]]]:
    """The samples of a tar: the key, and suffix → (offset, size) of its files. Raises `DataError` when it is torn."""
    count = 0
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            members = ((*_key_and_suffix(member.name), member) for member in tar if member.isfile())
            for key, group in itertools.groupby(members, key=lambda named: named[0]):
                count += 1
                yield key, {suffix: (member.offset_data, member.size) for _, suffix, member in group}
            if not _is_ended(file, tar.offset):  # for tarfile, a cut or a damaged header is an end like any other
                raise DataError(f"{path} is cut short or damaged after {count} pairs; export it again")
    except (OSError, tarfile.TarError) as error:
        raise DataError(f"{path} cannot be read as a tar: {error}") from None


def _is_ended(file: BinaryIO, end: int) -> bool:
    """Whether a tar has its block of zeros where the last member ends, and nothing but zeros behind it."""
    file.seek(end)
    mark = file.read(tarfile.BLOCKSIZE)
    rest = iter(lambda: file.read(1 << 20), b"")
    return len(mark) == tarfile.BLOCKSIZE and not any(block.strip(b"\0") for block in itertools.chain([mark], rest))


@functools.cache  # once a shard and process, however often its index is made
def _say_incomplete(path: Path, count: int) -> None:
    log.warning("%s: %d samples have no picture or no text beside it and are left out", path, count)


def _row_groups(name: str, paths: Sequence[Path]) -> Split:
    """Hugging Face Parquet. A row group is read whole and kept while its window lasts."""
    files = [(path, _parquet_file(path).metadata) for path in paths]
    groups = [(path, number, told.row_group(number)) for path, told in files for number in range(told.num_row_groups)]
    largest = max((group.total_byte_size for _, _, group in groups), default=0)
    window = max(1, min(ROW_GROUPS_PER_WINDOW, WINDOW_BYTES // max(1, largest)))
    kept: dict[tuple[Path, int], pa.Table] = {}
    return Split(name, [RowGroup(path, group.num_rows, number, kept, window) for path, number, group in groups], window)


@dataclasses.dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group of Hugging Face Parquet."""

    path: Path
    size: int
    number: int
    kept: dict[tuple[Path, int], pa.Table]  # the row groups of this export that were read last, the oldest first
    most: int  # of them, one window
    layout: ClassVar[str] = "Hugging Face Parquet"

    def _table(self) -> pa.Table:
        # Rows come in the order of the windows: who asks for the next window has done with this one.
        key = (self.path, self.number)
        table = self.kept.pop(key, None)
        while len(self.kept) >= self.most:
            del self.kept[next(iter(self.kept))]
        self.kept[key] = self._read(["image", "text", *OTHER_TEXTS]) if table is None else table
        return self.kept[key]

    def _read(self, columns: Sequence[str]) -> pa.Table:
        try:
            return _parquet_file(self.path).read_row_group(self.number, columns=columns)
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{self.path}, row group {self.number} cannot be read: {error}") from None

    def pair(self, row: int) -> Pair:
        table = self._table()
        picture, text = (table[column][row].as_py() for column in ("image", "text"))
        return Pair((picture or {}).get("bytes") or b"", text or "")

    def where(self, row: int) -> str:
        return f"{self.path.name}, row group {self.number}, row {row}"

    def texts(self) -> Iterator[str]:
        return (text or "" for text in self.column("text"))

    def facts(self, row: int, column: str) -> list[str]:
        table = self._table()
        told = table[column][row].as_py() if column in table.column_names else None
        return [text for text in (told if isinstance(told, list) else [told]) if text]

    def column(self, name: str) -> list[Any]:
        if name not in _parquet_file(self.path).schema_arrow.names:
            raise DataError(f"{self.path} has no column {name}")
        values: list[Any] = self._read([name])[name].to_pylist()
        return values


@functools.lru_cache(maxsize=256)
def _parquet_file(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path, memory_map=True)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from None
    image = file.schema_arrow.field("image").type if "image" in file.schema_arrow.names else None
    if image is None or not pa.types.is_struct(image) or image.get_field_index("bytes") < 0:
        raise DataError(f"{path} has no column `image` of struct<bytes, path>")
    if "text" not in file.schema_arrow.names:
        raise DataError(f"{path} has no column `text`; its columns are {', '.join(file.schema_arrow.names)}")
    return file


def _read_sizes(tars: Sequence[Path]) -> list[int]:
    """Pairs in each tar: from `sizes.json` beside them, or counted when there is none."""
    path = tars[0].parent / "sizes.json"
    if not path.exists():
        return [len(tar_index(tar)) for tar in tars]
    try:
        sizes = json.loads(path.read_text(encoding="utf-8"))
        listed = {name: int(count) for name, count in sizes.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path} is not a JSON object of shard name → number of pairs: {error}") from None
    names = {tar.name for tar in tars}
    if absent := sorted(name for name in listed.keys() - names if not path.with_name(name).exists()):
        raise DataError(f"{path} lists {absent[0]}, which is not there; the export is incomplete")
    if unlisted := sorted(names - listed.keys()):
        raise DataError(f"{path} does not list {unlisted[0]}; export the split again")
    return [listed[tar.name] for tar in tars]


def _key_and_suffix(member: str) -> tuple[str, str]:
    """WebDataset's rule: the suffix starts at the first dot of the file name."""
    folder, _, name = member.rpartition("/")
    stem, _, suffix = name.partition(".")
    return f"{folder}/{stem}", suffix.lower()


def read_at(file: Any, start: int, size: int) -> bytes:
    """`size` bytes of an open file from `start` on."""
    file.seek(start)
    data: bytes = file.read(size)
    return data


def _decode_text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace").strip()
