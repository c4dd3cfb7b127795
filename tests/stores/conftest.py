"""Both S3 servers, started once; each test gets a prefix of its own on one of them, and a scratch folder."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmc15m.objects import Objects
from tests.stores import servers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process of a parallel run has the servers."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("stores"))


@pytest.fixture(scope="session", params=["moto", "seaweedfs"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with getattr(servers, request.param)(tmp_path_factory.mktemp(request.param)) as address:
        yield address


@pytest.fixture
def place(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a workspace that is not there yet."""
    for name, value in servers.environment(server).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PMC15M_SCRATCH", str(tmp_path / "scratch"))
    return f"s3://{servers.BUCKET}/of one/{uuid.uuid4().hex[:8]}"


@pytest.fixture
def objects(place: str) -> Objects:
    return Objects(place)
