"""The label reader (`reader.onnx`): two small towers on the candidates that `pmc15m.figures.glyphs` finds in synthetic
figures.

    python -m models reader --fonts /usr/share/fonts --layouts DIR --run DIR --out FILE

The candidates come from the very code that finds them in real figures: letters inside words, tick numbers, arrows and
specks are the negatives. Ten minutes on one CPU core. The crops are kept in RUN/glyphs.npz.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from models.export import onnx_file
from models.panels import content
from models.panels.compose import Composer, Figure, ink_label, label_style, print_label
from models.panels.fonts import font
from models.panels.train import LAYOUTS
from pmc15m.figures.glyphs import CROP, find_glyphs
from pmc15m.figures.model import LABEL_ALPHABET

ABOUT = "Which letter an isolated glyph is, or none (pmc15m.figures), learned from synthetic figures"
NONE = len(LABEL_ALPHABET)
NEGATIVES = 30  # most negatives that one figure gives


def label_sheet(composer: Composer, rng: np.random.Generator) -> Figure:
    """One field of content under two dozen labels of every letter, so that rare letters are seen as often as A."""
    width, height = (int(v) for v in rng.integers(420, 900, 2))
    paper = 255 if rng.random() < 0.8 else int(rng.integers(0, 255))
    faces = composer.fonts.draw(rng, False), composer.fonts.draw(rng, True)
    pen = content.Pen(
        Image.new("RGB", (width, height), (paper,) * 3), *faces, int(rng.integers(8, 18)), [(90, 90, 200)]
    )
    photo = rng.random() < 0.5
    if photo:
        content.photograph(rng, pen, (0, 0, width, height))
    elif rng.random() < 0.5:
        content.plot(rng, pen, (width // 4, height // 4, width, height))
    step = int(width * rng.uniform(0.09, 0.16))
    style = label_style(rng, composer.fonts, width, "tl")
    labels: list[tuple[str, tuple[int, int, int, int]] | None] = []
    panels = []
    for y in range(4, height - step, step):
        for x in range(4, width - step, step):
            if rng.random() < 0.35:
                continue
            if rng.random() < 0.3:
                style = label_style(rng, composer.fonts, width, "tl")
            letter = LABEL_ALPHABET[rng.integers(26 if rng.random() < 0.9 else NONE)]
            text = letter.upper() if rng.random() < 0.6 else letter
            panel = (x, y, x + step, y + step)
            box, _ = print_label(rng, pen, panel, style, text)
            ink_label(pen, panel, style, text, box, photo)
            if rng.random() < 0.2:  # a heading behind the label
                at = box[2] + style.height * rng.uniform(0.4, 1.2), box[3]
                face = font(style.face if rng.random() < 0.5 else pen.face, round(style.height / 0.72))
                dark = photo and np.asarray(pen.image.crop(box).convert("L")).mean() < 110
                pen.draw.text(
                    at, content.phrase(rng)[:8], font=face, fill=(255,) * 3 if dark else (0,) * 3, anchor="ls"
                )
            labels.append((text, box))
            panels.append(panel)
    return composer.finish(rng, pen.image, panels, labels)


def harvest(figure: Figure, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(crops uint8 (n, 2, CROP, CROP), class (n,), capital (n,)) of the candidates of one figure, negatives thinned."""
    glyphs = find_glyphs(np.asarray(Image.fromarray(figure.pixels).convert("L")))
    kind = np.full(len(glyphs.boxes), NONE)
    capital = np.zeros(len(glyphs.boxes), bool)
    centre_x, centre_y = (glyphs.boxes[:, 0] + glyphs.boxes[:, 2]) / 2, (glyphs.boxes[:, 1] + glyphs.boxes[:, 3]) / 2
    tall, wide = glyphs.boxes[:, 3] - glyphs.boxes[:, 1], glyphs.boxes[:, 2] - glyphs.boxes[:, 0]
    keep = np.zeros(len(glyphs.boxes), bool)
    for label in figure.labels:
        if label is None:
            continue
        text, (x0, y0, x1, y1) = label
        inside = (centre_x > x0 - 1) & (centre_x < x1 + 1) & (centre_y > y0 - 1) & (centre_y < y1 + 1)
        hit = inside & (tall > 0.6 * (y1 - y0)) & (tall < 1.3 * (y1 - y0) + 2) & (wide < 1.3 * (x1 - x0) + 2)
        kind[hit] = LABEL_ALPHABET.index(text.lower())
        capital[hit] = text.isupper()
        keep |= inside  # counters and halves of letters are negatives that matter
    others = np.flatnonzero(~keep)
    keep[rng.permutation(others)[:NEGATIVES]] = True
    return glyphs.crops[keep], kind[keep], capital[keep]


