"""The whole chain over the miniature PMC, as a user runs it."""

import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pmc15m.demo import Server
from pmc15m.query import connect
from tests.chain.conftest import FLAGS, digests, pmc15m


def test_every_article_of_the_catalog_is_accounted_for(finished: Path) -> None:
    with connect(finished) as connection:
        lost = connection.sql(
            "SELECT pmcid, version FROM raw WHERE role = 'article' EXCEPT SELECT pmcid, version FROM articles"
        ).fetchall()
        assert lost == []
        without_reason = connection.sql(
            "SELECT pmcid, status FROM articles WHERE status <> 'ok' AND reason IS NULL"
            " UNION ALL SELECT figure_key, status FROM figures WHERE status <> 'ok' AND reason IS NULL"
            " UNION ALL SELECT image_key, status FROM images WHERE status <> 'ok' AND reason IS NULL"
        ).fetchall()
        assert without_reason == []


def test_the_pairs_point_to_pixels_and_text(finished: Path) -> None:
    with connect(finished) as connection:
        levels = dict(connection.sql("SELECT level, count(*) FROM pairs GROUP BY level").fetchall())
        assert set(levels) == {"figure", "panel"}
        assert min(levels.values()) > 20
        assert connection.sql("SELECT * FROM pairs WHERE trim(coalesce(text, '')) = ''").fetchall() == []
        straddling = connection.sql("SELECT pmcid FROM pairs GROUP BY pmcid HAVING count(DISTINCT split) > 1")
        assert straddling.fetchall() == []


def test_a_second_run_does_nothing_and_says_so(finished: Path, bucket: Server) -> None:
    before = digests(finished)
    again = pmc15m("run", "--workspace", finished, "--source", bucket.url, *FLAGS)
    assert again.stderr.count("nothing to do") >= 6, again.stderr
    assert digests(finished) == before


def test_another_workspace_holds_the_same_bytes(finished: Path, bucket: Server, tmp_path: Path) -> None:
    pmc15m("run", "--workspace", tmp_path, "--source", bucket.url, *FLAGS, "--workers", "2")
    assert digests(tmp_path) == digests(finished)


def test_killed_at_random_moments_and_resumed(finished: Path, bucket: Server, tmp_path: Path) -> None:
    moments = random.Random(15)
    command = [sys.executable, "-m", "pmc15m.cli", "run", "--workspace", tmp_path, "--source", bucket.url, *FLAGS]
    for _ in range(4):
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(moments.uniform(0.5, 5))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    pmc15m("run", "--workspace", tmp_path, "--source", bucket.url, *FLAGS)
    found = {name: digest for name, digest in digests(tmp_path).items() if ".tmp" not in name}
    assert found == digests(finished)


def test_a_password_of_the_source_is_in_no_message_and_no_file(bucket: Server, tmp_path: Path) -> None:
    source = bucket.url.replace("http://", "http://me:hush1@") + "?sig=hush2"
    pmc_ids = bucket.url.replace("http://", "http://me:hush3@") + "/PMC-ids.csv.gz?sig=hush4"
    selection = ("--limit", "3", "--set", f"select.pmc_ids={pmc_ids}")
    for command in (("run", "--source", source, *selection), ("status",), ("crawl", "--json"), ("index", "-v")):
        ran = pmc15m(*command, "--workspace", tmp_path, *FLAGS)
        assert ran.returncode == 0, ran.stderr
        assert "hush" not in ran.stdout + ran.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"hush" in path.read_bytes()]
    assert bucket.url in (tmp_path / "config.toml").read_text(encoding="utf-8")


def test_status_says_complete_or_what_is_left(finished: Path, tmp_path: Path) -> None:
    state = pmc15m("status", "--workspace", finished, *FLAGS)
    assert "parse    4 current" in state.stdout, state.stdout
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    (copy / "panels" / "00001.parquet").unlink()
    state = pmc15m("status", "--workspace", copy, *FLAGS)
    assert state.returncode == 1
    assert "1 missing" in state.stdout


@pytest.mark.parametrize("command", ["stats", "report"])
def test_results_on_stdout(finished: Path, command: str) -> None:
    said = pmc15m(command, "--workspace", finished, "--quiet")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout


def test_sql_answers(finished: Path) -> None:
    said = pmc15m("sql", "SELECT count(*) AS n FROM articles", "--workspace", finished, "--format", "csv")
    assert said.stdout.split() == ["n", str(len(pmc_articles(finished)))]


def test_shipped_questions_have_names(finished: Path) -> None:
    said = pmc15m("sql", "-f", "licences", "--workspace", finished, "--format", "csv")
    assert said.stdout.startswith("licence"), said.stderr


def pmc_articles(workspace: Path) -> list[tuple[str, int]]:
    with connect(workspace) as connection:
        return connection.sql("SELECT pmcid, version FROM articles").fetchall()
