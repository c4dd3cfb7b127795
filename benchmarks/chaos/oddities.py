"""Odd articles: what publishers, converters and broken tools have made, and what nobody has made yet.

Each is an ordinary small article, with words and pictures that no other has, and one thing that is odd: in its XML, in
its metadata or in a picture.
"""

import io
import json
import random
import struct
import zlib
from collections.abc import Callable
from datetime import datetime

import numpy as np
from PIL import Image

from pmc15m.demo import Bucket
from pmc15m.demo.layout import metadata_key, put_article, read_metadata

_FIRST = 71_000_000  # PMCIDs of odd articles
_LETTERS = "abcdefghilmnoprstuvw"


def put_odd_article(bucket: Bucket, rng: random.Random, number: int, moment: datetime) -> tuple[str, str]:
    """Put the odd article of that number; its PMCID, and what is odd about it."""
    pmcid = f"PMC{_FIRST + number}"
    part = rng.choice(sorted(_PARTS))
    kind = rng.choice(sorted(_PARTS[part]))
    xml, picture = _xml(rng, pmcid), _picture(rng)
    if part == "xml":
        xml = _PARTS[part][kind](rng, xml)
    if part == "picture":
        picture = _PARTS[part][kind](rng, picture)
    facts = {"pmcid": pmcid, "version": 1, "pmid": None, "doi": f"10.9999/{pmcid}", "title": _words(rng, 5)}
    facts |= {"citation": _words(rng, 8), "license_code": "CC BY", "is_pmc_openaccess": True, "is_retracted": False}
    facts |= {"is_manuscript": False, "is_historical_ocr": False}
    put_article(bucket, facts, xml, media={"f1.jpg": picture, "f2.png": _picture(rng, "PNG")}, last_modified=moment)
    if part == "metadata":
        metadata = read_metadata(bucket, f"{pmcid}.1")
        body = _PARTS[part][kind](rng, json.dumps(metadata).encode())
        bucket.put(metadata_key(f"{pmcid}.1"), body, moment)
    return pmcid, f"{part}: {kind}"


def _words(rng: random.Random, count: int) -> str:
    return " ".join("".join(rng.choices(_LETTERS, k=rng.randint(5, 9))) for _ in range(count)).capitalize()


def _xml(rng: random.Random, pmcid: str) -> bytes:
    figures = "".join(
        f'<fig id="f{number}"><label>Figure {number}</label><caption><p>{_words(rng, 12)}.</p></caption>'
        f'<graphic xlink:href="{href}"/></fig>'
        for number, href in ((1, "f1.jpg"), (2, "f2.png"))
    )
    return (
        '<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="research-article" xml:lang="en"><front>'
        "<journal-meta><journal-title-group><journal-title>Journal of Oddities</journal-title></journal-title-group>"
        f'</journal-meta><article-meta><article-id pub-id-type="pmcid">{pmcid}</article-id><title-group><article-title>'
        f"{_words(rng, 6)}</article-title></title-group>"
        '<pub-date pub-type="epub"><day>7</day><month>3</month><year>2019</year></pub-date><volume>4</volume>'
        '<permissions><license><license-p>CC BY <ext-link xlink:href="https://creativecommons.org/licenses/by/4.0/"/>'
        f"</license-p></license></permissions></article-meta></front><body><sec><title>Results</title>"
        f'<p>{_words(rng, 9)} (<xref ref-type="fig" rid="f1">Figure 1</xref>).</p>{figures}</sec></body></article>'
    ).encode()


def _picture(rng: random.Random, form: str = "JPEG") -> bytes:
    """Noise, coarse enough to have a perceptual hash of its own."""
    cells = np.random.default_rng(rng.getrandbits(32)).integers(0, 256, (9, 9, 3), np.uint8)
    return _encoded(Image.fromarray(cells).resize((120, 90), Image.Resampling.BICUBIC), form)


def _encoded(image: Image.Image, form: str, **options: object) -> bytes:
    stored = io.BytesIO()
    image.save(stored, form, **options)
    return stored.getvalue()


# XML


def _in_text(written: Callable[[random.Random], str]) -> Callable[[random.Random, bytes], bytes]:
    """Something written behind a tag, into an attribute, or in the place of a number."""

    def harm(rng: random.Random, xml: bytes) -> bytes:
        places = (
            b"<p>",
            b"<article-title>",
            b"<label>",
            b'href="',
            b'id="',
            b"<journal-title>",
            b"<license-p>",
            b"<title>",
        )
        place = rng.choice(places)
        parts = xml.split(place)
        at = rng.randrange(1, len(parts))
        return place.join(parts[:at]) + place + written(rng).encode() + place.join(parts[at:])

    return harm


