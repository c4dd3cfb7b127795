"""Where the SQL that ships with the package lies, and which tables it is about."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pmc15m.schema import CATALOG, RAW_INDEX, TABLES

# A checkout has the folder beside the package, a wheel has it inside.
_HOMES = (Path(__file__).parents[1] / "manifests", Path(__file__).parent / "manifests")
FOLDER = next((home for home in _HOMES if (home / "views.sql").is_file()), _HOMES[-1])

VIEWS = FOLDER / "views.sql"
QUERIES = tuple(sorted((FOLDER / "queries").glob("*.sql")))

# Every table that can be asked, in the order of the flow.
ALL_TABLES: Mapping[str, pa.Schema] = {"catalog": CATALOG, "raw": RAW_INDEX, **TABLES}


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A question that ships: `-- Title.` on its first line, then what the answer means, then SQL."""

    name: str
    title: str
    sql: str


@functools.cache
def named_queries() -> Mapping[str, NamedQuery]:
    """The questions of `manifests/queries`, by name."""
    queries = {}
    for path in QUERIES:
        text = path.read_text(encoding="utf-8")
        title = text.partition("\n")[0].removeprefix("--").strip()
        queries[path.stem] = NamedQuery(name=path.stem, title=title, sql=text)
    return queries
