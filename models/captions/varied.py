"""Captions as others would have written them: the same words, markers before or behind what they name, in other signs.

Whose a word is does not change when "(A) cats and (B) dogs" becomes "cats (A) and dogs (B)" or "A: cats and B: dogs".
"""

import functools
import itertools
import random
import re
from collections.abc import Sequence
from typing import NamedTuple

from models.captions.marks import MARKER, Marked, Span, Word, normal
from pmc15m.figures.captions.sentences import sentences
from pmc15m.figures.captions.tokens import Placed

_BRACKETS = re.compile(r"\(([^()\[\]]+)\)|\[([^()\[\]]+)\]|([^()\[\]]+)\)")
_LEADING = ("({})", "{})", "[{}]", "{}:", "{}.", "{},", "{}")
_CLOSING = ("({})", "[{}]")


class _Item(NamedTuple):
    """A marker beside words of its labels alone, the labels in its brackets; whether it leads the words."""

    marker: Span
    inner: Span
    words: Span
    leads: bool


def varied(marked: Marked, placed: Sequence[Placed], chance: random.Random) -> Marked | None:
    """Another writing of a caption with the markers `placed`; None where none of them can be moved or rewritten.

    The markup is left out: it would stand elsewhere.
    """
    words = chance.choice(marked.readings)
    items = _items(marked.text, words, placed)
    if not items:
        return None
    swapped = chance.random() < 0.7
    all_lead = all(item.leads != swapped for item in items)
    sign = "" if chance.random() < 0.4 and swapped else chance.choice(_LEADING if all_lead else _CLOSING)
    before, _, behind = sign.partition("{}")
    parts: list[Span | str] = []
    at = 0
    for item in items:
        written: list[Span | str] = [before, item.inner, behind] if sign else [item.marker]
        new = [*written, " ", item.words] if item.leads != swapped else [item.words, " ", *written]
        parts += [(at, min(item.marker[0], item.words[0])), *new]
        at = max(item.marker[1], item.words[1])
    parts.append((at, len(marked.text)))
    return _assembled(marked, words, parts)


def _inner(text: str, span: Span) -> Span | None:
    """The list of labels of a marker without its brackets."""
    found = _BRACKETS.fullmatch(text, *span)
    return next((found.span(i) for i in (1, 2, 3) if found[i]), None) if found else None


def _items(text: str, words: Sequence[Word], placed: Sequence[Placed]) -> list[_Item]:
    """The markers in brackets that stand beside words of their own, where all of a sentence's do."""
    ends = [end for _, end in sentences(text)]
    found: list[_Item] = []
    for start, stop in zip([0, *ends[:-1]], ends, strict=True):
        here = [marker for marker in placed if start <= marker.span[0] < stop and _is_main(words, marker.span)]
        beside = [_item(text, words, marker, start, stop) for marker in here]
        if len({item.leads for item in beside if item}) == 1 and None not in beside:
            found += [item for item in beside if item]
    apart = all(max(a.marker[1], a.words[1]) <= min(b.marker[0], b.words[0]) for a, b in itertools.pairwise(found))
    return found if apart else []


def _is_main(words: Sequence[Word], span: Span) -> bool:
    inside = [word.who == MARKER for word in words if span[0] <= word.start < span[1]]
    return bool(inside) and all(inside)


def _item(text: str, words: Sequence[Word], marker: Placed, start: int, stop: int) -> _Item | None:
    labels = frozenset(normal(label) for label in marker.labels)
    mine = functools.partial(itertools.takewhile, lambda word: word.who == labels)
    ahead = list(mine(word for word in words if marker.span[1] <= word.start < stop))
    before = list(mine(word for word in reversed(words) if start <= word.start < marker.span[0]))
    inner = _inner(text, marker.span)
    if inner is None or bool(ahead) == bool(before):
        return None
    run = (ahead[0].start, ahead[-1].end) if ahead else (before[-1].start, before[0].end)
    gap = text[marker.span[1] : run[0]] if ahead else text[run[1] : marker.span[0]]
    inside = text[slice(*run)]
    if gap.strip() or any(inside.count(a) != inside.count(b) for a, b in ("()", "[]")):
        return None
    return _Item(marker.span, inner, run, bool(ahead))


def _assembled(marked: Marked, words: Sequence[Word], parts: Sequence[Span | str]) -> Marked:
    text, moved = "", []
    for part in parts:
        if isinstance(part, str):
            text += part
        else:
            shift = len(text) - part[0]
            moved += [Word(w.start + shift, w.end + shift, w.who) for w in words if part[0] <= w.start < part[1]]
            text += marked.text[slice(*part)]
    return Marked(marked.id, marked.article, text, (), (tuple(moved),))
