"""The `parse` stage: a raw shard in; its articles, figures and images out.

Reads the index, the metadata and the XML, never the pictures: those are only pointed to. What an article says comes
from `jats`; what the service says of it (identifiers, licence code, flags) overrules that.
"""

import itertools
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa

from pmc15m import schema
from pmc15m.config import Config, ParseConfig
from pmc15m.engine.stage import FAULT
from pmc15m.jats import Article, ArticleStatus, Figure, FileNames, Graphic, parse_article, resolve_graphic
from pmc15m.jats.licence import group_of
from pmc15m.sources.metadata import clean_metadata
from pmc15m.stages import PARSE
from pmc15m.workspace import Workspace, read_part, rows_to_table

log = logging.getLogger(__name__)

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]  # by table

# Crawl statuses of an article whose figures count; every other one is only a row with its reason.
_PRESENT = {"complete", "partial"}
_SUPERSEDED = "superseded"  # fetched again into a later shard, whose rows count


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """What a raw shard holds of one article version."""

    head: Row  # the index row of role `article`
    metadata: Row | None  # what the service's JSON says; None where the source has none
    xml: bytes | None
    media: Mapping[str, Row]  # index rows by name: every published file, stored or not
    names: FileNames  # the same names, for look-up


def parse_shard(workspace: Workspace, shard: str, config: Config) -> Mapping[str, pa.Table]:
    """The three tables of one raw shard, in the order of its index.

    An article on which this program fails is a row with the reason FAULT, and has no figures.
    """
    index = read_part(workspace.part("raw", shard)).to_pylist()
    made: list[tuple[StoredArticle, Rows]] = []
    for _, rows in itertools.groupby(index, key=lambda row: (row["pmcid"], row["version"])):
        stored = _read(workspace, shard, list(rows))
        if stored.head["status"] == _SUPERSEDED:
            continue
        try:
            found = _rows(stored, shard, config.parse)
        except Exception as error:
            found = _fault(stored, shard, error)
        made.append((replace(stored, xml=None), found))
    try:
        return _tables(found for _, found in made)
    except Exception:  # a value that its column cannot hold; whose it is shows one by one
        return _tables(_checked(stored, shard, found) for stored, found in made)


def _tables(articles: Iterable[Rows]) -> Mapping[str, pa.Table]:
    rows: dict[str, list[Row]] = {table: [] for table in PARSE.writes}
    for article in articles:
        for table, found in article.items():
            rows[table] += found
    return {table: rows_to_table(found, schema.TABLES[table]) for table, found in rows.items()}


def _checked(stored: StoredArticle, shard: str, rows: Rows) -> Rows:
    try:
        _tables([rows])
    except Exception as error:
        return _fault(stored, shard, error)
    return rows


def _fault(stored: StoredArticle, shard: str, error: Exception) -> Rows:
    head = stored.head
    log.error("parse: %s.%s, shard %s: %s: %s", head["pmcid"], head["version"], shard, type(error).__name__, error)
    log.debug("", exc_info=error)
    row = _article_row(stored, shard, Article(status=ArticleStatus.UNUSABLE), used=set())
    return {"articles": [{**row, "status": "unusable", "reason": FAULT}]}


def _rows(stored: StoredArticle, shard: str, config: ParseConfig) -> Rows:
    article = Article(status=ArticleStatus.UNUSABLE)
    if stored.xml is not None and stored.head["status"] in _PRESENT:
        article = parse_article(stored.xml, pmcid=stored.head["pmcid"], max_bytes=config.max_xml_bytes)
    images = [row for figure in article.figures for row in _image_rows(stored, shard, figure)]
    return {
        "articles": [_article_row(stored, shard, article, used={row["file"] for row in images})],
        "figures": [_figure_row(stored, figure) for figure in article.figures],
        "images": images,
    }


def _read(workspace: Workspace, shard: str, rows: Iterable[Row]) -> StoredArticle:
    by_role: dict[str, list[Row]] = {"article": [], "metadata": [], "xml": [], "media": []}
    for row in rows:
        by_role[row["role"]].append(row)

    def content(role: str) -> bytes | None:
        stored = [row for row in by_role[role] if row["offset"] is not None]
        if not stored:
            return None
        return workspace.read(shard, stored[0]["offset"], stored[0]["size"], stored[0]["sha256"])

    metadata = content("metadata")
    return StoredArticle(
        head=by_role["article"][0],
        metadata=clean_metadata(metadata) if metadata is not None else None,
        xml=content("xml"),
        media={row["name"]: row for row in by_role["media"]},
        names=FileNames(row["name"] for row in by_role["media"]),
    )


