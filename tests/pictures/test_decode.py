import hashlib
import io
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from pmc15m.config import ExportConfig
from pmc15m.export.picture import Cut, Picture, PictureError, make_pictures
from pmc15m.pictures.decode import Decoded, DecodeError, decode
from pmc15m.pictures.hashes import pixel_sha256


def encoded(image: Image.Image, kind: str, **how: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def grey_tiff(values: NDArray[Any], photometric: int = 1) -> bytes:
    """A plain TIFF (H, W) in the byte order of the values: what Pillow reads and does not write."""
    order, kind = (">", b"MM") if values.dtype.byteorder == ">" else ("<", b"II")
    data = values.tobytes()
    sample = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    height, width = values.shape
    numbers = {256: width, 257: height, 258: 8 * values.itemsize, 259: 1, 262: photometric, 273: 8, 277: 1, 278: height}
    numbers |= {279: len(data), 339: sample}
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, number) for tag, number in sorted(numbers.items()))
    head = kind + struct.pack(f"{order}HI", 42, 8 + len(data))
    return head + data + struct.pack(f"{order}H", len(numbers)) + entries + bytes(4)


def read(content: bytes) -> Decoded:
    decoded = decode(content)
    assert isinstance(decoded, Decoded)
    return decoded


PHOTO = Image.effect_noise((80, 60), 40).convert("RGB")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP"])
def test_the_formats_of_figures(kind: str) -> None:
    decoded = decode(encoded(PHOTO, kind), 10_000)
    assert isinstance(decoded, Decoded)
    assert (decoded.image.size, decoded.format) == ((80, 60), kind.lower())
    assert decoded.image.mode in {"RGB", "L"}


def test_transparency_shows_white_paper() -> None:
    decoded = decode(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "PNG"), 100)
    assert isinstance(decoded, Decoded)
    assert decoded.image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_a_channel_of_transparency_that_says_nothing_changes_no_pixel() -> None:
    opaque = PHOTO.convert("RGBA")
    decoded = decode(encoded(opaque, "PNG"), 10_000)
    assert isinstance(decoded, Decoded)
    assert (decoded.image.mode, decoded.image.tobytes()) == ("RGB", PHOTO.convert("RGB").tobytes())
    opaque.putpixel((7, 5), (0, 0, 0, 0))
    decoded = decode(encoded(opaque, "PNG"), 10_000)
    assert isinstance(decoded, Decoded)
    assert decoded.image.getpixel((7, 5)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["CMYK", "L", "1", "P", "I;16"])
def test_every_stored_mode_becomes_rgb_or_grey(mode: str) -> None:
    kind = "TIFF" if mode in {"CMYK", "I;16"} else "PNG"
    decoded = decode(encoded(PHOTO.convert("L").convert(mode) if mode != "CMYK" else PHOTO.convert(mode), kind), 10_000)
    assert isinstance(decoded, Decoded)
    assert decoded.image.mode in {"RGB", "L"}
    assert decoded.mode in {mode, "I;16"}


RAMP = np.tile(np.linspace(0, 1, 256), (40, 1))


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("<u2", 0, 65535),
        (">u2", 0, 65535),
        (">u2", 0, 4095),
        ("<u2", 30_000, 31_000),
        ("<i4", -5_000, 5_000),
        (">i4", 0, 2_000_000),
        ("<f4", 0, 1),
        (">f4", -1, 1),
        ("<f4", 1e30, 3e30),
        ("<f4", 0, 100),
    ],
)
def test_more_than_8_bits_are_seen_from_the_least_value_to_the_largest(kind: str, low: float, high: float) -> None:
    decoded = read(grey_tiff((RAMP * (high - low) + low).astype(kind)))
    assert decoded.image.mode == "L"
    assert np.abs(np.asarray(decoded.image) - RAMP * 255).max() <= 2
    assert decoded.window == pytest.approx((low, high))


def test_what_is_no_number_and_the_few_that_are_far_off_tell_no_range() -> None:
    values = RAMP.astype("<f4")
    values[0, :3] = np.nan, np.inf, -np.inf
    decoded = read(grey_tiff(values))
    assert decoded.window == (0, 1)
    assert np.asarray(decoded.image)[0, :3].tolist() == [0, 255, 0]
    values[0, :3] = 1e6
    seen = np.asarray(read(grey_tiff(values)).image)
    assert np.abs(seen[1:] - RAMP[1:] * 255).max() <= 5


