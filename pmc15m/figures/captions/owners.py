"""Whose words are whose, told in places relative to the markers: "of the marker before", "of all in this sentence".

A word belongs to a set of labels, and captions name such sets by where their markers stand. The network says for each
word which of these relations holds (`Owner`); here they become sets of labels, and here stands which relations may
follow each other between two markers of a sentence.
"""

import enum
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pmc15m.figures.captions.tokens import Token


class Owner(enum.IntEnum):
    """To whom a word belongs. Main markers are those whose text stands before or behind them; others point."""

    WHOLE = 0  # the whole figure
    NOBODY = enum.auto()  # a word that only joins: "and"
    PREVIOUS = enum.auto()  # labels of the main marker before
    NEXT = enum.auto()
    SENTENCE = enum.auto()  # labels of all main markers of the sentence
    AHEAD = enum.auto()  # of those of the sentence that follow
    BEHIND = enum.auto()
    GROUP = enum.auto()  # labels of the last main marker of several
    PREVIOUS_SENTENCE = enum.auto()  # of all main markers of the last sentence that has any
    NEXT_SENTENCE = enum.auto()
    POINTED = enum.auto()  # what the sentence points at
    POINTED_BEFORE = enum.auto()  # the last place before that it points at
    POINTED_NEXT = enum.auto()
    PREVIOUS_TWO = enum.auto()  # labels of the two main markers before
    NEXT_TWO = enum.auto()
    PREVIOUS_THREE = enum.auto()
    NEXT_THREE = enum.auto()
    ALL = enum.auto()  # all labels, one by one: words that a list of them all shares


OWNERS = len(Owner)


class Region(enum.IntEnum):
    """Where in its sentence a word stands."""

    UNMARKED = 0  # no main marker is in the sentence
    BEFORE = enum.auto()  # the first main marker
    BETWEEN = enum.auto()
    AFTER = enum.auto()  # the last one


class Step(enum.IntEnum):
    """What lies between a piece and the one before."""

    WITHIN = 0  # nothing
    MARKER = enum.auto()
    SENTENCE = enum.auto()


class Pieces(NamedTuple):
    """What is decided at once: words of sentences with markers one by one, other sentences whole.

    `of` (T,) is the piece of each token; `regions` and `steps` (P,) are those of each piece, `sizes` (P,) how many
    tokens it has.
    """

    of: npt.NDArray[np.int64]
    regions: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """(P,): the first token of each."""
        starts: npt.NDArray[np.int64] = np.cumsum(self.sizes) - self.sizes
        return starts


_SHARED = "SENTENCE GROUP ALL PREVIOUS_SENTENCE"
# In a region owners come in the order of these lines; what stands in one line, in any.
_ORDER = {
    Region.UNMARKED: (
        "WHOLE PREVIOUS NEXT GROUP PREVIOUS_SENTENCE NEXT_SENTENCE POINTED ALL "
        "PREVIOUS_TWO PREVIOUS_THREE NEXT_TWO NEXT_THREE",
    ),
    Region.BEFORE: (
        "WHOLE",
        f"{_SHARED} AHEAD NEXT_SENTENCE POINTED",
        "NOBODY POINTED_NEXT",
        "NEXT_THREE",
        "NEXT_TWO",
        "NEXT",
    ),
    Region.BETWEEN: (
        "PREVIOUS",
        "PREVIOUS_TWO BEHIND POINTED_BEFORE",
        "PREVIOUS_THREE",
        f"{_SHARED} POINTED WHOLE",
        "NOBODY",
        "AHEAD POINTED_NEXT",
        "NEXT_THREE",
        "NEXT_TWO",
        "NEXT",
    ),
    Region.AFTER: (
        "PREVIOUS",
        "PREVIOUS_TWO BEHIND POINTED_BEFORE",
        "PREVIOUS_THREE",
        f"{_SHARED} NOBODY POINTED POINTED_NEXT",
        "WHOLE",
    ),
}
PENALTY = -5.0  # log-odds of an owner where it should not stand: people write what no order foresees


def _rules() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    presence = np.full((len(Region), OWNERS), PENALTY, np.float32)
    order = np.full((len(Region), OWNERS, OWNERS), PENALTY, np.float32)
    for region, lines in _ORDER.items():
        rank = {Owner[name]: i for i, line in enumerate(lines) for name in line.split()}
        for one, i in rank.items():
            presence[region, one] = 0
            for other, j in rank.items():
                order[region, one, other] = 0 if one == other or j > i else PENALTY
        if region in (Region.BEFORE, Region.BETWEEN):
            order[region, Owner.NOBODY, Owner.SENTENCE] = 0
        if region is Region.BETWEEN:
            order[region, Owner.POINTED_BEFORE, Owner.PREVIOUS] = 0
    return presence, order


