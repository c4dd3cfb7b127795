"""Where the SQL that ships with the package lies, and which tables it is about."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from pmc15m.schema import CATALOG, RAW_INDEX, TABLES

# A checkout has the folder beside the package, a wheel has it inside.
_HOMES = (Path(__file__).parents[2] / "manifests", Path(__file__).parents[1] / "manifests")
FOLDER = next((home for home in _HOMES if (home / "views.sql").is_file()), _HOMES[-1])

# Every table that can be asked, in the order of the flow.
ALL_TABLES: Mapping[str, pa.Schema] = {"catalog": CATALOG, "raw": RAW_INDEX, **TABLES}
