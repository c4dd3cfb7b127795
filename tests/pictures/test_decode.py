import hashlib
import io
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from pmc15m.export.picture import Picture, PictureError, make_picture
from pmc15m.pictures.decode import Decoded, DecodeError, decode
from pmc15m.pictures.hashes import pixel_sha256


def encoded(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


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


@pytest.mark.parametrize("mode", ["CMYK", "L", "1", "P", "I;16"])
def test_every_stored_mode_becomes_rgb_or_grey(mode: str) -> None:
    kind = "TIFF" if mode in {"CMYK", "I;16"} else "PNG"
    decoded = decode(encoded(PHOTO.convert("L").convert(mode) if mode != "CMYK" else PHOTO.convert(mode), kind), 10_000)
    assert isinstance(decoded, Decoded)
    assert decoded.image.mode in {"RGB", "L"}
    assert decoded.mode in {mode, "I;16"}


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
    return make_picture(content, box, side=side, quality=90)


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
