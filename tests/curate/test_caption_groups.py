"""Captions that say the same: equal anywhere, near in other articles only, each with its closest counterpart."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from benchmarks.caption_groups import main
from benchmarks.pairs_table import pairs_workspace
from pmc15m import schema
from pmc15m.curate import counterparts as module
from pmc15m.curate.caption_groups import find_caption_groups
from pmc15m.curate.counterparts import counterparts
from pmc15m.workspace import rows_to_table
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


def found(captions: dict[str, int]) -> set[frozenset[str]]:
    """The groups of captions with these fingerprints; "2b" is the second one of article 2, older ones come first."""
    rows = [
        {"key": key, "level": "figure", "pmcid": f"PMC{key[:-1]}", "version": 1, "shard": "00000"}
        | {"n_chars": 100 - number, "caption_hash": simhash, "caption_simhash": simhash}
        for number, (key, simhash) in enumerate(captions.items())
    ]
    with duckdb.connect() as connection:
        connection.register("captions", rows_to_table(rows, schema.CAPTIONS, partial=True))
        connection.register("articles", schema.ARTICLES.empty_table())
        tables = list(find_caption_groups(connection, 6).values())
    groups: dict[str, set[str]] = {}
    for row in pa.concat_tables(tables).to_pylist() if tables else []:
        groups.setdefault(row["caption_group"], set()).add(row["key"])
    return set(map(frozenset, groups.values()))


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


@pytest.mark.parametrize(
    ("captions", "expected"),
    [
        ({"1a": 0, "2a": 0, "2b": 0b1}, {"1a 2a"}),
        ({"1a": 0, "1b": 0b1, "2a": 0, "2b": 0b1}, {"1a 2a", "1b 2b"}),
        ({"1a": 0, "2a": 0b1, "3a": 0b1, "3b": 0b11}, {"1a 2a 3a"}),  # 1a is near 3b, but nearer to 3a's equal
        ({"1a": 0, "1b": 0b1, "2a": 0, "2b": 0b11}, {"1a 2a", "1b 2b"}),  # what has an equal does not compete
    ],
)
def test_equal_captions_of_many_articles_lend_no_link_within_one(captions: dict[str, int], expected: set[str]) -> None:
    assert found(captions) == {frozenset(group.split()) for group in expected}


@pytest.mark.parametrize(
    ("captions", "expected"),
    [
        ({"1a": 0b0011, "1b": 0b1100, "2a": 0b0110, "2b": 0b1001}, set()),  # every two differ in two or four bits
        ({"1a": 0, "2a": 0b01, "2b": 0b10}, set()),
        ({"1a": 0, "2a": 0b01, "3a": 0b10}, {"1a 2a 3a"}),  # of different articles: no tie
    ],
)
def test_a_tie_is_no_evidence_of_a_counterpart(captions: dict[str, int], expected: set[str]) -> None:
    assert found(captions) == {frozenset(group.split()) for group in expected}


@pytest.mark.parametrize("batch", [1, 7, 1 << 22])
def test_counterparts_are_those_of_the_definition(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(module, "_BATCH", batch)
    rng = np.random.default_rng(3)
    classes = np.sort(rng.integers(0, 40, 60))
    classes = np.searchsorted(classes, classes)  # as in the module: the first caption of the class
    articles = rng.integers(0, 25, 60).astype(np.uint64)
    ends = {tuple(sorted(rng.choice(np.unique(classes), 2, replace=False).tolist())) for _ in range(50)}
    left, right = np.array(sorted(ends)).T
    distance = rng.integers(0, 5, len(left)).astype(np.uint8)
    held = {number: set(articles[classes == number].tolist()) for number in classes.tolist()}
    links = list(zip(left.tolist(), right.tolist(), distance.tolist(), strict=True))
    apart = [(a, b, far) for a, b, far in links if not held[a] & held[b]]

    def closest(item: int, other: int, far: int) -> bool:
        """Whether no other link of the item with an article of the other end is as near."""
        others = [({a, b} - {item}, near) for a, b, near in apart if item in (a, b) and other not in (a, b)]
        return all(near > far or not held[end] & held[other] for [end], near in others)

    expected = [link in apart and closest(*link) and closest(link[1], link[0], link[2]) for link in links]
    assert 0 < sum(expected) < len(apart) < len(links)
    assert counterparts(left, right, distance, classes, articles).tolist() == expected


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


def test_the_benchmark_leaves_workspaces_alone(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures(made, {(1, 1): words(0)})
    made.curated()
    generated = pairs_workspace(tmp_path / "generated", rows=2000, parts=2)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    monkeypatch.setattr("sys.argv", ["caption_groups", "cost", str(made.workspace.root)])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert len(capsys.readouterr().err.splitlines()) == 1
    monkeypatch.setattr("sys.argv", ["caption_groups", "cost", str(generated.root)])
    main()
    assert "captions in groups" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
