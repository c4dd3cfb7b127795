"""Facts about the article itself: ids, licence, dates, journal, subjects, notices."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from lxml import etree

from pmc15m.jats.graphics import XLINK_HREF, href_of
from pmc15m.jats.licence import Statement, find_licence
from pmc15m.jats.model import DatePrecision, Notice
from pmc15m.jats.text import Text, add_child, plain, walk
from pmc15m.jats.tree import XML_LANG, Element

_PMC_ID_TYPES = ("pmcid", "pmc", "pmcid-ver", "pmcaid", "pmcaiid", "pmc-uid", "accession")
_PMC_DIGITS = re.compile(r"(?:PMC)?(\d{1,10})(?:\.(\d{1,4}))?", re.IGNORECASE)
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


def article_facts(article: Element) -> dict[str, Any]:
    """The fields of `Article` that come from the front matter, by name."""
    front = article.find("front")
    if front is None:
        front = article.find("front-stub")
    meta = None if front is None else front.find("article-meta")
    if meta is None:
        meta = front
    facts: dict[str, Any] = {
        "article_type": article.get("article-type"),
        "language": article.get(XML_LANG),
    }
    if front is None or meta is None:
        return facts
    facts |= _ids(meta) | _journal(front) | _dates(meta)
    properties = _properties(meta)
    title = _title(meta)
    subjects = tuple(dict.fromkeys(filter(None, (plain(s) for s in _find_all(meta, "article-categories", "subject")))))
    notices = _notices(article, meta, title, subjects)
    facts |= {
        "title": title,
        "authors": tuple(_authors(meta)),
        "subjects": subjects,
        "keywords": tuple(_keywords(meta, facts["language"])),
        "abstract": _abstract(meta, facts["language"]),
        "notices": notices,
        "is_retracted": Notice.RETRACTED in notices,
        "is_manuscript": properties.get("pmc-prop-manuscript") == "yes" or _has_manuscript_id(meta),
        "is_historical_ocr": properties.get("pmc-prop-is-scanned-article") == "yes",
    }
    facts |= _licence(meta, properties.get("pmc-license-ref"))
    facts["citation"] = _citation(meta, facts)
    return facts


def _find_all(meta: Element, parent: str, name: str) -> Iterator[Element]:
    for holder in meta.iterfind(parent):
        yield from holder.iter(name)


def _ids(meta: Element) -> dict[str, Any]:
    ids: dict[str, str] = {}
    for element in meta.iterfind("article-id"):
        ids.setdefault(element.get("pub-id-type", ""), (plain(element) or ""))
    pmcid = version = None
    for kind in _PMC_ID_TYPES:
        match = _PMC_DIGITS.fullmatch(ids.get(kind, ""))
        if match and (kind != "accession" or ids[kind].upper().startswith("PMC")):
            pmcid = pmcid or f"PMC{int(match[1])}"
            if match[2]:
                version = version or int(match[2])
    if version is None:
        for element in meta.iter("article-version"):
            if element.get("article-version-type") == "pmc-version" and (text := plain(element) or "").isdecimal():
                version = int(text)
    pmid = ids.get("pmid", "")
    doi = re.sub(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", "", ids.get("doi", ""), flags=re.IGNORECASE)
    return {
        "pmcid": pmcid,
        "version": version,
        "pmid": pmid if pmid.isdecimal() else None,
        "doi": doi or None,
    }


def _has_manuscript_id(meta: Element) -> bool:
    return any(element.get("pub-id-type") == "manuscript" for element in meta.iterfind("article-id"))


def _properties(meta: Element) -> dict[str, str]:
    """PMC's own properties of the article (`custom-meta`)."""
    found: dict[str, str] = {}
    for holder in (*meta.iter("custom-meta"), *meta.iter("custom-meta-wrap")):
        name = plain(holder.find("meta-name"))
        if name and name.startswith("pmc-"):
            found.setdefault(name, plain(holder.find("meta-value")) or "")
    return found


def _journal(front: Element) -> dict[str, Any]:
    journal = front.find("journal-meta")
    if journal is None:
        return {}
    issn = next((plain(e) for e in journal.iter("issn", "issn-l")), None)
    return {
        "journal": next((plain(e) for e in journal.iter("journal-title", "abbrev-journal-title")), None),
        "issn": issn,
        "publisher": next((plain(e) for e in journal.iter("publisher-name")), None),
    }


def _title(meta: Element) -> str | None:
    group = meta.find("title-group")
    element = (meta if group is None else group).find("article-title")
    if element is None:
        return None
    out = Text()
    for note in [*element.iter("xref", "fn")]:
        if note.get("ref-type") in ("fn", "author-notes", "aff") or note.tag == "fn":
            return _title_without_notes(element)
    walk(element, out)
    return str(out) or None


def _title_without_notes(element: Element) -> str | None:
    """The title without the footnote marks that hang on it."""
    copy = etree.fromstring(etree.tostring(element, with_tail=False))
    etree.strip_elements(copy, "fn", with_tail=False)
    for note in list(copy.iter("xref")):
        if note.get("ref-type") in ("fn", "author-notes", "aff"):
            note.tag = "footnote-mark"
    etree.strip_elements(copy, "footnote-mark", with_tail=False)
    return plain(copy)


