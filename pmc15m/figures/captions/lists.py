"""Label lists as captions write them: "A", "a-c", "A, B and D", "i-iv", "A1-A4", and "2a" for panel a of figure 2."""

import functools
import re
from typing import NamedTuple

DASH = "[-–—−‐‑‒~]"
ONE = r"(?:[ivx]{2,5}|[IVX]{2,5}|[0-9]{1,2}[A-Za-z]?|[A-Za-z](?:[1-9][0-9]?|['’′″]{1,2}|\+)?|[α-ω])(?!\w)"
SEPARATOR = rf"(?:\s*(?:{DASH}|,\s*(?:and\b|or\b|&)?|&|/|;|\+)\s*|\s+(?:and|to|through|or)\s+)"
LIST = rf"{ONE}(?:{SEPARATOR}{ONE})*+"  # possessive: "c, d Text" is a list of two, never "c," alone

_ONE = re.compile(rf"(?<!\w){ONE}")
_RANGE = re.compile(rf"\s*(?:{DASH}|to|through)\s*")
_SHAPE = re.compile(r"([0-9]*)([A-Za-zα-ω]?)([0-9'’′″+]*)")
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv")
_GREEK = "αβγδεζηθ"
LONGEST_RANGE = 26


class Label(NamedTuple):
    """One label read as a member of a series: `rank` counts from 0 within it, `number` is the 2 of a2, else 0."""

    rank: int
    text: str
    number: int = 0


# A series is named by its first label: A, a, 1, i, I, α. The number of the figure in front of a letter stays in the
# name ("2A"), not in the label: the figure itself prints the letter.
SeriesName = str


def _readings(token: str) -> dict[SeriesName, Label]:
    lower = token.lower()
    out: dict[SeriesName, Label] = {}
    if lower in _ROMAN:
        out["i" if token == lower else "I"] = Label(_ROMAN.index(lower), token)
    shape = _SHAPE.fullmatch(token)
    if shape is None:
        return out
    number, letter, suffix = shape.groups()
    if not letter:
        if number and 1 <= int(number) <= 30:
            out["1"] = Label(int(number) - 1, token)
    elif letter in _GREEK:
        out["α"] = Label(_GREEK.index(letter), token)
    elif letter.isascii() and not (number and suffix):
        out[number + ("a" if letter.islower() else "A")] = Label(
            ord(letter.lower()) - ord("a"), letter + suffix, int(suffix) if suffix.isdigit() else 0
        )
    return out


@functools.cache
def _roman(index: int, upper: bool) -> str:
    return _ROMAN[index].upper() if upper else _ROMAN[index]


def _between(series: SeriesName, first: Label, last: Label) -> list[Label] | None:
    """The labels of a range, ends included; None where it is none ("C-A", "A-A")."""
    if first.rank == last.rank:
        if not 0 < first.number < last.number <= LONGEST_RANGE:
            return None
        return [Label(first.rank, f"{first.text[0]}{k}", k) for k in range(first.number, last.number + 1)]
    if not 0 < last.rank - first.rank < LONGEST_RANGE:
        return None
    middle = range(first.rank + 1, last.rank)
    if series == "1":
        texts = [str(k + 1) for k in middle]
    elif series in "iI":
        texts = [_roman(k, series == "I") for k in middle]
    elif series == "α":
        texts = [_GREEK[k] for k in middle]
    else:
        suffix = first.text[1:] if first.text[1:] == last.text[1:] else ""
        return [first, *(Label(k, chr(ord(series[-1]) + k) + suffix, first.number) for k in middle), last]
    return [first, *map(Label, middle, texts), last]


@functools.lru_cache(maxsize=4096)
def read_list(text: str) -> dict[SeriesName, tuple[Label, ...]]:
    """Every way to read a list as labels of one series; empty where its tokens fit no common series."""
    tokens = list(_ONE.finditer(text))
    out: dict[SeriesName, tuple[Label, ...]] = {}
    for series in _readings(tokens[0].group()) if tokens else ():
        labels: list[Label] = []
        for i, token in enumerate(tokens):
            label = _readings(token.group()).get(series)
            if label is None:
                break
            joined = i > 0 and _RANGE.fullmatch(text[tokens[i - 1].end() : token.start()].strip("() \t\n"))
            span = _between(series, labels[-1], label) if joined else [label]
            if span is None:
                break
            labels += span[1:] if joined else span
        else:
            out[series] = tuple(dict.fromkeys(labels))
    return out


@functools.lru_cache(maxsize=4096)
def read_start(text: str) -> tuple[dict[SeriesName, tuple[Label, ...]], int]:
    """The readings of the longest beginning of a list that has any, and its length: of "B, 5" those of "B"."""
    ends = [token.end() for token in _ONE.finditer(text)]
    for end in reversed(ends):
        if readings := read_list(text[:end]):
            return readings, end
    return {}, ends[0] if ends else len(text)
