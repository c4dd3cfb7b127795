"""Where the text of the last panel ends and the legend of the whole figure begins."""

import re
from collections.abc import Sequence

from pmc15m.figures.model import Span

# Log-odds that a sentence behind the last marker is about the whole figure, by logistic regression on the sentences of
# zou458 and, with three times the weight, of panels-dev that annotators gave to one panel or to all (622; 73 and 70 %
# right on articles left out; two people would hardly agree more often). How the caption is built weighs as much as
# what the sentence says: one sentence a panel so far, or several panels in the last one.
_BIAS = -1.35
_SEVERAL = (
    1.5  # the last sentence with a marker names several panels (the regression says 0.9, its ridge holds it down)
)
_ONE_EACH = 1.4  # every panel had one sentence so far
_LAST = 0.35  # nothing follows
_REPEATS = -1.3  # times the share of its words that the last sentence with a marker has too
_SAYS = (
    (
        0.3,
        re.compile(r"abbreviations?\b|^\W*(?!Fig|See|Note)[\w+/.()-]{1,12}(?:\s*[=:]\s|, (?:[a-z][\w-]* ?){1,6}[;.])"),
    ),
    (
        0.6,
        re.compile(
            r"reprinted|reproduced|adapted|copyright|licen[sc]e|doi\b|https?:|source data|additional details|permission"
            r"|supplement|see (?:also|text|section|materials|methods)|for details|online",
            re.I,
        ),
    ),
    (0.65, re.compile(r"^\W*note", re.I)),
    (
        0.2,
        re.compile(r"significan|\banova\b|student|\b[tu][- ]test|(?:^|[^a-z])p\s*(?:values?|[<>=≤])|asterisk|\*", re.I),
    ),
    (
        0.7,
        re.compile(
            r"\b(?:data|values|results|means?|error bars)\b.{0,30}\b(?:are|is|represent|show|were|indicate|denote)"
            r"|mean\s*[±+]|s\.?e\.?m|standard (?:error|deviation)",
            re.I,
        ),
    ),
    (-1.0, re.compile(r"^\W*(?:This|These|It|Here|In contrast|However|Inset|Right|Left|Upper|Lower|Top|Bottom)\b")),
)
_ABBREVIATIONS = 3.0  # a list of them explains the whole figure; zou458 gives it to the last panel, panels-dev never
_EQUATION = re.compile(r"(?:^|[;,])\s*(?:and\s+)?[^\s;,=]{1,14}(?:\s[^\s;,=]{1,8})?\s*=\s*[^;=]+")
_DEFINITION = re.compile(r"\s*(?:and\s+)?[^\s;:,]{1,14}\s*[,:]\s+\S")
_WORD = re.compile(r"[A-Za-z][a-z]{3,}|[A-Z0-9]{2,}\w*")
_STEM = 6  # letters of a word that count: "gene" and "genes" are one
_COMMON = re.compile(
    r"with|from|that|this|were|have|been|each|they|their|which|after|before|betwee|data|values|using|shows?|shown|figure"
    r"|panel|mean|error|bars|scale|signif"
)


def legend_start(text: str, tail: Sequence[Span], marked: Span, several: bool, one_each: bool) -> int:
    """Index of the first sentence of `tail` that belongs to the legend: from there on everything does.

    `marked` is the last sentence with a marker, `several` whether it names several panels, `one_each` whether every
    panel had one sentence so far.
    """
    base = _BIAS + _SEVERAL * several + _ONE_EACH * one_each
    known = _words(text[slice(*marked)])
    best, total, start = 0.0, 0.0, len(tail)
    for i in range(len(tail) - 1, -1, -1):
        sentence = text[slice(*tail[i])]
        words = _words(sentence)
        total += base + _LAST * (i == len(tail) - 1) + sum(weight for weight, says in _SAYS if says.search(sentence))
        total += _REPEATS * len(words & known) / max(1, len(words)) + _ABBREVIATIONS * lists_abbreviations(sentence)
        if total > best:
            best, start = total, i
    return start


def lists_abbreviations(sentence: str) -> bool:
    """Whether a sentence defines two terms or more: "WT, wild type; KO, knock-out." or "P=posterior; M=medial."."""
    parts = sentence.split(";")
    return len(_EQUATION.findall(sentence)) > 1 or sum(bool(_DEFINITION.match(part)) for part in parts) > 1


def _words(text: str) -> set[str]:
    words = {word.lower()[:_STEM] for word in _WORD.findall(text)}
    return {word for word in words if not _COMMON.fullmatch(word)}
