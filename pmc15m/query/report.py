"""`pmc15m report`: one self-contained page with the funnel, plots, what was lost, and figures to look at.

Works at every stage of the flow: what has no numbers yet says so. Same tables and configuration, same bytes; and
when no part has come or gone since the page was written, it is left as it is.
"""

import logging
from collections.abc import Sequence
from html import escape
from pathlib import Path

import duckdb
import pyarrow as pa

from pmc15m.config import Config
from pmc15m.query import cards, webpage
from pmc15m.query.charts import Mark, Series, bars, columns, whole
from pmc15m.query.connection import connect, require_data
from pmc15m.query.gallery import exhibits
from pmc15m.query.manifests import ALL_TABLES, QUERIES, VIEWS
from pmc15m.query.output import cell_text
from pmc15m.query.statistics import Answers, answers
from pmc15m.saved import told_config
from pmc15m.workspace import Workspace, atomic, fingerprint

log = logging.getLogger(__name__)

VERSION = 3  # raised with every change of the code that changes what the page shows
ASSETS = (VIEWS, *QUERIES, webpage.STYLE, webpage.SCRIPT)
GALLERY = 96  # figures in the report
_BARS = 8  # in a plot; the numbers below it have all

_LEVELS = (Series("figure pairs", "figure"), Series("panel pairs", "panel"))
_GROUPS = ("commercial", "noncommercial", "other")
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
    require_data(workspace)
    path = workspace.root / "report" / "index.html"
    source = told_config(workspace, config).source
    settings = {"source": source, "where": config.select.where}
    made_from = fingerprint("report", VERSION, settings, [], ASSETS)
    if _is_current(path, made_from, workspace):
        log.info("report: nothing to do")
        return path
    workspace.check(ALL_TABLES)  # DuckDB does not look at checksums
    with connect(workspace) as connection:
        found = answers(connection)
        shown = exhibits(connection, workspace, GALLERY)
        sections = [
            ("funnel", "From articles to pairs", _funnel(found["funnel"], found["drops"])),
            ("dataset", "What the pairs are", _plots(found)),
            ("published", "Beside the published datasets", _published(found["published"])),
            ("lost", "What was lost", _drops(connection, found["drops"])),
            ("gallery", f"{len(shown)} random figures", cards.gallery_section(shown) if shown else _nothing("split")),
        ]
    lead = f"Workspace {workspace.root.name}, source {source}."
    if config.select.where:
        lead += f" Articles where {config.select.where}."
    return _write(path, webpage.page("PMC-15M, rebuilt", lead, sections, _tiles(found), made_from))


def gallery(workspace: Workspace, count: int) -> Path:
    """Write `report/gallery.html` with `count` random figures and return its path."""
    with connect(workspace) as connection:
        shown = exhibits(connection, workspace, count)
    content = cards.gallery_section(shown) if shown else _nothing("split")
    sections = [("gallery", f"{len(shown)} random figures", content)]
    page = webpage.page("Figures and their panels", f"Workspace {workspace.root.name}.", sections)
    return _write(workspace.root / "report" / "gallery.html", page)


def _is_current(path: Path, made_from: str, workspace: Workspace) -> bool:
    """Whether the page is of this making, and younger than the last part that came or went."""
    if not path.is_file() or made_from not in path.read_text(encoding="utf-8", errors="replace")[:2000]:
        return False
    folders = [folder for table in ALL_TABLES if (folder := workspace.root / table).is_dir()]
    return all(folder.stat().st_mtime_ns < path.stat().st_mtime_ns for folder in folders)


def _write(path: Path, page: str) -> Path:
    with atomic(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _nothing(stage: str) -> str:
    return f'<p class="nothing">Nothing here yet: run <code>pmc15m {stage}</code> first.</p>'


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
        f'<div class="box"><h3>{thing.capitalize()}s</h3><ol class="steps">{"".join(lines)}</ol></div>'
        for thing, lines in blocks.items()
    )
    return (
        '<p class="lead">Every step adds up: what goes in comes out or is lost for a reason.</p>'
        f'<div class="funnels">{"".join(boxes)}</div>'
    )


