"""Builds one article of the demo, figure by figure; the shapes are written with it."""

import string
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from PIL import Image

from pmc15m.demo import charts
from pmc15m.demo.article import Article, Figure, Graphic, Journal
from pmc15m.demo.captions import Caption, write_caption
from pmc15m.demo.figure import FigureImage, Gutter, LabelStyle, Panel, draw_compound, draw_single, encode
from pmc15m.demo.pictures import PictureKind, Rng, pick
from pmc15m.demo.truth import GraphicFate

JOURNALS = (
    Journal("Journal of Demonstration", "J Demo", "2900-0001", "Demo Press", "jdemo"),
    Journal("Imitation Biology", "Imit Biol", "2900-0002", "Open Imitations", "ib"),
    Journal("Annals of Examples, Series B", "Ann Ex, Ser B", "2900-0003", "Example Society", "annex"),
    Journal("Case Reports in Simulation", "Case Rep Simul", "2900-0004", "Demo Press", "crs"),
)
SUBJECTS = (
    "wound healing",
    "tumour growth",
    "bacterial infection",
    "cardiac function",
    "gene regulation",
    "kidney disease",
)
STUDIES = ("A prospective study of", "Imaging of", "Molecular basis of", "New insights into", "A case series on")
SUBJECTED = ("mice", "rats", "patients", "cell culture")
SUFFIXES = {"jpeg": ".jpg", "png": ".png", "gif": ".gif", "tiff": ".tif", "webp": ".webp"}


@dataclass(frozen=True, slots=True)
class Settings:
    """How the pictures are drawn."""

    seed: int = 0
    figure_px: int = 620
    """Mean width of a figure image."""
    plain: bool = False
    """One-coloured noise instead of drawings: for tests that need many objects and no content."""


