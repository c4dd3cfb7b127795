"""The JATS engine over a folder of articles, for `score_jats.py` of the ground truth, and beside pubmed_parser.

    python -m benchmarks.jats ARTICLES_DIR --out PRED.jsonl [--peer pubmed_parser]

ARTICLES_DIR holds a folder for each article: its XML and, where there are any, its pictures. One line an article:
figures with caption, label, hrefs, the file found for each and the number of places that cite it. With `--peer` the
same is written for that parser (`PRED.pubmed_parser.jsonl`; a development dependency: `pip install pubmed_parser`) and
a table says where the two differ and why, and what each costs (CPU seconds of parsing, reading included).
"""

import argparse
import csv
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from pmc15m.jats import (
    ArticleFlag,
    ArticleStatus,
    AsideKind,
    Figure,
    FileNames,
    Mark,
    MentionBasis,
    MentionOrigin,
    parse_article,
    resolve_graphic,
)
from pmc15m.jats.graphics import XLINK_HREF
from pmc15m.jats.text import PICTURED_FORMULA, PICTURED_SYMBOL
from pmc15m.sources.sniff import HEAD_BYTES, IMAGE_FORMATS, sniff_format

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """One article's folder: its XML and the names of the pictures beside it."""

    name: str
    xml: Path
    images: tuple[str, ...]


def sources(folder: Path) -> Iterator[Source]:
    """The articles of a folder, in the order of their names. INDEX.csv, where there is one, names the XML."""
    index = folder / "INDEX.csv"
    named: dict[str, str] = {}
    if index.exists():
        with index.open(encoding="utf-8", newline="") as rows:
            named = {row["folder"]: row["xml_file"] for row in csv.DictReader(rows)}
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(path for path in place.rglob("*") if path.is_file())
        xmls = [path for path in files if path.suffix.lower() in (".xml", ".nxml")]
        if place.name in named:
            xmls = [place / named[place.name]]
        if xmls:
            images = tuple(str(p.relative_to(place)) for p in files if p not in xmls and _is_image(p))
            yield Source(place.name, xmls[0], images)


def _is_image(path: Path) -> bool:
    with path.open("rb") as file:
        return sniff_format(file.read(HEAD_BYTES)) in IMAGE_FORMATS


def record(source: Source) -> Record:
    """What we say of one article."""
    article = parse_article(source.xml.read_bytes())
    if article.status is ArticleStatus.UNUSABLE:
        return {"article": source.name, "well_formed": False, "error": article.reason, "figures": []}
    names = FileNames(source.images)
    figures = [
        {
            "fig_id": figure.figure_id if figure.id_is_given else None,
            "label": figure.label,
            "caption": as_written(figure),
            "inherited_group_caption": figure.group_caption,
            "graphics": [
                {"href": g.href, "file": resolve_graphic(g.href, names, g.alternatives).name} for g in figure.graphics
            ],
            # As the ground truth counts: xrefs in running text and what lies between two of them.
            "mentions": sum(
                m.origin is MentionOrigin.TEXT and m.basis is not MentionBasis.EXPANDED_TEXT for m in figure.mentions
            ),
        }
        for figure in article.figures
    ]
    return {"article": source.name, "well_formed": ArticleFlag.RECOVERED not in article.flags, "figures": figures}


_SCRIPT = re.compile(r"[\^_](?:\(([^()]*)\))?")


def as_written(figure: Figure) -> str | None:
    """The caption as the ground truth writes it: asides in their places, what we put in left out."""
    text = figure.caption or ""
    left_out: set[int] = set()
    for span in figure.caption_markup:
        if text[span.start : span.end] in (PICTURED_FORMULA, PICTURED_SYMBOL):
            left_out.update(range(span.start, span.end))
        elif span.kind is Mark.FORMULA:
            for script in _SCRIPT.finditer(text, span.start, span.end):
                left_out.update((script.start(), *((script.start(1) - 1, script.end(1)) if script[1] else ())))
        elif span.kind in (Mark.SUP, Mark.SUB) and text[span.start] in "^_":
            left_out.update((span.start, *((span.start + 1, span.end - 1) if text[span.start + 1] == "(" else ())))
    pieces = ["" if place in left_out else char for place, char in enumerate(text)] + [""]
    for aside in reversed(figure.caption_asides):
        if aside.place is not None:
            follows = text[aside.place : aside.place + 1]
            glue = "" if aside.kind is AsideKind.REFERENCE else " "
            after = "" if follows in (*" ,.;:)", "") else glue
            pieces[aside.place] = f"{glue}{aside.text}{after}{pieces[aside.place]}"
    return " ".join("".join(pieces).split()) or None


