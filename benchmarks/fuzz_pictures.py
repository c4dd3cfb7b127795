"""Damaged pictures: no crash, no hang, no growing memory.

    python -m benchmarks.fuzz_pictures PICTURES_DIR [--n 1000] [--seed 0] [--out FAILURES_DIR]

Each case is one picture of the folder, as it is or encoded anew as PNG, GIF, TIFF, WebP or progressive JPEG, damaged in
one to three ways: cut off, bytes flipped, pieces deleted, doubled, overwritten by another picture's, numbers of the
header replaced by the largest there are. Through `split` and the tables' schemas it must come to panels or to a reason
that is not `fault`, within 8 CPU seconds.
"""

import argparse
import io
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from benchmarks.fuzz_jats import memory_mb
from pmc15m import schema
from pmc15m.config import SplitConfig
from pmc15m.engine.stage import FAULT
from pmc15m.split import split_image
from pmc15m.workspace import rows_to_table

SLOW = 8.0  # CPU seconds
_IMAGE = {"image_key": "PMC1_1_f001_g01", "figure_key": "PMC1_1_f001", "pmcid": "PMC1", "version": 1}
_FIGURE = {"caption": "Two cells. (A) A round cell in a dish. (B) A flat cell on glass.", "caption_markup": []}
_KINDS = ("PNG", "GIF", "TIFF", "WEBP", "JPEG")
_HEADER = 200  # bytes


def encoded(picture: Image.Image, kind: str) -> bytes:
    """The picture in a format; TIFF compressed, JPEG progressive."""
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, kind, compression="tiff_lzw", progressive=True)
    return stream.getvalue()


def damage(content: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """One to three damages."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        damaged = bytearray(content)
        start = rng.randrange(len(damaged) + 1)
        end = min(len(damaged), start + int(rng.expovariate(1 / 200)) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            del damaged[start:]
        elif kind == 1:
            for _ in range(rng.choice((1, 5, 50))):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        elif kind == 2:
            del damaged[start:end]
        elif kind == 3:
            damaged[start:start] = damaged[start:end] * rng.choice((1, 20))
        elif kind == 4:
            other = rng.choice(others)
            place = rng.randrange(len(other))
            damaged[start:end] = other[place : place + rng.randrange(2000)]
        else:
            place = rng.randrange(min(_HEADER, len(damaged)))
            damaged[place : place + rng.choice((1, 2, 4))] = rng.choice((b"\xff\xff\xff\xff", b"\x7f\xff", b"\0\0\0\0"))
        content = bytes(damaged) or b"\0"
    return content


def cases(pictures: Sequence[Path], n: int, seed: int) -> Iterator[bytes]:
    """`n` damaged pictures."""
    sound = [path.read_bytes() for path in pictures]
    for case in range(n):
        rng = random.Random(f"{seed}/{case}")
        content = rng.choice(sound)
        if rng.random() < 0.7:
            content = encoded(Image.open(io.BytesIO(content)), rng.choice(_KINDS))
        yield damage(content, sound, rng)


def outcome(content: bytes) -> str:
    """The status or the reason of a picture. Raises what `split` lets through."""
    pixels, panels = split_image(_IMAGE, _FIGURE, content, SplitConfig())
    rows_to_table([pixels], schema.PIXELS)
    rows_to_table(panels, schema.PANELS)
    return str(pixels["reason"] if pixels["status"] == "dropped" else pixels["status"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the cases that fail")
    args = parser.parse_args()
    endings = {".jpg", ".jpeg", ".png", ".gif", ".tif", ".tiff", ".webp", ".bmp"}
    pictures = sorted(path for path in args.pictures.rglob("*") if path.suffix.lower() in endings)
    told: Counter[str] = Counter()
    crashes = slow = early = 0
    for case, content in enumerate(cases(pictures, args.n, args.seed)):
        if case == args.n // 10:
            early = memory_mb()
        begin = time.process_time()
        try:
            said = outcome(content)
        except Exception as error:  # nothing may be raised: whatever it is, it is a failure
            said = type(error).__name__
            crashes += 1
        late = time.process_time() - begin > SLOW
        slow += late
        told[said] += 1
        if args.out and (late or said == FAULT or said[0].isupper()):
            args.out.mkdir(parents=True, exist_ok=True)
            (args.out / f"{case}-{said}").write_bytes(content)
    for said, count in told.most_common():
        print(f"{count:7d}  {said}")
    print(
        f"{args.n} cases: {crashes} crashes, {told[FAULT]} faults, {slow} over {SLOW:.0f} s; "
        f"memory {early} MB after a tenth, {memory_mb()} MB at the end"
    )
    raise SystemExit(bool(crashes or told[FAULT] or slow))


if __name__ == "__main__":
    main()
