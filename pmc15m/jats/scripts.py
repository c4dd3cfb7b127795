"""Super- and subscripts in plain text: what is raised never joins what stands before it to another number.

In this order, each where it fits:

- Unicode has exactly these characters (digits and + − = ( )): m², 10⁻⁴, Ca²⁺, CO₂.
- A list or range of whole numbers raises them and leaves its commas and dashes: F₄,₂₈, x²,³, OsTRFL1⁴⁸⁶–⁶²³.
- What would be read as part of the number or word before it follows `^` or `_`: 10^3.5, kg^-1 (a hyphen is no minus
  sign), nud1^7A, x2_1.5; in brackets where it has several parts or a letter follows: e^(-k t), 10^(3.5)M.
- All else stands as written, and its span alone says what it was: NaV1.7, 1st, Gal3-/-, CuII, 99mTc.

So nothing is changed, only signs and brackets are put in: NFKC of all else is NFKC of the source.
"""

import re

from pmc15m.jats.model import Mark

_EXACT = "0123456789+\u2212=()"
_UNICODE = {
    Mark.SUP: str.maketrans(_EXACT, "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾"),
    Mark.SUB: str.maketrans(_EXACT, "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎"),
}
_SIGNS = {Mark.SUP: "^", Mark.SUB: "_"}
_IN_UNICODE = re.compile(r"[0-9+\u2212=()]+")
_NUMBERS = re.compile(r"(?!0,)\d+(?:\s*[,;/–-]\s*\d+)+")
_NUMBER = re.compile(r"[+\u2212–-]?\d*[.,·]?\d+")
_ONE_PART = re.compile(r"[+\u2212–-]?[\w.]+(?:/(?:\w+|\+))*[+\u2212–-]?")
_ONE_TERM = re.compile(r"[+\u2212–-]?(?:\d+(?:[.,·]\d+)?|[^\W\d]+)")
_EXPONENT = re.compile(r"[+\u2212–-]\w|[nmkxij]$|.*\d", re.DOTALL)
"""What is read wrongly beside a number or word: signed, a variable, or with a digit."""
_SUBSCRIPT = re.compile(r"[+\u2212–-]?[.,·]?\d")
_BASE = re.compile(r"[^\W_]|[)\]}|]")


def in_unicode(run: str, kind: Mark) -> str | None:
    """A run raised or lowered in Unicode, a list of numbers included; null where that loses or changes a character."""
    if _IN_UNICODE.fullmatch(run):
        return run.translate(_UNICODE[kind])
    if _NUMBERS.fullmatch(run):
        return "".join(c.translate(_UNICODE[kind]) if c.isdecimal() else c for c in run)
    return None


def raised_anywhere(run: str, kind: Mark) -> str | None:
    """A run as it stands in the text whatever is beside it; null where that matters."""
    if (text := in_unicode(run, kind)) is not None:
        return text
    return None if (_EXPONENT if kind is Mark.SUP else _SUBSCRIPT).match(run) else run


def raised(run: str, before: str, after: str, kind: Mark) -> tuple[str, int]:
    """A run that `raised_anywhere` does not give, and how many characters are put before it.

    `before` is the text before the run (its end is enough), `after` the character that follows; `kind` is `SUP` or
    `SUB`.
    """
    base = (before.rstrip() if _NUMBER.fullmatch(run) else before)[-1:]
    if not base.isdecimal() and (kind is Mark.SUB or len(run) == 1 or not _BASE.match(base)):
        return run, 0
    if _ONE_PART.fullmatch(run) and not after.isalnum():
        return f"{_SIGNS[kind]}{run}", 1
    return f"{_SIGNS[kind]}({run})", 2


def raised_in_formula(run: str, kind: Mark) -> str:
    """The same within a formula, where a superscript of letters is an exponent, too."""
    run = run.strip()
    if (text := in_unicode(run, kind)) is not None:
        return text
    words = re.fullmatch(r"[^\W\d]\w*", run)
    if not re.search(r"\w", run) or (words and kind is Mark.SUB):
        return run
    return f"{_SIGNS[kind]}{run}" if _ONE_TERM.fullmatch(run) else f"{_SIGNS[kind]}({run})"
