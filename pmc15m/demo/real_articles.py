"""A folder of real articles, served as if they lay in the PMC Cloud Service.

The folder has an INDEX.csv (columns folder, pmcid, doi, journal, year, licence, xml_file) and one folder an article
with its XML and images. Nothing is copied or changed: the bucket's objects are the files themselves.
"""

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lxml import etree

from pmc15m.demo.layout import add_inventory, pmc_ids_row, put_article, put_pmc_ids
from pmc15m.demo.store import Bucket

LICENCE_CODES = ("CC0", "CC BY", "CC BY-SA", "CC BY-ND", "CC BY-NC", "CC BY-NC-SA", "CC BY-NC-ND")
INVENTORY_DAY = datetime(2026, 10, 2, 1, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Front:
    """What the metadata JSON needs out of the XML."""

    title: str | None
    pmid: int | None


def bucket_of_articles(articles: Path, out: Path | None = None) -> Bucket:
    """The bucket of all articles below `articles`, each as version 1; written to the folder `out` too, if given.

    An article without a PMCID gets a number of ten digits that depends on its folder's name alone. Images keep
    their names, except where a figmap.csv (graphic_href, file) says which graphic they are: those get the
    graphic's name, as PMC's media have.

    Raises FileNotFoundError when there is no INDEX.csv.
    """
    bucket = Bucket()
    with (articles / "INDEX.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    taken = {row["pmcid"] for row in rows}
    ids = []
    for row in rows:
        pmcid = row["pmcid"] or _stand_in_pmcid(row["folder"], taken)
        taken.add(pmcid)
        folder = articles / row["folder"]
        xml = folder / row["xml_file"]
        front = _read_front(xml)
        doi = row["doi"] or None
        metadata = {
            "pmcid": pmcid,
            "version": 1,
            "pmid": front.pmid,
            "doi": doi,
            "mid": None,
            "title": front.title,
            "citation": f"{row['journal']}. {row['year']}" + (f". doi: {doi}" if doi else ""),
            "is_pmc_openaccess": True,
            "is_manuscript": False,
            "is_historical_ocr": False,
            "is_retracted": False,
            "license_code": licence_code(row["licence"]),
        }
        put_article(bucket, metadata, xml, media=_media(folder, xml))
        ids.append(pmc_ids_row(row["journal"], "", row["year"], doi, pmcid, front.pmid))
    put_pmc_ids(bucket, ids)
    add_inventory(bucket, INVENTORY_DAY)
    if out is not None:
        bucket.write(out)
    return bucket


def licence_code(licence: str) -> str | None:
    """The bucket's code for the index's words ("CC BY (text)", "cc0/pd", "CC CC-BY"), None where there is none.

    >>> licence_code("CC BY-NC (text)")
    'CC BY-NC'
    """
    words = licence.upper().removesuffix("(TEXT)").removesuffix("/PD").strip().replace("CC CC-", "CC ")
    return words if words in LICENCE_CODES else None


def _stand_in_pmcid(folder: str, taken: set[str]) -> str:
    """PMC1000000000 … PMC1999999999: ten digits, which PMC has not reached and 32 bits still hold."""
    salt = 0
    while True:
        digest = hashlib.sha256(f"{folder}{salt or ''}".encode()).digest()
        pmcid = f"PMC{1_000_000_000 + int.from_bytes(digest[:8]) % 1_000_000_000}"
        if pmcid not in taken:
            return pmcid
        salt += 1


def _media(folder: Path, xml: Path) -> Mapping[str, Path]:
    """Object name → file. Raises ValueError where two files would be one object."""
    figmap = folder / "figmap.csv"
    names: dict[Path, str] = {}
    if figmap.exists():
        with figmap.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                names[folder / row["file"]] = row["graphic_href"] + Path(row["file"]).suffix
    media: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path in (xml, figmap):
            continue
        name = names.get(path, path.name)
        if name in media:
            raise ValueError(f"{path} and {media[name]} would both be the object {name}")
        media[name] = path
    return media


def _read_front(xml: Path) -> _Front:
    """Title and PMID, as far as the XML can be read at all."""
    parser = etree.XMLParser(recover=True, no_network=True, load_dtd=False, resolve_entities=False)
    root = etree.fromstring(xml.read_bytes(), parser)
    if root is None:
        return _Front(None, None)
    title = next(root.iter("{*}article-title"), None)
    pmids = (
        (element.text or "").strip() for element in root.iter("{*}article-id") if element.get("pub-id-type") == "pmid"
    )
    pmid = next((int(text) for text in pmids if text.isdigit()), None)
    return _Front(None if title is None else " ".join("".join(title.itertext()).split()), pmid)
