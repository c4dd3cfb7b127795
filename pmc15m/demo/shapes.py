"""The shapes in which PMC really has articles, one function each; what they teach stands in their docstrings."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace

from pmc15m.demo.article import Figure, Group
from pmc15m.demo.builder import Builder
from pmc15m.demo.captions import Caption
from pmc15m.demo.figure import Gutter, LabelStyle
from pmc15m.demo.layout import Metadata
from pmc15m.demo.odd_files import (
    EMPTY_FILES,
    as_cmyk,
    as_sixteen_bit_grey,
    cut_off,
    with_alpha,
    with_palette,
)
from pmc15m.demo.truth import ArticleFate, GraphicFate

Shape = Callable[[Builder], None]


def ordinary(b: Builder) -> None:
    """Two to four figures in the Results section."""
    for _ in range(int(b.rng.integers(2, 5))):
        b.figure()


# Where figures stand.


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


# What a figure is made of.


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


# Labels, captions, mentions.


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
    """No <label>; one caption begins with it."""
    b.figure(label=None, caption=Caption(None, ("<italic>Figure 1.</italic> Our apparatus.",)))
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
    text = f"{graphic.panels[0].phrase}. Reproduced with permission from Example et al."
    rights = "<permissions><copyright-statement>© 2017 Another Publisher</copyright-statement></permissions>"
    b.figure(graphic, caption=Caption("A classic.", (text,)), extra=rights)
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


# From the name in the XML to the object.


def extensionless(b: Builder) -> None:
    """Old packages leave the extension out; stems are prefixes of each other, and one has a thumbnail."""
    for name in ("f1", "f10", "f1a"):
        b.figure(b.graphic(f"{b.stem}-{name}.jpg", href=f"{b.stem}-{name}"))
    image = b.draw()
    b.graphic(f"{b.stem}-f2.gif", image=image, file_format="gif")
    b.figure(b.graphic(f"{b.stem}-f2.jpg", href=f"{b.stem}-f2", image=image))


def dots_in_names(b: Builder) -> None:
    """PLOS writes info:doi/… and drops the journal's name; others write a folder."""
    b.figure(b.graphic("pdem.0000133.g001.png", href="info:doi/10.9999/journal.pdem.0000133.g001", file_format="png"))
    b.figure(b.graphic("pdem.0000133.g002.jpg", href="media/images/pdem.0000133.g002.tif"))


def case_mismatch(b: Builder) -> None:
    b.figure(b.graphic(f"{b.stem}-g001.jpg", href=f"{b.stem.upper()}-G001.JPG"))


def spaces_in_names(b: Builder) -> None:
    """Percent-encoded in the XML, raw in the JSON; and raw in both."""
    b.figure(b.graphic("Figure 1 final.jpg", href="Figure%201%20final.jpg"))
    b.figure(b.graphic("Figure 2+3 (50%).jpg"))


def unicode_names(b: Builder) -> None:
    """Raw in the XML, percent-encoded in the JSON; composed in one and decomposed in the other."""
    b.article.percent_encoded_urls = True
    b.figure(b.graphic("Übersicht-α.jpg", href=unicodedata.normalize("NFD", "Übersicht-α.jpg")))
    b.figure(b.graphic("図 2.png", file_format="png"))


def external_href(b: Builder) -> None:
    b.figure(b.absent("https://figures.example.org/10.9999/f1.jpg", GraphicFate.EXTERNAL))
    b.figure()


def hostile_names(b: Builder) -> None:
    """Names and addresses that try to leave the article's prefix, the bucket or the workspace."""
    b.figure()
    other = (
        "s3://pmc-oa-opendata/PMC70000000.1/evil-1.jpg",
        "s3://another-bucket/evil-2.jpg",
        "http://127.0.0.2/evil-3.jpg",
    )
    for number in (1, 2, 3):
        b.figure(b.absent(f"evil-{number}.jpg", GraphicFate.HOSTILE))
    b.figure(b.absent("../../evil-4.jpg", GraphicFate.HOSTILE))
    b.figure(b.absent("C:\\temp\\evil-5.jpg", GraphicFate.HOSTILE))
    own = f"s3://pmc-oa-opendata/{b.article.pmcid}.1/../evil-4.jpg", "C:\\temp\\evil-5.jpg"

    def add_urls(metadata: Metadata) -> Metadata:
        return metadata | {
            "media_urls": [*metadata["media_urls"], *(f"{url}?md5={'0' * 32}" for url in (*other, *own))]
        }

    b.article.edit_json = add_urls


# What the bytes are.


def file_formats(b: Builder) -> None:
    """Everything that is not JPEG."""
    for file_format in ("png", "gif", "tiff", "webp"):
        b.figure(b.graphic(file_format=file_format))


def pixel_formats(b: Builder) -> None:
    """CMYK, 16 bit, alpha, palette: read as any other picture."""
    for convert, file_format in (
        (as_cmyk, "jpeg"),
        (as_sixteen_bit_grey, "png"),
        (with_alpha, "png"),
        (with_palette, "png"),
    ):
        image = b.draw(1)
        b.figure(b.graphic(image=replace(image, image=convert(image.image)), file_format=file_format))


def wrong_format(b: Builder) -> None:
    """A PNG that is called .jpg: a picture all the same."""
    b.figure(b.graphic(f"{b.stem}-g001.jpg", file_format="png"))


def no_pictures(b: Builder) -> None:
    """An HTML page, nothing, and half of a JPEG, each with its right md5."""
    b.figure()
    whole = b.article.media[f"{b.stem}-g001.jpg"]
    for body in (b"<!DOCTYPE html><html><body>404</body></html>", b"", cut_off(whole)):
        graphic = b.graphic(fate=GraphicFate.NOT_AN_IMAGE)
        b.article.media[graphic.href] = body
        b.figure(graphic)


