"""What `models.captions` learns from: captions that readers cut, and what it means that a text is right."""

import argparse
import json
import random
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from models.captions import certainty, texts, words
from models.captions.marks import Marked, checksum, is_right, made_up, read_made_up, read_marks, read_pieces
from models.captions.varied import varied
from pmc15m.figures.captions.split import name_panels
from pmc15m.figures.captions.tokens import Vocabulary

CAPTION = "Pets. Images of (A) cats and (B) dogs at dusk. Bars are means of five."
PIECES = [("*", "Pets."), ("A,B", " Images of "), ("m", "(A)"), ("A", " cats "), ("-", "and "), ("m", "(B)"),
          ("B", " dogs "), ("A,B", "at dusk."), ("*", " Bars are means of five.")]  # fmt: skip


@pytest.fixture
def marked(tmp_path: Path) -> Marked:
    cuts = np.cumsum([0, *(len(piece) for _, piece in PIECES)]).tolist()
    pieces = [[a, b, who] for a, b, (who, _) in zip(cuts, cuts[1:], PIECES, strict=False)]
    line = {"id": "one", "folder": "article", "caption": CAPTION, "markup": [[17, 18, "bold"]], "pieces": pieces}
    (tmp_path / "pieces.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    (found,) = read_pieces(tmp_path / "pieces.jsonl")
    return found


def spans(*pieces: str) -> list[tuple[int, int]]:
    return [(CAPTION.index(piece), CAPTION.index(piece) + len(piece)) for piece in pieces]


def test_words_have_their_owners(marked: Marked) -> None:
    assert marked.labels == {"a", "b"}
    who = {marked.text[word.start : word.end]: word.who for word in marked.readings[0]}
    assert (who["Pets"], who["Images"], who["A"], who["and"]) == ("*", {"a", "b"}, "m", "-")


@pytest.mark.parametrize(
    ("pieces", "right"),
    [
        (("Images of", "cats", "at dusk"), True),
        (("Images of (A) cats", "at dusk."), True),  # a marker in the text is another matter
        (("Images of", "cats", "dusk"), True),  # one of five
        (("Images of", "cats"), False),
        (("Images of", "cats", "dogs at dusk"), False),
        (("Images of", "cats", "at dusk", "means of five"), False),
        ((), False),
    ],
)
def test_a_text_is_right_where_nothing_lacks_and_nothing_is_foreign(
    marked: Marked, pieces: tuple[str, ...], right: bool
) -> None:
    assert is_right(marked, "a", spans(*pieces)) is right


def test_the_owners_that_fit_are_what_the_network_is_taught(marked: Marked) -> None:
    example = texts.example_of(marked, Vocabulary({}, np.zeros((4, 32), np.float32)))
    assert example is not None
    assert texts.is_taught(example)
    (truth,) = example.truths
    at = {
        CAPTION[token.start : token.end]: piece
        for token, piece in zip(example.tokens.tokens, truth.pieces.of, strict=True)
    }
    fits = {
        word: {texts.Owner(o).name for o in np.flatnonzero(truth.owners[at[word]])} for word in ("Pets", "cats", "dusk")
    }
    assert fits["Pets"] == {"WHOLE"}
    assert "PREVIOUS" in fits["cats"]
    assert "SENTENCE" not in fits["cats"]
    assert fits["dusk"] >= {"SENTENCE", "PREVIOUS_TWO", "ALL"}
    assert truth.main.sum() == truth.known.sum() == 2


def test_committed_marks_fit_the_captions_that_they_mark() -> None:
    captions = list(read_made_up())
    assert len(captions) > 200
    assert all(word.who for each in captions for word in each.readings[0])
    text = "(A) Cats. (B) Dogs."
    assert list(read_marks({"PMC0:none": ("PMC0", text, [])})) == []
    assert checksum("Cats, dogs") == checksum("Cats – dogs") != checksum("Dogs, cats")


def owners_of(marked: Marked) -> list[tuple[str, str]]:
    return sorted((marked.text[w.start : w.end], ",".join(sorted(w.who))) for w in marked.readings[0])


def test_other_writings_of_a_caption_leave_every_word_its_owner(marked: Marked) -> None:
    own = owners_of(marked)
    placed = name_panels(marked.text, marked.markup).placed
    written = [other for seed in range(300) if (other := varied(marked, placed, random.Random(seed)))]
    heads = {other.text.removesuffix(" at dusk. Bars are means of five.") for other in written}
    assert {"Pets. Images of cats (A) and dogs (B)", "Pets. Images of A: cats and B: dogs"} <= heads
    for other in written:
        assert owners_of(other) == own
        assert other.markup == ()


@pytest.mark.parametrize(
    "body",
    [
        "⟦A⟧Cats ⟦m⟧(A) ⟦A⟧asleep ⟦-⟧and ⟦B⟧dogs ⟦m⟧(B) ⟦B⟧awake",  # words of one owner on both sides
        "⟦m⟧(A) ⟦A⟧Cats (asleep, ⟦m⟧(B) ⟦B⟧dogs)",  # a bracket that would close elsewhere
        "⟦m⟧(A) ⟦A,B⟧Pets, ⟦m⟧(B) ⟦B⟧dogs",  # one marker of the sentence has no words of its own
    ],
)
def test_markers_that_cannot_move_stay(body: str) -> None:
    caption = made_up("pets", body)
    placed = name_panels(caption.text).placed
    assert len(placed) == 2
    assert varied(caption, placed, random.Random(0)) is None


def test_words_that_are_used_alike_point_the_same_way() -> None:
    beasts = [f"the {beast} ran to the {place}" for beast in ("cat", "dog") for place in ("barn", "pond")] * 30
    known, directions = words.learn(beasts, ["cat and dog"])
    number = {word: i for i, word in enumerate(known)}
    alike = lambda a, b: float(np.dot(*(directions[number[w]] / np.linalg.norm(directions[number[w]]) for w in (a, b))))  # noqa: E731
    assert alike("cat", "dog") > alike("cat", "ran")


def test_certainty_learns_which_doubts_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {
            "article": str(n % 7),
            "asked": n % 2 == 0,
            "right": n % 3 != 0,
            "traits": {"doubt": float(n % 3 == 0), "none": 0.0},
        }
        for n in range(90)
    ]
    (tmp_path / "certainty.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    weights = json.loads(certainty.train(argparse.Namespace(left_out=tmp_path / "certainty.jsonl")))
    assert weights["doubt"] < -2
    assert weights["bias"] > 1
    assert "90 texts, 0.667 right" in capsys.readouterr().out
