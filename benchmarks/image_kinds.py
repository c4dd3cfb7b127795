"""Error of the image kinds on real figures.

    python -m benchmarks.image_kinds PANELS.json --images DIR [--kinds FILE]

Prints which kinds the figures are taken for that an annotator called plot, diagram and so on (their `kind`). With
--kinds FILE the truth is a table of one's own, and panels are scored as well: JSON, {"3": ["microscopy"],
"3.0": ["microscopy", "radiology"], …}, the number of the figure (and of its panel) → the kinds that are accepted.
Intervals: bootstrap over articles.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from pmc15m.pictures.decode import Decoded, decode
from pmc15m.pictures.hashes import working_picture
from pmc15m.pictures.kinds import GRAPHICS, PICTURES, ImageKind, classify

_ANNOTATED = {"photo/microscopy": ("photo", "microscopy")}  # one name for two kinds; the others are called as ours


def examples(path: Path, images: Path) -> Iterator[tuple[str, dict[str, object], Image.Image]]:
    """(number, figure, picture) of every figure, and ("number.panel", …) of every panel of a compound one."""
    for number, figure in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        decoded = decode((images / figure["image"]).read_bytes())
        if not isinstance(decoded, Decoded):
            continue
        yield str(number), figure, decoded.image
        for order, panel in enumerate(figure["panels"] if figure["compound"] else ()):
            yield f"{number}.{order}", figure, decoded.image.crop(panel["box"])


def family(kind: str) -> str:
    return "picture" if kind in PICTURES else "graphic" if kind in GRAPHICS else "mixed"


def interval(right: list[bool], articles: list[str]) -> str:
    """Share and its 95 % interval: articles drawn with replacement, because figures of one article are alike."""
    names, random = sorted(set(articles)), np.random.default_rng(0)
    groups = [np.array([ok for ok, name in zip(right, articles, strict=True) if name == each]) for each in names]
    picks = random.integers(len(groups), size=(2000, len(groups)))
    low, high = np.quantile([np.concatenate([groups[i] for i in pick]).mean() for pick in picks], [0.025, 0.975])
    return f"{sum(right)}/{len(right)} = {np.mean(right):.3f} [{low:.2f}, {high:.2f}]"


def table(title: str, rows: list[tuple[str, tuple[str, ...], str, float]]) -> None:
    """Confusion of (article, accepted kinds, kind, score); a row for each kind that comes first among the accepted."""
    print(f"{title}: kind right {interval([kind in ok for _, ok, kind, _ in rows], [row[0] for row in rows])}")
    in_family = [family(kind) in {family(each) for each in ok} for _, ok, kind, _ in rows]
    print(f"  family right {interval(in_family, [row[0] for row in rows])}")
    for truth in sorted({ok[0] for _, ok, _, _ in rows}):
        seen = Counter(kind for _, ok, kind, _ in rows if ok[0] == truth)
        print(f"  {truth:12} {seen.total():3}  " + ", ".join(f"{kind} {n}" for kind, n in seen.most_common()))
    scores = np.array([score for *_, score in rows])
    for low, high in ((0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        chosen = [kind in ok for (_, ok, kind, score) in rows if low <= score < high]
        if chosen:
            mean = scores[(scores >= low) & (scores < high)].mean()
            print(f"  score from {low:.1f}: mean {mean:.2f}, right {np.mean(chosen):.2f} of {len(chosen)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("panels", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--kinds", type=Path)
    args = parser.parse_args()
    truth = json.loads(args.kinds.read_text(encoding="utf-8")) if args.kinds else {}
    rows: dict[str, list[tuple[str, tuple[str, ...], str, float]]] = {"annotated": [], "figures": [], "panels": []}
    for name, figure, image in examples(args.panels, args.images):
        kind, score = classify(working_picture(image))
        article, annotated = str(figure["image"]).split("/")[0], str(figure["kind"])
        accepted = _ANNOTATED.get(annotated, (annotated,))
        if "." not in name and set(accepted) <= set(ImageKind):
            rows["annotated"].append((article, accepted, kind, score))
        if name in truth:
            rows["panels" if "." in name else "figures"].append((article, tuple(truth[name]), kind, score))
    for title, part in rows.items():
        if part:
            table(title, part)


if __name__ == "__main__":
    main()
