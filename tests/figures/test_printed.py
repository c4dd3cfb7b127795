import numpy as np
import pytest

from pmc15m.figures.glyphs import find_glyphs, isolated
from pmc15m.figures.model import LABEL_ALPHABET
from pmc15m.figures.printed import find_series
from pmc15m.figures.reader import Readings, read_glyphs
from pmc15m.figures.separate import SERIES, SUPPORTED
from tests.figures.drawn_pages import letter, page, photograph, plot


def read(*seen, height=20):
    """Boxes and readings of (letter, x, y, probability); a capital letter is one."""
    boxes = np.array([[x, y, x + 14, y + height] for _, x, y, _ in seen], np.int64)
    letters = np.full((len(seen), 36), 1e-4)
    for i, (text, _, _, p) in enumerate(seen):
        letters[i, LABEL_ALPHABET.index(text.lower())] = p
        letters[i, -1] = 1 - p
    upper = np.array([0.99 if text.isupper() else 0.01 for text, *_ in seen], np.float32)
    return boxes, Readings(np.log(letters).astype(np.float32), upper)


def texts(series):
    return [label.text for label in series.labels]


def test_letters_of_one_size_in_order_are_a_series():
    boxes, readings = read(("A", 10, 10, 0.98), ("B", 300, 10, 0.98), ("C", 10, 300, 0.97))
    assert texts(find_series(boxes, readings)) == ["A", "B", "C"]


def test_a_lone_letter_is_no_series():
    boxes, readings = read(("A", 10, 10, 0.99), ("K", 300, 10, 0.99))
    assert texts(find_series(boxes, readings)) == []


def test_a_gap_is_bridged_and_what_lies_far_behind_one_is_not_taken():
    boxes, readings = read(("A", 10, 10, 0.999), ("B", 300, 10, 0.999), ("D", 300, 300, 0.999), ("W", 500, 500, 0.9))
    assert texts(find_series(boxes, readings)) == ["A", "B", "D"]


def test_the_caption_brings_out_a_faint_letter_and_keeps_out_others():
    seen = ("A", 10, 10, 0.98), ("B", 300, 10, 0.4), ("C", 10, 300, 0.98), ("D", 300, 300, 0.6)
    boxes, readings = read(*seen)
    assert texts(find_series(boxes, readings, ["a", "b", "c"])) == ["A", "B", "C"]


def test_of_two_candidates_the_one_in_line_with_the_others_wins():
    boxes, readings = read(("A", 10, 10, 0.98), ("B", 157, 93, 0.99), ("B", 300, 10, 0.98))
    assert [label.candidate for label in find_series(boxes, readings).labels] == [0, 2]


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ((), ["A", "B1", "B2", "C"]),
        (("A", "B1", "B2", "C"), ["A", "B1", "B2", "C"]),
        (("A", "B", "C"), ["A", "B", "C"]),  # one panel, whatever is in it
        (("A", "B1", "B2", "B3", "C"), ["A", "B", "C"]),  # not all are found
    ],
)
def test_a_letter_that_is_printed_several_times_with_something_behind_it_is_numbered(named, found):
    number = 0.01  # what the reader says of a digit behind a letter
    below = ("B", 300, 10, 0.98), ("I", 316, 10, number), ("B", 300, 300, 0.9), ("I", 316, 300, number)
    boxes, readings = read(("A", 10, 10, 0.98), *below, ("C", 10, 300, 0.97))
    series = find_series(boxes, readings, named)
    assert texts(series) == found
    if "B2" in found:
        assert [label.candidate for label in series.labels] == [0, 1, 3, 5]


@pytest.mark.parametrize("off", [-3, -1, 1, 3])
def test_numbers_run_along_rows_that_are_not_quite_level(off):
    rows = [(x, y + off * (x == 300)) for y in (100, 400) for x in (10, 300, 600)]
    twins = [seen for x, y in rows for seen in (("B", x, y, 0.98), ("I", x + 16, y, 0.01))]
    boxes, readings = read(("A", 10, 10, 0.98), *twins, ("C", 10, 700, 0.97))
    series = find_series(boxes, readings)
    assert texts(series) == ["A", *(f"B{n}" for n in range(1, 7)), "C"]
    assert [tuple(label.box[:2]) for label in series.labels[1:-1]] == rows


def test_digits_are_not_numbered():
    tens = [seen for y in (10, 300) for seen in (("1", 10, y, 0.98), ("I", 26, y, 0.01))]
    boxes, readings = read(*tens, ("2", 300, 10, 0.98), ("3", 300, 300, 0.98))
    assert not any(len(text) > 1 for text in texts(find_series(boxes, readings)))


def test_significance_letters_on_bars_are_no_series():
    """They read as clearly as labels do; only that they come again and again tells them apart."""

    def score(letters):
        return find_series(*read(*((c, 40 * i, 60 + 7 * (i * 5 % 6), 0.99) for i, c in enumerate(letters)))).score

    assert score("ABC") > SERIES > SUPPORTED > score("ABABABCACB")


def test_nothing_among_nothing():
    boxes, readings = read()
    assert find_series(boxes.reshape(0, 4), readings).labels == ()


def test_words_are_no_candidates_but_letters_in_brackets_are():
    """`A` alone, `(b)`, and the word `cell`."""
    alone = [[0, 0, 14, 20]]
    bracketed = [[100, 0, 106, 26], [108, 6, 119, 20], [121, 0, 127, 26]]
    word = [[x, 40, x + 10, 54] for x in (0, 12, 24, 36)]
    assert isolated(np.array(alone + bracketed + word)).tolist() == [True, True, True, True, *[False] * 4]


@pytest.mark.parametrize("text", ["A", "b", "(C)", "d"])
@pytest.mark.parametrize("light", [False, True])
def test_the_reader_reads_letters_on_paper_and_on_photographs(text, light):
    picture = page(640, 480)
    plot(picture, (330, 250, 630, 470))
    photograph(picture, (0, 0, 640, 200))
    if light:
        picture.paste(20, (0, 0, 320, 200))
        letter(picture, (12, 12), text, 30, fill=255)
    else:
        letter(picture, (12, 260), text, 30)
    glyphs = find_glyphs(np.asarray(picture))
    readings = read_glyphs(glyphs)
    best = int(readings.letters[:, :-1].max(1).argmax())
    assert LABEL_ALPHABET[int(readings.letters[best, :-1].argmax())] == text.strip("()").lower()
    assert (readings.upper[best] > 0.5) == text.strip("()").isupper()
    assert bool(glyphs.light[best]) == light
    assert np.exp(readings.letters[best, :-1].max()) > 0.8


def test_small_pictures_are_enlarged_and_boxes_come_back_in_their_own_pixels():
    picture = page(300, 200)
    letter(picture, (20, 30), "B", 18)
    box = find_glyphs(np.asarray(picture)).boxes[0].tolist()  # the largest: the holes of the B are smaller
    assert np.abs(np.array(box[:2]) - (20, 30)).max() <= 2
    assert 8 <= box[3] - box[1] <= 16
