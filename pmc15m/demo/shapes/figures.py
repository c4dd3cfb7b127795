"""Where figures stand in an article, and what they are made of."""

from dataclasses import replace

from pmc15m.demo.article import Figure, Group
from pmc15m.demo.builder import Builder
from pmc15m.demo.captions import Caption
from pmc15m.demo.figure import Gutter, LabelStyle
from pmc15m.demo.odd_files import EMPTY_FILES
from pmc15m.demo.shapes.ordinary import ordinary
from pmc15m.demo.truth import GraphicFate


def floats_group(b: Builder) -> None:
    """Figures after the text, one in it."""
    b.figure(origin="floats")
    b.figure(origin="floats")
    b.figure()


def back_figures(b: Builder) -> None:
    """A figure in an appendix."""
    b.figure()
    b.figure(origin="back")


def graphical_abstract(b: Builder) -> None:
    """A picture in the abstract, without label and caption: never an ordinary figure."""
    b.figure(origin="abstract", kind="graphical_abstract", label=None, caption=None)
    b.figure()


def sub_article(b: Builder) -> None:
    """A translation whose figure has the id of the article's own and another picture."""
    b.figure(figure_id="f1")
    caption = Caption("Visão geral.", ("A mesma figura, desenhada de novo.",))
    b.figure(figure_id="f1", label="Figura 1", caption=caption, origin="sub_article", mention=False)


def fig_group(b: Builder) -> None:
    """A group with the caption, children with a letter each; the text mentions the group."""
    b.figure()
    group = f"{b.stem}-fg2"
    children = [b.graphic(f"{b.stem}-g002{letter}.jpg", image=b.draw(1)) for letter in "abc"]
    phrases = [graphic.panels[0].phrase for graphic in children]
    text = " ".join(f"({letter}) {phrase}." for letter, phrase in zip("abc", phrases, strict=True))
    b.article.groups.append(Group(group, "Figure 2", Caption("Observations in three groups.", (text,))))
    for letter, graphic in zip("abc", children, strict=True):
        label = f"({letter})"
        b.figure(
            graphic, figure_id=f"{group}{letter}", label=label, caption=None, group=group, mention=False, mentions=1
        )
    b.article.paragraphs.append(f'All groups are shown in <xref ref-type="fig" rid="{group}">Figure 2</xref>.')


def alternatives(b: Builder) -> None:
    """One picture in several renditions: the thumbnail and the black-and-white print version do not count."""
    image = b.draw()
    best = b.graphic(image=image)
    thumbnail = b.graphic(
        f"{b.stem}-g001_small.gif",
        image=image,
        file_format="gif",
        attributes='specific-use="thumbnail" ',
        fate=GraphicFate.LEFT_ASIDE,
    )
    b.figure(thumbnail, best, alternatives=True, caption=b.caption(best))
    image = b.draw()
    colour = b.graphic(f"{b.stem}_F0002_OC.jpg", image=image, attributes='specific-use="web-only" ')
    grey = replace(image, image=image.image.convert("L"))
    printed = b.graphic(
        f"{b.stem}_F0002_PB.jpg",
        image=grey,
        attributes='specific-use="print-only" content-type="black-white" ',
        fate=GraphicFate.LEFT_ASIDE,
    )
    b.figure(printed, colour, alternatives=True, caption=b.caption(colour))


def several_graphics(b: Builder) -> None:
    """One figure on two pages: letters at the end of file names are pieces, not panels."""
    first = b.graphic(f"{b.stem}-g001a.jpg", image=b.draw(1))
    second = b.graphic(f"{b.stem}-g001b.jpg", image=b.draw(1))
    b.figure(first, second)
    b.figure()


def video(b: Builder) -> None:
    """A figure that is a film, and a film with its still."""
    b.article.media["movie1.mp4"] = EMPTY_FILES["mp4"]
    b.figure(b.absent("movie1.mp4", GraphicFate.VIDEO), kind="video", label="Video 1")
    still = b.graphic(fate=GraphicFate.LEFT_ASIDE)
    film = b.absent("movie1.mp4", GraphicFate.VIDEO)
    b.figure(film, still, kind="video", label="Video 2", alternatives=True, caption=b.caption(still))
    b.figure()


def scheme(b: Builder) -> None:
    """Not everything that is a figure is called one."""
    b.figure(kind="scheme", label="Scheme 1")
    b.figure()


def missing_image(b: Builder) -> None:
    """The XML names a picture that the archive does not have."""
    b.figure()
    b.figure(b.absent(f"{b.stem}-g002.jpg", GraphicFate.MISSING))


def no_graphic(b: Builder) -> None:
    """A figure without any graphic, and one whose href is empty beside a good one."""
    b.figure(b.absent("", GraphicFate.EMPTY_HREF), b.graphic())
    b.article.figures.append(Figure(f"{b.stem}-f002", "Figure 2", b.caption(), []))


def table_images(b: Builder) -> None:
    """A table and a formula as pictures: not figures."""
    b.figure()
    b.figure(b.graphic(f"{b.stem}-t001.jpg", image=b.draw_table()), kind="table", label="Table 1")
    b.graphic(f"{b.stem}-e001.jpg", image=b.draw_formula())
    b.article.body_extra = f'<disp-formula id="e1"><graphic xlink:href="{b.stem}-e001.jpg"/></disp-formula>'


def supplements(b: Builder) -> None:
    """Tables, films and a picture that belong to the supplement lie beside the figures."""
    b.figure()
    for suffix, body in EMPTY_FILES.items():
        name = f"{b.stem}-s001.{suffix}"
        b.article.media[name] = body
        b.article.body_extra += (
            f'<supplementary-material><media xlink:href="{name}"><caption><p>Click here for additional data file.'
            "</p></caption></media></supplementary-material>"
        )
    picture = b.graphic(f"{b.stem}-s002.jpg")
    b.article.body_extra += (
        '<supplementary-material id="sm2"><label>Figure S1</label><caption><p>A supplementary picture.</p></caption>'
        f'<media mimetype="image" xlink:href="{picture.href}"/></supplementary-material>'
    )


def many_media(b: Builder) -> None:
    """347 media for one version, as PMC10000335.1 has."""
    ordinary(b)
    for number in range(347 - len(b.article.media)):
        b.article.media[f"{b.stem}-s{number:03d}.csv"] = b"x,y\n"


def all_gutters(b: Builder) -> None:
    for gutter in Gutter:
        b.figure(b.graphic(image=b.draw(4, gutter=gutter)))


def all_labels(b: Builder) -> None:
    for label_style in LabelStyle:
        b.figure(b.graphic(image=b.draw(int(b.rng.integers(2, 7)), label_style=label_style)))


def dense_compound(b: Builder) -> None:
    """Twelve and sixteen panels."""
    b.figure(b.graphic(image=b.draw(12, label_style=LabelStyle.LOWER)))
    b.figure(b.graphic(image=b.draw(16, label_style=LabelStyle.UPPER)))