def _article_row(stored: StoredArticle, shard: str, article: Article, used: set[str | None]) -> Row:
    head, said = stored.head, stored.metadata or {}
    present = head["status"] in _PRESENT
    unusable = present and article.status is ArticleStatus.UNUSABLE
    # The service's code rules, also where it is null: "no Creative Commons code" must not become one by our reading.
    licence_code = said.get("license_code", article.licence_code)
    return {
        "pmcid": head["pmcid"],
        "version": head["version"],
        "pmid": said.get("pmid") or article.pmid,
        "doi": said.get("doi") or article.doi,
        "title": article.title or said.get("title"),
        "journal": article.journal,
        "issn": article.issn,
        "publisher": article.publisher,
        "authors": article.authors,
        "pub_date": article.pub_date,
        "pub_date_precision": article.pub_date_precision,
        "electronic_date": article.electronic_date,
        "release_date": article.release_date,
        "article_type": article.article_type,
        "language": _language(article.language),
        "subjects": article.subjects,
        "keywords": article.keywords,
        "abstract": article.abstract,
        "licence_code": licence_code,
        "licence_url": article.licence_url,
        "licence_group": group_of(licence_code),
        "licence_statement": article.licence_statement,
        "copyright_statement": article.copyright_statement,
        "is_pmc_openaccess": said.get("is_pmc_openaccess"),
        "is_retracted": bool(said.get("is_retracted")) or article.is_retracted,
        "is_manuscript": bool(said.get("is_manuscript")) or article.is_manuscript,
        "is_historical_ocr": bool(said.get("is_historical_ocr")) or article.is_historical_ocr,
        "notices": article.notices,
        "flags": article.flags,
        "citation": said.get("citation") or article.citation,
        "source": "cloud" if stored.metadata is not None else "files",
        "shard": shard,
        "n_figures": len(article.figures),
        "n_media_unreferenced": len(stored.media.keys() - used),
        "status": "unusable" if unusable else "ok" if head["status"] == "complete" else head["status"],
        "reason": head["reason"] or article.reason,
    }


def _figure_row(stored: StoredArticle, figure: Figure) -> Row:
    return {
        "figure_key": _figure_key(stored, figure),
        "pmcid": stored.head["pmcid"],
        "version": stored.head["version"],
        "figure_id": figure.figure_id,
        "order": figure.order,
        "kind": figure.kind,
        "origin": figure.origin,
        "sub_article_type": figure.sub_article_type,
        "label": figure.label,
        "derived_label": figure.derived_label,
        "title": figure.title,
        "caption": figure.caption,
        "caption_markup": [asdict(span) for span in figure.caption_markup],
        "caption_asides": [asdict(aside) for aside in figure.caption_asides],
        "caption_source": figure.caption_source,
        "language": _language(figure.language),
        "other_captions": [asdict(other) for other in figure.other_captions],
        "group_id": figure.group_id,
        "group_label": figure.group_label,
        "group_caption": figure.group_caption,
        "section_path": " > ".join(figure.section_path),
        "mentions": [
            {**asdict(mention), "section_path": " > ".join(mention.section_path)} for mention in figure.mentions
        ],
        "attrib": figure.attrib,
        "alt_text": figure.alt_text,
        "permissions": figure.permissions,
        "rights": figure.rights,
        "media": figure.media,
        "n_graphics": len(figure.graphics),
        "status": figure.status,
        "reason": figure.reason,
    }


def _image_rows(stored: StoredArticle, shard: str, figure: Figure) -> list[Row]:
    return [_image_row(stored, shard, figure, graphic) for graphic in figure.graphics]


def _image_row(stored: StoredArticle, shard: str, figure: Figure, graphic: Graphic) -> Row:
    key = _figure_key(stored, figure)
    resolution = resolve_graphic(graphic.href, stored.names, graphic.alternatives)
    media: Row = stored.media[resolution.name] if resolution.name is not None else {}
    is_stored = media.get("offset") is not None
    return {
        "image_key": schema.image_key(key, graphic.index + 1),
        "figure_key": key,
        "pmcid": stored.head["pmcid"],
        "version": stored.head["version"],
        "graphic_index": graphic.index,
        "href": graphic.href,
        "alternatives": graphic.alternatives,
        "file": resolution.name,
        "resolved_by": resolution.step,
        "shard": shard if is_stored else None,
        "offset": media.get("offset"),
        "size": media.get("size"),
        "md5": media.get("md5"),
        "sha256": media.get("sha256"),
        "format": media.get("format"),
        "status": "ok" if is_stored and media["status"] == "ok" else "dropped",
        "reason": _image_reason(stored, media, resolution.reason),
    }


def _image_reason(stored: StoredArticle, media: Row, unresolved: str | None) -> str | None:
    if media:
        return _text(media["reason"])
    if not stored.media and stored.metadata and stored.metadata.get("is_manuscript"):
        return "no_media_by_licence"
    return unresolved


def _figure_key(stored: StoredArticle, figure: Figure) -> str:
    return schema.figure_key(stored.head["pmcid"], stored.head["version"], figure.position)


def _language(tag: str | None) -> str | None:
    """A language tag as BCP 47 compares it: without case. Publishers write `EN`, `en_US` and `en-US`."""
    return tag.strip().lower().replace("_", "-") or None if tag else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
