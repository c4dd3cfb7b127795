"""The ground truth of a generated PMC: what was put into every article, and what must become of it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class GraphicFate(StrEnum):
    """What must become of one graphic of a figure."""

    IMAGE = "image"  # fetched, verified, decoded
    LEFT_ASIDE = "left_aside"  # a rendition in <alternatives> beside a better one
    MISSING = "missing"  # no media of that name
    NO_MEDIA = "no_media"  # the article has no media at all: author manuscript, or open access without media
    EXTERNAL = "external"  # the href is an address elsewhere
    EMPTY_HREF = "empty_href"
    HOSTILE = "hostile"  # only an address outside the article's prefix answers to the name: nothing is fetched
    NOT_AN_IMAGE = "not_an_image"  # fetched and verified, but the bytes are no whole picture
    VIDEO = "video"  # a <media> film


class ArticleFate(StrEnum):
    """What must become of an article version."""

    FIGURES = "figures"  # its figures become rows
    NO_FIGURES = "no_figures"  # parsed; there are none
    NOT_WELL_FORMED = "not_well_formed"  # parsed in recovery mode, or a row with that reason
    SUPERSEDED = "superseded"  # a better version of the same article is chosen by default
    RETRACTED = "retracted"  # crawled and flagged, left out of exports by default
    # Only of kept packages:
    CORRUPT_PACKAGE = "corrupt_package"  # the gzip breaks off
    HOSTILE_PACKAGE = "hostile_package"  # members lead out of the folder, or are links and devices
    NO_XML = "no_xml"
    SEVERAL_XML = "several_xml"  # two .nxml: which one is the article is not said


@dataclass(frozen=True, slots=True)
class PanelTruth:
    label: str | None
    """The letter as printed, None without."""
    box: tuple[int, int, int, int]
    """x0, y0, x1, y1 in pixels, end outside; holds the label and all that belongs to the panel."""
    kind: str
    """A PictureKind."""
    subcaption: str
    """What the caption says of this panel, verbatim; empty when the caption says nothing of it."""


@dataclass(frozen=True, slots=True)
class GraphicTruth:
    href: str
    """As written in the XML, unescaped."""
    file: str | None
    """Name of the object below the article version's prefix, None when there is none."""
    fate: GraphicFate
    picture: str | None = None
    """What was drawn: the same for exact copies, for smaller ones encoded anew, and for renditions of one figure."""
    panels: tuple[PanelTruth, ...] = ()


@dataclass(frozen=True, slots=True)
class FigureTruth:
    figure_id: str | None
    label: str | None
    caption: str | None
    """Own title and paragraphs as text, blocks joined by one space; None without a caption."""
    group_caption: str | None
    """The caption of the fig-group around it."""
    kind: str
    """figure, graphical_abstract, scheme, table, supplementary …"""
    origin: str
    """body, floats, back, abstract, sub_article."""
    graphics: tuple[GraphicTruth, ...]
    mentions: int
    """How many times the running text refers to it, ranges expanded."""


@dataclass(frozen=True, slots=True)
class ArticleTruth:
    pmcid: str
    version: int
    shape: str
    fate: ArticleFate
    title: str
    journal: str
    year: int
    licence_code: str | None
    licence_group: str
    """commercial, noncommercial, other."""
    pmid: int | None
    doi: str | None
    figures: tuple[FigureTruth, ...] = field(default=())

    @property
    def article_version(self) -> str:
        """PMC70000001.1"""
        return f"{self.pmcid}.{self.version}"


@dataclass(frozen=True, slots=True)
class DemoTruth:
    """All article versions of a generated PMC, in the order in which they were made."""

    root: Path
    """The bucket's folder."""
    articles: tuple[ArticleTruth, ...]

    @property
    def path(self) -> Path:
        """The JSONL file beside the bucket's folder, one line an article version."""
        return truth_path(self.root)

    def write(self) -> None:
        lines = (json.dumps(asdict(article), ensure_ascii=False) for article in self.articles)
        self.path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    @classmethod
    def read(cls, root: Path) -> "DemoTruth":
        """The truth about the bucket in `root`. Raises FileNotFoundError when `root` was not generated."""
        lines = truth_path(root).read_text(encoding="utf-8").splitlines()
        return cls(root, tuple(_article(json.loads(line)) for line in lines))

    def graphics(self) -> Iterator[tuple[ArticleTruth, FigureTruth, GraphicTruth]]:
        """Every graphic with its figure and article."""
        for article in self.articles:
            for figure in article.figures:
                for graphic in figure.graphics:
                    yield article, figure, graphic


def truth_path(root: Path) -> Path:
    return root.with_name(f"{root.name}.truth.jsonl")


def _article(row: dict[str, Any]) -> ArticleTruth:
    figures = tuple(
        FigureTruth(**figure | {"graphics": tuple(_graphic(graphic) for graphic in figure["graphics"])})
        for figure in row["figures"]
    )
    return ArticleTruth(**row | {"fate": ArticleFate(row["fate"]), "figures": figures})


def _graphic(row: dict[str, Any]) -> GraphicTruth:
    panels = tuple(PanelTruth(**panel | {"box": tuple(panel["box"])}) for panel in row["panels"])
    return GraphicTruth(row["href"], row["file"], GraphicFate(row["fate"]), row["picture"], panels)
