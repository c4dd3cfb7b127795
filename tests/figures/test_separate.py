import numpy as np
import pytest
from PIL import Image

from pmc15m.figures import SeparationReason, SeparationStatus, separate
from tests.figures.drawn_pages import letter, overlap, page, photograph, plot

FOUR = [(10, 10, 190, 140), (210, 10, 390, 140), (10, 160, 190, 290), (210, 160, 390, 290)]
LETTERED = [(10, 40, 290, 240), (330, 40, 610, 240), (10, 300, 290, 500), (330, 300, 610, 500)]
CAPTION = "Growth of cells. (A) Untreated cells. (B) Treated cells. (C) Cells after a week. (D) Survival over time."


def four_photographs():
    picture = page(400, 300)
    for seed, box in enumerate(FOUR):
        photograph(picture, box, seed)
    return picture


def four_lettered_panels():
    picture = page(640, 520)
    for seed, (box, text) in enumerate(zip(LETTERED, "ABCD", strict=True)):
        (plot if text == "D" else lambda p, b, s=seed: photograph(p, b, s))(picture, box)
        letter(picture, (box[0], box[1] - 28), text)
    return picture


@pytest.mark.parametrize("separator", ["network", "gutters"])
def test_four_photographs_on_white_are_four_panels_in_reading_order(separator):
    found = separate(four_photographs(), separator=separator)
    assert [p.box for p in found.panels] == FOUR
    assert [p.order for p in found.panels] == [0, 1, 2, 3]
    assert (found.status, found.reason) == (SeparationStatus.SPLIT_UNALIGNED, SeparationReason.NO_CAPTION)
    assert found.compound > 0.5


def test_printed_letters_get_their_part_of_the_caption():
    found = separate(four_lettered_panels(), CAPTION)
    assert found.status == SeparationStatus.SPLIT_ALIGNED
    assert [p.label for p in found.panels] == ["A", "B", "C", "D"]
    texts = ["".join(CAPTION[a:b] for a, b in p.subcaption_spans).strip() for p in found.panels]
    assert texts == ["Untreated cells.", "Treated cells.", "Cells after a week.", "Survival over time."]
    for panel, box in zip(found.panels, LETTERED, strict=True):
        assert overlap(panel.box, (box[0], box[1] - 28, box[2], box[3])) > 0.8
        assert panel.label_box is not None
        assert panel.box[0] <= panel.label_box[0] < panel.label_box[2] <= panel.box[2]
        assert panel.alignment_score > 0.5


def test_printed_letters_are_read_without_a_caption():
    found = separate(four_lettered_panels())
    assert [p.label for p in found.panels] == ["A", "B", "C", "D"]
    assert found.reason == SeparationReason.NO_CAPTION
    assert all(p.subcaption_spans == () for p in found.panels)


def test_letters_with_numbers_are_panels_of_their_own():
    picture = page(660, 900)
    for k, text in enumerate(("A", "B1", "B2", "B3", "C", "D")):
        x, y = k % 2 * 330, k // 2 * 300
        photograph(picture, (x + 6, y + 36, x + 320, y + 290), k)
        letter(picture, (x + 8, y + 6), text, 26)
    assert [panel.label for panel in separate(picture).panels] == ["A", "B1", "B2", "B3", "C", "D"]
    told = separate(picture, "Farms. (A) Barn. (B1) A cow. (B2) A goat. (B3) A sheep. (C) Yard. (D) Gate.")
    assert told.texts == ("Barn.", "A cow.", "A goat.", "A sheep.", "Yard.", "Gate.")
    assert len(separate(picture, "Farms. (A) Barn. (B) Animals. (C) Yard. (D) Gate.").panels) == 4


def test_the_caption_says_how_deep_to_cut():
    """Two rows of two photographs; the caption names two panels, so the pairs stay together as tiles."""
    picture = page(400, 340)
    for seed, (x0, y0, x1, y1) in enumerate(FOUR):
        photograph(picture, (x0, y0 + (40 if y0 > 150 else 0), x1, y1 + (40 if y0 > 150 else 0)), seed)
    found = separate(picture, "Cells. (A) Before treatment. (B) After treatment.", separator="gutters")
    assert [p.box for p in found.panels] == [(10, 10, 390, 140), (10, 200, 390, 330)]
    assert [len(p.tiles) for p in found.panels] == [2, 2]


@pytest.mark.parametrize("separator", ["network", "gutters"])
def test_a_plot_with_its_title_stays_one_panel(separator):
    picture = page(420, 320)
    plot(picture, (10, 10, 400, 300))
    found = separate(picture, "Growth over time.", separator=separator)
    assert found.status == SeparationStatus.SINGLE
    assert len(found.panels) == 1
    assert found.compound < 0.5


def test_a_figure_that_cannot_be_cut_keeps_its_whole_caption():
    picture = page(300, 300)
    photograph(picture, (0, 0, 300, 300))
    caption = "Cells. (A) Before treatment. (B) After treatment."
    found = separate(picture, caption)
    assert (found.status, found.reason) == (SeparationStatus.KEPT_WHOLE, SeparationReason.NO_SEPARATORS)
    assert found.compound >= 0.5
    (panel,) = found.panels
    assert (panel.box, panel.shared_spans) == ((0, 0, 300, 300), ((0, len(caption)),))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "CMYK", "I;16"])
def test_every_mode_of_image_is_taken(mode):
    grey = four_photographs()
    image = Image.fromarray(np.asarray(grey, np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    assert len(separate(image, separator="gutters").panels) == 4


def test_transparent_paper_is_white():
    picture = four_photographs().convert("LA")
    alpha = picture.getchannel("L").point(lambda v: 0 if v == 255 else 255)
    clear = Image.merge("LA", (Image.new("L", picture.size, 0), alpha))
    clear.paste(picture, (0, 0), alpha)
    assert [p.box for p in separate(clear, separator="gutters").panels] == FOUR


def test_boxes_are_in_pixels_of_the_large_image_that_was_given():
    large = four_photographs().resize((2400, 1800), Image.Resampling.NEAREST)
    for panel, box in zip(separate(large, separator="gutters").panels, FOUR, strict=True):
        assert np.abs(np.array(panel.box) - 6 * np.array(box)).max() <= 6


@pytest.mark.parametrize("fill", [0, 128, 255])
def test_an_empty_page_is_one_panel(fill):
    found = separate(Image.new("RGB", (300, 200), (fill,) * 3))
    assert [p.box for p in found.panels] == [(0, 0, 300, 200)]
    assert found.status == SeparationStatus.SINGLE


@pytest.mark.parametrize("size", [(60, 30), (1, 1), (5000, 3)])
def test_a_thumbnail_is_single_and_says_why(size):
    found = separate(Image.new("L", size, 255))
    assert (found.status, found.reason) == (SeparationStatus.SINGLE, SeparationReason.TOO_SMALL)
    assert found.panels[0].box == (0, 0, *size)


def test_the_same_figure_gives_the_same_answer():
    picture = four_lettered_panels()
    assert separate(picture, CAPTION) == separate(np.asarray(picture), CAPTION)


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_an_empty_image_is_refused(size):
    with pytest.raises(ValueError, match="an empty image"):
        separate(Image.new("RGB", size))


def test_unknown_separator():
    with pytest.raises(ValueError, match="one of network, gutters"):
        separate(page(100, 100), separator="magic")
