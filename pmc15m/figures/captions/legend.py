"""Where the text of the last panel ends and the legend of the whole figure begins."""

import re
from collections.abc import Sequence

from pmc15m.figures.model import Span

# Log-odds that a sentence behind the last marker is about the whole figure, by logistic regression on the sentences of
# zou458 and panels-dev that annotators gave to one panel or to all (537; 74 % right on articles left out). What
# the sentence says weighs less than how the caption is built: one sentence a panel so far, or several panels in the
# last one.
_BIAS = -1.2
_SEVERAL = 2.0  # the last sentence with a marker names several panels
_ONE_EACH = 1.0  # every panel had one sentence so far
_LAST = 0.3  # nothing follows
_LONG = 0.5  # five sentences or more follow the last marker
_SAYS = (
    (
        0.7,
        re.compile(r"abbreviations?\b|^\W*(?!Fig|See|Note)[\w+/.()-]{1,12}(?:\s*[=:]\s|, (?:[a-z][\w-]* ?){1,6}[;.])"),
    ),
    (
        0.7,
        re.compile(
            r"reprinted|reproduced|adapted|copyright|licen[sc]e|doi\b|https?:|source data|additional details|permission"
            r"|supplement|see (?:also|text|section|materials|methods)|for details|online",
            re.I,
        ),
    ),
    (0.4, re.compile(r"^\W*note", re.I)),
    (
        0.3,
        re.compile(r"significan|\banova\b|student|\b[tu][- ]test|(?:^|[^a-z])p\s*(?:values?|[<>=≤])|asterisk|\*", re.I),
    ),
    (
        0.3,
        re.compile(
            r"\ball (?:the )?(?:images|panels|data|values|experiments|graphs|figures|pictures|cases|groups|samples)"
            r"|\beach (?:panel|group|image)|\bboth (?:panels|images|figures)|throughout",
            re.I,
        ),
    ),
    (0.2, re.compile(r"scale bars?|\bbars?\s*(?:size\s*)?[=:,]|magnification|error bars?|\bn\s*=\s*\d", re.I)),
    (-1.2, re.compile(r"^\W*(?:This|These|It|Here|In contrast|However|Inset|Right|Left|Upper|Lower|Top|Bottom)\b")),
)


def legend_start(text: str, tail: Sequence[Span], several: bool, one_each: bool) -> int:
    """Index of the first sentence of `tail` that belongs to the legend: from there on everything does."""
    base = _BIAS + _SEVERAL * several + _ONE_EACH * one_each + _LONG * (len(tail) >= 5)
    best, total, start = 0.0, 0.0, len(tail)
    for i in range(len(tail) - 1, -1, -1):
        sentence = text[slice(*tail[i])]
        total += base + _LAST * (i == len(tail) - 1) + sum(weight for weight, says in _SAYS if says.search(sentence))
        if total > best:
            best, start = total, i
    return start
