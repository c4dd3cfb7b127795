"""Facts about the article itself: ids, licence, dates, journal, subjects, notices."""

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from datetime import date
from typing import Any, TypeAlias

from lxml import etree

from pmc15m.jats.graphics import XLINK_HREF, href_of
from pmc15m.jats.licence import Statement, find_licence
from pmc15m.jats.model import DatePrecision, Notice
from pmc15m.jats.text import Text, add_child, plain, squeeze
from pmc15m.jats.tree import Element, children_by_tag, language_of

_PMC_ID_TYPES = ("pmcid", "pmc", "pmcid-ver", "pmcaid", "pmcaiid", "pmc-uid", "accession")
_DOI_ADDRESS = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
_JOURNAL_FIELDS = {
    "journal-title": "journal",
    "abbrev-journal-title": "short",
    "issn": "issn",
    "issn-l": "issn",
    "publisher-name": "publisher",
}
_NOTES = frozenset(["fn", "author-notes", "aff", "corresp"])
_ABSTRACT_HEADINGS = frozenset(["abstract", "summary", "resumo", "resumen"])
_PMC_DIGITS = re.compile(r"(?:PMC)?(\d{1,10})(?:\.(\d{1,4}))?", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,9}")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_ELECTRONIC = frozenset({"epub", "epub-ppub", "epreprint", "electronic", "e-only"})
_NOT_PUBLICATION = frozenset(
    {"pmc-release", "nihms-submitted", "received", "accepted", "rev-recd", "corrected", "retracted"}
)
_SIDE_ABSTRACTS = re.compile(
    r"graphical|toc|teaser|summary|highlight|key|visual|video|web|executive|short|editor", re.IGNORECASE
)
_OF_ANOTHER = {
    "retracted-article": Notice.IS_RETRACTION,
    "corrected-article": Notice.IS_CORRECTION,
    "object-of-concern": Notice.IS_CONCERN,
}
_OF_THIS = {
    "retraction-forward": Notice.RETRACTED,
    "retraction": Notice.RETRACTED,
    "correction-forward": Notice.CORRECTED,
    "correction": Notice.CORRECTED,
    "erratum": Notice.CORRECTED,
    "concern-forward": Notice.CONCERN,
    "expression-of-concern": Notice.CONCERN,
}
_BY_TYPE = {
    "retraction": Notice.IS_RETRACTION,
    "correction": Notice.IS_CORRECTION,
    "addendum": Notice.IS_CORRECTION,
    "expression-of-concern": Notice.IS_CONCERN,
    "retracted-article": Notice.RETRACTED,
    "retracted": Notice.RETRACTED,
}
_RETRACTED_TITLE = re.compile(
    r"\W*(?:(?:RETRACTED|WITHDRAWN)\b(?:\s+ARTICLE)?\s*[:.\]]|\[?Retracted\]?[:.\]])", re.ASCII
)
_RETRACTED_SUBJECT = re.compile(r"retracted|withdrawn", re.IGNORECASE)
_MAX_CITED_AUTHORS = 6

Meta: TypeAlias = dict[object, list[Element]]
"""Children of `article-meta` by name."""


def article_facts(article: Element) -> dict[str, Any]:
    """The fields of `Article` that come from the front matter, by name."""
    front = next(article.iterchildren("front", "front-stub"), None)
    facts: dict[str, Any] = {"article_type": article.get("article-type"), "language": language_of(article)}
    if front is None:
        return facts
    holder = next(front.iterchildren("article-meta"), front)
    meta = children_by_tag(holder)
    language = facts["language"]
    properties = _properties(meta)
    title = _title(meta)
    subjects = tuple(_distinct(s for group in meta.get("article-categories", ()) for s in group.iter("subject")))
    notices = _notices(article, meta, title, subjects)
    facts |= _ids(meta) | _journal(front) | _dates(meta)
    facts |= {
        "title": title,
        "authors": tuple(_authors(meta)),
        "subjects": subjects,
        "keywords": tuple(_keywords(meta, language)),
        "abstract": _abstract(meta, language),
        "notices": notices,
        "is_retracted": Notice.RETRACTED in notices,
        "is_manuscript": facts.pop("has_manuscript_id") or properties.get("pmc-prop-manuscript") == "yes",
        "is_historical_ocr": properties.get("pmc-prop-is-scanned-article") == "yes",
    }
    facts |= _licence(holder, meta, properties.get("pmc-license-ref"))
    facts["citation"] = _citation(meta, facts)
    return facts


def _first(meta: Meta, name: str) -> str | None:
    found = meta.get(name)
    return plain(found[0]) if found else None


def _distinct(elements: Iterable[Element]) -> Iterator[str]:
    seen = set()
    for element in elements:
        text = plain(element)
        if text and text not in seen:
            seen.add(text)
            yield text


