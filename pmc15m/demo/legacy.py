"""The packages that PMC served until August 2026, for articles of the demo: `oa_package/ab/cd/PMC….tar.gz`.

Layout as in four real packages and 10,000 rows of oa_file_list.csv: one top folder named after the PMCID or, in older
ones, the citation; one .nxml whose hrefs have no extension; a .jpg and a .gif thumbnail a figure; members in no order.
"""

import csv
import gzip
import hashlib
import io
import itertools
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from pmc15m.demo.article import Article
from pmc15m.demo.builder import Builder, Settings
from pmc15m.demo.figure import encode
from pmc15m.demo.generate import pmcid_number
from pmc15m.demo.jats import article_xml
from pmc15m.demo.odd_files import EMPTY_FILES, cut_off
from pmc15m.demo.pictures import Rng
from pmc15m.demo.shapes import SHAPES, figures, metadata, words
from pmc15m.demo.shapes.ordinary import ordinary
from pmc15m.demo.truth import ArticleFate, DemoTruth

FILE_LIST_HEADER = (
    "File",
    "Article Citation",
    "Accession ID",
    "Last Updated (YYYY-MM-DD HH:MM:SS)",
    "PMID",
    "License",
)
THUMBNAIL = (100, 100)
GOOD_SHAPES = (
    ordinary,
    figures.floats_group,
    figures.fig_group,
    figures.several_graphics,
    figures.table_images,
    figures.missing_image,
    words.no_caption,
    words.label_in_caption,
    metadata.null_licence,
    metadata.null_ids,
)
# What is wrong with the packages at the end of the list.
BAD_PACKAGES = (
    ArticleFate.CORRUPT_PACKAGE,
    ArticleFate.HOSTILE_PACKAGE,
    ArticleFate.NO_XML,
    ArticleFate.SEVERAL_XML,
)


def generate_legacy(
    root: Path, *, seed: int = 0, articles: int = 16, figure_px: int = 620, plain: bool = False, flat: bool = False
) -> DemoTruth:
    """Write packages and file lists to the folder `root`, and the truth beside it.

    The articles are some of those that `generate` makes from the same seed, under the same PMCIDs. The last four
    packages are bad: a gzip that breaks off, members that lead out of the folder, no .nxml, two.
    `oa_file_list.csv` has its header; `oa_file_list.headerless.csv` has none, and dates that a spreadsheet rewrote.
    `flat` puts all packages into `root` itself, as people keep them. Raises ValueError for fewer than five articles
    and FileExistsError when `root` is there.
    """
    if articles <= len(BAD_PACKAGES):
        raise ValueError(f"{articles} packages are too few: the last {len(BAD_PACKAGES)} are bad ones")
    root.mkdir(parents=True)
    settings = Settings(seed, figure_px, plain)
    made, rows = [], []
    indices = (index for index in itertools.count() if SHAPES[index % len(SHAPES)] in GOOD_SHAPES)
    for position, index in enumerate(itertools.islice(indices, articles)):
        article = _article(settings, index)
        bad = position - (articles - len(BAD_PACKAGES))
        if bad >= 0:
            article.fate, article.shape = BAD_PACKAGES[bad], BAD_PACKAGES[bad]
        digest = hashlib.md5(article.pmcid.encode()).hexdigest()
        path = f"oa_package/{digest[:2]}/{digest[2:4]}/{article.pmcid}.tar.gz"
        package = root / (f"{article.pmcid}.tar.gz" if flat else path)
        package.parent.mkdir(parents=True, exist_ok=True)
        package.write_bytes(_package(article, np.random.default_rng([seed, index])))
        made.append(article)
        rows.append(_file_list_row(article, path, position))
    _write_rows(root / "oa_file_list.csv", [FILE_LIST_HEADER, *rows])
    _write_rows(root / "oa_file_list.headerless.csv", [(*row[:3], _spreadsheet_date(row[3]), *row[4:]) for row in rows])
    truth = DemoTruth(root, tuple(article.truth() for article in made))
    truth.write()
    return truth


