"""Builds a raw shard by hand, so that the stages after the crawl can be tested without one."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pmc15m import schema
from pmc15m.sources.sniff import sniff_format
from pmc15m.workspace import Workspace, rows_to_table, write_part


@dataclass(frozen=True)
class Made:
    """One article version as a crawl would have stored it; a media value of None was not fetched."""

    pmcid: str
    xml: bytes | None
    media: Mapping[str, bytes | None] = field(default_factory=dict)
    metadata: Mapping[str, Any] | bytes | None = None  # bytes as they are, else as JSON
    version: int = 1
    status: str = "complete"
    reason: str | None = None


def write_raw_shard(workspace: Workspace, shard: str, articles: Sequence[Made]) -> None:
    workspace.tar(shard).parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    with tarfile.open(workspace.tar(shard), "w", format=tarfile.USTAR_FORMAT) as tar:
        for article in articles:
            prefix = f"{article.pmcid}.{article.version}"
            who = {"pmcid": article.pmcid, "version": article.version}
            rows.append({**who, "role": "article", "status": article.status, "reason": article.reason})
            objects: list[tuple[str, str, bytes | None]] = []
            if article.metadata is not None:
                said = article.metadata
                content = said if isinstance(said, bytes) else json.dumps(said).encode()
                objects.append(("metadata", f"{prefix}.json", content))
            objects.append(("xml", f"{prefix}.xml", article.xml))
            objects += [("media", name, content) for name, content in article.media.items()]
            for role, name, content in objects:
                row = {**who, "role": role, "name": name}
                if content is None:
                    rows.append({**row, "status": "failed", "reason": "missing"})
                    continue
                member = tarfile.TarInfo(f"{prefix}/{name}")
                member.size = len(content)
                offset = tar.offset + 512
                tar.addfile(member, io.BytesIO(content))
                digests = {"md5": hashlib.md5(content).hexdigest(), "sha256": hashlib.sha256(content).hexdigest()}
                stored = {
                    "member": member.name,
                    "offset": offset,
                    "size": len(content),
                    "format": sniff_format(content),
                }
                rows.append({**row, **stored, **digests, "status": "ok"})
    write_part(workspace.part("raw", shard), rows_to_table(rows, schema.RAW_INDEX, partial=True), shard)
