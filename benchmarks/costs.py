"""What all of PMC costs, from the costs of one unit: the table in README.

    python -m benchmarks.costs [--write]

Prints the table, or writes it between its marks in README.md; a test compares the two. The costs of a unit were
measured on two cores (AMD EPYC) with real articles; where each stands is said beside it. Nothing here was run whole.
"""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"(<!-- costs: begin[^\n]*-->\n).*?(<!-- costs: end -->)", re.DOTALL)

ARTICLES, PICTURES, PANELS = 8.2e6, 24e6, 59e6  # of PMC in 2026: its inventory; a corpus of 432 articles, scaled
REQUESTS = 57e6  # every article's XML, metadata and pictures: benchmarks/README, fetch
XML_BYTES, PICTURE_BYTES = 98e3, (96e3, 174e3)  # an article's; a picture's, as two samples have it
RATES = (50, 200, 500)  # requests/s; the first is the default
MACHINES, CORES = (1, 8, 64), 16  # of that many cores each
MONTHLY = 0.01  # of all articles that are new or changed in a month: an assumption
TRAINING_GPU_H = 2.3 * 24  # the published recipe on one H200 at half its peak: counted operations, not run


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time of one stage: `ms` a unit, and what it takes whatever there is."""

    stage: str
    units: float
    ms: float
    fixed_s: float = 0
    kept_ms: float = 0  # of a unit that a month's update leaves as it was

    @property
    def core_hours(self) -> float:
        return (self.units * self.ms / 1e3 + self.fixed_s) / 3600

    @property
    def monthly_core_hours(self) -> float:
        ms = MONTHLY * self.ms + (1 - MONTHLY) * self.kept_ms
        return (self.units * ms / 1e3 + self.fixed_s) / 3600


COSTS = (
    Cost("index", 1, 0, fixed_s=60),  # 8.2 M rows of inventory: benchmarks/README, fetch
    Cost("crawl", REQUESTS, 1.5),  # an object of 60 kB over loopback, without TLS: the same
    Cost("parse", ARTICLES, 4.0),  # 2.9–4.9 in shards of 54 and 432 articles
    Cost("split", PICTURES, 71.0),  # 299 real pictures, networks on the CPU; a GPU was not measured
    Cost("curate", ARTICLES, 1.0, fixed_s=15.7 + 57.5 + 59),  # and the groups: 15 M and 46 M hashes, 15 M captions
    Cost("export, whole figures", PICTURES, 10.0, kept_ms=1.5),  # as published; an update copies what it need not draw
    Cost("export, panels of 256 px", PANELS, 7.1, kept_ms=1.5),  # each picture decoded once
)


def table() -> str:
    """The costs as Markdown."""
    hours = ", ".join(f"{REQUESTS / rate / 3600:,.0f} h at {rate}/s" for rate in RATES)
    low, high = ((ARTICLES * XML_BYTES + PICTURES * size) / 1e12 for size in PICTURE_BYTES)
    monthly = ", ".join(f"{REQUESTS * MONTHLY / rate / 3600:.1f}" for rate in RATES)
    lines = [
        f"Fetching is {REQUESTS / 1e6:.0f} million requests ({hours}, whatever the number of machines) and "
        f"{low:.1f}–{high:.1f} TB; a month's update, taken as {MONTHLY:.0%} of the articles, "
        f"{REQUESTS * MONTHLY / 1e6:.2f} million requests ({monthly} h).",
        "",
        f"| stage | core-hours | {' | '.join(_machines(number) for number in MACHINES)} | a month's update |",
        f"|---|{'---:|' * (len(MACHINES) + 2)}",
    ]
    for cost in COSTS:
        walls = " | ".join(_hours(cost.core_hours / (number * CORES)) for number in MACHINES)
        lines.append(
            f"| {cost.stage} | {_number(cost.core_hours)} | {walls} | {_number(cost.monthly_core_hours)} core-h |"
        )
    walls = " | ".join(_hours(TRAINING_GPU_H / number) for number in MACHINES)
    lines.append(f"| pretraining, one GPU a machine | {TRAINING_GPU_H:.0f} GPU-h | {walls} | – |")
    return "\n".join(lines) + "\n"


def _machines(number: int) -> str:
    return f"on {number} machine{'s' * (number > 1)} of {CORES} cores"


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.0f} min" if hours >= 1 / 60 else "< 1 min"


def _number(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.1f}" if hours >= 0.05 else "< 0.1"


def written(text: str) -> str:
    """README with the table as it is now."""
    return _BLOCK.sub(lambda found: found[1] + table() + found[2], text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.costs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="into README.md")
    if parser.parse_args().write:
        README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(table(), end="")
