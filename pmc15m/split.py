"""The `split` stage: images in; what their pixels tell, and panels with sub-captions, out.

Every picture is read with one positioned read and decoded once; hashes, features and panels all come from that.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from pmc15m import schema
from pmc15m.config import Config, SplitConfig
from pmc15m.engine.stage import Stage
from pmc15m.figures import Box, Panel, Separation, SeparationStatus, Span, separate
from pmc15m.figures.captions import text_of, without
from pmc15m.pictures.decode import Decoded, DecodeError, decode
from pmc15m.pictures.hashes import crop_facts, pixel_facts
from pmc15m.weights import FILES
from pmc15m.workspace import Workspace, read_part, rows_to_table

Row = Mapping[str, Any]

FEWEST_WORDS = 3  # a panel's text of fewer says so in its reason


def split_shard(workspace: Workspace, shard: str, config: Config) -> Mapping[str, pa.Table]:
    """The pixels and panels of one shard's images, in the order of the images."""
    images = read_part(workspace.part("images", shard)).to_pylist()
    columns = ["figure_key", "caption", "caption_markup"]
    figures = {
        row["figure_key"]: row for row in read_part(workspace.part("figures", shard), columns=columns).to_pylist()
    }
    pixels: list[Row] = []
    panels: list[Row] = []
    for image in images:
        if image["status"] != "ok":
            continue
        content = workspace.read(image["shard"], image["offset"], image["size"])
        row, crops = split_image(image, figures[image["figure_key"]], content, config.split)
        pixels.append(row)
        panels += crops
    return {"pixels": rows_to_table(pixels, schema.PIXELS), "panels": rows_to_table(panels, schema.PANELS)}


SPLIT = Stage(
    name="split",
    version=5,
    reads=("images", "figures"),
    writes=("panels", "pixels"),
    section="split",
    run=split_shard,
    assets=FILES,
)


def split_image(image: Row, figure: Row, content: bytes, config: SplitConfig) -> tuple[Row, list[Row]]:
    """One row of pixels and the rows of panels of one image; a picture that cannot be used has no panels."""
    decoded = decode(content)
    if isinstance(decoded, DecodeError):
        nothing = dict.fromkeys(schema.PIXELS.names)
        return nothing | {"image_key": image["image_key"], "n_panels": 0, "status": "dropped", "reason": decoded}, []
    markup = [(span["start"], span["end"], span["kind"]) for span in figure["caption_markup"]]
    separation = separate(decoded.image, figure["caption"], markup, separator=config.separator)
    rows = [
        _panel_row(image, figure["caption"], decoded, separation, panel, config.separator)
        for panel in separation.panels
    ]
    return _pixels_row(image, decoded, separation), rows


def _pixels_row(image: Row, decoded: Decoded, separation: Separation) -> Row:
    return {
        "image_key": image["image_key"],
        "width": decoded.image.width,
        "height": decoded.image.height,
        "mode": decoded.mode,
        "page": decoded.page,
        "orientation": decoded.orientation,
        "window": dict(zip(("low", "high"), decoded.window, strict=True)) if decoded.window else None,
        **asdict(pixel_facts(decoded.image)),
        "compound": separation.compound,
        "n_panels": len(separation.panels),
        "status": separation.status,
        "reason": separation.reason,
    }


def _panel_row(
    image: Row, caption: str | None, decoded: Decoded, separation: Separation, panel: Panel, separator: str
) -> Row:
    spans = panel.subcaption_spans
    if separation.status is SeparationStatus.SINGLE and caption:
        spans = ((0, len(caption)),)
    text = text_of(caption or "", spans)
    few = len(text.split()) < FEWEST_WORDS
    return {
        "panel_key": schema.panel_key(image["image_key"], panel.order),
        "image_key": image["image_key"],
        "figure_key": image["figure_key"],
        "pmcid": image["pmcid"],
        "version": image["version"],
        "order": panel.order,
        "label": panel.label,
        "box": _box(panel.box),
        "label_box": _box(panel.label_box) if panel.label_box else None,
        "tiles": [_box(tile) for tile in panel.tiles],
        "score": panel.score,
        "subcaption_spans": _spans(spans),
        "subcaption": text or None,
        "stem_spans": _spans(panel.stem_spans),
        "shared_spans": _spans(without(panel.shared_spans, spans)),
        "alignment_score": panel.alignment_score,
        **asdict(crop_facts(decoded.image, panel.box)),
        "splitter": separator,
        "status": "ok" if text else "dropped",
        "reason": ("few_words" if few else None) if text else separation.reason or "no_subcaption",
    }


def _box(box: Box) -> Row:
    return dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))


def _spans(spans: tuple[Span, ...]) -> list[Row]:
    return [{"start": start, "end": end} for start, end in spans]
