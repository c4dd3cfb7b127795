"""Bytes of one file → `Article`. Pure: no file, no network, no table."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from pmc15m.jats.body import read_body
from pmc15m.jats.facts import article_facts
from pmc15m.jats.figures import Draft, FigureReader
from pmc15m.jats.graphics import href_of
from pmc15m.jats.mentions import Target, Targets, find_mentions
from pmc15m.jats.model import (
    Article,
    ArticleFlag,
    ArticleReason,
    ArticleStatus,
    Mention,
    OtherGraphic,
    OtherGraphicKind,
)
from pmc15m.jats.sections import Places
from pmc15m.jats.tree import MAX_BYTES, Element, Tree, UnusableXml, fingerprint, names_of, read_tree

_PMCID = re.compile(r"(?:PMC)?(\d+)", re.IGNORECASE)
_OWNERS = names_of("fig fig-group table-wrap disp-formula inline-formula supplementary-material bio alternatives")
_OTHER_KINDS = {
    "table-wrap": OtherGraphicKind.TABLE,
    "table": OtherGraphicKind.TABLE,
    "disp-formula": OtherGraphicKind.FORMULA,
    "inline-formula": OtherGraphicKind.FORMULA,
    "bio": OtherGraphicKind.PORTRAIT,
    "contrib": OtherGraphicKind.PORTRAIT,
    "supplementary-material": OtherGraphicKind.SUPPLEMENTARY,
    "abstract": OtherGraphicKind.ABSTRACT,
}


def parse_article(
    data: bytes,
    *,
    pmcid: str | None = None,
    max_bytes: int = MAX_BYTES,
    other_graphics: bool = False,
    body: bool = False,
) -> Article:
    """Read the article of one file. Never raises for bad XML: the article then has a status and a reason.

    Raises TypeError for text: the bytes of the file say how they are to be read.
    `pmcid` is the id that the file was asked for (any form, `PMC123` or `123`): it picks the article if the file
    holds several, fills in for a missing id, and a different id in the XML is flagged.
    `other_graphics` also lists pictures that are no figures (of tables, formulas, authors), `body` the running text
    with the places of the figures.

    >>> article = parse_article(b"<article><body><fig id='F1'><caption><p>A cell.</p></caption></fig></body></article>")
    >>> article.figures[0].caption, article.figures[0].reason.value
    ('A cell.', 'no_graphic')
    """
    if isinstance(data, str):
        raise TypeError("an article is the bytes of its file, not str")
    digits = _PMCID.fullmatch(pmcid.strip()) if pmcid else None
    asked = f"PMC{int(digits[1])}" if digits else None
    articles = parse_articles(data, max_bytes=max_bytes, other_graphics=other_graphics, body=body)
    article = next((found for found in articles if asked and found.pmcid == asked), articles[0])
    if asked and article.pmcid != asked:
        if article.pmcid is not None:
            return replace(article, pmcid=asked, flags=(*article.flags, ArticleFlag.ID_CONTRADICTION))
        return replace(article, pmcid=asked)
    return article


def parse_articles(
    data: bytes, *, max_bytes: int = MAX_BYTES, other_graphics: bool = False, body: bool = False
) -> tuple[Article, ...]:
    """All articles of one file (`pmc-articleset`, Europe PMC's bundles); always at least one, perhaps unusable."""
    try:
        tree = read_tree(data, max_bytes)
        return tuple(_article(element, tree, other_graphics, body) for element in tree.articles)
    except UnusableXml as error:
        return (Article(status=ArticleStatus.UNUSABLE, reason=error.reason),)
    except UnicodeDecodeError:  # of the tree's own text: an entity that the file declares can hold half a character
        return (Article(status=ArticleStatus.UNUSABLE, reason=ArticleReason.NOT_XML),)
    except RecursionError:  # the caller's own stack was deep already
        return (Article(status=ArticleStatus.UNUSABLE, reason=ArticleReason.TOO_DEEP),)


def _article(element: Element, tree: Tree, other_graphics: bool, body: bool) -> Article:
    places = Places(element)
    facts = article_facts(element)
    language = facts["language"]
    elements: list[Element] = list(_bare_in_abstracts(element))
    xrefs: list[Element] = []
    for found in element.iter("fig", "fig-group", "xref"):
        if found.tag == "xref":
            xrefs.append(found)
        elif found.tag == "fig" or _is_figure(found):
            elements.append(found)
    reader = FigureReader(places, language, _intact_test(tree))
    drafts = reader.drafts(elements)
    targets = Targets(
        (Target(number, draft.place.scope, draft.label), draft.all_ids()) for number, draft in enumerate(drafts)
    )
    cited, dangling = find_mentions(xrefs, targets, places)
    mentions: dict[int, list[Mention]] = defaultdict(list)
    for each in cited:
        mentions[each.number].append(each.mention)
    flags = list(tree.flags)
    if _has_duplicate_ids(drafts):
        flags.append(ArticleFlag.DUPLICATE_FIGURE_IDS)
    reason = None
    if not drafts:
        reason = _why_no_figures(element)
        facts["is_historical_ocr"] = reason is ArticleReason.OCR_TEXT or facts.get("is_historical_ocr", False)
    return Article(
        status=ArticleStatus.OK,
        reason=reason,
        flags=tuple(flags),
        figures=reader.figures(drafts, mentions),
        other_graphics=tuple(_other_graphics(element)) if other_graphics else (),
        body=read_body(element, [draft.element for draft in drafts], cited) if body else (),
        n_dangling_mentions=dangling,
        **facts,
    )


def _is_figure(group: Element) -> bool:
    """A group with pictures of its own and no figure in it is a figure by another name."""
    return (
        next(group.iter("fig"), None) is None and next(group.iterchildren("graphic", "alternatives"), None) is not None
    )


def _bare_in_abstracts(article: Element) -> Iterator[Element]:
    """Graphics that stand in an abstract without a `fig`: graphical abstracts."""
    for abstract in article.iterfind("front/article-meta/abstract"):
        for graphic in abstract.iter("graphic"):
            if not any(ancestor.tag in _OWNERS for ancestor in graphic.iterancestors()):
                yield graphic


def _has_duplicate_ids(drafts: list[Draft]) -> bool:
    ids = [(draft.place.scope, identifier) for draft in drafts for identifier in draft.ids]
    return len(ids) > len(set(ids))


def _intact_test(tree: Tree) -> Callable[[Element], bool]:
    if tree.intact is None:
        return lambda figure: True
    intact = tree.intact
    return lambda figure: fingerprint(figure) in intact


def _why_no_figures(element: Element) -> ArticleReason:
    if any(e.get("preformat-type") == "pmc-ocr-text" for e in element.iter("preformat")):
        return ArticleReason.OCR_TEXT
    return ArticleReason.NO_FIGURES if element.find("body") is not None else ArticleReason.FRONT_ONLY


def _other_graphics(article: Element) -> Iterator[OtherGraphic]:
    for graphic in article.iter("graphic", "inline-graphic"):
        kind: Any = OtherGraphicKind.INLINE if graphic.tag == "inline-graphic" else OtherGraphicKind.BARE
        for ancestor in graphic.iterancestors():
            if ancestor.tag == "fig":
                kind = None if kind is OtherGraphicKind.BARE else kind
                break
            if ancestor.tag in _OTHER_KINDS:
                kind = _OTHER_KINDS[ancestor.tag]
                break
        if kind is not None:
            yield OtherGraphic(kind, href_of(graphic))
