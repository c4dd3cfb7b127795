"""The metadata JSON of an article version, read liberally: unknown, missing and null keys never fail a record.

Fields: https://pmc-oa-opendata.s3.amazonaws.com/README.txt
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pmc15m.jats.licence import group_of
from pmc15m.sources.model import Facts, Reason
from pmc15m.sources.names import BUCKET, is_safe_name

_MD5 = re.compile(r"[0-9a-f]{32}")
_MAX_MEDIA = 20_000


@dataclass(frozen=True, slots=True)
class Published:
    """One object as the metadata names it. `reason` is set where the address must not be followed."""

    name: str
    md5: str | None  # null: cannot be verified
    as_written: str = ""  # the name in the address, where that may be percent-encoded
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the service says of an article version."""

    facts: Facts
    xml: Published | None
    media: tuple[Published, ...]

    @property
    def is_manuscript(self) -> bool:
        return bool(self.facts["is_manuscript"])


def read_metadata(data: bytes, pmcid: str, version: int) -> Metadata | None:
    """Parse one record; None where it is no JSON object or speaks of another article."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("pmcid", pmcid) != pmcid or record.get("version", version) != version:
        return None
    prefix = f"{pmcid}.{version}/"
    urls = record.get("media_urls")
    media: dict[str, Published] = {}
    for url in urls[:_MAX_MEDIA] if isinstance(urls, list) else ():
        if isinstance(url, str):
            published = _published(url, prefix)
            media.setdefault(published.name, published)
    xml_url = record.get("xml_url")
    xml = _published(xml_url, prefix) if isinstance(xml_url, str) else None
    return Metadata(facts=_facts(record), xml=xml, media=tuple(media.values()))


def _facts(record: Mapping[str, Any]) -> Facts:
    code = _text(record.get("license_code"))
    return {
        "pmid": _text(record.get("pmid")),
        "doi": _text(record.get("doi")),
        "licence_code": code,
        "licence_group": str(group_of(code)),
        **{
            key: record[key] if isinstance(record.get(key), bool) else None
            for key in ("is_pmc_openaccess", "is_manuscript", "is_historical_ocr", "is_retracted")
        },
    }


def _published(url: str, prefix: str) -> Published:
    """An address `s3://bucket/PMC1.1/name?md5=…`, taken apart."""
    address, found, md5 = url.rpartition("?md5=")
    if not found:
        address, md5 = url, ""
    known_md5 = md5 if _MD5.fullmatch(md5) else None
    start = f"s3://{BUCKET}/{prefix}"
    if not address.startswith(start):
        return Published(address, known_md5, reason=Reason.FOREIGN_ADDRESS)
    raw = address.removeprefix(start)
    name = unquote(raw, errors="strict") if _decodes(raw) else raw
    if not is_safe_name(raw) or not is_safe_name(name):
        return Published(raw, known_md5, reason=Reason.UNSAFE_NAME)
    return Published(name, known_md5, raw)


def _decodes(text: str) -> bool:
    try:
        unquote(text, errors="strict")
    except UnicodeDecodeError:
        return False
    return True


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