def _ids(meta: Meta) -> dict[str, Any]:
    ids: dict[str, str] = {}
    for element in meta.get("article-id", ()):
        ids.setdefault(element.get("pub-id-type", ""), plain(element) or "")
    pmcid = version = None
    for kind in _PMC_ID_TYPES:
        match = _PMC_DIGITS.fullmatch(ids.get(kind, ""))
        if match and (kind != "accession" or ids[kind].upper().startswith("PMC")):
            pmcid = pmcid or f"PMC{int(match[1])}"
            if match[2]:
                version = version or int(match[2])
    for element in (*meta.get("article-version", ()), *_grandchildren(meta, "article-version-alternatives")):
        text = plain(element) or ""
        if version is None and element.get("article-version-type") == "pmc-version" and _NUMBER.fullmatch(text):
            version = int(text)
    pmid = ids.get("pmid", "")
    return {
        "pmcid": pmcid,
        "version": version,
        "pmid": pmid if pmid.isdecimal() else None,
        "doi": _DOI_ADDRESS.sub("", ids.get("doi", "")) or None,
        "has_manuscript_id": "manuscript" in ids,
    }


def _grandchildren(meta: Meta, name: str) -> Iterator[Element]:
    for holder in meta.get(name, ()):
        yield from holder


def _properties(meta: Meta) -> dict[str, str]:
    """PMC's own properties of the article (`custom-meta`)."""
    found: dict[str, str] = {}
    for holder in (*_grandchildren(meta, "custom-meta-group"), *_grandchildren(meta, "custom-meta-wrap")):
        parts = children_by_tag(holder)
        name = _first(parts, "meta-name")
        if name and name.startswith("pmc-"):
            found.setdefault(name, _first(parts, "meta-value") or "")
    return found


def _journal(front: Element) -> dict[str, Any]:
    journal = next(front.iterchildren("journal-meta"), None)
    found: dict[str, str | None] = {}
    if journal is not None:
        for element in journal.iter(*_JOURNAL_FIELDS):
            found.setdefault(_JOURNAL_FIELDS[element.tag], plain(element))
    if "journal" not in found and "short" in found:
        found["journal"] = found["short"]
    return {name: found.get(name) for name in ("journal", "issn", "publisher")}


def _title(meta: Meta) -> str | None:
    groups = meta.get("title-group")
    element = next(groups[0].iterchildren("article-title"), None) if groups else None
    if element is None:
        return _first(meta, "article-title")
    marks = any(note.tag == "fn" or note.get("ref-type") in _NOTES for note in element.iter("xref", "fn"))
    return _title_without_notes(element) if marks else plain(element)


def _title_without_notes(element: Element) -> str | None:
    """The title without the footnote marks that hang on it."""
    copy = deepcopy(element)
    for note in copy.iter("xref"):
        if note.get("ref-type") in _NOTES:
            note.tag = "fn"
    etree.strip_elements(copy, "fn", with_tail=False)
    return plain(copy)


def _authors(meta: Meta) -> Iterator[str]:
    for group in meta.get("contrib-group", ()):
        for contributor in group.iterchildren("contrib"):
            if contributor.get("contrib-type", "author") != "author":
                continue
            name = next(contributor.iter("name", "string-name", "collab"), None)
            if name is None:
                continue
            if name.tag == "name":
                parts = children_by_tag(name)
                text = " ".join(filter(None, (_first(parts, "surname"), _first(parts, "given-names"))))
            else:
                text = squeeze(name.text or "") or plain(name) or ""
            if text:
                yield text


def _keywords(meta: Meta, language: str | None) -> Iterator[str]:
    groups = meta.get("kwd-group", [])
    own = [group for group in groups if language_of(group) in (None, language)] or groups[:1]
    return _distinct(element for group in own for element in group.iter("kwd", "compound-kwd"))


def _abstract(meta: Meta, language: str | None) -> str | None:
    """The main abstract in the article's language; not the graphical, short or lay ones."""
    main = [a for a in meta.get("abstract", ()) if not _SIDE_ABSTRACTS.search(a.get("abstract-type", ""))]
    own = [a for a in main if language_of(a) in (None, language)] or main
    if not own:
        return None
    out = Text()
    first = next(own[0].iterchildren("title"), None)
    heading = (plain(first) or "").casefold().strip(" .:")
    for child in own[0]:
        if child is not first or heading not in _ABSTRACT_HEADINGS:
            out.add(" ")
            add_child(child, out)
            out.add(" ")
    return str(out) or None


