"""The services beside the bucket, in small: the ID converter and ESearch.

https://pmc.ncbi.nlm.nih.gov/tools/id-converter-api/ and https://www.ncbi.nlm.nih.gov/books/NBK25499/. They answer for
the articles of the bucket, in the form recorded in September 2026.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pmc15m.demo.layout import Metadata
from pmc15m.demo.listing import XML_DECLARATION
from pmc15m.demo.store import Bucket

ID_CONVERTER_PATH = "/tools/idconv/api/v1/articles/"
ESEARCH_PATH = "/entrez/eutils/esearch.fcgi"
MAX_IDS = 200
MAX_RESULTS = 9_999
"""ESearch gives no more ids than this for one query, whatever `retstart` says."""

EMBARGOED = {
    "doi": "10.9999/embargoed.2026.00001",
    "live": False,
    "pmcid": "PMC79999999",
    "pmid": 39999999,
    "release-date": "2027-03-11",
}

Query = Mapping[str, str]
Answer = tuple[int, str]
"""HTTP status and body."""


def convert_ids(bucket: Bucket, query: Query) -> Answer:
    """Any of PMCID, PMID, DOI, manuscript id to all of them; an unknown id does not spoil the answer."""
    ids = query.get("ids", "").split(",")
    if len(ids) > MAX_IDS:
        message = f"the number of ids {len(ids)} exceeds the maximum of {MAX_IDS}"
        return 400, json.dumps({"status": "error", "message": message})
    known: dict[str, dict[str, Any]] = {}
    for metadata in _last_versions(bucket):
        record = {name: metadata.get(name) for name in ("doi", "pmcid", "pmid", "mid") if metadata.get(name)}
        known |= {str(value).casefold(): record for value in record.values()}
    known |= {str(EMBARGOED[name]).casefold(): EMBARGOED for name in ("doi", "pmcid", "pmid")}
    id_type = query.get("idtype")
    records = []
    for requested in ids:
        name = f"PMC{requested}" if id_type == "pmcid" and requested.isdigit() else requested
        if found := known.get(name.casefold()):
            records.append({**found, "requested-id": requested})
        else:
            error = {"status": "error", "errmsg": "Identifier not found in PMC"}
            records.append({id_type or _id_type(requested): requested, "requested-id": requested, **error})
    return 200, json.dumps({"status": "ok", "request": dict(query), "records": records})


def _id_type(text: str) -> str:
    if text.startswith("10."):
        return "doi"
    return "pmcid" if text.upper().startswith("PMC") else "pmid" if text.isdigit() else "mid"


def search(bucket: Bucket, query: Query, max_results: int = MAX_RESULTS) -> Answer:
    """ESearch in `db=pmc`: ids without "PMC", newest first; XML, or JSON with retmode=json.

    A term is words of the title, `…[Filter]`, dates `[pmcrdat]`, AND, OR, NOT and brackets, read from left to right.
    """
    start, wanted = int(query.get("retstart", 0)), int(query.get("retmax", 20))
    as_json = "json" in (query.get("retmode"), query.get("format"))
    if start >= max_results:
        error = f"Search Backend failed: 'retstart' cannot be larger than {max_results - 1}"
        body = json.dumps({"esearchresult": {"ERROR": error}})
        return 200, body if as_json else f"<eSearchResult><ERROR>{error}</ERROR></eSearchResult>"
    articles = {str(metadata["pmcid"])[3:]: metadata for metadata in _last_versions(bucket)}
    tokens = re.findall(r'\(|\)|"[^"]*"|[^\s()]+', query.get("term", ""))
    found = sorted(_expression(bucket, articles, tokens), key=int, reverse=True)
    ids = found[start : min(start + wanted, max_results)]
    if as_json:
        result = {"count": str(len(found)), "retmax": str(len(ids)), "retstart": str(start), "idlist": ids}
        return 200, json.dumps({"header": {"type": "esearch", "version": "0.3"}, "esearchresult": result})
    id_list = "".join(f"<Id>{number}</Id>" for number in ids)
    counts = f"<Count>{len(found)}</Count><RetMax>{len(ids)}</RetMax><RetStart>{start}</RetStart>"
    return 200, f"{XML_DECLARATION}<eSearchResult>{counts}<IdList>{id_list}</IdList></eSearchResult>"


def _last_versions(bucket: Bucket) -> list[Metadata]:
    """The metadata of each PMCID's highest version."""
    found = [json.loads(bucket[key].read()) for key in bucket.keys("metadata/")]
    return list({metadata["pmcid"]: metadata for metadata in sorted(found, key=lambda m: int(m["version"]))}.values())


def _expression(bucket: Bucket, articles: Mapping[str, Metadata], tokens: list[str]) -> set[str]:
    """Consume tokens up to a closing bracket or the end; the numbers of the articles that match."""
    matching, operator = set(articles), "AND"
    while tokens:
        token = tokens.pop(0)
        if token == ")":
            break
        if token in ("AND", "OR", "NOT"):
            operator = token
            continue
        right = _expression(bucket, articles, tokens) if token == "(" else _matches(bucket, articles, token.strip('"'))
        matching = {"AND": matching & right, "OR": matching | right, "NOT": matching - right}[operator]
        operator = "AND"
    return matching


def _matches(bucket: Bucket, articles: Mapping[str, Metadata], token: str) -> set[str]:
    word, _, field = token.rstrip("]").partition("[")
    if field == "Filter":
        return {number for number, metadata in articles.items() if word in _filters(metadata)}
    if field == "pmcrdat":
        first, _, last = word.partition(":")
        since, until = (datetime.strptime(day, "%Y/%m/%d").date() for day in (first, last or first))
        return {
            number
            for number, metadata in articles.items()
            if since <= bucket[f"metadata/PMC{number}.{metadata['version']}.json"].last_modified.date() <= until
        }
    return {number for number, metadata in articles.items() if word.casefold() in str(metadata["title"]).casefold()}


def _filters(metadata: Metadata) -> set[str]:
    """cc_by-nc_license, open_access, author_manuscript …"""
    code = str(metadata["license_code"]).lower().removeprefix("cc").strip()
    names = {"cc0_license" if code == "0" else f"cc_{code}_license"}
    return names | {
        name
        for name, flag in (("open_access", "is_pmc_openaccess"), ("author_manuscript", "is_manuscript"))
        if metadata[flag]
    }
