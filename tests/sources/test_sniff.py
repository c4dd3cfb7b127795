"""Traps 16 and 17: a file is what its bytes say."""

import pytest

from pmc15m.sources.sniff import sniff_format


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00", "png"),
        (b"GIF89a\x01\x00", "gif"),
        (b"II*\x00\x08", "tiff"),
        (b"MM\x00*\x00", "tiff"),
        (b"<!DOCTYPE html><html><head>", "html"),
        (b"\n <HTML>not found", "html"),
        (b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code>', "xml"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">', "svg"),
        (b"%PDF-1.5", "pdf"),
        (b"\x00\x00\x00\x18ftypmp42", "mp4"),
        (b"abc", None),
        (b"", None),
    ],
)
def test_trap_16_a_file_is_what_its_bytes_say(head: bytes, name: str | None) -> None:
    assert sniff_format(head) == name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "webp"),
        (b"BM\x36\x00", "bmp"),
        (b"\x00\x00\x00\x1cftypavif", "avif"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jpeg2000"),
        (b"8BPS\x00\x01", "psd"),
    ],
)
def test_trap_17_rarer_formats_are_told_apart(head: bytes, name: str) -> None:
    assert sniff_format(head) == name
