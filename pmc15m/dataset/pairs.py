"""The pairs of a workspace as a sequence: rows lie in a file, pictures are read and decoded when they are asked for.

Such a sequence is what torch calls a map-style dataset; nothing here needs torch.
"""

import bisect
import functools
import itertools
import mmap
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from pmc15m.config import ExportConfig
from pmc15m.curate.splits import Split
from pmc15m.errors import Pmc15mError, UsageError
from pmc15m.export.funnel import run_recipe
from pmc15m.export.order import Order
from pmc15m.figures.drawing import data_uri, encoded, isolated
from pmc15m.pictures.decode import DecodeError, decode
from pmc15m.query import connect, query_error
from pmc15m.workspace import Workspace

Made = TypeVar("Made", covariant=True)
_BATCH = 10_000  # rows
_LEVELS = ("figure", "panel")


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A picture and its text. `row` holds every column of `pairs` by its name; `pair["journal"]` is short for it."""

    workspace: Workspace
    row: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.row[column]

    @property
    def key(self) -> str:
        """The pair's key, which `show` knows too."""
        return str(self.row["pair_key"])

    @property
    def text(self) -> str:
        """The caption, or the panel's own part of it."""
        return str(self.row["text"])

    @property
    def context(self) -> str | None:
        """The text amid what it shares with other panels; None where that adds nothing."""
        return None if (context := self.row["context"]) is None else str(context)

    @property
    def image(self) -> Image.Image:
        """RGB or L, upright, in full size: the figure, or the panel cut out of it.

        Raises `DamageError` where the bytes are not those that were fetched, and `OSError` where there is no tar.
        """
        row = self.row
        picture = _decoded(self.workspace.root, row["shard"], row["offset"], row["size"], row["sha256"])
        box = row["box"]
        return picture.copy() if box is None else picture.crop((box["x0"], box["y0"], box["x1"], box["y1"]))

    def _repr_png_(self) -> bytes:
        return encoded(self.image, "PNG")

    def _repr_html_(self) -> str:
        told = [self.row[name] for name in ("label", "journal", "year", "licence_code")]
        where = " · ".join(str(fact) for fact in (*told, self.key) if fact)
        context = f"<br><small>{isolated(self.context)}</small>" if self.context else ""
        return (
            f'<div><img alt="" src="{data_uri(self.image)}" style="max-width:100%; max-height:24em">'
            f"<br>{isolated(self.text)}{context}<br><small>{isolated(where)}</small></div>"
        )


@functools.lru_cache(maxsize=1)  # the panels of a figure come one after the other
def _decoded(root: Path, shard: str, offset: int, size: int, sha256: str) -> Image.Image:
    decoded = decode(Workspace(root).read(shard, offset, size, sha256))
    if isinstance(decoded, DecodeError):
        raise Pmc15mError(f"the picture at {offset} of {shard}.tar cannot be decoded: {decoded}")
    return decoded.image


@dataclass(frozen=True, slots=True)
class _Query:
    """Which pairs of a workspace, as `pairs` is told."""

    root: Path
    where: str | None
    level: str | None
    recipe: str | None
    split: str | None

    def batches(self) -> list[pa.RecordBatch]:
        """Every column of these pairs, in the order of their shards.

        They lie in an unnamed file that the system reads as memory: what of them is not in use takes none.
        """
        workspace = Workspace(self.root)
        workspace.require_data()
        if not workspace.shards("pairs"):
            raise UsageError(f"there are no pairs in {self.root}; run `pmc15m run`")
        workspace.check(("pairs",))  # DuckDB does not look at checksums
        tests = {"level = ?": self.level, "split = ?": self.split}
        parameters = {test: value for test, value in tests.items() if value is not None}
        conditions = [*parameters, *([f"({self.where}\n)"] if self.where else [])] or ["true"]
        with connect(workspace) as connection:
            kept = None
            if self.recipe is not None:
                recipe = Order.of(ExportConfig(recipe=self.recipe)).steps
                run_recipe(connection, recipe)
                keys = connection.sql(f"SELECT hash(pair_key) AS hashed FROM {recipe.kept}")
                kept = np.sort(keys.to_arrow_table()["hashed"].to_numpy())
            query = f"SELECT *, hash(pair_key) AS hashed FROM pairs WHERE {' AND '.join(conditions)}"
            try:
                found = connection.sql(query, params=list(parameters.values())).to_arrow_reader(_BATCH)
                return _stored(_among(found, kept), self.root)
            except duckdb.Error as error:
                raise query_error(error) from None


