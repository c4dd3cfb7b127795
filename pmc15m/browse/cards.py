"""The cards of a page, read from the parts that hold their rows and from no others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pmc15m.browse.captions import Piece, pieces
from pmc15m.browse.index import Index, Place
from pmc15m.browse.pictures import Pointer
from pmc15m.browse.selection import Selection, View, quoted

Row = dict[str, Any]

# Columns that cards and stories read.
POINTER = 'shard, "offset", size, sha256'
PAIR = f"""
pair_key AS key, pair_key, level, pmcid, figure_key, image_key, panel_key, {POINTER}, box, width, height, format, label,
text, context, n_words, journal, year, licence_code, image_kind AS kind, alignment_score AS certainty, n_panels, split,
flags, modalities, is_duplicate"""
PANEL = """
panel_key, image_key, "order", label, box, subcaption, subcaption_spans, stem_spans, shared_spans, alignment_score,
status, reason"""
_IMAGE = f"image_key, figure_key, graphic_index, href, file, format, {POINTER}, status, reason"
_PIXELS = "image_key, width, height, kind, n_panels, status AS picture_status, reason AS picture_reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What the gallery shows of one row."""

    key: str
    title: str
    facts: Row
    panels: Sequence[Row]
    """Of the whole picture, in their order; of a pair none."""
    words: Sequence[Piece]
    pointer: Pointer | None


def cards(index: Index, view: View, places: Sequence[Place]) -> list[Card]:
    """The cards of some places, in their order. Raises `UsageError` where a part cannot be read."""
    if not places:
        return []
    found = _pair_cards(index, places) if view is View.PAIRS else _figure_cards(index, places)
    return [found[place] for place in places if place in found]


def pointer_of(row: Mapping[str, Any]) -> Pointer | None:
    """Where the pixels of a row of images or pairs lie; None where they were not stored."""
    if any(row.get(name) is None for name in ("shard", "offset", "size", "sha256")):
        return None
    box = row.get("box")
    sides = None if box is None else (box["x0"], box["y0"], box["x1"], box["y1"])
    return Pointer(row["shard"], row["offset"], row["size"], row["sha256"], sides)


def rows_at(index: Index, table: str, columns: str, places: Iterable[Place]) -> list[Row]:
    """Rows of a table at some places, with `_shard` and `_row`; no other row groups are read."""
    rows: dict[int, set[int]] = {}
    for place in places:
        rows.setdefault(place.shard, set()).add(place.row)
    arms = (
        f"SELECT {shard} AS _shard, file_row_number AS _row, {columns} FROM {index.parts(table, [shard])} "
        f"WHERE file_row_number IN ({', '.join(map(str, sorted(wanted)))})"
        for shard, wanted in rows.items()
    )
    return index.ask(" UNION ALL ".join(arms))


def rows_by(
    index: Index, table: str, columns: str, shards: Iterable[int], key: str, values: Iterable[str | None]
) -> list[Row]:
    """Rows of some shards whose `key` is among the values."""
    wanted = sorted({value for value in values if value is not None})
    if not wanted:
        return []
    listed = ", ".join(map(quoted, wanted))
    return index.ask(f"SELECT {columns} FROM {index.parts(table, shards)} WHERE {key} IN ({listed})")


def _pair_cards(index: Index, places: Sequence[Place]) -> dict[Place, Card]:
    rows = rows_at(index, "pairs", PAIR, places)
    shards = {place.shard for place in places}
    panels = {
        panel["panel_key"]: panel
        for panel in rows_by(index, "panels", PANEL, shards, "panel_key", [row["panel_key"] for row in rows])
    }
    of_panels = [row["figure_key"] for row in rows if row["panel_key"] in panels]
    figures = rows_by(index, "figures", "figure_key, caption", shards, "figure_key", of_panels)
    captions = {figure["figure_key"]: figure["caption"] for figure in figures}
    return {
        Place(row["_shard"], row["_row"], 0): Card(
            key=row["key"],
            title=row["label"] or "Figure",
            facts=row,
            panels=(),
            words=pair_words(row, panels.get(row["panel_key"]), captions.get(row["figure_key"])),
            pointer=pointer_of(row),
        )
        for row in rows
    }


