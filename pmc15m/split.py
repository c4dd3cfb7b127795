"""The `split` stage: images in; what their pixels tell, and panels with sub-captions, out.

Every picture is read with one positioned read and decoded once, however many figures show it; hashes, features and
panels all come from that. One picture at a time is in memory.
"""

import functools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from pmc15m import schema
from pmc15m.config import Config, SplitConfig
from pmc15m.engine.stage import FAULT, Stage
from pmc15m.figures import Box, Panel, Separation, Sight, Span
from pmc15m.figures.captions import text_of, without
from pmc15m.pictures.decode import Decoded, DecodeError, decode
from pmc15m.pictures.hashes import crop_facts, pixel_facts
from pmc15m.weights import FILES
from pmc15m.workspace import Workspace, read_part, rows_to_table

log = logging.getLogger(__name__)

Row = Mapping[str, Any]
Rows = tuple[Row, list[Row]]  # of one image: its pixels, its panels

FEWEST_WORDS = 3  # a panel's text of fewer says so in its reason
MOST_IMAGES = 100  # that show one picture; real ones have two or three, and each costs time
TOO_MANY_IMAGES = "too_many_images"  # the reason of the others


def split_shard(workspace: Workspace, shard: str, config: Config) -> Mapping[str, pa.Table]:
    """The pixels and panels of one shard's images, in the order of the images."""
    images = [row for row in read_part(workspace.part("images", shard)).to_pylist() if row["status"] == "ok"]
    columns = ["figure_key", "caption", "caption_markup"]
    figures = {
        row["figure_key"]: row for row in read_part(workspace.part("figures", shard), columns=columns).to_pylist()
    }
    showing: dict[tuple[str, int], list[Row]] = {}
    for image in images:
        showing.setdefault((image["shard"], image["offset"]), []).append(image)
    found: dict[str, Rows] = {}
    for (held_by, offset), same in showing.items():
        content = workspace.read(held_by, offset, same[0]["size"], same[0]["sha256"])
        shown = [(image, figures[image["figure_key"]]) for image in same]
        found |= zip((image["image_key"] for image in same), split_picture(shown, content, config.split), strict=True)
    rows = [found[image["image_key"]] for image in images]
    return {
        "pixels": rows_to_table((pixels for pixels, _ in rows), schema.PIXELS),
        "panels": rows_to_table((panel for _, panels in rows for panel in panels), schema.PANELS),
    }


SPLIT = Stage(
    name="split",
    version=7,
    reads=("images", "figures"),
    writes=("panels", "pixels"),
    section="split",
    run=split_shard,
    assets=FILES,
)


def split_image(image: Row, figure: Row, content: bytes, config: SplitConfig) -> Rows:
    """One row of pixels and the rows of panels of one image; a picture that cannot be used has no panels."""
    return split_picture([(image, figure)], content, config)[0]


def split_picture(shown: Sequence[tuple[Row, Row]], content: bytes, config: SplitConfig) -> list[Rows]:
    """The rows of all images that show one picture, each given with its figure.

    What this program fails on is a row with the reason FAULT.
    """
    try:
        decoded = decode(content)
        if isinstance(decoded, DecodeError):
            return [_dropped(image, decoded) for image, _ in shown]
        picture = _Picture(decoded, config.separator)
    except Exception as error:
        return [_fault(image, error) for image, _ in shown]
    rows = []
    for image, figure in shown[:MOST_IMAGES]:
        try:
            rows.append(picture.rows(image, figure))
        except Exception as error:
            rows.append(_fault(image, error))
    return rows + [_dropped(image, TOO_MANY_IMAGES) for image, _ in shown[MOST_IMAGES:]]


def _dropped(image: Row, reason: str) -> Rows:
    nothing = dict.fromkeys(schema.PIXELS.names)
    return nothing | {"image_key": image["image_key"], "n_panels": 0, "status": "dropped", "reason": reason}, []


def _fault(image: Row, error: Exception) -> Rows:
    log.error("split: %s: %s: %s", image["image_key"], type(error).__name__, error)
    log.debug("", exc_info=error)
    return _dropped(image, FAULT)


class _Picture:
    """A decoded picture with what can be seen in it, whatever the figures say that show it."""

    def __init__(self, decoded: Decoded, separator: str) -> None:
        self._decoded, self._separator = decoded, separator
        self._facts = asdict(pixel_facts(decoded.image))
        self._separate = functools.cache(Sight(decoded.image, separator).separate)
        self._crop = functools.cache(lambda box: asdict(crop_facts(decoded.image, box)))

    def rows(self, image: Row, figure: Row) -> Rows:
        """Its rows as the picture of one figure."""
        caption = figure["caption"]
        markup = tuple((span["start"], span["end"], span["kind"]) for span in figure["caption_markup"])
        separation = self._separate(caption, markup)
        panels: list[Row] = [
            {**_panel_row(image, caption, separation, panel), **self._crop(panel.box), "splitter": self._separator}
            for panel in separation.panels
        ]
        pixels = {
            "image_key": image["image_key"],
            "width": self._decoded.image.width,
            "height": self._decoded.image.height,
            "mode": self._decoded.mode,
            "page": self._decoded.page,
            "orientation": self._decoded.orientation,
            "window": dict(zip(("low", "high"), window, strict=True)) if (window := self._decoded.window) else None,
            **self._facts,
            "compound": separation.compound,
            "n_panels": len(panels),
            "status": separation.status,
            "reason": separation.reason,
        }
        return pixels, panels


def _panel_row(image: Row, caption: str | None, separation: Separation, panel: Panel) -> Row:
    spans = separation.text_spans(panel, caption)
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
        "status": "ok" if text else "dropped",
        "reason": ("few_words" if few else None) if text else separation.reason or "no_subcaption",
    }


def _box(box: Box) -> Row:
    return dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))


def _spans(spans: tuple[Span, ...]) -> list[Row]:
    return [{"start": start, "end": end} for start, end in spans]
