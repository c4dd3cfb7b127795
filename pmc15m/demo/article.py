"""An article of the demo: its parts as plain data, its JATS XML, its truth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from xml.sax.saxutils import escape, quoteattr

from pmc15m.demo.captions import Caption
from pmc15m.demo.figure import Panel
from pmc15m.demo.layout import Metadata, pmc_ids_row
from pmc15m.demo.truth import ArticleFate, ArticleTruth, FigureTruth, GraphicFate, GraphicTruth, PanelTruth

LICENCE_URLS = {
    "CC0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC BY": "https://creativecommons.org/licenses/by/4.0/",
    "CC BY-SA": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC BY-ND": "https://creativecommons.org/licenses/by-nd/4.0/",
    "CC BY-NC": "https://creativecommons.org/licenses/by-nc/4.0/",
    "CC BY-NC-SA": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    "CC BY-NC-ND": "https://creativecommons.org/licenses/by-nc-nd/4.0/",
}


@dataclass(frozen=True, slots=True)
class Journal:
    title: str
    abbreviation: str
    issn: str
    publisher: str
    stem: str
    """Begins the names of media files."""


@dataclass(slots=True)
class Graphic:
    """A <graphic>, and the media object it stands for (None: there is none)."""

    href: str
    file: str | None
    fate: GraphicFate = GraphicFate.IMAGE
    panels: tuple[Panel, ...] = ()
    picture: str | None = None
    """What was drawn: the same for copies and renditions of one picture."""
    attributes: str = ""
    """Further attributes as XML, written before the href."""

    @property
    def xml(self) -> str:
        if self.fate is GraphicFate.VIDEO:
            return f'<media mimetype="video" xlink:href={quoteattr(self.href)}/>'
        return f"<graphic {self.attributes}xlink:href={quoteattr(self.href)}/>"


@dataclass(slots=True)
class Figure:
    """A <fig> (or a picture that stands elsewhere: `kind`, `origin`) and all that belongs to it."""

    figure_id: str | None
    label: str | None
    caption: Caption | None
    graphics: list[Graphic]
    kind: str = "figure"
    origin: str = "body"
    alternatives: bool = False
    group: str | None = None
    """Id of the fig-group it is a child of."""
    extra: str = ""
    """XML between caption and graphics: alt-text, permissions, attrib …"""
    mentions: int = 0

    @property
    def xml(self) -> str:
        name = "table-wrap" if self.kind == "table" else "fig"
        figure_id = "" if self.figure_id is None else f" id={quoteattr(self.figure_id)}"
        label = "" if self.label is None else f"<label>{escape(self.label)}</label>"
        caption = "" if self.caption is None else self.caption.xml
        graphics = "".join(graphic.xml for graphic in self.graphics)
        if self.alternatives:
            graphics = f"<alternatives>{graphics}</alternatives>"
        fig_type = ' fig-type="scheme"' if self.kind == "scheme" else ""
        return f'<{name}{figure_id}{fig_type} position="float">{label}{caption}{self.extra}{graphics}</{name}>'


@dataclass(slots=True)
class Group:
    """A <fig-group> with a caption of its own."""

    group_id: str
    label: str
    caption: Caption


@dataclass(slots=True)
class Article:
    """One article version."""

    number: int
    version: int
    shape: str
    journal: Journal
    title: str
    published: date
    licence_code: str | None = "CC BY"
    pmid: int | None = None
    doi: str | None = None
    mid: str | None = None
    is_pmc_openaccess: bool = True
    is_manuscript: bool = False
    is_historical_ocr: bool = False
    is_retracted: bool = False
    fate: ArticleFate = ArticleFate.FIGURES
    figures: list[Figure] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    media: dict[str, bytes] = field(default_factory=dict)
    """Objects by name: images and supplements."""
    paragraphs: list[str] = field(default_factory=list)
    """Of the Results section, as inline XML."""
    body_extra: str = ""
    """XML at the end of the Results section: formulas, boxes, supplements."""
    body: str | None = None
    """Stands for the whole <body> where given."""
    has_pdf: bool = True
    percent_encoded_urls: bool = False
    spoil: Mapping[bytes, bytes] = field(default_factory=dict)
    """Replacements in the finished XML, to make it ill-formed or to use entities."""
    edit_json: Callable[[Metadata], Metadata] | None = None
    """Applied to the finished metadata."""

    @property
    def pmcid(self) -> str:
        return f"PMC{self.number}"

    @property
    def citation(self) -> str:
        """NLM's sentence; the only place of journal and year in the metadata."""
        if self.is_manuscript:
            month = f"{self.published:%Y %b} {self.published.day}"
            return f"{self.journal.abbreviation}. Author manuscript; Available in PMC {month}."
        day = f"{self.published:%Y %b} {self.published.day}"
        volume = f"{self.published.year - 1890}({self.published.month}):{self.number % 9000}"
        doi = "" if self.doi is None else f". doi: {self.doi}"
        return f"{self.journal.abbreviation}. {day};{volume}{doi}"

    def metadata(self) -> dict[str, object]:
        """The JSON's fields that are not addresses, in the order in which PMC writes them."""
        return {
            "pmcid": self.pmcid,
            "version": self.version,
            "pmid": self.pmid,
            "doi": self.doi,
            "mid": self.mid,
            "title": self.title,
            "citation": self.citation,
            "is_pmc_openaccess": self.is_pmc_openaccess,
            "is_manuscript": self.is_manuscript,
            "is_historical_ocr": self.is_historical_ocr,
            "is_retracted": self.is_retracted,
            "license_code": self.licence_code,
        }

    def pmc_ids_row(self) -> tuple[object, ...]:
        """The article's row in PMC-ids.csv."""
        journal = self.journal
        return pmc_ids_row(
            journal.abbreviation, journal.issn, self.published.year, self.doi, self.pmcid, self.pmid, self.mid
        )

    def truth(self) -> ArticleTruth:
        captions = {group.group_id: group.caption.text for group in self.groups}
        return ArticleTruth(
            pmcid=self.pmcid,
            version=self.version,
            shape=self.shape,
            fate=self.fate,
            title=self.title,
            journal=self.journal.title,
            year=self.published.year,
            licence_code=self.licence_code,
            licence_group=licence_group(self.licence_code),
            pmid=self.pmid,
            doi=self.doi,
            figures=tuple(
                FigureTruth(
                    figure_id=figure.figure_id,
                    label=figure.label,
                    caption=None if figure.caption is None else figure.caption.text,
                    group_caption=None if figure.group is None else captions[figure.group],
                    kind=figure.kind,
                    origin=figure.origin,
                    graphics=tuple(_graphic_truth(figure, graphic) for graphic in figure.graphics),
                    mentions=figure.mentions,
                )
                for figure in self.figures
            ),
        )


def licence_group(code: str | None) -> str:
    """commercial, noncommercial or other, as the bucket's README groups the codes."""
    if code in ("CC0", "CC BY", "CC BY-SA", "CC BY-ND"):
        return "commercial"
    return "noncommercial" if code in ("CC BY-NC", "CC BY-NC-SA", "CC BY-NC-ND") else "other"


def _graphic_truth(figure: Figure, graphic: Graphic) -> GraphicTruth:
    subcaptions = figure.caption.subcaptions if figure.caption else ()
    panels = tuple(
        PanelTruth(panel.label, panel.box, panel.kind, subcaptions[index] if index < len(subcaptions) else "")
        for index, panel in enumerate(graphic.panels)
    )
    return GraphicTruth(graphic.href, graphic.file, graphic.fate, graphic.picture, panels)
