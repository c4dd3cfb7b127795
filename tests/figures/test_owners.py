"""Whose words are whose, told relative to markers; and captions as the network reads them."""

import numpy as np
import pytest

from pmc15m.figures.captions.model import Style
from pmc15m.figures.captions.owners import ORDER, OWNERS, PENALTY, PRESENCE, Owner, Region, Step, label_sets, pieces
from pmc15m.figures.captions.tokens import MARKER, TRAITS, UNKNOWN, Placed, Tokens, Vocabulary, tokenise

WORDS = Vocabulary({"cats": 4, "dogs": 5}, np.eye(6, 32, dtype=np.float32))


def placed(text: str, *marked: tuple[str, str]) -> list[Placed]:
    """Places of `(written, labels)` in the order of the text."""
    out, at = [], 0
    for written, labels in marked:
        start = text.index(written, at)
        at = start + len(written)
        out.append(Placed((start, at), tuple(labels), Style.PAREN))
    return out


def read(text: str, labels: str, *marked: tuple[str, str]) -> Tokens:
    return tokenise(text, placed(text, *marked), labels, (), WORDS)


TEXT = "Pets. (A) Cats by day. Views of (B) dogs and (C, D) birds at dusk, as in (A). Bars are means."
READ = read(TEXT, "ABCD", ("(A)", "A"), ("(B)", "B"), ("(C, D)", "CD"), ("(A)", "A"))
MAIN = [True, True, True, False]


def at(word: str) -> int:
    return next(t for t, token in enumerate(READ.tokens) if TEXT[token.start : token.end] == word)


def test_a_marker_is_one_token_and_sentences_are_counted() -> None:
    written = [TEXT[token.start : token.end] for token in READ.tokens]
    assert written[:4] == ["Pets", ".", "(A)", "Cats"]
    assert [token.sentence for token in READ.tokens if token.marker >= 0] == [1, 2, 2, 2] == READ.sentence
    assert READ.labels == [0b0001, 0b0010, 0b1100, 0b0001]
    assert READ.numbers[0, at("Cats")] == 4
    assert READ.numbers[0, at("birds")] == UNKNOWN
    assert READ.numbers[0, at("(B)")] == MARKER


def test_traits_are_finite_and_as_many_as_promised() -> None:
    assert READ.traits.shape == (len(READ.tokens), TRAITS)
    assert np.isfinite(READ.traits).all()
    assert np.abs(READ.traits).max() <= 1


@pytest.mark.parametrize(
    ("word", "owner", "labels"),
    [
        ("Pets", Owner.NEXT, 0b0001),
        ("Pets", Owner.PREVIOUS, 0),
        ("Cats", Owner.PREVIOUS, 0b0001),
        ("Cats", Owner.NEXT_SENTENCE, 0b1110),
        ("Views", Owner.SENTENCE, 0b1110),
        ("Views", Owner.NEXT_TWO, 0b1110),
        ("dogs", Owner.BEHIND, 0b0010),
        ("dogs", Owner.AHEAD, 0b1100),
        ("birds", Owner.GROUP, 0b1100),
        ("birds", Owner.PREVIOUS_THREE, 0b1111),
        ("birds", Owner.POINTED, 0b0001),
        ("birds", Owner.POINTED_NEXT, 0b0001),
        ("birds", Owner.POINTED_BEFORE, 0),
        ("means", Owner.PREVIOUS_SENTENCE, 0b1110),
        ("means", Owner.POINTED, 0),
        ("means", Owner.ALL, 0b1111),
        ("means", Owner.WHOLE, 0),
    ],
)
def test_owners_as_sets_of_labels(word: str, owner: Owner, labels: int) -> None:
    sets = label_sets(READ.tokens, READ.labels, READ.sentence, MAIN, 4)
    assert sets[at(word)][owner] == labels


def test_sentences_without_markers_are_one_piece_and_others_word_by_word() -> None:
    parts = pieces(READ.tokens, MAIN)
    assert parts.of[at("Bars")] == parts.of[at("means")] != parts.of[at("dusk")]
    assert parts.of[at("at")] + 1 == parts.of[at("dusk")]
    assert parts.sizes.sum() == len(READ.tokens)
    assert len(parts.sizes) == len(parts.regions) == len(parts.steps)
    where = {word: Region(parts.regions[parts.of[at(word)]]) for word in ("Bars", "Views", "dogs", "dusk")}
    assert where == {
        "Bars": Region.UNMARKED,
        "Views": Region.BEFORE,
        "dogs": Region.BETWEEN,
        "dusk": Region.AFTER,
    }
    steps = {word: Step(parts.steps[parts.of[at(word)]]) for word in ("Views", "dogs", "birds", "dusk")}
    assert steps == {"Views": Step.SENTENCE, "dogs": Step.MARKER, "birds": Step.MARKER, "dusk": Step.WITHIN}


def test_between_two_markers_owners_come_in_one_order() -> None:
    order = ORDER[Region.BETWEEN]
    assert order[Owner.PREVIOUS, Owner.NEXT] == order[Owner.NOBODY, Owner.NEXT] == 0
    assert order[Owner.NEXT, Owner.PREVIOUS] == PENALTY
    assert PRESENCE[Region.BEFORE, Owner.PREVIOUS] == PENALTY
    assert PRESENCE.shape == (len(Region), OWNERS)
