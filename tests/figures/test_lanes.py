"""The figure network: what it says about a line, and what it saw in pages that were drawn here."""

import numpy as np
import pytest

from pmc15m.figures import lanes
from pmc15m.figures.lanes import Lanes, find_lanes
from pmc15m.figures.raster import rasterise
from tests.figures.drawn_pages import letter, page, photograph, plot


def seen(picture):
    return find_lanes(rasterise(picture).grey)


def test_along_is_the_mean_of_the_cells_that_a_line_crosses():
    maps = np.zeros((2, 80, 80), np.float32)
    maps[0, 20, :40] = 1  # a horizontal gutter through the left half of a picture of 800 px
    maps[1, 40:, 60] = 0.5
    found = Lanes(maps, 0.1)
    whole, left = found.along((0, 0, 800, 800), 0), found.along((0, 100, 400, 300), 0)
    assert whole.shape == (800,)
    assert left.shape == (200,)
    assert whole[204:206] == pytest.approx(0.5, abs=0.03)
    assert left[104:106] == pytest.approx(1, abs=0.06)
    assert whole[250] == 0
    assert found.along((0, 400, 800, 800), 1)[604:606] == pytest.approx(0.5, abs=0.03)
    assert found.along((0, 0, 800, 400), 1).max() == 0


def test_a_gutter_between_photographs_is_seen_and_nothing_else():
    picture = page(620, 410)
    for seed, box in enumerate([(0, 0, 300, 200), (320, 0, 620, 200), (0, 210, 300, 410), (320, 210, 620, 410)]):
        photograph(picture, box, seed)
        letter(picture, (box[0] + 6, box[1] + 6), "ABCD"[seed], fill=0)
    found = seen(picture)
    down, across = found.along((0, 0, 620, 410), 0), found.along((0, 0, 620, 410), 1)
    assert min(down[200:210].max(), across[300:320].max()) > 0.7
    assert max(down[:180].max(), down[230:].max(), across[:270].max(), across[350:].max()) < 0.3


def test_one_plot_has_none():
    picture = page(420, 320)
    plot(picture, (10, 10, 400, 300))
    found = seen(picture)
    assert found.maps.max() < 0.5


def test_the_same_picture_gives_the_same_lanes():
    picture = page(300, 200)
    photograph(picture, (0, 0, 300, 200))
    first, again = seen(picture), seen(picture)
    assert (first.maps == again.maps).all()


def test_all_weights_together_stay_below_eight_megabytes():
    assert sum(file.stat().st_size for file in lanes.WEIGHTS.parent.iterdir()) < 8_000_000
