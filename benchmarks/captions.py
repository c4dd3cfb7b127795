"""Split the captions of a gold file and write the answers for the scorer.

    python -m benchmarks.captions GOLD --out PRED.jsonl [--splitter pmc15m|regex] [--convention auto|own|shared|marked]

GOLD is silver.jsonl(.gz), zou458.json or its like, ophtha24.json, or a folder of manuscripts. Only the captions are
read from it; with `--convention auto` also whether the gold texts of the file hold their markers, which is one bit
a file and decides how spans are rendered. `regex` is the plain "(A)" cutter that the splitter is measured against.
"""

import argparse
import enum
import gzip
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from pmc15m.figures.captions import CaptionSplit, split_caption, text_of

Markup = list[tuple[int, int, str]]
_KINDS = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "sup": "sup", "sub": "sub", "u": "underline"}
_BLOCKS = frozenset(("p", "li", "ol", "ul", "div", "br"))


class Convention(enum.StrEnum):
    """What a sub-caption of a data set holds."""

    OWN = "own"  # its text: own words and those that its list shares, without its marker
    SHARED = "shared"  # and everything that concerns the whole figure
    MARKED = "marked"  # like SHARED, with its marker


class Caption(NamedTuple):
    """One caption: the id that the scorer expects, its text and its markup."""

    key: str
    text: str
    markup: Markup


class _Html(HTMLParser):
    """HTML of a caption to text with single spaces, and the spans of its inline elements."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.markup: Markup = []
        self._open: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.handle_data(" ")
        elif tag in _KINDS:
            self._open.append((_KINDS[tag], len(self.text)))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.handle_data(" ")
        elif self._open and _KINDS.get(tag) == self._open[-1][0]:
            kind, start = self._open.pop()
            self.markup.append((start, len(self.text), kind))

    def handle_data(self, data: str) -> None:
        data = re.sub(r"\s+", " ", data)
        self.text += data.lstrip() if not self.text or self.text.endswith(" ") else data


def from_html(source: str) -> tuple[str, Markup]:
    """Plain text of an HTML caption, and its markup as `(start, end, kind)`."""
    parser = _Html()
    parser.feed(source)
    parser.close()
    return parser.text, parser.markup


def read_captions(path: Path) -> tuple[list[Caption], bool]:
    """The captions of a gold file, and whether its sub-captions hold their markers."""
    if path.is_dir():
        folder = path / "ground_truth" if (path / "ground_truth").is_dir() else path
        return [c for file in sorted(folder.glob("*.json")) for c in _manuscript(file)], False
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        packed = path.read_bytes()
        lines = gzip.decompress(packed) if path.suffix == ".gz" else packed
        records = [json.loads(line) for line in lines.decode().split("\n") if line]
        return [Caption(f"{r['pmcid']}:{r['fig']}", r["caption"], []) for r in records], False
    data = json.loads(path.read_text(encoding="utf-8"))
    for name, entries in data.items():
        if name.startswith("NAMING"):
            return [Caption(entry["id"], entry["user"], []) for entry in entries], False
    texts = [
        (label["text"], panel["caption"])
        for figure in data.values()
        for panel in figure["gt_subfigures"]
        if (label := panel.get("label")) and panel.get("caption")
    ]
    marked = sum(bool(re.search(rf"(?i)[(\b]{re.escape(label)}\b", text)) for label, text in texts)
    return [Caption(key, figure["caption"], []) for key, figure in data.items()], 2 * marked > len(texts)


def _manuscript(file: Path) -> Iterator[Caption]:
    manuscript = json.loads(file.read_text(encoding="utf-8"))
    for figure in manuscript["figures"]:
        text, markup = from_html(figure["figure_caption"])
        yield Caption(f"{manuscript['manuscript_id']}:{figure['figure_label']}", text, markup)


def render(caption: str, split: CaptionSplit, label: str, convention: Convention = Convention.OWN) -> str:
    """The sub-caption of one label in a convention. Raises KeyError for a label that the caption does not name."""
    spans = list(split.segments[label])
    if convention is not Convention.OWN:
        spans += split.shared
    if convention is Convention.MARKED:
        spans += [marker.span for marker in split.markers if label in marker.labels]
    return text_of(caption, spans)


def by_splitter(caption: Caption, convention: Convention) -> dict[str, str]:
    """The toolkit's own answer: label to sub-caption."""
    split = split_caption(caption.text, caption.markup)
    return {label: render(caption.text, split, label, convention) for label in split.labels}


def by_regex(caption: Caption, convention: Convention) -> dict[str, str]:
    """The plain cutter: every "(A)" starts a text that runs to the next one."""
    found = list(re.finditer(r"\(([A-Za-z])\)", caption.text))
    out: dict[str, str] = {}
    for marker, following in zip_longest(found, found[1:]):
        start = marker.start() if convention is Convention.MARKED else marker.end()
        text = caption.text[start : following.start() if following else len(caption.text)]
        opening = caption.text[: found[0].start()] if convention is not Convention.OWN else ""
        out.setdefault(marker[1], (opening + text).strip())
    return out


SPLITTERS: dict[str, Callable[[Caption, Convention], dict[str, str]]] = {"pmc15m": by_splitter, "regex": by_regex}


def main() -> None:
    """Read the arguments, split every caption, write one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gold", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--splitter", choices=SPLITTERS, default="pmc15m")
    parser.add_argument("--convention", choices=["auto", *Convention], default="auto")
    arguments = parser.parse_args()
    captions, marked = read_captions(arguments.gold)
    convention = Convention.MARKED if marked else Convention.SHARED
    if arguments.convention != "auto":
        convention = Convention(arguments.convention)
    split = SPLITTERS[arguments.splitter]
    split(captions[0], convention)  # loads the weights
    began = time.process_time()
    answers = [split(caption, convention) for caption in captions]
    spent = time.process_time() - began
    with arguments.out.open("w", encoding="utf-8") as out:
        for caption, panels in zip(captions, answers, strict=True):
            out.write(json.dumps({"id": caption.key, "panels": panels}, ensure_ascii=False) + "\n")
    print(
        f"{len(captions)} captions, {1000 * spent / len(captions):.3f} ms of CPU each, rendered {convention.value}",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
