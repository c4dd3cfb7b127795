"""The shards that an export is planned to have: the list in `.pmc15m/plan.parquet`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pmc15m.checksum import read_stamp
from pmc15m.errors import DamageError
from pmc15m.workspace import read_part, rows_to_table, write_part

SPLITS = ("train", "val", "test")
_SHARDS = pa.schema([("split", pa.string()), ("name", pa.string()), ("count", pa.int32())])


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard of an export: `name` is its number within the split, which need not have pairs for all numbers."""

    split: str
    name: str
    count: int  # numbers of the split
    made_from: str  # the fingerprint of its pairs and of how they are written

    def __str__(self) -> str:
        return f"{self.split}/{self.name}"


def write_shards(path: Path, shards: Sequence[Shard], made_from: str, order: Mapping[str, Any]) -> None:
    """Write the list, with the fingerprint of what it was made from and what was ordered (`order.Order`)."""
    rows = [{"split": shard.split, "name": shard.name, "count": shard.count} for shard in shards]
    parts = [shard.made_from for shard in shards]
    write_part(path, rows_to_table(rows, _SHARDS), made_from, order=order, parts=parts)


def read_shards(path: Path) -> list[Shard]:
    """The shards of a list. Raises `DamageError`."""
    rows, facts = read_part(path).to_pylist(), read_stamp(path)
    if "parts" not in facts:
        raise DamageError(path, "is of another version")
    return [Shard(**row, made_from=made_from) for row, made_from in zip(rows, facts["parts"], strict=True)]
