"""Where in the article an element stands: titles of the sections around it, kind of text, sub-article."""

from dataclasses import dataclass

from pmc15m.jats.model import MentionOrigin, Origin
from pmc15m.jats.text import plain
from pmc15m.jats.tree import Element

_TITLED = frozenset(["sec", "app", "app-group", "boxed-text", "abstract", "trans-abstract", "ack", "notes", "glossary"])
_ORIGINS = {
    "sub-article": Origin.SUB_ARTICLE,
    "response": Origin.SUB_ARTICLE,
    "floats-group": Origin.FLOATS,
    "floats-wrap": Origin.FLOATS,
    "abstract": Origin.ABSTRACT,
    "trans-abstract": Origin.ABSTRACT,
    "boxed-text": Origin.BOXED_TEXT,
    "back": Origin.BACK,
    "app": Origin.BACK,
    "app-group": Origin.BACK,
}
_RANK = {origin: rank for rank, origin in enumerate(Origin)}
_CITING = {
    "fig": MentionOrigin.CAPTION,
    "fig-group": MentionOrigin.CAPTION,
    "table-wrap": MentionOrigin.TABLE,
    "table-wrap-group": MentionOrigin.TABLE,
    "supplementary-material": MentionOrigin.SUPPLEMENT,
    "media": MentionOrigin.SUPPLEMENT,
    "floats-group": MentionOrigin.FLOATS,
    "floats-wrap": MentionOrigin.FLOATS,
    "ref-list": MentionOrigin.REFERENCES,
}


@dataclass(frozen=True, slots=True)
class Place:
    """What the ancestors of an element say."""

    origin: Origin
    citing: MentionOrigin
    section_path: tuple[str, ...]
    scope: Element | None
    """The nearest sub-article or response; null in the main article."""


class Places:
    """Places of elements, each ancestor looked at once."""

    __slots__ = ("_known", "_top")

    def __init__(self, article: Element) -> None:
        self._top = article
        self._known: dict[Element, Place] = {
            article: Place(Origin.BODY, MentionOrigin.TEXT, (), None),
        }

    def inside(self, element: Element) -> Place:
        """The place of what stands directly in `element`."""
        known = self._known.get(element)
        if known is not None:
            return known
        parent = element.getparent()
        outer = self.inside(parent) if parent is not None else self._known[self._top]
        tag = element.tag
        origin = _ORIGINS.get(tag, outer.origin)
        if _RANK[origin] > _RANK[outer.origin]:
            origin = outer.origin
        citing = outer.citing if outer.citing is not MentionOrigin.TEXT else _CITING.get(tag, outer.citing)
        path = outer.section_path
        if tag in _TITLED and (title := plain(next(element.iterchildren("title"), None))):
            path = (*path, title)
        scope = element if tag == "sub-article" or tag == "response" else outer.scope
        unchanged = origin is outer.origin and citing is outer.citing and path is outer.section_path
        place = outer if unchanged and scope is outer.scope else Place(origin, citing, path, scope)
        self._known[element] = place
        return place
