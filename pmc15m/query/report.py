"""`pmc15m report`: one self-contained page with the funnel, plots, what was lost, and figures to look at.

Works at every stage of the flow: what has no numbers yet says so. Same tables and configuration, same bytes.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import duckdb
import pyarrow as pa

from pmc15m.config import Config
from pmc15m.query import cards, webpage
from pmc15m.query.charts import Mark, Series, bars, columns, short, whole
from pmc15m.query.connection import connect
from pmc15m.query.gallery import exhibits
from pmc15m.query.manifests import named_queries
from pmc15m.query.output import cell_text
from pmc15m.query.statistics import Answers, answers
from pmc15m.workspace import Workspace, atomic

GALLERY = 96  # figures in the report

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
    """Write `report/index.html` and return its path. Raises `UsageError` where a part cannot be read."""
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
    lead = f"Workspace {workspace.root.name}, source {config.source}."
    if config.select.where:
        lead += f" Articles where {config.select.where}."
    return _write(workspace, "index.html", webpage.page("PMC-15M, rebuilt", lead, sections, _tiles(found)))


def gallery(workspace: Workspace, count: int) -> Path:
    """Write `report/gallery.html` with `count` random figures and return its path."""
    with connect(workspace) as connection:
        shown = exhibits(connection, workspace, count)
    content = cards.gallery_section(shown) if shown else _nothing("split")
    sections = [("gallery", f"{len(shown)} random figures", content)]
    page = webpage.page("Figures and their panels", f"Workspace {workspace.root.name}.", sections)
    return _write(workspace, "gallery.html", page)


def _write(workspace: Workspace, name: str, page: str) -> Path:
    path = workspace.root / "report" / name
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
    levels = [one for one in _LEVELS if any(found["licences"][one.name.replace(" ", "_")].to_pylist())]

    def by(question: str, label: str, limit: int = 20) -> list[Mark]:
        rows = found[question].to_pylist()[:limit]
        return [Mark(_label(row[label]), tuple(row[one.name.replace(" ", "_")] for one in levels)) for row in rows]

    def lying(question: str, label: str) -> str:
        return _plot(found, question, bars(_title(question), by(question, label), levels), levels)

    def standing(question: str, label: str) -> str:
        return _plot(found, question, columns(_title(question), by(question, label, 99), levels, stacked=False), levels)

    single = (Series("pictures", "figure"),)
    panels = [Mark(str(row["panels"]), (row["images"],)) for row in found["panels_per_figure"].to_pylist()]
    aligned = [Mark(_label(row["percent_from"]), (row["panel_pairs"],)) for row in found["alignment"].to_pylist()]
    doubled = [Mark(_label(row["relation"]), (row["duplicates"],)) for row in found["duplicates"].to_pylist()]
    plots = [
        _licences(found),
        _years(found),
        lying("journals", "journal"),
        lying("image_kinds", "image_kind"),
        standing("caption_histogram", "words_from"),
        standing("image_sizes", "shorter_side_from_px"),
        _plot(found, "panels_per_figure", columns("Panels per figure", panels, single, stacked=True), ()),
        _plot(found, "alignment", columns("Alignment", aligned, (_LEVELS[1],), stacked=True), ()),
        _plot(found, "duplicates", bars("Duplicates", doubled, single), ()),
        lying("splits", "split"),
        lying("article_types", "article_type"),
        lying("languages", "language"),
        lying("flags", "flag"),
    ]
    return f'<div class="charts">{"".join(plots)}</div>'


def _licences(found: Answers) -> str:
    rows = found["licences"].to_pylist()
    marks = []
    for row in rows[:12]:
        pairs = row["figure_pairs"]
        group = row["licence_group"]
        marks.append(Mark(_label(row["licence_code"]), tuple(pairs if group == one else 0 for one in _GROUPS)))
    groups = [Series(group, group) for group in _GROUPS]
    drawn = columns("Figure pairs by licence", marks, groups, stacked=True)
    return _plot(found, "licences", drawn, groups, note="figure pairs")


def _years(found: Answers) -> str:
    rows = found["licences_by_year"].to_pylist()
    counts = {(row["year"], row["licence_group"]): row["figure_pairs"] for row in rows}
    years = [row["year"] for row in rows if row["year"] is not None]
    span = range(min(years), max(years) + 1) if years else range(0)
    marks = [Mark(str(year), tuple(counts.get((year, group), 0) for group in _GROUPS)) for year in span]
    groups = [Series(group, group) for group in _GROUPS]
    drawn = columns("Figure pairs by year", marks, groups, stacked=True)
    return _plot(found, "licences_by_year", drawn, groups, note="figure pairs")


def _plot(found: Answers, question: str, drawn: str, series: Sequence[Series], note: str = "") -> str:
    answer = found[question]
    if not answer.num_rows:
        return ""
    legend = "".join(f'<span><i class="{one.style}"></i>{one.name}</span>' for one in series if len(series) > 1)
    small = f"<small>{note}</small>" if note else ""
    return (
        f'<figure class="box"><figcaption>{escape(_title(question))}{small}</figcaption>{drawn}'
        f'<p class="legend">{legend}</p>'
        f'<details class="numbers"><summary>The numbers</summary>{webpage.table(answer)}</details></figure>'
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
    body = []
    for row in rows:
        samples = "".join(
            f"<li>{cards.article_link(key.split('.')[0].split('_')[0])} {escape(told.get(key, ''))}</li>"
            for key in row["samples"]
        )
        body.append(
            f"<tr><td>{row['thing']}</td><td>{escape(_label(row['reason']))}</td>"
            f'<td class="number">{short(row["n"])}</td><td><ul class="samples">{samples}</ul></td></tr>'
        )
    return (
        '<div class="box"><table><thead><tr><th>what</th><th>reason</th><th class="number">how many</th>'
        f"<th>for example</th></tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


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


def _title(question: str) -> str:
    return named_queries()[question].title.rstrip(".")


def _label(value: object) -> str:
    return "not known" if value is None or value == "" else cell_text(value).replace("_", " ")
