"""The caption of one figure or group of figures: its own text and no other's."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pmc15m.jats.model import CaptionSource, Mark, Markup, OtherCaption
from pmc15m.jats.text import Text, add_child, plain, walk
from pmc15m.jats.tree import Element, language_of

_BOILERPLATE = re.compile(
    r"(?:\(?(?:Click|Tap)\s+here\s+(?:for|to)\s+(?:additional|view|download|see)[^.]{0,80}\.?|"
    r"(?:Additional|Supplementary|Supporting)\s+(?:data|information|material)s?(?:\s+file)?\.?|"
    r"(?:Graphical|Visual)\s+abstract\.?|\((?:PDF|DOCX?|XLSX?|TIFF?|EPS|JPE?G|PNG|ZIP|MP4|AVI|MOV)\)\.?)\s*",
    re.IGNORECASE,
)
_TAIL_HINTS = ("olor figure", "olour figure", "olor version", "olour version", "©", "copyright", "figure legend")
_TAIL = re.compile(
    r"\s*(?P<tail>[\[(]?colou?r\s+(?:figure|version|image)s?\b[^\[\]]{0,60}\b(?:viewed|available|online)\b[^\[\]]{0,80}[\]).]*|"
    r"\(?(?:copyright\s+)?(?:©|\(c\)|copyright)\s*(?:19|20)\d\d[^.©]{0,120}\.?\)?|figure\s+legends?\.?)\s*$",
    re.IGNORECASE,
)
_LONGEST_TAIL = 250


@dataclass(frozen=True, slots=True)
class Caption:
    """Text of one `caption` element, and of its translations."""

    text: str | None
    title: str | None
    spans: tuple[Markup, ...]
    source: CaptionSource
    others: tuple[OtherCaption, ...]

    @property
    def is_boilerplate(self) -> bool:
        """True if the text describes the file, not the picture: 'Click here for additional data file.'"""
        return self.text is not None and _BOILERPLATE.fullmatch(self.text) is not None


class ContradictoryCaptions(Exception):
    """More than one caption in one language."""


def read_caption(own: Sequence[Element], held: Sequence[Element], language: str | None) -> Caption | None:
    """The caption among a figure's `caption` elements: the one in the article's language.

    `own` are those of the figure, `held` those of its graphics: they count only if there is no own one, and
    only if there is one of them.

    Raises:
        ContradictoryCaptions: two captions in one language; either could be another figure's.
    """
    captions, source = own, CaptionSource.FIGURE
    if not captions:
        captions, source = held, CaptionSource.GRAPHIC
        if len(captions) != 1:
            return None
    if len(captions) == 1:
        return Caption(*_caption_text(captions[0]), source, _translated_titles(captions[0]))
    languages = [language_of(caption) for caption in captions]
    if len(set(languages)) < len(captions):
        raise ContradictoryCaptions
    chosen = next((place for wanted in (language, None) for place, have in enumerate(languages) if have == wanted), 0)
    others = [
        OtherCaption(languages[place], None, _caption_text(caption)[0])
        for place, caption in enumerate(captions)
        if place != chosen
    ]
    return Caption(*_caption_text(captions[chosen]), source, (*others, *_translated_titles(captions[chosen])))


def _caption_text(caption: Element) -> tuple[str | None, str | None, tuple[Markup, ...]]:
    out = Text(spans=True)
    title = None
    if caption.text:
        out.add(caption.text)
    for child in caption:
        tag = child.tag
        if tag == "title" or (tag == "p" and not is_credit(child)):
            out.add(" ")
            start = out.open()
            walk(child, out)
            out.close(start, Mark.TITLE if tag == "title" else Mark.PARAGRAPH)
            if tag == "title" and title is None:
                title = str(out)[slice(*out.since(start))] or None
            out.add(" ")
        elif tag != "p" and tag != "trans-title":
            add_child(child, out)
        if child.tail:
            out.add(child.tail)
    text = str(out) or None
    return text, title, tuple(sorted(_with_asides(text, out.spans or []), key=_outer_first)) if text else ()


def is_credit(paragraph: Element) -> bool:
    """True for a paragraph that stands for `attrib`."""
    return bool(paragraph.get("specific-use") == "attrib")


def _translated_titles(caption: Element) -> tuple[OtherCaption, ...]:
    return tuple(OtherCaption(language_of(t), None, plain(t)) for t in caption.iterchildren("trans-title"))


def _outer_first(span: Markup) -> tuple[int, int]:
    return span.start, -span.end


def _with_asides(text: str, spans: list[Markup]) -> Iterator[Markup]:
    """The spans, and those of what does not speak of the picture. The text itself stays as it is."""
    for span in spans:
        yield span
        if span.kind is Mark.PARAGRAPH and _BOILERPLATE.fullmatch(text, span.start, span.end):
            yield Markup(span.start, span.end, Mark.BOILERPLATE)
    end = text[-_LONGEST_TAIL:].casefold()
    if any(hint in end for hint in _TAIL_HINTS) and (tail := _TAIL.search(text, max(0, len(text) - _LONGEST_TAIL))):
        yield Markup(tail.start("tail"), tail.end("tail"), Mark.TAIL)
