"""What stands in a caption and does not speak of the picture: found by its words, and taken out of text and spans.

Whole sentences and whole brackets only: a link or name that a sentence needs stays in it. Kinds: `AsideKind`.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from pmc15m.jats.labels import leading_label, parse_label
from pmc15m.jats.model import Aside, AsideKind, Markup
from pmc15m.jats.sentences import ends_sentence

Span = tuple[int, int]
Found = tuple[int, int, AsideKind]
Match = Callable[[str, int, int], re.Match[str] | None]
Pattern = tuple[AsideKind, Match, Match, Sequence[str]]

_URL = r"(?:https?://|www\.)[^\s()\[\]]*[^\s()\[\].,;:]"
_PICTURE = (
    r"(?:\w+\s+){0,2}(?:figures?|fig\.?|images?|pictures?|(?:micro)?photo(?:graph|micrograph)?s?|micrographs?|maps?|drawings?|"
    r"illustrations?|diagrams?|schem(?:e|atic)s?|artwork|panels?(?:\s+[\w,–-]+){0,4})"
)
_CREDIT = re.compile(
    rf"(?:{_PICTURE}(?:\s+\d+\w?)?\s+)?(?:(?:is|are|was|were|has been|have been)\s+)?(?:\w+ly\s+)?"
    r"(?:reproduced|reprinted|redrawn|adapted|modified)\s+(?:(?:and|or|in\s+part|\w+ly)\s+(?:\w+\s+){0,2})?"
    r"(?:with\s+(?:\w+\s+){0,2}permission|(?:from|by\s+courtesy)\b|after\s+(?-i:[A-Z©(\[\d]))|"
    r"(?:\w+\s+){0,3}(?:courtesy|(?:photo(?:graph)?|image|picture|figure|micrograph)\w*\s+credits?)\b|"
    r"credits?:|(?:used\s+)?(?:with|by)\s+(?:\w+\s+){0,2}permission\b|permission\s+(?:from|of|granted|obtained)\b|"
    r"photo(?:graph)?(?:(?:er)?s?\s*:|s?\s+by)\s+(?-i:[A-Z](?:\.|[a-z]))|"
    r"©|(?:\w+\s+)?copyright(?=\s*(?:©|\(c\)|(?:19|20)\d\d|by\b|held\b|holder|[.,:;)]|$))|all\s+rights\s+reserved|"
    r"(?:(?:satellite|image|photo\w*|figure|picture|map|data)\s+){0,2}(?:(?:fonte|fuente)s?\s*:|"
    r"sources?\s*:(?=\s*(?:(?-i:[A-Z©\[(\d])|https?:|www\.|own\b|the\b)))|"
    r"elaboração\s+própria|(?:elabora(?:do|ção|ted)|prepared)\s+(?:por|by)\s+(?:(?:the|os?)\s+)?(?-i:autor|author|[A-Z][a-z])",
    re.IGNORECASE,
)
_NOTICE = re.compile(r"\(?(?:copyright\s+)?©\s*(?:19|20)\d\d[^.©]{0,120}\.?\)?$", re.IGNORECASE)
_BRACKETED_CREDIT = re.compile(
    rf"{_CREDIT.pattern}|.*\b(?:used|reproduced|reprinted)\s+with\s+(?:\w+\s+){{0,2}}permission\.?$", re.IGNORECASE
)
_LINK = re.compile(
    rf"(?:doi:?\s*)?(?:{_URL}|10\.\d{{4,}}/\S+)\.?|"
    rf"(?:[^()]{{0,30}}\b(?:at|see|via|from|in|link)\b:?\s*)?{_URL}(?:,[^()]{{0,60}})?\.?|"
    rf"(?:(?!\([A-Za-z]\)).){{3,160}}\b(?:is|are|be)\s+(?:\w+ly\s+)?"
    rf"(?:available|found|viewed|accessed|downloaded|deposited)\b.{{0,80}}(?:{_URL}|\bonline\b).{{0,40}}|"
    r"\(?for\s+interpretation\s+of\s+(?:the\s+)?references\s+to\s+colou?r[^()]{0,200}\)?\.?|"
    r"(?:for\s+(?:a\s+)?)?colou?r\s+(?:figure|version|image)s?\b[^\[\]]{0,60}\b(?:viewed|available|online)\b[^\[\]]{0,80}|"
    r"colou?r\s+online\.?",
    re.IGNORECASE,
)
_FILE = re.compile(
    r"(?:click|tap)\s+here\s+(?:for|to)\s+(?:additional|view|download|see)[^.]{0,80}\.?|"
    r"source\s+data\b[^:]{0,20}\b(?:are|is|for|available|provided|file)\b[^:]{0,120}|"
    r"(?:see\s+(?:also\s+)?)?(?:figure\s+\S+[—–-]\s*)?source\s+data(?:\s+(?:file\s+)?\d+)?\.?|"
    r"(?:the\s+|all\s+|full\s+)?(?:raw|source|original|individual)\s+data(?!\s+points)\b[^:]{0,90}"
    r"\b(?:available|provided|found|deposited|included)\b"
    r"(?=[^:]{0,90}(?:\bonline|\brequest|repositor|\bfiles?\b|supplement|appendix|source\s+data|https?:|\btable))[^:]{0,90}|"
    r"additional\s+data\s+files?\.?",
    re.IGNORECASE,
)
_BLOCK_FILE = re.compile(
    r"(?:(?:(?:additional|supplementary|supporting)\s+(?:data|information|material)s?(?:\s+file)?|(?:graphical|visual)\s+abstract|"
    r"\((?:pdf|docx?|xlsx?|tiff?|eps|jpe?g|png|zip|mp4|avi|mov)\))\.?\s*)+",
    re.IGNORECASE,
)
_HEADING = re.compile(r"figure\s+legends?[.:]?", re.IGNORECASE)
_STOP = re.compile(
    r"[.!?][\"'”’)\]]*(?:\d+(?:\s*[,–-]\s*\d+)*|[⁰¹²³⁴-⁹]+(?:\s*[,–-]\s*[⁰¹²³⁴-⁹]+)*)?\s+(?=[\"'“‘(\[]*(?:[A-ZÀ-ÞΑ-Ω0-9©]|[a-z]\)\s|https?:))"
)
_MARKER = re.compile(r"\(?[A-Za-z](?:\s*[,–-]\s*[A-Za-z])*\)[:.]?\s*")
_BRACKETS = re.compile(r"\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\[\]]*\]")
_AFTER_LABEL = re.compile(r"(?=[\s.:|])\s*((?:[.:|]|[–—-](?=\s))*)\s*")
_TELLS_ON = re.compile(r"(?:and|or|to|in|of|are|was|were|has|have|can|also|with|from|[a-zà-ÿ]+s)\b|[,;)\]–-]|$")
"""What goes on with a sentence whose subject the label is: 'Figure 2 shows', 'Figure 2 and'."""
_SHORTEST = 8
"""Characters: no bracket below is an aside."""
_FILE_WORDS = ("ource", "aw data", "riginal data", "ndividual data", "k here ", "p here ", "dditional data")
_LINK_WORDS = ("://", "www.", "doi", "DOI", "online", "nterpretation of")
_CREDIT_WORDS = (
    *("ermission", "eproduced", "eprinted", "edrawn", "dapted", "odified ", "ourtesy", "redit", "opyright", "©"),
    *("hoto", "ource", "onte:", "uente:", "labora", "repared by "),
)
# Kind, pattern of a sentence, pattern of what stands in brackets, and words without the letter that may be a capital:
# the patterns are dear, and most captions hold none of the words that each needs.
_PATTERNS: tuple[Pattern, ...] = (
    (AsideKind.LABEL, _HEADING.fullmatch, _HEADING.fullmatch, ("legend", "Legend")),
    (AsideKind.FILE, _FILE.fullmatch, _FILE.fullmatch, _FILE_WORDS),
    (AsideKind.LINK, _LINK.fullmatch, _LINK.fullmatch, _LINK_WORDS),
    (AsideKind.CREDIT, _CREDIT.match, _BRACKETED_CREDIT.match, _CREDIT_WORDS),
)
_STOPS = frozenset(",.;:)]")


def find_asides(text: str, blocks: Sequence[Span], label: str | None) -> Iterator[Found]:
    """Start, end and kind of what does not speak of the picture, in order.

    `blocks` are the spans of the caption's blocks, `label` the figure's own label: repeated at the start it is an
    aside, and so is any that stands there if the figure has none.
    """
    behind_label = _label_end(text, label)
    if behind_label:
        yield 0, len(text[:behind_label].rstrip()), AsideKind.LABEL
    patterns = [pattern for pattern in _PATTERNS if _holds(text, pattern[3])]
    for first, last in blocks:
        first = max(first, behind_label)
        if _BLOCK_FILE.fullmatch(text, first, last):
            yield first, last, AsideKind.FILE
        elif patterns:
            yield from _in_block(text, first, last, patterns)


def _in_block(text: str, first: int, last: int, patterns: Sequence[Pattern]) -> Iterator[Found]:
    for bracket in _BRACKETS.finditer(text, first, last):
        start, end = bracket.span()
        if end - start >= _SHORTEST:
            for kind, _, in_brackets, words in patterns:
                if _holds(text[start:end], words) and in_brackets(text, start + 1, end - 1):
                    yield start, end, kind
    for start, end in _sentences(text, first, last):
        marker = _MARKER.match(text, start, end)
        place = marker.end() if marker else start
        said = text[place:end]
        kinds = [kind for kind, matches, _, words in patterns if _holds(said, words) and matches(text, place, end)]
        if kinds:
            goes_on = end < last and not _MARKER.match(text[end:last].lstrip())
            yield place if goes_on else start, end, kinds[0]  # what goes on is still of the panel that is named
        elif "©" in said and (notice := _NOTICE.search(text[start:end])):
            yield start + notice.start(), end, AsideKind.CREDIT


def _holds(text: str, words: Sequence[str]) -> bool:
    return any(map(text.__contains__, words))


def _label_end(text: str, label: str | None) -> int:
    """Where the caption begins behind its label, however often it is repeated; 0 if it bears none, or nothing else."""
    end = 0
    while found := leading_label(text[end:]):
        said, own = parse_label(found), parse_label(label)
        if label and (said is None or own is None or (said.number, said.rest) != (own.number, own.rest)):
            break
        behind = end + len(found)
        after = _AFTER_LABEL.match(text, behind)
        if after is None or after.end() == len(text) or (not after[1] and _TELLS_ON.match(text, after.end())):
            break
        end = after.end()
    return end


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    """The sentences between two places, without the blanks that divide them."""
    for stop in _STOP.finditer(text, start, end):
        if ends_sentence(text, stop) or _CREDIT.match(text, stop.end(), end):  # 'by Doe et al. Reprinted from …'
            yield start, start + len(text[start : stop.end()].rstrip())
            start = stop.end()
    if start < end:
        yield start, end


def take_out(text: str, spans: Sequence[Markup], found: Sequence[Found]) -> tuple[str, list[Markup], tuple[Aside, ...]]:
    """The text and its spans without the asides, and these with the places where they stood.

    Where two overlap, the one that begins first counts, or the longer. A blank is left between words, none before a
    stop.
    """
    kept: list[int] = []
    asides: list[Aside] = []
    done = 0
    for start, end, kind in (*sorted(found, key=lambda one: (one[0], -one[1])), (len(text), len(text), None)):
        if start < done:
            continue
        is_blank = bool(kept) and text[kept[-1]] == " "
        if text[done : done + 1] == " " and (not kept or is_blank or text[done + 1 : done + 2] in _STOPS):
            done += 1
        if is_blank and text[done : done + 1] in _STOPS:
            kept.pop()
        kept += range(done, start)
        place = len(kept) - (bool(kept) and text[kept[-1]] == " ")
        if kind is None:
            del kept[place:]
            break
        is_sentence = place == 0 or text[kept[place - 1]] in ".!?"
        done = end + (is_sentence and kind is not AsideKind.REFERENCE and text[end : end + 1] == ".")
        asides.append(Aside(place, text[start:done], kind))
    moved = (Markup(bisect_left(kept, s.start), bisect_left(kept, s.end), s.kind) for s in spans)
    text = "".join(map(text.__getitem__, kept))
    return text, [trimmed for span in moved if (trimmed := _trimmed(text, span))], tuple(asides)


def _trimmed(text: str, span: Markup) -> Markup | None:
    piece = text[span.start : span.end]
    start = span.start + len(piece) - len(piece.lstrip())
    end = start + len(piece.strip())
    return Markup(start, end, span.kind) if end > start else None
