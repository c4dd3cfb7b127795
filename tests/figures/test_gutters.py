import numpy as np
import pytest
from PIL import Image

from pmc15m.figures import gutters
from pmc15m.figures.anchored import anchor
from pmc15m.figures.evidence import weigh
from pmc15m.figures.lanes import Lanes
from pmc15m.figures.printed import PrintedLabel, PrintedSeries
from pmc15m.figures.raster import rasterise
from pmc15m.figures.separate import believed, box_certainty, fill, with_unread
from pmc15m.figures.tiles import find_tiles
from tests.figures.drawn_pages import letter, overlap, page, photograph, plot


def evidence_of(picture):
    return weigh(rasterise(picture))


def grid(gap, paper=255, sizes=(200, 200)):
    """Two by two photographs with a gutter of some width and shade, and their boxes."""
    w, h = sizes
    picture = page(2 * w + gap, 2 * h + gap, paper)
    boxes = [(x, y, x + w, y + h) for y in (0, h + gap) for x in (0, w + gap)]
    for seed, box in enumerate(boxes):
        photograph(picture, box, seed)
        part = np.asarray(picture.crop(box)) // 2 + (30, 120, 90, 10)[seed]  # each of its own brightness
        picture.paste(Image.fromarray(part.astype(np.uint8)), box[:2])
    return picture, boxes


@pytest.mark.parametrize(("gap", "paper"), [(12, 255), (3, 255), (8, 0), (6, 235), (0, 255)])
def test_gutters_of_any_shade_and_photographs_that_touch(gap, paper):
    picture, boxes = grid(gap, paper)
    found = gutters.choose(evidence_of(picture), wanted=4, least=1.0).boxes
    assert len(found) == 4
    for box in boxes:
        assert max(overlap(box, other) for other in found) > 0.95


def test_the_strongest_cut_comes_first():
    picture = page(640, 300)
    for seed, box in enumerate([(0, 0, 200, 300), (206, 0, 400, 300), (440, 0, 640, 300)]):
        photograph(picture, box, seed)
    steps = list(gutters.partitions(evidence_of(picture)))
    assert [len(step.boxes) for step in steps] == [1, 2, 3]
    assert steps[1].boxes == ((0, 0, 400, 300), (440, 0, 640, 300))
    assert steps[1].strength > steps[2].strength > 1


def test_equal_gaps_are_cut_together():
    picture = page(640, 200)
    for i in range(4):
        photograph(picture, (160 * i, 0, 160 * i + 150, 200), i)
    assert [len(step.boxes) for step in gutters.partitions(evidence_of(picture))] == [1, 4]


def test_a_heading_joins_the_panel_below_it():
    boxes = gutters.join_small([(100, 0, 300, 12), (0, 20, 400, 300), (0, 340, 400, 640)], longer=640)
    assert boxes == [(0, 0, 400, 300), (0, 340, 400, 640)]


def test_a_legend_beside_a_plot_is_no_panel_of_a_figure_without_labels():
    assert not gutters.even([(0, 0, 400, 300), (0, 330, 380, 350)])
    assert gutters.even([(0, 0, 400, 300), (0, 330, 400, 600)])


def test_an_axis_that_runs_through_a_gap_holds_a_plot_together():
    picture = page(600, 400)
    for x in (40, 320):
        plot(picture, (x, 20, x + 240, 360))
    assert len(gutters.choose(evidence_of(picture), wanted=0, least=2.5).boxes) == 2
    picture.paste(0, (40, 300, 560, 301))
    assert len(gutters.choose(evidence_of(picture), wanted=0, least=2.5).boxes) == 1


def test_weak_gaps_suffice_where_they_make_a_grid():
    cells = [(x, y, x + 280, y + 180) for y in (0, 192, 384) for x in (0, 292)]
    whole, row = page(580, 580), page(580, 580)
    for number, box in enumerate(cells):
        plot(whole, box)
        if number < 2:
            plot(row, box)
    assert len(gutters.choose(evidence_of(whole), wanted=0, least=2.5).boxes) == 6
    assert len(gutters.choose(evidence_of(row), wanted=0, least=2.5).boxes) == 1


