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
from collections.abc import Callable, Collection
from typing import TypeAlias

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
    caption verse-group verse-line speech statement preformat array table thead tbody tfoot tr td th
    speaker trans-title abstract kwd"""
)
_LEFT_OUT = names_of(
    """object-id alt-text long-desc attrib permissions supplementary-material media fig fig-group table-wrap
    table-wrap-group graphic inline-graphic index-term index-term-range-end related-article related-object
    processing-meta textual-form-source floats-group floats-wrap"""
)
_FORMULAS = names_of(
    "inline-formula disp-formula math {http://www.w3.org/1998/Math/MathML}math tex-math chem-struct alternatives"
)
_LETTERS = {"alpha-lower": "a", "alpha-upper": "A"}
_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


Place: TypeAlias = tuple[int, int]
"""A place in a text: its length, and the number of its pieces."""


class Text:
    """Collects pieces of text; `str` gives the text so far, its white space collapsed.

    With `spans` the offsets of markup are recorded; with `watched`, those of these elements (in `found`).
    """

    __slots__ = ("_done", "_ends_blank", "_length", "_raw", "add", "found", "spans", "special", "watched")

    def __init__(self, *, spans: bool = False, watched: Collection[Element] = ()) -> None:
        self._raw: list[str] = []
        self.add = self._raw.append
        """Append a piece as it stands in the XML. A blank sets what follows off."""
        self._done: list[str] = []
        self._length = 0
        self._ends_blank = False
        self.spans: list[Markup] | None = [] if spans else None
        self.watched = watched
        self.special = _SPECIAL_WITH_SPANS if spans else _SPECIAL_WITH_XREFS if watched else _SPECIAL
        """What to do with elements that are more than text and children, by name."""
        self.found: dict[Element, tuple[int, int]] = {}

    def __str__(self) -> str:
        self.length()
        return "".join(self._done)

    def length(self) -> int:
        """Length of the text so far; a blank at its end does not count."""
        raw = self._raw
        if raw:
            piece = raw[0] if len(raw) == 1 else "".join(raw)
            raw.clear()
            text = squeeze(piece)
            if text:
                if self._length and (self._ends_blank or piece[0].isspace()):
                    text = " " + text
                self._done.append(text)
                self._length += len(text)
                self._ends_blank = piece[-1].isspace()
            elif piece.isspace():
                self._ends_blank = True
        return self._length

    def open(self) -> Place:
        """The place that has been reached, for `close`, `since` and `raise_since`."""
        return self.length(), len(self._done)

    def since(self, place: Place) -> tuple[int, int]:
        """Start and end of the text added since a place, without the blank before it."""
        start, piece = place
        end = self.length()
        if start and end > start and self._done[piece][0] == " ":
            start += 1
        return start, end

    def close(self, place: Place, kind: Mark) -> None:
        """Record the text since a place as a span, unless it is empty."""
        start, end = self.since(place)
        if end > start and self.spans is not None:
            self.spans.append(Markup(start, end, kind))

    def raise_since(self, place: Place, kind: Mark) -> None:
        """Record the text since a place as super- or subscript, in Unicode if that loses nothing."""
        self.close(place, kind)
        run = "".join(self._done[place[1] :])
        if _RAISABLE.fullmatch(run.lstrip(" ")):
            self._done[place[1] :] = [run.translate(_RAISED[kind])]


def squeeze(text: str) -> str:
    """White space collapsed and trimmed, invisible characters dropped."""
    if text.isprintable():  # neither invisible characters nor white space other than blanks: most of all text
        return " ".join(text.split()) if "  " in text else text.strip(" ")
    return " ".join(_INVISIBLE.sub("", text).split())


def plain(element: Element | None) -> str | None:
    """The text of an element; null if there is none."""
    if element is None:
        return None
    if not len(element):
        text = element.text
        return squeeze(text) or None if text else None
    out = Text()
    walk(element, out)
    return str(out) or None


def walk(element: Element, out: Text) -> None:
    """Add the text of an element, without its tail."""
    add = out.add
    special_of = out.special.get
    text = element.text
    if text:
        add(text)
    for child in element:
        special = special_of(child.tag)
        if special is not None:
            special(child, out)
        elif len(child):
            walk(child, out)
        else:
            text = child.text
            if text:
                add(text)
        tail = child.tail
        if tail:
            add(tail)


def add_child(child: Element, out: Text) -> None:
    """Add an element in the way that its tag asks for: as a block, inline, or not at all."""
    out.special.get(child.tag, _inline)(child, out)


def _styled(element: Element, out: Text) -> None:
    start = out.open()
    walk(element, out)
    out.close(start, _STYLES[element.tag])


def _raised(element: Element, out: Text) -> None:
    kind = _RAISING[element.tag]
    if out.spans is None and not len(element):
        text = element.text
        if text:
            out.add(text.translate(_RAISED[kind]) if _RAISABLE.fullmatch(text.strip()) else text)
        return
    start = out.open()
    walk(element, out)
    out.raise_since(start, kind)


def _inline(element: Element, out: Text) -> None:
    if len(element):
        walk(element, out)
    elif element.text:
        out.add(element.text)


def _block(element: Element, out: Text) -> None:
    out.add(" ")
    walk(element, out)
    out.add(" ")


def _skip(element: Element, out: Text) -> None:
    pass


def _break(element: Element, out: Text) -> None:
    out.add(" ")


def _xref(element: Element, out: Text) -> None:
    if element not in out.watched:
        _inline(element, out)
        return
    start = out.open()
    walk(element, out)
    out.found[element] = out.since(start)


def _formula(element: Element, out: Text) -> None:
    text = formula_text(element)
    if element.tag == "disp-formula":
        out.add(" ")
    start = out.open()
    if text is not None:
        out.add(text)
        out.close(start, Mark.FORMULA)
    else:
        walk(element, out)
        if out.open() == start and (alternative := element.findtext(".//alt-text")):
            out.add(alternative)
            out.close(start, Mark.FORMULA)
    if element.tag == "disp-formula":
        out.add(" ")


def _list(element: Element, out: Text) -> None:
    number = 0
    for child in element:
        out.add(" ")
        if child.tag != "list-item":
            add_child(child, out)
            continue
        number += 1
        label = next(child.iterchildren("label"), None)
        if label is not None:
            walk(label, out)
        elif letter := _numbering(element.get("list-type", ""), number):
            start = out.open()
            out.add(f"({letter})")
            out.close(start, Mark.GENERATED)
        out.add(" ")
        for part in child:
            if part is not label:
                add_child(part, out)
            if part.tail:
                out.add(part.tail)
    out.add(" ")


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


_STYLES: dict[object, Mark] = {"bold": Mark.BOLD, "italic": Mark.ITALIC}
_RAISING: dict[object, Mark] = {"sup": Mark.SUP, "sub": Mark.SUB}
_RAISED = {Mark.SUP: _SUPERSCRIPT, Mark.SUB: _SUBSCRIPT}
_SPECIAL: dict[object, Callable[[Element, Text], None]] = {
    **dict.fromkeys(_BLOCKS, _block),
    **dict.fromkeys(_LEFT_OUT, _skip),
    **dict.fromkeys(_FORMULAS, _formula),
    **dict.fromkeys(_RAISING, _raised),
    "break": _break,
    "hr": _break,
    "list": _list,
    etree.Comment: _skip,
    etree.ProcessingInstruction: _skip,
}
_SPECIAL_WITH_SPANS = _SPECIAL | dict.fromkeys(_STYLES, _styled)
_SPECIAL_WITH_XREFS = _SPECIAL | {"xref": _xref}
