"""Captions that say the same: equal anywhere, near in other articles only, each with its closest counterpart."""

from pathlib import Path

import numpy as np
import pytest

from tests.curate.made import Made, Row

HOSTILE = """"><script>alert('x')</script>'; DROP TABLE pairs; --"""


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path / "data")


def words(seed: int, count: int = 150) -> list[str]:
    """Words of a caption like no other's."""
    return [f"word{n}" for n in np.random.default_rng(seed).integers(0, 10**6, count)]


def changed(text: list[str], *places: int) -> list[str]:
    """The same with other words at some places."""
    return [f"other{place}" if place in places else word for place, word in enumerate(text)]


def figures(made: Made, captions: dict[tuple[int, int], list[str]], **changes: Row) -> dict[tuple[int, int], str]:
    """A figure for every (article, index); returns their image keys."""
    numbers = dict.fromkeys(number for number, _ in captions)
    articles = {number: made.article(number, **changes.get(str(number), {})) for number in numbers}
    return {
        (number, index): made.figure(articles[number], number << 40 | index << 20, index=index, caption=" ".join(text))
        for (number, index), text in captions.items()
    }


def groups(made: Made) -> dict[str, tuple[str, str, int]]:
    rows = made.rows("caption_groups")
    return {row["key"]: (row["caption_group"], row["relation"], row["group_size"]) for row in rows}


def test_equal_and_near_captions_form_a_group(made: Made) -> None:
    text = words(0)
    captions = {
        (1, 1): text,
        (2, 1): [word.upper() + "," for word in text],
        (3, 1): changed(text, 70),
        (4, 1): words(1),
    }
    images = figures(made, captions)
    pairs = made.curated().pairs()
    assert groups(made) == {
        "PMC1_1_f001": ("PMC2_1_f001", "equal", 3),
        "PMC2_1_f001": ("PMC2_1_f001", "keeper", 3),  # the longest: commas count
        "PMC3_1_f001": ("PMC2_1_f001", "near", 3),
    }
    flagged = {where: pairs[key]["is_caption_duplicate"] for where, key in images.items()}
    assert flagged == {(1, 1): True, (2, 1): False, (3, 1): True, (4, 1): False}
    assert pairs[images[4, 1]]["caption_group"] is None
    assert len(pairs) == 4  # flagged, never deleted


def test_of_equally_long_captions_the_oldest_is_kept_then_the_first(made: Made) -> None:
    text = words(0)
    figures(made, {(n, 1): text for n in (1, 2, 3)}, **{"1": {"year": 2010}, "2": {"year": 2001}, "3": {"year": 2001}})
    assert {group for group, _, _ in groups(made.curated()).values()} == {"PMC2_1_f001"}


def test_within_an_article_only_equal_captions_count(made: Made) -> None:
    text = words(0)
    figures(made, {(1, 1): text, (1, 2): changed(text, 70), (1, 3): text})
    assert groups(made.curated()) == {
        "PMC1_1_f001": ("PMC1_1_f001", "keeper", 2),
        "PMC1_1_f003": ("PMC1_1_f001", "equal", 2),
    }


def test_templates_of_two_articles_do_not_cross(made: Made) -> None:
    text = words(0, 300)
    male, female = changed(text, 150), changed(text, 152)
    captions = {(1, 1): [*male, "a"], (1, 2): [*female, "a"], (2, 1): [*male, "bc"], (2, 2): [*female, "bc"]}
    figures(made, captions)
    assert {key: group for key, (group, _, _) in groups(made.curated()).items()} == {
        "PMC1_1_f001": "PMC2_1_f001",
        "PMC1_1_f002": "PMC2_1_f002",
        "PMC2_1_f001": "PMC2_1_f001",
        "PMC2_1_f002": "PMC2_1_f002",
    }


def test_short_captions_are_in_no_group(made: Made) -> None:
    figures(made, {(n, 1): ["Control", "group."] for n in (1, 2)})
    assert groups(made.curated()) == {}
    assert len({row["caption_hash"] for row in made.pairs().values()}) == 1


def test_all_pictures_of_a_figure_share_its_group(made: Made) -> None:
    text = words(0)
    figures(made, {(1, 1): text, (2, 1): text})
    for table in ("images", "pixels"):
        [second] = [row for row in made.shards["00000"][table] if row["image_key"] == "PMC2_1_f001_g01"]
        made.shards["00000"][table].append({**second, "image_key": "PMC2_1_f001_g02"})
    pairs = made.curated().pairs()
    assert [pairs[f"PMC2_1_f001_g0{n}"]["caption_group"] for n in (1, 2)] == ["PMC1_1_f001"] * 2
    assert {size for _, _, size in groups(made).values()} == {2}


def test_a_caption_without_a_picture_keeps_nobody_s_place(made: Made) -> None:
    text = words(0)
    images = figures(made, {(1, 1): text, (2, 1): text})
    [lost] = [row for row in made.shards["00000"]["pixels"] if row["image_key"] == images[1, 1]]
    lost["status"] = "dropped"
    assert groups(made.curated()) == {}
    assert not made.pairs()[images[2, 1]]["is_caption_duplicate"]


def test_panels_are_grouped_with_panels(made: Made) -> None:
    text = words(0)
    images = figures(made, {(1, 1): text, (2, 1): text})
    panels = [made.panel(image, 0, n << 50, subcaption=" ".join(text)) for n, image in enumerate(images.values(), 1)]
    found = groups(made.curated())
    assert [found[panel] for panel in panels] == [(panels[0], "keeper", 2), (panels[0], "equal", 2)]
    assert found["PMC1_1_f001"] == ("PMC1_1_f001", "keeper", 2)


def test_hostile_captions_are_captions(made: Made) -> None:
    text = [HOSTILE, *words(0, 20)]
    images = figures(made, {(1, 1): text, (2, 1): text})
    pairs = made.curated().pairs()
    assert [pairs[key]["text"] for key in images.values()] == [" ".join(text)] * 2
    assert {row["caption_group"] for row in pairs.values()} == {"PMC1_1_f001"}
