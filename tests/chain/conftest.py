"""A miniature PMC served on loopback for the whole session, a workspace made from it, and what `make demo` leaves."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmc15m.demo import Server, generate, serve

ARTICLES = 30
FLAGS = ("--set", "crawl.articles_per_shard=10", "--set", "curate.val_share=0.1", "--set", "curate.test_share=0.1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process of a parallel run takes all tests that share a workspace."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            shared = set(getattr(item, "fixturenames", ()))
            group = "demo" if "demo" in shared else "chain" if shared & {"finished", "bucket"} else item.path.stem
            item.add_marker(pytest.mark.xdist_group(group))


def pmc15m(*arguments: str | Path, timeout: float = 110) -> "subprocess.CompletedProcess[str]":
    """The command as a user runs it."""
    command = [sys.executable, "-m", "pmc15m.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def digests(root: Path) -> dict[str, str]:
    """Every table, shard and export, by its path in the workspace; the report names the workspace, so it differs."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name not in {"config.toml", "index.html", ".footers", ".status", "durations.jsonl"}
    }


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("bucket")
    generate(root, articles=ARTICLES)
    with serve(root) as server:
        yield server


@pytest.fixture(scope="session")
def finished(bucket: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace after one uninterrupted run."""
    workspace = tmp_path_factory.mktemp("finished")
    ran = pmc15m("run", "--workspace", workspace, "--source", bucket.url, *FLAGS, timeout=300)
    assert ran.returncode in (0, 1), ran.stderr
    return workspace


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `make demo` was run, but for the training."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "pmc15m.cli", "demo", "--workspace", "data/demo"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    assert "data/demo/report/index.html" in ran.stdout
    return folder
