"""Captions that a reader cut into pieces which say what panels they concern, and what it means that a text is right.

`PIECES.jsonl` holds captions whole: one line {"id", "folder", "caption", "markup", "pieces": [[start, end, who]], and
"also" for a second reading}. `marks.jsonl.gz` beside this file holds marks alone, for captions that lie elsewhere: one
line {"source", "id", "words", "marks": [[number of words, who], ...]}, `words` being a checksum of the words marked.

`made_up.txt` holds captions of our own, with the marks in them: "⟦A⟧Cats ⟦m⟧(A)". `who` is a list of labels, `*` (the
whole figure), `m` (a marker) or `-` (a joint). One rule holds for all: the pieces of one letter, read in order, say
what its panel shows, whole, and nothing true of another panel only.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pmc15m.jats import parse_article

FOLDER = Path(__file__).parent
MARKS, MADE_UP = FOLDER / "marks.jsonl.gz", FOLDER / "made_up.txt"
WHOLE, MARKER, JOINT = "*", "m", "-"
WORD = re.compile(r"\w+")

Who = str | frozenset[str]
Span = tuple[int, int]


class Word(NamedTuple):
    """A word of a caption, and who owns it: a set of labels (`normal`), or WHOLE, MARKER, JOINT."""

    start: int
    end: int
    who: Who


class Marked(NamedTuple):
    """A caption, its article, and what its readers made of it: one list of words for each reader."""

    id: str
    article: str
    text: str
    markup: tuple[tuple[int, int, str], ...]
    readings: tuple[tuple[Word, ...], ...]

    @property
    def labels(self) -> frozenset[str]:
        """The labels of the first reading."""
        return frozenset(label for word in self.readings[0] if isinstance(word.who, frozenset) for label in word.who)


def normal(label: str) -> str:
    """A label without brackets, stops and case."""
    return " ".join(label.strip(" ()[]{}.,:;").split()).casefold()


def owner(who: str) -> Who:
    who = who.strip()
    return who if who in (WHOLE, MARKER, JOINT) else frozenset(normal(x) for x in who.split(",") if x.strip())


def read_pieces(path: Path) -> Iterator[Marked]:
    """The captions of PIECES.jsonl."""
    with path.open(encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            text = line["caption"]
            readings = [line["pieces"], *([line["also"]] if line.get("also") else [])]
            markup = tuple((start, end, kind) for start, end, kind in line["markup"])
            yield Marked(line["id"], line["folder"], text, markup, tuple(_words(text, pieces) for pieces in readings))


def _words(text: str, pieces: Sequence[tuple[int, int, str]]) -> tuple[Word, ...]:
    """A word belongs to the piece in which it begins."""
    ordered = sorted(pieces)
    out, at = [], 0
    for match in WORD.finditer(text):
        while at < len(ordered) and ordered[at][1] <= match.start():
            at += 1
        inside = at < len(ordered) and ordered[at][0] <= match.start()
        out.append(Word(*match.span(), owner(ordered[at][2] if inside else JOINT)))
    return tuple(out)


def read_marks(captions: Mapping[str, tuple[str, str, Sequence[tuple[int, int, str]]]]) -> Iterator[Marked]:
    """The marked captions among `captions`: id to (article, text, markup). One whose words changed is left out."""
    with gzip.open(MARKS, "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["id"] not in captions:
                continue
            article, text, markup = captions[line["id"]]
            spans = [match.span() for match in WORD.finditer(text)]
            if checksum(text) != line["words"]:
                continue
            who = [owner(each) for count, each in line["marks"] for _ in range(count)]
            words = tuple(Word(*span, each) for span, each in zip(spans, who, strict=True))
            yield Marked(line["id"], article, text, tuple(markup), (words,))


def read_made_up() -> Iterator[Marked]:
    """The captions of our own; each is its own article."""
    for block in MADE_UP.read_text(encoding="utf-8").split("### ")[1:]:
        name, _, body = block.partition("\n")
        yield made_up(f"made up {name}", body)


def made_up(name: str, body: str) -> Marked:
    """The caption of a `body` with marks in it: "⟦m⟧(A) ⟦A⟧Cats. ⟦m⟧(B) ⟦B⟧Dogs."."""
    parts = re.split(r"⟦([^⟧]*)⟧", " ".join(body.split()))
    pieces, text = [], ""
    for who, piece in zip(parts[1::2], parts[2::2], strict=True):
        pieces.append((len(text), len(text) + len(piece), who))
        text += piece
    return Marked(name, name, text, (), (_words(text, pieces),))


def checksum(text: str) -> int:
    return zlib.crc32(" ".join(WORD.findall(text)).encode())


def is_right(marked: Marked, label: str, spans: Sequence[Span]) -> bool:
    """Whether `spans` are the text of a label by some reading: at most a tenth of its words missing (one may be from
    five on), no word of other panels but one of three letters, and words of the whole figure a quarter at most."""
    return any(_is_right(words, label, spans) for words in marked.readings)


def _is_right(words: Sequence[Word], label: str, spans: Sequence[Span]) -> bool:
    needed = missing = general = total = 0
    foreign: list[int] = []
    for start, end, who in words:
        mine = isinstance(who, frozenset) and label in who
        needed += mine
        if not any(a <= start < b for a, b in spans):
            missing += mine
        elif who != MARKER:
            total += 1
            general += who in (WHOLE, JOINT)
            if isinstance(who, frozenset) and not mine:
                foreign.append(end - start)
    few = not foreign or (len(foreign) == 1 and foreign[0] <= 3)
    return missing <= max(needed // 10, needed >= 5) and few and general <= total / 4


def captions_of(silver: Path, zou: Path, articles: Path) -> dict[str, Any]:
    """Id to (article, text, markup) of the captions that `marks.jsonl.gz` marks: of the publishers' bold labels, of
    zou458, and of the articles of a folder."""
    out: dict[str, Any] = {}
    with gzip.open(silver, "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            markup = [(start, end, "bold") for start, end, _ in line["markers"]]
            out[f"{line['pmcid']}:{line['fig']}"] = line["pmcid"], line["caption"], markup
    for name, figure in json.loads(zou.read_text(encoding="utf-8")).items():
        if figure.get("caption"):
            out[f"zou:{name}"] = name.split("_")[0], figure["caption"], []
    for path in xml_files(articles):
        article = path.relative_to(articles).parts[0]
        for figure in parse_article(path.read_bytes()).figures:
            if figure.caption:
                markup = [(span.start, span.end, span.kind.value) for span in figure.caption_markup]
                out.setdefault(f"{article}:{figure.figure_id}", (article, figure.caption, markup))
    return out


def xml_files(articles: Path) -> list[Path]:
    """The XML of a folder with a folder for each article."""
    return sorted(path for path in articles.glob("*/**/*") if path.suffix.lower() in (".xml", ".nxml"))
