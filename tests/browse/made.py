"""What browsing needs beside the made-up workspace: certain and uncertain panels, shared words, an unsplit figure."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

from pmc15m import schema
from pmc15m.workspace import Workspace
from tests.query.made_up import Row, article, figure, fill, image, pair, picture, write

CAPTION = "Cells at rest. (A) Left cells. (B) Right cells, both stained."
_LEFT, _RIGHT = {"x0": 0, "y0": 0, "x1": 300, "y1": 200}, {"x0": 300, "y0": 0, "x1": 600, "y1": 200}


def span(words: str) -> Row:
    start = CAPTION.index(words)
    return {"start": start, "end": start + len(words)}


def fill_browsed(root: Path) -> Workspace:
    """PMC1 and PMC2 in shard 00000; in 00001 PMC6: a figure split with little certainty, and one split unaligned."""
    workspace = fill(root)
    first, second = picture("olive", 2, (600, 200)), picture("navy", 2, (600, 200))
    workspace.tar("00001").write_bytes(first + second)
    at = [
        {"offset": 0, "size": len(first), "sha256": hashlib.sha256(first).hexdigest(), "shard": "00001"},
        {"offset": len(first), "size": len(second), "sha256": hashlib.sha256(second).hexdigest(), "shard": "00001"},
    ]
    known: dict[str, Any] = {"licence_code": "CC0", "licence_group": "commercial", "journal": "Annals"}
    sixth = article("PMC6", n_figures=2, title="Olives", pub_date=date(2016, 5, 1), **known)
    write(workspace, "articles", schema.ARTICLES, [sixth], "00001")
    mention = {"section_path": "Results", "paragraph": "Olives rest (Fig. 1).", "sentence": "Olives rest (Fig. 1)."}
    figures = [
        figure("PMC6_1_f001", caption=CAPTION, mentions=[mention]),
        figure("PMC6_1_f002", caption="Navy squares without letters."),
    ]
    write(workspace, "figures", schema.FIGURES, figures, "00001")
    keys = ("PMC6_1_f001_g01", "PMC6_1_f002_g01")
    images = [image(key, graphic_index=0, **where) for key, where in zip(keys, at, strict=True)]
    write(workspace, "images", schema.IMAGES, images, "00001")
    seen = {"width": 600, "height": 200, "kind": "microscopy", "n_panels": 2}
    pixels = [
        {**seen, "image_key": keys[0], "status": "split_aligned"},
        {**seen, "image_key": keys[1], "status": "split_unaligned", "reason": "no_caption_labels"},
    ]
    write(workspace, "pixels", schema.PIXELS, pixels, "00001")
    write(workspace, "panels", schema.PANELS, [*_aligned(keys[0]), *_unaligned(keys[1])], "00001")
    facts = {**known, "year": 2016, "image_kind": "microscopy", "width": 600, "height": 200}
    panel = {**facts, **at[0], "width": 300}
    pairs = [
        pair(keys[0], text=CAPTION, flags=["compound"], **facts, **at[0]),
        pair(f"{keys[0]}_p00", text="Cells at rest. Left cells.", box=_LEFT, alignment_score=0.1, **panel),
        pair(f"{keys[0]}_p01", text="Right cells, both stained.", box=_RIGHT, alignment_score=0.6, **panel),
    ]
    write(workspace, "pairs", schema.PAIRS, pairs, "00001")
    return workspace


def _panel(image_key: str, order: int, **facts: Any) -> Row:
    figure_key = image_key.rpartition("_")[0]
    known = {"panel_key": f"{image_key}_p{order:02}", "image_key": image_key, "figure_key": figure_key, "order": order}
    return {**known, "pmcid": "PMC6", "version": 1, "box": (_LEFT, _RIGHT)[order], "status": "ok", **facts}


def _aligned(key: str) -> list[Row]:
    whole = [span("Cells at rest.")]
    left = {"subcaption": "Cells at rest. Left cells.", "subcaption_spans": [*whole, span("Left cells.")]}
    right = {"subcaption": "Right cells, both stained.", "subcaption_spans": [span("Right cells, both stained.")]}
    return [
        _panel(key, 0, label="A", alignment_score=0.1, stem_spans=whole, **left),
        _panel(key, 1, label="B", alignment_score=0.6, **right),
    ]


def _unaligned(key: str) -> list[Row]:
    return [_panel(key, order, status="dropped", reason="no_caption_labels") for order in (0, 1)]
