"""Which words of a caption belong to which label, once the places that name labels are known.

A small network reads the caption word by word and says of each whose it is (`Owner`), and of each place that names
labels whether a text stands beside it. The most likely owners that may follow each other are found together (Viterbi).
What a text is: its own words and those that its sentence or list shares with it, without markers, without what is true
only of other panels, without what concerns the whole figure.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from pmc15m.figures.captions.model import Marker
from pmc15m.figures.captions.owners import ORDER, OWNERS, PRESENCE, Owner, Pieces, Step, label_sets, pieces
from pmc15m.figures.captions.tokens import FIRST_WORD, JOINTS, TRAITS, Placed, Token, Tokens, Vocabulary, tokenise
from pmc15m.figures.model import Span
from pmc15m.pictures.network import network
from pmc15m.weights import FOLDER

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Floats = npt.NDArray[np.float32]
CERTAIN = 50.0  # log-odds beyond what the network says
WEIGHTS = FOLDER / "texts.onnx"
_POINTED = {Owner.POINTED_NEXT: Owner.NEXT, Owner.POINTED_BEFORE: Owner.PREVIOUS, Owner.POINTED: Owner.SENTENCE}
_OPENS = "([{“\"‘'<>≤≥=~±+-−–*#$§×°µ"
_CLOSES = ")]}”\"’'%°+*†‡§#…!?."


class Evidence(NamedTuple):
    """What the network and the rules make of the P pieces of a caption.

    `owners` (P, K) are log-odds of each owner, `pairs` (P, K, K) those of an owner of the piece before with one of the
    piece, both to be added up; `main` says of each marker whether its text stands beside it.
    """

    pieces: Pieces
    main: list[bool]
    owners: Floats
    pairs: Floats


class Segments(NamedTuple):
    """The spans of `CaptionSplit`, and for each label what the evidence says of its text (`doubts_of`)."""

    segments: dict[str, list[Span]]
    stems: dict[str, list[Span]]
    shared: list[Span]
    markers: list[Marker]
    references: list[Marker]
    doubts: Mapping[str, Mapping[str, float]]


class _Network(NamedTuple):
    session: InferenceSession
    steps: Floats
    vocabulary: Vocabulary


def cut(text: str, placed: Sequence[Placed], labels: Sequence[str], blocks: Collection[int] = ()) -> Segments:
    """Cut `text` at the places `placed` (in order, not overlapping), which name `labels`.

    `blocks` are the offsets at which a paragraph or a list item begins.
    """
    tokens = tokenise(text, placed, labels, blocks, _network().vocabulary)
    return segments_of(text, tokens, placed, labels, weigh(tokens))


def weigh(tokens: Tokens) -> Evidence:
    """What the network says of the tokens of a caption."""
    loaded = _network()
    owners, main = loaded.session.run(["owners", "main"], inputs(tokens))
    return evidence_of(tokens, owners[0], main[0], loaded.steps)


def inputs(tokens: Tokens) -> dict[str, npt.NDArray[np.generic]]:
    """What the network is given of one caption: a batch of one."""
    sentence = np.array([token.sentence for token in tokens.tokens])
    within = np.zeros((len(sentence), sentence.max(initial=0) + 1), np.float32)
    within[np.arange(len(sentence)), sentence] = 1
    return {"numbers": tokens.numbers[None], "traits": tokens.traits[None], "sentences": within[None]}


def evidence_of(tokens: Tokens, owners: Floats, main: Floats, steps: Floats) -> Evidence:
    """From what the network says of each token, `owners` (T, K) and `main` (T,), and of each `Step` (3, K, K)."""
    is_main, told = _main(tokens, main)
    parts = pieces(tokens.tokens, is_main)
    owners = _beside(tokens, owners, told)
    summed = np.add.reduceat(owners, parts.starts, axis=0) * (parts.sizes**-0.5)[:, None].astype(np.float32)
    title = _title(tokens, is_main)
    summed[[parts.of[t] for t, token in enumerate(tokens.tokens) if token.sentence == title], Owner.WHOLE] += CERTAIN
    within = (parts.steps == Step.WITHIN)[:, None, None]
    pairs = steps[parts.steps] + np.where(within, ORDER[parts.regions], 0)
    return Evidence(parts, is_main, summed + PRESENCE[parts.regions], pairs)


def _beside(tokens: Tokens, owners: Floats, told: Collection[int]) -> Floats:
    """The log-odds of owners (T, K) where the network took the markers `told` for mere pointers: what they point at is
    what stands beside them."""
    if not told:
        return owners
    sentences = {tokens.sentence[marker] for marker in told}
    here = [t for t, token in enumerate(tokens.tokens) if token.sentence in sentences]
    out = owners.copy()
    for pointed, owner in _POINTED.items():
        out[here, owner] = np.maximum(owners[here, owner], owners[here, pointed])
    return out


def _main(tokens: Tokens, main: Floats) -> tuple[list[bool], list[int]]:
    """Whether a text stands beside each place of labels; beside the likeliest one of a label, if beside none: these
    markers."""
    odds = [0.0] * len(tokens.labels)
    for t, token in enumerate(tokens.tokens):
        if token.marker >= 0:
            odds[token.marker] = float(main[t])
    is_main = [value > 0 for value in odds]
    named = functools.reduce(int.__or__, (bits for bits, yes in zip(tokens.labels, is_main, strict=True) if yes), 0)
    told = []
    for i in sorted(range(len(odds)), key=lambda i: -odds[i]):
        if tokens.labels[i] & ~named:
            is_main[i] = True
            named |= tokens.labels[i]
            told.append(i)
    return is_main, told


def _title(tokens: Tokens, main: Sequence[bool]) -> int:
    """The sentence that is a title of all panels, or -1: it ends in a marker of all of them, which later ones name
    again ("Copper moves along the threads (A–C). Young threads hold none (A). …")."""
    places = [t for t, token in enumerate(tokens.tokens) if token.marker >= 0 and main[token.marker]]
    if len(places) < 2:
        return -1
    first, *others = (tokens.labels[tokens.tokens[t].marker] for t in places)
    sentence = tokens.tokens[places[0]].sentence
    words = [t for t, token in enumerate(tokens.tokens) if token.sentence == sentence and tokens.is_word[t]]
    alone = tokens.tokens[places[1]].sentence > sentence
    again = functools.reduce(int.__or__, others)
    return sentence if alone and first == again and len(words) > 1 and words[-1] == places[0] else -1


def decode(evidence: Evidence) -> list[int]:
    """The most likely owner of each piece (Viterbi)."""
    total = evidence.owners[0]
    columns = np.arange(OWNERS)
    back = []
    for owners, pairs in zip(evidence.owners[1:], evidence.pairs[1:], strict=True):
        scores = total[:, None] + pairs
        best = scores.argmax(0)
        total = scores[best, columns] + owners
        back.append(best)
    path = [int(total.argmax())]
    for best in reversed(back):
        path.append(int(best[path[-1]]))
    return path[::-1]


def segments_of(
    text: str, tokens: Tokens, placed: Sequence[Placed], labels: Sequence[str], evidence: Evidence
) -> Segments:
    """The spans of a caption's tokens by the most likely owners."""
    sets = label_sets(tokens.tokens, tokens.labels, tokens.sentence, evidence.main, len(labels))
    path = decode(evidence)
    is_main = [token.marker >= 0 and evidence.main[token.marker] for token in tokens.tokens]
    owner, owned = _owned(evidence.pieces, path, sets)
    if empty := _without_words(tokens, is_main, owned, len(labels)):
        path = decode(_with_words(tokens, evidence, is_main, sets, empty))
        owner, owned = _owned(evidence.pieces, path, sets)
    spans = functools.partial(_spans, text, tokens.tokens, tokens.is_word)
    narrowest = _narrowest(tokens.labels, evidence.main, len(labels))
    out = Segments({}, {}, [], [], [], doubts_of(tokens, is_main, evidence, path, sets, labels))
    for i, label in enumerate(labels):
        mine = [bool(bits >> i & 1) and not main for bits, main in zip(owned, is_main, strict=True)]
        own = [here and bits.bit_count() <= narrowest[i] for here, bits in zip(mine, owned, strict=True)]
        out.stems[label] = spans([here and not alone for here, alone in zip(mine, own, strict=True)])
        out.segments[label] = sorted([*spans(own), *out.stems[label]])
    joint = [
        o == Owner.NOBODY and text[a:b].lower() in JOINTS for o, (a, b, _, _) in zip(owner, tokens.tokens, strict=True)
    ]
    # Whatever no panel owns is the whole figure's, so that no word is lost.
    out.shared.extend(
        spans([not (bits or main or left) for bits, main, left in zip(owned, is_main, joint, strict=True)])
    )
    for i, place in enumerate(placed):
        (out.markers if evidence.main[i] else out.references).append(Marker(place.span, place.labels))
    return out


