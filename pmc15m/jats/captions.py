"""The caption of one figure or group of figures: its own text and no other's."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pmc15m.jats.asides import find_asides, take_out
from pmc15m.jats.model import Aside, AsideKind, CaptionSource, Mark, Markup, OtherCaption
from pmc15m.jats.rights import rights_of
from pmc15m.jats.text import Text, add_child, plain, walk
from pmc15m.jats.tree import Element, language_of

# Names and what joins them: a credit line without a verb.
_NAMES_ALONE = re.compile(
    r"(?:(?:[A-ZÀ-Þ][^\s=<>±*†;:]*|of|the|and|for|by|from|in|d[aeo]s?|e|y|[&/–-]|(?:19|20)\d\d[.,]?)(?:\s+|$))+"
)


@dataclass(frozen=True, slots=True)
class Caption:
    """Text of one `caption` element, and of its translations."""

    text: str | None
    title: str | None
    spans: tuple[Markup, ...]
    asides: tuple[Aside, ...]
    source: CaptionSource
    others: tuple[OtherCaption, ...]

    @property
    def is_boilerplate(self) -> bool:
        """True if it says nothing of the picture: 'Click here for additional data file.', 'Photo: A. Author'."""
        return self.text is None and bool(self.asides)


class ContradictoryCaptions(Exception):
    """More than one caption in one language."""


def read_caption(
    own: Sequence[Element], held: Sequence[Element], language: str | None, label: str | None
) -> Caption | None:
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
        return Caption(*_caption_text(captions[0], label), source, _translated_titles(captions[0]))
    languages = [language_of(caption) for caption in captions]
    if len(set(languages)) < len(captions):
        raise ContradictoryCaptions
    chosen = next((place for wanted in (language, None) for place, have in enumerate(languages) if have == wanted), 0)
    others = [
        OtherCaption(languages[place], None, _caption_text(caption, label)[0])
        for place, caption in enumerate(captions)
        if place != chosen
    ]
    return Caption(*_caption_text(captions[chosen], label), source, (*others, *_translated_titles(captions[chosen])))


def _caption_text(
    caption: Element, label: str | None
) -> tuple[str | None, str | None, tuple[Markup, ...], tuple[Aside, ...]]:
    """Text, title, spans and asides."""
    out = Text(spans=True)
    if caption.text:
        out.add(caption.text)
    for child in caption:
        tag = child.tag
        if tag == "title" or (tag == "p" and not is_credit(child)):
            out.add(" ")
            start = out.open()
            out.edges.append(start[0])
            walk(child, out)
            out.close(start, Mark.TITLE if tag == "title" else Mark.PARAGRAPH)
            out.add(" ")
            out.edges.append(out.length())
        elif tag != "p" and tag != "trans-title":
            add_child(child, out)
        if child.tail:
            out.add(child.tail)
    text, spans = str(out), out.spans or []
    blocks = list(_blocks(text, out.edges, spans))
    found = [(start, end, AsideKind.REFERENCE) for start, end in out.references]
    found += find_asides(text, blocks, label)
    if len(blocks) > 1:
        spans += (Markup(start, end, Mark.BLOCK) for start, end in blocks)
    asides: tuple[Aside, ...] = ()
    if found:
        text, spans, asides = take_out(text, spans, found)
        if sum(span.kind is Mark.BLOCK for span in spans) < 2:
            spans = [span for span in spans if span.kind is not Mark.BLOCK]
    title = next((text[span.start : span.end] for span in spans if span.kind is Mark.TITLE), None)
    return text or None, title, tuple(sorted(spans, key=_outer_first)), asides


def _blocks(text: str, edges: Sequence[int], spans: Sequence[Markup]) -> Iterator[tuple[int, int]]:
    """The stretches between the edges of paragraphs, titles and items; a label is one with its item."""
    if len(edges) < 3:  # one paragraph
        yield 0, len(text)
        return
    labels = {span.end for span in spans if span.kind is Mark.LABEL}
    places = sorted({0, len(text), *edges} - labels | {0, len(text)})
    for start, end in pairwise(places):
        yield start + (text[start] == " "), end


def is_credit(paragraph: Element) -> bool:
    """True for a paragraph that stands for `attrib` and reads like one; legends are marked so, too."""
    if paragraph.get("specific-use") != "attrib":
        return False
    text = plain(paragraph) or ""
    asides = find_asides(text, [(0, len(text))], None)
    return bool(
        _NAMES_ALONE.fullmatch(text)
        or rights_of([text], None)
        or any(kind is AsideKind.CREDIT for _, _, kind in asides)
    )


def _translated_titles(caption: Element) -> tuple[OtherCaption, ...]:
    return tuple(OtherCaption(language_of(t), None, plain(t)) for t in caption.iterchildren("trans-title"))


def _outer_first(span: Markup) -> tuple[int, int]:
    return span.start, -span.end
