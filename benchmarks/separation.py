"""Panels, printed labels and sub-captions of figures with known answers, for `score_panels.py` of the ground truth.

    python -m benchmarks.separation PANELS.json --images DIR --separator network|gutters --out PRED.jsonl

PANELS.json is a list of {image, caption or null, ...}, `image` relative to DIR. Writes one line a figure, boxes in
pixels of the stored image, and prints the time a figure takes beyond decoding (CPU ms).
"""

import argparse
import json
import statistics
import time
from pathlib import Path

from pmc15m.figures import Separation, separate
from pmc15m.figures.captions import text_of
from pmc15m.pictures.decode import DecodeError, decode


def record(image: str, caption: str | None, separation: Separation) -> dict[str, object]:
    """One line of PRED.jsonl."""
    panels = [
        {
            "box": list(panel.box),
            "label": panel.label,
            "score": panel.score,
            "subcaption": text_of(caption or "", panel.subcaption_spans) or None,
            "spans": [list(span) for span in panel.subcaption_spans] or None,
            "alignment_score": panel.alignment_score,
            "tiles": [list(tile) for tile in panel.tiles] or None,
        }
        for panel in separation.panels
    ]
    return {"image": image, "status": str(separation.status), "compound": separation.compound, "panels": panels}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("panels", type=Path, nargs="+")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--separator", choices=("network", "gutters"), default="network")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    times = []
    with args.out.open("w", encoding="utf-8") as out:
        for figure in (f for path in args.panels for f in json.loads(path.read_text(encoding="utf-8"))):
            decoded = decode((args.images / figure["image"]).read_bytes())
            if isinstance(decoded, DecodeError):
                parser.error(f"{figure['image']}: {decoded}")
            begin = time.process_time()
            separation = separate(decoded.image, figure["caption"], separator=args.separator)
            times.append(1e3 * (time.process_time() - begin))
            out.write(json.dumps(record(figure["image"], figure["caption"], separation), ensure_ascii=False) + "\n")
    print(
        f"{len(times)} figures, {args.separator}: mean {statistics.mean(times):.1f} ms, "
        f"median {statistics.median(times):.1f} ms, maximum {max(times):.1f} ms beyond decoding"
    )


if __name__ == "__main__":
    main()
