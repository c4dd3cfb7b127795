"""Damaged pictures, seeded: panels or a reason. `benchmarks.fuzz_pictures` does the same at length."""

import io
import random
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from benchmarks.fuzz_pictures import cases, outcome


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    made = []
    for seed in range(4):
        figure = Image.new("RGB", (240, 120), "white")
        draw, rng = ImageDraw.Draw(figure), random.Random(seed)
        for x in (0, 124):
            figure.paste(Image.effect_noise((116, 116), 60), (x, 0))
            draw.ellipse((x + rng.randrange(60), 20, x + 100, 90), fill="red")
        made.append(tmp_path / f"{seed}.png")
        figure.save(made[-1])
    return made


def test_no_damage_is_more_than_a_reason(pictures: list[Path]) -> None:
    found = {outcome(content) for content in cases(pictures, 150, 0)}
    assert {"broken", "not_an_image"} < found
    assert found - {"broken", "not_an_image", "too_many_pixels", "too_long"} <= {
        *("single", "kept_whole", "split_aligned", "split_unaligned")
    }
    assert outcome(io.BytesIO().getvalue()) == "not_an_image"
