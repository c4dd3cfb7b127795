"""Where the text of the last panel ends and the legend of the whole figure begins."""

import re
from collections.abc import Mapping, Sequence, Set

from pmc15m.figures.model import Span
from pmc15m.weights import fitted, log_odds

_SAYS = {
    "explains": re.compile(
        r"abbreviations?\b|^\W*(?!Fig|See|Note)[\w+/.()-]{1,12}(?:\s*[=:]\s|, (?:[a-z][\w-]* ?){1,6}[;.])"
    ),
    "cites": re.compile(
        r"reprinted|reproduced|adapted|copyright|licen[sc]e|doi\b|https?:|source data|additional details|permission"
        r"|supplement|see (?:also|text|section|materials|methods)|for details|online",
        re.I,
    ),
    "notes": re.compile(r"^\W*note", re.I),
    "tests": re.compile(
        r"significan|\banova\b|student|\b[tu][- ]test|(?:^|[^a-z])p\s*(?:values?|[<>=≤])|asterisk|\*", re.I
    ),
    "measures": re.compile(
        r"\b(?:data|values|results|means?|error bars)\b.{0,30}\b(?:are|is|represent|show|were|indicate|denote)"
        r"|mean\s*[±+]|s\.?e\.?m|standard (?:error|deviation)",
        re.I,
    ),
    "goes_on": re.compile(r"^\W*(?:This|These|It|Here|In contrast|However|Inset|Right|Left|Upper|Lower|Top|Bottom)\b"),
}
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
    before = words_of(text[slice(*marked)])
    best, total, start = 0.0, 0.0, len(tail)
    for i in range(len(tail) - 1, -1, -1):
        traits = traits_of(text[slice(*tail[i])], before, several, one_each, i == len(tail) - 1)
        total += log_odds(fitted("legend"), traits)
        if total > best:
            best, start = total, i
    return start


def traits_of(sentence: str, before: Set[str], several: bool, one_each: bool, last: bool) -> Mapping[str, float]:
    """The features of a sentence for the weights `legend`, all in 0..1.

    `before` are the words of the last sentence with a marker (`words_of`), `last`: nothing follows. The weights are
    fitted by `python -m models legend` to sentences of zou458 and, with three times the weight, of
    panels-dev that annotators gave to one panel or to all (617; 72 % right on articles left out: two people would
    hardly agree more often). How the caption is built weighs as much as what the sentence says.
    """
    words = words_of(sentence)
    return {
        "several": several,  # fitted 0.75: the ridge holds it down
        "one_each": one_each,
        "last": last,
        "repeats": len(words & before) / max(1, len(words)),  # share of its words that the marked sentence has too
        "abbreviations": _lists_abbreviations(sentence),  # fitted 1.0: zou458 gives them to the last panel
        **{name: says.search(sentence) is not None for name, says in _SAYS.items()},
    }


def _lists_abbreviations(sentence: str) -> bool:
    """Whether a sentence defines two terms or more: "WT, wild type; KO, knock-out." or "P=posterior; M=medial."."""
    parts = sentence.split(";")
    return len(_EQUATION.findall(sentence)) > 1 or sum(bool(_DEFINITION.match(part)) for part in parts) > 1


def words_of(text: str) -> set[str]:
    """The words of a text that tell what it is about, by their first letters."""
    words = {word.lower()[:_STEM] for word in _WORD.findall(text)}
    return {word for word in words if not _COMMON.fullmatch(word)}
