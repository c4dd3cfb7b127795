"""Licences: from every form in which an article states one to a code, an address and a group.

The codes are those of PMC (`CC BY-NC-ND`, `CC0`) and `PD` for works in the public domain. A licence is read from its
address or from a name that can mean no other; what is denied, said of the data alone, or said in two ways that differ
has no code and belongs to the group `other`, never to `commercial`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from pmc15m.jats.model import LicenceGroup

_COMMERCIAL = frozenset({"CC0", "PD", "CC BY", "CC BY-SA", "CC BY-ND"})
_CODES = _COMMERCIAL | {"CC BY-NC", "CC BY-NC-SA", "CC BY-NC-ND"}
_WAIVERS = ("CC0", "PD")

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
_ATTRIBUTION = (
    r"(?:attributions?(?!\s+(?:to|of|is|are|must|shall|should|required)\b)|atribui?(?:ção|ción|cao|cion)|reconocimiento|"
    r"namensnennung|paternité)"
)
# What may stand between "Creative Commons" and "Attribution" in the name of a licence.
_FILLER = (
    r"(?:[\s\d.,:;()\[\]\"“”'’/–—-]|\b(?:the|terms?|of|under|public|cc|by|de|da|la|d|s|v|version|international|unported|"
    r"generic|licen[cs]es?|licen[çc]a|licencia|lizenz)\b)*"
)
_NAME = re.compile(
    rf"\b(?:creative\s*commons|cc)\b{_FILLER}{_ATTRIBUTION}|{_ATTRIBUTION}[\w\s.–—-]{{0,40}}\bcreative\s*commons",
    re.IGNORECASE,
)
_ZERO = re.compile(
    r"\bcc[\s-]?(?:0|zero)\b|\bcc0license\b|creative\s*commons\s+zero|public domain dedication", re.IGNORECASE
)
_DOMAIN = re.compile(
    r"\b(?:is|are|as|being|placed|released|dedicated)\s+(?:a\s+work\s+)?(?:in|into|to) the public domain|"
    r"public domain mark|freely reproduced|free of all copyright|not subject to (?:u\.?s\.? )?copyright|"
    r"no copyright protection",
    re.IGNORECASE,
)
_EITHER_USE = re.compile(
    r"\bcommercial(?:ly)?,?\s+(?:and|or|as well as)\s+non[\s\u2010-\u2015-]*commercial|"
    r"non[\s\u2010-\u2015-]*commercial(?:ly)?,?\s+(?:and|or|as well as)\s+commercial",
    re.IGNORECASE,
)
_NONCOMMERCIAL = re.compile(
    r"non[\s\u2010-\u2015-]*commercial|n[ãa]o[\s-]*comercial|no[\s-]*comercial|nicht[\s-]*kommerziell|"
    r"pas d.utilisation commerciale",
    re.IGNORECASE,
)
_NODERIVATIVES = re.compile(
    r"no[\s\u2010-\u2015-]*deriv|non[\s-]*deriv|sem[\s-]*deriv|sin[\s-]*(?:obra[\s-]*)?deriv|pas de modification|"
    r"keine[\s-]*bearbeitung",
    re.IGNORECASE,
)
_SHAREALIKE = re.compile(
    r"share[\s\u2010-\u2015-]*alike|compartilha|compartir[\s-]*igual|partage|gleichen[\s-]*bedingungen", re.IGNORECASE
)
_MENTION = re.compile(r"\bcc\b|creative\s*commons|creativecommons\.org", re.IGNORECASE)
_SENTENCES = re.compile(r"(?<=[.;!?])\s+")
_DENIED_BEFORE = re.compile(
    r"\b(?:not(?!\s+(?:only|just|subject|otherwise))|never|neither|nor|cannot|(?:is|are|do|does)n[’']t|"
    r"no longer|instead of|(?:rather|other) than|n[ãa]o(?![\s-]*comercial)|no (?:est[áa]|se)|"
    r"nicht(?![\s-]*kommerz)|n[’']est)\b[^;]{0,80}$|\bwithout(?:\s+(?:an?|any|the))?\s*$",
    re.IGNORECASE,
)
_DENIED_BEHIND = re.compile(
    r"[^;]{0,60}\b(?:(?:do|does|is|are|was|shall|will|may)\s+not|no longer)\s+(?:be\s+)?"
    r"(?:appl|cover|includ|exten|valid)",
    re.IGNORECASE,
)
# What a sentence speaks of first: a part of what was published, a case that may not be, or the article.
_SUBJECT = re.compile(
    r"\b(?:(?P<part>if(?!\s+not)|data|datasets?|code|software|scripts?|metadata|supplement\w*|images?|figures?)|articles?|works?|"
    r"papers?|manuscripts?|contents?|publications?|preprints?|texts?)\b",
    re.IGNORECASE,
)
_FOR_A_PART = re.compile(
    r"[^.;]{0,80}\b(?:appl\w+|holds?|valid)\s+(?:only\s+)?(?:to|for)\s+(?:the\s+|all\s+)?(?:data|code)", re.IGNORECASE
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
    """What all statements that name a licence agree on; a waiver for the data only does not count beside another.

    `code` is PMC's own (`pmc-license-ref`) and wins over what the statements say.
    """
    given = list(statements)
    text = " ".join(statement.text for statement in given if statement.text) or None
    found = normalise(code or "") or _only(map(_code_of, given)) or normalise(copyright_text or "")
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
    """The licence code in an address, a short name or a text; null if it names none, or more than one.

    >>> normalise("http://creativecommons.org/licenses/by-ncnd/4.0")
    'CC BY-NC-ND'
    """
    folded = words.casefold()
    if not any(hint in folded for hint in _HINTS):  # the patterns are dear
        return None
    sentences = _SENTENCES.split(words)
    return _only(code for each in sentences for code in _addressed(each)) or _only(
        code for each in sentences for code in _named(each)
    )


def _only(codes: Iterable[str | None]) -> str | None:
    """The one code that is meant: waivers yield to a licence, and what contradicts itself is none."""
    found = set(codes) - {None}
    licences = found.difference(_WAIVERS)
    if licences:
        return licences.pop() if len(licences) == 1 else None
    return next((waiver for waiver in _WAIVERS if waiver in found), None)


def _addressed(sentence: str) -> Iterator[str]:
    for match in _URL_TERMS.finditer(sentence):
        if _holds(sentence, match):
            yield _code(match[1].casefold())
    for pattern, code in ((_URL_ZERO, "CC0"), (_URL_MARK, "PD")):
        if any(_holds(sentence, match) for match in pattern.finditer(sentence)):
            yield code


def _named(sentence: str) -> Iterator[str]:
    """Codes of the names in a sentence; 'for non-commercial use' there narrows what a name grants."""
    words = _EITHER_USE.sub("", sentence)
    terms = "-".join(
        term
        for term, pattern in (("nc", _NONCOMMERCIAL), ("nd", _NODERIVATIVES), ("sa", _SHAREALIKE))
        if pattern.search(words)
    )
    short = [match for match in _SHORT.finditer(sentence) if _holds(sentence, match)]
    yield from (_code(f"{match[0].casefold()}-{terms}") for match in short)
    if not short and any(_holds(sentence, match) for match in _NAME.finditer(sentence)):
        yield _code(f"by-{terms}")
    for pattern, code in ((_ZERO, "CC0"), (_DOMAIN, "PD")):
        if any(_holds(sentence, match) for match in pattern.finditer(sentence)):
            yield code


def _holds(sentence: str, name: re.Match[str]) -> bool:
    """Whether the sentence grants what it names, and for the article."""
    return not (_is_of_a_part(sentence, name) or _is_denied(sentence, name))


def _is_of_a_part(sentence: str, name: re.Match[str]) -> bool:
    subject = _SUBJECT.search(sentence, 0, name.start())
    return bool((subject and subject["part"]) or _FOR_A_PART.match(sentence, name.end()))


def _is_denied(sentence: str, name: re.Match[str]) -> bool:
    return bool(_DENIED_BEFORE.search(sentence[: name.start()]) or _DENIED_BEHIND.match(sentence, name.end()))


def _code_of(statement: Statement) -> str | None:
    """What a statement's address, type or text names, unless all that the text says of the article is a denial."""
    said = [
        _is_denied(sentence, name)
        for sentence in _SENTENCES.split(statement.text)
        for name in _MENTION.finditer(sentence)
        if not _is_of_a_part(sentence, name)
    ]
    if said and all(said):
        return None
    return _only(map(normalise, statement.urls)) or normalise(statement.kind) or normalise(statement.text)


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
