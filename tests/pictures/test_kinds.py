"""The kinds of pictures: what the network says."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from pmc15m.demo import charts, photographs
from pmc15m.demo.pictures import Picture
from pmc15m.pictures.hashes import working_picture
from pmc15m.pictures.kinds import GRAPHICS, PICTURES, ImageFamily, ImageKind, classify, family_of, judged

Draw = Callable[..., Picture]
# The drawings of the demo are strangers to the network: others were drawn for its training.
STRANGERS: dict[ImageKind, tuple[Draw, ...]] = {
    ImageKind.RADIOLOGY: (photographs.ct, photographs.mri),
    ImageKind.MICROSCOPY: (photographs.histology, photographs.fluorescence),
    ImageKind.GEL: (photographs.blot,),  # the demo's dark gels are taken for fluorescence
    ImageKind.PLOT: (charts.line_plot, charts.bar_chart, charts.scatter_plot, charts.survival_curve),
    ImageKind.DIAGRAM: (charts.tree, charts.diagram),
    ImageKind.TABLE_TEXT: (charts.table,),
}


def kinds_of(draws: tuple[Draw, ...]) -> list[ImageKind]:
    pictures = [draw(np.random.default_rng(seed), 420, 380).image for draw in draws for seed in range(5)]
    return [classify(working_picture(picture)).kind for picture in pictures]


@pytest.mark.parametrize("kind", STRANGERS)
def test_drawings_that_it_never_saw_are_known(kind: ImageKind) -> None:
    seen = kinds_of(STRANGERS[kind])
    assert np.mean([each is kind for each in seen]) >= 0.8, seen


def test_families_share_no_kind() -> None:
    assert {*PICTURES, *GRAPHICS, ImageKind.MIXED} == set(ImageKind)
    assert not set(PICTURES) & set(GRAPHICS)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (7, 7), (2, 300)])
def test_every_size_has_a_kind(size: tuple[int, int]) -> None:
    seen = classify(Image.new("RGB", size, "grey"))
    assert seen.family is family_of(seen.kind)
    assert 1 / len(ImageKind) / 2 <= seen.kind_score <= seen.family_score <= 1


def test_the_family_is_asked_before_the_kind() -> None:
    """Three kinds of pictures share what a plot has for itself: it is a picture, of a kind that is not sure."""
    likely = dict.fromkeys(ImageKind, 0.0) | {ImageKind.PLOT: 0.4}
    likely |= {ImageKind.MICROSCOPY: 0.25, ImageKind.RADIOLOGY: 0.2, ImageKind.PHOTO: 0.15}
    seen = judged(np.array([likely[kind] for kind in ImageKind], np.float32))
    assert seen == (ImageFamily.PICTURE, 0.6, ImageKind.MICROSCOPY, 0.25)


def test_grey_is_the_same_stored_as_grey_or_as_colour() -> None:
    picture = photographs.ct(np.random.default_rng(0), 300, 260).image.convert("L")
    assert classify(picture) == classify(picture.convert("RGB"))
