import numpy as np
import pytest
from PIL import Image

from pmc15m.figures import SeparationReason, SeparationStatus, separate


def page(height, width, *boxes):
    """White paper with a dark, textured rectangle for each (x0, y0, x1, y1)."""
    picture = np.full((height, width), 255, np.uint8)
    for x0, y0, x1, y1 in boxes:
        rows, columns = np.mgrid[y0:y1, x0:x1]
        picture[y0:y1, x0:x1] = 40 + (rows * 7 + columns * 3) % 120
    return picture


FOUR = [(10, 10, 190, 140), (210, 10, 390, 140), (10, 160, 190, 290), (210, 160, 390, 290)]


@pytest.mark.parametrize("separator", ["network", "gutters"])
def test_four_photographs_on_white_are_four_panels_in_reading_order(separator):
    found = separate(page(300, 400, *FOUR), separator=separator)
    assert [p.box for p in found.panels] == FOUR
    assert [p.order for p in found.panels] == [0, 1, 2, 3]
    assert (found.status, found.reason) == (SeparationStatus.SPLIT_UNALIGNED, SeparationReason.NO_CAPTION)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "CMYK", "I;16"])
def test_every_mode_of_image_is_taken(mode):
    grey = Image.fromarray(page(300, 400, *FOUR))
    image = Image.fromarray(np.asarray(grey, np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    assert len(separate(image, separator="gutters").panels) == 4


def test_a_thumbnail_is_single_and_says_why():
    found = separate(page(30, 60))
    assert (found.status, found.reason) == (SeparationStatus.SINGLE, SeparationReason.TOO_SMALL)
    assert found.panels[0].box == (0, 0, 60, 30)


def test_unknown_separator():
    with pytest.raises(ValueError, match="one of network, gutters"):
        separate(page(100, 100), separator="magic")
