"""Licences: from every form in which an article states one to a code, an address and a group.

The codes are those of PMC (`CC BY-NC-ND`, `CC0`) and `PD` for works in the public domain. What cannot be
recognised has no code and belongs to the group `other`, never to `commercial`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from pmc15m.jats.model import LicenceGroup

_COMMERCIAL = frozenset({"CC0", "PD", "CC BY", "CC BY-SA", "CC BY-ND"})
_CODES = _COMMERCIAL | {"CC BY-NC", "CC BY-NC-SA", "CC BY-NC-ND"}

_URL = re.compile(r"(?:https?://)?(?:www\.)?creativecommons\.org/[^\s\"'<>)\]},;]+", re.IGNORECASE)
_HINTS = ("commons", "cc", "public domain", "zero", "copyright", "reproduced")
_URL_TERMS = re.compile(
    r"creativecommons\.org/+licen[cs]es?/+(?:cc)?[\s_/-]*(by(?:[\s_-]*(?:nc|nd|sa))*)\b", re.IGNORECASE
)
_URL_ZERO = re.compile(r"creativecommons\.org/+(?:publicdomain/+zero|choose/zero|licenses/+(?:cc)?0)", re.IGNORECASE)
_URL_MARK = re.compile(r"creativecommons\.org/+(?:publicdomain/+mark|licenses/+publicdomain)", re.IGNORECASE)
_SHORT = re.compile(
    r"\bcc[\s_-]*by(?:[\s_-]*(?:nc|nd|sa))*(?![a-z])|\bccby(?:nc|nd|sa)*(?![a-z])|\bcreativecommonsby(?:-(?:nc|nd|sa))*(?![a-z])",
    re.IGNORECASE,
)
_ZERO = re.compile(r"\bcc[\s-]?(?:0|zero)\b|\bcc0license\b|public domain dedication", re.IGNORECASE)
_DOMAIN = re.compile(
    r"\b(?:is|are|as|being)\s+(?:a\s+work\s+)?in the public domain|public domain mark|"
    r"freely reproduced|free of all copyright|not subject to (?:u\.?s\.? )?copyright|no copyright protection",
    re.IGNORECASE,
)
_NAMED = re.compile(r"creative\s*commons|\bcc\b", re.IGNORECASE)
_ATTRIBUTION = re.compile(
    r"attribution|atribu(?:ição|ción|icao|cion)|attributions|reconocimiento|namensnennung|paternité|\bby\b",
    re.IGNORECASE,
)
_NONCOMMERCIAL = re.compile(r"non[\s\u2010-\u2015-]*commercial|n[ãa]o[\s-]*comercial|no[\s-]*comercial", re.IGNORECASE)
_NODERIVATIVES = re.compile(
    r"no[\s\u2010-\u2015-]*deriv|non[\s-]*deriv|sem[\s-]*deriv|sin[\s-]*(?:obra[\s-]*)?deriv", re.IGNORECASE
)
_SHAREALIKE = re.compile(r"share[\s\u2010-\u2015-]*alike|compartilha|compartir[\s-]*igual", re.IGNORECASE)
_DATA_ONLY = re.compile(
    r"\bdata\b[^.]{0,80}(?:zero|cc0|public domain)|(?:zero|cc0|public domain)[^.]{0,60}\bdata\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One `license` element: its addresses, its `license-type` and its words."""

    urls: tuple[str, ...]
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Licence:
    """The article's licence."""

    code: str | None
    url: str | None
    group: LicenceGroup
    text: str | None


def find_licence(statements: Iterable[Statement], code: str | None, copyright_text: str | None) -> Licence:
    """The first statement with a licence of the family decides; a waiver for the data only does not.

    `code` is PMC's own (`pmc-license-ref`) and wins over what the statements say.
    """
    given = list(statements)
    text = " ".join(statement.text for statement in given if statement.text) or None
    answers = [(_code_of(statement), statement) for statement in given]
    named = [(found, statement) for found, statement in answers if found]
    if len(named) > 1 and named[0][0] == "CC0":
        named.sort(key=lambda answer: answer[0] == "CC0")
    found = normalise(code or "") or (named[0][0] if named else None) or normalise(copyright_text or "")
    urls = [url for statement in given for url in (*statement.urls, *_addresses(statement.text))]
    own = [url for url in urls if normalise(url) == found]
    url = (own or [url for url in urls if not found])[:1]
    return Licence(found, url[0].rstrip(".") if url else None, group_of(found), text)


def group_of(code: str | None) -> LicenceGroup:
    """The group of a code; `other` for anything unknown."""
    if code in _COMMERCIAL:
        return LicenceGroup.COMMERCIAL
    return LicenceGroup.NONCOMMERCIAL if code in _CODES else LicenceGroup.OTHER


@lru_cache(maxsize=1024)
def normalise(words: str) -> str | None:
    """The licence code in an address, a short name or a sentence; null if it names none.

    >>> normalise("http://creativecommons.org/licenses/by-ncnd/4.0")
    'CC BY-NC-ND'
    """
    folded = words.casefold()
    if not any(hint in folded for hint in _HINTS):  # the patterns are dear
        return None
    for pattern in (_URL_TERMS, _SHORT):
        if match := pattern.search(words):
            return _code(match[0].casefold())
    if _URL_ZERO.search(words):
        return "CC0"
    if _URL_MARK.search(words):
        return "PD"
    if _NAMED.search(words) and _ATTRIBUTION.search(words):
        parts = [
            name
            for name, pattern in (("nc", _NONCOMMERCIAL), ("nd", _NODERIVATIVES), ("sa", _SHAREALIKE))
            if pattern.search(words)
        ]
        return _code("by-" + "-".join(parts))
    if _ZERO.search(words):
        return "CC0"
    return "PD" if _DOMAIN.search(words) else None


def _code_of(statement: Statement) -> str | None:
    for words in (*statement.urls, statement.kind):
        if code := normalise(words):
            return code
    if code := normalise(statement.text):
        return None if code == "CC0" and _DATA_ONLY.search(statement.text) else code
    return None


def _addresses(text: str) -> list[str]:
    return _URL.findall(text) if "creativecommons.org" in text.casefold() else []


def _code(terms: str) -> str:
    """'by-ncnd' → 'CC BY-NC-ND', in the usual order of the terms; nd and sa exclude each other."""
    tail = terms[terms.index("by") + 2 :]
    code = "CC BY"
    if "nc" in tail:
        code += "-NC"
    if "nd" in tail:
        return code + "-ND"
    return code + "-SA" if "sa" in tail else code
