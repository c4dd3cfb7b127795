"""What one JATS article becomes: frozen, plain values (str, int, bool, date, tuples of these) that map 1:1 to rows.

Offsets are counted in Unicode code points of the text they belong to, end exclusive.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class ArticleStatus(StrEnum):
    """Whether the bytes gave an article."""

    OK = "ok"
    UNUSABLE = "unusable"


class ArticleReason(StrEnum):
    """Why an article is unusable, or why a usable one has no figure."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    RESOURCE_LIMIT = "resource_limit"
    """The XML parser refused it: an entity bomb, an absurdly long name or text."""
    NOT_XML = "not_xml"
    NO_ARTICLE = "no_article"
    """XML (perhaps HTML, perhaps an error message), but no `<article>` in it."""
    NO_FIGURES = "no_figures"
    FRONT_ONLY = "front_only"
    OCR_TEXT = "ocr_text"
    """A scanned article: PMC gives its text as one preformatted block without figures."""


class ArticleFlag(StrEnum):
    """What is unusual about the XML; none of them makes the article unusable."""

    RECOVERED = "recovered"
    """Not well-formed; parsed in recover mode. Figures that the damage touches are unusable."""
    ENCODING_REPAIRED = "encoding_repaired"
    NAMED_ENTITIES = "named_entities"
    UNKNOWN_ENTITIES = "unknown_entities"
    """Names in no table; they stand in the text as written, `&name;`."""
    UNDECLARED_PREFIX = "undeclared_prefix"
    SEVERAL_ARTICLES = "several_articles"
    ID_CONTRADICTION = "id_contradiction"
    """The XML names another PMCID than the one it was asked for."""
    DUPLICATE_FIGURE_IDS = "duplicate_figure_ids"


class Notice(StrEnum):
    """Editorial notices: what happened to the article, or what the article itself is."""

    RETRACTED = "retracted"
    CORRECTED = "corrected"
    CONCERN = "concern"
    IS_RETRACTION = "is_retraction"
    IS_CORRECTION = "is_correction"
    IS_CONCERN = "is_concern"


class LicenceGroup(StrEnum):
    """What the licence allows. Unknown terms are never commercial."""

    COMMERCIAL = "commercial"
    NONCOMMERCIAL = "noncommercial"
    OTHER = "other"


class DatePrecision(StrEnum):
    """How much of a date the XML gives; the missing rest is set to 1."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class FigureKind(StrEnum):
    """What the element is, as its place, `fig-type` and label say; not what the picture shows."""

    FIGURE = "figure"
    SCHEME = "scheme"
    CHART = "chart"
    PLATE = "plate"
    GRAPHICAL_ABSTRACT = "graphical_abstract"
    SUPPLEMENTARY = "supplementary"
    VIDEO = "video"
    OTHER = "other"


class Origin(StrEnum):
    """Where the figure stands; the first that applies, in this order."""

    SUB_ARTICLE = "sub_article"
    FLOATS = "floats"
    ABSTRACT = "abstract"
    BOXED_TEXT = "boxed_text"
    BACK = "back"
    BODY = "body"


class FigureStatus(StrEnum):
    """Whether the figure can give a pair: a text of its own or of its group, and a picture."""

    OK = "ok"
    UNUSABLE = "unusable"


class FigureReason(StrEnum):
    """Why a figure gives no pair."""

    NO_CAPTION = "no_caption"
    BOILERPLATE_CAPTION = "boilerplate_caption"
    AMBIGUOUS_CAPTION = "ambiguous_caption"
    """More than one caption in one language, or labels of two figures: which is meant cannot be known."""
    NO_GRAPHIC = "no_graphic"
    EMPTY_HREF = "empty_href"
    NOT_AN_IMAGE = "not_an_image"
    DAMAGED_XML = "damaged_xml"
    """The XML is not well-formed here; the caption could be another figure's."""


class CaptionSource(StrEnum):
    """The element that held the caption."""

    FIGURE = "figure"
    GRAPHIC = "graphic"


