"""References that a parser cannot follow, written so that it can: names that only a DTD defines, halves of characters.

No DTD is ever loaded, so `&plusmn;` would be lost with a DOCTYPE and fatal without one. The names are those
of the ISO sets that JATS includes: HTML 5 (`html.entities`) has nearly all of them; `isogrk1` (Greek letters
of running text) and `isogrk4` (`b.alpha`) are added here.
"""

import re
from collections.abc import Iterator
from html.entities import html5

_ISOGRK1 = "a b g d e z ee th i k l m n x o p r _ s t u ph kh ps oh"

_REFERENCE = re.compile(rb"&(?!#|(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9.]*);")
_LITERAL = re.compile(rb"<!--|<!\[CDATA\[|<\?|<!DOCTYPE[^>\[]*\[?")
_ENDS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
_NUMERIC = rb"&#(?:x[0-9A-Fa-f]+|[0-9]+);"
_NUMERIC_OR_LITERAL = re.compile(
    rb"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)|(?P<run>(?:%s)+)" % _NUMERIC, re.DOTALL
)
_NO_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONGEST_CODE, _NO_CODE = 7, 0x110000  # digits; the first number that is no code point
_DECLARED = re.compile(rb"<!ENTITY\s+([A-Za-z][A-Za-z0-9.]*)\s+[\"']")


def _table() -> dict[str, str]:
    table = {name[:-1]: text for name, text in html5.items() if name.endswith(";")}
    for place, name in enumerate(_ISOGRK1.split()):
        if name != "_":
            table[f"{name}gr"] = chr(0x3B1 + place)
            table[f"{name.capitalize() if len(name) == 1 else name.upper()}gr"] = chr(0x391 + place)
    table["sfgr"] = "\u03c2"
    return table


_TABLE = _table()


def _text(name: str) -> str | None:
    return _TABLE.get(name) or _TABLE.get(name.removeprefix("b."))


def resolve_named(data: bytes) -> tuple[bytes, bool, bool]:
    """Write named entities as numeric ones: the bytes, whether there were any, whether any is in no table.

    Unknown names are kept as literal text (`&amp;name;`). Names that the file declares itself as plain text,
    CDATA, comments and processing instructions are left alone.
    """
    if _REFERENCE.search(data) is None:
        return data, False, False
    declared = frozenset(_DECLARED.findall(data)) if b"<!ENTITY" in data else frozenset()
    found = unknown = False

    def reference(match: re.Match[bytes]) -> bytes:
        nonlocal found, unknown
        name = match[1]
        if name in declared:
            return match[0]
        found = True
        text = _text(name.decode("ascii"))
        if text is None:
            unknown = True
            return b"&amp;" + name + b";"
        return b"".join(b"&#%d;" % ord(char) for char in text)

    parts: list[bytes] = []
    end = 0
    for start, stop in _literals(data):
        parts += (_REFERENCE.sub(reference, data[end:start]), data[start:stop])
        end = stop
    parts.append(_REFERENCE.sub(reference, data[end:]))
    return b"".join(parts), found, unknown


def _literals(data: bytes) -> Iterator[tuple[int, int]]:
    """Where names with an ampersand are no references: comments, CDATA, processing instructions, the DOCTYPE."""
    opening = _LITERAL.search(data)
    while opening is not None:
        end = _ENDS.get(opening[0], b"]" if opening[0].endswith(b"[") else b">")
        stop = data.find(end, opening.end())
        if stop < 0:
            yield opening.start(), len(data)
            return
        yield opening.start(), stop + len(end)
        opening = _LITERAL.search(data, stop + len(end))


def mend_numeric(data: bytes) -> bytes:
    """Numeric references to characters alone.

    Two halves of one character (`&#xD835;&#xDC00;`, a usual mistake of converters) become it, a single half U+FFFD.
    Numbers of control characters, and of none at all, are left out, as the characters are where they stand themselves.
    """
    return _NUMERIC_OR_LITERAL.sub(_mended, data)


def _mended(match: re.Match[bytes]) -> bytes:
    run = match["run"]
    if run is None:
        return match[0]
    text = "".join(map(_character, run[2:-1].split(b";&#")))
    # A pair of surrogates is one character in UTF-16, and a single one none.
    whole = _NO_CHARACTER.sub("", text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return run if whole == text else b"".join(b"&#%d;" % ord(char) for char in whole)


def _character(number: bytes) -> str:
    digits = number.lstrip(b"x0") or b"0"
    code = int(digits, 16 if number.startswith(b"x") else 10) if len(digits) <= _LONGEST_CODE else _NO_CODE
    return chr(code) if code < _NO_CODE else "\0"
