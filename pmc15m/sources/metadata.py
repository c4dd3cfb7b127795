"""The metadata JSON of an article version, read liberally: unknown, missing, null and odd values never fail a record.

Fields: https://pmc-oa-opendata.s3.amazonaws.com/README.txt
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from pmc15m.jats.licence import group_of
from pmc15m.sources.model import Facts, Reason
from pmc15m.sources.names import BUCKET, is_safe_name

_MD5 = re.compile(r"[0-9a-f]{32}")
_LONGEST_NUMBER = 18  # digits; beyond 4,300 Python refuses to read one
_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_IDENTIFIER = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,1000}")
_PMID = re.compile(r"[0-9]{1,12}")


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
    record = _read_object(data)
    if record is None:
        return None
    said = _clean(record)
    if said.get("pmcid") not in (None, pmcid) or said.get("version") not in (None, version):
        return None
    prefix = f"{pmcid}.{version}/"
    urls = record.get("media_urls")
    media = _media([url for url in urls if isinstance(url, str)] if isinstance(urls, list) else [], prefix)
    xml_url = record.get("xml_url")
    xml = _published(xml_url, prefix) if isinstance(xml_url, str) else None
    return Metadata(facts=_facts(said), xml=xml, media=media)


def clean_metadata(content: bytes) -> Mapping[str, Any]:
    """What a record says of its article, in values that every table can hold; empty where it is no JSON object.

    Of the known keys (`_VALUES`), those that the record has: texts without control characters and lone surrogates,
    flags as bool; null for null and for what is of another type. Never raises.
    """
    return _clean(_read_object(content) or {})


def _read_object(data: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(data, parse_int=lambda digits: int(digits) if len(digits) <= _LONGEST_NUMBER else None)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _clean(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: read(record[key]) for key, read in _VALUES.items() if key in record}


def _text(value: object) -> str | None:
    return printable(value) if isinstance(value, str) else None


def _identifier(value: object) -> str | None:
    """A damaged identifier is another one, and a damaged licence none."""
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else None


def _pmid(value: object) -> str | None:
    digits = str(value) if isinstance(value, str | int) else ""
    return digits if _PMID.fullmatch(digits) else None


def _version(value: object) -> int | None:
    digits = _pmid(value)
    return None if digits is None else int(digits)


def _flag(value: object) -> bool | None:
    word = str(value).lower() if isinstance(value, str | int) else ""
    return True if word in ("true", "1", "yes") else False if word in ("false", "0", "no") else None


_FLAGS = ("is_pmc_openaccess", "is_manuscript", "is_historical_ocr", "is_retracted")
_VALUES: Mapping[str, Callable[[object], Any]] = {
    **dict.fromkeys(("pmcid", "doi", "license_code"), _identifier),
    **dict.fromkeys(("title", "citation"), _text),
    "pmid": _pmid,
    "version": _version,
    **dict.fromkeys(_FLAGS, _flag),
}


def printable(text: str) -> str:
    """A text that UTF-8, Parquet and terminals can hold: no control characters, no lone surrogates."""
    return _ODD.sub(lambda odd: " " if odd[0].isspace() else "\ufffd", text)


def _facts(said: Mapping[str, Any]) -> Facts:
    code = said.get("license_code")
    return {
        "pmid": said.get("pmid"),
        "doi": said.get("doi"),
        "licence_code": code,
        "licence_group": str(group_of(code)),
        **{key: said.get(key) for key in _FLAGS},
    }


def _media(urls: Sequence[str], prefix: str) -> tuple[Published, ...]:
    """The media by the names that tell them apart: decoded, unless two objects would then have one name."""
    media = list({(item.name, item.md5): item for item in (_published(url, prefix) for url in urls)}.values())
    if len({item.name for item in media}) < len(media):
        as_written = {item.as_written or item.name: item for item in media}
        media = [replace(item, name=name) for name, item in as_written.items()]
    return tuple(media)


def _published(url: str, prefix: str) -> Published:
    """An address `s3://bucket/PMC1.1/name?md5=…`, taken apart."""
    address, found, md5 = url.rpartition("?md5=")
    if not found:
        address, md5 = url, ""
    known_md5 = md5 if _MD5.fullmatch(md5) else None
    start = f"s3://{BUCKET}/{prefix}"
    if not address.startswith(start):
        return Published(printable(address), known_md5, reason=Reason.FOREIGN_ADDRESS)
    raw = address.removeprefix(start)
    name = unquote(raw, errors="strict") if _decodes(raw) else raw
    if not is_safe_name(raw) or not is_safe_name(name):
        return Published(printable(raw), known_md5, reason=Reason.UNSAFE_NAME)
    return Published(name, known_md5, raw)


def _decodes(text: str) -> bool:
    try:
        unquote(text, errors="strict")
    except UnicodeDecodeError:
        return False
    return True
