"""One part of a Hugging Face data set: Parquet with the picture inside, shown as an image by `datasets`."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.export.picture import Picture
from pmc15m.schema import PAIRS

# A row group: about 100 MB, what the hub's viewer likes. Pictures may take up to 256 MB each, and neither Arrow nor
# `datasets` reads a row group with more than 2 GiB of them.
_ROW_GROUP = 1_000  # pictures
_ROW_GROUP_BYTES = 256 << 20

_TEXT_COLUMNS = (
    *("pair_key", "pmcid", "level", "label", "text", "context", "journal", "language"),
    *("licence_code", "licence_url", "licence_group", "image_kind"),
)
_NUMBER_COLUMNS = ("version", "year")
_LIST_COLUMNS = ("flags",)

_FIELDS = [
    pa.field("image", pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])),
    *(PAIRS.field(name) for name in (*_TEXT_COLUMNS, *_NUMBER_COLUMNS, *_LIST_COLUMNS)),
    pa.field("width", pa.int32()),
    pa.field("height", pa.int32()),
]


def write_huggingface(path: Path, samples: Iterable[tuple[Mapping[str, Any], Picture]], text: str) -> None:
    """Write pairs (rows of the plan) with their pictures, a row group at a time.

    What stands in `text` comes from the plan's column `text`, or from "text" where that is null.
    """
    schema = pa.schema([field.remove_metadata() for field in _FIELDS], metadata=_features())
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        waiting: list[Mapping[str, Any]] = []
        size = 0
        for pair, picture in samples:
            row = {name: pair[name] for name in (*_TEXT_COLUMNS, *_NUMBER_COLUMNS, *_LIST_COLUMNS)}
            row["text"] = pair[text] or pair["text"]
            image = {"bytes": picture.content, "path": f"{pair['pair_key']}.{picture.extension}"}
            if waiting and (len(waiting) == _ROW_GROUP or size + len(picture.content) > _ROW_GROUP_BYTES):
                writer.write_table(pa.Table.from_pylist(waiting, schema=schema))
                waiting, size = [], 0
            waiting.append(row | {"image": image, "width": picture.width, "height": picture.height})
            size += len(picture.content)
        if waiting:
            writer.write_table(pa.Table.from_pylist(waiting, schema=schema))


def _features() -> dict[str, str]:
    """The schema metadata that makes `datasets` decode the struct as a picture."""
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    features |= {name: {"dtype": "string", "_type": "Value"} for name in _TEXT_COLUMNS}
    features |= {name: {"dtype": "int32", "_type": "Value"} for name in _NUMBER_COLUMNS}
    features |= {name: {"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"} for name in _LIST_COLUMNS}
    features |= {name: {"dtype": "int32", "_type": "Value"} for name in ("width", "height")}
    return {"huggingface": json.dumps({"info": {"features": features}})}