PRESENCE, ORDER = _rules()  # (4, K) and (4, K, K): what is added to the evidence of owners and of pairs


def pieces(tokens: Sequence[Token], main: Sequence[bool]) -> Pieces:
    """`main` says of each marker whether its text stands beside it."""
    is_main = [token.marker >= 0 and main[token.marker] for token in tokens]
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for t, token in enumerate(tokens):
        if is_main[t]:
            first.setdefault(token.sentence, t)
            last[token.sentence] = t
    of: list[int] = []
    regions: list[Region] = []
    steps: list[Step] = []
    sizes: list[int] = []
    marked = {token.sentence for token in tokens if token.marker >= 0}
    for t, token in enumerate(tokens):
        opens = t == 0 or tokens[t - 1].sentence != token.sentence
        if opens or token.sentence in marked:
            behind = is_main[t] or (t > 0 and is_main[t - 1])
            steps.append(Step.SENTENCE if opens else Step.MARKER if behind else Step.WITHIN)
            sizes.append(0)
            if token.sentence not in first:
                regions.append(Region.UNMARKED)
            elif t < first[token.sentence]:
                regions.append(Region.BEFORE)
            else:
                regions.append(Region.AFTER if t > last[token.sentence] else Region.BETWEEN)
        of.append(len(regions) - 1)
        sizes[-1] += 1
    return Pieces(*(np.array(values, np.int64) for values in (of, regions, steps, sizes)))


def label_sets(
    tokens: Sequence[Token], labels: Sequence[int], sentence: Sequence[int], main: Sequence[bool], n_labels: int
) -> list[tuple[int, ...]]:
    """For each token the set of labels, as bits, that each owner stands for there.

    `labels` (bits) and `sentence` are those of each marker. Linear in tokens and markers.
    """
    everything = (1 << n_labels) - 1
    mains, points = ([m for m in range(len(labels)) if main[m] is wanted] for wanted in (True, False))
    bits = [0, 0, 0, *(labels[m] for m in mains), 0, 0, 0]  # of main marker i at i + 3
    behind, before = _unions(mains, labels, sentence), _unions(mains[::-1], labels, sentence)[::-1]
    named = {sentence[m]: union for m, union in zip(mains, behind, strict=True)}
    pointed = {sentence[m]: union for m, union in zip(points, _unions(points, labels, sentence), strict=True)}
    out: list[tuple[int, ...]] = []
    done = pointers = group = 0
    here, found = -1, (0,) * OWNERS
    stale = True
    for token in tokens:
        is_marker = token.marker >= 0
        is_main = is_marker and main[token.marker]
        if is_marker and not is_main:
            pointers += 1
        if stale or is_marker or token.sentence != here:
            here, stale = token.sentence, is_marker
            ahead = done + is_main  # a main marker itself looks beyond
            p3, p2, p1 = bits[done : done + 3]
            n1, n2, n3 = bits[ahead + 3 : ahead + 6]
            pointer = points[pointers - 1] if pointers else -1
            pointer_next = points[pointers] if pointers < len(points) else -1
            found = (
                0,
                0,
                p1,
                n1,
                named.get(here, 0),
                before[done] if done < len(mains) and sentence[mains[done]] == here else 0,
                behind[done - 1] if done and sentence[mains[done - 1]] == here else 0,
                group,
                named[sentence[mains[done - 1]]] if done else 0,
                named[sentence[mains[ahead]]] if ahead < len(mains) else 0,
                pointed.get(here, 0),
                labels[pointer] if pointer >= 0 and sentence[pointer] == here else 0,
                labels[pointer_next] if pointer_next >= 0 and sentence[pointer_next] == here else 0,
                p1 | p2,
                n1 | n2,
                p1 | p2 | p3,
                n1 | n2 | n3,
                everything,
            )
        out.append(found)
        if is_main:
            done += 1
            if labels[token.marker] & (labels[token.marker] - 1):
                group = labels[token.marker]
    return out


def _unions(markers: Sequence[int], labels: Sequence[int], sentence: Sequence[int]) -> list[int]:
    """For each of some markers the labels of those before it in the same sentence, with its own."""
    out: list[int] = []
    for i, m in enumerate(markers):
        more = out[-1] if i and sentence[markers[i - 1]] == sentence[m] else 0
        out.append(labels[m] | more)
    return out