def test_a_picture_of_few_dark_lines_keeps_its_paper() -> None:
    values = np.full((200, 200), 65_535, "<u2")
    values[100, 20:180] = 0
    seen = np.asarray(read(grey_tiff(values)).image)
    assert (seen[0, 0], seen[100, 100]) == (255, 0)


@pytest.mark.parametrize(("value", "grey"), [(0, 0), (1, 255), (65_535, 255)])
def test_a_picture_of_one_value(value: int, grey: int) -> None:
    assert read(grey_tiff(np.full((20, 20), value, ">u2"))).image.getextrema() == (grey, grey)


def test_a_picture_in_which_white_is_zero_is_no_negative() -> None:
    decoded = read(grey_tiff((RAMP * 65_535).astype("<u2"), photometric=0))
    assert np.abs(np.asarray(decoded.image) - (1 - RAMP) * 255).max() <= 2


def test_8_bits_stay_as_they_are() -> None:
    dark = Image.new("L", (40, 40), 7)
    decoded = read(encoded(dark, "PNG"))
    assert (decoded.window, decoded.image.getextrema()) == (None, (7, 7))


def test_the_largest_page_of_a_tiff_and_the_first_of_an_animation() -> None:
    small, large = Image.new("RGB", (16, 12), "blue"), Image.new("RGB", (90, 60), "red")
    pages = read(encoded(small, "TIFF", save_all=True, append_images=[large, large.copy(), small]))
    assert (pages.image.size, pages.page, pages.frames) == ((90, 60), 1, 4)
    first = read(encoded(large, "GIF", save_all=True, append_images=[Image.new("RGB", (90, 60), "blue")]))
    assert (first.page, first.image.convert("RGB").getpixel((0, 0))) == (0, (255, 0, 0))
    assert decode(encoded(small, "TIFF", save_all=True, append_images=[large]), 1000) is DecodeError.TOO_MANY_PIXELS


