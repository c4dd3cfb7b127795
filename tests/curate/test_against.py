from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from pmc15m.curate.against import benchmark_digest, hash_folder, read_benchmark
from pmc15m.curate.neardup import REACH, nearest
from pmc15m.demo import photographs
from pmc15m.errors import UsageError
from pmc15m.pictures.hashes import perceptual_hash, pixel_facts, working_picture
from tests.curate.made import Made


def picture(seed: int) -> Image.Image:
    return photographs.histology(np.random.default_rng(seed), 300, 260).image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, one of them twice, and a file that is none."""
    folder = tmp_path / "benchmark"
    (folder / "more").mkdir(parents=True)
    picture(1).save(folder / "a.png")
    picture(1).save(folder / "more" / "b.jpg", quality=97)
    picture(2).save(folder / "c.png")
    (folder / "labels.csv").write_text("a,1\n")
    return folder


def test_a_folder_and_its_hashes_say_the_same(folder: Path, tmp_path: Path) -> None:
    hashes = read_benchmark(str(folder))
    assert {pixel_facts(picture(seed)).phash for seed in (1, 2)} <= set(hashes.tolist())
    listed = tmp_path / "hashes.tsv"
    listed.write_text("".join(f"{value:016x}\t{file.name}\n" for file, value in hash_folder(folder)))
    assert read_benchmark(str(listed)).tolist() == hashes.tolist()


def test_pairs_near_a_benchmark_are_flagged(tmp_path: Path) -> None:
    listed = tmp_path / "hashes.txt"
    listed.write_text(f"{0xFF << 20:016x}\n")
    made = Made(tmp_path / "data")
    near = made.figure(made.article(1), (0xFF << 20) ^ 0b111)
    panel = made.panel(near, 0, 0xFF << 20)
    far = made.figure(made.article(2), (0xFF << 20) ^ (0x1FF << 40))
    pairs = made.curated(against=str(listed)).pairs()
    assert {key: "near_benchmark" in row["flags"] for key, row in pairs.items()} == {
        near: True,
        panel: True,
        far: False,
    }
    rows = {row["key"]: row for row in made.rows("duplicates")}
    assert {key: (row["benchmark_distance"], row["group_size"]) for key, row in rows.items()} == {
        near: (0, 1),
        panel: (0, 1),
    }
    assert pairs[near]["duplicate_group"] is None


@pytest.mark.parametrize("which", ["figure", "panel"])
def test_a_picture_near_a_benchmark_is_so_as_a_figure_and_with_all_its_panels(tmp_path: Path, which: str) -> None:
    listed = tmp_path / "hashes.txt"
    listed.write_text(f"{0xFFFF:016x}\n")
    made = Made(tmp_path / "data")
    article = made.article(1)
    image = made.figure(article, 0xFFFF if which == "figure" else None, n_panels=2)
    panels = [made.panel(image, order, 0xFFFF if (which, order) == ("panel", 1) else None) for order in (0, 1)]
    made.figure(article, 0xFFFF << 40, index=2)
    pairs = made.curated(against=str(listed)).pairs()
    assert {key for key, row in pairs.items() if "near_benchmark" in row["flags"]} == {image, *panels}


ALTERED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "padded to a square": lambda image: ImageOps.pad(image, (512, 512), color="black"),
    "with a border": lambda image: ImageOps.expand(image, image.width // 10, "white"),
    "cropped": lambda image: image.crop(
        (image.width // 20, image.height // 20, image.width - image.width // 20, image.height - image.height // 20)
    ),
    "mirrored": ImageOps.mirror,
    "brightened": lambda image: image.point(lambda level: min(255, int(level * 1.3))),
}


@pytest.mark.parametrize("how", ALTERED)
def test_what_people_do_to_the_pictures_of_a_benchmark_hides_none(tmp_path: Path, how: str) -> None:
    drawers = (photographs.histology, photographs.fluorescence)  # other drawers draw like pictures for like seeds
    drawn = [drawer(np.random.default_rng(seed), 420, 300).image for drawer in drawers for seed in range(3)]
    for number, image in enumerate(drawn):
        ALTERED[how](image.convert("RGB")).save(tmp_path / f"{number}.jpg", quality=85)
    hashes = np.array([perceptual_hash(working_picture(image)) for image in drawn], np.uint64)
    assert (nearest(hashes, read_benchmark(str(tmp_path))) <= REACH).tolist() == [True] * len(drawn)
    others = [drawer(np.random.default_rng(seed), 420, 300).image for drawer in drawers for seed in range(3, 6)]
    hashes = np.array([perceptual_hash(working_picture(image)) for image in others], np.uint64)
    assert (nearest(hashes, read_benchmark(str(tmp_path))) > REACH).tolist() == [True] * len(others)


def test_brightening_that_turns_what_is_pale_to_paper_hides_none(tmp_path: Path) -> None:
    """Grey bars between two pale corners: those are borders once they are white."""
    drawn = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        image = Image.new("L", (400, 300), 255)
        draw = ImageDraw.Draw(image)
        for corner in ((8, 8, 60, 30), (340, 270, 392, 292)):
            draw.rectangle(corner, fill=214)
        for x in range(60, 340, 40):
            draw.rectangle([x, int(rng.integers(60, 200)), x + 30, 250], fill=int(rng.choice((150, 170, 185))))
        drawn.append(image)
        ALTERED["brightened"](image.convert("RGB")).save(tmp_path / f"{seed}.jpg", quality=85)
    hashes = np.array([perceptual_hash(working_picture(image)) for image in drawn], np.uint64)
    assert (nearest(hashes, read_benchmark(str(tmp_path))) <= REACH).tolist() == [True] * len(drawn)


def test_the_digest_follows_the_content(folder: Path) -> None:
    before = benchmark_digest(str(folder))
    assert benchmark_digest(str(folder)) == before
    picture(3).save(folder / "d.png")
    assert benchmark_digest(str(folder)) != before
    assert benchmark_digest("") == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "no picture and no hash"), (b"12 34\n", "line 1 does not begin"), (b"\xff\xfe\xfa", "cannot read")],
)
def test_what_is_no_benchmark(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "hashes"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_benchmark(str(path))


def test_a_benchmark_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no"):
        benchmark_digest(str(tmp_path / "nosuch"))
