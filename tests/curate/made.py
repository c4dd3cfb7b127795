"""A small made-up workspace, as `parse` and `split` leave it."""

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m import schema
from pmc15m.config import Config, CurateConfig
from pmc15m.curate.stage import curate
from pmc15m.engine.stage import Execution
from pmc15m.errors import ExitCode
from pmc15m.workspace import Workspace, rows_to_table, write_part

Row = dict[str, Any]
_INPUTS = {
    "raw": schema.RAW_INDEX,
    "articles": schema.ARTICLES,
    "figures": schema.FIGURES,
    "images": schema.IMAGES,
    "pixels": schema.PIXELS,
    "panels": schema.PANELS,
}


class Made:
    """Rows of the input tables by shard; `write` makes parts of them."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)
        self.shards: dict[str, dict[str, list[Row]]] = {}

    def article(self, number: int, shard: str = "00000", year: int = 2020, **changes: Any) -> str:
        pmcid = f"PMC{number}"
        known = {"pmcid": pmcid, "version": 1, "pub_date": datetime.date(year, 1, 1), "language": "en", "status": "ok"}
        licence = {"licence_code": "CC BY", "licence_group": "commercial", "journal": "J. Test"}
        self._rows(shard)["articles"].append({**known, **licence, **changes})
        return pmcid

    def figure(self, pmcid: str, phash: int | None, index: int = 1, shard: str = "00000", **changes: Any) -> str:
        """A figure with one picture. Returns its image key; `changes` go to the table that has the column."""
        key = schema.figure_key(pmcid, 1, index)
        image = schema.image_key(key, 1)
        facts = {
            "figures": {
                "figure_key": key,
                "pmcid": pmcid,
                "version": 1,
                "label": f"Figure {index}",
                "n_graphics": 1,
                "caption": f"What figure {index} of {pmcid} shows.",
                "status": "ok",
                "kind": "figure",
                "origin": "body",
                "rights": [],
            },
            "images": {
                "image_key": image,
                "figure_key": key,
                "pmcid": pmcid,
                "version": 1,
                "shard": shard,
                "offset": 0,
                "size": 1,
                "format": "png",
                "status": "ok",
                "sha256": f"{pmcid} {index}",
            },
            "pixels": {
                "image_key": image,
                "width": 400,
                "height": 300,
                "phash": phash,
                "brightness": 0.5,
                "n_panels": 1,
                "colour_share": 0.1,
                "white_share": 0.5,
                "entropy": 4.0,
                "family": "graphic",
                "family_score": 0.95,
                "kind": "plot",
                "kind_score": 0.9,
                "pixel_sha256": f"pixels of {image}",
                "compound": 0.1,
                "status": "single",
            },
        }
        for table, row in facts.items():
            prefixed = {name.removeprefix(f"{table}_"): value for name, value in changes.items()}
            row |= {name: value for name, value in prefixed.items() if name in _INPUTS[table].names}
            self._rows(shard)[table].append(row)
        return image

    def panel(self, image: str, order: int, phash: int | None, shard: str = "00000", **changes: Any) -> str:
        pmcid, version, figure, _ = image.split("_")
        key = schema.panel_key(image, order)
        known = {
            "panel_key": key,
            "image_key": image,
            "figure_key": f"{pmcid}_{version}_{figure}",
            "pmcid": pmcid,
            "version": 1,
            "order": order,
            "box": {"x0": 200 * order, "y0": 0, "x1": 200 * order + 200, "y1": 300},
            "label": "AB"[order],
            "subcaption": f"Part {order}.",
            "alignment_score": 0.9,
            "stem_spans": [],
            "shared_spans": [],
            "phash": phash,
            "brightness": 0.5,
            "colour_share": 0.1,
            "entropy": 4.0,
            "kind": "photo",
            "status": "ok",
        }
        row = known | changes
        [caption] = [f["caption"] for f in self._rows(shard)["figures"] if f["figure_key"] == row["figure_key"]]
        start = (caption or "").find(row["subcaption"] or "\0")
        spans = [{"start": start, "end": start + len(row["subcaption"])}] if start >= 0 else []
        self._rows(shard)["panels"].append({"subcaption_spans": spans} | row)
        return key

    def write(self) -> None:
        self.workspace.create()
        for shard, tables in self.shards.items():
            for table, rows in tables.items():
                content = rows_to_table(rows, _INPUTS[table], partial=True)
                write_part(self.workspace.part(table, shard), content, str(hash(str(rows))))

    def curated(self, **settings: Any) -> "Made":
        """The same, after a run of the stage."""
        self.write()
        assert curate(self.workspace, config_with(**settings), Execution()) is ExitCode.COMPLETE
        return self

    def rows(self, table: str) -> list[Row]:
        """Rows of all parts of a table."""
        parts = [pq.read_table(path) for path in self.workspace.parts(table)]
        rows: list[Row] = pa.concat_tables(parts).to_pylist()
        return rows

    def pairs(self) -> dict[str, Row]:
        return {row["pair_key"]: row for row in self.rows("pairs")}

    def _rows(self, shard: str) -> dict[str, list[Row]]:
        return self.shards.setdefault(shard, {table: [] for table in _INPUTS})


def config_with(**settings: Any) -> Config:
    return Config(curate=CurateConfig(**settings))