class Mark(StrEnum):
    """Kinds of `Markup` spans."""

    BOLD = "bold"
    ITALIC = "italic"
    SUP = "sup"
    SUB = "sub"
    FORMULA = "formula"
    TITLE = "title"
    PARAGRAPH = "paragraph"
    GENERATED = "generated"
    """Text that the XML gives as numbering only: the letter of a list item."""
    LABEL = "label"
    """What names an item of a list: the printed label, the generated one, the term that a definition explains."""
    BLOCK = "block"
    """One of the blocks of a caption that has several: the title, a paragraph, an item of a list with its label. They
    follow one another without overlap and are all of the text."""


class AsideKind(StrEnum):
    """What stands in a caption and does not speak of the picture."""

    LABEL = "label"
    """The figure's label at the start of the caption, or 'Figure legend'."""
    CREDIT = "credit"
    """'Reproduced with permission from …', '© 2017 Wiley', 'Photo credit: …', 'Source: …'."""
    LINK = "link"
    """Where something can be had: 'DOI: https://…', '(http://…)', '[Color figure can be viewed at …]'."""
    FILE = "file"
    """A note on data files: 'Source data are available online.', 'Click here for additional data file.'"""
    REFERENCE = "reference"
    """The raised or glued numbers of references."""


class Rights(StrEnum):
    """Signs that the article's licence may not cover the figure."""

    OWN_PERMISSIONS = "own_permissions"
    PERMISSION_PHRASE = "permission_phrase"
    COPYRIGHT_NOTICE = "copyright_notice"
    TAKEN = "taken"
    """'Adapted from Doe (2001)', 'redrawn after [3]', 'images from the atlas'."""
    CREDIT = "credit"
    """'Image courtesy of', 'photograph by'."""


class MentionOrigin(StrEnum):
    """The kind of text that cites the figure. `TEXT` is running text: abstract, body, boxes, back matter."""

    TEXT = "text"
    CAPTION = "caption"
    TABLE = "table"
    SUPPLEMENT = "supplement"
    FLOATS = "floats"
    REFERENCES = "references"
    SUB_ARTICLE = "sub_article"
    """A sub-article that cites a figure of the main article."""


class MentionBasis(StrEnum):
    """How the citation was found."""

    EXPLICIT = "explicit"
    """An `xref` names the figure (or its group)."""
    EXPANDED = "expanded"
    """The figure lies between two `xref`s joined as a range: 'Figures 7–10'."""
    EXPANDED_TEXT = "expanded_text"
    """The figure lies in a range or list within the words of one `xref`: 'Figs 1–3' that names Fig. 1 only."""


class OtherGraphicKind(StrEnum):
    """Pictures that are no figures."""

    TABLE = "table"
    FORMULA = "formula"
    INLINE = "inline"
    PORTRAIT = "portrait"
    ABSTRACT = "abstract"
    SUPPLEMENTARY = "supplementary"
    BARE = "bare"


@dataclass(frozen=True, slots=True)
class Markup:
    """A span of a text."""

    start: int
    end: int
    kind: Mark


@dataclass(frozen=True, slots=True)
class Aside:
    """What was taken out of a caption."""

    place: int | None
    """Where it stood: before this character of the caption; null if it stood in that of the group."""
    text: str
    kind: AsideKind


@dataclass(frozen=True, slots=True)
class OtherCaption:
    """The same figure's caption in a language that is not the article's."""

    language: str | None
    label: str | None
    caption: str | None