def _reference(rng: random.Random) -> str:
    numbers = (
        rng.randrange(0xD800, 0xE000),
        0,
        rng.randrange(1, 32),
        0xFFFE,
        0x110000,
        rng.randrange(1 << 40),
        10**4_000,
    )
    number = rng.choice(numbers)
    return (
        rng.choice((f"&#{number};", f"&#x{number:X};")) * rng.randint(1, 3) if number < 1 << 64 else f"&#{'9' * 4_000};"
    )


def _number(rng: random.Random) -> str:
    big = rng.choice((2**31, 2**63, 10**11, 10**30))
    return rng.choice((str(big), str(-big), "9" * 5_000, "0", "-1", "31.5", "1e99", "²", "٣", "NaN", ""))


def _odd_number(rng: random.Random, xml: bytes) -> bytes:
    name, value = rng.choice(("day", "month", "year", "volume")), _number(rng)
    before, _, rest = xml.partition(f"<{name}>".encode())
    return before + f"<{name}>{value}".encode() + rest[rest.index(b"<") :]


def _nested(rng: random.Random, xml: bytes) -> bytes:
    depth, name = rng.choice((300, 3_000, 30_000)), rng.choice(("p", "sec", "bold", "fig", "sup", "list"))
    return xml.replace(b"<sec>", b"<sec>" + f"<{name}>".encode() * depth, 1)


def _repeated(rng: random.Random, xml: bytes) -> bytes:
    thing = rng.choice(
        (b'<graphic xlink:href="f1.jpg"/>', b"<label>A</label>", b"<caption><p>x</p></caption>", b"<bold>(A)</bold>")
    )
    return xml.replace(b"</fig>", thing * rng.choice((2, 50, 2_000)) + b"</fig>", 1)


