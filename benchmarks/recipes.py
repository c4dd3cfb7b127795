"""CPU seconds and memory of a recipe that keeps about 3 of 15.3 million pairs, beside plain DuckDB.

    python -m benchmarks.pairs_table DIR
    python -m benchmarks.recipes DIR [--recipe NAME] [--rounds 3]

Plain DuckDB writes the keys that one WHERE keeps, and tells nothing about what each predicate removed. Every
measurement is a process of its own; medians.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from pmc15m.export.funnel import run_recipe
from pmc15m.export.recipes import Recipe, load_recipe, parse_recipe
from pmc15m.query import connect

_RECIPE = """
description = "Single pictures that may be used commercially, with captions of ordinary length: about 3 million."
[[predicate]]
name = "commercial"
where = "licence_group = 'commercial'"
why = "measure"
[[predicate]]
name = "large"
where = "least(width, height) >= 336"
why = "measure"
[[predicate]]
name = "caption"
where = "n_words BETWEEN 40 AND 100"
why = "measure"
[[predicate]]
name = "once"
where = "NOT is_duplicate"
why = "measure"
"""


def measure(root: Path, recipe: Recipe, plain: bool) -> dict[str, float]:
    """CPU s, peak MiB and rows kept, of this process."""
    with connect(root) as connection:
        before = resource.getrusage(resource.RUSAGE_SELF)
        if plain:
            where = " AND ".join(f"({predicate.where})" for predicate in recipe.predicates)
            connection.execute(f"CREATE TEMP TABLE kept AS SELECT pair_key FROM pairs WHERE {where}")
            [(kept,)] = connection.execute("SELECT count(*) FROM kept").fetchall()
        else:
            kept = run_recipe(connection, recipe).kept
        after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu, "peak_mib": after.ru_maxrss / 1024, "kept": kept}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--recipe", help="a shipped one instead")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=("recipe", "plain"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        recipe = load_recipe(args.recipe) if args.recipe else parse_recipe("three-million", _RECIPE)
        print(json.dumps(measure(args.root, recipe, args.child == "plain")))
        return
    chosen = ["--recipe", args.recipe] if args.recipe else []
    found: dict[str, list[dict[str, float]]] = {"recipe": [], "plain": []}
    for _ in range(args.rounds):
        for what, rows in found.items():
            command = [sys.executable, "-m", "benchmarks.recipes", str(args.root), "--child", what, *chosen]
            rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    median = {what: statistics.median(row["cpu_s"] for row in rows) for what, rows in found.items()}
    for what, rows in found.items():
        peak = max(row["peak_mib"] for row in rows)
        print(f"{what:7} {median[what]:6.2f} CPU s  {peak:6.0f} MiB  {rows[0]['kept']:>10,} pairs kept")
    print(f"ratio   {median['recipe'] / median['plain']:6.2f}")


if __name__ == "__main__":
    main()
