"""The figures of one article: which elements are figures, and what belongs to each and to no other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from pmc15m.jats.captions import Caption, ContradictoryCaptions, is_credit, read_caption
from pmc15m.jats.graphics import Pictures, pictures
from pmc15m.jats.labels import Label, label_series, leading_label, parse_label
from pmc15m.jats.model import (
    Aside,
    AsideKind,
    Figure,
    FigureKind,
    FigureReason,
    FigureStatus,
    Mention,
    MentionOrigin,
    Origin,
    OtherCaption,
)
from pmc15m.jats.rights import rights_of
from pmc15m.jats.sections import Place, Places
from pmc15m.jats.text import plain
from pmc15m.jats.tree import Element, children_by_tag, language_of

_KINDS_BY_TYPE = {
    "scheme": FigureKind.SCHEME,
    "chart": FigureKind.CHART,
    "graph": FigureKind.CHART,
    "plate": FigureKind.PLATE,
    "graphical-abstract": FigureKind.GRAPHICAL_ABSTRACT,
    "graphical_abstract": FigureKind.GRAPHICAL_ABSTRACT,
    "video": FigureKind.VIDEO,
    "movie": FigureKind.VIDEO,
}
# As children of a figure these say that its end tag is missing: two figures may have run together.
_NEVER_IN_A_FIGURE = frozenset(["fig", "fig-group", "sec", "floats-group", "floats-wrap"])
_GROUPS_END = frozenset(["fig", "sec", "body", "back", "floats-group", "floats-wrap", "abstract"])


@dataclass(frozen=True, slots=True)
class Words:
    """What is written in a `fig` or `fig-group`, apart from the figures in it."""

    label: str | None
    caption: Caption | None
    attrib: str | None
    alt_text: str | None
    permissions: str | None
    is_ambiguous: bool = False


_NO_WORDS = Words(None, None, None, None, None)
_AMBIGUOUS_WORDS = replace(_NO_WORDS, is_ambiguous=True)


@dataclass(slots=True)
class Draft:
    """A figure that is being read."""

    element: Element
    place: Place
    group: Element | None
    language: str | None
    words: Words
    shown: Pictures
    is_damaged: bool
    ids: list[str]
    label: Label | None
    """Of the figure, or of its group if its own has no number: '(a)' in Figure 2."""
    twins: list["Draft"] = field(default_factory=list)
    """The same figure in other languages."""

    def all_ids(self) -> Iterator[str]:
        """The ids by which the figure can be cited: its own and its group's."""
        yield from self.ids
        if self.group is not None and (identifier := self.group.get("id")):
            yield identifier


