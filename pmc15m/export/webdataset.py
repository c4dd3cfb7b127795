"""One WebDataset shard: `<key>.jpg`, `<key>.txt`, `<key>.json` a pair, adjacent, in plan order.

Read by open_clip (`--dataset-type webdataset`), Hugging Face `datasets` and `train/`. Keys hold no dot, because a
reader takes what follows the first one as the extension. Headers are constant: same pairs, same bytes.
"""

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pmc15m.export.picture import Picture

# What a sample's JSON carries beside picture and text: where it comes from, and under which terms.
_FACTS = (
    *("pmcid", "version", "level", "label", "journal", "year", "language"),
    *("licence_code", "licence_url", "image_kind", "context", "flags"),
)


def write_webdataset(path: Path, samples: Iterable[tuple[Mapping[str, Any], Picture]], text: str) -> None:
    """Write pairs (rows of the plan) with their pictures; column `text` is the caption, or "text" where it is null."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for pair, picture in samples:
            facts = {name: pair[name] for name in _FACTS} | {"width": picture.width, "height": picture.height}
            key = pair["pair_key"]
            _add(tar, f"{key}.{picture.extension}", picture.content)
            _add(tar, f"{key}.txt", (pair[text] or pair["text"]).encode())
            _add(tar, f"{key}.json", json.dumps(facts, ensure_ascii=False, sort_keys=True).encode())


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)  # mtime, uid and gid are 0, mode is 0644
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
