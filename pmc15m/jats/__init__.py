"""JATS: the bytes of one article in, its facts and figures out. Pure functions, no I/O.

>>> article = parse_article(b"<article><body><fig id='F1'><caption><p>A cell.</p></caption></fig></body></article>")
>>> article.figures[0].caption, article.figures[0].reason.value
('A cell.', 'no_graphic')
"""

from pmc15m.jats.article import parse_article, parse_articles
from pmc15m.jats.model import (
    PAIR_KINDS,
    Article,
    ArticleFlag,
    ArticleReason,
    ArticleStatus,
    Aside,
    AsideKind,
    CaptionSource,
    DatePrecision,
    Figure,
    FigureKind,
    FigureReason,
    FigureStatus,
    Graphic,
    LicenceGroup,
    Mark,
    Markup,
    Mention,
    MentionBasis,
    MentionOrigin,
    Notice,
    Origin,
    OtherCaption,
    OtherGraphic,
    OtherGraphicKind,
    Rights,
)
from pmc15m.jats.resolve import FileNames, NoFile, Resolution, Step, resolve_graphic

__all__ = [
    "PAIR_KINDS",
    "Article",
    "ArticleFlag",
    "ArticleReason",
    "ArticleStatus",
    "Aside",
    "AsideKind",
    "CaptionSource",
    "DatePrecision",
    "Figure",
    "FigureKind",
    "FigureReason",
    "FigureStatus",
    "FileNames",
    "Graphic",
    "LicenceGroup",
    "Mark",
    "Markup",
    "Mention",
    "MentionBasis",
    "MentionOrigin",
    "NoFile",
    "Notice",
    "Origin",
    "OtherCaption",
    "OtherGraphic",
    "OtherGraphicKind",
    "Resolution",
    "Rights",
    "Step",
    "parse_article",
    "parse_articles",
    "resolve_graphic",
]
