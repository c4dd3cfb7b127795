import pytest

from pmc15m.figures.assembly import Layout, assemble, text_certainty
from pmc15m.figures.captions import split_caption
from pmc15m.figures.model import SeparationReason, SeparationStatus

CAPTION = "Growth. (A) Cells before treatment. (B) Cells after treatment."
SPLIT = split_caption(CAPTION)
PAIR = ((0, 0, 100, 80), (110, 0, 210, 80))


def layout(*boxes, score=0.9):
    return Layout(boxes, tuple(() for _ in boxes), (), compound=score, scores=(score,) * len(boxes))


def test_what_stays_whole_carries_the_whole_caption():
    whole = assemble(layout((0, 0, 210, 80), score=0.1), SPLIT, CAPTION)
    assert (whole.status, whole.reason) == (SeparationStatus.KEPT_WHOLE, SeparationReason.NO_SEPARATORS)
    assert whole.panels[0].shared_spans == ((0, len(CAPTION)),)
    single = assemble(layout((0, 0, 210, 80), score=0.1), split_caption("Growth of cells."), "Growth of cells.")
    assert (single.status, single.reason) == (SeparationStatus.SINGLE, None)


def test_panels_without_letters_get_labels_by_their_order_and_little_certainty():
    separation = assemble(layout(*PAIR), SPLIT, CAPTION)
    assert [p.label for p in separation.panels] == ["A", "B"]
    assert [p.label_box for p in separation.panels] == [None, None]
    assert all(0 <= p.alignment_score < p.score for p in separation.panels)


def test_without_a_caption_there_is_no_text_to_give():
    separation = assemble(layout(*PAIR), split_caption(""), None)
    assert (separation.status, separation.reason) == (SeparationStatus.SPLIT_UNALIGNED, SeparationReason.NO_CAPTION)
    assert all(p.subcaption_spans == () and p.alignment_score is None for p in separation.panels)


@pytest.mark.parametrize(
    ("caption", "sure", "less_sure"),
    [
        ("Maps. (A) Roads. (B) Towns. Most are old. Scales differ.", "A", "B"),  # where does the legend begin?
        ("Maps. (A) Roads. (B) Towns. (C) Rivers of the north. Arrows in (A) mark bridges.", "B", "A"),
        ("Maps. (A) Roads. Towns (B) and rivers (C) are blue.", "A", "B"),  # one statement about two panels
        ("Maps. (A) Roads. (B, C) Towns. Those of (C) are old. (D) Rivers. All are long.", "A", "C"),
        ("Maps. (A) Roads. (B) Towns. (C) Rivers that cross the roads in (A).", "B", "A"),  # nothing but a reference
    ],
)
def test_some_texts_are_surer_than_others(caption, sure, less_sure):
    split = split_caption(caption)
    assert text_certainty(split, sure, caption) > text_certainty(split, less_sure, caption) > 0.2


def test_a_label_is_doubted_that_the_caption_does_not_name():
    named, unnamed = (text_certainty(SPLIT, label, CAPTION) for label in "AQ")
    assert named > unnamed
    silent = "Growth of cells."
    assert named > text_certainty(split_caption(silent), "A", silent) > unnamed
    assert text_certainty(split_caption(""), "A", None) == 1.0


def test_words_that_two_panels_share_stand_beside_their_own_and_apart_from_the_whole_figures():
    caption = "Lungs. CT in axial (A) and coronal (B) views of the chest."
    panel = assemble(layout(*PAIR), split_caption(caption), caption).panels[1]
    pieces = {
        name: [caption[a:b] for a, b in getattr(panel, name)]
        for name in ("subcaption_spans", "stem_spans", "shared_spans")
    }
    assert pieces == {
        "subcaption_spans": ["CT in", "coronal", "views of the chest."],
        "stem_spans": ["CT in", "views of the chest."],
        "shared_spans": ["Lungs."],
    }
