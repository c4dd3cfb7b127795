"""Which modalities are named in 391 captions, against the marks of readers.

    python -m benchmarks.modalities ARTICLES_DIR

`modalities.jsonl` beside this file holds marks and no texts: one line a caption {"id": "<folder>:<figure id>", "words":
a checksum of its words, "half": tuned (looked at while the words were chosen), kept, or later (91 more of 91 other
articles, marked and asked before the words were chosen anew), "named", "either"}. Marked is what a caption names;
"either" are stains, dyes and machines that tell it to those who know, and what the picture came by but does not show. A
caption whose words changed is left out, and counted.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import duckdb

from benchmarks.jats import sources
from models.captions.marks import checksum
from pmc15m.curate.modalities import define_modalities_of
from pmc15m.jats import parse_article

MARKS = Path(__file__).with_suffix(".jsonl")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    captions = {
        f"{source.name}:{figure.figure_id}": figure.caption or ""
        for source in sources(parser.parse_args().articles)
        for figure in parse_article(source.xml.read_bytes()).figures
    }
    counts: Counter[tuple[str, str]] = Counter()
    with duckdb.connect() as connection:
        define_modalities_of(connection)
        for line in map(json.loads, MARKS.read_text(encoding="utf-8").splitlines()):
            text, half = captions.get(line["id"], ""), line["half"]
            if checksum(text) != line["words"]:
                counts[half, "left out"] += 1
                continue
            [(found,)] = connection.execute("SELECT modalities_of(?)", [text]).fetchall()
            named, seen = set(line["named"]), set(found)
            counts[half, "right"] += len(named & seen)
            counts[half, "wrong"] += len(seen - named - set(line["either"]))
            counts[half, "missed"] += len(named - seen)
    for half in ("tuned", "kept", "later"):
        right, wrong, missed, left_out = (counts[half, what] for what in ("right", "wrong", "missed", "left out"))
        print(
            f"{half}: {right} right, {wrong} wrong, {missed} missed, {left_out} captions left out; "
            f"precision {right / max(1, right + wrong):.3f}, recall {right / max(1, right + missed):.3f}"
        )


if __name__ == "__main__":
    main()
