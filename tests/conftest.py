"""What holds for all tests: they talk to no other machine."""

import os
from pathlib import Path

from tests.offline import sitecustomize

# For the processes that tests start.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(sitecustomize.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
)
