"""A formula as one text: TeX, else MathML run together, else its alternative text."""

import re
from collections.abc import Iterator

from pmc15m.jats.tree import Element

_DOCUMENT = re.compile(r"\\begin\s*\{document\}(.*?)(?:\\end\s*\{document\}|$)", re.DOTALL)
_PREAMBLE = re.compile(r"\\documentclass|\\usepackage")
_PMC_PREFIX = re.compile(r"^\s*\}\s*\{\s*\}\s*")
_DELIMITERS = (("$$", "$$"), ("$", "$"), (r"\[", r"\]"), (r"\(", r"\)"))
_UNREAD = frozenset(["graphic", "inline-graphic", "media", "label", "alt-text", "long-desc", "object-id"])
_ANNOTATIONS = frozenset(["annotation", "annotation-xml"])


def formula_text(element: Element) -> str | None:
    """TeX or MathML of `inline-formula`, `disp-formula`, `alternatives`, `chem-struct`, `math` or `tex-math`.

    Null if there is neither, or words beside them (`<italic>E</italic> = …`): then it reads like other text.
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
        elif name and name not in _UNREAD:
            return None
        if child.tail and child.tail.strip():
            return None
    return None if element.text and element.text.strip() else tex or math


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
    """The tokens of a MathML formula, run together."""
    return "".join("".join(piece.split()) for piece in _tokens(element))


def _tokens(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and _local(child) not in _ANNOTATIONS:
            yield from _tokens(child)
        yield child.tail or ""


def _local(element: Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