def test_a_grid_has_rows_of_the_same_columns():
    cells = [(x, y, x + 100, y + 80) for y in (0, 90, 180) for x in (0, 110)]
    assert gutters.grid(cells)
    assert not gutters.grid(cells[:2])
    assert not gutters.grid(cells[:-1])
    assert not gutters.grid([*cells[:-1], (130, 180, 230, 260)])


@pytest.mark.parametrize("cell", ["tl", "bl", "br"])
def test_labels_in_any_corner_say_where_to_cut(cell):
    """Plots whose inner gaps are wider than the gutters between them: only the labels tell."""
    picture = page(620, 520)
    frames = [(x, y, x + 290, y + 240) for y in (10, 262) for x in (10, 316)]
    labels = []
    for box, text in zip(frames, "ABCD", strict=True):
        plot(picture, box)
        x = box[0] if cell[1] == "l" else box[2] - 16
        y = box[1] - 6 if cell[0] == "t" else box[3] - 18
        letter(picture, (x, y), text, 20)
        labels.append((x, y, x + 14, y + 15))
    tree = anchor(evidence_of(picture), labels)
    for box, frame, label in zip(tree.boxes, frames, labels, strict=True):
        assert overlap(box, frame) > 0.8
        assert box[0] <= label[0] + 1
        assert label[2] - 2 <= box[2]


@pytest.mark.parametrize("title", [False, True])
def test_a_cut_does_not_part_a_label_from_its_panel(title):
    """The columns beside the label and beside the title of an axis are empty, leader lines cross the gutter."""
    picture = page(800, 300)
    for box in ((130, 10, 560, 290), (620, 10, 790, 290)):
        photograph(picture, box, 1)
    for y in (60, 130, 200):
        picture.paste(0, (500, y, 640, y + 4))
    if title:
        picture.paste(0, (50, 60, 62, 240))
    labels = [(4, 4, 18, 19), (600, 4, 614, 19)]
    for (x, y, _, _), text in zip(labels, "AB", strict=True):
        letter(picture, (x, y), text, 20)
    first, second = anchor(evidence_of(picture), labels).boxes
    assert overlap(first, (4, 4, 560, 290)) > 0.9
    assert overlap(second, (600, 4, 790, 290)) > 0.8


def test_tiles_are_the_photographs_under_one_label():
    picture, boxes = grid(4)
    assert find_tiles(evidence_of(picture), (0, 0, 404, 404)) == tuple(boxes)
    assert find_tiles(evidence_of(picture), boxes[0]) == ()


def test_a_panel_whose_label_was_not_read_is_a_panel_all_the_same():
    picture, boxes = grid(12)
    labels = [(x0 + 4, y0 + 4, x0 + 18, y0 + 20) for x0, y0, _, _ in boxes[:3]]
    merged = (boxes[0], boxes[1], (0, 212, 412, 412))
    assert with_unread(evidence_of(picture), merged, labels) == tuple(boxes)
    assert with_unread(evidence_of(picture), merged[1:], labels[:1]) == merged[1:]  # three more would be too many


@pytest.mark.parametrize(
    ("top", "below", "found"),
    [
        ([(0, 310), (330, 640)], [(0, 150), (164, 400), (415, 640)], 3),  # C is a row of pictures, wide as they are
        ([(0, 200), (220, 420), (440, 640)], [(0, 200), (220, 420), (440, 640)], 6),  # three letters were not read
    ],
)
def test_many_panels_without_a_read_label_are_those_of_one_size(top, below, found):
    picture = page(640, 430)
    boxes = [(a, 0, b, 200) for a, b in top] + [(a, 230, b, 430) for a, b in below]
    for seed, box in enumerate(boxes):
        photograph(picture, box, seed)
    sure = Lanes(np.full((2, 80, 80), 0.95, np.float32), 80 / 640)
    labels = [(a + 4, 4, a + 18, 20) for a, _ in top[:2]] + [(4, 234, 18, 250)]
    merged = (*boxes[:2], (0, 230, 640, 430))
    assert len(with_unread(weigh(rasterise(picture), sure), merged, labels)) == found


