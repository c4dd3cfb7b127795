"""Text as a reader sees it: from an element to plain text with the spans of its markup.

The rules, one place for captions, labels, titles and paragraphs:

- White space of any kind is one blank; soft hyphens, zero-width characters and invisible operators are dropped.
- Blocks (`p`, `title`, `list-item` …) are set off by a blank; inline elements add nothing.
- A list whose labels exist as numbering only gets them written out, "(A) ", marked as generated.
- A formula stands once: TeX, else MathML run together, else its alternative text.
- Super- and subscripts become Unicode ones if every character has one that NFKC takes back to itself
  (digits and + − = ( )); all others stay as they are and only their span says what they were. So 10⁵ never
  reads 105, and NFKC of the text is always NFKC of the source.
- Objects with a caption of their own (source data, tables, nested figures) are left out, as are `attrib`,
  `permissions`, `alt-text`, comments and processing instructions.
"""

import re
from collections.abc import Callable
from html.entities import html5

from lxml import etree

from pmc15m.jats.formula import formula_text
from pmc15m.jats.model import Mark, Markup
from pmc15m.jats.tree import Element, names_of

_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060-\u2064\ufeff]")
_SUPERSCRIPT = str.maketrans("0123456789+\u2212=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾")
_SUBSCRIPT = str.maketrans("0123456789+\u2212=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_RAISABLE = re.compile("[0-9+\u2212=()]+")

_BLOCKS = names_of(
    """p title subtitle list list-item def-list def-item term def disp-quote disp-formula-group boxed-text sec
    caption verse-group verse-line speech statement preformat code array table thead tbody tfoot tr td th
    speaker trans-title abstract kwd fn"""
)
_LEFT_OUT = names_of(
    """object-id alt-text long-desc attrib permissions supplementary-material media fig fig-group table-wrap
    table-wrap-group graphic inline-graphic index-term index-term-range-end related-article related-object
    processing-meta textual-form-source floats-group floats-wrap"""
)
_FORMULAS = frozenset(["inline-formula", "disp-formula", "math", "tex-math", "chem-struct", "alternatives"])
_LETTERS = {"alpha-lower": "a", "alpha-upper": "A"}
_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


class Text:
    """Collects pieces of text; `str` gives the text so far."""

    __slots__ = ("_blank", "_parts", "length", "spans")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._blank = False
        self.length = 0
        self.spans: list[Markup] = []

    def __str__(self) -> str:
        return "".join(self._parts)

    def add(self, piece: str) -> None:
        """Append a piece, its white space collapsed with what went before."""
        if not piece.isascii():
            piece = _INVISIBLE.sub("", piece)
        words = piece.split()
        if not words:
            if piece:
                self._blank = True
            return
        if (self._blank or piece[0].isspace()) and self.length:
            self._parts.append(" ")
            self.length += 1
        text = " ".join(words)
        self._parts.append(text)
        self.length += len(text)
        self._blank = piece[-1].isspace()

    def blank(self) -> None:
        """Set what follows off by a blank."""
        self._blank = True

    def open(self) -> tuple[int, int]:
        """A place to which `close` and `raise_since` refer."""
        return self.length, len(self._parts)

    def close(self, place: tuple[int, int], kind: Mark) -> None:
        """Record the text since `place` as a span, unless it is empty."""
        start, part = place
        if self.length > start:
            if start and self._parts[part] == " ":
                start += 1
            self.spans.append(Markup(start, self.length, kind))

    def raise_since(self, place: tuple[int, int], kind: Mark) -> None:
        """Record the text since `place` as super- or subscript, in Unicode if that loses nothing."""
        self.close(place, kind)
        run = "".join(self._parts[place[1] :])
        if _RAISABLE.fullmatch(run.lstrip(" ")):
            self._parts[place[1] :] = [run.translate(_SUPERSCRIPT if kind is Mark.SUP else _SUBSCRIPT)]


Visit = Callable[[Element, int, int], None]


def plain(element: Element | None) -> str | None:
    """The text of an element; null if there is none."""
    if element is None:
        return None
    out = Text()
    if len(element):
        walk(element, out)
    else:
        out.add(element.text or "")
    return str(out) or None


def walk(element: Element, out: Text, on_xref: Visit | None = None) -> None:
    """Add the text of an element (without its tail). `on_xref` gets each `xref` with its start and end."""
    text = element.text
    if text:
        out.add(text)
    for child in element:
        tag = child.tag
        if tag in _SPAN_KINDS:
            place = out.open()
            if len(child):
                walk(child, out, on_xref)
            elif child.text:
                out.add(child.text)
            kind = _SPAN_KINDS[tag]
            if kind is Mark.SUP or kind is Mark.SUB:
                out.raise_since(place, kind)
            else:
                out.close(place, kind)
        elif tag in _SPECIAL:
            _SPECIAL[tag](child, out, on_xref)
        elif isinstance(tag, str):
            if tag[0] == "{":
                _foreign(child, out, on_xref)
            elif len(child):
                walk(child, out, on_xref)
            elif child.text:
                out.add(child.text)
        elif tag is etree.Entity:
            out.add(html5.get(child.name + ";", child.text))
        tail = child.tail
        if tail:
            out.add(tail)


def _block(element: Element, out: Text, on_xref: Visit | None) -> None:
    out.blank()
    walk(element, out, on_xref)
    out.blank()


def _skip(element: Element, out: Text, on_xref: Visit | None) -> None:
    pass


def _break(element: Element, out: Text, on_xref: Visit | None) -> None:
    out.blank()


def _xref(element: Element, out: Text, on_xref: Visit | None) -> None:
    start = out.length
    walk(element, out, on_xref)
    if on_xref is not None:
        on_xref(element, start, out.length)


def _formula(element: Element, out: Text, on_xref: Visit | None) -> None:
    text = formula_text(element)
    block = element.tag == "disp-formula"
    if block:
        out.blank()
    place = out.open()
    if text is not None:
        out.add(text)
        out.close(place, Mark.FORMULA)
    else:
        walk(element, out, on_xref)
        if out.open() == place and (alternative := element.findtext(".//alt-text")):
            out.add(alternative)
            out.close(place, Mark.FORMULA)
    if block:
        out.blank()


def _foreign(element: Element, out: Text, on_xref: Visit | None) -> None:
    if element.tag.endswith("}math"):
        _formula(element, out, on_xref)
    else:
        walk(element, out, on_xref)


def _list(element: Element, out: Text, on_xref: Visit | None) -> None:
    out.blank()
    number = 0
    for child in element:
        if child.tag != "list-item":
            if isinstance(child.tag, str):
                _block(child, out, on_xref)
            continue
        number += 1
        out.blank()
        label = child.find("label")
        if label is None and (letter := _numbering(element.get("list-type", ""), number)):
            place = out.open()
            out.add(f"({letter})")
            out.close(place, Mark.GENERATED)
            out.blank()
        for part in child:
            if part.tag == "label":
                _block(part, out, on_xref)
        _list_item(child, out, on_xref)
        out.blank()


def _list_item(item: Element, out: Text, on_xref: Visit | None) -> None:
    if item.text:
        out.add(item.text)
    for part in item:
        if part.tag in _SPECIAL:
            _SPECIAL[part.tag](part, out, on_xref)
        elif isinstance(part.tag, str) and part.tag != "label":
            walk(part, out, on_xref)
        if part.tail:
            out.add(part.tail)


def _numbering(list_type: str, number: int) -> str | None:
    """The label that a numbered list gives to its n-th item; null for bullets and plain lists."""
    if list_type in _LETTERS:
        return chr(ord(_LETTERS[list_type]) + number - 1) if number <= 26 else None
    if list_type in ("order", "ordered", "arabic", "number"):
        return str(number)
    if list_type in ("roman-lower", "roman-upper") and number < 40:
        roman, rest = "", number
        for value, letters in _ROMAN:
            roman += letters * (rest // value)
            rest %= value
        return roman.upper() if list_type == "roman-upper" else roman
    return None


_SPAN_KINDS: dict[object, Mark] = {
    "bold": Mark.BOLD,
    "italic": Mark.ITALIC,
    "sup": Mark.SUP,
    "sub": Mark.SUB,
}
_SPECIAL: dict[object, Callable[[Element, Text, Visit | None], None]] = {
    **dict.fromkeys(_BLOCKS, _block),
    **dict.fromkeys(_LEFT_OUT, _skip),
    **dict.fromkeys(_FORMULAS, _formula),
    "break": _break,
    "hr": _break,
    "list": _list,
    "xref": _xref,
}
