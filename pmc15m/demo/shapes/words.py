"""Labels, captions, and what the running text says of figures."""

from pmc15m.demo.builder import Builder
from pmc15m.demo.captions import Caption
from pmc15m.demo.figure import LabelStyle


def no_caption(b: Builder) -> None:
    """The caption of the figure before must not be taken for its own."""
    b.figure()
    b.figure(caption=None)
    b.figure()


def title_only(b: Builder) -> None:
    """A caption without paragraphs, and one with a paragraph a panel."""
    b.figure(caption=Caption("Overview of the method.", ()))
    graphic = b.graphic(image=b.draw(3, label_style=LabelStyle.UPPER))
    subcaptions = tuple(f"{panel.phrase}." for panel in graphic.panels)
    paragraphs = tuple(
        f"(<bold>{panel.label}</bold>) {subcaption}"
        for panel, subcaption in zip(graphic.panels, subcaptions, strict=True)
    )
    b.figure(graphic, caption=Caption("Three observations.", paragraphs, subcaptions))


def label_in_caption(b: Builder) -> None:
    """No <label>; one caption begins with it, and does not keep it."""
    b.figure(label=None, caption=Caption(None, ("<italic>Figure 1.</italic> Our apparatus.",), reads="Our apparatus."))
    b.figure(label=None)


def no_ids(b: Builder) -> None:
    """Figures without an id, and two with the same."""
    b.figure(figure_id=None)
    b.figure(figure_id="fig", mention=False)
    b.figure(figure_id="fig", mention=False)


def rich_caption(b: Builder) -> None:
    """Nested markup, powers, a comment, a formula in three forms of which one is to be read."""
    title = "Changes in <italic>Mus musculus</italic><!-- checked --> liver."
    text = (
        "<bold>(A) <italic>Mus musculus</italic> liver section</bold>, 10<sup>5</sup> cells per m<sup>2</sup>, "
        "<italic>P</italic> &lt; 0.05; <inline-formula><alternatives>"
        r"<tex-math>\documentclass[12pt]{minimal}\begin{document}$$a$$\end{document}</tex-math>"
        "<mml:math><mml:mi>a</mml:mi></mml:math></alternatives></inline-formula> is the slope."
    )
    reads = "Changes in Mus musculus liver. (A) Mus musculus liver section, 10⁵ cells per m², P < 0.05; a is the slope."
    b.figure(caption=Caption(title, (text,), reads=reads))


def list_caption(b: Builder) -> None:
    """Panel letters that exist only as the numbering of a list."""
    graphic = b.graphic(image=b.draw(2, label_style=LabelStyle.UPPER))
    subcaptions = tuple(f"{panel.phrase}." for panel in graphic.panels)
    items = "".join(f"<list-item><p>{subcaption}</p></list-item>" for subcaption in subcaptions)
    b.figure(
        graphic,
        caption=Caption(
            "Two observations.",
            (f'<list list-type="alpha-upper">{items}</list>',),
            subcaptions,
            reads=f"Two observations. (A) {subcaptions[0]} (B) {subcaptions[1]}",
        ),
    )


def source_data_in_caption(b: Builder) -> None:
    """A block with a caption of its own inside the caption, as eLife has them."""
    graphic = b.graphic()
    phrase = graphic.panels[0].phrase
    block = (
        '<supplementary-material id="sd1"><label>Figure 1—source data 1.</label><caption><title>All values.</title>'
        f'</caption><media xlink:href="{b.stem}-sdata1.csv"/></supplementary-material>'
    )
    b.article.media[f"{b.stem}-sdata1.csv"] = b"x,y\n1,2\n"
    caption = Caption("Measurements.", (f"{phrase}.", block), reads=f"Measurements. {phrase}.")
    b.figure(graphic, caption=caption)


def named_entities(b: Builder) -> None:
    """Entities that only the DTD defines; the DTD is never loaded."""
    b.figure(caption=Caption("Effect of α-tocopherol.", ("Values are means ± SD of 3 × 5 animals.",)))
    b.article.spoil = {
        "α".encode(): b"&alpha;",
        "±".encode(): b"&plusmn;",
        b"<article xmlns:ali": (
            b'<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving DTD v1.4 20241031//EN" '
            b'"JATS-archivearticle1-4.dtd">\n<article xmlns:ali'
        ),
    }


def reprinted(b: Builder) -> None:
    """A figure under rights of its own: the article's licence does not cover it."""
    graphic = b.graphic(image=b.draw(1))
    phrase = f"{graphic.panels[0].phrase}."
    rights = "<permissions><copyright-statement>© 2017 Another Publisher</copyright-statement></permissions>"
    text = f"{phrase} Reproduced with permission from Example et al."
    b.figure(graphic, caption=Caption("A classic.", (text,), reads=f"A classic. {phrase}"), extra=rights)
    alt = "<alt-text>Described for those who do not see it</alt-text><attrib>Photograph: A. Example</attrib>"
    b.figure(extra=alt)


def mention_ranges(b: Builder) -> None:
    """Ranges between two references and inside one, several ids in one, letters after the reference."""
    figures = [b.figure(mention=False) for _ in range(4)]
    first, second, third, fourth = (str(figure.figure_id) for figure in figures)
    b.article.paragraphs += [
        f'See <italic><xref ref-type="fig" rid="{first}">Figs 1</xref>–<xref ref-type="fig" rid="{third}">3</xref>'
        "</italic> for all animals.",
        f'Two of them differ (<xref ref-type="fig" rid="{second} {third}">Figures 2 and 3A</xref>).',
        f'The outcome is in <xref ref-type="fig" rid="{fourth}">Figure 4</xref> A,B.',
    ]
    for figure, mentions in zip(figures, (1, 2, 2, 1), strict=True):
        figure.mentions = mentions