def test_a_strip_beside_the_panels_is_not_the_panel_whose_label_was_not_read():
    picture, row = page(640, 360), [(0, 60, 310, 360), (330, 60, 640, 360)]
    for seed, box in enumerate(row):
        photograph(picture, box, seed)
    assert fill(evidence_of(picture), [(0, 0, 640, 360)], 2) == tuple(row)
    photograph(picture, (0, 0, 640, 40), 2)  # a scale of colours
    assert fill(evidence_of(picture), [(0, 0, 310, 360), row[1]], 3) == ((0, 0, 310, 360), row[1])


def test_a_letter_that_nobody_printed_cuts_no_panel_in_which_the_network_sees_no_gutter():
    picture, row = page(640, 360), [(0, 60, 310, 360), (330, 60, 640, 360)]
    for seed, box in enumerate(row):
        photograph(picture, box, seed)
    whole = (0, 0, 640, 360)
    for sure, boxes in ((0.1, (whole,)), (0.9, tuple(row))):
        assert fill(weigh(rasterise(picture), lanes_of(picture, sure)), [whole], 2) == boxes


def test_an_empty_page_has_no_partitions():
    assert list(gutters.partitions(evidence_of(page(200, 200)))) == []


def lanes_of(picture, vertical):
    """What a network would see that is equally sure of a vertical gutter everywhere, and of no horizontal one."""
    maps = np.stack([np.zeros((80, 80)), np.full((80, 80), vertical)]).astype(np.float32)
    return Lanes(maps, 80 / max(picture.size))


@pytest.mark.parametrize(("sure", "left"), [(0.9, 1.0), (0.5, 1.0), (0.0, gutters.UNSEEN)])
def test_a_gap_loses_strength_where_the_network_sees_no_gutter(sure, left):
    picture = page(640, 300)
    plot(picture, (10, 10, 300, 290))
    plot(picture, (340, 10, 630, 290))
    raster = rasterise(picture)
    alone = max(gutters.find_gaps(weigh(raster), (0, 0, 640, 300), 1))
    seen = max(gutters.find_gaps(weigh(raster, lanes_of(picture, sure)), (0, 0, 640, 300), 1))
    assert seen.at == alone.at
    assert seen.strength == pytest.approx(left * alone.strength)


def test_the_network_is_not_asked_in_the_dark():
    picture = page(640, 300)
    for x in (10, 330):
        picture.paste(8, (x, 10, x + 300, 290))
    raster = rasterise(picture)
    alone = gutters.find_gaps(weigh(raster), (0, 0, 640, 300), 1)
    assert len(alone) == 1
    assert gutters.find_gaps(weigh(raster, lanes_of(picture, 0.0)), (0, 0, 640, 300), 1) == alone


def test_a_weak_series_needs_the_network_to_be_sure_of_every_cut():
    picture = page(640, 300)
    boxes = [(0, 0, 300, 300), (340, 0, 640, 300)]
    for seed, box in enumerate(boxes):
        photograph(picture, box, seed)
    labels = tuple(
        PrintedLabel(text, i, (box[0] + 4, 4, box[0] + 24, 24), 1.6)
        for i, (text, box) in enumerate(zip("AB", boxes, strict=True))
    )
    weak, raster = PrintedSeries(labels, 3.2), rasterise(picture)
    assert believed(weigh(raster), weak, named=False) is None
    assert believed(weigh(raster, lanes_of(picture, 0.5)), weak, named=False) is None
    assert believed(weigh(raster, lanes_of(picture, 0.95)), weak, named=False).boxes == tuple(boxes)
    assert believed(weigh(raster), PrintedSeries(labels, 9.0), named=False).boxes == tuple(boxes)


def test_letters_inside_one_photograph_make_panels_only_where_the_caption_names_them():
    picture = page(640, 300)
    photograph(picture, (0, 0, 640, 300))
    marks = PrintedSeries(
        tuple(PrintedLabel(text, i, (40 + 320 * i, 40, 60 + 320 * i, 60), 4.5) for i, text in enumerate("AB")), 9.0
    )
    evidence = evidence_of(picture)
    assert believed(evidence, marks, named=False) is None
    assert len(believed(evidence, marks, named=True).boxes) == 2


def test_a_gutter_inside_a_box_makes_it_less_certain():
    certain = [box_certainty(-0.01, gutter) for gutter in (0.0, 0.5, 0.8, 1.0)]
    assert certain[0] == certain[1] > certain[2] > certain[3] > 0.8