class Tower(nn.Module):
    def __init__(self, outside: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
            nn.Conv2d(16, 24, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(24, 32, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(32, 32, 3, 1, 1), nn.ReLU(),
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(32 * (CROP // 4) ** 2, outside), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return out


class Reader(nn.Module):
    """crops (n, 2, CROP, CROP) in 0..255 -> logits (n, 36): the label alphabet and "no label"; (n,): capital."""

    def __init__(self) -> None:
        super().__init__()
        self.close, self.wide = Tower(64), Tower(64)
        self.letter = nn.Linear(128, NONE + 1)
        self.capital = nn.Linear(128, 1)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        x = crops / 128 - 1
        seen = torch.cat([self.close(x[:, :1]), self.wide(x[:, 1:])], 1)
        return self.letter(seen), self.capital(seen)[:, 0]


class Probabilities(nn.Module):
    """What ships: log probabilities of letters, and the probability of a capital."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        letter, capital = self.reader(crops)
        return letter.log_softmax(1), capital.sigmoid()


def collect(args: argparse.Namespace) -> dict[str, np.ndarray]:
    cache = args.run / "glyphs.npz"
    if not cache.exists():
        composer = Composer(args.fonts, [args.layouts / name for name in LAYOUTS])
        parts = []
        for i in range(args.figures):
            rng = np.random.default_rng((args.seed, 7, i))
            figure = label_sheet(composer, rng) if i % 3 == 2 else composer.draw(rng)
            parts.append(harvest(figure, rng))
        crops, kinds, capitals = (np.concatenate(column) for column in zip(*parts, strict=True))
        np.savez(cache, crops=crops, kinds=kinds, capitals=capitals)
    return dict(np.load(cache))


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fonts", type=Path, nargs="+", required=True)
    parser.add_argument("--layouts", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="keeps the crops")
    parser.add_argument("--figures", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=15)


def train(args: argparse.Namespace) -> bytes:
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)
    data = collect(args)
    crops, kinds = torch.from_numpy(data["crops"]), torch.from_numpy(data["kinds"])
    capitals = torch.from_numpy(data["capitals"]).float()
    n = len(kinds)
    held = int(n * 0.95)  # the last figures validate
    print(f"{n} candidates, {int((kinds != NONE).sum())} labels")
    reader = Reader()
    batch, steps = 128, args.epochs * held // 128
    optimiser = torch.optim.AdamW(reader.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, steps + 1, pct_start=0.1)
    generator = torch.Generator().manual_seed(args.seed)
    for step in range(steps):
        pick = torch.randint(held, (batch,), generator=generator)
        x = crops[pick].float()
        gain = torch.empty(batch, 1, 1, 1).uniform_(0.6, 1.0, generator=generator)
        shift = tuple(int(v) for v in torch.randint(-1, 2, (2,), generator=generator))
        x = torch.roll(255 - gain * (255 - x), shift, (2, 3)) + 6 * torch.randn(x.shape, generator=generator)
        letter, capital = reader(x)
        is_label = (kinds[pick] < 26).float()
        loss = functional.cross_entropy(letter, kinds[pick])
        case = functional.binary_cross_entropy_with_logits(capital, capitals[pick], is_label)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss + 0.2 * case)
        optimiser.step()
        schedule.step()
        if step % 500 == 499 or step == steps - 1:
            reader.eval()
            with torch.no_grad():
                seen = torch.cat([reader(crops[i : i + 512].float())[0] for i in range(held, n, 512)])
            reader.train()
            truth, said = kinds[held:], seen.argmax(1)
            label = truth != NONE
            read, invented = (said == truth)[label].float().mean(), (said != NONE)[~label].float().mean()
            print(
                f"{step + 1}/{steps} loss {loss.item():.3f}; held out: labels read {read:.4f}, invented {invented:.4f}",
                flush=True,
            )
    example = torch.zeros(2, 2, CROP, CROP)
    return onnx_file(Probabilities(reader), example, (["crops"], ["letters", "capital"]), ABOUT, args)
