"""The questions of `manifests/queries` over 15,282,336 pairs, beside plain DuckDB on the same files in the same run.

    python -m benchmarks.queries DIR [--rounds 3] [--only NAME,NAME]

DIR is a workspace as `benchmarks.pairs_table` makes it (made if it is not there). Every question runs in a process of
its own, ours and plain in turn; CPU is user + system time of the question alone, peak that of the whole process.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.pairs_table import pairs_workspace
from pmc15m.manifests import named_queries
from pmc15m.query import connect

_WORDS = ("computed tomogra", "magnetic resonance", "radiogra", "histolog", "immunofluoresc")
_ONE = "SELECT * FROM pairs WHERE pmcid = 'PMC2000000'"


@dataclass(frozen=True, slots=True)
class Question:
    """`ours` is the name of a shipped question, or SQL; `plain` asks the same without it."""

    ours: str
    plain: str
    ratio: float | None = None  # of CPU, at most
    cpu_s: float | None = None  # of ours, at most


QUESTIONS = {
    "licence x year": Question(
        "licences_by_year", "SELECT licence_group, year, count(*) FROM pairs GROUP BY ALL", ratio=1.5
    ),
    "caption lengths": Question(
        "caption_lengths",
        "SELECT level, quantile_disc(n_chars, [.01, .25, .5, .75, .99]),"
        " quantile_disc(n_words, [.01, .25, .5, .75, .99]) FROM pairs GROUP BY level",
        ratio=1.5,
    ),
    "top journals": Question(
        "journals", "SELECT journal, count(*) AS n FROM pairs GROUP BY ALL ORDER BY n DESC LIMIT 20", ratio=1.5
    ),
    "one article": Question(_ONE, _ONE, ratio=1.5),
    "caption duplicates": Question(
        "caption_duplicates",
        "SELECT count(*) FROM (SELECT caption_hash FROM pairs GROUP BY ALL HAVING count(*) > 1)",
        ratio=1.5,
        cpu_s=4,
    ),
    # Ours reads the column that `curate` stored, plain DuckDB scans the captions for five words.
    "keyword report": Question(
        "modalities",
        "SELECT " + ", ".join(f"count(*) FILTER (text ILIKE '%{word}%')" for word in _WORDS) + " FROM pairs",
        ratio=0.6,
    ),
    "random sample": Question("sample", "SELECT * FROM pairs USING SAMPLE reservoir(10000 ROWS)", cpu_s=1),
    "… with text": Question("sample_with_text", "SELECT * FROM pairs USING SAMPLE reservoir(10000 ROWS)", cpu_s=1),
}
_PEAK_MB = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names of questions, with commas between")
    parser.add_argument("--ask", choices=("ours", "plain"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ask:
        print(json.dumps(_ask(arguments.folder, QUESTIONS[arguments.only], arguments.ask)))
        return
    pairs_workspace(arguments.folder)
    print(f"{'question':20} {'ours CPU s':>10} {'plain CPU s':>11} {'ratio':>6} {'wall s':>7} {'peak MB':>8}")
    for name in arguments.only.split(",") if arguments.only else QUESTIONS:
        print(_line(arguments.folder, name, arguments.rounds), flush=True)


def _line(folder: Path, name: str, rounds: int) -> str:
    runs: dict[str, list[dict[str, float]]] = {"ours": [], "plain": []}
    for _ in range(rounds):
        for mode, found in runs.items():
            command = [sys.executable, "-m", "benchmarks.queries", str(folder), "--only", name, "--ask", mode]
            found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))

    def median(mode: str, key: str) -> float:
        return statistics.median(run[key] for run in runs[mode])

    ours, plain = median("ours", "cpu_s"), median("plain", "cpu_s")
    peak = max(run["peak_mb"] for run in runs["ours"])
    bars = QUESTIONS[name]
    checks = {
        f"ratio <= {bars.ratio}": bars.ratio is None or ours / plain <= bars.ratio,
        f"<= {bars.cpu_s} CPU s": bars.cpu_s is None or ours <= bars.cpu_s,
        f"< {_PEAK_MB} MB": peak < _PEAK_MB,
    }
    missed = [bar for bar, holds in checks.items() if not holds]
    verdict = f"MISSED {', '.join(missed)}" if missed else "holds"
    wall = median("ours", "wall_s")
    return f"{name:20} {ours:10.2f} {plain:11.2f} {ours / plain:6.2f} {wall:7.2f} {peak:8.0f}  {verdict}"


def _ask(folder: Path, question: Question, mode: str) -> dict[str, float]:
    if mode == "ours":
        connection = connect(folder)
        asked = named_queries()[question.ours].sql if question.ours in named_queries() else question.ours
    else:
        connection = duckdb.connect()
        connection.read_parquet(f"{folder}/pairs/*.parquet", hive_partitioning=False).create_view("pairs")
        asked = question.plain
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    connection.sql(asked).to_arrow_table()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall_s": time.perf_counter() - started,
        "peak_mb": after.ru_maxrss * 1024 / 1e6,
    }


if __name__ == "__main__":
    main()
