"""The figures of one article: which elements are figures, and what belongs to each and to no other."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pmc15m.jats.graphics import Pictures, pictures
from pmc15m.jats.labels import Label, label_series, leading_label, parse_label
from pmc15m.jats.model import (
    CaptionSource,
    Figure,
    FigureKind,
    FigureReason,
    FigureStatus,
    Mark,
    Markup,
    Mention,
    Origin,
    OtherCaption,
    Rights,
)
from pmc15m.jats.sections import Place, Places
from pmc15m.jats.text import Text, add_child, plain, walk
from pmc15m.jats.tree import XML_LANG, Element

_BOILERPLATE = re.compile(
    r"(?:\(?(?:Click|Tap)\s+here\s+(?:for|to)\s+(?:additional|view|download|see)[^.]{0,80}\.?|"
    r"Additional\s+(?:data|information)\s+file\.?|Supplementary\s+(?:data|information|material)s?\.?|"
    r"(?:Graphical|Visual)\s+abstract\.?|\((?:PDF|DOCX?|XLSX?|TIFF?|EPS|JPE?G|PNG|ZIP|MP4|AVI|MOV)\)\.?)\s*",
    re.IGNORECASE,
)
_PERMISSION = re.compile(
    r"\b(?:(?:re)?(?:produced|printed|used|published)|adapted|modified|redrawn|taken|included|image|figure|courtesy)\b"
    r"[^.]{0,120}\b(?:with|by|under)\s+(?:the\s+)?(?:kind\s+|written\s+|prior\s+|official\s+)*(?:permissions?|licen[cs]e|consent)\b|"
    r"\bpermission\s+(?:from|of|granted|obtained)\b|\bwith\s+permission\b|"
    r"\b(?:reproduced|reprinted)\s+(?:from|by\s+courtesy)\b|com\s+permissão|con\s+permiso",
    re.IGNORECASE,
)
_COPYRIGHT = re.compile(r"©|\b[Cc]opyright\b|\bCOPYRIGHT\b|\([Cc]\)\s*(?:19|20)\d\d,?\s+[A-Z]")
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


@dataclass(slots=True)
class Draft:
    """A figure that is being read: the element(s) it comes from and what they say."""

    element: Element
    place: Place
    group: Element | None
    ids: list[str]
    label: str | None
    parsed_label: Label | None
    caption: "Caption | None"
    shown: Pictures
    damaged: bool
    twins: list["Draft"] = field(default_factory=list)
    """The same figure in other languages."""

    @property
    def language(self) -> str | None:
        language: str | None = self.element.get(XML_LANG)
        return language


@dataclass(frozen=True, slots=True)
class Caption:
    """Text of one `caption` element."""

    text: str | None
    title: str | None
    spans: tuple[Markup, ...]
    source: CaptionSource
    others: tuple[OtherCaption, ...] = ()
    contradictory: bool = False


def draft_figures(
    elements: Iterable[Element], places: Places, language: str | None, is_intact: Callable[[Element], bool]
) -> list[Draft]:
    """One draft for each figure, in document order; figures that are translations of one another are one."""
    drafts = [_draft(element, places, language, is_intact) for element in elements]
    return _join_languages(drafts, language)


def _draft(element: Element, places: Places, language: str | None, is_intact: Callable[[Element], bool]) -> Draft:
    place = places.inside(element.getparent())
    group = _group_of(element)
    intact = is_intact(element)
    label_element = element.find("label")
    label = plain(label_element)
    identifier = element.get("id")
    return Draft(
        element=element,
        place=place,
        group=group if group is not None and is_intact(group) else None,
        ids=[identifier] if identifier else [],
        label=label,
        parsed_label=parse_label(label),
        caption=read_caption(element, _language_of(place, language)) if intact else None,
        shown=pictures(element) if intact else Pictures(),
        damaged=not intact,
    )


def _language_of(place: Place, language: str | None) -> str | None:
    return place.scope.get(XML_LANG, language) if place.scope is not None else language


def _group_of(element: Element) -> Element | None:
    parent = element.getparent()
    while parent is not None and parent.tag not in ("fig", "sec", "body", "back", "floats-group"):
        if parent.tag == "fig-group":
            return parent
        parent = parent.getparent()
    return None


def _join_languages(drafts: list[Draft], language: str | None) -> list[Draft]:
    """Join `<fig xml:lang="pt">` and `<fig xml:lang="en">` of one group if they share one picture, or none."""
    groups: dict[Element, list[Draft]] = {}
    for draft in drafts:
        if draft.group is not None and draft.language is not None:
            groups.setdefault(draft.group, []).append(draft)
    gone: set[Element] = set()
    for members in groups.values():
        languages = {member.language for member in members}
        showing = [member for member in members if member.shown.graphics]
        numbers = {member.parsed_label.number for member in members if member.parsed_label}
        if len(members) < 2 or len(languages) < len(members) or len(showing) > 1 or len(numbers) > 1:
            continue
        wanted = _language_of(members[0].place, language)
        first = next((member for member in members if member.language == wanted), members[0])
        first.twins = [member for member in members if member is not first]
        for twin in first.twins:
            gone.add(twin.element)
            first.ids += twin.ids
            if twin in showing:
                first.shown = twin.shown
    return [draft for draft in drafts if draft.element not in gone]


def read_caption(element: Element, language: str | None) -> Caption | None:
    """The caption of a `fig` or `fig-group`: its own, else that of its only graphic or media."""
    captions = element.findall("caption")
    source = CaptionSource.FIGURE
    if not captions and element.tag == "fig":
        held = [*element.iterfind("graphic/caption"), *element.iterfind("alternatives/graphic/caption")]
        captions = held if len(held) == 1 else []
        source = CaptionSource.GRAPHIC
    if not captions:
        return None
    languages = [caption.get(XML_LANG) for caption in captions]
    if len(captions) > 1 and len(set(languages)) < len(captions):
        return Caption(None, None, (), source, contradictory=True)
    chosen = languages.index(language) if language in languages else languages.index(None) if None in languages else 0
    text, title, spans, translated = _caption_text(captions[chosen])
    others = [
        OtherCaption(caption.get(XML_LANG), None, _caption_text(caption)[0])
        for caption in captions
        if caption is not captions[chosen]
    ]
    return Caption(text, title, spans, source, (*others, *translated))


def _caption_text(
    caption: Element,
) -> tuple[str | None, str | None, tuple[Markup, ...], tuple[OtherCaption, ...]]:
    out = Text(spans=True)
    title = None
    translated = []
    if caption.text:
        out.add(caption.text)
    for child in caption:
        tag = child.tag
        if tag == "trans-title":
            translated.append(OtherCaption(child.get(XML_LANG), None, plain(child)))
        elif tag == "title" or (tag == "p" and child.get("specific-use") != "attrib"):
            out.add(" ")
            start = out.length()
            walk(child, out)
            out.close(start, Mark.TITLE if tag == "title" else Mark.PARAGRAPH)
            if tag == "title" and title is None:
                title = str(out)[slice(*out.since(start))] or None
            out.add(" ")
        elif tag != "p":
            add_child(child, out)
        if child.tail:
            out.add(child.tail)
    text = str(out) or None
    spans = tuple(_with_boilerplate(text, out.spans or [])) if text else ()
    return text, title, spans, tuple(translated)


def _with_boilerplate(text: str, spans: list[Markup]) -> Iterator[Markup]:
    for span in spans:
        yield span
        if span.kind is Mark.PARAGRAPH and _BOILERPLATE.fullmatch(text, span.start, span.end):
            yield Markup(span.start, span.end, Mark.BOILERPLATE)


def finish_figures(
    drafts: Sequence[Draft], mentions: dict[int, list[Mention]], language: str | None
) -> tuple[Figure, ...]:
    """Frozen figures, numbered by position and by reading order."""
    order = _reading_order(drafts)
    groups: dict[Element, tuple[str | None, str | None]] = {}
    return tuple(
        _finish(draft, number, order[number], tuple(mentions.get(number, ())), language, groups)
        for number, draft in enumerate(drafts)
    )


def _finish(
    draft: Draft,
    number: int,
    order: int,
    mentions: tuple[Mention, ...],
    language: str | None,
    groups: dict[Element, tuple[str | None, str | None]],
) -> Figure:
    caption, shown, element = draft.caption, draft.shown, draft.element
    text = caption.text if caption else None
    reason: FigureReason | None = None
    if text and _BOILERPLATE.fullmatch(text):
        text, reason = None, FigureReason.BOILERPLATE_CAPTION
    group_label = group_caption = None
    if draft.group is not None:
        if draft.group not in groups:
            read = read_caption(draft.group, _language_of(draft.place, language))
            groups[draft.group] = plain(draft.group.find("label")), read.text if read else None
        group_label, group_caption = groups[draft.group]
    attrib, permissions = _credits(element)
    kind = _kind(draft)
    reason = _reason(draft, kind, text or group_caption, reason)
    others = caption.others if caption else ()
    for twin in draft.twins:
        others = (
            *others,
            OtherCaption(twin.language, twin.label, twin.caption.text if twin.caption else None),
        )
    return Figure(
        position=number + 1,
        order=order,
        figure_id=draft.ids[0] if draft.ids else f"#{number + 1}",
        id_is_given=bool(draft.ids),
        kind=kind,
        origin=draft.place.origin,
        sub_article_type=_sub_article_type(draft.place),
        language=draft.language or _language_of(draft.place, language),
        label=draft.label,
        derived_label=None if draft.label else leading_label(text),
        title=caption.title if caption and text else None,
        caption=text,
        caption_markup=caption.spans if caption and text else (),
        caption_source=caption.source if caption and text else None,
        other_captions=others,
        group_id=draft.group.get("id") if draft.group is not None else None,
        group_label=group_label,
        group_caption=group_caption,
        section_path=draft.place.section_path,
        mentions=mentions,
        graphics=tuple(shown.graphics),
        media=tuple(shown.media),
        attrib=attrib,
        alt_text=_joined(element.iterfind("alt-text")) or _joined(element.iterfind("graphic/alt-text")),
        permissions=permissions,
        rights=_rights(text, attrib, permissions),
        status=FigureStatus.OK if reason is None else FigureStatus.UNUSABLE,
        reason=reason,
    )


def _reason(draft: Draft, kind: FigureKind, text: str | None, reason: FigureReason | None) -> FigureReason | None:
    shown = draft.shown
    if draft.damaged:
        return FigureReason.DAMAGED_XML
    if draft.caption and draft.caption.contradictory:
        return FigureReason.SEVERAL_CAPTIONS
    if not shown.graphics:
        return FigureReason.NOT_AN_IMAGE if shown.media else FigureReason.NO_GRAPHIC
    if not any(graphic.href for graphic in shown.graphics):
        return FigureReason.EMPTY_HREF
    if text is None:
        return reason or FigureReason.NO_CAPTION
    return None


def _kind(draft: Draft) -> FigureKind:
    figure_type = (draft.element.get("fig-type") or "").casefold()
    if draft.shown.media and not draft.shown.graphics:
        return FigureKind.VIDEO
    if draft.place.origin is Origin.ABSTRACT:
        return FigureKind.GRAPHICAL_ABSTRACT
    if figure_type.startswith("supplement"):
        return FigureKind.SUPPLEMENTARY
    if known := _KINDS_BY_TYPE.get(figure_type):
        return known
    return FigureKind(label_series(draft.label) or FigureKind.FIGURE)


def _sub_article_type(place: Place) -> str | None:
    if place.scope is None:
        return None
    return place.scope.get("article-type") or place.scope.get("response-type") or str(place.scope.tag)


def _credits(element: Element) -> tuple[str | None, str | None]:
    attrib = list(element.iterfind("attrib"))
    attrib += [p for p in element.iterfind("caption/p") if p.get("specific-use") == "attrib"]
    permissions = [*element.iterfind("permissions"), *element.iterfind("graphic/permissions")]
    return _joined(attrib), _joined(permissions)


def _joined(elements: Iterable[Element]) -> str | None:
    return " ".join(filter(None, map(plain, elements))) or None


def _rights(caption: str | None, attrib: str | None, permissions: str | None) -> tuple[Rights, ...]:
    said = " ".join(filter(None, (caption, attrib)))
    found = []
    if permissions:
        found.append(Rights.OWN_PERMISSIONS)
    if said and _PERMISSION.search(said):
        found.append(Rights.PERMISSION_PHRASE)
    if said and _COPYRIGHT.search(said):
        found.append(Rights.COPYRIGHT_NOTICE)
    return tuple(found)


def _reading_order(drafts: Sequence[Draft]) -> list[int]:
    """Places from 1: figures of the main series by number, all others behind the figure they follow.

    Within a sub-article document order is kept, and sub-articles come where they stand.
    """
    keys: list[tuple[int, ...]] = []
    current: tuple[int, ...] = (0,)
    for draft in drafts:
        label = draft.parsed_label
        if draft.place.scope is not None:
            current = (10**6,)
        elif label is not None and label.main_number is not None:
            current = (label.main_number,)
        keys.append(current)
    ranked = sorted(range(len(drafts)), key=lambda number: (keys[number], number))
    order = [0] * len(drafts)
    for rank, number in enumerate(ranked, start=1):
        order[number] = rank
    return order
