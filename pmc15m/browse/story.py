"""The story of one figure, picture or pair: what it is, what became of it, and its doubles."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pmc15m.browse.captions import Piece, pieces
from pmc15m.browse.cards import PAIR, PANEL, POINTER, Row, images_of, pair_words, pointer_of, rows_by
from pmc15m.browse.index import Index
from pmc15m.browse.pictures import Pointer
from pmc15m.browse.selection import quoted
from pmc15m.export.recipes import load_recipe, shipped_recipes

_KEY = re.compile(r"(?P<figure>(?P<pmcid>[^_/]+)_\d+_f\d+)(?P<image>_g\d+)?(?P<panel>_p\d+)?")
_DOUBLES = 12  # of a group, side by side


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step on the way of a thing, and where it ended, why."""

    name: str
    is_passed: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that the workspace knows of a figure, and of one of its pictures or pairs."""

    key: str
    figure: Row
    article: Row
    images: Sequence[Row]
    image: Row
    """The picture that is shown, or what a pair tells of it; empty where there is none."""
    panels: Sequence[Row]
    """Of that picture."""
    pair: Row | None
    """The pair of the key, with the pieces of its text as `words`."""
    pairs: Sequence[str]
    """Keys of all pairs of the picture."""
    words: Sequence[Piece]
    steps: Sequence[Step]
    recipes: Mapping[str, str | None]
    """Shipped recipe → the predicate that leaves the pair out; None keeps it."""
    doubles: Sequence[Row]
    caption_doubles: Sequence[Row]
    pointer: Pointer | None


def story(index: Index, key: str) -> Story | None:
    """The story of a figure's, picture's, panel's or pair's key; None where the workspace has no such thing."""
    named = _KEY.fullmatch(key)
    if named is None:
        return None
    shards = index.shards_of(named["pmcid"])
    figures = rows_by(index, "figures", "*", shards, "figure_key", [named["figure"]])
    pairs = rows_by(index, "pairs", PAIR, shards, "figure_key", [named["figure"]])
    if not figures and not pairs:
        return None
    figure = figures[0] if figures else _figure_of(pairs[0])
    images = images_of(index, shards, [named["figure"]])
    wanted = named["figure"] + named["image"] if named["image"] else None
    image = next((row for row in images if wanted in (None, row["image_key"])), {})
    panels = rows_by(index, "panels", PANEL, shards, "image_key", [image.get("image_key")])
    panels.sort(key=lambda panel: panel["order"])
    pair = next((row for row in pairs if row["key"] == key), None)
    known = {named["figure"], image.get("image_key"), *(panel["panel_key"] for panel in panels)}
    if pair is None and key not in known:
        return None
    if pair is not None:
        panel = next((row for row in panels if row["panel_key"] == pair["panel_key"]), None)
        pair = pair | {"words": pair_words(pair, panel, figure["caption"])}
        image = image or {**pair, "box": None}
    articles = rows_by(index, "articles", "*", shards, "pmcid", [named["pmcid"]])
    image_key = image.get("image_key")
    return Story(
        key=key,
        figure=figure,
        article=next((row for row in articles if row["version"] == figure["version"]), {}),
        images=images,
        image=image,
        panels=panels,
        pair=pair,
        pairs=sorted(row["key"] for row in pairs if row["image_key"] == image_key),
        words=pieces(figure["caption"] or "", panels),
        steps=_steps(figure, image, panels, {row["key"] for row in pairs}, key),
        recipes=_recipes(index, shards, key) if pair else {},
        doubles=_group(index, "duplicates", "duplicate_group", key if named["panel"] else image_key),
        caption_doubles=_group(index, "caption_groups", "caption_group", key if named["panel"] else named["figure"]),
        pointer=pointer_of(image),
    )


def _figure_of(pair: Row) -> Row:
    """What a pair tells of its figure, where the workspace has no table of figures."""
    known = {name: pair[name] for name in ("figure_key", "pmcid", "label")}
    return known | {"version": int(pair["key"].split("_")[1]), "caption": pair["text"], "status": "ok", "reason": None}


def _steps(figure: Row, image: Row, panels: Sequence[Row], pairs: set[str], key: str) -> list[Step]:
    """The way of a figure, its picture and its panel, as `drops` names the steps."""
    steps = [Step(name="caption", is_passed=figure["status"] == "ok", reason=figure["reason"])]
    if "picture_status" in image:
        status, why = image["picture_status"], image["picture_reason"]
        decoded, apart = status not in (None, "dropped"), status in ("single", "split_aligned")
        steps += [
            Step(name="picture stored", is_passed=image["status"] == "ok", reason=image["reason"]),
            Step(name="decoded", is_passed=decoded, reason=None if decoded else why or "not_yet_split"),
            Step(name="taken apart", is_passed=apart, reason=why or status),
            Step(name="figure pair", is_passed=image["image_key"] in pairs),
        ]
    elif not image:
        steps.append(Step(name="picture stored", is_passed=False, reason="no_graphic"))
    panel = next((row for row in panels if row["panel_key"] == key), None)
    if panel is not None:
        steps.append(Step(name="sub-caption", is_passed=panel["status"] == "ok", reason=panel["reason"]))
        steps.append(Step(name="panel pair", is_passed=key in pairs))
    return steps


def _recipes(index: Index, shards: Sequence[int], key: str) -> dict[str, str | None]:
    """For each shipped recipe, the first predicate that leaves the pair out."""
    columns = []
    for name in shipped_recipes():
        steps = load_recipe(name).predicates
        arms = "".join(f" WHEN NOT coalesce(({step.where}\n), false) THEN {quoted(step.name)}" for step in steps)
        columns.append(f'CASE{arms} END AS "{name}"')
    rows = f"{index.parts('pairs', shards)} AS pairs WHERE pair_key = {quoted(key)}"
    [row] = index.ask(f"SELECT {', '.join(columns)} FROM {rows}")
    return row


def _group(index: Index, table: str, group: str, key: str | None) -> list[Row]:
    """The others of a key's group in a table of duplicates, the keeper first."""
    return index.ask(
        f"""SELECT key, relation, distance, is_keeper FROM {table}
        WHERE key <> $key AND {group} = (SELECT {group} FROM {table} WHERE key = $key)
        ORDER BY is_keeper DESC, key LIMIT {_DOUBLES}""",
        key=key or "",
    )


def find_pointer(index: Index, key: str) -> Pointer | None:
    """Where the picture of a picture's or pair's key lies."""
    named = _KEY.fullmatch(key)
    if named is None or not named["image"]:
        return None
    shards = index.shards_of(named["pmcid"])
    rows = rows_by(index, "pairs", f"{POINTER}, box", shards, "pair_key", [key])
    if not rows and not named["panel"]:
        rows = rows_by(index, "images", POINTER, shards, "image_key", [key])
    return pointer_of(rows[0]) if rows else None


def exists(index: Index, key: str) -> bool:
    """Whether the workspace has a figure, picture, panel or pair of that key."""
    return story(index, key) is not None
