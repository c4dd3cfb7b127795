"""One WebDataset shard: `<key>.jpg`, `<key>.txt`, `<key>.json` a pair, adjacent, in plan order.

Read by open_clip (`--dataset-type webdataset`), `webdataset`, Hugging Face `datasets` and `train/`. For some of
them a suffix is a column: every picture of an export has the same one, whatever its bytes are, which all of them look
at anyway; and no value of the JSON is null or an empty list, because types are guessed from the first samples. Keys
hold no dot, for what follows the first one is taken as the suffix. Headers are constant: same pairs, same bytes.
Where the members lie goes into the side table: a reader of random pairs needs no walk over the headers.
"""

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pmc15m.export.columns import flat
from pmc15m.export.picture import Picture


def write_webdataset(
    path: Path, samples: Iterable[tuple[Mapping[str, Any], Picture]], extension: str
) -> list[list[int]]:
    """Write samples (`columns.sample` with pair_key and text) with their pictures, all with one extension.

    Returns offset and size in bytes of each sample's picture, text and JSON: six numbers a sample.
    """
    spans = []
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for sample, picture in samples:
            facts = flat({name: value for name, value in sample.items() if name not in ("pair_key", "text")})
            key = sample["pair_key"]
            described = json.dumps(facts, ensure_ascii=False, sort_keys=True)
            members = {extension: picture.content, "txt": sample["text"].encode(), "json": described.encode()}
            spans.append([number for suffix, content in members.items() for number in _add(tar, key, suffix, content)])
    return spans


def _add(tar: tarfile.TarFile, key: str, suffix: str, content: bytes) -> tuple[int, int]:
    """Where the content begins, and its size."""
    member = tarfile.TarInfo(f"{key}.{suffix}")  # mtime, uid and gid are 0, mode is 0644
    member.size = len(content)
    start = tar.offset + tarfile.BLOCKSIZE
    tar.addfile(member, io.BytesIO(content))
    return start, len(content)