def peer_record(source: Source) -> Record:
    """What pubmed_parser says of one article; its `graphic_ref` as it stands, else with '.jpg', names the file."""
    import pubmed_parser

    try:
        found = pubmed_parser.parse_pubmed_caption(str(source.xml)) or []
    except Exception as error:  # whatever it raises, the article is lost to it
        return {"article": source.name, "error": type(error).__name__, "figures": []}
    figures = [
        {
            "fig_id": figure["fig_id"],
            "label": figure["fig_label"],
            "caption": figure["fig_caption"],
            "graphics": [{"href": figure["graphic_ref"], "file": _file_of(figure["graphic_ref"], source)}],
        }
        for figure in found
    ]
    return {"article": source.name, "figures": figures}


def _file_of(reference: str | None, source: Source) -> str | None:
    return next((name for name in (reference, f"{reference}.jpg") if reference and name in source.images), None)


def causes(ours: Record, theirs: Record) -> Iterator[str]:
    """One cause for each of our figures: why the peer's answer differs, or 'the same'."""
    previous: str | None = None
    by_id = {figure["fig_id"]: figure for figure in theirs["figures"]}
    for figure in ours["figures"]:
        other = by_id.get(figure["fig_id"])
        if "error" in theirs:
            yield f"article lost ({theirs['error']})"
        elif other is None:
            yield "figure not found"
        else:
            yield _cause(figure, other, previous)
            previous = _tight(other["caption"])


def _cause(figure: Record, other: Record, previous: str | None) -> str:
    mine, theirs = _tight(figure["caption"]), _tight(other["caption"])
    if mine != theirs:
        if theirs and theirs == previous:
            return "caption of the figure before"
        if not mine:
            return "caption where there is none"
        return "caption incomplete" if len(theirs or "") < len(mine) else "caption differs"
    href = other["graphics"][0]["href"]
    hrefs = {graphic["href"] for graphic in figure["graphics"]}
    if href in hrefs or not hrefs:
        return "the same"
    return "no graphic" if href is None else "not the href"


def _tight(text: str | None) -> str | None:
    return "".join(text.split()).translate(_PLAIN) if text else None


_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉⁺⁻⁼⁽⁾₊₋₌₍₎", "01234567890123456789+−=()+−=()")


def timed(function: Callable[[Source], Record], articles: list[Source]) -> tuple[list[Record], float]:
    """Records and the least CPU seconds of three runs."""
    records: list[Record] = []
    costs = []
    for _ in range(3):
        begin = time.process_time()
        records = [function(source) for source in articles]
        costs.append(time.process_time() - begin)
    return records, min(costs)


def figures_of(path: str) -> list[Figure]:
    """The full record of one file, for harnesses that time functions of a path."""
    return list(parse_article(Path(path).read_bytes()).figures)


def parse_only(source: Source) -> Record:
    """The floor: building the tree and nothing else."""
    try:
        root = etree.parse(str(source.xml)).getroot()
    except etree.XMLSyntaxError:
        return {}
    return {"figures": root.get(XLINK_HREF)}


def write(records: list[Record], path: Path) -> None:
    lines = (json.dumps(each, ensure_ascii=False) + "\n" for each in records)
    path.write_text("".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--peer", choices=("pubmed_parser",))
    args = parser.parse_args()
    articles = list(sources(args.articles))
    if not articles:
        parser.error(f"no folder with an XML file in {args.articles}")
    ours, cost = timed(record, articles)
    write(ours, args.out)
    n_figures = sum(len(each["figures"]) for each in ours)
    print(f"{len(articles)} articles, {n_figures} figures, {cost:.2f} CPU s -> {args.out}")
    if args.peer is None:
        return
    theirs, peer_cost = timed(peer_record, articles)
    _, floor = timed(parse_only, articles)
    write(theirs, args.out.with_suffix(f".{args.peer}.jsonl"))
    counts = Counter(cause for mine, their in zip(ours, theirs, strict=True) for cause in causes(mine, their))
    print(f"\n| {args.peer} on our figures | figures | share |\n|---|---:|---:|")
    for cause, count in counts.most_common():
        print(f"| {cause} | {count} | {count / n_figures:.1%} |")
    print("\n| parser | CPU s | x lxml.etree.parse |\n|---|---:|---:|")
    for name, seconds in (("lxml.etree.parse", floor), (f"{args.peer} (captions only)", peer_cost), ("ours", cost)):
        print(f"| {name} | {seconds:.2f} | {seconds / floor:.2f} |")


if __name__ == "__main__":
    main()
