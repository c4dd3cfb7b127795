"""The report in a real browser: no error, no request; facets by mouse and keyboard; phone and dark mode."""

from pathlib import Path

import pytest

from pmc15m.config import Config
from pmc15m.query.report import report
from tests.query.chromium import Chromium
from tests.query.made_up import fill

pytestmark = pytest.mark.browser
VISIBLE = "[...document.querySelectorAll('#gallery .card')].filter((card) => card.offsetParent).length"
PRESSED = "document.querySelectorAll('button[data-facet][aria-pressed=\"true\"]').length"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(fill(tmp_path_factory.mktemp("data")), Config())


@pytest.fixture
def page(chromium: Chromium, path: Path) -> Chromium:
    """The report, freshly opened."""
    chromium.errors.clear()
    chromium.requests.clear()
    chromium.window(1280, 900)
    chromium.open(path)
    return chromium


def test_it_opens_without_errors_and_asks_for_nothing(page: Chromium, path: Path) -> None:
    assert page.errors == []
    assert [url for url in page.requests if not url.startswith("data:image/")] == [path.as_uri()]
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")


def test_a_hostile_script_would_not_run_even_if_it_got_in(page: Chromium) -> None:
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.bad = 1'}))")
    assert page.evaluate("window.bad") is None


def test_a_click_on_a_facet_narrows_the_gallery(page: Chromium) -> None:
    assert page.evaluate(VISIBLE) == 3
    page.click("button[data-group='licence']")
    assert page.evaluate(VISIBLE) == 2
    assert page.evaluate("document.querySelector('#shown').textContent") == "2 of 3 shown"
    page.click("button[data-group='year']")
    assert page.evaluate(VISIBLE) == 0  # the oldest is not of the commercial ones
    page.click("#clear")
    assert page.evaluate(VISIBLE) == 3


def test_two_facets_of_a_group_are_alternatives(page: Chromium) -> None:
    page.click("button[data-group='licence']")
    page.click("button[data-group='licence'] + button")
    assert page.evaluate(VISIBLE) == 3


def test_the_keyboard_does_it_too(page: Chromium) -> None:
    page.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    for letter in "squares":
        page.press(letter)
    assert page.evaluate(VISIBLE) == 1
    page.press("Escape")
    assert page.evaluate(VISIBLE) == 3
    page.press("Tab")  # the button that shows all
    page.press("Tab")  # the first facet
    page.press(" ")
    assert page.evaluate(PRESSED) == 1
    assert page.evaluate(VISIBLE) == 2


def test_a_sub_caption_lights_up_its_box(page: Chromium) -> None:
    page.evaluate("document.querySelector('#gallery .panels li').focus()")
    assert page.evaluate("document.querySelectorAll('.frame g.on').length") == 1
    page.evaluate("document.activeElement.blur()")
    assert page.evaluate("document.querySelectorAll('.frame g.on').length") == 0


def test_a_click_enlarges_a_picture_and_the_keyboard_goes_on_from_there(page: Chromium) -> None:
    width = "document.querySelector('dialog .frame').getBoundingClientRect().width"
    title = "document.querySelector('dialog b').textContent"
    page.click("#gallery .frame")
    assert page.evaluate("document.querySelector('dialog').open")
    first, fitting = page.evaluate(title), page.evaluate(width)
    assert page.evaluate("document.querySelectorAll('dialog g').length") == page.evaluate(
        "document.querySelector('#gallery .frame').querySelectorAll('g').length"
    )
    page.press("+")
    assert page.evaluate(width) == pytest.approx(fitting * 1.5, rel=0.01)
    boxes = "getComputedStyle(document.querySelector('dialog svg')).display"
    page.press("b")
    assert page.evaluate(boxes) == "none"
    page.press("b")
    assert page.evaluate(boxes) != "none"
    page.press("ArrowRight")
    assert page.evaluate(title) != first
    assert page.evaluate(width) == pytest.approx(fitting, rel=0.01)
    page.press("Escape")
    page.until("!document.querySelector('dialog').open")
    assert page.evaluate("document.activeElement.className") == "frame"
    assert page.errors == []


@pytest.mark.parametrize("width", [390, 1280])
def test_no_text_is_cut_and_no_text_scrolls_inside_the_page(page: Chromium, width: int) -> None:
    page.window(width, 900, phone=width < 640)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    cut = """[...document.querySelectorAll('main *')].filter((one) => getComputedStyle(one).overflow !== 'visible'
      && one.clientWidth && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1))
      .map((one) => one.textContent)"""
    assert page.evaluate(cut) == []


@pytest.mark.parametrize("place", [".charts", "#gallery .cards", "#pairs .cards", ".funnels"])
def test_boxes_are_as_high_as_what_they_hold(page: Chromium, place: str) -> None:
    """The end of what is in a box, and the end of the box."""
    empty = f"""Math.max(...[...document.querySelector('{place}').children].map((box) => {{
      const inside = [...box.querySelectorAll('*')].filter((one) => one.checkVisibility());
      return box.getBoundingClientRect().bottom - Math.max(...inside.map((one) => one.getBoundingClientRect().bottom));
    }}))"""
    assert page.evaluate(empty) < 24


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_phone_needs_no_sideways_scrolling(page: Chromium, width: int) -> None:
    page.window(width, 800, phone=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cells = "[...document.querySelectorAll('#published td:not(.number)')].map((cell) => cell.offsetWidth)"
    assert min(page.evaluate(cells)) >= 64  # words stand beside each other, not letter under letter
    smallest = "Math.min(...[...document.querySelectorAll('.facets button')].map((one) => one.offsetHeight))"
    assert page.evaluate(smallest) >= (40 if width < 640 else 32)


@pytest.mark.parametrize("width", [390, 768, 1150, 1280])
def test_all_sections_are_in_sight_and_a_jump_shows_the_heading(page: Chromium, width: int) -> None:
    page.window(width, 800, phone=width < 640)
    links = "[...document.querySelectorAll('nav a')].map((one) => one.getBoundingClientRect())"
    assert page.evaluate(f"Math.max(...{links}.map((box) => box.right))") <= width
    page.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    page.click("nav a[href='#gallery']")
    page.until("scrollY > 500")
    assert page.evaluate(
        "document.querySelector('#gallery-heading').getBoundingClientRect().top"
        " >= document.querySelector('nav').getBoundingClientRect().bottom"
    )


def test_dark_mode_is_dark_and_legible(page: Chromium) -> None:
    assert contrast(page) > 7
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.window(1280, 900, dark=True)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    assert contrast(page) > 7


def contrast(page: Chromium) -> float:
    """Ratio of text to paper (WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""

    def luminance(colour: str) -> float:
        channels = [int(part) / 255 for part in colour[4:-1].split(",")]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    style = "getComputedStyle(document.body)"
    values = sorted(luminance(page.evaluate(f"{style}.{name}")) for name in ("color", "backgroundColor"))
    return (values[1] + 0.05) / (values[0] + 0.05)