def _owned(parts: Pieces, path: Sequence[int], sets: Sequence[tuple[int, ...]]) -> tuple[list[int], list[int]]:
    """The owner of each token, and the labels, as bits, that it stands for there."""
    owner = [path[p] for p in parts.of]
    return owner, [found[o] for found, o in zip(sets, owner, strict=True)]


def _without_words(tokens: Tokens, is_main: Sequence[bool], owned: Sequence[int], n_labels: int) -> int:
    """The labels, as bits, that own no word of a caption."""
    told = functools.reduce(
        int.__or__,
        (bits for bits, word, main in zip(owned, tokens.is_word, is_main, strict=True) if word and not main),
        0,
    )
    return ((1 << n_labels) - 1) & ~told


def _with_words(
    tokens: Tokens, evidence: Evidence, is_main: Sequence[bool], sets: Sequence[tuple[int, ...]], empty: int
) -> Evidence:
    """The evidence that a sentence in which a main marker names one of the labels `empty` is some panel's: the first
    of "Salt in the bay (A). Salt in the river (B)." is no title."""
    named = {
        token.sentence
        for token, main in zip(tokens.tokens, is_main, strict=True)
        if main and tokens.labels[token.marker] & empty
    }
    owners = evidence.owners.copy()
    for p, t in enumerate(evidence.pieces.starts):
        if tokens.tokens[t].sentence in named:
            owners[p] -= [0 if bits or o == Owner.NOBODY else CERTAIN for o, bits in enumerate(sets[t])]
    return evidence._replace(owners=owners)


