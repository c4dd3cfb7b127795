import pytest

from pmc15m.workspace import Workspace
from tests.query.made_up import fill


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The made-up workspace; tests only read it."""
    return fill(tmp_path_factory.mktemp("made_up"))
