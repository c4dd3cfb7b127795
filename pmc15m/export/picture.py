"""The pictures of pairs as they are exported: the published bytes where they can stay, one encoding where they cannot.

All pairs of one stored picture are made together, so that a figure is decoded once for all its panels.
"""

import enum
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from pmc15m.config import ExportConfig
from pmc15m.pictures.decode import Decoded, DecodeError, decode, read_header

# Formats that every loader reads, with the extension that WebDataset and open_clip look for.
EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp"}
PUBLISHED = "published"  # the conversion that is none

_Region = tuple[float, float, float, float]  # left, top, right, bottom; px


class PictureError(enum.StrEnum):
    """Why a pair has no picture in the export, beside `decode.DecodeError`."""

    EMPTY_BOX = "empty_box"
    NO_DERIVATIVES = "no_derivatives"  # it would have to be altered, which its licence forbids


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture; `extension` without the dot, `conversion` says what was done to the published one."""

    extension: str
    content: bytes
    width: int  # px
    height: int  # px
    conversion: str = PUBLISHED


@dataclass(frozen=True, slots=True)
class Cut:
    """What one pair shows of a picture: `box` (px, upright, x1 and y1 exclusive), or all of it."""

    box: Mapping[str, int] | None = None
    may_alter: bool = True


def make_pictures(
    content: bytes, cuts: Sequence[Cut], settings: ExportConfig
) -> Iterator[Picture | PictureError | DecodeError]:
    """One picture a cut, in their order, of the bytes of a stored picture.

    Where nothing has to change, the published bytes stay untouched and nothing is decoded. Those that EXIF turns, of
    several frames, or with more than plain grey or RGB do change, for readers show them in different ways: some take
    a palette's numbers for grey, and an empty fourth channel for a colour.
    """
    header = read_header(content)
    is_plain = header and header.mode in {"RGB", "L"} and header.frames == header.orientation == 1
    plain = header if header and is_plain and not header.is_transparent else None
    decoded: Decoded | DecodeError | None = None if plain else decode(content)
    if isinstance(decoded, DecodeError):
        yield from (decoded for _ in cuts)
        return
    size = decoded.image.size if decoded else (plain.width, plain.height) if plain else (0, 0)
    kind = plain.format if plain and plain.format in EXTENSIONS else ""
    stays = kind != "" and settings.image_format in ("original", kind)
    plans = [_plan(cut, size, stays, settings) for cut in cuts]
    for plan in plans:
        if not isinstance(plan, _Plan):
            yield plan
        elif plan.is_published:
            yield Picture(EXTENSIONS[kind], content, *size)
        else:
            decoded = decoded or decode(content, at_least=_at_least(plans, size))
            yield decoded if isinstance(decoded, DecodeError) else _drawn(decoded.image, plan, size, settings)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be taken of the upright picture, and how large that gets; `padded` is the square around it or 0."""

    region: _Region
    size: tuple[int, int]
    is_published: bool = False
    padded: int = 0


def _plan(cut: Cut, size: tuple[int, int], stays: bool, settings: ExportConfig) -> _Plan | PictureError:
    region = _cut_out(cut.box, size, settings.panel_margin)
    if region[0] >= region[2] or region[1] >= region[3]:
        return PictureError.EMPTY_BOX
    plan = _fitted(region, settings.image_side, settings.image_fit)
    if stays and plan.region == (0, 0, *size) and plan.size == size and plan.padded in (0, *set(size)):
        return _Plan(plan.region, plan.size, is_published=True)
    return plan if cut.may_alter else PictureError.NO_DERIVATIVES


def _cut_out(box: Mapping[str, int] | None, size: tuple[int, int], margin: int) -> _Region:
    if box is None or (box["x0"], box["y0"], box["x1"], box["y1"]) == (0, 0, *size):
        return (0, 0, *size)
    left, top = max(0, box["x0"] - margin), max(0, box["y0"] - margin)
    return left, top, min(size[0], box["x1"] + margin), min(size[1], box["y1"] + margin)


def _fitted(region: _Region, side: int, fit: str) -> _Plan:
    width, height = region[2] - region[0], region[3] - region[1]
    if not side:
        return _Plan(region, (round(width), round(height)))
    if fit == "crop":
        inner = min(width, height)
        left, top = region[0] + (width - inner) / 2, region[1] + (height - inner) / 2
        return _Plan((left, top, left + inner, top + inner), (side, side))
    scale = side / (min(width, height) if fit == "shorter" else max(width, height))
    if fit != "pad":  # only squares are made larger: all of them have one size
        scale = min(1, scale)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return _Plan(region, size, padded=side if fit == "pad" else 0)


def _at_least(plans: Sequence[_Plan | PictureError], size: tuple[int, int]) -> tuple[float, float]:
    """The smallest size of the whole picture in which no plan has to be drawn larger than it is there."""
    made = [plan for plan in plans if isinstance(plan, _Plan) and not plan.is_published]
    across = max(plan.size[0] / (plan.region[2] - plan.region[0]) for plan in made)
    down = max(plan.size[1] / (plan.region[3] - plan.region[1]) for plan in made)
    return min(1, across) * size[0], min(1, down) * size[1]


def _drawn(image: Image.Image, plan: _Plan, size: tuple[int, int], settings: ExportConfig) -> Picture:
    reduced = round(size[0] / image.width) or 1  # by the decoder
    region = tuple(edge / reduced for edge in plan.region)
    box = (region[0], region[1], min(region[2], image.width), min(region[3], image.height))
    is_whole = plan.region == (0, 0, *size)
    if plan.size == (box[2] - box[0], box[3] - box[1]):
        drawn = image if is_whole else image.crop(box)
    else:
        drawn = image.resize(plan.size, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
    steps = [] if is_whole else ["cut {:g},{:g},{:g},{:g}".format(*plan.region)]
    if plan.size != (plan.region[2] - plan.region[0], plan.region[3] - plan.region[1]):
        steps.append(f"resized {plan.size[0]}x{plan.size[1]}")
    if plan.padded:
        paper = Image.new(drawn.mode, (plan.padded, plan.padded), "white")
        paper.paste(drawn, ((plan.padded - drawn.width) // 2, (plan.padded - drawn.height) // 2))
        drawn = paper
        steps.append(f"padded {plan.padded}x{plan.padded}")
    kind = "webp" if settings.image_format == "webp" else "jpeg"
    encoded = io.BytesIO()
    drawn.save(encoded, kind, quality=settings.jpeg_quality)
    conversion = "; ".join([*steps, f"{kind} {settings.jpeg_quality}"])
    return Picture(EXTENSIONS[kind], encoded.getvalue(), *drawn.size, conversion)
