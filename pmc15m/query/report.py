"""`pmc15m report`: one self-contained page with the funnel, plots, what was lost, and figures to look at.

Works at every stage of the flow: what has no numbers yet says so. Same workspace, configuration and day, same bytes;
and when no part or export has come or gone since the page was written, it is left as it is.
"""

import logging
from html import escape
from pathlib import Path

import duckdb
import pyarrow as pa

from pmc15m.config import Config, to_toml
from pmc15m.manifests import ALL_TABLES, QUERIES, VIEWS
from pmc15m.query import cards, webpage
from pmc15m.query.charts import whole
from pmc15m.query.connection import connect
from pmc15m.query.gallery import exhibits, pairs, telling
from pmc15m.query.making import exported, lead, making
from pmc15m.query.plots import label, plots
from pmc15m.query.statistics import Answers, answers
from pmc15m.saved import told_config
from pmc15m.workspace import Workspace, atomic, fingerprint

log = logging.getLogger(__name__)

VERSION = 5  # raised with every change of the code that changes what the page shows
ASSETS = (VIEWS, *QUERIES, webpage.STYLE, webpage.SCRIPT)
GALLERY, PAIRS = 24, 12  # figures and pairs in the report; `browse` shows all
_SHORT = 110  # characters of a lost sample that are shown without a click
_SETS = {"measure": "", "pmc_15m": "PMC-15M", "biomedica": "BIOMEDICA", "pmc_oa": "PMC-OA"}
_BROWSE = (
    "Half of them at random, then the least certain, then panels without words. All of them, with search and the story "
    "of each: <code>pmc15m browse</code>, which answers at "
    '<a href="http://127.0.0.1:8765/figures">127.0.0.1:8765</a> while it runs (or at the port that it was given).'
)
_STEPS = {
    ("article", "fetched"): "stored in a raw shard",
    ("article", "parsed"): "the XML gave an article",
    ("article", "with_figures"): "with at least one figure",
    ("figure", "captioned"): "with a caption of its own",
    ("figure", "pictured"): "with a picture that was published",
    ("figure", "decoded"): "with a picture that decodes",
    ("figure", "paired"): "in a figure-level pair",
    ("image", "stored"): "found and stored",
    ("image", "decoded"): "decoded",
    ("image", "paired"): "paired with the caption of its figure",
    ("panel", "described"): "with a sub-caption",
    ("panel", "paired"): "in a panel-level pair",
}


def report(workspace: Workspace, config: Config) -> Path:
    """Write `report/index.html` and return its path. Raises `DamageError` where a part is damaged."""
    workspace.require_data()
    path = workspace.root / "report" / "index.html"
    told = told_config(workspace, config)
    made_from = fingerprint("report", VERSION, {"configuration": to_toml(told)}, [], ASSETS)
    if _is_current(path, made_from, workspace):
        log.info("report: nothing to do")
        return path
    workspace.check(ALL_TABLES)  # DuckDB does not look at checksums
    with connect(workspace) as connection:
        found = answers(connection)
        figures, trained = telling(connection, workspace, GALLERY), pairs(connection, workspace, PAIRS)
        lost = _drops(connection, found["drops"])
    shown = f'<p class="lead">{_BROWSE}</p>{cards.gallery_section(figures)}' if figures else _nothing("split")
    sections = [
        ("funnel", "From articles to pairs", _funnel(found["funnel"], found["drops"])),
        ("dataset", "What the pairs are", plots(found) if found["licences"].num_rows else _nothing("curate")),
        (
            "pairs",
            f"{len(trained)} pairs as they are trained on",
            cards.pairs_section(trained) if trained else _nothing("curate"),
        ),
        ("gallery", f"{len(figures)} figures", shown),
        ("exports", "What was exported", exported(workspace) or _nothing("export")),
        ("published", "Beside the published datasets", _published(found["published"])),
        ("lost", "What was lost", lost),
        ("making", "How it was made", making(workspace, told)),
    ]
    return _write(path, webpage.page(_title(found), lead(workspace, told), sections, _tiles(found), made_from))


def gallery(workspace: Workspace, count: int) -> Path:
    """Write `report/gallery.html` with `count` random figures and return its path."""
    with connect(workspace) as connection:
        shown = exhibits(connection, workspace, count)
    content = cards.gallery_section(shown) if shown else _nothing("split")
    sections = [("gallery", f"{len(shown)} random figures", content)]
    page = webpage.page("Figures and their panels", f"Workspace {workspace.name}.", sections)
    return _write(workspace.root / "report" / "gallery.html", page)


def _is_current(path: Path, made_from: str, workspace: Workspace) -> bool:
    """Whether the page is of this making, and younger than the last part that came or went."""
    if not path.is_file() or made_from not in path.read_text(encoding="utf-8", errors="replace")[:2000]:
        return False
    folders = [workspace.root / name for name in (*ALL_TABLES, "export")]
    exports = (workspace.root / "export").glob("*/export.json")
    seen = [place for place in (*folders, *exports) if place.exists()]
    return all(place.stat().st_mtime_ns < path.stat().st_mtime_ns for place in seen)


