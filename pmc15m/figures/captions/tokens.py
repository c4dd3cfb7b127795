"""A caption as the network reads it: words, signs and markers, in sentences, with what is known of each.

Everything is computed from the caption and its markers alone, and in one pass.
"""

import re
import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pmc15m.figures.captions.model import Style
from pmc15m.figures.captions.sentences import sentences
from pmc15m.figures.model import Span

UNKNOWN, MARKER, FIRST_WORD = 1, 2, 4  # numbers of words: 0 and 3 are free
SUFFIXES = 250
SHAPES = 9
TRAITS = 41

TOKEN = re.compile(r"\w+|[^\w\s]")
_WORDS_IN_MARKER = re.compile(r"[A-Za-z]{2,}|[,;:]\s?\w\w")
_STYLES: dict[Style, int] = {style: 9 + i for i, style in enumerate(s for s in Style if s is not Style.NONE)}
JOINTS = frozenset({"and", "or", "while", "whereas", "versus", "vs", "but", "to"})
_SKIPPED = JOINTS | {"the"}


class Placed(NamedTuple):
    """A place where the caption names labels, on its way to a marker: in the order of the caption."""

    span: Span
    labels: tuple[str, ...]
    style: Style


class Token(NamedTuple):
    """A word, a sign, or a whole marker (`marker` is its index, else -1), and the index of its sentence."""

    start: int
    end: int
    marker: int
    sentence: int


class Tokens(NamedTuple):
    """A caption of T tokens.

    `labels` holds for each marker the numbers of its labels as bits, `sentence` that of each marker's sentence.
    `numbers` (3, T) are those of word, suffix and shape; `traits` (T, TRAITS) what else is known, in 0..1 or -1..1.
    """

    tokens: list[Token]
    labels: list[int]
    sentence: list[int]
    is_word: list[bool]
    numbers: npt.NDArray[np.int64]
    traits: npt.NDArray[np.float32]


class Vocabulary(NamedTuple):
    """Numbers of words, and their directions (N, D), of length one: how alike two words are used."""

    numbers: Mapping[str, int]
    directions: npt.NDArray[np.float32]


def tokenise(
    text: str, placed: Sequence[Placed], labels: Sequence[str], blocks: Collection[int], words: Vocabulary
) -> Tokens:
    """`placed` in order and not overlapping; `blocks` are the offsets at which a paragraph or list item begins."""
    number = {label: i for i, label in enumerate(labels)}
    bits = [sum(1 << number[label] for label in marker.labels) for marker in placed]
    tokens = _tokens(text, placed, blocks)
    where: list[list[int]] = [[], [], []]
    low: list[str] = []
    for start, end, marker, _ in tokens:
        if marker >= 0:
            numbers, word = (MARKER, 0, 8), ""
        else:
            written = text[start:end]
            word = written.lower()
            suffix = 1 + zlib.crc32(word[-3:].encode()) % SUFFIXES if written[0].isalpha() else 0
            numbers = words.numbers.get(known_as(written), UNKNOWN), suffix, _shape(written)
        low.append(word)
        for row, value in zip(where, numbers, strict=True):
            row.append(value)
    sentence_of = [0] * len(placed)
    for token in tokens:
        if token.marker >= 0:
            sentence_of[token.marker] = token.sentence
    traits = _traits(text, tokens, low, where[0], placed, bits, sentence_of, len(labels), blocks, words)
    is_word = [shape > 0 for shape in where[2]]
    return Tokens(tokens, bits, sentence_of, is_word, np.array(where, np.int64), traits)


def _tokens(text: str, placed: Sequence[Placed], blocks: Collection[int]) -> list[Token]:
    starts = sorted({start for start, _ in sentences(text)} | set(blocks))
    tokens: list[Token] = []
    at, sentence = 0, 0

    def add(start: int, end: int, marker: int) -> None:
        nonlocal sentence
        while sentence + 1 < len(starts) and start >= starts[sentence + 1]:
            sentence += 1
        tokens.append(Token(start, end, marker, sentence))

    for i, marker in enumerate(placed):
        for match in TOKEN.finditer(text, at, marker.span[0]):
            add(*match.span(), -1)
        add(*marker.span, i)
        at = marker.span[1]
    for match in TOKEN.finditer(text, at):
        add(*match.span(), -1)
    return tokens


def known_as(word: str) -> str:
    """What the vocabulary calls a word or sign."""
    if word[0].isdigit():
        return "<num>" if word.isdigit() else "<mix>"
    return word.lower()


