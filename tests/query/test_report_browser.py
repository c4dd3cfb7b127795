"""The report in a real browser: no error, no request; facets by mouse and keyboard; phone and dark mode."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pmc15m.config import Config
from pmc15m.query import report
from tests.query.chromium import Chromium, find_chromium
from tests.query.made_up import fill

EXECUTABLE = find_chromium()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium here: install one, or name it in PMC15M_CHROMIUM"),
]
VISIBLE = "[...document.querySelectorAll('.card')].filter((card) => card.offsetParent).length"
PRESSED = "document.querySelectorAll('button[aria-pressed=\"true\"]').length"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(fill(tmp_path_factory.mktemp("data")), Config())


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    assert EXECUTABLE is not None
    with Chromium(EXECUTABLE, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


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
    page.evaluate("document.querySelector('.panels li').focus()")
    assert page.evaluate("document.querySelectorAll('.frame g.on').length") == 1
    page.evaluate("document.activeElement.blur()")
    assert page.evaluate("document.querySelectorAll('.frame g.on').length") == 0


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_phone_needs_no_sideways_scrolling(page: Chromium, width: int) -> None:
    page.window(width, 800, phone=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    smallest = "Math.min(...[...document.querySelectorAll('.facets button')].map((one) => one.offsetHeight))"
    assert page.evaluate(smallest) >= (40 if width < 640 else 32)


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