def pair_words(pair: Mapping[str, Any], panel: Mapping[str, Any] | None, caption: str | None) -> list[Piece]:
    """The text of a pair, with what it shares marked as far as the panel's spans tell."""
    if panel is not None and caption:
        own = [piece for piece in pieces(caption, [panel]) if piece.panels]
        if " ".join(piece.text for piece in own).split() == (pair["text"] or "").split():
            return own
    return [Piece(pair["text"] or "", (0,))]


def _figure_cards(index: Index, places: Sequence[Place]) -> dict[Place, Card]:
    shards = {place.shard for place in places}
    figures = rows_at(index, "figures", "figure_key, pmcid, version, label, caption, status, reason", places)
    images = images_of(index, shards, [row["figure_key"] for row in figures])
    keys = [row["image_key"] for row in images]
    columns = "image_key, split, flags, modalities, is_duplicate, level"
    pairs = {
        row["image_key"]: row
        for row in rows_by(index, "pairs", columns, shards, "image_key", keys)
        if row["level"] == "figure"
    }
    columns = "pmcid, version, journal, year(pub_date) AS year, licence_code"
    articles = {
        (row["pmcid"], row["version"]): row
        for row in rows_by(index, "articles", columns, shards, "pmcid", [row["pmcid"] for row in figures])
    }
    panels = rows_by(index, "panels", PANEL, shards, "image_key", keys)
    by_row = {(row["_shard"], row["_row"]): row for row in figures}
    by_graphic = {(row["figure_key"], row["graphic_index"] or 0): row for row in images}
    found = {}
    for place in places:
        figure = by_row[place.shard, place.row]
        image = by_graphic.get((figure["figure_key"], place.graphic), {})
        key: str = image["image_key"] if image else figure["figure_key"]
        shown = sorted((panel for panel in panels if panel["image_key"] == key), key=lambda panel: panel["order"])
        certainties = [panel["alignment_score"] for panel in shown if panel["alignment_score"] is not None]
        facts = {**articles.get((figure["pmcid"], figure["version"]), {}), **pairs.get(key, {}), **image}
        found[place] = Card(
            key=key,
            title=figure["label"] or "Figure",
            facts=facts
            | {"pmcid": figure["pmcid"], "status": _fate(figure, image), "reason": _reason(figure, image)}
            | {"certainty": min(certainties, default=None)},
            panels=shown,
            words=pieces(figure["caption"] or "", shown),
            pointer=pointer_of(image),
        )
    return found


def images_of(index: Index, shards: Iterable[int], figures: Iterable[str]) -> list[Row]:
    """Rows of the pictures of some figures, in their order, with what decoding told of each."""
    shards = list(shards)
    images = rows_by(index, "images", _IMAGE, shards, "figure_key", figures)
    pixels = {
        row["image_key"]: row
        for row in rows_by(index, "pixels", _PIXELS, shards, "image_key", [row["image_key"] for row in images])
    }
    unseen = dict.fromkeys(("width", "height", "kind", "n_panels", "picture_status", "picture_reason"))
    return sorted(
        (image | pixels.get(image["image_key"], unseen) for image in images), key=lambda image: image["image_key"]
    )


def _fate(figure: Mapping[str, Any], image: Mapping[str, Any]) -> str:
    """What became of a picture of a figure, in the index's words."""
    if figure["status"] != "ok":
        return "unusable"
    if not image:
        return "no_picture"
    return "not_stored" if image["status"] != "ok" else image["picture_status"] or "not_yet_split"


def _reason(figure: Mapping[str, Any], image: Mapping[str, Any]) -> str | None:
    """Why, at the first step that says so."""
    return figure["reason"] or image.get("reason") or image.get("picture_reason")


def keys(index: Index, selection: Selection) -> Iterator[str]:
    """The keys of a selection, shard by shard: of pairs, or of figures. Raises `UsageError` before the first."""
    key, table = ("pair_key", "pairs") if selection.view is View.PAIRS else ("figure_key", "figures")
    found = index.rows_by_shard(selection)
    queries = (
        f"SELECT {key} AS key FROM {index.parts(table, [shard])} "
        f"WHERE file_row_number IN (FROM ({rows})) ORDER BY file_row_number"
        for shard, rows in found
    )
    return (row["key"] for query in queries for row in index.ask(query))
