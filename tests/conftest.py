"""What holds for all tests: they talk to no other machine, and how fast this one is changes no result."""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

from tests.offline import sitecustomize

# For the processes that tests start.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(sitecustomize.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
)
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