class FigureReader:
    """Reads the figures of one article. `is_intact` tells of a `fig` or `fig-group` that the XML is sound there."""

    def __init__(self, places: Places, language: str | None, is_intact: Callable[[Element], bool]) -> None:
        self._places = places
        self._language = language
        self._is_intact = is_intact
        self._groups: dict[Element, Words] = {}

    def drafts(self, elements: Iterable[Element]) -> list[Draft]:
        """One draft for each figure, in document order; figures that translate one another are one."""
        return self._join_languages([self._draft(element) for element in elements])

    def figures(self, drafts: Sequence[Draft], mentions: dict[int, list[Mention]]) -> tuple[Figure, ...]:
        """Frozen figures, numbered by position and by reading order."""
        order = _reading_order(drafts)
        return tuple(
            self._figure(draft, number, order[number], tuple(mentions.get(number, ())))
            for number, draft in enumerate(drafts)
        )

    def _draft(self, element: Element) -> Draft:
        place = self._places.inside(element.getparent())
        group = None if element.tag == "fig-group" else _group_of(element)
        if group is not None and not self._is_intact(group):
            group = None
        intact = self._is_intact(element)
        words = self._words(element, place) if intact else _NO_WORDS
        shown = pictures(element) if intact else Pictures()
        if len(shown.graphics) > 1 and _surround_the_caption(element):
            words = _AMBIGUOUS_WORDS
        identifier = element.get("id")
        return Draft(
            element=element,
            place=place,
            group=group,
            language=language_of(element),
            words=words,
            shown=shown,
            is_damaged=not intact,
            ids=[identifier] if identifier else [],
            label=parse_label(words.label) or self._label_of(group, place),
        )

    def _words(self, element: Element, place: Place) -> Words:
        parts = children_by_tag(element)
        labels = [plain(label) for label in parts.get("label", ())]
        label = labels[0] if labels else None
        graphics = [*parts.get("graphic", ())]
        for alternatives in parts.get("alternatives", ()):
            graphics += alternatives.iterchildren("graphic")
        captions = parts.get("caption", [])
        held = [caption for graphic in graphics for caption in graphic.iterchildren("caption")]
        attribs = parts.get("attrib", [])
        for caption in captions:
            attribs += filter(is_credit, caption.iterchildren("p"))
        alts = parts.get("alt-text", [])
        permissions = parts.get("permissions", [])
        for graphic in graphics:
            if len(graphic):
                alts += graphic.iterchildren("alt-text")
                permissions += graphic.iterchildren("permissions")
        is_ambiguous = len({parsed.number for text in labels if (parsed := parse_label(text))}) > 1
        if element.tag == "fig" and not _NEVER_IN_A_FIGURE.isdisjoint(parts):
            is_ambiguous = True
        try:
            caption = None if is_ambiguous else read_caption(captions, held, self._language_of(place), label)
        except ContradictoryCaptions:
            caption, is_ambiguous = None, True
        return Words(
            label=label,
            caption=caption,
            attrib=_joined(attribs),
            alt_text=_joined(alts),
            permissions=_joined(permissions),
            is_ambiguous=is_ambiguous,
        )

    def _label_of(self, group: Element | None, place: Place) -> Label | None:
        return parse_label(self._group_words(group, place).label) if group is not None else None

    def _group_words(self, group: Element, place: Place) -> Words:
        if group not in self._groups:
            self._groups[group] = self._words(group, place)
        return self._groups[group]

    def _language_of(self, place: Place) -> str | None:
        return (language_of(place.scope) if place.scope is not None else None) or self._language

    def _join_languages(self, drafts: list[Draft]) -> list[Draft]:
        """Join `<fig xml:lang="pt">` and `<fig xml:lang="en">` of one group if they share one picture, or none."""
        groups: dict[Element, list[Draft]] = {}
        for draft in drafts:
            if draft.group is not None and draft.language is not None:
                groups.setdefault(draft.group, []).append(draft)
        gone: set[Element] = set()
        for group, members in groups.items():
            languages = {member.language for member in members}
            showing = [member for member in members if member.shown.graphics]
            numbers = {member.label.number for member in members if member.label}
            if len(members) < 2 or len(languages) < len(members) or len(showing) > 1 or len(numbers) > 1:
                continue
            wanted = self._language_of(members[0].place)
            first = next((member for member in members if member.language == wanted), members[0])
            first.twins = [member for member in members if member is not first]
            for twin in first.twins:
                gone.add(twin.element)
                first.ids += twin.ids
                if twin in showing:
                    first.shown = twin.shown
            if not showing:
                first.shown = pictures(group)
        return [draft for draft in drafts if draft.element not in gone]

    def _figure(self, draft: Draft, number: int, order: int, mentions: tuple[Mention, ...]) -> Figure:
        words, shown = draft.words, draft.shown
        group = self._group_words(draft.group, draft.place) if draft.group is not None else None
        caption = words.caption
        text = caption.text if caption else None
        own_asides = caption.asides if caption else ()
        asides = (*own_asides, *(_of_group(group.caption) if group and group.caption else ()))
        group_text = group.caption.text if group and group.caption else None
        permissions = " ".join(filter(None, (words.permissions, group.permissions if group else None))) or None
        written = (text, words.attrib, group_text, group.attrib if group else None, *(aside.text for aside in asides))
        reason = _why_no_pair(draft, group, text or group_text)
        if reason is FigureReason.NO_CAPTION and caption is not None and caption.is_boilerplate:
            reason = FigureReason.BOILERPLATE_CAPTION
        return Figure(
            position=number + 1,
            order=order,
            figure_id=draft.ids[0] if draft.ids else f"#{number + 1}",
            id_is_given=bool(draft.ids),
            kind=_kind(draft),
            origin=draft.place.origin,
            sub_article_type=_sub_article_type(draft.place),
            language=draft.language or self._language_of(draft.place),
            label=words.label,
            derived_label=None
            if words.label
            else leading_label(own_asides[0].text if own_asides and own_asides[0].kind is AsideKind.LABEL else text),
            title=caption.title if caption else None,
            caption=text,
            caption_markup=caption.spans if caption else (),
            caption_asides=asides,
            caption_source=caption.source if caption and text else None,
            other_captions=(*(words.caption.others if words.caption else ()), *map(_other_caption, draft.twins)),
            group_id=draft.group.get("id") if draft.group is not None else None,
            group_label=group.label if group else None,
            group_caption=group_text,
            section_path=draft.place.section_path,
            mentions=mentions,
            graphics=tuple(shown.graphics),
            media=tuple(shown.media),
            attrib=words.attrib,
            alt_text=words.alt_text,
            permissions=permissions,
            rights=rights_of(filter(None, written), permissions),
            status=FigureStatus.OK if reason is None else FigureStatus.UNUSABLE,
            reason=reason,
        )


