"""Pictures for a browser, from positioned reads: as they were published where a browser shows them so, else as PNG."""

import io
import threading
import warnings
from dataclasses import dataclass

from PIL import Image

from pmc15m.errors import DamageError
from pmc15m.pictures.decode import MAX_PIXELS, MAX_SIDE, DecodeError, decode
from pmc15m.workspace import Workspace

_SHOWN = {"JPEG": "image/jpeg", "PNG": "image/png"}  # a browser turns these as EXIF says
_MODES = {"RGB", "RGBA", "L", "LA", "P", "1"}
_ONE = threading.Lock()  # decoding takes up to 700 MB, so one picture at a time
_REMEMBERED = 500  # small pictures, some 20 kB each
SIDES = (160, 480, 1200)  # px, longer sides that can be asked for

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the bytes of a picture lie, and what of it is meant: `box` in px, None = all of it."""

    shard: str
    offset: int
    size: int
    sha256: str
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """What is sent."""

    content: bytes
    media_type: str


class Pictures:
    """The pictures of a workspace; small ones are remembered."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._small: dict[tuple[Pointer, int], Picture | str] = {}

    def whole(self, pointer: Pointer) -> Picture | str:
        """The picture or crop in full size, or why there is none."""
        content = self._read(pointer)
        if isinstance(content, str):
            return content
        if pointer.box is None and (kind := _shown_as_it_is(content)):
            return Picture(content, kind)
        image = _decoded(content, pointer.box)
        return image if isinstance(image, str) else _encoded(image, "PNG")

    def small(self, pointer: Pointer, side: int) -> Picture | str:
        """The picture or crop with a longer side of at most `side` px, or why there is none."""
        if (pointer, side) not in self._small:
            if len(self._small) >= _REMEMBERED:
                self._small.clear()
            self._small[pointer, side] = self._shrunk(pointer, side)
        return self._small[pointer, side]

    def _shrunk(self, pointer: Pointer, side: int) -> Picture | str:
        content = self._read(pointer)
        if isinstance(content, str):
            return content
        image = _decoded(content, pointer.box)
        if isinstance(image, str):
            return image
        image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
        return _encoded(image, "JPEG")

    def _read(self, pointer: Pointer) -> bytes | str:
        try:
            return self._workspace.read(pointer.shard, pointer.offset, pointer.size, pointer.sha256)
        except DamageError:
            return "its bytes are damaged"
        except OSError:
            return "the shard with it is not in this workspace"


def _shown_as_it_is(content: bytes) -> str | None:
    """The media type of a picture that a browser shows as `decode` would, judged by its header."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(content), formats=tuple(_SHOWN)) as stored:
                fits = stored.width * stored.height <= MAX_PIXELS and max(stored.size) <= MAX_SIDE
                one = getattr(stored, "n_frames", 1) == 1
                return _SHOWN[str(stored.format)] if fits and one and stored.mode in _MODES else None
        except Exception:  # Pillow's readers raise nearly anything for hostile bytes
            return None


def _decoded(content: bytes, box: Box | None) -> Image.Image | str:
    with _ONE:
        picture = decode(content)
        if isinstance(picture, DecodeError):
            return picture.value.replace("_", " ")
        image = picture.image if box is None else picture.image.crop(box)
        return image.convert("RGB") if image.mode != "L" else image


def _encoded(image: Image.Image, kind: str) -> Picture:
    stream = io.BytesIO()
    image.save(stream, kind, quality=85)
    return Picture(stream.getvalue(), _SHOWN[kind])