def _dates(meta: Meta) -> dict[str, Any]:
    published: list[tuple[date, DatePrecision]] = []
    electronic = release = None
    for element in meta.get("pub-date", ()):
        found = _date(element)
        if found is None:
            continue
        kind = element.get("pub-type") or element.get("date-type") or ""
        if kind == "pmc-release":
            release = release or found[0]
        elif kind not in _NOT_PUBLICATION:
            published.append(found)
            if kind in _ELECTRONIC or element.get("publication-format") == "electronic":
                electronic = min(electronic or found[0], found[0])
    for event in _grandchildren(meta, "pub-history"):
        if event.get("event-type") == "pmc-release" and release is None:
            found = next((d for e in event.iterchildren("date") if (d := _date(e))), None)
            release = found[0] if found else None
    # 2019 is not earlier than 7 May 2019: of dates that agree as far as they go the finer one counts
    fine = {DatePrecision.DAY: 0, DatePrecision.MONTH: 1, DatePrecision.YEAR: 2}
    first = min(published, key=lambda found: (found[0].year, fine[found[1]], found[0]), default=(None, None))
    return {
        "pub_date": first[0],
        "pub_date_precision": first[1],
        "electronic_date": electronic,
        "release_date": release,
    }


def _date(element: Element) -> tuple[date, DatePrecision] | None:
    iso = re.match(r"(\d{4})-(\d\d)-(\d\d)", element.get("iso-8601-date", ""))
    try:
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3])), DatePrecision.DAY
        parts = children_by_tag(element)
        year = int(_first(parts, "year") or "")
        month = _month(_first(parts, "month") or "")
        day = _first(parts, "day") or ""
        if month and day.isdecimal():
            return date(year, month, int(day)), DatePrecision.DAY
        return date(year, month or 1, 1), DatePrecision.MONTH if month else DatePrecision.YEAR
    except (ValueError, OverflowError):
        return None


def _month(text: str) -> int | None:
    if text.isdecimal():
        return int(text)
    place = _MONTHS.find(text[:3].casefold()) if len(text) >= 3 else -1
    return place // 4 + 1 if place >= 0 and place % 4 == 0 else None


def _notices(article: Element, meta: Meta, title: str | None, subjects: tuple[str, ...]) -> tuple[Notice, ...]:
    found: list[Notice] = []
    if notice := _BY_TYPE.get(article.get("article-type", "")):
        found.append(notice)
    for related in meta.get("related-article", ()):
        kind = related.get("related-article-type", "")
        if notice := _OF_ANOTHER.get(kind) or _OF_THIS.get(kind):
            found.append(notice)
    retracted = (title and _RETRACTED_TITLE.match(title)) or any(map(_RETRACTED_SUBJECT.fullmatch, subjects))
    if retracted and Notice.IS_RETRACTION not in found:
        found.append(Notice.RETRACTED)
    return tuple(dict.fromkeys(found))


def _licence(holder: Element, meta: Meta, code: str | None) -> dict[str, Any]:
    copyrights: list[Element] = []
    statements: list[Statement] = []
    for place in meta.get("permissions", [holder]):
        for element in place:
            if element.tag == "copyright-statement":
                copyrights.append(element)
            elif element.tag == "license":
                statements.append(_statement(element))
            elif str(element.tag).endswith("license_ref"):
                statements.append(Statement(((element.text or "").strip(),), "", ""))
    copyright_text = " ".join(filter(None, map(plain, copyrights)))
    licence = find_licence(statements, code, copyright_text)
    return {
        "licence_code": licence.code,
        "licence_url": licence.url,
        "licence_group": licence.group,
        "licence_statement": licence.text,
        "copyright_statement": copyright_text or None,
    }


def _statement(element: Element) -> Statement:
    urls = [href_of(element)] if href_of(element) else []
    for inner in element.iterdescendants():
        if not isinstance(inner.tag, str):
            continue
        if inner.tag.endswith("license_ref"):
            urls.append((inner.text or "").strip())
        elif (href := inner.get(XLINK_HREF)) and "creativecommons" in href:
            urls.append(href)
    out = Text()
    for child in element:
        if isinstance(child.tag, str) and not child.tag.endswith("license_ref"):
            out.add(" ")
            add_child(child, out)
            out.add(child.tail or "")
    return Statement(tuple(urls), element.get("license-type", ""), str(out) or (plain(element) or ""))


def _citation(meta: Meta, facts: dict[str, Any]) -> str | None:
    authors = facts["authors"]
    names = ", ".join(authors[:_MAX_CITED_AUTHORS]) + (", et al" if len(authors) > _MAX_CITED_AUTHORS else "")
    volume, issue = _first(meta, "volume"), _first(meta, "issue")
    pages = "–".join(filter(None, (_first(meta, "fpage"), _first(meta, "lpage")))) or _first(meta, "elocation-id")
    published = facts["pub_date"]
    source = f"{facts.get('journal') or ''}. {published.year if published else ''}".strip(". ")
    if volume:
        source += f";{volume}" + (f"({issue})" if issue else "")
    if pages:
        source += f":{pages}"
    doi = f"doi:{facts['doi']}" if facts["doi"] else None
    return ". ".join(part.rstrip(".") for part in (names, facts["title"], source, doi) if part) or None
