"""Every question that ships, with its answer for the made-up workspace."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from pmc15m import schema
from pmc15m.manifests import ALL_TABLES, named_queries
from pmc15m.query import connect, refuse_changes
from pmc15m.query.statistics import QUESTIONS
from pmc15m.workspace import Workspace
from tests.query.made_up import HOSTILE, fill, write

ANSWERS: dict[str, list[tuple[Any, ...]]] = {
    "alignment": [(90, 2)],
    "article_types": [(None, 3, 2)],
    "caption_duplicates": [],
    "caption_groups": [("figure", "near", 1, 1, 2)],
    "caption_histogram": [(0, 3, 2)],
    "caption_lengths": [
        *(("figure", 1, 18, 4), ("figure", 25, 18, 4), ("figure", 50, 33, 6), ("figure", 75, 61, 7)),
        *(("figure", 99, 61, 7), ("panel", 1, 6, 1), ("panel", 25, 6, 1), ("panel", 50, 6, 1)),
        *(("panel", 75, 10, 2), ("panel", 99, 10, 2)),
    ],
    "commercial_ct": [("figure", 1, 1)],
    "drops": [
        ("article", "fetched", "by_licence", 1, ["PMC5.1"]),
        ("article", "fetched", "not_fetched", 1, ["PMC6.1"]),
        ("article", "fetched", "removed", 1, ["PMC7.1"]),
        ("article", "parsed", "not_xml", 1, ["PMC4.1"]),
        ("article", "with_figures", "front_only", 1, ["PMC3.1"]),
        ("figure", "captioned", "no_caption", 1, ["PMC2_1_f002"]),
        ("figure", "decoded", "broken", 1, ["PMC2_1_f005"]),
        ("figure", "pictured", "missing_file", 1, ["PMC2_1_f004"]),
        ("figure", "pictured", "no_graphic", 1, ["PMC2_1_f003"]),
        ("image", "decoded", "broken", 1, ["PMC2_1_f005_g01"]),
        ("image", "paired", "no_caption", 1, ["PMC2_1_f002_g01"]),
        ("image", "stored", "missing_file", 1, ["PMC2_1_f004_g01"]),
        ("panel", "described", "too_small", 1, ["PMC1_1_f001_g01_p02"]),
    ],
    "duplicates": [("pixels", 1, 1)],
    "figure_kinds": [(None, None, 3, 2)],
    "flags": [("retracted", 1, 0)],
    "funnel": [
        ("article", "fetched", 7, 4, 3, 4 / 7),
        ("article", "parsed", 4, 3, 1, 3 / 4),
        ("article", "with_figures", 3, 2, 1, 2 / 3),
        ("figure", "captioned", 7, 6, 1, 6 / 7),
        ("figure", "pictured", 6, 4, 2, 4 / 6),
        ("figure", "decoded", 4, 3, 1, 3 / 4),
        ("figure", "paired", 3, 3, 0, 1.0),
        ("image", "stored", 6, 5, 1, 5 / 6),
        ("image", "decoded", 5, 4, 1, 4 / 5),
        ("image", "paired", 4, 3, 1, 3 / 4),
        ("panel", "described", 3, 2, 1, 2 / 3),
        ("panel", "paired", 2, 2, 0, 1.0),
    ],
    "image_kinds": [("plot", 2, 0, None), ("photo", 1, 0, None), ("microscopy", 0, 2, None)],
    "image_sizes": [(128, 0, 2), (256, 3, 0)],
    "journals": [("J. Test", 2, 2), (HOSTILE, 1, 0)],
    "kinds_by_modality": [("CT", "photo", 1), ("MRI", "microscopy", 1)],
    "languages": [(None, 2, 2, 0), ("en", 1, 0, 1)],
    "licence_rules": [
        ("all pairs", 3, 2, 1.0),
        ("any licence that is known", 3, 2, 1.0),
        ("may be changed (no ND)", 3, 2, 1.0),
        ("may be sold (no NC)", 2, 2, 0.8),
        ("may be sold and changed", 2, 2, 0.8),
        ("and shared on any terms (no SA)", 2, 2, 0.8),
        ("free of every condition", 0, 0, 0.0),
    ],
    "licences": [("commercial", "CC BY", 2, 2), ("noncommercial", "CC BY-NC", 1, 0)],
    "licences_by_year": [(2018, "noncommercial", 1, 0), (2020, "commercial", 1, 2), (2021, "commercial", 1, 0)],
    "mentions": [(0, 4), (1, 1)],
    "modalities": [("CT", 1, 0, 1), ("MRI", 0, 1, 1)],
    "modalities_by_licence": [("CT", "commercial", 1), ("MRI", "commercial", 1)],
    "panels_per_figure": [(1, 3), (2, 1)],
    "published": [
        ("share of articles with pairs", 0.667, 0.68, 0.836, None),
        ("pairs an article read", 1.0, 3.47, 3.98, 4.93),
        ("pairs an article with pairs", 1.5, 5.1, 4.77, None),
        ("panel pairs a figure pair", 0.667, 3.01, None, 0.135),
        ("share of compound pictures", 0.25, 0.5, None, None),
        ("share of pictures larger than 336 px", 0.0, 0.75, None, None),
    ],
    "separations": [("single", None, 3, 3), ("dropped", "broken", 1, 0), ("split_aligned", None, 1, 2)],
    "splits": [("train", 1, 2, 2, 0.8, 0.9495), ("test", 1, 1, 0, 0.2, 0.0496)],
    "tokens": [("up to 77", 2, 2), ("78 to 256", 1, 0)],
    "years": [(2018, 1, 0), (2020, 1, 2), (2021, 1, 0)],
}


SAMPLES = {"sample", "sample_with_text"}


def test_every_question_has_a_known_answer() -> None:
    assert set(named_queries()) == set(ANSWERS) | SAMPLES


@pytest.mark.parametrize("name", ANSWERS)
def test_the_answer_is_known(workspace: Workspace, name: str) -> None:
    with connect(workspace) as connection:
        [query] = refuse_changes(connection, named_queries()[name].sql)
        found = [tuple(row.values()) for row in connection.sql(query).to_arrow_table().to_pylist()]
    assert found == [tuple(row) for row in ANSWERS[name]]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_sample_of_a_small_workspace_is_all_of_it(workspace: Workspace, name: str) -> None:
    with connect(workspace) as connection:
        [asked] = refuse_changes(connection, named_queries()[name].sql)
        keys = connection.sql(f"SELECT pair_key FROM ({asked.rstrip().rstrip(';')}) ORDER BY ALL").fetchall()
        assert keys == connection.sql("SELECT pair_key FROM pairs ORDER BY ALL").fetchall()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_sample_of_a_large_workspace_is_of_the_right_size_and_fair(tmp_path: Path, name: str) -> None:
    workspace = Workspace(tmp_path)
    for shard in range(6):
        ones = [{"shard": f"{shard:05}", "pmcid": f"PMC{n}", "pair_key": f"{shard}_{n}"} for n in range(10_000)]
        rows = [one | {"year": n % 10, "article_hash": hash_of(one["pair_key"])} for n, one in enumerate(ones)]
        write(workspace, "pairs", schema.PAIRS, rows, shard=f"{shard:05}")
    with connect(workspace) as connection:
        asked = named_queries()[name].sql.rstrip().rstrip(";")
        by_year = connection.sql(f"SELECT year, count(*) FROM ({asked}) GROUP BY year").fetchall()
        again = connection.sql(f"SELECT md5(string_agg(pair_key ORDER BY pair_key)) FROM ({asked})").fetchall()
        assert again == connection.sql(f"SELECT md5(string_agg(pair_key ORDER BY pair_key)) FROM ({asked})").fetchall()
    assert sum(n for _, n in by_year) == 10_000
    assert all(850 < n < 1150 for _, n in by_year)


def test_equal_captions_are_counted_within_their_level(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    hashes = {"figure": [1, 1, 2, 3, 3, 3, 4, None], "panel": [2, 4, 4]}
    rows = [{"level": level, "caption_hash": value} for level, values in hashes.items() for value in values]
    write(workspace, "pairs", schema.PAIRS, rows)
    with connect(workspace) as connection:
        found = connection.sql(named_queries()["caption_duplicates"].sql).fetchall()
    assert found == [("figure", 2, 5, 3), ("panel", 1, 2, 2)]


def hash_of(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])


def test_stats_asks_questions_that_exist() -> None:
    assert set(QUESTIONS) <= set(named_queries())


# What is there after each stage of the flow, and in the middle of some.
STAGES = [
    (),
    ("catalog",),
    ("catalog", "raw"),
    ("raw",),
    ("catalog", "raw", "articles"),
    ("catalog", "raw", "articles", "figures", "images"),
    ("catalog", "raw", "articles", "figures", "images", "pixels", "panels"),
    ("articles", "figures", "images", "pixels", "panels", "captions", "duplicates", "caption_groups", "pairs"),
    tuple(ALL_TABLES),
]


@pytest.mark.parametrize("present", STAGES, ids="+".join)
def test_the_funnel_adds_up_at_every_stage(tmp_path: Path, present: tuple[str, ...]) -> None:
    workspace = fill(tmp_path)
    for table in set(ALL_TABLES) - set(present):
        shutil.rmtree(tmp_path / table)
    with connect(workspace) as connection:
        steps = connection.sql("SELECT thing, step, rows_in, rows_out FROM funnel ORDER BY position").fetchall()
        lost = {
            (thing, step): n
            for thing, step, n in connection.sql(
                "SELECT thing, step, sum(n)::BIGINT FROM drops GROUP BY ALL"
            ).fetchall()
        }
        reasons = connection.sql("SELECT count(*) FROM drops WHERE reason IS NULL").fetchall()
    before = (None, 0)
    for thing, step, rows_in, rows_out in steps:
        assert rows_in == rows_out + lost.get((thing, step), 0)
        if before[0] == thing:
            assert rows_in == before[1]
        before = (thing, rows_out)
    assert reasons == [(0,)]
