import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from pmc15m.figures import SeparationStatus, separate, units
from pmc15m.figures.evidence import weigh
from pmc15m.figures.raster import rasterise
from tests.figures.drawn_pages import overlap, page, photograph, plot

CAPTION = "Growth of one culture, from the first day to the last."


def evidence_of(picture):
    return weigh(rasterise(picture))


def touching(rows, columns, sizes=(180, 150)):
    """Photographs edge to edge, each of its own brightness, and their boxes."""
    w, h = sizes
    picture = page(columns * w, rows * h)
    boxes = [(x * w, y * h, (x + 1) * w, (y + 1) * h) for y in range(rows) for x in range(columns)]
    for seed, box in enumerate(boxes):
        photograph(picture, box, seed)
        part = np.asarray(picture.crop(box)) // 2 + (10, 110, 60)[(seed + seed // columns) % 3]
        picture.paste(Image.fromarray(part.astype(np.uint8)), box[:2])
    return picture, boxes


def axes(picture, box, named=True):
    """A framed plot with numbers left of it and below; its frame."""
    x0, y0, x1, y1 = box
    frame = (x0 + 30, y0 + 4, x1 - 4, y1 - 22)
    draw = ImageDraw.Draw(picture)
    draw.rectangle(frame, outline=0, width=2)
    draw.line([frame[0] + 4, frame[3] - 9, (x0 + x1) // 2, frame[1] + 9, frame[2] - 9, y0 + 50], fill=0, width=2)
    for k in range(4 if named else 0):
        draw.text((x0 + 8, frame[3] - 8 - k * (frame[3] - frame[1] - 12) // 3), f".{k}", fill=0)
        draw.text((frame[0] + 4 + k * (frame[2] - frame[0] - 24) // 3, frame[3] + 6), f"{k}0", fill=0)
    return frame


@pytest.mark.parametrize(("rows", "columns"), [(1, 3), (2, 2), (3, 4)])
def test_photographs_that_touch_are_a_panel_each_under_any_caption(rows, columns):
    picture, boxes = touching(rows, columns)
    found = [panel.box for panel in separate(picture, CAPTION, separator="gutters").panels]
    assert len(found) == len(boxes)
    assert all(max(overlap(box, other) for other in found) > 0.9 for box in boxes)


def test_one_photograph_is_no_mosaic():
    picture = page(720, 480)
    photograph(picture, (0, 0, 720, 480))
    assert units.mosaic(evidence_of(picture), (0, 0, 720, 480)) == [(0, 0, 720, 480)]


@pytest.mark.parametrize(("grounds", "panels"), [((232, 236, 229, 234), 12), ((232,), 0)])
def test_pictures_that_touch_are_told_by_steps_of_their_grounds(grounds, panels):
    """Cups in three rows of four."""
    picture = page(640, 480)
    draw = ImageDraw.Draw(picture)
    for k in range(12):
        x, y = k % 4 * 160, k // 4 * 160
        draw.rectangle([x, y, x + 159, y + 159], fill=grounds[(k + k // 4) % len(grounds)])
        cup = [(x + 6, y + 8), (x + 116, y + 8), (x + 100, y + 154), (x + 22, y + 154)]
        draw.polygon(cup, fill=40 + 9 * k)
        draw.arc([x + 80, y + 30, x + 154, y + 100], 250, 110, fill=40 + 9 * k, width=8)
    assert len(units.touching(evidence_of(picture))) == panels


def test_a_ruler_in_a_photograph_does_not_part_it():
    picture, _ = touching(1, 2, (360, 480))
    photograph(picture, (0, 0, 720, 480))
    picture.paste(235, (330, 0, 370, 480))
    for y in range(0, 480, 12):
        picture.paste(0, (330, y, 344, y + 2))
    assert len(units.mosaic(evidence_of(picture), (0, 0, 720, 480))) == 1


def test_plots_under_shared_titles_are_a_panel_each():
    picture = page(700, 660)
    boxes = [(x, y, x + 310, y + 200) for y in (10, 220, 430) for x in (40, 370)]
    for box in boxes:
        axes(picture, box)
    ImageDraw.Draw(picture).text((330, 640), "hours of the day", fill=0)
    found = [panel.box for panel in separate(picture, CAPTION, separator="gutters").panels]
    assert len(found) == 6
    assert all(max(overlap(box, other) for other in found) > 0.75 for box in boxes)


def test_frames_without_numbers_count_beside_those_that_have_them():
    picture = page(700, 240)
    frames = [axes(picture, (10 + 230 * k, 10, 230 + 230 * k, 220), named=k == 0) for k in range(3)]
    found = units.plots(evidence_of(picture), ())
    assert len(found) == 3
    assert all(max(overlap(frame, other) for other in found) > 0.9 for frame in frames)


@pytest.mark.parametrize(("shade", "panels"), [(0, 12), (150, 1)])
def test_lines_as_dark_as_the_frame_part_it_and_those_of_a_grid_do_not(shade, panels):
    picture = page(640, 500)
    x0, y0, x1, y1 = frame = axes(picture, (10, 10, 630, 490))
    draw = ImageDraw.Draw(picture)
    for k in range(1, 4):
        draw.line([x0 + k * (x1 - x0) // 4, y0 + 2, x0 + k * (x1 - x0) // 4, y1 - 2], fill=shade, width=2)
    for k in range(1, 3):
        draw.line([x0 + 2, y0 + k * (y1 - y0) // 3, x1 - 2, y0 + k * (y1 - y0) // 3], fill=shade, width=2)
    draw.rectangle(frame, outline=0, width=2)
    assert len(units.frames(evidence_of(picture), ())) == panels


def test_a_tinted_box_with_words_is_no_picture():
    picture, box = page(640, 500), (40, 60, 340, 220)
    draw = ImageDraw.Draw(picture)
    draw.rectangle(box, fill=160, outline=0, width=3)
    noise = np.random.default_rng(4)
    for y in range(70, 200, 18):
        for x in range(50, 320, 13):
            draw.text((x, y), chr(65 + int(noise.integers(26))), int(noise.integers(255)), ImageFont.load_default(20))
    assert not units._is_picture(evidence_of(picture), (40, 60, 341, 221))
    photograph(picture, box)
    assert units._is_picture(evidence_of(picture), box)


def test_a_key_in_a_frame_below_a_plot_is_no_panel():
    picture = page(640, 560)
    axes(picture, (10, 10, 630, 430))
    ImageDraw.Draw(picture).rectangle((40, 460, 626, 540), outline=0, width=2)
    assert len(separate(picture, CAPTION, separator="gutters").panels) == 1


def test_spectra_that_stand_on_axes_of_one_length_are_plots():
    picture = page(900, 420)
    draw = ImageDraw.Draw(picture)
    lines = [(x, y) for y in (150, 350) for x in (20, 320, 620)]
    for x, y in lines:
        draw.line([x, y, x + 240, y], fill=0, width=2)
        draw.polygon([(x + 60, y - 4), (x + 110, y - 110), (x + 160, y - 4)], fill=90)
        for k in range(5):
            draw.text((x + 4 + 56 * k, y + 6), f"{k}8", fill=0)
    found = units.plots(evidence_of(picture), ())
    assert sorted((box[0], box[3] // 10) for box in found) == sorted((x, (y + 1) // 10) for x, y in lines)


def rings(picture):
    draw = ImageDraw.Draw(picture)
    for k in range(8):
        x, y = 100 + k % 4 * 215, 100 + k // 4 * 235
        angle = np.arange(7) * np.pi / 3
        draw.line([(x + 42 * np.cos(a), y + 42 * np.sin(a)) for a in angle], fill=0, width=2)
        draw.text((x - 20, y + 60), "resin", fill=0)


def columns_of_boxes(picture):
    draw = ImageDraw.Draw(picture)
    for x in (10, 500):
        draw.rounded_rectangle((x, 10, x + 380, 470), 30, fill=228, outline=150, width=2)
        for y in (60, 200, 340):
            draw.rounded_rectangle((x + 90, y, x + 290, y + 70), 12, fill=200, outline=0, width=2)
            draw.text((x + 150, y + 28), "basin", fill=0)


@pytest.mark.parametrize("scheme", [rings, columns_of_boxes])
@pytest.mark.parametrize("caption", [CAPTION, "A valley that is wet (left) and dry (right)."])
def test_a_scheme_stays_whole_whatever_places_its_caption_names(scheme, caption):
    picture = page(900, 480)
    scheme(picture)
    assert separate(picture, caption, separator="gutters").status is SeparationStatus.SINGLE


def test_a_caption_that_names_as_many_panels_is_believed():
    picture = page(660, 240)
    for x in (10, 340):
        axes(picture, (x, 10, x + 310, 230))
    found = separate(picture, "Growth. (A) Early. (B) Late.", separator="gutters")
    assert len(found.panels) == 2


def test_what_is_solid_is_no_line():
    picture = page(300, 200)
    plot(picture, (10, 10, 140, 190))
    picture.paste(40, (170, 20, 290, 180))
    evidence = evidence_of(picture)
    assert units.solid(evidence, (0, 0, 150, 200)) < 0.1 < 0.9 < units.solid(evidence, (160, 0, 300, 200))
