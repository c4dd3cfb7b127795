"""The drawings that the networks learn from."""

import numpy as np
import pytest

from models.drawings import compose
from pmc15m.pictures.kinds import ImageKind

PAINTERS = [(kind, paint) for kind, painters in compose.PAINTERS.items() for paint in dict.fromkeys(painters)]


def test_a_drawing_is_a_function_of_its_seed() -> None:
    (first, kind), (second, again) = (compose.draw(np.random.default_rng((7, 3))) for _ in range(2))
    assert (first.tobytes(), kind) == (second.tobytes(), again)


@pytest.mark.parametrize(("kind", "paint"), PAINTERS, ids=[paint.__name__ for _, paint in PAINTERS])
def test_every_painter_fills_every_size(kind: ImageKind, paint: compose.Paint) -> None:
    for seed, size in enumerate([(40, 40), (44, 300), (300, 44), (160, 120)]):
        picture = paint(np.random.default_rng(seed), *size)
        assert (picture.mode, picture.size) == ("RGB", size)
