"""Where the real articles lie, which are never committed: beside the checkout, or at $PMC15M_SHARED."""

import os
from pathlib import Path

SHARED = Path(os.environ.get("PMC15M_SHARED", Path(__file__).parents[2] / "shared"))
