"""Browsing in a real browser: facets, the worst first, zoom, permanent links, marks, keyboard, phone and dark mode."""

import json
from pathlib import Path

import pytest

from tests.browse.conftest import Site
from tests.query.chromium import Chromium
from tests.query.test_report_browser import contrast

pytestmark = pytest.mark.browser
KEYS = "[...document.querySelectorAll('.card')].map((card) => card.dataset.key)"
ADDRESS = "location.pathname + location.search"
SCALE = "new DOMMatrix(getComputedStyle(document.querySelector('.sheet')).transform).a"
PLACE = "new DOMMatrix(getComputedStyle(document.querySelector('.sheet')).transform).e"
PRESSED = "document.querySelector('.verdicts [aria-pressed=\"true\"]')?.dataset.verdict ?? null"
STORY = "/things/PMC6_1_f001_g01_p00?sort=worst&in=pairs&n=1"
LOST = ("/lost?step=parsed&reason=not_xml", "/articles/PMC4", "/articles/PMC2")


@pytest.fixture
def page(chromium: Chromium, site: Site) -> Chromium:
    """The pairs, freshly opened."""
    chromium.window(1280, 900)
    chromium.open(f"{site.address}/pairs")
    chromium.errors.clear()
    chromium.requests.clear()
    return chromium


@pytest.mark.parametrize(
    "path", ["/figures?status=split_aligned&status=split_unaligned", "/pairs", STORY, "/marks", *LOST]
)
def test_pages_open_without_errors_and_ask_nobody_else(page: Chromium, site: Site, path: str) -> None:
    page.open(site.address + path)
    assert page.errors == []
    assert {url for url in page.requests if not url.startswith(site.address + "/")} == set()
    assert page.evaluate("[...document.querySelectorAll('img')].every((image) => image.naturalWidth > 0)")


def test_a_hostile_caption_is_shown_as_it_is(page: Chromium, site: Site) -> None:
    page.open(f"{site.address}/things/PMC2_1_f001_g01")
    assert "<script>alert('x')</script>" in page.evaluate("document.querySelector('.caption.whole').textContent")
    assert page.errors == []
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.bad = 1'}))")
    assert page.evaluate("window.bad") is None


def test_a_click_on_a_facet_narrows_and_another_widens_again(page: Chromium) -> None:
    with page.loading():
        page.click('[data-facet="licence"] a[href*="CC0"]')
    assert page.evaluate(KEYS) == ["PMC6_1_f001_g01", "PMC6_1_f001_g01_p00", "PMC6_1_f001_g01_p01"]
    assert page.evaluate("document.querySelector('.total').textContent") == "3 of 8 pairs"
    with page.loading():
        page.click('[data-facet="licence"] a[aria-current]')
    assert len(page.evaluate(KEYS)) == 8


def test_the_worst_come_first_at_a_click(page: Chromium) -> None:
    with page.loading():
        page.click('.sorts a[href*="sort=worst"]')
    assert page.evaluate(KEYS)[:2] == ["PMC6_1_f001_g01_p00", "PMC6_1_f001_g01_p01"]


def test_an_address_shows_the_same_to_everybody(page: Chromium, site: Site) -> None:
    page.click("#words")
    for letter in "cells":
        page.press(letter)
    with page.loading():
        page.press("Enter")
    with page.loading():
        page.click('[data-facet="level"] a[href*="panel"]')
    seen, address = page.evaluate(KEYS), page.evaluate(ADDRESS)
    assert address == "/pairs?level=panel&words=cells"
    assert seen == ["PMC6_1_f001_g01_p00", "PMC6_1_f001_g01_p01"]
    page.open("about:blank")
    page.open(site.address + address)
    assert page.evaluate(KEYS) == seen
    assert page.evaluate("document.querySelector('#words').value") == "cells"


def test_a_condition_in_sql_narrows_and_a_wrong_one_is_explained(page: Chromium, site: Site) -> None:
    page.evaluate("document.querySelector('#where').value = 'alignment_score < 0.5'")
    with page.loading():
        page.click(".ask button")
    assert page.evaluate(KEYS) == ["PMC6_1_f001_g01_p00"]
    page.open(f"{site.address}/pairs?where=yaer+%3D+1")
    assert "yaer" in page.evaluate("document.querySelector('[role=alert]').textContent")


def test_wheel_and_buttons_zoom_and_a_drag_moves(page: Chromium, site: Site) -> None:
    page.open(site.address + STORY)
    page.until(f"{SCALE} !== 1")
    fitting = page.evaluate(SCALE)
    x, y = page.evaluate(
        "(({x, y, width, height}) => [x + width / 2, y + height / 2])"
        "(document.querySelector('.viewer').getBoundingClientRect())"
    )
    page.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=-500)
    page.until(f"{SCALE} > {fitting} * 1.5")
    near = page.evaluate(PLACE)
    for kind, where in (("mousePressed", x), ("mouseMoved", x + 80), ("mouseReleased", x + 80)):
        page.call("Input.dispatchMouseEvent", type=kind, x=where, y=y, button="left", buttons=1, clickCount=1)
    assert page.evaluate(PLACE) == pytest.approx(near + 80)
    page.click('[data-zoom="fit"]')
    assert page.evaluate(SCALE) == pytest.approx(fitting)
    page.click('[data-zoom="in"]')
    assert page.evaluate(SCALE) == pytest.approx(fitting * 1.5, rel=1e-3)


