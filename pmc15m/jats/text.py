"""Text as a reader sees it: from an element to plain text with the spans of its markup.

The rules, one place for captions, labels, titles and paragraphs:

- White space of any kind is one blank; soft hyphens, zero-width characters and invisible operators are dropped.
- Blocks (`p`, `title`, `list-item` …) are set off by a blank; inline elements add nothing.
- A list whose labels exist as numbering only gets them written out, "(A) ", marked as generated.
- A formula stands once: MathML, else TeX as written, else its alternative text, else, where it is a picture, the sign
  `[formula]`. A picture within a line (`inline-graphic`: the sign of a curve) reads `[symbol]`, so that no sentence
  has a hole. No blank that only sets a formula off stands before a comma, stop or closing bracket.
- Super- and subscripts are those of Unicode, or follow `^` or `_` where they would read as part of the number or word
  before them (`scripts`): 10⁵, 10^3.5, never 105 or 103.5.
- The numbers of references that are raised, or glued to the word or stop before them, are noted in captions
  (`references`), whose text then leaves them out; other texts keep them, raised: 'in 2015¹²,¹³'. Numbers in brackets,
  '[12]', are text. A number counts as that of a reference if an `xref` holds it, or if it stands in a raised list
  behind a word, year or stop.
- Objects with a caption of their own (source data, tables, nested figures) are left out, as are `attrib`,
  `permissions`, `alt-text`, comments and processing instructions.
"""

import re
from collections.abc import Callable, Collection
from typing import TypeAlias

from lxml import etree

from pmc15m.jats.formula import formula_text
from pmc15m.jats.model import Mark, Markup
from pmc15m.jats.scripts import raised, raised_anywhere
from pmc15m.jats.tree import Element, names_of

_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060-\u2064\ufeff]")
_CLOSING = ",.;:)]"
_REFERENCES = re.compile(r"[\[(]?\d{1,3}[a-z]?(?:\s*[,;–-]\s*\d{1,3}[a-z]?)*[\])]?,?")
_RAISED_LIST = re.compile(r"\d{1,3}(?:\s*,\s*\d{1,3}|\s*[–-]\s*\d{1,3})+")
_RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)")
_LONGEST_RANGE = 15
"""Of references in one place; a longer one is that of residues: OsTRFL1⁴⁸⁶–⁶²³."""
_CITING = re.compile(r"(?:[^\W\d_A-Z]{3}|[.,;:)\]”\"’]|\b(?:19|20)\d\d)$")
"""What a raised list of references stands behind: a word, a stop, a year."""
_GLUED = re.compile(r"(?:\w|[.)”\"’%]|[^\W\d_][,;:])$")
_NAMED = re.compile(r"\b[Rr]efs?\.?\s?$")
"""Where the number is a word of the sentence: 'taken from ref.¹²'."""
_SEPARATOR = re.compile(r"\s*[,;–—-]?\s*")
_LONGEST_SEPARATOR = 3

_BLOCKS = names_of(
    """p title subtitle list list-item def-list def-item term def disp-quote disp-formula-group boxed-text sec
    caption verse-group verse-line speech statement preformat array table thead tbody tfoot tr td th
    speaker trans-title abstract kwd"""
)
_LEFT_OUT = names_of(
    """object-id alt-text long-desc attrib permissions supplementary-material media fig fig-group table-wrap
    table-wrap-group graphic index-term index-term-range-end related-article related-object
    processing-meta textual-form-source floats-group floats-wrap"""
)
_CITED = frozenset(["bibr", "ref", "fn"])
_FORMULAS = names_of(
    "inline-formula disp-formula math {http://www.w3.org/1998/Math/MathML}math tex-math chem-struct alternatives"
)
_LETTERS = {"alpha-lower": "a", "alpha-upper": "A"}
_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


PICTURED_FORMULA, PICTURED_SYMBOL = "[formula]", "[symbol]"
"""What stands for a formula, and for a picture within a line, that has no text."""

Place: TypeAlias = tuple[int, int]
"""A place in a text: its length, and the number of its pieces."""