def not_well_formed(b: Builder) -> None:
    """The XML breaks after the figures."""
    ordinary(b)
    b.article.fate = ArticleFate.NOT_WELL_FORMED
    b.article.spoil = {b"<title>Discussion</title>": b"<title>Discussion"}


def shared_picture(b: Builder) -> None:
    """Has a picture in common with shared_picture_again."""
    b.figure(b.graphic(image=b.common_image()))
    b.figure()


def shared_picture_again(b: Builder) -> None:
    """The same bytes under another name, and the same picture smaller and encoded anew."""
    image = b.common_image()
    b.figure(b.graphic("copied.jpg", image=image))
    width, height = image.image.size
    smaller = image.image.resize((width * 9 // 10, height * 9 // 10))
    b.figure(b.graphic("smaller.jpg", image=replace(image, image=smaller, panels=())), caption=b.caption())


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


# What the metadata say.


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


def no_media(b: Builder) -> None:
    """Open access, and no media nor PDF all the same."""
    b.article.has_pdf = False
    b.figure(b.absent(f"{b.stem}-g001.jpg", GraphicFate.NO_MEDIA))


def no_figures(b: Builder) -> None:
    b.article.fate = ArticleFate.NO_FIGURES
    b.article.paragraphs.append("There is nothing to show.")


def historical_ocr(b: Builder) -> None:
    """A scanned back issue."""
    article = b.article
    article.is_historical_ocr, article.is_pmc_openaccess, article.licence_code = True, False, None
    article.published, article.pmid, article.doi = article.published.replace(year=1897), None, None
    article.fate = ArticleFate.NO_FIGURES
    article.body = (
        '<body><p><preformat preformat-type="pmc-ocr-text">ON THE C0LD BATH. By A. EXAMPLE</preformat></p></body>'
    )


def null_licence(b: Builder) -> None:
    b.article.licence_code = None
    ordinary(b)


def null_ids(b: Builder) -> None:
    b.article.pmid = b.article.doi = None
    ordinary(b)


def odd_metadata(b: Builder) -> None:
    """Keys that nobody announced, keys that are not there, and addresses without md5."""
    ordinary(b)

    def edit(metadata: Metadata) -> Metadata:
        kept = {name: value for name, value in metadata.items() if name not in ("mid", "citation", "pmid")}
        urls = [url.split("?")[0] for url in metadata["media_urls"]]
        return kept | {"media_urls": urls, "preprint_server": {"name": "demoRxiv"}}

    b.article.edit_json = edit


def two_versions(b: Builder) -> None:
    """The second version has another title and the same pictures."""
    ordinary(b)
    b.article.fate = ArticleFate.SUPERSEDED
    b.new_version(2, title=f"{b.article.title}: revised", fate=ArticleFate.FIGURES)


def version_ten(b: Builder) -> None:
    """Versions 2 and 10, and no version 1: versions are numbers, not text."""
    b.article.version = 2
    b.figure()
    b.article.fate = ArticleFate.SUPERSEDED
    b.new_version(10, fate=ArticleFate.FIGURES)


def manuscript_after_publication(b: Builder) -> None:
    """The higher number is the author manuscript; the published version is the better one."""
    b.figure()
    without_media = [
        replace(figure, graphics=[b.absent("nihms-2-f0001.jpg", GraphicFate.NO_MEDIA)]) for figure in b.article.figures
    ]
    b.new_version(
        2,
        is_manuscript=True,
        is_pmc_openaccess=False,
        licence_code="TDM",
        mid="NIHMS1000002",
        media={},
        figures=without_media,
        fate=ArticleFate.SUPERSEDED,
    )


def licence_cc0(b: Builder) -> None:
    b.article.licence_code = "CC0"
    ordinary(b)


def licence_by_sa(b: Builder) -> None:
    b.article.licence_code = "CC BY-SA"
    ordinary(b)


def licence_by_nd(b: Builder) -> None:
    """Altered pictures, which crops may be, must not be passed on."""
    b.article.licence_code = "CC BY-ND"
    ordinary(b)


def licence_by_nc(b: Builder) -> None:
    b.article.licence_code = "CC BY-NC"
    ordinary(b)


def licence_by_nc_sa(b: Builder) -> None:
    b.article.licence_code = "CC BY-NC-SA"
    ordinary(b)


def licence_by_nc_nd(b: Builder) -> None:
    b.article.licence_code = "CC BY-NC-ND"
    ordinary(b)


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
    table_images,
    supplements,
    file_formats,
    extensionless,
    spaces_in_names,
    sub_article,
    graphical_abstract,
    mention_ranges,
    shared_picture,
    all_gutters,
    version_ten,
    manuscript_after_publication,
    licence_cc0,
    licence_by_sa,
    licence_by_nd,
    licence_by_nc,
    licence_by_nc_sa,
    licence_by_nc_nd,
    ordinary,
    all_labels,
    dense_compound,
    shared_picture_again,
    title_only,
    label_in_caption,
    no_ids,
    rich_caption,
    list_caption,
    source_data_in_caption,
    named_entities,
    reprinted,
    back_figures,
    video,
    scheme,
    no_graphic,
    many_media,
    dots_in_names,
    case_mismatch,
    unicode_names,
    external_href,
    hostile_names,
    pixel_formats,
    wrong_format,
    no_pictures,
    no_media,
    no_figures,
    historical_ocr,
    null_ids,
    odd_metadata,
)
"""In the order in which a generated PMC has them; the commonest first, for those who generate only a few."""
