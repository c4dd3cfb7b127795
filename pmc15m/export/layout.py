"""Where an export's files lie, in either format."""

import json
from dataclasses import dataclass
from pathlib import Path

from pmc15m.export.plan import SPLITS, Shard
from pmc15m.workspace import Workspace

FORMATS = ("webdataset", "hf")


@dataclass(frozen=True, slots=True)
class Layout:
    """The folder of one export; each format of a recipe has its own."""

    folder: Path
    format: str

    @classmethod
    def of(cls, workspace: Workspace, recipe: str, kind: str) -> "Layout":
        """Where the export of a recipe lies in a workspace."""
        return cls(workspace.root / "export" / (recipe if kind == "webdataset" else f"{recipe}-{kind}"), kind)

    @property
    def plan(self) -> Path:
        return self.folder / "plan.parquet"

    @property
    def summary(self) -> Path:
        return self.folder / "export.json"

    def data(self, shard: Shard) -> Path:
        """The training shard."""
        if self.format == "hf":
            return self.folder / "data" / f"{shard.split}-{shard.name}-of-{shard.count:05d}.parquet"
        return self.folder / shard.split / f"{shard.name}.tar"

    def rows(self, shard: Shard) -> Path:
        """Every planned pair of the shard with its outcome; beside the tar, as img2dataset lays it."""
        if self.format == "hf":
            return self.folder / "rows" / f"{shard.split}-{shard.name}.parquet"
        return self.folder / shard.split / f"{shard.name}.parquet"

    def sizes(self, split: str) -> Path:
        """Samples a shard, as open_clip reads it."""
        return self.folder / split / "sizes.json"

    def is_summarised(self, made_from: str) -> bool:
        """Whether the summary was written for this plan."""
        try:
            return bool(json.loads(self.summary.read_text(encoding="utf-8"))["fingerprint"] == made_from)
        except (OSError, ValueError, KeyError):
            return False

    def remove_others(self, shards: list[Shard]) -> None:
        """Delete shards of an earlier plan that this one does not write again."""
        kept = {path for shard in shards for path in (self.data(shard), self.rows(shard))}
        for name in (*SPLITS, "data", "rows"):
            for path in (self.folder / name).glob("*"):
                if path.suffix in {".tar", ".parquet"} and path not in kept:
                    path.unlink()
