"""The shapes in which PMC really has articles, one function each."""

from collections.abc import Callable

from pmc15m.demo.article import Group
from pmc15m.demo.builder import Builder
from pmc15m.demo.captions import Caption
from pmc15m.demo.truth import ArticleFate, GraphicFate

Shape = Callable[[Builder], None]


def ordinary(b: Builder) -> None:
    """Two to four figures in the Results section."""
    for _ in range(int(b.rng.integers(2, 5))):
        b.figure()


def floats_group(b: Builder) -> None:
    """Figures after the text, one in it."""
    b.figure(origin="floats")
    b.figure(origin="floats")
    b.figure()


def fig_group(b: Builder) -> None:
    """A group with the caption, children with a letter each."""
    b.figure()
    group = f"{b.stem}-fg2"
    children = [b.graphic(image=b.draw(1)) for _ in range(3)]
    phrases = [graphic.panels[0].phrase for graphic in children]
    text = " ".join(f"({letter}) {phrase}." for letter, phrase in zip("abc", phrases, strict=True))
    b.article.groups.append(Group(group, "Figure 2", Caption("Observations in three groups.", (text,))))
    for letter, graphic in zip("abc", children, strict=True):
        b.figure(graphic, figure_id=f"{group}{letter}", label=f"({letter})", caption=None, group=group, mention=False)


def alternatives(b: Builder) -> None:
    """One picture in several renditions."""
    image = b.draw()
    best = b.graphic(image=image)
    small = b.graphic(
        f"{b.stem}-g001_small.gif", image=image, file_format="gif", attributes='specific-use="thumbnail" '
    )
    small.fate = GraphicFate.LEFT_ASIDE
    b.figure(small, best, alternatives=True, caption=b.caption(best))
    b.figure()


def several_graphics(b: Builder) -> None:
    """One figure on two pages: letters at the end of file names are pieces, not panels."""
    first = b.graphic(f"{b.stem}-g001a.jpg", image=b.draw(1))
    second = b.graphic(f"{b.stem}-g001b.jpg", image=b.draw(1))
    b.figure(first, second)
    b.figure()


def no_caption(b: Builder) -> None:
    b.figure()
    b.figure(caption=None)
    b.figure()


def missing_image(b: Builder) -> None:
    b.figure()
    b.figure(b.absent(f"{b.stem}-g002.jpg", GraphicFate.MISSING))


def retracted(b: Builder) -> None:
    b.article.is_retracted = True
    b.article.fate = ArticleFate.RETRACTED
    b.article.title = f"Retracted: {b.article.title}"
    ordinary(b)


def author_manuscript(b: Builder) -> None:
    """The XML has its hrefs; there are no media, by licence."""
    article = b.article
    article.is_manuscript, article.is_pmc_openaccess, article.licence_code = True, False, "TDM"
    article.mid = f"NIHMS{article.number % 10_000_000}"
    b.figure(b.absent("nihms-1-f0001.jpg", GraphicFate.NO_MEDIA))
    b.figure(b.absent("nihms-1-f0002.jpg", GraphicFate.NO_MEDIA))


def two_versions(b: Builder) -> None:
    """The second version has another title and the same pictures."""
    ordinary(b)
    b.article.fate = ArticleFate.SUPERSEDED
    b.new_version(2, title=f"{b.article.title}: revised", fate=ArticleFate.FIGURES)


def null_licence(b: Builder) -> None:
    b.article.licence_code = None
    ordinary(b)


def not_well_formed(b: Builder) -> None:
    ordinary(b)
    b.article.fate = ArticleFate.NOT_WELL_FORMED
    b.article.spoil = {b"<title>Discussion</title>": b"<title>Discussion"}


SHAPES: tuple[Shape, ...] = (
    ordinary,
    floats_group,
    fig_group,
    alternatives,
    several_graphics,
    no_caption,
    missing_image,
    retracted,
    author_manuscript,
    two_versions,
    null_licence,
    not_well_formed,
)
