"""What the folders above a workspace are called changes nothing in it."""

import shutil
from pathlib import Path

import pytest

from pmc15m.config import load_config
from pmc15m.curate.stage import curate
from pmc15m.engine.stage import Execution
from pmc15m.errors import ExitCode
from pmc15m.export.stage import export
from pmc15m.manifests import ALL_TABLES
from pmc15m.query import connect
from pmc15m.workspace import Workspace
from tests.chain.conftest import digests
from train.shards import Pair, open_split

COLUMNS = (
    *("split=test", "year=1999", "level=panel", "licence_group=commercial", "language=fr", "version=7"),
    *("pmcid=PMC1", "status=dropped", "kind=plot", "shard=00007", "figure_key=x", "export_status=failed"),
)
MADE = ("captions", "duplicates", "caption_groups", "pairs", "export")


@pytest.fixture(scope="module")
def below(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished workspace below folders like columns and patterns, curated and exported there."""
    folder = tmp_path_factory.mktemp("below").joinpath(*COLUMNS)
    root = Path(shutil.copytree(finished, folder / "[ab]*?" / "data", ignore=shutil.ignore_patterns(*MADE)))
    for part in finished.glob("*/*.parquet"):  # what the pattern matches is no Parquet, and nobody reads it
        decoy = folder / "abc" / "data" / part.relative_to(finished)
        decoy.parent.mkdir(parents=True, exist_ok=True)
        decoy.write_bytes(b"decoy")
    config = load_config(root / "config.toml", [])
    assert curate(Workspace(root), config, Execution()) is ExitCode.COMPLETE
    assert export(Workspace(root), config, Execution()) is ExitCode.COMPLETE
    return root


def test_stages_write_the_same_bytes(finished: Path, below: Path) -> None:
    assert digests(below) == digests(finished)


@pytest.mark.parametrize("table", ALL_TABLES)
def test_queries_answer_with_the_same_rows(finished: Path, below: Path, table: str) -> None:
    with connect(finished) as plain, connect(below) as odd:
        expected, found = (connection.sql(f"FROM {table}").to_arrow_table() for connection in (plain, odd))
    assert found.equals(expected)


def test_the_trainer_reads_the_same_pairs(finished: Path, below: Path) -> None:
    config = load_config(below / "config.toml", ["export.format=hf"])
    assert export(Workspace(below), config, Execution()) is ExitCode.COMPLETE
    tars, odd_tars, odd_parquet = (
        _pairs(folder / "export" / name)
        for folder, name in ((finished, "panels"), (below, "panels"), (below, "panels-hf"))
    )
    assert odd_tars == tars
    assert odd_parquet == tars


def _pairs(folder: Path) -> dict[str, list[Pair]]:
    splits = {name: open_split(folder, name) for name in ("train", "val", "test")}
    return {name: [split.pair(row) for row in range(sum(split.sizes))] for name, split in splits.items()}
