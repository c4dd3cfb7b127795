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
import functools
import io
import itertools
import json
import logging
import re
import tarfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

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


class Split(Protocol):
    """Rows 0 … len-1 in units of `sizes` rows each."""

    name: str
    layout: str
    files: Sequence[Path]
    sizes: Sequence[int]

    def pair(self, row: int) -> Pair: ...

    def where(self, row: int) -> str:
        """File and place of a row, for messages."""

    def texts(self) -> Iterator[str]:
        """All captions in row order, without reading the pictures."""

    def facts(self, row: int, column: str) -> list[str]:
        """The texts that a row has in another column; of `mentions` several. Nothing where there is no such thing."""


class SplitOfUnits(Split, Protocol):
    """The split of one export."""

    units_per_window: int

    def column(self, name: str) -> list[Any]:
        """A column of all rows. Raises `DataError` where there is none."""


def open_split(data: Path, name: str) -> SplitOfUnits:
    """The split `name` (train, val or test) of an exported folder. Raises `DataError` when it is absent or empty."""
    if not data.is_dir():
        raise DataError(f"there is no data folder {data}; `pmc15m export` writes one")
    for alias in SPLIT_NAMES[name]:
        for tars in ((data / "data").glob(f"{alias}-*.tar"), (data / alias).glob("*.tar")):
            if found := sorted_by_numbers(tars):
                return TarSplit(name, found)
        if files := sorted_by_numbers((data / "data").glob(f"{alias}-*.parquet")):
            return ParquetSplit(name, files)
    raise DataError(
        f"{data} has no {name} split: neither data/{name}-*.tar (WebDataset) nor data/{name}-*.parquet (Hugging Face)"
    )


class Splits:
    """Splits of several exports as one, its rows numbered through."""

    def __init__(self, splits: Sequence[Split]) -> None:
        self.splits = splits
        self.name, self.layout = splits[0].name, " and ".join(sorted({split.layout for split in splits}))
        self.files: Sequence[Path] = [file for split in splits for file in split.files]
        self.sizes: Sequence[int] = [size for split in splits for size in split.sizes]
        self._ends = list(itertools.accumulate(sum(split.sizes) for split in splits))

    def pair(self, row: int) -> Pair:
        split, inside = _locate(self._ends, row)
        return self.splits[split].pair(inside)

    def where(self, row: int) -> str:
        split, inside = _locate(self._ends, row)
        return self.splits[split].where(inside)

    def texts(self) -> Iterator[str]:
        return itertools.chain.from_iterable(split.texts() for split in self.splits)

    def facts(self, row: int, column: str) -> list[str]:
        split, inside = _locate(self._ends, row)
        return self.splits[split].facts(inside, column)


def sorted_by_numbers(paths: Iterable[Path]) -> list[Path]:
    """By name, with 99999.tar before 100000.tar."""
    return sorted(paths, key=_by_numbers)


def _by_numbers(path: Path) -> tuple[list[str | int], str]:
    words = re.split(r"([0-9]+)", path.name)  # every second one is a number
    return [int(word) if place % 2 else word for place, word in enumerate(words)], path.name


class TarSplit:
    """WebDataset shards. A shard's index is made when its first row is asked for."""

    layout = "WebDataset"
    units_per_window = TARS_PER_WINDOW

    def __init__(self, name: str, tars: Sequence[Path]) -> None:
        self.name = name
        self._tars = list(tars)
        self.files: Sequence[Path] = self._tars
        self.sizes: Sequence[int] = _read_sizes(self._tars)
        self._ends = list(itertools.accumulate(self.sizes))
        if not self._ends[-1]:
            raise DataError(f"the {name} split in {self._tars[0].parent} is empty: its shards hold no pairs")

    def _locate(self, row: int) -> tuple[int, int]:
        return _locate(self._ends, row)

    def _index(self, unit: int) -> Spans:
        tar, size, spans = self._tars[unit], self.sizes[unit], tar_index(self._tars[unit])
        if len(spans) != size:
            raise DataError(f"{tar} holds {len(spans)} complete pairs, but sizes.json says {size}; export it again")
        return spans

    def pair(self, row: int) -> Pair:
        unit, inside = self._locate(row)
        image_start, image_size, text_start, text_size = self._index(unit)[inside, :4].tolist()
        with self._tars[unit].open("rb", buffering=0) as file:
            image = read_at(file, image_start, image_size)
            return Pair(image, _decode_text(read_at(file, text_start, text_size)))

    def where(self, row: int) -> str:
        unit, inside = self._locate(row)
        return f"{self.name}/{self._tars[unit].name}, pair {inside}"

    def texts(self) -> Iterator[str]:
        for unit, tar in enumerate(self._tars):
            spans = self._index(unit)
            with tar.open("rb", buffering=0) as file:
                for start, size in spans[:, 2:4]:
                    yield _decode_text(read_at(file, int(start), int(size)))

    def facts(self, row: int, column: str) -> list[str]:
        unit, inside = self._locate(row)
        start, size = self._index(unit)[inside, 4:].tolist()
        with self._tars[unit].open("rb", buffering=0) as file:
            try:
                told = json.loads(read_at(file, start, size) or b"{}").get(column) or ""
            except (ValueError, AttributeError):
                return []
        separator = "\n" if "\n" in told else "; "  # the exporter's, of lists
        return [text for text in (told.split(separator) if column == "mentions" else [told]) if text]

    def column(self, name: str) -> list[Any]:
        values = []
        for tar, size in zip(self._tars, self.sizes, strict=True):
            try:
                table = pq.ParquetFile(_side_table(tar)).read([name, "export_span"]).select([name, "export_span"])
                of_tar = [value for value, span in zip(*(c.to_pylist() for c in table.columns), strict=True) if span]
            except (OSError, ValueError, KeyError, pa.ArrowException) as error:
                raise DataError(f"{tar}: no side table tells a column {name}: {str(error).splitlines()[0]}") from None
            if len(of_tar) != size:
                raise DataError(f"{_side_table(tar)} tells of {len(of_tar)} pairs, not {size}; export the split again")
            values += of_tar
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
            kept.parent.mkdir(exist_ok=True)
            mine = kept.with_name(f"{uuid.uuid4().hex}.tmp")  # others may be walking the same tar
            files.write(mine, stored.getvalue())
            mine.replace(kept)
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


