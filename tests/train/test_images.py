"""Picture bytes to crops."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps

from train.images import UnreadableImage, centre_box, decode_crop, random_box


def stored(image: Image.Image, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, form, **({"quality": 95} if form == "JPEG" else {}))
    return file.getvalue()


def photograph(width: int, height: int) -> Image.Image:
    """Smooth gradients, so that resampling ways differ little."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    return Image.fromarray((np.stack([x, y, (x + y) / 2], axis=-1) * 255).astype(np.uint8))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_centre_crop_is_the_middle_square(form: str) -> None:
    image = photograph(1200, 800)
    crop = decode_crop(stored(image, form), 64, 10**8)
    plain = image.crop((200, 0, 1000, 800)).resize((64, 64), Image.Resampling.BICUBIC)
    assert crop.shape == (3, 64, 64)
    assert np.abs(crop.astype(int) - np.asarray(plain).transpose(2, 0, 1)).max() <= 4  # DCT scaling and WebP are near


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_stands_as_exif_says(form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    file = io.BytesIO()
    photograph(1200, 800).save(file, form, exif=exif)
    right = io.BytesIO()
    ImageOps.exif_transpose(Image.open(file)).save(right, "PNG")
    for seed in (None, 3):
        seen, wanted = (
            decode_crop(data, 64, 10**8, 0.3, np.random.default_rng(seed) if seed else None).astype(int)
            for data in (file.getvalue(), right.getvalue())
        )
        assert np.abs(seen - wanted).max() <= 4


def test_garbage_in_place_of_exif_turns_nothing() -> None:
    file = io.BytesIO()
    photograph(120, 80).save(file, "JPEG", exif=b"Exif\0\0no tiff at all")
    assert decode_crop(file.getvalue(), 32, 10**8).shape == (3, 32, 32)


def test_a_random_crop_is_that_of_its_generator() -> None:
    data = stored(photograph(300, 200))
    crops = [decode_crop(data, 32, 10**8, 0.5, np.random.default_rng([0, 1, seed])) for seed in (5, 5, 6)]
    assert np.array_equal(crops[0], crops[1])
    assert not np.array_equal(crops[0], crops[2])


@given(st.integers(1, 3000), st.integers(1, 3000), st.floats(0.05, 1), st.integers(0, 99))
def test_boxes_lie_inside_the_picture(width: int, height: int, scale: float, seed: int) -> None:
    for box in (random_box(width, height, scale, np.random.default_rng(seed)), centre_box(width, height)):
        assert 0 <= box[0] < box[2] <= width
        assert 0 <= box[1] < box[3] <= height


@given(st.integers(200, 400), st.integers(200, 400), st.integers(0, 99))
def test_a_random_box_keeps_its_share(width: int, height: int, seed: int) -> None:
    left, top, right, bottom = random_box(width, height, 0.3, np.random.default_rng(seed))
    assert (right - left) * (bottom - top) >= 0.29 * width * height


def test_transparency_lies_on_white() -> None:
    assert decode_crop(stored(Image.new("RGBA", (40, 40), (255, 0, 0, 0))), 8, 10**8).min() == 255
    palette = Image.new("P", (40, 40), 0)
    palette.putpalette([0, 0, 0])
    palette.info["transparency"] = 0
    assert decode_crop(stored(palette), 8, 10**8).min() == 255


@pytest.mark.parametrize("mode", ["1", "L", "LA", "CMYK"])
def test_every_mode_becomes_three_channels(mode: str) -> None:
    assert decode_crop(stored(Image.new(mode, (20, 30)), "JPEG" if mode == "CMYK" else "PNG"), 8, 10**8).shape == (
        3,
        8,
        8,
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a no",
        stored(photograph(64, 64))[:200],
        stored(photograph(640, 640), "JPEG")[:3000],
        stored(photograph(64, 64), "GIF"),
        stored(photograph(64, 64), "TIFF"),
    ],
    ids=["empty", "noise", "torn png", "torn jpeg", "gif", "tiff"],
)
def test_what_is_no_picture_says_so(data: bytes) -> None:
    with pytest.raises(UnreadableImage):
        decode_crop(data, 32, 10**8)


def test_too_many_pixels_are_refused_before_decoding() -> None:
    with pytest.raises(UnreadableImage, match="more than 100 px"):
        decode_crop(stored(photograph(20, 20)), 8, 100)
