"""A small miniature PMC of every shape, and a server over it."""

from collections.abc import Iterator

import pytest

from pmc15m.demo import DemoTruth, Server, generate, serve


@pytest.fixture(scope="session")
def truth(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    """All sixty shapes with tiny pictures."""
    return generate(tmp_path_factory.mktemp("demo") / "bucket", figure_px=40, plain=True)


@pytest.fixture
def server(truth: DemoTruth) -> Iterator[Server]:
    with serve(truth.root) as server:
        yield server
