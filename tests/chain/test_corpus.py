"""The chain over real articles, where they lie beside the checkout (or at $PMC15M_SHARED)."""

from pathlib import Path

import pytest

from pmc15m.demo import serve
from pmc15m.demo.real_articles import bucket_of_articles
from pmc15m.export.funnel import run_recipe
from pmc15m.export.recipes import load_recipe, shipped_recipes
from pmc15m.query import connect
from tests.chain.conftest import pmc15m
from tests.shared_data import SHARED

CORPUS = SHARED / "corpus"
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the real corpus is not beside the checkout; set PMC15M_SHARED"),
]
FLAGS = ("--set", "crawl.articles_per_shard=60", "--set", "network.requests_per_s=1000", "--workers", "2")


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All articles through the imitation bucket."""
    workspace = tmp_path_factory.mktemp("corpus")
    with serve(bucket_of_articles(CORPUS / "articles")) as server:
        ran = pmc15m("run", "--workspace", workspace, "--source", server.url, *FLAGS, timeout=500)
    assert ran.returncode in (0, 1), ran.stderr
    assert "Traceback" not in ran.stderr
    return workspace


def test_every_real_article_is_a_row(crawled: Path) -> None:
    with connect(crawled) as connection:
        statuses = connection.sql("SELECT status, count(*) FROM articles GROUP BY status ORDER BY 1").fetchall()
        assert sum(count for _, count in statuses) == 432
        damaged = connection.sql("SELECT doi FROM articles WHERE list_contains(flags, 'recovered')").fetchall()
        assert damaged == [("10.1590/s0034-75901970000300005",)]


def test_the_funnel_adds_up(crawled: Path) -> None:
    with connect(crawled) as connection:
        steps = connection.sql("SELECT thing, step, rows_in, rows_out FROM funnel ORDER BY position").fetchall()
        lost = {
            (thing, step): n
            for thing, step, n in connection.sql("SELECT thing, step, sum(n) FROM drops GROUP BY ALL").fetchall()
        }
        for thing, table in (("article", "articles"), ("figure", "figures"), ("image", "images"), ("panel", "panels")):
            [(rows,)] = connection.sql(f"SELECT count(*) FROM {table}").fetchall()
            for _, step, rows_in, rows_out in (found for found in steps if found[0] == thing):
                assert rows_in == rows
                assert rows_in - rows_out == lost.pop((thing, step), 0)
                rows = rows_out
    assert lost == {}


@pytest.mark.parametrize("name", shipped_recipes())
def test_recipes_account_for_every_pair(crawled: Path, name: str) -> None:
    with connect(crawled) as connection:
        funnel = run_recipe(connection, load_recipe(name))
        [(rows,)] = connection.sql("SELECT count(*) FROM pairs").fetchall()
    assert funnel.rows_in == rows
    assert funnel.kept + sum(step.removed for step in funnel.steps) == rows


def test_images_are_found_or_missing_with_a_reason(crawled: Path) -> None:
    with connect(crawled) as connection:
        found = dict(connection.sql("SELECT coalesce(reason, 'found'), count(*) FROM images GROUP BY 1").fetchall())
    assert found["found"] >= 150  # 33 of the articles have their pictures beside them
    assert set(found) <= {"found", "missing", "external", "ambiguous", "empty", "not_an_image", "unreferenced"}


def test_kept_tarballs_are_imported(tmp_path: Path) -> None:
    ran = pmc15m("import", CORPUS / "tarballs", "--workspace", tmp_path)
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    for command in ("parse", "split", "curate"):
        assert pmc15m(command, "--workspace", tmp_path).returncode == 0
    with connect(tmp_path) as connection:
        articles = connection.sql("SELECT pmcid, source, n_figures > 0 FROM articles ORDER BY pmcid").fetchall()
        assert [row[0] for row in articles] == ["PMC3003633", "PMC3231133", "PMC7112410", "PMC7159299"]
        assert {row[1] for row in articles} == {"files"}
        (pairs,) = connection.sql("SELECT count(*) FROM pairs WHERE level = 'figure'").fetchall()
        assert pairs[0] > 10
