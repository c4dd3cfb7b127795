"""Two machines of a Ray cluster, here two nodes on one, make what one process makes, also where one of them dies."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pmc15m.demo import Server
from tests.chain.conftest import FLAGS, digests, pmc15m

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytest.importorskip("ray", reason="Ray has no wheel for this platform: pip install 'pmc15m[ray]'")
pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
_NODE = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator["Cluster"]:
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # else it writes a token into the home folder
    cluster = Cluster(initialize_head=True, head_node_args=_NODE)
    try:
        cluster.add_node(**_NODE)
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        yield cluster
    finally:
        cluster.shutdown()


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A workspace of which nothing but what was fetched is left."""
    copy = tmp_path / "copy"
    for folder in ("raw", "catalog"):
        shutil.copytree(finished / folder, copy / folder)
    shutil.copy(finished / "config.toml", copy)
    return copy


def test_two_nodes_make_what_one_process_makes(cluster: "Cluster", copy: Path, finished: Path, bucket: Server) -> None:
    ran = pmc15m("run", "--workspace", copy, "--source", bucket.url, *FLAGS, "--engine", "ray", timeout=300)
    assert "Traceback" not in ran.stderr
    assert digests(copy) == digests(finished)


def test_a_node_that_is_killed_costs_nothing_but_time(
    cluster: "Cluster", copy: Path, finished: Path, tmp_path: Path
) -> None:
    for name in ("told", "go"):
        os.mkfifo(tmp_path / name)
    command = [sys.executable, "-m", "tests.chain.held", tmp_path, "--workspace", copy, "--engine", "ray"]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with (
        os.fdopen(os.open(tmp_path / "told", os.O_RDWR)) as told,
        subprocess.Popen(command, **piped, text=True, cwd=ROOT) as running,
    ):
        at_work = dict(told.readline().split() for _ in range(2))
        (victim,) = (node for node in cluster.worker_nodes if node.node_id in at_work)
        cluster.remove_node(victim, allow_graceful=False)
        go = os.open(tmp_path / "go", os.O_RDWR)
        try:
            said, complained = running.communicate(timeout=300)
        finally:
            os.close(go)
        left = [told.readline().split()[1] for _ in range(len(list(copy.glob("raw/*.tar"))) - 1)]
    assert (running.returncode, said, "failed" in complained) == (0, "", False)
    assert at_work[victim.node_id] in left, "that of the victim, again"
    tables = ("articles", "figures", "images")
    assert {name: digest for name, digest in digests(copy).items() if name.startswith(tables)} == {
        name: digest for name, digest in digests(finished).items() if name.startswith(tables)
    }
