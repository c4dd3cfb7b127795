"""What the words of a citation say: panels ('Fig. 2B,C'), ranges and lists of figures ('Figs 1–3, 5')."""

import re
from collections.abc import Iterator

_DASH = "-–—‐‑‒−"
RANGE_JOINER = re.compile(
    rf"[\s)\]]*(?:[{_DASH}]|to|through|thru|until|a|al|até|ao|à|bis)[\s(\[]*(?:figs?\.?|figures?|figuras?)?\s*",
    re.IGNORECASE,
)
"""Text between two citations that makes them a range."""

_NUMBERS = re.compile(rf"(\d{{1,3}})([A-Za-z]?)(?:\s*(?:[{_DASH}]|to|through)\s*(\d{{1,3}})(?!\d))?(?![\d%])")
_PANEL = r"[A-Za-z](?![A-Za-z\d])"
_MARK = rf"\(?(?:{_PANEL})['′*]?\)?"
_PANELS = re.compile(rf"{_MARK}(?:\s*(?:[{_DASH},;/&+]|,?\s*and|to)\s*{_MARK})*")
_INSIDE = re.compile(r"\d\s*[,:.]?\s*(?=[\[(]?[A-Za-z](?![A-Za-z\d]))")
_AFTER = re.compile(
    rf"\s?(?P<panels>\(?[A-Z](?![A-Za-z\d])['′]?\)?(?:\s*(?:[{_DASH},;/&]|and|to)\s*\(?[A-Z](?![A-Za-z\d])['′]?\)?)*)"
    rf"|(?P<lower>\(?[a-z](?![A-Za-z\d])\)?(?:\s?[{_DASH},;/&]\s?\(?[a-z](?![A-Za-z\d])\)?)*)(?=[\s).,;:{_DASH}]|$)"
)
_LETTER = re.compile(rf"(?P<letter>{_PANEL})|(?P<dash>[{_DASH}]|\bto\b)")


def panels_inside(text: str) -> tuple[str, ...]:
    """Panels named within a citation: 'Figure 2A–C' → A, B, C; upper case, in the order given."""
    start = _INSIDE.search(text)
    marks = _PANELS.match(text, start.end()) if start else _lone_panels(text)
    return _letters(marks[0]) if marks else ()


def panels_after(text: str, end: int) -> tuple[str, ...]:
    """Panels that follow a citation that ends at `end`: `<xref>Figure 6</xref> A,D` → A, D."""
    match = _AFTER.match(text, end)
    if match is None:
        return ()
    spaced = text[end : end + 1].isspace()
    marks = match["panels"] or match["lower"]
    alone = len(marks.strip("()")) == 1 and not marks.startswith("(")
    follows = text[match.end() : match.end() + 2]
    if spaced and alone and follows[:1].isspace():  # 'Figure 6 A total of', 'Fig. 2 I think'
        return ()
    return _letters(marks)


def panels_between(first: tuple[str, ...], last: tuple[str, ...]) -> tuple[str, ...]:
    """Panels that a range of two citations of one figure covers beyond its ends: A, C → B."""
    if not first or not last:
        return ()
    return tuple(chr(code) for code in range(ord(first[-1]) + 1, ord(last[0])))


def numbers_in(text: str) -> Iterator[int]:
    """Figure numbers in the words of a citation, ranges written out: 'Figs 1–3, 5' → 1, 2, 3, 5."""
    for match in _NUMBERS.finditer(text):
        first = int(match[1])
        last = int(match[3]) if match[3] else first
        yield from range(first, last + 1) if first <= last < first + 100 else (first,)


def _lone_panels(text: str) -> re.Match[str] | None:
    """A citation that is nothing but panel letters: the 'C' of 'Figs <xref>2A</xref> and <xref>C</xref>'."""
    return _PANELS.fullmatch(text.strip())


def _letters(marks: str) -> tuple[str, ...]:
    found: list[str] = []
    dash = False
    for match in _LETTER.finditer(marks):
        if match["dash"]:
            dash = True
            continue
        letter = match["letter"].upper()
        if dash and found:
            found += [chr(code) for code in range(ord(found[-1]) + 1, ord(letter))]
        found.append(letter)
        dash = False
    return tuple(dict.fromkeys(found))