def _article(settings: Settings, index: int) -> Article:
    shape = SHAPES[index % len(SHAPES)]
    builder = Builder(settings, index, pmcid_number(index), shape.__name__)
    shape(builder)
    article = builder.article
    for figure in article.figures:
        for graphic in figure.graphics:
            graphic.href = graphic.href.removesuffix(".jpg")
    return article


def _old_xml(article: Article) -> bytes:
    """The XML as packages had it: a DOCTYPE, the id as bare digits, no PMC history."""
    number = article.number
    old_ids = {f'"pmcid">PMC{number}<': f'"pmc">{number}<'}
    for kind, value in (("pmcid-ver", f"PMC{number}.1"), ("pmcaid", number), ("pmcaiid", number)):
        old_ids[f'<article-id pub-id-type="{kind}">{value}</article-id>'] = ""
    old_ids['<article-version article-version-type="pmc-version">1</article-version>'] = ""
    article = replace(article, spoil={old.encode(): new.encode() for old, new in old_ids.items()})
    doctype = (
        b'<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange DTD v1.0 20120330//EN" '
        b'"JATS-archivearticle1.dtd">\n'
    )
    return doctype + article_xml(article)


def _package(article: Article, rng: Rng) -> bytes:
    citation = "".join("_" if letter in " ;:" else letter for letter in article.citation.split(". doi")[0])
    top = article.pmcid if article.number % 2 else citation.replace("._", "_")
    members = dict(article.media)
    for name, body in article.media.items():
        if name.endswith(".jpg"):
            members[f"{name.removesuffix('.jpg')}.gif"] = _thumbnail(body)
    stem = "main" if article.number % 3 == 0 else article.journal.stem
    members[f"{stem}.pdf"] = EMPTY_FILES["pdf"]
    if article.fate is not ArticleFate.NO_XML:
        members[f"{stem}.nxml"] = _old_xml(article)
    if article.fate is ArticleFate.SEVERAL_XML:
        members["erratum.nxml"] = _old_xml(article)
    names = sorted(members)
    shuffled = {names[int(i)]: members[names[int(i)]] for i in rng.permutation(len(names))}
    package = gzip.compress(_tar(top, shuffled, hostile=article.fate is ArticleFate.HOSTILE_PACKAGE), mtime=0)
    return cut_off(package) if article.fate is ArticleFate.CORRUPT_PACKAGE else package


def _thumbnail(jpeg: bytes) -> bytes:
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    image.thumbnail(THUMBNAIL)
    return encode(image, "gif")


def _tar(top: str, members: Mapping[str, bytes], *, hostile: bool) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        folder = tarfile.TarInfo(top)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o775
        archive.addfile(folder)
        if hostile:
            for name in ("../evil.txt", "/evil.txt"):
                info = tarfile.TarInfo(name)
                info.size = 4
                archive.addfile(info, io.BytesIO(b"evil"))
            for name, kind in (("link.jpg", tarfile.SYMTYPE), ("hard.jpg", tarfile.LNKTYPE), ("null", tarfile.CHRTYPE)):
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, "../../outside"
                archive.addfile(info)
        for name, body in members.items():
            info = tarfile.TarInfo(f"{top}/{name}")
            info.size, info.mtime = len(body), 1_400_000_000
            archive.addfile(info, io.BytesIO(body))
    return out.getvalue()


def _file_list_row(article: Article, path: str, position: int) -> tuple[str, ...]:
    updated = f"2019-11-{position % 28 + 1:02d} 11:56:12"
    citation = article.citation.split(". doi")[0]
    return (path, citation, article.pmcid, updated, str(article.pmid or ""), article.licence_code or "NO-CC CODE")


def _spreadsheet_date(date: str) -> str:
    """2019-11-05 11:56:12 as 05-11-19 11:56."""
    return f"{date[8:10]}-{date[5:7]}-{date[2:4]} {date[11:16]}"


def _write_rows(path: Path, rows: list[tuple[str, ...]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
