"""Figures as notebooks show them: boxes, letters, texts, and nothing that strangers wrote taken for markup."""

import io
from html.parser import HTMLParser

import pytest
from PIL import Image

import pmc15m
from pmc15m.errors import Pmc15mError, UsageError
from pmc15m.figures import Panel, Separation, SeparationStatus
from pmc15m.figures.drawing import INK, SIDE, Drawing, Mark
from pmc15m.workspace import Workspace
from tests.figures.test_separate import CAPTION, four_lettered_panels
from tests.query.made_up import HOSTILE

RED = (212, 0, 106)


class Page(HTMLParser):
    """Tags and text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def drawn(png: bytes | None) -> Image.Image:
    assert png is not None
    return Image.open(io.BytesIO(png)).convert("RGB")


@pytest.mark.parametrize("key", ["PMC1_1_f001", "PMC1_1_f001_g01", "PMC1_1_f001_g01_p01"])
def test_a_figure_is_shown_with_its_panels(workspace: Workspace, key: str) -> None:
    shown = pmc15m.show(key, workspace.root)
    assert [(mark.box, mark.label, mark.text) for mark in shown.marks] == [
        ((0, 0, 200, 300), "A", "Left."),
        ((200, 0, 400, 300), "B", "Right."),
    ]
    page = Page(shown._repr_html_())
    assert all(word in page.text for word in ("Figure 1 of PMC1", "split aligned", "Left.", "0.90", "Two squares."))
    picture = drawn(shown._repr_png_())
    assert [picture.getpixel((x, 200)) for x in (0, 199, 200, 399)] == [RED] * 4
    assert picture.getpixel((100, 150)) == (0, 128, 128)


def test_captions_of_strangers_are_shown_and_never_obeyed(workspace: Workspace) -> None:
    marks = (Mark((0, 0, 9, 9), HOSTILE, HOSTILE, 0.5),)
    for shown in (
        pmc15m.show("PMC2_1_f001", workspace),
        Drawing(Image.new("RGB", (20, 20)), marks, HOSTILE, (HOSTILE,), HOSTILE),
    ):
        page = Page(shown._repr_html_())
        assert page.tags <= {"div", "b", "bdi", "small", "br", "img", "table", "tr", "td", "details", "summary"}
        assert page.names <= {"style", "alt", "src", "dir"}
        assert HOSTILE in page.text
        assert drawn(shown._repr_png_()).size


@pytest.mark.parametrize(
    ("key", "error", "said"),
    [
        ("PMC9_1_f001", UsageError, "there is no figure PMC9_1_f001 in "),
        ("", UsageError, "there is no figure"),
        ("PMC2_1_f004", Pmc15mError, "PMC2_1_f004_g01 has no picture: missing_file"),
    ],
)
def test_what_cannot_be_shown_is_said(workspace: Workspace, key: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        pmc15m.show(key, workspace)


def test_a_separation_shows_the_figure_that_it_was_made_from() -> None:
    found = pmc15m.separate(four_lettered_panels(), CAPTION)
    assert found.texts == ("Untreated cells.", "Treated cells.", "Cells after a week.", "Survival over time.")
    page = Page(found._repr_html_() or "")
    assert all(text in page.text for text in (*found.texts, "split aligned", CAPTION))
    assert page.text.index("Untreated") < page.text.index("Survival")
    colours = drawn(found._repr_png_()).getcolors(1 << 20) or []
    assert sum(count for count, colour in colours if colour == RED) > 1000


def test_the_text_of_a_single_figure_is_its_caption() -> None:
    picture = Image.new("L", (300, 200), 255)
    assert pmc15m.separate(picture, "Growth over time.").texts == ("Growth over time.",)
    assert pmc15m.separate(picture).texts == ("",)


def test_a_separation_without_its_image_has_nothing_to_show() -> None:
    bare = Separation(SeparationStatus.SINGLE, None, 0.0, (Panel(0, (0, 0, 5, 5)),))
    assert bare._repr_html_() is bare._repr_png_() is None
    with pytest.raises(ValueError, match="without its image"):
        bare.drawing()


@pytest.mark.parametrize("size", [(1, 1), (3, 5000), (5000, 400)])
def test_any_size_is_drawn_in_a_bounded_one(size: tuple[int, int]) -> None:
    picture = Drawing(Image.new("L", size, 200), (Mark((0, 0, *size), None, ""),)).picture()
    assert max(picture.size) <= SIDE
    assert picture.getpixel((0, picture.height - 1)) == RED
    assert INK == "#d4006a"


def test_a_path_is_no_picture_and_text_no_file() -> None:
    with pytest.raises(TypeError, match=r"PIL\.Image\.open has opened, or an array, not str"):
        pmc15m.separate("figure.png")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="bytes of its file"):
        pmc15m.parse_article("<article/>")  # type: ignore[arg-type]
