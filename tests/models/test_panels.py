"""What the figure network is taught: gutters and labels of a figure, on the grid of its maps."""

import numpy as np
import pytest

from models.panels.compose import Figure
from models.panels.layouts import lanes

PANELS = ((0, 0, 300, 200), (320, 0, 640, 200), (0, 220, 640, 480))
LABELS = (("a", (4, 4, 20, 20)), None, None)


def test_lanes_are_those_of_the_guillotine_tree():
    assert {(lane.axis, lane.box) for lane in lanes(PANELS)} == {
        (0, (0, 200, 640, 220)),
        (1, (300, 0, 320, 200)),
    }


def test_targets_lie_where_the_figure_has_gutters_and_labels():
    pytest.importorskip("torch")
    from models.panels.targets import targets

    square, maps, count = targets(Figure(np.full((480, 640, 3), 90, np.uint8), PANELS, LABELS))
    assert square.shape == (320, 320)
    assert (square[:240] == 90).all()
    assert (square[240:] == 255).all()
    down, across, label = maps
    assert (down[25:27, :80] == 255).all()  # 200 to 220 px of 640 are 25 to 27.5 of 80 cells
    assert down[:24].max() == down[29:].max() == 0
    assert (across[:25, 38:40] == 255).all()
    assert across[27:].max() == 0  # the gutter ends where the lower panel begins
    assert np.unravel_index(label.argmax(), label.shape) == (1, 1)
    assert count == 2
