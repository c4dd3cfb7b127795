"""What the words of a citation say: panels ('Fig. 2B,C'), ranges and lists of figures ('Figs 1–3, 5')."""

import re

_DASH = "-–—‐‑‒−"
RANGE_JOINER = re.compile(
    rf"[\s)\]]*(?:[{_DASH}]|to|through|thru|a|al|até|ao|à|bis)[\s(\[]*(?:(?:figures?|figuras?|figs?)\.?\s*)?",
    re.IGNORECASE,
)
"""Text between two citations that makes them a range."""

_NUMBER = r"\d{1,3}[A-Za-z]?(?![\w.])"
_LIST = re.compile(rf"({_NUMBER}(?:\s*(?:[{_DASH},;&]|,?\s*and|to|through)\s*{_NUMBER})+)\W*$")
_STEP = re.compile(rf"(\d+)[A-Za-z]?(\s*(?:[{_DASH}]|to|through)\s*(?=\d))?")

_LETTER = r"[A-Za-z](?![A-Za-z\d])"
_MARK = rf"(?:\({_LETTER}['′]?\)?|{_LETTER}['′]?\)?)"
_MORE = rf"(?:\s*(?:[{_DASH},;/&+]|,?\s*(?:and|to)\b)\s*{_MARK}|\s?\({_LETTER}\))"
_PANELS = re.compile(rf"{_MARK}{_MORE}*")
_CONTINUED = re.compile(rf"{_MORE}+(?=$|[).,;:\]])")
_INSIDE = re.compile(rf"\d\s*[,:.]?\s*(?={_MARK})")
_STEPS = re.compile(rf"(?P<letter>(?<![A-Za-z]){_LETTER})|(?P<dash>[{_DASH}]|\bto\b)")
_AFTER_PANELS = re.compile(rf"$|[\s).,;:({_DASH}\]]")
_WORDS_OF_ONE_LETTER = frozenset("aeioyAIO")


def panels_inside(text: str) -> tuple[str, ...]:
    """Panels named within a citation: 'Figure 2A–C' → A, B, C; upper case, in the order given."""
    number = _INSIDE.search(text)
    marks = _PANELS.match(text, number.end()) if number else _PANELS.fullmatch(text.strip())
    return _letters(marks[0]) if marks else ()


def panels_cited(text: str, start: int, end: int) -> tuple[str, ...]:
    """Panels named within the citation `text[start:end]` or right after it: 'Figure 2A' and '–C' → A, B, C."""
    inside = panels_inside(text[start:end])
    if not inside:
        return _panels_after(text, end)
    more = _CONTINUED.match(text, end)
    return _letters(inside[-1] + more[0], inside) if more else inside


def _panels_after(text: str, end: int) -> tuple[str, ...]:
    """Panels that follow a citation that ends at `end`: `<xref>Figure 6</xref> A,D` → A, D."""
    blank = text[end : end + 1] == " "
    match = _PANELS.match(text, end + blank)
    if match is None or not _AFTER_PANELS.match(text, match.end()):
        return ()
    if blank and match[0] in _WORDS_OF_ONE_LETTER and text[match.end() : match.end() + 1] == " ":
        return ()  # 'Figure 6 a total of', 'Figura 2 e a Tabela 1'
    return _letters(match[0])


def panels_between(first: tuple[str, ...], last: tuple[str, ...]) -> tuple[str, ...]:
    """Panels that a range of two citations of one figure covers beyond its ends: A, C → B."""
    if not first or not last:
        return ()
    return tuple(chr(code) for code in range(ord(first[-1]) + 1, ord(last[0])))


def list_of_numbers(text: str) -> tuple[str, list[int]]:
    """The list or range of numbers at the end of a citation, written out, and the words before it.

    'Figs 1–3, 5' → ('Figs ', [1, 2, 3, 5]); one number alone is no list.
    """
    match = _LIST.search(text)
    if match is None:
        return text, []
    numbers: list[int] = []
    to_next = False
    for step in _STEP.finditer(match[1]):
        number = int(step[1])
        if to_next and numbers[-1] < number < numbers[-1] + 100:
            numbers += range(numbers[-1] + 1, number)
        numbers.append(number)
        to_next = step[2] is not None
    return text[: match.start()], numbers


def _letters(marks: str, before: tuple[str, ...] = ()) -> tuple[str, ...]:
    found = list(before)
    to_next = False
    for step in _STEPS.finditer(marks):
        if step["dash"]:
            to_next = True
            continue
        letter = step["letter"].upper()
        if to_next and found:
            found += [chr(code) for code in range(ord(found[-1]) + 1, ord(letter))]
        found.append(letter)
        to_next = False
    return tuple(dict.fromkeys(found))