class Text:
    """Collects pieces of text; `str` gives the text so far, its white space collapsed.

    With `spans` the offsets of markup are recorded, with those of `references` and the `edges` of blocks; with
    `watched`, those of these elements (in `found`).
    """

    __slots__ = (
        *("_done", "_ends_blank", "_formula_end", "_length", "_raw", "add", "edges", "found", "references", "spans"),
        *("special", "watched"),
    )

    def __init__(self, *, spans: bool = False, watched: Collection[Element] = ()) -> None:
        self._raw: list[str] = []
        self.add = self._raw.append
        """Append a piece as it stands in the XML. A blank sets what follows off."""
        self._done: list[str] = []
        self._length = 0
        self._ends_blank = False
        self._formula_end = -1
        self.spans: list[Markup] | None = [] if spans else None
        self.references: list[tuple[int, int]] = []
        self.edges: list[int] = []
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
                blank = self._ends_blank or piece[0].isspace()
                if self._length and blank and not (self._length == self._formula_end and text[0] in _CLOSING):
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

    def run(self, place: Place) -> str:
        """The text since a place that `open` gave, without the blank before it."""
        self.length()
        return "".join(self._done[place[1] :]).lstrip(" ")

    def before(self, place: Place) -> str:
        """The last characters before a place."""
        return "".join(self._done[max(0, place[1] - 3) : place[1]])[-8:]

    def close_formula(self, place: Place) -> None:
        """Record the text since a place as a formula, which no blank divides from a comma or stop."""
        self.close(place, Mark.FORMULA)
        self._formula_end = self._length

    def follows_references(self, place: Place) -> bool:
        """True if numbers of references stand just before a place, with a separator at most between."""
        gap = place[0] - self.references[-1][1] if self.references else -1
        between = self.before(place)[-gap:] if gap > 0 else ""
        return 0 <= gap <= _LONGEST_SEPARATOR and _SEPARATOR.fullmatch(between) is not None

    def cite_since(self, place: Place) -> None:
        """Record the text since a place as numbers of references, together with those just before it."""
        start, end = self.since(place)
        if self.follows_references(place):
            start = self.references.pop()[0]
        self.references.append((start, end))

    def raise_since(self, place: Place, kind: Mark, element: Element) -> None:
        """Record the text since a place, that of an element, as super- or subscript, and write it as one."""
        start, end = self.since(place)
        if end == start:
            return
        run = self.run(place)
        lead = " " if start > place[0] else ""
        text, put = raised_anywhere(run, kind), 0
        if text is None:
            text, put = raised(run, self.before(place) + lead, _after(element), kind)
        self._done[place[1] :] = [lead + text]
        self._length += len(text) - len(run)
        if put:
            self._move(start, put)
        self.close(place, kind)

    def _move(self, start: int, by: int) -> None:
        """Move what was recorded from `start` on, the last records, by what is put in there."""
        spans = self.spans or []
        for place in reversed(range(len(spans))):
            span = spans[place]
            if span.start < start:
                break
            spans[place] = Markup(span.start + by, span.end + by, span.kind)
        for element in reversed(self.found):
            first, last = self.found[element]
            if first < start:
                break
            self.found[element] = first + by, last + by
        for place in reversed(range(len(self.references))):
            first, last = self.references[place]
            if first < start:
                break
            self.references[place] = first + by, last + by


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
    text = "" if len(element) else element.text or ""
    if text and text == text.strip() and (plain := raised_anywhere(text, kind)) is not None:
        if out.spans is None:
            out.add(plain)
            return
        if kind is Mark.SUB or not _RAISED_LIST.match(text):
            start = out.open()
            out.add(plain)
            out.close(start, kind)
            return
    start = out.open()
    walk(element, out)
    if out.spans is not None and kind is Mark.SUP and _is_cited(element, out, start):
        out.cite_since(start)
    else:
        out.raise_since(start, kind, element)


