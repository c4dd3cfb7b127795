"""One part of a Hugging Face data set: Parquet with the picture inside, shown as an image by `datasets`.

Pages are cut where the content says so, and pictures lie in them as they are: of a new version of a part that differs
in a few rows, storage that looks for chunks that it knows (the hub's) takes what changed. Packed pictures would get no
smaller, and one that changes would change all of its page, tens of others with it.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.export.columns import IMAGE, features, schema
from pmc15m.export.picture import Picture
from pmc15m.workspace import leaves

# A row group: about 100 MB, what the hub's viewer likes. Pictures may take up to 256 MB each, and neither Arrow nor
# `datasets` reads a row group with more than 2 GiB of them.
_ROW_GROUP = 1_000  # pictures
_ROW_GROUP_BYTES = 256 << 20
# Bytes of a page. A picture is nearly always larger, and a page of its own: whether a smaller one ends its page depends
# on all that stood before it. Columns whose rows all differ are packed in such pages, too, as a dictionary is one piece
# that changes with any row.
_PAGE = {"min_chunk_size": 2 << 10, "max_chunk_size": 4 << 10}
_UNIQUE = {"pair_key", "text", "context", "image.path"}


def write_huggingface(path: Path, samples: Iterable[tuple[Mapping[str, Any], Picture]], columns: Sequence[str]) -> None:
    """Write samples (`columns.sample` with pair_key and text) with their pictures, a row group at a time."""
    kind = pa.schema([pa.field("image", IMAGE), *schema(columns)])
    kind = kind.with_metadata({"huggingface": features(kind)})
    write_rows(path, kind, (_row(sample, picture) for sample, picture in samples))


def _row(sample: Mapping[str, Any], picture: Picture) -> tuple[dict[str, Any], int]:
    image = {"bytes": picture.content, "path": f"{sample['pair_key']}.{picture.extension}"}
    return {**sample, "image": image}, len(picture.content)


def write_rows(path: Path, kind: pa.Schema, rows: Iterable[tuple[Mapping[str, Any], int]]) -> None:
    """Write rows, each with the bytes of its pictures; a row group is closed by its rows and by these bytes."""
    packed = [leaf for field in kind for leaf in leaves(field.name, field.type) if not leaf.endswith(".bytes")]
    with pq.ParquetWriter(
        path,
        kind,
        compression=dict.fromkeys(packed, "zstd"),
        use_dictionary=[leaf for leaf in packed if leaf not in _UNIQUE],
        write_statistics=packed,  # of a small picture they would be the picture, twice
        write_page_checksum=True,
        use_content_defined_chunking=_PAGE,
    ) as writer:
        waiting: list[Mapping[str, Any]] = []
        waiting_bytes = 0
        for row, size in rows:
            if waiting and (len(waiting) == _ROW_GROUP or waiting_bytes + size > _ROW_GROUP_BYTES):
                writer.write_table(pa.Table.from_pylist(waiting, schema=kind))
                waiting, waiting_bytes = [], 0
            waiting.append(row)
            waiting_bytes += size
        if waiting:
            writer.write_table(pa.Table.from_pylist(waiting, schema=kind))