class ParquetSplit:
    """Hugging Face Parquet. A row group is read whole and kept while its window lasts."""

    layout = "Hugging Face Parquet"

    def __init__(self, name: str, files: Sequence[Path]) -> None:
        self.name = name
        self.files: Sequence[Path] = list(files)
        self._units = [(path, group) for path in files for group in range(_parquet_file(path).num_row_groups)]
        groups = [_parquet_file(path).metadata.row_group(group) for path, group in self._units]
        self.sizes: Sequence[int] = [group.num_rows for group in groups]
        largest = max((group.total_byte_size for group in groups), default=0)
        self.units_per_window = max(1, min(ROW_GROUPS_PER_WINDOW, WINDOW_BYTES // max(1, largest)))
        self._kept: dict[int, pa.Table] = {}  # the units read last, one window of them, the oldest first
        self._ends = list(itertools.accumulate(self.sizes))
        if not self._ends or not self._ends[-1]:
            raise DataError(f"the {name} split in {files[0].parent} is empty: its Parquet files hold no rows")

    def pair(self, row: int) -> Pair:
        unit, inside = _locate(self._ends, row)
        table = self._row_group(unit)
        picture = table["image"][inside].as_py()
        text = table["text"][inside].as_py()
        return Pair((picture or {}).get("bytes") or b"", text or "")

    def _row_group(self, unit: int) -> pa.Table:
        # Rows come in the order of the windows: who asks for the next window has done with this one.
        table = self._kept.pop(unit, None)
        while len(self._kept) >= self.units_per_window:
            del self._kept[next(iter(self._kept))]
        self._kept[unit] = _read_row_group(*self._units[unit]) if table is None else table
        return self._kept[unit]

    def where(self, row: int) -> str:
        unit, inside = _locate(self._ends, row)
        path, group = self._units[unit]
        return f"{path.name}, row group {group}, row {inside}"

    def texts(self) -> Iterator[str]:
        return (text or "" for text in self._values("text"))

    def facts(self, row: int, column: str) -> list[str]:
        unit, inside = _locate(self._ends, row)
        table = self._row_group(unit)
        told = table[column][inside].as_py() if column in table.column_names else None
        return [text for text in (told if isinstance(told, list) else [told]) if text]

    def column(self, name: str) -> list[Any]:
        if absent := [path for path in self.files if name not in _parquet_file(path).schema_arrow.names]:
            raise DataError(f"{absent[0]} has no column {name}")
        return list(self._values(name))

    def _values(self, column: str) -> Iterator[Any]:
        for path, group in self._units:
            yield from _parquet_file(path).read_row_group(group, columns=[column])[column].to_pylist()


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


def _read_row_group(path: Path, group: int) -> pa.Table:
    try:
        return _parquet_file(path).read_row_group(group, columns=["image", "text", *OTHER_TEXTS])
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}, row group {group} cannot be read: {error}") from None


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


def _locate(ends: Sequence[int], row: int) -> tuple[int, int]:
    """The unit that holds a row, and the row's number inside it."""
    unit = bisect.bisect_right(ends, row)
    return unit, row - (ends[unit - 1] if unit else 0)


def read_at(file: Any, start: int, size: int) -> bytes:
    """`size` bytes of an open file from `start` on."""
    file.seek(start)
    data: bytes = file.read(size)
    return data


def _decode_text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace").strip()
