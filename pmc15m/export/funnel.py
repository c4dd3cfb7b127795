"""A recipe applied: what each predicate removes, and the pairs that it keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pmc15m.errors import UsageError
from pmc15m.export.recipes import Predicate, Recipe


@dataclass(frozen=True, slots=True)
class Removal:
    """What one predicate removed, and what was left."""

    name: str
    removed: int
    left: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """Rows in = rows kept + rows removed by named predicates."""

    rows_in: int
    steps: tuple[Removal, ...]

    @property
    def kept(self) -> int:
        return self.steps[-1].left if self.steps else self.rows_in

    def as_rows(self) -> list[dict[str, Any]]:
        """name, removed, left; the first row is what came in."""
        steps = (Removal("pairs", 0, self.rows_in), *self.steps)
        return [{"name": step.name, "removed": step.removed, "left": step.left} for step in steps]


def run_recipe(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> Funnel:
    """Count what each predicate removes, and give the keys of the rest as the temporary view `recipe.kept`.

    One pass over the columns that the predicates name, and the keys; no caption is copied. The connection has `pairs`
    (`query.connect`). Raises `UsageError` where a predicate is no SQL over them.
    """
    tests = [f"coalesce(({predicate.where}\n), false)" for predicate in recipe.predicates]
    arms = "".join(f" WHEN NOT {test} THEN {position}" for position, test in enumerate(tests))
    passed = len(tests)
    first_failed = f"CASE{arms} ELSE {passed} END" if tests else "0"
    judged = f'"judged_{recipe.name}"'
    try:
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE {judged} AS
                SELECT failed, CASE WHEN failed = {passed} THEN pair_key END AS pair_key
                FROM (SELECT ({first_failed})::UTINYINT AS failed, pair_key FROM pairs)"""
        )
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        raise UsageError(f"recipe {recipe.name}: {_culprit(connection, recipe.predicates)}: {said}") from None
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {recipe.kept} AS SELECT pair_key FROM {judged} WHERE failed = {passed}"
    )
    return _funnel(recipe, dict(connection.execute(f"SELECT failed, count(*) FROM {judged} GROUP BY 1").fetchall()))


def _funnel(recipe: Recipe, removed: dict[int, int]) -> Funnel:
    left = rows_in = sum(removed.values())
    steps = []
    for position, predicate in enumerate(recipe.predicates):
        left -= removed.get(position, 0)
        steps.append(Removal(predicate.name, removed.get(position, 0), left))
    return Funnel(rows_in, tuple(steps))


def _culprit(connection: duckdb.DuckDBPyConnection, predicates: Sequence[Predicate]) -> str:
    """Which predicate does not run alone."""
    for predicate in predicates:
        try:
            connection.execute(f"SELECT count(*) FROM pairs WHERE ({predicate.where}\n)")
        except duckdb.Error:
            return f"predicate {predicate.name}"
    return "its predicates"