def _plots(found: Answers) -> str:
    if not found["licences"].num_rows:
        return _nothing("curate")
    levels = [one for one in _LEVELS if any(found["years"][_column(one)].to_pylist())]
    groups = [Series(group, group) for group in _GROUPS if group in found["licences"]["licence_group"].to_pylist()]

    def lying(question: str, label: str, title: str, note: str) -> str:
        marks = _marks(found[question].slice(0, _BARS), label, levels)
        return _plot(found, question, title, note, bars(title, marks, levels), levels)

    def standing(question: str, label: str, title: str, note: str) -> str:
        drawn = columns(title, _marks(found[question], label, levels), levels, stacked=False)
        return _plot(found, question, title, note, drawn, levels)

    def counted(question: str, label: str, series: Series, title: str, note: str) -> str:
        drawn = columns(title, _marks(found[question], label, [series]), [series], stacked=True)
        return _plot(found, question, title, note, drawn, [series])

    pictures = Series("images", "figure")
    plots = [
        _plot(found, "licences", "Licence", "figure pairs", _licences(found["licences"]), groups),
        _plot(found, "licences_by_year", "Year", "figure pairs", _years(found["licences_by_year"], groups), groups),
        lying("journals", "journal", "Journals", "the largest"),
        lying("image_kinds", "image_kind", "Kind of picture", "by a small classifier"),
        lying("modalities", "modality", "Modality", "named in the caption"),
        standing("caption_histogram", "words_from", "Caption length", "words"),
        standing("image_sizes", "shorter_side_from_px", "Picture size", "shorter side, px, from"),
        counted("panels_per_figure", "panels", pictures, "Panels per picture", "20 stands for more, too"),
        counted("alignment", "percent_from", _LEVELS[1], "Alignment", "confidence of panel pairs, %, from"),
        lying("splits", "split", "Splits", "by article"),
        _plot(found, "duplicates", "Duplicates", "relation to the one kept", _duplicates(found["duplicates"]), ()),
        lying("article_types", "article_type", "Type of article", "as JATS says it"),
        lying("languages", "language", "Language", "of the caption"),
        lying("flags", "flag", "Flags", "to know before use"),
    ]
    return f'<div class="charts">{"".join(plots)}</div>'


def _column(series: Series) -> str:
    return series.name.replace(" ", "_")


def _marks(answer: pa.Table, label: str, series: Sequence[Series]) -> list[Mark]:
    return [Mark(_label(row[label]), tuple(row[_column(one)] for one in series)) for row in answer.to_pylist()]


def _licences(answer: pa.Table) -> str:
    rows = [row for row in answer.to_pylist() if row["figure_pairs"]][: 2 * _BARS]
    marks = [Mark(_label(row["licence_code"]), (row["figure_pairs"],), row["licence_group"]) for row in rows]
    return bars("Figure pairs by licence", marks, [Series("figure pairs", "other")])


def _duplicates(answer: pa.Table) -> str:
    series = [Series("duplicates", "figure")]
    return bars("Duplicates", _marks(answer, "relation", series), series)


def _years(answer: pa.Table, groups: Sequence[Series]) -> str:
    counts = {(row["year"], row["licence_group"]): row["figure_pairs"] for row in answer.to_pylist()}
    years = [year for year, _ in counts if year is not None]
    span = range(min(years), max(years) + 1) if years else range(0)
    marks = [Mark(str(year), tuple(counts.get((year, one.name), 0) for one in groups)) for year in span]
    return columns("Figure pairs by year", marks, groups, stacked=True)


def _plot(found: Answers, question: str, title: str, note: str, drawn: str, series: Sequence[Series]) -> str:
    if not found[question].num_rows:
        return ""
    legend = "".join(f'<span><i class="{one.style}"></i>{one.name}</span>' for one in series if len(series) > 1)
    return (
        f'<figure class="box"><figcaption>{title} <small>{note}</small></figcaption>{drawn}'
        f'<p class="legend">{legend}</p>'
        f'<details class="numbers"><summary>The numbers</summary>{webpage.table(found[question])}</details></figure>'
    )


def _published(answer: pa.Table) -> str:
    note = (
        '<p class="lead">A figure-level run over all of PMC as of June 2022, unfiltered, should come near PMC-15M’s '
        "yields; captions split into panels have no published counterpart of the same kind.</p>"
    )
    return f'{note}<div class="box">{webpage.table(answer, here="this_workspace")}</div>'


def _drops(connection: duckdb.DuckDBPyConnection, drops: pa.Table) -> str:
    rows = drops.to_pylist()
    if not rows:
        return '<p class="nothing">Nothing was lost.</p>'
    told = _told(connection, [key for row in rows for key in row["samples"]])
    blocks: dict[str, list[str]] = {}
    for row in rows:
        samples = "".join(
            f"<li>{cards.article_link(key.split('.')[0].split('_')[0])} {escape(told.get(key) or key)}</li>"
            for key in row["samples"]
        )
        blocks.setdefault(row["thing"], []).append(
            f'<li><span class="n">{whole(row["n"])}</span><span>{escape(_label(row["reason"]))}</span>'
            f'<ul class="samples">{samples}</ul></li>'
        )
    boxes = (
        f'<div class="box"><h3>{thing.capitalize()}s</h3><ul class="drops">{"".join(lines)}</ul></div>'
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
        UNION ALL SELECT panel_key, concat_ws(': ', label, subcaption) FROM panels
        WHERE panel_key IN (SELECT unnest($keys))"""
    rows = connection.sql(query, params={"keys": keys}).to_arrow_table().to_pylist()
    return {row["key"]: _shortened(row["words"] or "") for row in rows}


def _shortened(text: str) -> str:
    return text if len(text) <= 110 else text[:109] + "…"


def _label(value: object) -> str:
    return "not known" if value is None or value == "" else cell_text(value).replace("_", " ")
