"""A figure with its panels marked on it, for notebooks and for `pmc15m try`: boxes, letters, texts.

Captions and labels are text of strangers: nothing in them is taken for markup, and what turns the direction of writing
ends where it began.
"""

import base64
import io
from dataclasses import dataclass
from html import escape

from PIL import Image, ImageDraw, ImageFont

from pmc15m.figures.model import Box

SIDE = 800  # px: the longer side that is drawn at most
INK = "#d4006a"
_LETTER = 15  # px
_LONGEST_LABEL = 16  # characters that are drawn


@dataclass(frozen=True, slots=True)
class Mark:
    """One panel: its box in px of the image, its letter, its own text, and how sure these belong together."""

    box: Box
    label: str | None
    text: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure to be looked at; `told` are a few words about it, such as its status. Jupyter shows it as it is."""

    image: Image.Image
    marks: tuple[Mark, ...]
    caption: str = ""
    told: tuple[str, ...] = ()
    title: str = "Figure"

    def picture(self) -> Image.Image:
        """RGB, at most `SIDE` px: the image with boxes and letters; panels without a letter have a number."""
        picture = self.image.convert("RGB")
        picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
        scale = picture.width / self.image.width
        draw, font = ImageDraw.Draw(picture), ImageFont.load_default(_LETTER)
        for name, mark in zip(self._names(), self.marks, strict=True):
            x0, y0, x1, y1 = (round(side * scale) for side in mark.box)
            x1, y1 = max(x0, x1 - 1), max(y0, y1 - 1)
            draw.rectangle((x0, y0, x1, y1), outline=INK, width=2)
            name = name[:_LONGEST_LABEL]
            width = draw.textlength(name, font) + 8
            draw.rectangle((x1 - width, y0, x1, y0 + _LETTER + 4), fill=INK)
            draw.text((x1 - width / 2, y0 + _LETTER / 2 + 2), name, "white", font, anchor="mm")
        return picture

    def _names(self) -> list[str]:
        """What stands on the boxes."""
        return [mark.label or str(number + 1) for number, mark in enumerate(self.marks)]

    def _repr_png_(self) -> bytes:
        return encoded(self.picture(), "PNG")

    def _repr_html_(self) -> str:
        about = " · ".join(self.told)
        rows = "".join(
            f'<tr><td style="text-align:left"><b style="color:{INK}">{escape(name)}</b></td>'
            f'<td style="text-align:left">{isolated(mark.text)}</td>'
            f"<td>{'' if mark.score is None else f'{mark.score:.2f}'}</td></tr>"
            for name, mark in zip(self._names(), self.marks, strict=True)
        )
        return (
            f"<div><b>{isolated(self.title)}</b> <small>{isolated(about)}</small><br>"
            f'<img alt="{escape(self.title)}" src="{data_uri(self.picture())}" style="max-width:100%">'
            f"<table>{rows}</table><details><summary>caption</summary>{isolated(self.caption)}</details></div>"
        )


def isolated(text: str) -> str:
    """A text as HTML that shows it: no markup, and no direction of writing that goes on behind it."""
    return f'<bdi dir="auto">{escape(text)}</bdi>'


def data_uri(image: Image.Image) -> str:
    """A picture as the address of an HTML image."""
    return f"data:image/jpeg;base64,{base64.b64encode(encoded(image.convert('RGB'), 'JPEG')).decode()}"


def encoded(image: Image.Image, kind: str) -> bytes:
    """The bytes of a picture in one of Pillow's formats."""
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()
