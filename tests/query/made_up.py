"""A small made-up workspace with known answers: four articles, six figures, one of every fate."""

import hashlib
import io
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from pmc15m import schema
from pmc15m.workspace import Workspace, rows_to_table, write_part

HOSTILE = """"><script>alert('x')</script>'; DROP TABLE pairs; --\x1b[31m | \u202e"""

Row = dict[str, Any]


def picture(colour: str, panels: int = 1, size: tuple[int, int] = (400, 300)) -> bytes:
    """A PNG with coloured squares side by side."""
    image = Image.new("RGB", size, "white")
    step = size[0] // panels
    for n in range(panels):
        ImageDraw.Draw(image).rectangle((n * step + 5, 5, (n + 1) * step - 5, size[1] - 5), fill=colour)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def write(workspace: Workspace, table: str, table_schema: Any, rows: list[Row], shard: str = "00000") -> None:
    write_part(workspace.part(table, shard), rows_to_table(rows, table_schema, partial=True), "made up")


def article(pmcid: str, **changes: Any) -> Row:
    return {"pmcid": pmcid, "version": 1, "journal": "J. Test", "status": "ok", "n_figures": 1, **changes}


def figure(key: str, **changes: Any) -> Row:
    pmcid, version, _ = key.split("_")
    known = {"figure_key": key, "pmcid": pmcid, "version": int(version), "label": "Figure 1", "status": "ok"}
    return {**known, "caption": "A caption.", "kind": "figure", "origin": "body", "n_graphics": 1, **changes}


def image(key: str, **changes: Any) -> Row:
    pmcid, version, _, _ = key.split("_")
    known = {"image_key": key, "figure_key": key.rpartition("_")[0], "pmcid": pmcid, "version": int(version)}
    return {**known, "shard": "00000", "format": "png", "status": "ok", **changes}


def pair(key: str, **changes: Any) -> Row:
    parts = key.split("_")
    known = {
        "pair_key": key,
        "level": "panel" if len(parts) == 5 else "figure",
        "pmcid": parts[0],
        "version": int(parts[1]),
        "figure_key": "_".join(parts[:3]),
        "image_key": "_".join(parts[:4]),
        "panel_key": key if len(parts) == 5 else None,
        "text": "A caption.",
        "journal": "J. Test",
        "year": 2020,
        "licence_code": "CC BY",
        "licence_group": "commercial",
        "image_kind": "plot",
        "split": "train",
        "width": 400,
        "height": 300,
        "flags": [],
    }
    known |= changes
    known["n_chars"], known["n_words"] = len(known["text"]), len(known["text"].split())
    known.setdefault("n_tokens", known["n_words"])
    known["caption_hash"] = sum(known["text"].encode())
    known["article_hash"] = int(known["pmcid"][3:]) << 61
    return known


