"""Bytes of one file → the element tree of its article(s). No network, no DTD, no external entity, bounded size.

Parsing is strict first. What is not well-formed is repaired step by step (encoding, control characters, references
to what is no character), then parsed in recover mode; `Tree.intact` then tells which figures the damage cannot have
touched.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from lxml import etree

from pmc15m.jats.entities import mend_numeric, resolve_named
from pmc15m.jats.model import ArticleFlag, ArticleReason

Element: TypeAlias = etree._Element
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

MAX_BYTES = 64 * 1024 * 1024
"""Largest XML that is parsed. The largest article seen has 0.6 MB, the largest of PMC some tens."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_STRAY_BYTE = re.compile("[\udc80-\udcff]")
_DECLARATION = re.compile(rb"\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
_FIG_TAG = re.compile(rb"<(/?)(?:[A-Za-z_][\w.-]*:)?(fig|fig-group)\b[^<>]*?(/?)>")
_PREFIX_DECLARATION = re.compile(rb"\sxmlns:[\w.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*')")
_PREFIX = re.compile(rb"[<\s/]([A-Za-z_][\w.-]*):[A-Za-z_]")
_RESOURCE_ERRORS = frozenset({"ERR_RESOURCE_LIMIT", "ERR_ENTITY_LOOP", "ERR_NAME_TOO_LONG", "ERR_NO_MEMORY"})
_SAFE: dict[str, Any] = {
    "resolve_entities": "internal",
    "load_dtd": False,
    "no_network": True,
    "huge_tree": False,
}
_STRICT = etree.XMLParser(**_SAFE)
_DEEPEST_FIGURE = 8
_XLINK = b"http://www.w3.org/1999/xlink"


class UnusableXml(Exception):
    """The bytes give no article; `reason` says why."""

    def __init__(self, reason: ArticleReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Tree:
    """The articles of one file."""

    articles: tuple[Element, ...]
    flags: tuple[ArticleFlag, ...]
    intact: frozenset[str] | None
    """Fingerprints (`fingerprint`) of the figures that are well-formed by themselves; null: all are."""


def names_of(words: str) -> frozenset[str]:
    """A set of element names written as one line of text."""
    return frozenset(words.split())


def language_of(element: Element) -> str | None:
    """`xml:lang`, lower case."""
    language = element.get(_XML_LANG)
    return language.lower() if language else None


def children_by_tag(element: Element) -> dict[object, list[Element]]:
    """The child elements, in document order, by name."""
    found: dict[object, list[Element]] = {}
    for child in element:
        tag = child.tag
        if tag in found:
            found[tag].append(child)
        else:
            found[tag] = [child]
    return found


def read_tree(data: bytes, max_bytes: int = MAX_BYTES) -> Tree:
    """Parse one file.

    Raises:
        UnusableXml: nothing in it can be read as an article.
    """
    if not data.strip(b"\x00\t\n\r \xef\xbb\xbf"):
        raise UnusableXml(ArticleReason.EMPTY)
    if len(data) > max_bytes:
        raise UnusableXml(ArticleReason.TOO_LARGE)
    flags: list[ArticleFlag] = []
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = _utf8(data.decode("utf-16", "replace"))
    data, found, unknown = resolve_named(data)
    if found:
        flags.append(ArticleFlag.NAMED_ENTITIES)
    if unknown:
        flags.append(ArticleFlag.UNKNOWN_ENTITIES)
    intact = None
    root = _strict(data)
    if root is None:
        repaired = mend_numeric(_repair_characters(data))
        if repaired != data:
            flags.append(ArticleFlag.ENCODING_REPAIRED)
            root = _strict(data := repaired)
    if root is None:
        root, only_prefixes = _recover(data)
        flags.append(ArticleFlag.UNDECLARED_PREFIX if only_prefixes else ArticleFlag.RECOVERED)
        if not only_prefixes:
            intact = frozenset(_intact_figures(data))
    articles = tuple(_articles(root))
    if not articles:
        raise UnusableXml(ArticleReason.NO_ARTICLE)
    if len(articles) > 1:
        flags.append(ArticleFlag.SEVERAL_ARTICLES)
    return Tree(articles, tuple(flags), intact)


def fingerprint(figure: Element) -> str:
    """What two readings of one `fig` or `fig-group` have in common: its attributes, structure and text."""
    return repr(
        [
            (str(e.tag).rpartition("}")[2].rpartition(":")[2], sorted(e.attrib.values()), e.text)
            for e in figure.iter(etree.Element)
        ]
    )


def _strict(data: bytes) -> Element | None:
    try:
        root: Element = etree.fromstring(data, _STRICT)
    except (etree.XMLSyntaxError, ValueError, LookupError):  # the latter two: an encoding that nobody knows
        return None
    return root


def _recover(data: bytes) -> tuple[Element, bool]:
    """The tree, and whether prefixes without a declaration are all that is wrong with it."""
    parser = etree.XMLParser(recover=True, **_SAFE)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise UnusableXml(ArticleReason.NOT_XML) from error
    for entry in parser.error_log:
        if entry.type_name in _RESOURCE_ERRORS:
            deep = "depth" in entry.message
            raise UnusableXml(ArticleReason.TOO_DEEP if deep else ArticleReason.RESOURCE_LIMIT)
    if root is None:
        raise UnusableXml(ArticleReason.NOT_XML)
    return root, all(entry.type_name.startswith("NS_") for entry in parser.error_log)


def _repair_characters(data: bytes) -> bytes:
    """The same text as UTF-8 without what XML does not allow; bytes that are no UTF-8 are read as Windows-1252."""
    declared = _ENCODING.match(data[:200].lstrip(b"\xef\xbb\xbf"))
    try:
        text = data.decode(declared[1].decode("ascii") if declared else "utf-8")
    except (UnicodeDecodeError, LookupError):
        text = data.decode("utf-8", "surrogateescape")
        text = _STRAY_BYTE.sub(lambda stray: bytes([ord(stray[0]) - 0xDC00]).decode("cp1252", "replace"), text)
        return _utf8(_CONTROL.sub("", text))
    cleaned = _CONTROL.sub("", text)
    return data if cleaned == text else _utf8(cleaned)


def _utf8(text: str) -> bytes:
    return _DECLARATION.sub(b"", text.removeprefix("\ufeff").encode("utf-8", "replace"), count=1)


def _intact_figures(data: bytes) -> Iterator[str]:
    """Fingerprints of the `fig` and `fig-group` slices of damaged XML that are well-formed by themselves.

    A slice runs from a start tag to its own end tag, so no text of another figure can have slipped in. One end tag
    without a start says that pieces may have been lost or moved across figures: then none is trusted.
    """
    prefixes = dict.fromkeys(declaration.strip() for declaration in _PREFIX_DECLARATION.findall(data))
    names = {declaration.split(b"=")[0].removeprefix(b"xmlns:").strip() for declaration in prefixes}
    missing = set(_PREFIX.findall(data)) - names - {b"xml", b"xmlns", b"http", b"https"}
    declared = [*prefixes, *(b'xmlns:%s="%s"' % (name, _XLINK) for name in sorted(missing))]
    unique = {declaration.split(b"=")[0]: declaration for declaration in declared}
    head = b"<slice " + b" ".join(unique.values()) + b">"
    for start, end in _balanced_figures(data):
        root = _strict(head + data[start:end] + b"</slice>")
        if root is not None:
            yield fingerprint(root[0])


def _balanced_figures(data: bytes) -> list[tuple[int, int]]:
    """Start and end of every figure or group whose tags balance; nothing if any end tag has no start."""
    found = []
    open_tags: list[tuple[bytes, int]] = []
    for tag in _FIG_TAG.finditer(data):
        if tag[3]:
            continue
        if not tag[1]:
            open_tags.append((tag[2], tag.start()))
            continue
        while open_tags and open_tags[-1][0] != tag[2]:
            open_tags.pop()
        if not open_tags:
            return []
        start = open_tags.pop()[1]
        if len(open_tags) < _DEEPEST_FIGURE:
            found.append((start, tag.end()))
    return found


def _articles(root: Element) -> Iterator[Element]:
    """Every `article` of the file, whatever wraps it, with its elements freed from a JATS namespace."""
    if root.tag == "article":
        yield root
        return
    for element in root.iter("{*}article"):
        namespace = etree.QName(element).namespace
        if namespace:
            for inner in element.iter(f"{{{namespace}}}*"):
                inner.tag = etree.QName(inner).localname
        yield element
