"""A caption in pieces, with who says what."""

from hypothesis import given
from hypothesis import strategies as st

from pmc15m.browse.captions import Piece, pieces
from tests.browse.made import CAPTION, span

SPANS = st.lists(st.builds(lambda a, b: {"start": min(a, b), "end": max(a, b)}, *[st.integers(0, 40)] * 2), max_size=3)
PANELS = st.lists(
    st.fixed_dictionaries(dict.fromkeys(("subcaption_spans", "stem_spans", "shared_spans"), SPANS | st.none())),
    max_size=4,
)


@given(st.text(max_size=30), PANELS)
def test_the_pieces_are_the_caption(caption: str, panels: list[dict[str, object]]) -> None:
    assert "".join(piece.text for piece in pieces(caption, panels)) == caption


def test_own_and_shared_words_are_told_apart() -> None:
    whole = [span("Cells at rest.")]
    panels = [
        {"subcaption_spans": [*whole, span("Left cells.")], "stem_spans": whole, "shared_spans": []},
        {"subcaption_spans": [span("Right cells, ")], "stem_spans": [], "shared_spans": [span("both stained.")]},
    ]
    assert pieces(CAPTION, panels) == [
        Piece("Cells at rest.", (0,), True),
        Piece(" (A) "),
        Piece("Left cells.", (0,)),
        Piece(" (B) "),
        Piece("Right cells, ", (1,)),
        Piece("both stained.", (), True),
    ]


def test_what_two_panels_have_is_shared() -> None:
    panel = {"subcaption_spans": [{"start": 0, "end": 2}], "stem_spans": None, "shared_spans": None}
    assert pieces("ab", [panel, panel]) == [Piece("ab", (0, 1), True)]
