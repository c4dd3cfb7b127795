"""What a file is by its first bytes. Names are not trusted: JPEG is called .tif, and error pages .jpg."""

import re

_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"BM", "bmp"),
    (b"%PDF-", "pdf"),
    (b"%!PS", "postscript"),
    (b"\xc5\xd0\xd3\xc6", "postscript"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jpeg2000"),
    (b"\xffO\xffQ", "jpeg2000"),
    (b"8BPS", "psd"),
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"\x1aE\xdf\xa3", "webm"),
    (b"FLV\x01", "flv"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"\x00\x00\x01\xb3", "mpeg"),
    (b"0&\xb2u\x8ef\xcf\x11", "wmv"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)

HEAD_BYTES = 512
"""How many bytes `sniff_format` looks at."""

IMAGE_FORMATS = frozenset({"jpeg", "png", "gif", "tiff", "webp", "bmp", "jpeg2000"})
"""Answers of `sniff_format` that are raster images."""


def sniff_format(head: bytes) -> str | None:
    """Name the format of a file from its first bytes (`HEAD_BYTES` suffice); null if unknown.

    Answers: jpeg, png, gif, tiff, webp, bmp, jpeg2000, avif, svg, pdf, postscript, psd, html, xml, zip, gzip,
    mp4, quicktime, avi, webm, flv, mpeg, wmv, ole.
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF":
        return {b"WEBP": "webp", b"AVI ": "avi"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "avif" if brand in (b"avif", b"avis") else "quicktime" if brand == b"qt  " else "mp4"
    text = head[:HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        if _HTML.search(text):
            return "html"
        return "svg" if b"<svg" in text else "xml"
    return None
