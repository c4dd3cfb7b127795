"""The `split` stage: images in; what their pixels tell, and panels with sub-captions, out.

Every picture is read with one positioned read and decoded once; hashes, features and panels all come from that.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m import schema
from pmc15m.config import Config, SplitConfig
from pmc15m.curate.hashes import pixel_facts
from pmc15m.decode import Decoded, DecodeError, decode
from pmc15m.figures import Box, Panel, Separation, SeparationStatus, Span, separate
from pmc15m.stage import Stage
from pmc15m.workspace import Workspace, rows_to_table

Row = Mapping[str, Any]


def split_shard(workspace: Workspace, shard: str, config: Config) -> Mapping[str, pa.Table]:
    """The pixels and panels of one shard's images, in the order of the images."""
    images = pq.read_table(workspace.part("images", shard)).to_pylist()
    columns = ["figure_key", "caption", "caption_markup"]
    figures = {row["figure_key"]: row for row in pq.read_table(workspace.part("figures", shard), columns).to_pylist()}
    pixels: list[Row] = []
    panels: list[Row] = []
    for image in images:
        if image["status"] != "ok":
            continue
        content = workspace.read(image["shard"], image["offset"], image["size"])
        row, found = split_image(image, figures[image["figure_key"]], content, config.split)
        pixels.append(row)
        panels += found
    return {"pixels": rows_to_table(pixels, schema.PIXELS), "panels": rows_to_table(panels, schema.PANELS)}


SPLIT = Stage(
    name="split",
    version=1,
    reads=("images", "figures"),
    writes=("panels", "pixels"),
    section="split",
    run=split_shard,
)


def split_image(image: Row, figure: Row, content: bytes, config: SplitConfig) -> tuple[Row, list[Row]]:
    """One row of pixels and the rows of panels of one image; a picture that cannot be used has no panels."""
    decoded = decode(content, config.max_pixels)
    if isinstance(decoded, DecodeError):
        return {"image_key": image["image_key"], "n_panels": 0, "status": "dropped", "reason": decoded}, []
    markup = [(span["start"], span["end"], span["kind"]) for span in figure["caption_markup"]]
    separation = separate(decoded.image, figure["caption"], markup, separator=config.separator)
    panels = [_panel_row(image, figure["caption"], panel, separation, config.separator) for panel in separation.panels]
    return _pixels_row(image, decoded, separation), panels
