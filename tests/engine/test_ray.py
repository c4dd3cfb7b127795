"""The Ray engine does what the local one does. Skipped without the extra: pip install 'pmc15m[ray]'."""

import os
from collections.abc import Iterator

import pytest

from pmc15m.engine import Failure, Success, map_units

ray = pytest.importorskip("ray", reason="the `ray` extra is not installed")
pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("ray")]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    yield
    ray.shutdown()


def square(unit: int) -> int:
    if unit == 3:
        raise ValueError("three")
    return unit * unit


def test_every_unit_is_reported_once() -> None:
    results = sorted(map_units(square, [1, 2, 3, 4], engine="ray", workers=2), key=lambda result: result.unit)
    assert [result for result in results if isinstance(result, Success)] == [
        Success(1, 1),
        Success(2, 4),
        Success(4, 16),
    ]
    (failed,) = (result for result in results if isinstance(result, Failure))
    assert failed.unit == 3
    assert "ValueError" in failed.error


def die_once(marker: str) -> bool:
    """Kills its worker the first time."""
    if not os.path.exists(marker):
        open(marker, "w").close()
        os._exit(9)
    return True


def test_a_killed_worker_is_tried_again(tmp_path: object) -> None:
    marker = f"{tmp_path}/died"
    assert list(map_units(die_once, [marker], engine="ray", workers=2)) == [Success(marker, True)]