def test_the_viewer_shows_the_original_in_its_own_pixels(page: Chromium, site: Site) -> None:
    page.open(site.address + STORY)
    picture = "document.querySelector('.viewer img')"
    assert page.evaluate(f"[{picture}.naturalWidth, {picture}.offsetWidth]") == [600, 600]
    box = page.evaluate(
        "(({width, height}) => width / height)(document.querySelector('.edge').getBoundingClientRect())"
    )
    assert box == pytest.approx(1.5, rel=0.02)  # 300 × 200


def test_box_words_and_line_light_up_together(page: Chromium, site: Site) -> None:
    page.open(site.address + STORY)
    lit = "[...document.querySelectorAll('.on')].map((one) => one.tagName.toLowerCase())"
    before = page.evaluate(lit)
    page.evaluate("document.querySelector('.panels li[data-panel=\"1\"]').focus()")
    assert sorted(page.evaluate(lit)) == sorted([*before, "g", "li", "span"])
    page.evaluate("document.activeElement.blur()")
    assert page.evaluate(lit) == before


def test_a_mark_with_a_note_is_written_and_stays(page: Chromium, site: Site, marks_file: Path) -> None:
    page.open(site.address + STORY)
    page.click("#note")
    for letter in "BC":
        page.press(letter)
    page.click('.judge [data-verdict="wrong"]')
    page.until("document.querySelector('.judge output').textContent")
    [line] = [json.loads(line) for line in marks_file.read_text().splitlines()]
    assert (line["verdict"], line["note"], line["seen_in"]) == ("wrong", "BC", "/pairs?sort=worst")
    page.open(site.address + STORY)
    assert page.evaluate(PRESSED) == "wrong"
    assert page.evaluate("document.querySelector('#note').value") == "BC"
    page.click('.judge [data-verdict="wrong"]')  # again: taken back
    page.until("document.querySelector('.judge output').textContent")
    assert page.evaluate(PRESSED) is None


def test_a_marked_card_is_found_again_by_the_facet_and_from_the_summary(
    page: Chromium, site: Site, marks_file: Path
) -> None:
    page.open(f"{site.address}/pairs?sort=worst")
    page.click('.card [data-verdict="partly"]')
    page.until(f"{PRESSED} === 'partly'")
    page.open(f"{site.address}/pairs?sort=worst")
    with page.loading():
        page.click('[data-facet="mark"] a[href*="mark=partly"]')
    assert page.evaluate(KEYS) == ["PMC6_1_f001_g01_p00"]
    page.open(f"{site.address}/marks")
    with page.loading():
        page.click('tbody a[href*="mark=partly"]')
    assert page.evaluate(ADDRESS) == "/pairs?mark=partly&sort=worst"
    assert page.evaluate(KEYS) == ["PMC6_1_f001_g01_p00"]


def test_the_keyboard_looks_judges_and_goes_on(page: Chromium, site: Site, marks_file: Path) -> None:
    page.open(f"{site.address}/pairs?sort=worst")
    page.press("j")
    page.press("j")
    assert page.evaluate("document.activeElement.dataset.key") == "PMC6_1_f001_g01_p01"
    page.press("k")
    page.press("1")
    page.until(f"{PRESSED} === 'right'")
    with page.loading():
        page.press("Enter")
    assert page.evaluate(ADDRESS) == STORY
    page.press("2")
    page.until(f"{PRESSED} === 'partly'")
    with page.loading():
        page.press("j")
    assert page.evaluate("location.pathname") == "/things/PMC6_1_f001_g01_p01"
    with page.loading():
        page.press("u")
    assert page.evaluate(ADDRESS) == "/pairs?sort=worst"
    page.press("/")
    assert page.evaluate("document.activeElement.id") == "words"
    page.press("j")
    assert page.evaluate("document.activeElement.value") == "j"  # a letter here
    page.press("Escape")
    page.press("?")
    assert page.evaluate("document.querySelector('#help').open")
    verdicts = [json.loads(line)["verdict"] for line in marks_file.read_text().splitlines()]
    assert verdicts == ["right", "partly"]


@pytest.mark.parametrize("path", ["/figures?sort=worst", "/pairs", STORY, "/things/PMC2_1_f001_g01", "/marks", *LOST])
@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_phone_needs_no_sideways_scrolling(page: Chromium, site: Site, path: str, width: int) -> None:
    page.window(width, 800, phone=True)
    page.open(site.address + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    heights = page.evaluate("[...document.querySelectorAll('.verdicts button')].map((one) => one.offsetHeight)")
    assert min(heights, default=40) >= 40 or "things" in path


def test_on_a_phone_the_facets_wait_until_they_are_asked_for(page: Chromium, site: Site) -> None:
    page.window(390, 800, phone=True)
    page.open(f"{site.address}/pairs")
    shown = "document.querySelector('.facet a').checkVisibility()"
    assert not page.evaluate(shown)
    page.click(".choose > summary")
    assert page.evaluate(shown)
    assert page.evaluate("document.querySelector('.facet a').offsetHeight") >= 36


@pytest.mark.parametrize("path", ["/pairs", STORY, *LOST])
def test_dark_mode_is_dark_and_legible(page: Chromium, site: Site, path: str) -> None:
    page.open(site.address + path)
    assert contrast(page) > 7
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.window(1280, 900, dark=True)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    assert contrast(page) > 7


def test_without_its_script_a_page_still_shows_and_chooses(page: Chromium, site: Site) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.open(f"{site.address}/pairs?licence=CC0")
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert len(page.evaluate(KEYS)) == 3
    assert page.evaluate("document.querySelector('.verdicts').offsetHeight") == 0