QUARTERS = Image.fromarray(np.kron(np.array([[0, 90], [180, 255]], np.uint8), np.ones((24, 40), np.uint8))).convert(
    "RGB"
)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_stands_as_exif_says_and_is_exported_so(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = encoded(QUARTERS, kind, exif=exif)
    right = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    decoded = read(content)
    assert (decoded.orientation, decoded.image.size) == (orientation, right.size)
    assert np.array_equal(np.asarray(decoded.image.convert("RGB")), np.asarray(right.convert("RGB")))
    picture = make(content)
    assert isinstance(picture, Picture)
    assert (picture.content == content) == (orientation == 1 and kind != "TIFF")
    exported = Image.open(io.BytesIO(picture.content))
    assert exported.getexif().get(ExifTags.Base.Orientation, 1) == 1
    assert np.abs(np.asarray(exported.convert("L"), int) - np.asarray(right.convert("L"), int)).mean() < 3


def test_garbage_in_place_of_exif_turns_nothing() -> None:
    assert read(encoded(QUARTERS, "JPEG", exif=b"Exif\0\0no tiff at all")).orientation == 1


def test_what_is_no_usable_picture() -> None:
    jpeg = encoded(PHOTO, "JPEG")
    assert decode(b"", 100) is DecodeError.NOT_AN_IMAGE
    assert decode(b"<html>preparing to download</html>", 100) is DecodeError.NOT_AN_IMAGE
    assert decode(jpeg[: len(jpeg) // 2], 10_000) is DecodeError.BROKEN
    assert decode(jpeg, 80 * 60 - 1) is DecodeError.TOO_MANY_PIXELS


def test_a_bomb_is_refused_by_its_header() -> None:
    small = encoded(PHOTO, "BMP")
    bomb = small[:18] + struct.pack("<ii", 30_000, 30_000) + small[26:]
    assert decode(bomb) is DecodeError.TOO_MANY_PIXELS


def test_strips_are_the_picture_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = PHOTO.convert("L")
    half = Image.linear_gradient("L").resize(grey.size)
    stored = [
        (grey.convert("F").point(lambda value: value * 3 + 0), "TIFF"),
        (grey.convert("I").point(lambda value: value * 300 + 7), "TIFF"),
        (grey.convert("I;16"), "PNG"),
        (Image.merge("RGBA", (*PHOTO.split(), half)), "PNG"),
        (Image.merge("LA", (grey, half)), "PNG"),
        (PHOTO.quantize(8), "PNG"),
        (PHOTO.convert("CMYK"), "TIFF"),
    ]
    for picture, kind in stored:
        content = io.BytesIO()
        picture.save(content, kind, **({"transparency": 3} if picture.mode == "P" else {}))
        whole = decode(content.getvalue())
        monkeypatch.setattr("pmc15m.pictures.decode._STRIP", 7 * picture.width)
        in_strips = decode(content.getvalue())
        assert isinstance(whole, Decoded)
        assert isinstance(in_strips, Decoded)
        assert (whole.image.mode, whole.image.tobytes()) == (in_strips.image.mode, in_strips.image.tobytes())
        assert pixel_sha256(whole.image) == hashlib.sha256(b"80x60" + whole.image.convert("RGB").tobytes()).hexdigest()
        monkeypatch.undo()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux tells it")
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK", "F", "I;16", "P"])
def test_a_pixel_takes_twelve_bytes_at_most(mode: str, tmp_path: Path) -> None:
    side = 5_000
    kind = {"CMYK": "JPEG", "F": "TIFF"}.get(mode, "PNG")
    picture = Image.new("RGB", (side, side), (200, 120, 40))
    if mode == "RGBA":
        picture.putalpha(99)
    elif mode == "I;16":
        picture = picture.convert("L").convert("I;16")
    else:
        picture = picture.convert(mode)
    path = tmp_path / "picture"
    picture.save(
        path, kind, **({"transparency": 0} if mode == "P" else {"progressive": True} if mode == "CMYK" else {})
    )
    code = (
        "import re, sys; from pathlib import Path; from pmc15m.pictures.decode import decode, Decoded\n"
        "from pmc15m.pictures.hashes import pixel_sha256\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1]) << 10\n"
        "content = Path(sys.argv[1]).read_bytes(); before = peak(); decoded = decode(content)\n"
        "assert isinstance(decoded, Decoded); pixel_sha256(decoded.image); print(peak() - before)"
    )
    ran = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 12 * side * side + (32 << 20)


def test_what_libtiff_says_of_a_broken_file_is_not_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    content = io.BytesIO()
    PHOTO.save(content, "TIFF", compression="tiff_lzw")
    broken = bytearray(content.getvalue())
    broken[200:1200] = bytes(range(250)) * 4
    assert decode(bytes(broken)) is DecodeError.BROKEN
    print("heard", file=sys.stderr)
    assert capfd.readouterr().err == "heard\n"


BOX = {"x0": 10, "y0": 10, "x1": 30, "y1": 40}


def make(content: bytes, box: dict[str, int] | None = None, side: int = 0) -> Picture | PictureError | DecodeError:
    [made] = make_pictures(content, [Cut(box)], ExportConfig(image_side=side, jpeg_quality=90))
    return made


@pytest.mark.parametrize(("kind", "extension"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
def test_published_bytes_stay_where_they_can(kind: str, extension: str) -> None:
    content = encoded(PHOTO, kind)
    assert make(content) == Picture(extension, content, 80, 60)


def test_what_loaders_cannot_read_becomes_jpeg() -> None:
    picture = make(encoded(PHOTO, "TIFF"))
    assert isinstance(picture, Picture)
    assert (picture.extension, picture.width, picture.height) == ("jpg", 80, 60)


def test_crops_and_shrinking() -> None:
    crop = make(encoded(PHOTO, "PNG"), BOX)
    assert isinstance(crop, Picture)
    assert Image.open(io.BytesIO(crop.content)).size == (crop.width, crop.height) == (20, 30)
    small = make(encoded(PHOTO, "PNG"), side=40)
    assert isinstance(small, Picture)
    assert (small.width, small.height) == (40, 30)


def test_a_crop_outside_the_picture_has_a_reason() -> None:
    assert make(encoded(PHOTO, "PNG"), {"x0": 90, "y0": 0, "x1": 99, "y1": 9}) is PictureError.EMPTY_BOX
    assert make(b"nothing") is DecodeError.NOT_AN_IMAGE