def _narrowest(labels: Sequence[int], main: Sequence[bool], n_labels: int) -> list[int]:
    """For each label the size of the smallest group that a main marker names it in."""
    out = [n_labels + 1] * n_labels
    for bits, is_main in zip(labels, main, strict=True):
        if is_main:
            size, rest = bits.bit_count(), bits
            while rest:
                i = (rest & -rest).bit_length() - 1
                out[i] = min(out[i], size)
                rest &= rest - 1
    return [1 if size > n_labels else size for size in out]


def _spans(text: str, tokens: Sequence[Token], is_word: Sequence[bool], mine: Sequence[bool]) -> list[Span]:
    """The stretches of words that are `mine`, with the signs between them and those that cling to their ends."""
    runs: list[list[int]] = []
    going = False
    for t in range(len(tokens)):
        if is_word[t]:
            if mine[t] and going:
                runs[-1][1] = t
            elif mine[t]:
                runs.append([t, t])
            going = mine[t]
    return [_with_signs(text, tokens, is_word, first, last) for first, last in runs]


def _with_signs(text: str, tokens: Sequence[Token], is_word: Sequence[bool], first: int, last: int) -> Span:
    start, end = tokens[first].start, tokens[last].end
    t = first - 1
    while t >= 0 and not is_word[t] and tokens[t].end == start and text[tokens[t].start] in _OPENS:
        start, t = tokens[t].start, t - 1
    t = last + 1
    while t < len(tokens) and not is_word[t] and tokens[t].start == end and text[tokens[t].start] in _CLOSES:
        end, t = tokens[t].end, t + 1
    inside = text[start:end]
    for opening, closing in ("()", "[]"):
        if inside.startswith(opening) and inside.count(opening) > inside.count(closing):
            start, inside = start + 1, inside[1:]
        while inside.endswith((closing, closing + ".")) and inside.count(closing) > inside.count(opening):
            end, inside = end - 1, inside[:-1]
    return start, end


def doubts_of(
    tokens: Tokens,
    is_main: Sequence[bool],
    evidence: Evidence,
    path: Sequence[int],
    sets: Sequence[tuple[int, ...]],
    labels: Sequence[str],
) -> dict[str, dict[str, float]]:
    """The features of each label's text for the weights `certainty`; `is_main` says of each token whether it is a main
    marker.

    How sure it is of each piece whether it belongs to a label, given the owners of its neighbours.
    """
    chosen = np.array(path)
    odds = evidence.owners.copy()
    odds[1:] += evidence.pairs[np.arange(1, len(path)), chosen[:-1]]
    odds[:-1] += evidence.pairs[np.arange(1, len(path)), :, chosen[1:]]
    odds -= odds.max(1, keepdims=True)
    shares = np.exp(odds)
    shares /= shares.sum(1, keepdims=True)
    words = np.bincount(evidence.pieces.of, np.array(tokens.is_word) & ~np.array(is_main))  # markers are no text
    counted = words > 0
    kinds: dict[tuple[int, ...], int] = {}
    kind = np.array([kinds.setdefault(sets[t], len(kinds)) for t in evidence.pieces.starts])
    out = {}
    for i, label in enumerate(labels):
        belongs = np.array([[bits >> i & 1 for bits in found] for found in kinds], bool)[kind]
        inside = np.einsum("pk,pk->p", shares, belongs)
        decided = belongs[np.arange(len(path)), chosen]
        sure = np.clip(np.where(decided, inside, 1 - inside), 1e-6, 1)
        doubt = -np.log(sure) * counted
        mine = decided & counted
        out[label] = {
            "doubt": min(float(doubt.sum()), 20.0) ** 0.5,
            "worst": min(float(doubt.max(initial=0.0)), 5.0),
            "wrongly": float(((1 - sure) * words).sum() / max(1.0, (words * mine).sum())) ** 0.5,
            "none": float(not mine.any()),
        }
    return out


@functools.cache
def _network() -> _Network:
    session = network(WEIGHTS)
    words = session.get_modelmeta().custom_metadata_map["words"].split("\n")
    one = {
        "numbers": np.zeros((1, 3, 1), np.int64),
        "traits": np.zeros((1, 1, TRAITS), np.float32),
        "sentences": np.ones((1, 1, 1), np.float32),
    }
    steps, directions = session.run(["steps", "directions"], one)
    return _Network(session, steps, Vocabulary({word: i + FIRST_WORD for i, word in enumerate(words)}, directions))