def _group_of(element: Element) -> Element | None:
    parent = element.getparent()
    while parent is not None and parent.tag not in _GROUPS_END:
        if parent.tag == "fig-group":
            return parent
        parent = parent.getparent()
    return None


def _surround_the_caption(element: Element) -> bool:
    """True if pictures stand before and after the caption: JATS forbids it, and two figures may have run together."""
    tags = [child.tag for child in element.iterchildren("caption", "graphic", "alternatives", "media")]
    return "caption" in tags[1:-1] and tags[0] != "caption" != tags[-1]


def _why_no_pair(draft: Draft, group: Words | None, text: str | None) -> FigureReason | None:
    shown = draft.shown
    if draft.is_damaged:
        return FigureReason.DAMAGED_XML
    if draft.words.is_ambiguous or (group is not None and group.is_ambiguous):
        return FigureReason.AMBIGUOUS_CAPTION
    if not shown.graphics:
        return FigureReason.NOT_AN_IMAGE if shown.media else FigureReason.NO_GRAPHIC
    if not any(graphic.href for graphic in shown.graphics):
        return FigureReason.EMPTY_HREF
    if text is None:
        return FigureReason.NO_CAPTION
    return None


def _kind(draft: Draft) -> FigureKind:
    figure_type = (draft.element.get("fig-type") or "").casefold()
    if draft.shown.media and not draft.shown.graphics:
        return FigureKind.VIDEO
    if draft.place.origin is Origin.ABSTRACT:
        return FigureKind.GRAPHICAL_ABSTRACT
    if figure_type.startswith("supplement") or draft.place.citing is MentionOrigin.SUPPLEMENT:
        return FigureKind.SUPPLEMENTARY
    if known := _KINDS_BY_TYPE.get(figure_type):
        return known
    return FigureKind(label_series(draft.words.label) or FigureKind.FIGURE)


def _of_group(caption: Caption) -> Iterator[Aside]:
    return (replace(aside, place=None) for aside in caption.asides)


def _sub_article_type(place: Place) -> str | None:
    if place.scope is None:
        return None
    return place.scope.get("article-type") or place.scope.get("response-type") or str(place.scope.tag)


def _other_caption(twin: Draft) -> OtherCaption:
    caption = twin.words.caption
    return OtherCaption(twin.language, twin.words.label, caption.text if caption else None)


def _joined(elements: Sequence[Element]) -> str | None:
    return " ".join(filter(None, map(plain, elements))) or None if elements else None


def _reading_order(drafts: Sequence[Draft]) -> list[int]:
    """Places from 1: figures of the main series by number, all others behind the figure they follow.

    Figures of sub-articles come last, in document order.
    """
    keys: list[int] = []
    current = 0
    for draft in drafts:
        if draft.place.scope is not None:
            current = 10**6
        elif draft.label is not None and draft.label.main_number is not None:
            current = draft.label.main_number
        keys.append(current)
    ranked = sorted(range(len(drafts)), key=lambda number: (keys[number], number))
    order = [0] * len(drafts)
    for rank, number in enumerate(ranked, start=1):
        order[number] = rank
    return order
