"""A formula as one text: MathML written in a line, else TeX as it stands, never the two mixed.

In a line a fraction reads a/b, a root √x, a power as in all texts (`scripts`): x², 10^3.5, e^(-kt). What has several
parts is put in brackets: (a+b)/(2c). Where two numbers would meet, a blank keeps them apart: 2 1/2.
"""

import re
from collections.abc import Sequence

from pmc15m.jats.model import Mark
from pmc15m.jats.scripts import raised_in_formula
from pmc15m.jats.tree import Element

_DOCUMENT = re.compile(r"\\begin\s*\{document\}(.*?)(?:\\end\s*\{document\}|$)", re.DOTALL)
_PREAMBLE = re.compile(r"\\documentclass|\\usepackage")
_PMC_PREFIX = re.compile(r"^\s*\}\s*\{\s*\}\s*")
_DELIMITERS = (("$$", "$$"), ("$", "$"), (r"\[", r"\]"), (r"\(", r"\)"))
_UNREAD = frozenset(["graphic", "inline-graphic", "media", "label", "alt-text", "long-desc", "object-id"])
_SILENT = frozenset(["annotation", "annotation-xml", "mphantom"])
_ONE_PART = re.compile(r"\d+(?:[.,]\d+)?%?|[^\W\d][′₀-₉⁰-⁹²³¹]*|\([^()]*\)|\|[^|]*\|")
_TOKENS = ("{*}mi", "{*}mn", "{*}mo", "{*}mtext", "mi", "mn", "mo", "mtext")
_INVISIBLE = re.compile("[\u200b-\u200d\u2061-\u2064\ufeff]")
_BETWEEN_NUMBERS = re.compile("(?<=[0-9])[\u2061-\u2064](?=[0-9])")
_OPEN_END = re.compile(r"(?:/|[\^_])[^\s()/^]*$")
_FRACTION = re.compile(r"[\w.]+/")


def formula_text(element: Element) -> str | None:
    """TeX or MathML of `inline-formula`, `disp-formula`, `alternatives`, `chem-struct`, `math` or `tex-math`.

    Empty if there is neither. Null if there are words beside them (`<italic>E</italic> = …`): then it reads like other
    text.
    """
    name = _local(element)
    if name == "tex-math":
        return clean_tex("".join(element.itertext()))
    if name == "math":
        return mathml_text(element)
    tex = math = None
    for child in element:
        name = _local(child)
        if name == "tex-math":
            tex = tex or formula_text(child)
        elif name == "math" or name == "alternatives":
            math = math or formula_text(child)
            if math is None:
                return None
        elif name and name not in _UNREAD:
            return None
        if child.tail and child.tail.strip():
            return None
    return None if element.text and element.text.strip() else math or tex or ""


def clean_tex(tex: str) -> str:
    """TeX without the document around it and without its delimiters."""
    body = _DOCUMENT.search(tex)
    if body:
        tex = body[1]
    elif _PREAMBLE.search(tex):
        return ""
    tex = _PMC_PREFIX.sub("", tex.strip())
    for left, right in _DELIMITERS:
        if tex.startswith(left) and tex.endswith(right) and len(tex) > len(left) + len(right):
            return _PMC_PREFIX.sub("", tex[len(left) : -len(right)].strip())
    return tex.strip()


def mathml_text(element: Element) -> str:
    """A MathML formula in a line."""
    return " ".join(_row(element).split())


def _row(element: Element) -> str:
    """Everything in an element, run together; words of `mtext` keep their blanks."""
    pieces = [_word(element.text)]
    for child in element:
        pieces += (_linear(child), _word(child.tail))
    text = ""
    for piece in filter(None, pieces):
        if text[-1:].isalnum() and piece[0].isalnum() and (_OPEN_END.search(text) or _FRACTION.match(piece)):
            text += " "
        text += piece
    return text if text.isprintable() else _INVISIBLE.sub("", _BETWEEN_NUMBERS.sub(" ", text))


def _linear(element: Element) -> str:
    name = _local(element)
    if name in _SILENT or not name:
        return ""
    if name == "mtext":
        return re.sub(r"\s+", " ", "".join(element.itertext()))
    if name not in _WRITTEN:
        return _row(element) if len(element) else _word(element.text)
    children = [child for child in element if _local(child)]
    if name == "mfrac" and len(children) == 2:
        if element.get("linethickness") in ("0", "0pt", "0em", "0px"):  # no fraction: a binomial coefficient
            return f"({_linear(children[0])} over {_linear(children[1])})"
        return "/".join(map(_term, children))
    if name == "mroot" and len(children) == 2:
        return f"{_term(children[0])}^(1/{_term(children[1])})"
    if name == "msqrt":
        return f"√{_term(element)}"
    if name == "mfenced":
        inner = (element.get("separators", ",").strip()[:1]).join(map(_linear, children))
        return f"{element.get('open', '(')}{inner}{element.get('close', ')')}"
    if name == "mtable":
        return "; ".join(" ".join(map(_linear, row)) for row in children)
    if name == "mmultiscripts":
        return _multiscripts([None if _local(child) == "mprescripts" else _linear(child) for child in children])
    kinds = _SCRIPTS.get(name, ())
    if kinds and len(children) == len(kinds) + 1:
        base = _term(children[0]) if _is_fraction(children[0]) else _linear(children[0])
        return base + "".join(map(raised_in_formula, map(_linear, children[1:]), kinds))
    return _row(element)


def _term(element: Element) -> str:
    """In brackets unless it is one."""
    text = _row(element) if _local(element) == "msqrt" else _linear(element)
    is_one = _ONE_PART.fullmatch(text) or sum(1 for _ in element.iter(_TOKENS)) < 2
    return text if is_one else f"({text})"


def _is_fraction(element: Element) -> bool:
    """Whether an element is a fraction, perhaps within rows of nothing else."""
    while _local(element) in ("mrow", "mstyle") and len(element) == 1:
        element = element[0]
    return _local(element) == "mfrac"


def _multiscripts(parts: Sequence[str | None]) -> str:
    """`parts`: the base, sub- and superscripts in turn, null before those that stand in front."""
    front = parts.index(None) if None in parts else len(parts)
    base = parts[0] or "" if front else ""
    before, after = (
        "".join(raised_in_formula(part or "", _SUB_SUP[place % 2]) for place, part in enumerate(scripts))
        for scripts in (parts[front + 1 :], parts[1:front])
    )
    return f"{before}{base}{after}"


def _word(text: str | None) -> str:
    return "".join(text.split()) if text else ""


_SUB_SUP = (Mark.SUB, Mark.SUP)
_SCRIPTS: dict[str, tuple[Mark, ...]] = {
    **dict.fromkeys(("msup", "mover"), (Mark.SUP,)),
    **dict.fromkeys(("msub", "munder"), (Mark.SUB,)),
    **dict.fromkeys(("msubsup", "munderover"), _SUB_SUP),
}
_WRITTEN = frozenset(["mfrac", "mroot", "msqrt", "mfenced", "mtable", "mmultiscripts", *_SCRIPTS])


def _local(element: Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
