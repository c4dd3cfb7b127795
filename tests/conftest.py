"""What holds for all tests: they talk to no other machine, and how fast this one is changes no result.

With PMC15M_NO_SKIPS set, as `.ci/run` does, a skipped test fails: a claim whose counterpart (Ray, open_clip, a browser)
is not there was not tested. What needs the real articles may still be skipped where they are not.
"""

import logging
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests import offline
from tests.query.chromium import Chromium, find_chromium
from tests.shared_data import SHARED

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# For the processes that tests start.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(offline.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
)
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """The one browser of all tests."""
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium here: install one, or name it in PMC15M_CHROMIUM")
    with Chromium(executable, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command run within a test takes the log for itself; the next test hears it again."""
    logger = logging.getLogger("pmc15m")
    handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = handlers, level, propagate


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _judged((yield))


def _judged(report: Report) -> Report:
    if report.skipped and os.environ.get("PMC15M_NO_SKIPS"):
        reason = str(report.longrepr)
        lacks_articles = not SHARED.is_dir() and ("PMC15M_SHARED" in reason or str(SHARED) in reason)
        report.outcome = "skipped" if lacks_articles else "failed"
    return report
