"""From the name in the XML to the object, and what the object's bytes are."""

import unicodedata
from dataclasses import replace

from pmc15m.demo.builder import Builder
from pmc15m.demo.layout import Metadata
from pmc15m.demo.odd_files import as_cmyk, as_sixteen_bit_grey, cut_off, with_alpha, with_palette
from pmc15m.demo.shapes.ordinary import ordinary
from pmc15m.demo.truth import ArticleFate, GraphicFate


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