@dataclass(frozen=True, slots=True)
class Graphic:
    """One picture of a figure. Several hrefs of one picture (`<alternatives>`) are one `Graphic`."""

    index: int
    """Place among the figure's pictures, from 0, in document order."""
    href: str
    """As written in the XML. Never a path on disk."""
    alternatives: tuple[str, ...] = ()
    """Other hrefs of the same picture, best first; thumbnails and print versions last."""
    mimetype: str | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """One place in the article that cites the figure."""

    section_path: tuple[str, ...]
    paragraph: str
    sentence: str
    panels: tuple[str, ...]
    """Panel letters cited, upper case, ranges written out; empty: the whole figure."""
    origin: MentionOrigin
    basis: MentionBasis


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of an article, wherever it stands."""

    position: int
    """Place among all figures of the file in document order, from 1. Always unique: keys build on it."""
    order: int
    """Reading order, from 1: by the numbers in the labels where they can be read, else `position`."""
    figure_id: str
    """`id` of the element; `#n` (n = position) where it has none."""
    id_is_given: bool
    kind: FigureKind
    origin: Origin
    sub_article_type: str | None
    """`article-type` of the sub-article it stands in, for instance `translation`; null in the main article."""
    language: str | None
    label: str | None
    derived_label: str | None
    """A label that stands at the start of the caption instead."""
    title: str | None
    caption: str | None
    """Title and paragraphs, one blank between blocks, without asides; null if the figure has no caption of its own."""
    caption_markup: tuple[Markup, ...]
    caption_asides: tuple[Aside, ...]
    """What was taken out of the captions of the figure and, behind it, of its group."""
    caption_source: CaptionSource | None
    other_captions: tuple[OtherCaption, ...]
    group_id: str | None
    group_label: str | None
    group_caption: str | None
    section_path: tuple[str, ...]
    mentions: tuple[Mention, ...]
    graphics: tuple[Graphic, ...]
    media: tuple[str, ...]
    """hrefs of what is no picture (films, files)."""
    attrib: str | None
    alt_text: str | None
    permissions: str | None
    rights: tuple[Rights, ...]
    status: FigureStatus
    reason: FigureReason | None

    @property
    def full_caption(self) -> str | None:
        """The group's caption and the figure's own, joined by a blank; the text that a pair uses."""
        return " ".join(filter(None, (self.group_caption, self.caption))) or None


@dataclass(frozen=True, slots=True)
class OtherGraphic:
    """A picture that is no figure: of a table, a formula, an author."""

    kind: OtherGraphicKind
    href: str


class BlockKind(StrEnum):
    """What a block of an article's text is."""

    TITLE = "title"
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    FIGURE = "figure"


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a block cites a figure."""

    start: int
    end: int
    """Characters of the block's text, end exclusive."""
    figure: int
    """`Figure.position`."""
    panels: tuple[str, ...]
    """As `Mention.panels`."""
    basis: MentionBasis


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of an article's running text, or the place of a figure in it."""

    kind: BlockKind
    text: str = ""
    """Empty for a figure, whose caption stands in `Article.figures`."""
    citations: tuple[Citation, ...] = ()
    figure: int | None = None
    """`Figure.position`."""


@dataclass(frozen=True, slots=True)
class Article:
    """One article: its facts and its figures in document order."""

    status: ArticleStatus
    reason: ArticleReason | None = None
    flags: tuple[ArticleFlag, ...] = ()
    pmcid: str | None = None
    """`PMC` + digits."""
    version: int | None = None
    pmid: str | None = None
    doi: str | None = None
    title: str | None = None
    journal: str | None = None
    issn: str | None = None
    publisher: str | None = None
    authors: tuple[str, ...] = ()
    """'Surname Given' of the authors, groups by name."""
    citation: str | None = None
    """Authors, title, journal, year, volume, pages, DOI in one line: the attribution that CC BY asks for."""
    pub_date: date | None = None
    """Earliest date of publication."""
    pub_date_precision: DatePrecision | None = None
    electronic_date: date | None = None
    release_date: date | None = None
    """When PMC released it."""
    article_type: str | None = None
    language: str | None = None
    subjects: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    abstract: str | None = None
    licence_code: str | None = None
    """`CC BY`, `CC BY-NC-ND`, `CC0`, `PD` …; null if no licence of that family is named."""
    licence_url: str | None = None
    licence_group: LicenceGroup = LicenceGroup.OTHER
    licence_statement: str | None = None
    copyright_statement: str | None = None
    is_retracted: bool = False
    notices: tuple[Notice, ...] = ()
    is_manuscript: bool = False
    is_historical_ocr: bool = False
    figures: tuple[Figure, ...] = ()
    other_graphics: tuple[OtherGraphic, ...] = ()
    """Filled only when asked for."""
    body: tuple[Block, ...] = ()
    """Title, abstract, body and appendices in reading order; filled only when asked for."""
    n_dangling_mentions: int = 0
    """`xref`s of type `fig` that name no figure of the file."""


PAIR_KINDS = frozenset(FigureKind) - {FigureKind.SUPPLEMENTARY, FigureKind.VIDEO}
"""Kinds whose pictures are worth fetching."""
