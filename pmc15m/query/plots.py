"""What the pairs are, in plots: of the answers to the questions that ship."""

from collections import Counter
from collections.abc import Sequence
from html import escape

import pyarrow as pa

from pmc15m.query import webpage
from pmc15m.query.charts import Mark, Series, bars, columns, short
from pmc15m.query.output import cell_text
from pmc15m.query.statistics import Answers

_BARS = 8  # in a plot; the numbers below it have all
_ROWS, _HEADS = 12, 6  # in a cross table

_LEVELS = (Series("figure pairs", "figure"), Series("panel pairs", "panel"))
_GROUPS = ("commercial", "noncommercial", "other")


def plots(found: Answers) -> str:
    """Every plot with its numbers, as HTML. There are pairs."""
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

    def crossed(question: str, column: str, title: str, note: str) -> str:
        return _plot(found, question, title, note, _cross_table(found[question], "modality", column), ())

    drawn = [
        _plot(found, "licences", "Licence", "figure pairs", _licences(found["licences"]), groups),
        lying("licence_rules", "rule", "What licences leave", "pairs that are left under each rule"),
        _plot(found, "licences_by_year", "Year", "figure pairs", _years(found["licences_by_year"], groups), groups),
        lying("journals", "journal", "Journals", "the largest"),
        lying("image_kinds", "image_kind", "Kind of picture", "by a small classifier"),
        lying("modalities", "modality", "Modality", "named in the caption"),
        crossed("modalities_by_licence", "licence_group", "Modality by licence", "pairs of both levels"),
        crossed("kinds_by_modality", "image_kind", "Modality by kind of picture", "pairs of both levels"),
        standing("caption_histogram", "words_from", "Caption length", "words"),
        lying("tokens", "tokens", "Caption length in tokens", "at least, against 77, 256 and 512 of text encoders"),
        standing("image_sizes", "shorter_side_from_px", "Picture size", "shorter side, px, from"),
        counted("panels_per_figure", "panels", Series("pictures", "figure"), "Panels a picture", "20: or more"),
        counted("alignment", "percent_from", _LEVELS[1], "Alignment", "certainty of panel pairs, %, from"),
        counted("mentions", "mentions", Series("figures", "figure"), "Mentions in the text", "a figure; 10: or more"),
        lying("splits", "split", "Splits", "by article"),
        _plot(found, "duplicates", "Duplicates", "relation to the one kept", _duplicates(found["duplicates"]), ()),
        lying("article_types", "article_type", "Type of article", "as JATS says it"),
        lying("languages", "language", "Language", "of the caption: as the article says, else by its words"),
        lying("flags", "flag", "Flags", "to know before use"),
    ]
    return f'<div class="charts">{"".join(drawn)}</div>'


def label(value: object) -> str:
    """A value as the page names it."""
    return "not known" if value is None or value == "" else cell_text(value).replace("_", " ")


def _column(series: Series) -> str:
    return series.name.replace(" ", "_")


def _marks(answer: pa.Table, column: str, series: Sequence[Series]) -> list[Mark]:
    return [Mark(label(row[column]), tuple(row[_column(one)] for one in series)) for row in answer.to_pylist()]


def _licences(answer: pa.Table) -> str:
    rows = [row for row in answer.to_pylist() if row["figure_pairs"]][: 2 * _BARS]
    marks = [Mark(label(row["licence_code"]), (row["figure_pairs"],), row["licence_group"]) for row in rows]
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


def _cross_table(answer: pa.Table, row: str, column: str) -> str:
    """Pairs by two properties, the larger the darker; the most frequent values first."""
    counts = {(one[row], one[column]): one["pairs"] for one in answer.to_pylist()}
    totals: Counter[object] = Counter()
    for (_, head), count in counts.items():
        totals[head] += count
    heads = [head for head, _ in totals.most_common(_HEADS)]
    most = max(counts.values(), default=1)
    lines = []
    for name in list(dict.fromkeys(name for name, _ in counts))[:_ROWS]:
        cells = "".join(_shaded(counts.get((name, head), 0), most) for head in heads)
        lines.append(f'<tr><th scope="row">{escape(label(name))}</th>{cells}</tr>')
    top = "".join(f'<th scope="col" class="number">{escape(label(head))}</th>' for head in heads)
    inside = f"<tr><td></td>{top}</tr>{''.join(lines)}"
    return f'<div class="scroll" tabindex="0"><table class="cross">{inside}</table></div>'


def _shaded(count: int, most: int) -> str:
    share = round((count / most) ** 0.5 * 100)  # by area: a cell of a quarter is half as dark
    return f'<td class="number" style="--share:{share}%">{short(count) if count else "·"}</td>'


def _plot(found: Answers, question: str, title: str, note: str, drawn: str, series: Sequence[Series]) -> str:
    if not found[question].num_rows:
        return ""
    legend = "".join(f'<span><i class="{one.style}"></i>{one.name}</span>' for one in series if len(series) > 1)
    return (
        f'<figure class="box"><figcaption>{title} <small>{note}</small></figcaption>{drawn}'
        f'<p class="legend">{legend}</p>'
        f'<details class="numbers"><summary>The numbers</summary>{webpage.table(found[question])}</details></figure>'
    )
