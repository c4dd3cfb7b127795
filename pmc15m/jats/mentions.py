"""Every place in an article that cites a figure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pmc15m.jats import citing
from pmc15m.jats.labels import Label, parse_label
from pmc15m.jats.model import Mention, MentionBasis, MentionOrigin
from pmc15m.jats.sections import Place, Places
from pmc15m.jats.sentences import sentence_around
from pmc15m.jats.text import Text, walk
from pmc15m.jats.tree import Element

Scope = Element | None

_PARAGRAPHS = frozenset(["p", "title", "td", "th", "label", "attrib", "subtitle", "article-title", "term"])


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that can be cited: its number in `figures`, its scope and the parts of its label."""

    number: int
    scope: Scope
    label: Label | None


class Targets:
    """Figures by id and by label. Every sub-article has its own id space, in front of the main article's."""

    def __init__(self, targets: Iterable[tuple[Target, Iterable[str]]]) -> None:
        self.ids: dict[str, list[Target]] = defaultdict(list)
        self._by_label: dict[tuple[Scope, tuple[str, ...], int], Target] = {}
        for target, ids in targets:
            for identifier in ids:
                self.ids[identifier].append(target)
            if target.label is not None and not target.label.rest:
                self._by_label.setdefault((target.scope, target.label.stem, target.label.number), target)

    def named(self, rid: str, scope: Scope) -> Sequence[Target]:
        """The figures that an id means in a scope: its own, else the main article's, else another's."""
        everywhere = self.ids.get(rid, ())
        for space in (scope, None):
            if found := [target for target in everywhere if target.scope is space]:
                return found
        return everywhere

    def numbered(self, like: Target, number: int) -> Target | None:
        """The figure of the same series and scope that bears a number."""
        return self._by_label.get((like.scope, like.label.stem, number)) if like.label else None

    def between(self, first: Target, last: Target) -> list[Target]:
        """Figures whose numbers lie between two of one series."""
        if first.label is None or last.label is None or first.scope is not last.scope:
            return []
        if first.label.stem != last.label.stem:
            return []
        numbers = range(first.label.number + 1, last.label.number)
        return [found for number in numbers[:100] if (found := self.numbered(first, number))]


@dataclass(slots=True)
class _Citation:
    """One `xref` in a paragraph."""

    targets: list[Target]
    start: int
    end: int
    panels: tuple[str, ...]


def find_mentions(xrefs: Iterable[Element], targets: Targets, places: Places) -> tuple[dict[int, list[Mention]], int]:
    """Mentions by figure number in document order, and the count of `xref`s of type `fig` that name no figure."""
    paragraphs: dict[Element, list[tuple[Element, list[Target]]]] = {}
    dangling = 0
    for xref in xrefs:
        rids = (xref.get("rid") or "").split()
        if not any(rid in targets.ids for rid in rids):
            dangling += xref.get("ref-type") == "fig"
            continue
        paragraph = _paragraph(xref)
        scope = places.inside(paragraph).scope
        cited = dict.fromkeys(target for rid in rids for target in targets.named(rid, scope))
        paragraphs.setdefault(paragraph, []).append((xref, list(cited)))
    found: dict[int, list[Mention]] = defaultdict(list)
    for paragraph, cited_here in paragraphs.items():
        _mentions_of(paragraph, cited_here, targets, places, found)
    return found, dangling


def _paragraph(xref: Element) -> Element:
    parent: Element = xref.getparent()
    element: Element | None = parent
    while element is not None:
        if element.tag in _PARAGRAPHS:
            return element
        element = element.getparent()
    return parent


def _mentions_of(
    paragraph: Element,
    cited: list[tuple[Element, list[Target]]],
    targets: Targets,
    places: Places,
    found: dict[int, list[Mention]],
) -> None:
    out = Text(watched=dict(cited))
    walk(paragraph, out)
    text = str(out)
    previous: _Citation | None = None
    for xref, figures in cited:
        place = places.inside(xref)
        start, end = out.found.get(xref, (-1, -1))
        words = text[start:end] if start >= 0 else ""
        panels = citing.panels_cited(text, start, end) if start >= 0 else ()
        here = _Citation(figures, start, end, panels)
        between: list[Target] = []
        if previous is not None and start >= 0 and citing.RANGE_JOINER.fullmatch(text, previous.end, start):
            between = targets.between(previous.targets[-1], figures[0])
            if figures == previous.targets:
                here.panels = (*citing.panels_between(previous.panels, panels), *panels)
        sentence = sentence_around(text, start, end) if start >= 0 else text

        def add(
            target: Target,
            panels: tuple[str, ...],
            basis: MentionBasis,
            place: Place = place,
            sentence: str = sentence,
        ) -> None:
            origin = place.citing
            if place.scope is not None and target.scope is not place.scope and origin is MentionOrigin.TEXT:
                origin = MentionOrigin.SUB_ARTICLE
            found[target.number].append(Mention(place.section_path, text, sentence, panels, origin, basis))

        for target in between:
            add(target, (), MentionBasis.EXPANDED)
        for target in figures:
            add(target, here.panels if len(figures) == 1 else (), MentionBasis.EXPLICIT)
        for target in _also_in_words(words, figures, targets, between):
            add(target, (), MentionBasis.EXPANDED_TEXT)
        previous = here if start >= 0 else None


def _also_in_words(words: str, figures: list[Target], targets: Targets, between: list[Target]) -> Iterable[Target]:
    """Figures that only the words of the citation name: 'Figs 1–3' whose `rid` is Fig. 1."""
    label = figures[0].label
    before, numbers = citing.list_of_numbers(words)
    if label is None or label.number not in numbers:
        return
    said = parse_label(f"{before}{numbers[0]}")
    if before.strip() and (said is None or said.stem != label.stem):
        return
    for number in numbers:
        also = targets.numbered(figures[0], number)
        if also is not None and also not in figures and also not in between:
            yield also