def _flipped(rng: random.Random, content: bytes) -> bytes:
    """Some bytes changed, left out or doubled."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data))
        how = rng.randrange(4)
        if how == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            del data[at : at + rng.randint(1, 40)]
        elif how == 2:
            data[at:at] = data[at : at + rng.randint(1, 40)]
        else:
            data[at:at] = rng.randbytes(rng.randint(1, 4))
    return bytes(data)


def _another_encoding(rng: random.Random, xml: bytes) -> bytes:
    name, said = (
        rng.choice(("utf-16", "utf-32", "latin-1", "utf-8-sig", "cp037")),
        rng.choice(("UTF-8", "UTF-16", "x-none", "KOI8-R")),
    )
    return (f'<?xml version="1.0" encoding="{said}"?>' + xml.decode()).encode(name)


def _cut(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content))]


def _something_else(rng: random.Random, content: bytes) -> bytes:
    others = (
        b"<!DOCTYPE html><html><body>404</body></html>",
        b"",
        b"\0" * 3_000,
        b"%PDF-1.4\n%%EOF\n",
        b"PK\3\4",
        rng.randbytes(999),
    )
    return rng.choice(others)


# Metadata


def _other_value(rng: random.Random, body: bytes) -> bytes:
    """One or two keys with a value of another type."""
    metadata = json.loads(body)
    for key in rng.sample(sorted(metadata), rng.randint(1, 2)):
        metadata[key] = _value(rng)
    return json.dumps(metadata).encode()


def _value(rng: random.Random, depth: int = 0) -> object:
    plain: tuple[object, ...] = (
        *(None, True, False, 0, -1, 7, 1.5, 2**40, 2**70, float("nan"), float("inf"), "", " ", "true", "false", "None"),
        *("\ud800", "CC \udfff", "10.1/\0", "a" * 70_000, "٣", "\u202e", "s3://other/x.jpg?md5=0", "<b>"),
    )
    if depth < 3 and rng.random() < 0.25:
        items = [_value(rng, depth + 1) for _ in range(rng.randrange(3))]
        return items if rng.random() < 0.5 else {f"k{n}": item for n, item in enumerate(items)}
    return rng.choice(plain)


def _odd_media(rng: random.Random, body: bytes) -> bytes:
    metadata = json.loads(body)
    urls = list(metadata["media_urls"])
    more = [
        _value(rng),
        urls[0],
        urls[0].replace("f1", "f\ud800"),
        urls[0].replace("f1.jpg", "../f1.jpg"),
        urls[0].replace("md5=", "md5=x"),
    ]
    more += [
        urls[0].replace("f1.jpg", name)
        for name in ("", "a/b.jpg", "f1%2ejpg", "F1.JPG", "f 1.jpg", "f%201.jpg", "x" * 300)
    ]
    for one in rng.sample(more, 3):
        urls.insert(rng.randrange(len(urls) + 1), one)
    return json.dumps(metadata | {"media_urls": urls}).encode()


def _no_record(rng: random.Random, body: bytes) -> bytes:
    """JSON of another shape, and what is no JSON."""
    deep = 10_000
    others = (
        *(
            b"[]",
            b"null",
            b'"a"',
            b"7",
            b"{}",
            b"[" * deep + b"]" * deep,
            b'{"a":' * deep + b"1" + b"}" * deep,
            b"\xff\xfe",
        ),
        *(
            body[:-1] + b', "n": ' + b"9" * 6_000 + b"}",
            b"\xef\xbb\xbf" + body,
            body.decode().encode("utf-16"),
            body + body,
        ),
        *(
            body.replace(b'"version": 1', b'"version": "1"'),
            body.replace(b"PMC71", b"PMC72"),
            body[:-1] + b', "title": "again"}',
        ),
    )
    return rng.choice(others)


# Pictures


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, *, depth: int = 8, colour: int = 0, rows: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    )


def _odd_sides(rng: random.Random, picture: bytes) -> bytes:
    """Very wide, very high, or tiny."""
    width, height = rng.choice(((60_000, 1), (1, 60_000), (1, 1), (3_000_000, 2), (128_000_000, 1), (2, 2)))
    rows = (b"\0" + bytes(-(-width // 8))) * height
    return _png(width, height, depth=1, rows=rows)


def _odd_header(rng: random.Random, picture: bytes) -> bytes:
    return _png(
        rng.choice((0, 2**31 - 1, 2**32 - 1, 50_000)),
        rng.choice((0, 50_000, 2**31 - 1)),
        depth=rng.choice((1, 7, 16)),
        colour=rng.choice((0, 2, 5)),
    )


def _bomb(rng: random.Random, picture: bytes) -> bytes:
    """A small file of much text or many pixels."""
    text = _chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(50 << 20), 9))
    png = _png(4_000, 4_000, rows=bytes(4_001 * 4_000))
    return rng.choice((png, png[:33] + text + png[33:]))


def _odd_mode(rng: random.Random, picture: bytes) -> bytes:
    image = Image.open(io.BytesIO(picture))
    mode, form = rng.choice(
        (
            ("CMYK", "JPEG"),
            ("1", "PNG"),
            ("LA", "PNG"),
            ("P", "GIF"),
            ("F", "TIFF"),
            ("I", "TIFF"),
            ("RGBA", "WEBP"),
            ("CMYK", "TIFF"),
        )
    )
    return _encoded(image.convert("L").convert(mode) if mode in {"F", "I"} else image.convert(mode), form)


def _frames(rng: random.Random, picture: bytes) -> bytes:
    image = Image.open(io.BytesIO(picture)).convert("P")
    return _encoded(
        image, rng.choice(("GIF", "TIFF", "PNG")), save_all=True, append_images=[image] * rng.choice((1, 60))
    )


_PARTS: dict[str, dict[str, Callable[[random.Random, bytes], bytes]]] = {
    "xml": {
        "reference": _in_text(_reference),
        "entity": _in_text(lambda rng: rng.choice(("&alpha;", "&" + "a" * 9_000 + ";", "&;", "& ", "&#;", "&#x;"))),
        "control characters": _in_text(
            lambda rng: rng.choice(("\x00", "\x0b", "\ufffe", "\u202e", "\U000e0041", "\x85"))
        ),
        "number": _odd_number,
        "depth": _nested,
        "repetition": _repeated,
        "damage": _flipped,
        "encoding": _another_encoding,
        "cut": _cut,
        "something else": _something_else,
    },
    "metadata": {
        "value": _other_value,
        "media": _odd_media,
        "no record": _no_record,
        "damage": _flipped,
        "cut": _cut,
        "something else": _something_else,
    },
    "picture": {
        "sides": _odd_sides,
        "header": _odd_header,
        "bomb": _bomb,
        "mode": _odd_mode,
        "frames": _frames,
        "damage": _flipped,
        "cut": _cut,
        "something else": _something_else,
    },
}