def _among(rows: pa.RecordBatchReader, kept: NDArray[np.uint64] | None) -> Iterator[pa.RecordBatch]:
    """Those of the rows whose hashed key is kept (sorted), in their order, which no join of DuckDB's would keep."""
    for batch in rows:
        if kept is not None:
            hashed = batch["hashed"].to_numpy()
            places = np.searchsorted(kept, hashed, side="right")
            batch = batch.filter(pa.array(places > np.searchsorted(kept, hashed)))
        if batch.num_rows:
            yield batch.drop_columns("hashed")


def _stored(rows: Iterator[pa.RecordBatch], folder: Path) -> list[pa.RecordBatch]:
    with tempfile.TemporaryFile(dir=folder if os.access(folder, os.W_OK) else None) as file:
        if (first := next(rows, None)) is None:
            return []
        with pa.ipc.new_file(file, first.schema) as writer:
            for batch in itertools.chain([first], rows):
                writer.write_batch(batch)
        file.flush()
        held = pa.ipc.open_file(pa.py_buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    return [held.get_batch(number) for number in range(held.num_record_batches)]


class Pairs(Sequence[Pair]):
    """Pairs of a workspace, made by `pairs`. A slice is a smaller one; pickled, it asks the workspace again."""

    def __init__(self, query: _Query, batches: Sequence[pa.RecordBatch], places: range) -> None:
        self._query, self._batches, self._places = query, batches, places
        self._workspace = Workspace(query.root)
        self._starts = [0, *itertools.accumulate(batch.num_rows for batch in batches)]

    def __len__(self) -> int:
        return len(self._places)

    if TYPE_CHECKING:  # Python keeps overloads, and with them this module and DuckDB, which complains of it at the end

        @overload
        def __getitem__(self, index: int) -> Pair: ...
        @overload
        def __getitem__(self, index: slice) -> "Pairs": ...

    def __getitem__(self, index: int | slice) -> "Pair | Pairs":
        if isinstance(index, slice):
            return Pairs(self._query, self._batches, self._places[index])
        place = self._places[index]
        number = bisect.bisect_right(self._starts, place) - 1
        [row] = self._batches[number].slice(place - self._starts[number], 1).to_pylist()
        return Pair(self._workspace, row)

    def map(self, function: Callable[[Pair], Made]) -> "Mapped[Made]":
        """What a function makes of each pair, when it is asked for: samples for a trainer."""
        return Mapped(self, function)

    def __reduce__(self) -> tuple[Callable[..., "Pairs"], tuple[Any, ...]]:
        return _asked_again, (self._query, _digest(self._batches), self._places)

    def __repr__(self) -> str:
        return f"<{len(self):,} pairs of {self._query.root}>"


def _asked_again(query: _Query, digest: int, places: range) -> Pairs:
    """The same pairs in another process. Raises `UsageError` where the workspace has changed meanwhile."""
    batches = query.batches()
    if _digest(batches) != digest:
        raise UsageError(f"{query.root} has other pairs than before; ask for them again")
    return Pairs(query, batches, places)


def _digest(batches: Sequence[pa.RecordBatch]) -> int:
    """Of the keys in their order."""
    digest = 0
    for batch in batches:
        digest = zlib.crc32("".join(batch["pair_key"].to_pylist()).encode(), digest)
    return digest


@dataclass(frozen=True, slots=True)
class Mapped(Generic[Made]):
    """Samples made of pairs: a map-style dataset, for `torch.utils.data.DataLoader`."""

    pairs: Pairs
    function: Callable[[Pair], Made]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Made:
        return self.function(self.pairs[index])


def pairs(
    workspace: Workspace | Path | str = "data",
    where: str | None = None,
    *,
    level: str | None = None,
    recipe: str | None = None,
    split: str | None = None,
) -> Pairs:
    """The pairs of a workspace, those of `where` (SQL over the columns of `pairs`) alone if it is given.

    `level` is "figure" or "panel", `split` "train", "val" or "test"; `recipe`, by name or path, keeps what an export of
    it would hold. No picture is read before it is asked for. Raises `UsageError` where there are no pairs yet or SQL
    or recipe is none, and `DamageError` where a part is not as it was written.
    """
    for name, value, known in (("level", level, _LEVELS), ("split", split, tuple(Split))):
        if value is not None and value not in known:
            raise UsageError(f"{name} is {', '.join(known)}, not {value!r}")
    root = workspace.root if isinstance(workspace, Workspace) else Path(workspace)
    query = _Query(root, where, level, recipe, split)
    batches = query.batches()
    return Pairs(query, batches, range(sum(batch.num_rows for batch in batches)))