def _shape(word: str) -> int:
    if not (word[0].isalnum() or word[0] == "_"):
        return 0
    if word.isdigit():
        return 1
    if not word.isalpha():
        return 7
    if word.islower():
        return 2
    if len(word) == 1:
        return 3
    if word[0].isupper() and word[1:].islower():
        return 4
    return 5 if word.isupper() else 6


def _traits(
    text: str,
    tokens: Sequence[Token],
    low: Sequence[str],
    numbers: Sequence[int],
    placed: Sequence[Placed],
    bits: Sequence[int],
    sentence_of: Sequence[int],
    n_labels: int,
    blocks: Collection[int],
    words: Vocabulary,
) -> npt.NDArray[np.float32]:
    count = len(tokens)
    x = np.zeros((count, TRAITS), np.float32)
    counts: dict[int, int] = {}
    for sentence in sentence_of:
        counts[sentence] = counts.get(sentence, 0) + 1
    everything = (1 << n_labels) - 1
    places = [t for t, token in enumerate(tokens) if token.marker >= 0]
    items = [_item(tokens, low, place) for place in places]
    last_sentence = tokens[-1].sentence if tokens else 0
    last_marked = sentence_of[-1] if placed else -1
    seen = depth = passed = 0
    opening: set[str] = set()
    before: set[str] = set()
    current: set[str] = set()
    pairs: list[tuple[int, int, int]] = []
    for t, (start, end, marker, sentence) in enumerate(tokens):
        row = x[t]
        first = t == 0 or tokens[t - 1].sentence != sentence
        row[0], row[1] = first, t == count - 1 or tokens[t + 1].sentence != sentence
        among = counts.get(sentence, 0)
        row[23 + min(among, 2)] = 1
        if marker >= 0:
            named = bits[marker]
            fresh = named & ~seen
            row[2], row[3], row[4] = 1, named & (named - 1) > 0, named == everything
            row[5], row[6], row[7] = fresh == named, fresh not in (0, named), not fresh
            row[8] = named > 0 and (named & -named).bit_length() - 1 == seen.bit_count()
            row[_STYLES[placed[marker].style]] = 1
            row[19], row[20] = text[start] in "([", text[end - 1] in ")]"
            row[21] = _WORDS_IN_MARKER.search(text, start, end) is not None
            seen |= named
            row[22] = row[26] = seen == everything
            before |= current
            current = set()
            passed, depth = marker + 1, 0
            continue
        row[26] = seen == everything
        word = low[t]
        if passed < len(placed) and sentence_of[passed] == sentence:  # a marker follows in this sentence: item by item
            opens, content = items[passed]
            if opens >= 0 and tokens[opens].sentence == sentence:
                row[27] = low[opens] == word
            if content >= 0 and tokens[content].sentence == sentence:
                pairs.append((t, 28, content))
                if opens >= 0:
                    pairs.append((t, 29, opens))
        if passed and sentence_of[passed - 1] == sentence:
            ahead = places[passed - 1] - 1
            if ahead >= 0 and tokens[ahead].marker < 0:
                pairs.append((t, 30, ahead))
        depth += word in "(["
        row[31] = depth > 0
        depth = max(0, depth - (word in ")]"))
        if len(word) > 3:
            row[32], row[33], row[34] = word in opening, word in before, word in current
            (current if passed else opening).add(word)
        since = sentence - sentence_of[passed - 1] if passed else 0
        tail = max(0, sentence - last_marked)
        row[35], row[36] = tail > 0, min(3, last_sentence - sentence) / 3
        row[37], row[38] = min(since, 4) / 4, since == 1
        row[39] = len(blocks) > 1 and start in blocks
        row[40] = min(3, tail) / 3
    if pairs:
        rows, columns, others = (np.array(values) for values in zip(*pairs, strict=True))
        known = np.array(numbers)
        a, b = words.directions[known[rows]], words.directions[known[others]]
        x[rows, columns] = (a * b).sum(1)
    return x


def _item(tokens: Sequence[Token], low: Sequence[str], place: int) -> tuple[int, int]:
    """The first word behind the marker at `place` that is no joint, and the first that is no article either; or -1."""
    opens = _skip(tokens, low, place + 1, JOINTS)
    content = _skip(tokens, low, opens, _SKIPPED)
    last = len(tokens)
    return (
        opens if opens < last and tokens[opens].marker < 0 else -1,
        content if content < last and tokens[content].marker < 0 else -1,
    )


def _skip(tokens: Sequence[Token], low: Sequence[str], at: int, words: Collection[str]) -> int:
    while at < len(tokens) and tokens[at].marker < 0 and (low[at] in words or not low[at][0].isalnum()):
        at += 1
    return at
