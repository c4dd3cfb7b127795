"""Pictures that Pillow draws and captions that say what they show, written as exports."""

import io
import json
import random
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from train.config import Config, load_config

COLOURS = {"red": (200, 40, 40), "green": (40, 160, 60), "blue": (50, 60, 200), "brown": (150, 100, 40)}
SHAPES = ("cells", "bars", "bands")

# Towers of a few thousand parameters: a step takes milliseconds.
SMALL = (
    "embed_dim=32",
    "data.batch_size=8",
    "data.image_size=32",
    "data.context_length=24",
    "image.patch_size=16",
    "image.width=32",
    "image.depth=1",
    "image.heads=2",
    "text.width=32",
    "text.depth=1",
    "text.heads=2",
    "text.vocab_size=200",
    "optim.lr=5e-3",
    "run.steps=6",
    "run.log_every=1",
    "run.save_every=0",
)


def small_config(*overrides: str) -> Config:
    return load_config("tiny", None, [*SMALL, *overrides])


def draw_pair(seed: int, form: str = "JPEG", size: tuple[int, int] = (64, 48)) -> tuple[bytes, str]:
    """The bytes of a picture and its caption."""
    rng = random.Random(seed)
    colour, shape = rng.choice(list(COLOURS)), rng.choice(SHAPES)
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = rng.randrange(size[0] - 16), rng.randrange(size[1] - 16)
        if shape == "cells":
            draw.ellipse((x, y, x + 15, y + 15), fill=COLOURS[colour])
        elif shape == "bars":
            draw.rectangle((x, y, x + 7, size[1]), fill=COLOURS[colour])
        else:
            draw.rectangle((0, y, size[0], y + 5), fill=COLOURS[colour])
    stored = io.BytesIO()
    image.save(stored, form)
    return stored.getvalue(), f"Figure {seed}. Many {colour} {shape} after {rng.randrange(2, 9)} days."


def write_tar(path: Path, pairs: list[tuple[str, bytes, str]], facts: list[dict[str, str]] | None = None) -> Path:
    """A shard of (image suffix, image, caption), and of what the JSON of each tells."""
    told = facts or [{"year": "2020"}] * len(pairs)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number, (suffix, image, text) in enumerate(pairs):
            members = {suffix: image, "txt": text.encode(), "json": json.dumps(told[number]).encode()}
            for extension, data in members.items():
                member = tarfile.TarInfo(f"PMC{number:07d}_1_f1.{extension}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return path


def write_webdataset(folder: Path, split: str, sizes: list[int], first_seed: int = 0) -> Path:
    """Shards of the given sizes with `sizes.json`, as `pmc15m export` leaves them. Returns the export folder."""
    names = {f"{number:05d}.tar": size for number, size in enumerate(sizes)}
    seed = first_seed
    for name, size in names.items():
        forms = [("png", "PNG") if n % 3 == 0 else ("jpg", "JPEG") for n in range(seed, seed + size)]
        drawn = [draw_pair(seed + n, form) for n, (_, form) in enumerate(forms)]
        write_tar(folder / split / name, [(suffix, *pair) for (suffix, _), pair in zip(forms, drawn, strict=True)])
        seed += size
    (folder / split / "sizes.json").write_text(json.dumps(names))
    return folder


def write_parquet(folder: Path, split: str, sizes: list[int], row_group: int = 3) -> Path:
    """Hugging Face Parquet files of the given sizes. Returns the export folder."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    seed = 0
    for number, size in enumerate(sizes):
        pairs = [draw_pair(seed + n) for n in range(size)]
        table = pa.table(
            {
                "image": [{"bytes": image, "path": f"{n}.jpg"} for n, (image, _) in enumerate(pairs)],
                "text": [text for _, text in pairs],
            }
        )
        path = folder / "data" / f"{split}-{number:05d}-of-{len(sizes):05d}.parquet"
        pq.write_table(table, path, row_group_size=row_group)
        seed += size
    return folder
