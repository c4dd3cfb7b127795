"""Trains the classifier of image kinds on drawn pictures, and says its error on real ones.

    python -m benchmarks.image_kinds train                          writes pmc15m/curate/kinds.json
    python -m benchmarks.image_kinds test PANELS.json --images DIR  confusion on figures with a known `kind`

Trained on pictures that programs drew (pmc15m.demo, and soft coloured fields for photographs), never on real ones; so
the features must carry over what the drawings have in common with the real thing. Multinomial logistic regression.
"""

import argparse
import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from pmc15m.curate.features import NAMES, image_features
from pmc15m.curate.hashes import working_picture
from pmc15m.curate.kinds import WEIGHTS, ImageKind, classify, prepared
from pmc15m.decode import Decoded, decode
from pmc15m.demo import charts, photographs
from pmc15m.demo.pictures import Rng

Draw = Callable[[Rng, int, int], Image.Image]
_STEPS, _RATE, _DECAY = 3000, 0.5, 3e-3


def _of(*drawers: Callable[..., object]) -> Draw:
    return lambda rng, width, height: drawers[rng.integers(len(drawers))](rng, width, height).image  # type: ignore[attr-defined]


def soft_field(rng: Rng, width: int, height: int) -> Image.Image:
    """What a snapshot has in common with every other: soft shading, a few large shapes, colours of skin and cloth."""
    pixels = np.zeros((height, width, 3), np.float32)
    cells = int(rng.integers(2, 5))
    for weight in (1.0, 0.5, 0.25, 0.12):
        grid = (rng.random((cells, cells, 3)) * 255).astype(np.uint8)
        shade = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        pixels += weight * np.asarray(shade, np.float32)
        cells *= 3
    tint = rng.uniform(0.5, 1.0, 3) * np.array([1.0, 0.85, 0.75])
    pixels = pixels / 1.87 * tint + rng.normal(0, rng.uniform(1, 6), pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6))


KINDS: dict[ImageKind, Draw] = {
    ImageKind.PHOTO: soft_field,
    ImageKind.RADIOLOGY: _of(photographs.ct, photographs.mri),
    ImageKind.MICROSCOPY: _of(photographs.histology, photographs.fluorescence, photographs.electron_micrograph),
    ImageKind.GEL: _of(photographs.gel, photographs.blot),
    ImageKind.PLOT: _of(
        charts.line_plot, charts.bar_chart, charts.scatter_plot, charts.survival_curve, charts.heat_map, charts.ecg
    ),
    ImageKind.DIAGRAM: _of(charts.diagram, charts.tree),
    ImageKind.TABLE_TEXT: _of(charts.table, charts.formula),
}
# Shares among figures of PMC, roughly: of 100 figures of 33 articles 50 were plots, 15 diagrams, 13 pictures.
PRIOR = {
    ImageKind.PHOTO: 0.03,
    ImageKind.RADIOLOGY: 0.04,
    ImageKind.MICROSCOPY: 0.06,
    ImageKind.GEL: 0.02,
    ImageKind.PLOT: 0.48,
    ImageKind.DIAGRAM: 0.14,
    ImageKind.TABLE_TEXT: 0.03,
}


def drawn(rng: Rng, kind: ImageKind) -> Image.Image:
    """A figure of one kind: alone or several beside each other on white, re-encoded as publishers do."""
    width, height = (int(side) for side in rng.integers(180, 700, 2))
    columns, rows = (1, 1) if rng.random() < 0.5 else (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    canvas = Image.new("RGB", (width * columns, height * rows), "white")
    for place in range(columns * rows):
        gap = int(rng.integers(0, 30)) if columns * rows > 1 else 0
        picture = KINDS[kind](rng, width - gap, height - gap)
        canvas.paste(picture, (place % columns * width, place // columns * height))
    scale = rng.uniform(0.4, 1.3) / np.sqrt(columns * rows)
    size = (max(64, int(canvas.width * scale)), max(64, int(canvas.height * scale)))
    canvas = canvas.resize(size, Image.Resampling.LANCZOS)
    if rng.random() < 0.25:
        canvas = canvas.convert("L")
    stream = io.BytesIO()
    canvas.save(stream, "JPEG", quality=int(rng.integers(50, 97))) if rng.random() < 0.7 else canvas.save(stream, "PNG")
    return Image.open(io.BytesIO(stream.getvalue())).convert(canvas.mode)


def features_of(image: Image.Image) -> np.ndarray:
    """float64 (features,) as `kinds` wants them."""
    return prepared(image_features(working_picture(image)), NAMES)


def train(per_kind: int, seed: int) -> dict[str, object]:
    """Weights by gradient descent with momentum, from `per_kind` drawings of each kind."""
    rng = np.random.default_rng(seed)
    kinds = list(KINDS)
    table = np.array([features_of(drawn(rng, kind)) for kind in kinds for _ in range(per_kind)])
    truth = np.repeat(np.arange(len(kinds)), per_kind)
    mean, spread = table.mean(axis=0), table.std(axis=0) + 1e-6
    inputs = np.c_[(table - mean) / spread, np.ones(len(table))]
    weights, momentum = np.zeros((inputs.shape[1], len(kinds))), 0.0
    for step in range(_STEPS):
        logits = inputs @ weights
        likely = np.exp(logits - logits.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        slope = inputs.T @ (likely - np.eye(len(kinds))[truth]) / len(inputs) + _DECAY * weights
        momentum = 0.9 * momentum - _RATE * slope / (1 + step / 500)
        weights = weights + momentum
    print(f"{len(table)} drawings, training accuracy {np.mean((inputs @ weights).argmax(axis=1) == truth):.3f}")
    values = weights[:-1] / spread[:, None]
    return {
        "features": NAMES,
        "kinds": kinds,
        "weights": values.T.round(4).tolist(),
        "bias": (weights[-1] - mean @ values + [np.log(PRIOR[kind]) for kind in kinds]).round(4).tolist(),
    }


def test(path: Path, images: Path) -> None:
    """Print which kinds real figures are taken for."""
    confusion: Counter[tuple[str, str]] = Counter()
    for figure in json.loads(path.read_text(encoding="utf-8")):
        decoded = decode((images / figure["image"]).read_bytes(), 128_000_000)
        if isinstance(decoded, Decoded):
            confusion[figure["kind"], classify(image_features(working_picture(decoded.image)))[0]] += 1
    for truth in sorted({truth for truth, _ in confusion}):
        row = {str(kind): confusion[truth, kind] for kind in ImageKind if confusion[truth, kind]}
        print(f"{truth:18} {sum(row.values()):3}  " + ", ".join(f"{kind} {n}" for kind, n in row.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("--per-kind", type=int, default=400)
    training.add_argument("--seed", type=int, default=0)
    testing = commands.add_parser("test")
    testing.add_argument("panels", type=Path)
    testing.add_argument("--images", type=Path, required=True)
    args = parser.parse_args()
    if args.command == "train":
        WEIGHTS.write_text(json.dumps(train(args.per_kind, args.seed), indent=1) + "\n", encoding="utf-8")
    else:
        test(args.panels, args.images)


if __name__ == "__main__":
    main()
