"""The pictures of one figure: which belong to it, and which of several renditions is the one to take."""

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
        names = (name for name in element.keys() if name == "href" or name.endswith((":href", "}href")))  # noqa: SIM118
        href = element.get(next(names, "href"), "")
    return str(href).strip()


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
        elif len(child) and tag not in _NOT_PICTURES and next(child.iterchildren("fig"), None) is None:
            _collect(child, found)  # beside another figure a picture would be that one's


def _alternatives(element: Element, found: Pictures) -> None:
    films = [href_of(media) for media in element.iter("media") if not _is_image(media)]
    if films:  # the graphic beside a film is its still
        found.media.extend(films)
        return
    images = list(element.iter("graphic", "media"))
    if images:
        _add(found, images)


def _add(found: Pictures, renditions: list[Element]) -> None:
    if len(renditions) > 1:  # stable: ties go to the first
        renditions = sorted(filter(href_of, renditions), key=_demerit) or renditions
    href, *others = dict.fromkeys(map(href_of, renditions))
    found.graphics.append(Graphic(len(found.graphics), href, tuple(others), _mime(renditions[0])))


def _demerit(rendition: Element) -> tuple[int, bool]:
    """Thumbnails last, print versions and web copies before them, pictures before other formats."""
    use = f"{rendition.get('specific-use', '')} {rendition.get('content-type', '')}".casefold()
    rank = 2 if any(word in use for word in _SMALL) else int(any(word in use for word in _SECOND_CHOICE))
    return rank, extension(href_of(rendition)) not in (None, *IMAGE_EXTENSIONS)


def _mime(element: Element) -> str | None:
    mimetype, subtype = element.get("mimetype"), element.get("mime-subtype")
    return f"{mimetype}/{subtype}" if mimetype and subtype else mimetype or None


def _is_image(media: Element) -> bool:
    mimetype = (media.get("mimetype") or "").casefold()
    if mimetype:
        return mimetype == "image" or mimetype.startswith("image/")
    return extension(href_of(media)) in IMAGE_EXTENSIONS