def _is_cited(element: Element, out: Text, start: Place) -> bool:
    """True if a superscript holds numbers of references."""
    run, before = out.run(start), out.before(start)
    if _NAMED.search(before):
        return False
    if next(element.iter("xref"), None) is not None:
        cited = (xref.get("ref-type") in _CITED for xref in element.iter("xref"))
        return all(cited) and _REFERENCES.fullmatch(run) is not None
    if not _RAISED_LIST.fullmatch(run) or not _CITING.search(before):
        return False
    return all(0 < int(last) - int(first) <= _LONGEST_RANGE for first, last in _RANGE.findall(run))


def _after(element: Element) -> str:
    """The character that follows an element within its block, or nothing."""
    while not element.tail:
        following = element.getnext()
        if following is None:
            parent = element.getparent()
            if parent is None or parent.tag in _BLOCKS:
                return ""
            element = parent
        elif isinstance(following.tag, str) and (text := next(filter(None, following.itertext()), "")):
            return text[:1]
        else:
            element = following
    return str(element.tail[:1])


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


def _edged_block(element: Element, out: Text) -> None:
    out.edges.append(out.length())
    _block(element, out)
    out.edges.append(out.length())


def _term(element: Element, out: Text) -> None:
    out.add(" ")
    start = out.open()
    walk(element, out)
    out.close(start, Mark.LABEL)
    out.add(" ")


def _break(element: Element, out: Text) -> None:
    out.add(" ")


def _xref(element: Element, out: Text) -> None:
    if element not in out.watched:
        _inline(element, out)
        return
    start = out.open()
    walk(element, out)
    out.found[element] = out.since(start)


def _citing_xref(element: Element, out: Text) -> None:
    start = out.open()
    walk(element, out)
    if element.get("ref-type") not in _CITED or not _REFERENCES.fullmatch(out.run(start)):
        return
    before = out.before(start) + " " * (out.since(start)[0] > start[0])
    if out.follows_references(start) or (_GLUED.search(before) and not _NAMED.search(before)):
        out.cite_since(start)


def _formula(element: Element, out: Text) -> None:
    text = formula_text(element)
    if element.tag == "disp-formula":
        out.add(" ")
    start = out.open()
    if text is None:
        walk(element, out)
    else:
        out.add(text or element.findtext(".//alt-text") or (PICTURED_FORMULA if _is_picture(element) else ""))
        out.close_formula(start)
    if element.tag == "disp-formula":
        out.add(" ")


def _is_picture(element: Element) -> bool:
    return element.tag != "alternatives" and next(element.iter("inline-graphic", "graphic"), None) is not None


def _symbol(element: Element, out: Text) -> None:
    start = out.open()
    out.add(element.findtext("alt-text") or PICTURED_SYMBOL)
    out.close_formula(start)


def _list(element: Element, out: Text) -> None:
    number = 0
    for child in element:
        out.add(" ")
        if child.tag != "list-item":
            add_child(child, out)
            continue
        number += 1
        start = out.open()
        out.edges.append(start[0])
        label = next(child.iterchildren("label"), None)
        if label is not None:
            walk(label, out)
        elif letter := _numbering(element.get("list-type", ""), number):
            out.add(f"({letter})")
            out.close(start, Mark.GENERATED)
        out.close(start, Mark.LABEL)
        out.add(" ")
        for part in child:
            if part is not label:
                add_child(part, out)
            if part.tail:
                out.add(part.tail)
        out.edges.append(out.length())
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
_SPECIAL: dict[object, Callable[[Element, Text], None]] = {
    **dict.fromkeys(_BLOCKS, _block),
    **dict.fromkeys(_LEFT_OUT, _skip),
    **dict.fromkeys(_FORMULAS, _formula),
    **dict.fromkeys(_RAISING, _raised),
    "break": _break,
    "hr": _break,
    "inline-graphic": _symbol,
    "list": _list,
    etree.Comment: _skip,
    etree.ProcessingInstruction: _skip,
}
_SPECIAL_WITH_SPANS = (
    _SPECIAL
    | dict.fromkeys(_STYLES, _styled)
    | dict.fromkeys(("p", "title", "def-item"), _edged_block)
    | {"term": _term, "xref": _citing_xref}
)
_SPECIAL_WITH_XREFS = _SPECIAL | {"xref": _xref}
