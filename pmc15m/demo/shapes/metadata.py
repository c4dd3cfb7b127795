"""What the metadata say: licences, flags, versions, odd JSON."""

from dataclasses import replace

from pmc15m.demo.builder import Builder
from pmc15m.demo.layout import Metadata
from pmc15m.demo.shapes.ordinary import ordinary
from pmc15m.demo.truth import ArticleFate, GraphicFate


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
