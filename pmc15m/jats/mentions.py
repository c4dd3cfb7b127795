"""Every place in an article that cites a figure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pmc15m.jats import citing
from pmc15m.jats.labels import Label, parse_label
from pmc15m.jats.model import Mention, MentionBasis, MentionOrigin
from pmc15m.jats.sections import Place, Places
from pmc15m.jats.sentences import Sentences
from pmc15m.jats.text import Text, walk
from pmc15m.jats.tree import Element

Scope = Element | None

_LONGEST_JOINER = 24
_LONGEST_RANGE = 100
_MOST_FIGURES = 100
"""That one id is taken to mean: more, and the cost would no longer be linear."""
_LONGEST_CITATION = 200

_PARAGRAPHS = frozenset(["p", "title", "td", "th", "label", "attrib", "subtitle", "article-title", "term"])


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A figure that can be cited: its number in `figures`, its scope and the parts of its label."""

    number: int
    scope: Scope
    label: Label | None


@dataclass(frozen=True, slots=True, eq=False)
class Cited:
    """A figure, by its number in `figures`, as one `xref` cites it; of a range, the `xref` at its end."""

    number: int
    xref: Element
    mention: Mention


class Targets:
    """Figures by id and by label. Every sub-article has its own id space, in front of the main article's."""

    def __init__(self, targets: Iterable[tuple[Target, Iterable[str]]]) -> None:
        self.ids: dict[str, list[Target]] = defaultdict(list)
        self._by_id: dict[tuple[Scope, str], list[Target]] = defaultdict(list)
        self._by_label: dict[tuple[Scope, tuple[str, ...], int], list[Target]] = defaultdict(list)
        for target, ids in targets:
            for identifier in ids:
                self.ids[identifier].append(target)
                self._by_id[target.scope, identifier].append(target)
            if target.label is not None and not target.label.rest:
                self._by_label[target.scope, target.label.stem, target.label.number].append(target)

    def named(self, rid: str, scope: Scope) -> Sequence[Target]:
        """The figures that an id means in a scope: its own, else the main article's, else another's."""
        found = self._by_id.get((scope, rid)) or self._by_id.get((None, rid)) or self.ids.get(rid) or []
        return found[:_MOST_FIGURES]

    def numbered(self, scope: Scope, stem: tuple[str, ...], number: int) -> list[Target]:
        """The figures of a series that bear a number: more than one if it is that of their group."""
        return self._by_label.get((scope, stem, number), [])

    def between(self, first: Target, last: Target, words: tuple[str, str]) -> list[Target]:
        """Figures between two that a range joins: by their own labels, else by the words of the citations.

        The words matter where labels lack numbers: 'Figs 1–3' that ends at panel '(b)' of Figure 3.
        """
        said = parse_label(words[0]), parse_label(words[1])
        if first is last or first.scope is not last.scope:
            return []
        for one, other in ((first.label, last.label), said):
            if one is not None and other is not None and one.stem == other.stem:
                found = [
                    target
                    for number in range(one.number + 1, min(other.number, one.number + _LONGEST_RANGE))
                    for target in self.numbered(first.scope, one.stem, number)
                ]
                if found:
                    return [target for target in found if target not in (first, last)]
        return []


def find_mentions(xrefs: Iterable[Element], targets: Targets, places: Places) -> tuple[list[Cited], int]:
    """Mentions in document order, and the count of `xref`s of type `fig` that name no figure."""
    paragraphs: dict[Element, list[tuple[Element, list[Target]]]] = {}
    dangling = 0
    ids = targets.ids
    for xref in xrefs:
        rid = xref.get("rid")
        if rid in ids:
            rids = [rid]
        elif rid is not None and " " in rid and not ids.keys().isdisjoint(rid.split()):
            rids = rid.split()
        else:
            if xref.get("ref-type") == "fig":
                dangling += 1
            continue
        paragraph = _paragraph(xref)
        scope = places.inside(paragraph).scope
        cited = list(dict.fromkeys(target for each in rids for target in targets.named(each, scope)))
        paragraphs.setdefault(paragraph, []).append((xref, cited))
    read = (_read_paragraph(paragraph, cited_here, targets, places) for paragraph, cited_here in paragraphs.items())
    return [cited for found in read for cited in found], dangling


def _paragraph(xref: Element) -> Element:
    parent: Element = xref.getparent()
    element: Element | None = parent
    while element is not None:
        if element.tag in _PARAGRAPHS:
            return element
        element = element.getparent()
    return parent


def _read_paragraph(
    paragraph: Element,
    cited: list[tuple[Element, list[Target]]],
    targets: Targets,
    places: Places,
) -> Iterator[Cited]:
    out = Text(watched=dict(cited))
    walk(paragraph, out)
    text = str(out)
    sentences = Sentences(text)
    last_end = 0
    last_words = ""
    last_figures: list[Target] = []
    last_panels: tuple[str, ...] = ()
    for xref, figures in cited:
        place = places.inside(xref.getparent())
        start, end = out.found.get(xref, (0, 0))  # nothing of an xref within a formula is in the text
        sentence = sentences.around(start, end) if end else text
        panels = own_panels = citing.panels_cited(text, start, end) if end else ()
        between: list[Target] = []
        near = last_figures and 0 <= start - last_end < _LONGEST_JOINER
        if near and citing.RANGE_JOINER.fullmatch(text, last_end, start):
            between = targets.between(last_figures[-1], figures[0], (last_words, text[start:end]))
            if figures == last_figures:
                panels = (*citing.panels_between(last_panels, panels), *panels)
        for target in between:
            mention = Mention(place.section_path, text, sentence, (), _origin(place, target), MentionBasis.EXPANDED)
            yield Cited(target.number, xref, mention)
        for target in figures:
            own = panels if len(figures) == 1 else ()
            mention = Mention(place.section_path, text, sentence, own, _origin(place, target), MentionBasis.EXPLICIT)
            yield Cited(target.number, xref, mention)
        for target in _in_words(text[start:end], figures, targets):
            if target not in between:
                mention = Mention(
                    place.section_path, text, sentence, (), _origin(place, target), MentionBasis.EXPANDED_TEXT
                )
                yield Cited(target.number, xref, mention)
        last_end, last_words, last_figures, last_panels = end, text[start:end], figures, own_panels


def _origin(place: Place, target: Target) -> MentionOrigin:
    from_outside = place.scope is not None and target.scope is not place.scope
    return MentionOrigin.SUB_ARTICLE if from_outside and place.citing is MentionOrigin.TEXT else place.citing


def _in_words(words: str, figures: list[Target], targets: Targets) -> Iterator[Target]:
    """Figures that only the words of the citation name: 'Figs 1–3' whose `rid` is Fig. 1."""
    label = figures[0].label
    before, numbers = citing.list_of_numbers(words[:_LONGEST_CITATION])
    if label is None or label.number not in numbers:
        return
    said = parse_label(f"{before}{numbers[0]}")
    if before.strip() and (said is None or said.stem != label.stem):
        return
    for number in numbers:
        for also in targets.numbered(figures[0].scope, label.stem, number):
            if also not in figures:
                yield also
