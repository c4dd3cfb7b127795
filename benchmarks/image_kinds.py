"""Trains the network of image kinds on drawn pictures, and says its error on real ones.

    python -m benchmarks.image_kinds train --drawn FILE.npz          draws, trains, writes pmc15m/curate/kinds.onnx
    python -m benchmarks.image_kinds test PANELS.json --images DIR   confusion on figures with a known `kind`

Trained on what programs drew (`benchmarks.kindnet`), never on published pictures. Every drawing is a function of the
seed and its number. `train` needs torch and onnx, and leaves its weights beside the drawings; --start goes on from such
weights. `test` prints which kinds the figures are taken for that an annotator called plot, diagram and so on. With
--kinds FILE the truth is a table of one's own, and panels are scored as well: JSON, {"3": ["microscopy"],
"3.0": ["microscopy", "radiology"], …}, the number of the figure (and of its panel) → the kinds that are accepted.
Intervals: bootstrap over articles.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.kindnet.compose import draw
from pmc15m.pictures.decode import Decoded, decode
from pmc15m.pictures.hashes import working_picture
from pmc15m.pictures.kinds import GRAPHICS, PICTURES, WEIGHTS, ImageKind, classify, squeezed

KINDS = list(ImageKind)
STORED = 160  # px of the stored squares: more than the network sees, so that stretching them blurs nothing
_ANNOTATED = {"photo/microscopy": ("photo", "microscopy")}  # one name for two kinds; the others are called as ours


def drawn(seed: int, number: int) -> tuple[np.ndarray, int]:
    """uint8 (STORED, STORED, 3) and the number of its kind."""
    image, kind = draw(np.random.default_rng((seed, number)))
    return squeezed(working_picture(image), STORED), KINDS.index(kind)


def drawings(path: Path, seed: int, count: int, workers: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (count, STORED, STORED, 3) and int64 (count,): from the file where it exists, drawn and kept otherwise."""
    if not path.exists():
        pictures, kinds = np.zeros((count, STORED, STORED, 3), np.uint8), np.zeros(count, np.int64)
        with ProcessPoolExecutor(workers) as pool:
            for number, made in enumerate(pool.map(drawn, [seed] * count, range(count), chunksize=50)):
                pictures[number], kinds[number] = made
        np.savez(path, pictures=pictures, kinds=kinds)
    stored = np.load(path)  # of another --seed or --count: delete it first
    return stored["pictures"], stored["kinds"]


def train(args: argparse.Namespace) -> None:
    import torch  # `test` needs no torch

    from benchmarks.kindnet import network

    torch.set_num_threads(args.workers)
    start = network.KindNet() if args.start else None
    if start is not None:
        start.load_state_dict(torch.load(args.start))
    pictures, kinds = drawings(args.drawn, args.seed, args.count, args.workers)
    net = network.train(pictures, kinds, args.epochs, args.seed, start)
    torch.save(net.state_dict(), args.drawn.with_suffix(".pt"))
    network.export(net, WEIGHTS)


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


def test(args: argparse.Namespace) -> None:
    truth = json.loads(args.kinds.read_text(encoding="utf-8")) if args.kinds else {}
    rows: dict[str, list[tuple[str, tuple[str, ...], str, float]]] = {"annotated": [], "figures": [], "panels": []}
    for name, figure, image in examples(args.panels, args.images):
        kind, score = classify(working_picture(image))
        article, annotated = str(figure["image"]).split("/")[0], str(figure["kind"])
        accepted = _ANNOTATED.get(annotated, (annotated,))
        if "." not in name and set(accepted) <= set(KINDS):
            rows["annotated"].append((article, accepted, kind, score))
        if name in truth:
            rows["panels" if "." in name else "figures"].append((article, tuple(truth[name]), kind, score))
    for title, part in rows.items():
        if part:
            table(title, part)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("--drawn", type=Path, required=True, help="where the drawings are kept (1.5 GB)")
    training.add_argument("--count", type=int, default=20_000)
    training.add_argument("--epochs", type=int, default=10)
    training.add_argument("--seed", type=int, default=0)
    training.add_argument("--workers", type=int, default=1)
    training.add_argument("--start", type=Path, help="weights (.pt) of an earlier run to go on from")
    training.set_defaults(run=train)
    testing = commands.add_parser("test")
    testing.add_argument("panels", type=Path)
    testing.add_argument("--images", type=Path, required=True)
    testing.add_argument("--kinds", type=Path)
    testing.set_defaults(run=test)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
