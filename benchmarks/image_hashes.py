"""What the hashes of pictures cost and whether the perceptual hash holds, on the pictures below a folder.

    python -m benchmarks.image_hashes FOLDER [--crops PANELS.json]

Cost: md5, sha256, size, pixel hash and perceptual hash from one read and one decode, beside that decode and the hashes
measured alone (CPU, median of rounds). Holding: share of copies (re-encoded, resized, border cropped) whose hash stays
within 6 bits, and pairs of different pictures within 4. Altered: share of pictures that `curate.against` finds when a
benchmark has them padded, framed, cropped, mirrored or brightened, and of different pictures that it takes for them.
Different are pictures of different articles (folders), because an article often has the same picture in several sizes;
with --crops the annotated panels of the figures take part too.
"""

import argparse
import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pmc15m.curate.neardup import REACH
from pmc15m.pictures.decode import Decoded, decode
from pmc15m.pictures.hashes import hashes_before, perceptual_hash, pixel_sha256, working_picture

LARGEST = 12_000_000  # px: doubling larger ones takes memory and tells nothing new
SMALLEST = 32  # px: what is smaller (glyphs of formulas) has no hash, or none when it is halved


def jpeg(quality: int) -> Callable[[Image.Image], Image.Image]:
    def copy(image: Image.Image) -> Image.Image:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        return Image.open(stream).convert("RGB")

    return copy


def resized(factor: float) -> Callable[[Image.Image], Image.Image]:
    def copy(image: Image.Image) -> Image.Image:
        size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        return image.resize(size, Image.Resampling.BICUBIC)

    return copy


def cropped(image: Image.Image, share: float = 0.01) -> Image.Image:
    x, y = round(image.width * share), round(image.height * share)
    return image.crop((x, y, image.width - x, image.height - y))