class Builder:
    """Holds the article versions of one PMCID while a shape adds to them; `article` is the current one."""

    def __init__(self, settings: Settings, index: int, number: int, shape: str) -> None:
        self.settings = settings
        self.rng = np.random.default_rng([settings.seed, index])
        journal = JOURNALS[index % len(JOURNALS)]
        rng = self.rng
        published = date(2001 + int(rng.integers(25)), 1 + int(rng.integers(12)), 1 + int(rng.integers(28)))
        title = f"{pick(rng, STUDIES)} {pick(rng, SUBJECTS)} in {pick(rng, SUBJECTED)}"
        self.article = Article(
            number=number,
            version=1,
            shape=shape,
            journal=journal,
            title=title,
            published=published,
            pmid=30_000_000 + index,
            doi=f"10.9999/{journal.stem}.{published.year}.{index:05d}",
        )
        self.versions = [self.article]
        self._drawn = 0

    @property
    def stem(self) -> str:
        """Begins the names of this article's media: ib-07-00012."""
        return (
            f"{self.article.journal.stem}-{self.article.published.year % 100:02d}-{self.article.number % 100_000:05d}"
        )

    def new_version(self, version: int, **changes: Any) -> None:
        """Go on with a copy of the article under another version number; figures and media are shared."""
        self.article = replace(self.article, version=version, **changes)
        self.versions.append(self.article)

    def draw(
        self,
        n_panels: int | None = None,
        gutter: Gutter | None = None,
        label_style: LabelStyle | None = None,
    ) -> FigureImage:
        """A new figure image; half of the figures are compound unless `n_panels` says how many there are."""
        self._drawn += 1
        image = self._draw(self.rng, n_panels, gutter, label_style)
        return replace(image, name=f"{self.article.pmcid}-{self._drawn}")

    def common_image(self) -> FigureImage:
        """A picture that is the same in whatever article it is drawn."""
        return replace(self._draw(np.random.default_rng(self.settings.seed), 1, None, None), name="common")

    def draw_table(self) -> FigureImage:
        return replace(draw_single(self.rng, 480, 260, charts.table), name=f"{self.article.pmcid}-table")

    def draw_formula(self) -> FigureImage:
        return replace(draw_single(self.rng, 180, 28, charts.formula), name=f"{self.article.pmcid}-formula")

    def _draw(
        self, rng: Rng, n_panels: int | None, gutter: Gutter | None, label_style: LabelStyle | None
    ) -> FigureImage:
        px = self.settings.figure_px
        if self.settings.plain:
            return _draw_plain(rng, px, n_panels or 1)
        if n_panels is None:
            # Shares of real figures: .394 single, .225 two, .113 three, .110 four … (PanelSeg training set).
            n_panels = int(rng.choice([1, 2, 3, 4, 5, 6, 8, 9], p=[0.4, 0.22, 0.11, 0.11, 0.04, 0.06, 0.03, 0.03]))
        width = int(px * rng.uniform(0.7, 1.3))
        height = int(width * rng.uniform(0.55, 0.95 if n_panels < 4 else 1.2))
        if n_panels == 1:
            return draw_single(rng, width, height)
        return draw_compound(rng, width, height, n_panels, gutter, label_style)

    def graphic(
        self,
        file: str | None = None,
        *,
        href: str | None = None,
        image: FigureImage | None = None,
        file_format: str = "jpeg",
        **fields: Any,
    ) -> Graphic:
        """A graphic with its object: drawn, encoded, put among the media. The href is the name unless given."""
        image = image or self.draw()
        if file is None:
            count = sum(len(figure.graphics) for figure in self.article.figures)
            file = f"{self.stem}-g{count + 1:03d}{SUFFIXES[file_format]}"
        if file in self.article.media:
            raise ValueError(f"{self.article.shape}: two media of the name {file}")
        self.article.media[file] = encode(image.image, file_format)
        return Graphic(file if href is None else href, file, panels=image.panels, picture=image.name, **fields)

    def absent(self, href: str, fate: GraphicFate) -> Graphic:
        """A graphic for which there is nothing to fetch."""
        return Graphic(href, None, fate)

    def caption(self, *graphics: Graphic) -> Caption:
        """A caption for all panels of the graphics; an invented one where nothing was drawn."""
        panels = [panel for graphic in graphics for panel in graphic.panels]
        if not panels:
            return Caption("Overview.", ("The picture of this figure is not in the archive.",))
        return write_caption(self.rng, panels)

    def figure(self, *graphics: Graphic, mention: bool = True, **fields: Any) -> Figure:
        """Add a figure: numbered, captioned and mentioned in the text unless `fields` say otherwise."""
        graphics = graphics or (self.graphic(),)
        number = 1 + sum(figure.kind == "figure" for figure in self.article.figures)
        figure_id = f"{self.stem}-f{len(self.article.figures) + 1:03d}"
        defaults: dict[str, Any] = {"figure_id": figure_id, "label": f"Figure {number}"}
        if "caption" not in fields:
            defaults["caption"] = self.caption(*graphics)
        figure = Figure(graphics=list(graphics), **defaults | fields)
        self.article.figures.append(figure)
        if mention and figure.figure_id is not None and figure.label is not None:
            self.mention(figure)
        return figure

    def mention(self, figure: Figure) -> None:
        """A sentence about the figure in the Results section."""
        panels = [panel for graphic in figure.graphics for panel in graphic.panels]
        letters = "".join(panel.label or "" for panel in panels[:1])
        seen = f"{panels[0].phrase[0].lower()}{panels[0].phrase[1:]}" if panels else "this"
        self.article.paragraphs.append(
            f"We examined {self.article.title.split(' of ')[-1]}. Results for {seen} are given in "
            f'<xref ref-type="fig" rid="{figure.figure_id}">{figure.label}{letters}</xref>.'
        )
        figure.mentions += 1


def _draw_plain(rng: Rng, side: int, n_panels: int) -> FigureImage:
    """A square of one colour and noise; its panels are equal rows, not drawn."""
    colour = rng.integers(0, 200, 3)
    pixels = (colour + rng.integers(0, 56, (side, side, 3))).astype(np.uint8)
    phrase = f"Plain picture of colour {', '.join(map(str, colour.tolist()))}"
    panels = tuple(
        Panel(
            None if n_panels == 1 else string.ascii_uppercase[index],
            (0, side * index // n_panels, side, side * (index + 1) // n_panels),
            PictureKind.PLAIN,
            phrase,
            "",
        )
        for index in range(n_panels)
    )
    return FigureImage(Image.fromarray(pixels), panels, Gutter.NONE, LabelStyle.NONE)
