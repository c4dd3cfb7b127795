"""The pictures of one figure: which belong to it, and which of several renditions is the one to take."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pmc15m.jats.model import Graphic
from pmc15m.jats.resolve import IMAGE_EXTENSIONS, extension
from pmc15m.jats.tree import Element, names_of

XLINK_HREF = "{http://www.w3.org/1999/xlink}href"

_NOT_PICTURES = names_of(
    """fig fig-group table-wrap table disp-formula inline-formula supplementary-material bio inline-graphic
    label object-id attrib permissions alt-text long-desc"""
)
_SMALL = ("thumb", "small", "preview", "icon", "267x140")
_SECOND_CHOICE = ("print", "black-white", "scielo-web", "low-res", "lowres")


@dataclass(slots=True)
class Pictures:
    """What a figure shows: pictures, and hrefs of films and files."""

    graphics: list[Graphic] = field(default_factory=list)
    media: list[str] = field(default_factory=list)


def href_of(element: Element) -> str:
    """The XLink address, whatever its prefix; empty if there is none."""
    href = element.get(XLINK_HREF)
    if href is None:
        for name, value in element.attrib.items():
            if name == "href" or name.endswith((":href", "}href")):
                href = value
                break
    return (href or "").strip()


def pictures(figure: Element) -> Pictures:
    """The pictures whose nearest figure is this one, in document order."""
    found = Pictures()
    if figure.tag == "graphic":  # bare, in an abstract
        _add(found, [figure])
    else:
        _collect(figure, found)
    return found


def _collect(element: Element, found: Pictures) -> None:
    for child in element:
        tag = child.tag
        if tag == "graphic":
            _add(found, [child])
        elif tag == "alternatives":
            _alternatives(child, found)
        elif tag == "media":
            if _is_image(child):
                _add(found, [child])
            else:
                found.media.append(href_of(child))
        elif tag == "caption":
            if next(child.iter("graphic"), None) is not None:
                _collect(child, found)
        elif len(child) and tag not in _NOT_PICTURES:
            _collect(child, found)


def _alternatives(element: Element, found: Pictures) -> None:
    films = [href_of(media) for media in element.iter("media") if not _is_image(media)]
    if films:  # the graphic beside a film is its still
        found.media.extend(films)
        return
    images = list(element.iter("graphic", "media"))
    if images:
        _add(found, images)


def _add(found: Pictures, renditions: list[Element]) -> None:
    named = [rendition for rendition in renditions if href_of(rendition)] or renditions[:1]
    ranked = sorted(named, key=_demerit)  # stable: ties go to the first
    best = ranked[0]
    others = dict.fromkeys(href_of(rendition) for rendition in ranked[1:])
    others.pop(href_of(best), None)
    found.graphics.append(Graphic(len(found.graphics), href_of(best), tuple(others), "/".join(_mime(best)) or None))


def _demerit(rendition: Element) -> tuple[int, int]:
    """Thumbnails last, print versions and web copies before them, pictures before other formats."""
    use = f"{rendition.get('specific-use', '')} {rendition.get('content-type', '')}".casefold()
    if any(word in use for word in _SMALL):
        rank = 2
    elif any(word in use for word in _SECOND_CHOICE):
        rank = 1
    else:
        rank = 0
    known = extension(href_of(rendition))
    return rank, 0 if known in IMAGE_EXTENSIONS or known is None else 1


def _mime(element: Element) -> Iterator[str]:
    for name in ("mimetype", "mime-subtype"):
        if value := element.get(name):
            yield value


def _is_image(media: Element) -> bool:
    mimetype = (media.get("mimetype") or "").casefold()
    if mimetype:
        return mimetype == "image" or mimetype.startswith("image/")
    return extension(href_of(media)) in IMAGE_EXTENSIONS