def framed(image: Image.Image, colour: str) -> Image.Image:
    return ImageOps.expand(image, (image.width // 10, image.height // 10), fill=colour)


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    **{f"quality {quality}": jpeg(quality) for quality in (50, 70, 95)},
    **{f"size x {factor}": resized(factor) for factor in (0.5, 0.7, 1.5, 2)},
    "border 1 % off": cropped,
}
ALTERED: dict[str, Callable[[Image.Image], Image.Image]] = {
    **{
        f"padded, {colour}": partial(ImageOps.pad, size=(512, 512), color=colour)
        for colour in ("black", "white", "grey")
    },
    **{f"10 % border, {colour}": partial(framed, colour=colour) for colour in ("black", "white", "grey")},
    "centre 90 %": partial(cropped, share=0.05),
    "mirrored": ImageOps.mirror,
    "brightened x 1.3": lambda image: image.point(lambda level: min(255, int(level * 1.3))),
}


def pictures(folder: Path) -> Iterator[tuple[Path, bytes, Image.Image]]:
    """Every picture once (by its bytes), decoded."""
    seen: set[bytes] = set()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest = hashlib.sha256(content).digest()
        decoded = decode(content) if digest not in seen else None
        seen.add(digest)
        if isinstance(decoded, Decoded) and decoded.image.width * decoded.image.height <= LARGEST:
            yield path, content, decoded.image


def phash(image: Image.Image) -> int | None:
    return perceptual_hash(working_picture(image))


def together(content: bytes) -> object:
    """Everything from one read and one decode."""
    decoded = decode(content)
    assert isinstance(decoded, Decoded)
    image = decoded.image
    return hashlib.md5(content), hashlib.sha256(content), image.size, pixel_sha256(image), phash(image)


def cpu(work: Callable[[], object]) -> float:
    """Smallest of five, in s."""
    times = []
    for _ in range(5):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def cost(found: list[tuple[Path, bytes, Image.Image]]) -> None:
    whole, parts = 0.0, {"decode": 0.0, "md5": 0.0, "sha256": 0.0, "pixel hash": 0.0, "perceptual hash": 0.0}
    for _, content, image in found:
        whole += cpu(partial(together, content))
        parts["decode"] += cpu(partial(decode, content))
        parts["md5"] += cpu(partial(hashlib.md5, content))
        parts["sha256"] += cpu(partial(hashlib.sha256, content))
        parts["pixel hash"] += cpu(partial(pixel_sha256, image))
        parts["perceptual hash"] += cpu(partial(phash, image))
    each = ", ".join(f"{name} {1e3 * seconds / len(found):.2f}" for name, seconds in parts.items())
    print(f"{len(found)} pictures, CPU ms each: together {1e3 * whole / len(found):.2f}; alone {each}")
    print(f"together / sum of the parts: {whole / sum(parts.values()):.3f}")


def holding(found: list[tuple[Path, bytes, Image.Image]]) -> None:
    large = ((path, image, phash(image)) for path, _, image in found if min(image.size) >= SMALLEST)
    hashed = [(path, image, own) for path, image, own in large if own is not None]
    print(f"{len(hashed)} pictures of at least {SMALLEST} px")
    for name, copy in COPIES.items():
        distances = [
            64 if (value := phash(copy(image))) is None else (value ^ own).bit_count() for _, image, own in hashed
        ]
        print(f"  {name:15} within 6: {np.mean(np.array(distances) <= 6):.3f}, farthest {max(distances)}")


def altered(found: list[tuple[Path, bytes, Image.Image]], most: int = 200) -> None:
    """What a benchmark of altered pictures finds, saved as JPEG, among the pictures themselves."""
    large = [(path.parent, image.convert("RGB")) for path, _, image in found if min(image.size) >= 100]
    hashed = [(folder, image, value) for folder, image in large if (value := phash(image)) is not None]
    own = np.array([value for _, _, value in hashed], np.uint64)
    for name, alter in ALTERED.items():
        same, wrong, compared = 0, 0, 0
        asked = range(0, len(hashed), max(1, len(hashed) // most))
        for n in asked:
            before = hashes_before(working_picture(jpeg(85)(alter(hashed[n][1]))))
            near = np.bitwise_count(own[:, None] ^ np.array(sorted(before), np.uint64)).min(axis=1) <= REACH
            other = np.array([folder != hashed[n][0] for folder, _, _ in hashed])
            same, wrong, compared = same + near[n], wrong + near[other].sum(), compared + other.sum()
        print(f"  {name:20} found {same / len(asked):.3f} of {len(asked)}, {wrong} of {compared:,} others")


def different(images: list[tuple[Path, Image.Image]]) -> None:
    rows = [(path.parent, phash(image)) for path, image in images if min(image.size) >= SMALLEST]
    rows = [row for row in rows if row[1] is not None]
    hashes = np.array([value for _, value in rows], np.uint64)
    _, article = np.unique([str(folder) for folder, _ in rows], return_inverse=True)
    i, j = np.triu_indices(len(rows), 1)
    other = article[i] != article[j]
    distances = np.bitwise_count(hashes[i] ^ hashes[j])[other]
    near = ", ".join(f"{(distances <= most).sum()} within {most}" for most in (4, 6, 8, 10, 12))
    print(f"{len(rows)} pictures and panels, {len(distances):,} pairs of different articles: {near}")
    below = np.bincount(distances, minlength=65).cumsum() / len(distances)
    print("share within  " + ", ".join(f"{most}: {below[most]:.1e}" for most in (12, 14, 16, 18)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--crops", type=Path)
    args = parser.parse_args()
    found = list(pictures(args.folder))
    cost(found)
    holding(found)
    altered(found)
    images = [(path, image) for path, _, image in found]
    for figure in json.loads(args.crops.read_text(encoding="utf-8")) if args.crops else []:
        path = args.folder / figure["image"]
        decoded = decode(path.read_bytes())
        if isinstance(decoded, Decoded) and len(figure["panels"]) > 1:
            images += [(path, decoded.image.crop(panel["box"])) for panel in figure["panels"]]
    different(images)


if __name__ == "__main__":
    main()
