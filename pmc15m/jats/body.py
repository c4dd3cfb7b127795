"""The running text of an article with the places of its figures: title, abstract, body, acknowledgements, appendices.

Tables, references, notes and sub-articles are left out. A figure stands where its element does; one that stands apart
from the text (`floats-group`) follows the first block that cites it, and one that is cited nowhere comes last.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from pmc15m.jats.mentions import Cited
from pmc15m.jats.model import Block, BlockKind, Citation
from pmc15m.jats.text import Text, walk
from pmc15m.jats.tree import Element, names_of

_CONTAINERS = names_of("abstract body sec boxed-text ack app-group app notes")
_BACK = ("ack", "app-group", "app", "sec", "notes")
_SILENT = names_of(
    """label object-id sec-meta ref-list fn-group glossary table-wrap table-wrap-group supplementary-material media fig
    fig-group graphic alternatives floats-group floats-wrap sub-article response"""
)
_HEADINGS = frozenset(["title", "subtitle"])


def read_body(article: Element, figures: Sequence[Element], cited: Collection[Cited]) -> tuple[Block, ...]:
    """The blocks of an article in reading order; `figures` are the elements of its figures, by position."""
    numbers = {element: number for number, element in enumerate(figures)}
    by_xref: dict[Element, list[Cited]] = defaultdict(list)
    for each in cited:
        by_xref[each.xref].append(each)
    flow = list(_flow(article, numbers, by_xref))
    placed = {block.figure for block in flow}
    first: dict[int, int] = {}
    for place, block in enumerate(flow):
        for citation in block.citations:
            first.setdefault(citation.figure, place)
    apart: dict[int, list[Block]] = defaultdict(list)
    for position in range(1, len(figures) + 1):
        if position not in placed:
            apart[first.get(position, len(flow) - 1)].append(Block(BlockKind.FIGURE, figure=position))
    return (*apart[-1], *(one for place, block in enumerate(flow) for one in (block, *apart[place])))


def _flow(
    article: Element, numbers: Mapping[Element, int], cited: Mapping[Element, Sequence[Cited]]
) -> Iterator[Block]:
    for title in article.iterfind("front/article-meta/title-group/article-title"):
        yield from _texts(title, BlockKind.TITLE, cited)
    for abstract in article.iterfind("front/article-meta/abstract"):
        yield from _blocks(abstract, numbers, cited)
    for body in article.iterchildren("body"):
        yield from _blocks(body, numbers, cited)
    for back in article.iterchildren("back"):
        for part in back.iterchildren(*_BACK):
            yield from _blocks(part, numbers, cited)


def _blocks(
    element: Element, numbers: Mapping[Element, int], cited: Mapping[Element, Sequence[Cited]]
) -> Iterator[Block]:
    for child in element.iterchildren("*"):
        if child.tag in _CONTAINERS:
            yield from _blocks(child, numbers, cited)
            continue
        if child.tag not in _SILENT:
            yield from _texts(child, BlockKind.HEADING if child.tag in _HEADINGS else BlockKind.PARAGRAPH, cited)
        for inner in child.iter("fig", "fig-group", "graphic"):
            if inner in numbers:
                yield Block(BlockKind.FIGURE, figure=numbers[inner] + 1)


def _texts(element: Element, kind: BlockKind, cited: Mapping[Element, Sequence[Cited]]) -> Iterator[Block]:
    """The block of an element, unless it is empty. What cites a figure within a formula is not in the text."""
    out = Text(watched=cited)
    walk(element, out)
    if text := str(out):
        citations = (
            Citation(start, end, each.number + 1, each.mention.panels, each.mention.basis)
            for xref, (start, end) in out.found.items()
            for each in cited[xref]
        )
        yield Block(kind, text, tuple(citations))
