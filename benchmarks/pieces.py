"""Which words of a caption go to which panel, for `score_segments.py` of the ground truth.

    python -m benchmarks.pieces GOLD.jsonl --out PRED.jsonl

GOLD has one line a caption, {"id", "caption", "markup"}; nothing else of it is read. Writes one line a caption:
`panels` are the characters of the text that a panel is trained with, `scores` how sure the text is. The network of
captions learned from `pieces-dev.jsonl`: what it makes of captions that it has not read, `python -m models texts
--folds` says.
"""

import argparse
import json
import time
from pathlib import Path

from pmc15m.figures.captions import split_caption


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    captions = [json.loads(line) for line in args.gold.read_text(encoding="utf-8").splitlines()]
    split_caption("(A) Loading (B) the network.")  # is not what a caption costs
    spent = 0.0
    with args.out.open("w", encoding="utf-8") as out:
        for each in captions:
            markup = [(start, end, kind) for start, end, kind in each["markup"]]
            begin = time.process_time()
            split = split_caption(each["caption"], markup)
            spent += time.process_time() - begin
            panels = {label: split.segments[label] for label in split.labels}
            row = {"id": each["id"], "panels": panels, "scores": dict(split.certainties)}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{len(captions)} captions, {1e3 * spent / max(1, len(captions)):.2f} ms each")


if __name__ == "__main__":
    main()