def _authors(meta: Element) -> Iterator[str]:
    for group in meta.iterfind("contrib-group"):
        for contributor in group.iterfind("contrib"):
            if contributor.get("contrib-type", "author") != "author":
                continue
            name = contributor.find("name")
            if name is None:
                name = contributor.find("name-alternatives/name")
            if name is not None:
                parts = (plain(name.find("surname")), plain(name.find("given-names")))
                yield " ".join(filter(None, parts))
            else:
                whole = contributor.find("collab")
                text = plain(whole if whole is not None else contributor.find("string-name"))
                if text:
                    yield text


def _keywords(meta: Element, language: str | None) -> Iterator[str]:
    groups = list(meta.iterfind("kwd-group"))
    own = [group for group in groups if group.get(XML_LANG) in (None, language)] or groups[:1]
    seen = set()
    for group in own:
        for element in group.iter("kwd", "compound-kwd"):
            text = plain(element)
            if text and text not in seen:
                seen.add(text)
                yield text


def _abstract(meta: Element, language: str | None) -> str | None:
    """The main abstract in the article's language; not the graphical, short or lay ones."""
    main = [a for a in meta.iterfind("abstract") if not _SIDE_ABSTRACTS.search(a.get("abstract-type", ""))]
    own = [a for a in main if a.get(XML_LANG) in (None, language)] or main
    if not own:
        return None
    out = Text()
    first = own[0].find("title")
    heading = (plain(first) or "").casefold().strip(" .:")
    for child in own[0]:
        if isinstance(child.tag, str) and not (
            child is first and heading in ("abstract", "summary", "resumo", "resumen")
        ):
            out.add(" ")
            add_child(child, out)
            out.add(" ")
    return str(out) or None


def _dates(meta: Element) -> dict[str, Any]:
    published: list[tuple[date, DatePrecision]] = []
    electronic = release = None
    for element in meta.iterfind("pub-date"):
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
    for event in meta.iterfind("pub-history/event"):
        if event.get("event-type") == "pmc-release" and release is None:
            found = next((d for e in event.iterfind("date") if (d := _date(e))), None)
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
        year = int(plain(element.find("year")) or "")
        month = _month(plain(element.find("month")) or "")
        day = plain(element.find("day")) or ""
        if month and day.isdecimal():
            return date(year, month, int(day)), DatePrecision.DAY
        return date(year, month or 1, 1), DatePrecision.MONTH if month else DatePrecision.YEAR
    except ValueError:
        return None


def _month(text: str) -> int | None:
    if text.isdecimal():
        return int(text)
    place = _MONTHS.find(text[:3].casefold()) if len(text) >= 3 else -1
    return place // 4 + 1 if place >= 0 and place % 4 == 0 else None


def _notices(article: Element, meta: Element, title: str | None, subjects: tuple[str, ...]) -> tuple[Notice, ...]:
    found: list[Notice] = []
    if notice := _BY_TYPE.get(article.get("article-type", "")):
        found.append(notice)
    for related in meta.iter("related-article"):
        kind = related.get("related-article-type", "")
        if notice := _OF_ANOTHER.get(kind) or _OF_THIS.get(kind):
            found.append(notice)
    retracted = (title and _RETRACTED_TITLE.match(title)) or any(map(_RETRACTED_SUBJECT.fullmatch, subjects))
    if retracted and Notice.IS_RETRACTION not in found:
        found.append(Notice.RETRACTED)
    return tuple(dict.fromkeys(found))


def _licence(meta: Element, code: str | None) -> dict[str, Any]:
    permissions = meta.findall("permissions")
    holders = permissions or [meta]
    copyright_text = " ".join(filter(None, (plain(e) for h in holders for e in h.iterfind("copyright-statement"))))
    statements = [_statement(e) for h in holders for e in h.iterfind("license")]
    for holder in permissions:
        statements += [
            Statement(((e.text or "").strip(),), "", "") for e in holder if str(e.tag).endswith("license_ref")
        ]
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


def _citation(meta: Element, facts: dict[str, Any]) -> str | None:
    authors = facts["authors"]
    names = ", ".join(authors[:_MAX_CITED_AUTHORS]) + (", et al" if len(authors) > _MAX_CITED_AUTHORS else "")
    volume, issue = plain(meta.find("volume")), plain(meta.find("issue"))
    pages = "–".join(filter(None, (plain(meta.find("fpage")), plain(meta.find("lpage"))))) or plain(
        meta.find("elocation-id")
    )
    published = facts["pub_date"]
    source = f"{facts.get('journal') or ''}. {published.year if published else ''}".strip(". ")
    if volume:
        source += f";{volume}" + (f"({issue})" if issue else "")
    if pages:
        source += f":{pages}"
    doi = f"doi:{facts['doi']}" if facts["doi"] else None
    return ". ".join(part.rstrip(".") for part in (names, facts["title"], source, doi) if part) or None