def _write(path: Path, page: str) -> Path:
    with atomic(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _nothing(stage: str) -> str:
    return f'<p class="nothing">Nothing here yet: run <code>pmc15m {stage}</code> first.</p>'


def _named(thing: str) -> str:
    return "Pictures" if thing == "image" else f"{thing.capitalize()}s"  # the schema says image


def _title(found: Answers) -> str:
    steps = {(row["thing"], row["step"]): row["rows_out"] for row in found["funnel"].to_pylist()}
    made = steps["image", "paired"] + steps["panel", "paired"]
    return f"{whole(made)} pairs from {whole(steps['article', 'parsed'])} articles"


def _tiles(found: Answers) -> str:
    steps = {(row["thing"], row["step"]): row for row in found["funnel"].to_pylist()}
    tiles = (
        ("articles", steps["article", "parsed"]["rows_out"]),
        ("figures", steps["figure", "captioned"]["rows_in"]),
        ("pictures", steps["image", "stored"]["rows_out"]),
        ("panels", steps["panel", "described"]["rows_in"]),
        ("figure pairs", steps["image", "paired"]["rows_out"]),
        ("panel pairs", steps["panel", "paired"]["rows_out"]),
    )
    inside = "".join(f"<div><dt>{name}</dt><dd>{whole(number)}</dd></div>" for name, number in tiles)
    return f'<dl class="tiles">{inside}</dl>'


def _funnel(funnel: pa.Table, drops: pa.Table) -> str:
    reasons: dict[tuple[str, str], list[str]] = {}
    for drop in drops.to_pylist():
        reason = f"{escape(drop['reason'] or 'unknown').replace('_', ' ')} {whole(drop['n'])}"
        reasons.setdefault((drop["thing"], drop["step"]), []).append(reason)
    blocks: dict[str, list[str]] = {}
    for row in funnel.to_pylist():
        step = row["thing"], row["step"]
        kept = row["rows_out"] / row["rows_in"] * 100 if row["rows_in"] else 0
        lost = 100 - kept if row["rows_in"] else 0
        why = f'<div class="why">lost: {" · ".join(reasons[step])}</div>' if step in reasons else ""
        blocks.setdefault(row["thing"], []).append(
            f'<li><div class="row"><span>{_STEPS[step]}</span><span class="n">{whole(row["rows_out"])} '
            f"<small>of {whole(row['rows_in'])}</small></span></div>"
            f'<div class="meter"><i style="width:{kept:.2f}%"></i><b style="width:{lost:.2f}%"></b></div>{why}</li>'
        )
    boxes = (
        f'<div class="box"><h3>{_named(thing)}</h3><ol class="steps">{"".join(lines)}</ol></div>'
        for thing, lines in blocks.items()
    )
    return (
        '<p class="lead">Every step adds up: what goes in comes out or is lost for a reason.</p>'
        f'<div class="funnels">{"".join(boxes)}</div>'
    )


def _published(answer: pa.Table) -> str:
    note = (
        '<p class="lead">PMC-15M is 15,282,336 pairs, BIOMEDICA 24,076,288, PMC-OA 12,211,907 and 1,650,000 of panels. '
        "A figure-level run over all of PMC as of June 2022, unfiltered, should come near PMC-15M’s yields; captions "
        "split into panels have no published counterpart of the same kind.</p>"
    )
    return f'{note}<div class="box">{webpage.table(answer, here="this_workspace", heads=_SETS)}</div>'


def _drops(connection: duckdb.DuckDBPyConnection, drops: pa.Table) -> str:
    rows = drops.to_pylist()
    if not rows:
        return '<p class="nothing">Nothing was lost.</p>'
    told = _told(connection, [key for row in rows for key in row["samples"]])
    blocks: dict[str, list[str]] = {}
    for row in rows:
        samples = "".join(
            f"<li>{cards.article_link(key.split('.')[0].split('_')[0])} "
            f"{cards.folded(told.get(key) or key, _SHORT)}</li>"
            for key in row["samples"]
        )
        blocks.setdefault(row["thing"], []).append(
            f'<li><span class="n">{whole(row["n"])}</span><span>{escape(label(row["reason"]))}</span>'
            f'<ul class="samples">{samples}</ul></li>'
        )
    boxes = (
        f'<div class="box"><h3>{_named(thing)}</h3><ul class="drops">{"".join(lines)}</ul></div>'
        for thing, lines in blocks.items()
    )
    return f'<div class="lost">{"".join(boxes)}</div>'


def _told(connection: duckdb.DuckDBPyConnection, keys: list[str]) -> dict[str, str]:
    """What a person recognises each sample by: a title, a label with the start of its caption, a file name."""
    query = """
        SELECT pmcid || '.' || version AS key, title AS words FROM articles
        WHERE pmcid IN (SELECT split_part(unnest($keys), '.', 1))
        UNION ALL SELECT figure_key, concat_ws(': ', label, caption) FROM figures
        WHERE figure_key IN (SELECT unnest($keys))
        UNION ALL SELECT image_key, coalesce(file, href) FROM images WHERE image_key IN (SELECT unnest($keys))
        UNION ALL SELECT panel_key, concat_ws(': ', panels.label, coalesce(subcaption, caption))
        FROM panels JOIN figures USING (figure_key) WHERE panel_key IN (SELECT unnest($keys))"""
    rows = connection.sql(query, params={"keys": keys}).to_arrow_table().to_pylist()
    return {row["key"]: row["words"] for row in rows}