def fill(root: Path) -> Workspace:
    """PMC1: two pairs, one of two panels. PMC2: a pair, and one figure lost at every step. PMC3–5: lost whole."""
    workspace = Workspace(root)
    workspace.create()
    first, second, third = picture("teal", panels=2), picture("crimson"), picture("teal", panels=2)
    workspace.tar("00000").parent.mkdir()
    workspace.tar("00000").write_bytes(first + second + third)
    at, end = {}, 0
    for key, content in (("PMC1_1_f001_g01", first), ("PMC1_1_f002_g01", second), ("PMC2_1_f001_g01", third)):
        at[key] = {"offset": end, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        end += len(content)
    write_catalog_and_raw(workspace)
    articles = [
        article("PMC1", n_figures=2, title="Teal squares"),
        article("PMC2", n_figures=5, title=HOSTILE, journal=HOSTILE),
        article("PMC3", n_figures=0, reason="front_only"),
        article("PMC4", n_figures=0, status="unusable", reason="not_xml"),
        article("PMC5", n_figures=0, status="excluded", reason="by_licence"),
    ]
    write(workspace, "articles", schema.ARTICLES, articles)
    figures = [
        figure(
            "PMC1_1_f001",
            caption="Two squares. (A) Left. (B) Right.",
            mentions=[{"sentence": "Figure 1 shows squares.", "paragraph": "Look. Figure 1 shows squares."}],
        ),
        figure("PMC1_1_f002"),
        figure("PMC2_1_f001", caption=HOSTILE),
        figure("PMC2_1_f002", caption=None, status="unusable", reason="no_caption"),
        figure("PMC2_1_f003", n_graphics=0, status="unusable", reason="no_graphic"),
        figure("PMC2_1_f004"),
        figure("PMC2_1_f005"),
    ]
    write(workspace, "figures", schema.FIGURES, figures)
    images = [
        *(image(key, **where) for key, where in at.items()),
        image("PMC2_1_f002_g01"),
        image("PMC2_1_f004_g01", status="dropped", reason="missing_file"),
        image("PMC2_1_f005_g01"),
    ]
    write(workspace, "images", schema.IMAGES, images)
    seen = {"width": 400, "height": 300, "kind": "plot", "n_panels": 1, "status": "single"}
    pixels = [
        {**seen, "image_key": "PMC1_1_f001_g01", "n_panels": 2, "status": "split_aligned"},
        {**seen, "image_key": "PMC1_1_f002_g01"},
        {**seen, "image_key": "PMC2_1_f001_g01"},
        {**seen, "image_key": "PMC2_1_f002_g01"},
        {"image_key": "PMC2_1_f005_g01", "status": "dropped", "reason": "broken", "n_panels": 0},
    ]
    write(workspace, "pixels", schema.PIXELS, pixels)
    write_panels(workspace)
    duplicates = [
        {"key": key, "duplicate_group": "PMC1_1_f001_g01", "group_size": 2, "is_keeper": keeper, "relation": "pixels"}
        for key, keeper in (("PMC1_1_f001_g01", True), ("PMC2_1_f001_g01", False))
    ]
    write(workspace, "duplicates", schema.DUPLICATES, duplicates)
    captions = [
        {"key": key, "level": "figure", "pmcid": key.split("_")[0], "version": 1, "shard": "00000"}
        for key in ("PMC1_1_f001", "PMC1_1_f002", "PMC2_1_f001")
    ]
    write(workspace, "captions", schema.CAPTIONS, captions)
    caption_groups = [
        {"key": key, "caption_group": "PMC1_1_f001", "group_size": 2, "is_keeper": keeper, "relation": relation}
        for key, keeper, relation in (("PMC1_1_f001", True, "keeper"), ("PMC2_1_f001", False, "near"))
    ]
    write(workspace, "caption_groups", schema.CAPTION_GROUPS, caption_groups)
    pointed = {key: {"shard": "00000", "format": "png", **where} for key, where in at.items()}
    left, right = {"x0": 0, "y0": 0, "x1": 200, "y1": 300}, {"x0": 200, "y0": 0, "x1": 400, "y1": 300}
    panel = {**pointed["PMC1_1_f001_g01"], "width": 200, "image_kind": "microscopy", "alignment_score": 0.9}
    pairs = [
        pair("PMC1_1_f001_g01", text="Two squares. (A) Left. (B) Right.", **pointed["PMC1_1_f001_g01"]),
        pair("PMC1_1_f001_g01_p00", text="MRI: left.", modalities=["MRI"], label="A", box=left, **panel),
        pair("PMC1_1_f001_g01_p01", text="Right.", label="B", box=right, **panel),
        pair(
            "PMC1_1_f002_g01",
            text="CT, ct values, CT.",
            modalities=["CT"],
            year=2021,
            n_tokens=76,
            image_kind="photo",
            **pointed["PMC1_1_f002_g01"],
        ),
        pair(
            "PMC2_1_f001_g01",
            text=HOSTILE,
            journal=HOSTILE,
            year=2018,
            licence_code="CC BY-NC",
            split="test",
            licence_group="noncommercial",
            is_duplicate=True,
            language_guess="en",
            flags=["retracted"],
            **pointed["PMC2_1_f001_g01"],
        ),
    ]
    write(workspace, "pairs", schema.PAIRS, pairs)
    return workspace


def write_catalog_and_raw(workspace: Workspace) -> None:
    versions = [{"pmcid": f"PMC{n}", "version": 1, "state": "listed"} for n in range(1, 8)]
    catalog = rows_to_table(
        [{**row, "state": "removed"} if row["pmcid"] == "PMC7" else row for row in versions],
        schema.CATALOG,
        partial=True,
    )
    write_part(workspace.catalog, catalog, "made up")
    raw = [
        {"pmcid": f"PMC{n}", "version": 1, "role": "article", "status": status, "reason": reason}
        for n, status, reason in (
            (1, "complete", None),
            (2, "partial", None),
            (3, "complete", None),
            (4, "complete", None),
            (5, "excluded", "by_licence"),
        )
    ]
    write(workspace, "raw", schema.RAW_INDEX, raw)


def write_panels(workspace: Workspace) -> None:
    known = {"image_key": "PMC1_1_f001_g01", "figure_key": "PMC1_1_f001", "pmcid": "PMC1", "version": 1}
    left, right = {"x0": 0, "y0": 0, "x1": 200, "y1": 300}, {"x0": 200, "y0": 0, "x1": 400, "y1": 300}
    panels = [
        {**known, "panel_key": f"PMC1_1_f001_g01_p{n:02}", "order": n, "label": label, "box": box, "status": "ok"}
        | {"subcaption": text, "alignment_score": 0.9}
        for n, label, text, box in ((0, "A", "Left.", left), (1, "B", "Right.", right))
    ]
    panels.append({**known, "panel_key": "PMC1_1_f001_g01_p02", "order": 2, "status": "dropped", "reason": "too_small"})
    write(workspace, "panels", schema.PANELS, panels)
