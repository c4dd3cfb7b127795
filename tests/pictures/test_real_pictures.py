"""The perceptual hash on real figures, where they lie beside the checkout (or at $PMC15M_SHARED)."""

from itertools import islice

import pytest

from benchmarks.image_hashes import COPIES, phash, pictures
from tests.shared_data import SHARED

ARTICLES = SHARED / "corpus" / "articles"
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not ARTICLES.is_dir(), reason="the real corpus is not beside the checkout; set PMC15M_SHARED"),
]


def test_copies_of_real_figures_are_found() -> None:
    usable = ((path, image) for path, _, image in pictures(ARTICLES) if 100 <= min(image.size) <= max(image.size) < 900)
    some = list(islice(usable, 0, 90, 3))
    hashes = [phash(image) for _, image in some]
    assert len(some) >= 20
    near = [
        (value ^ copied).bit_count() <= 6
        for (_, image), value in zip(some, hashes, strict=True)
        for copy in COPIES.values()
        if value is not None and (copied := phash(copy(image))) is not None
    ]
    assert len(near) == len(some) * len(COPIES)
    assert sum(near) / len(near) >= 0.99

    articles = [path.parent for path, _ in some]
    for n, value in enumerate(hashes):
        for other in range(n):
            if articles[n] != articles[other] and value is not None:
                assert (value ^ (hashes[other] or 0)).bit_count() > 4
