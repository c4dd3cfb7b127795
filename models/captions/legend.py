"""Where the text of the last panel ends and the legend of the whole figure begins (`legend.json`).

    python -m models legend PANELS.json ZOU458.json --out FILE [--beside pmc15m/weights/legend.json]

From the sentences behind the last marker, of both files, those of PANELS.json three times, cut as `segments` cuts them
but for pointers and titles without a stop; they belong to the legend where no panel has them, or all have. Printed: how
well the fit does on articles left out, and its weights, beside those of another file.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from models.captions.annotated import Captioned, Example, fit_and_report, read_panels, read_zou
from models.captions.logistic import as_json
from pmc15m.figures.captions import legend, split_caption
from pmc15m.figures.captions.markers import plain
from pmc15m.figures.captions.sentences import sentences


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("panels", type=Path)
    parser.add_argument("zou", type=Path)
    parser.add_argument("--beside", type=Path)


def train(args: argparse.Namespace) -> bytes:
    captions = (*read_panels(args.panels), *read_zou(args.zou))
    return as_json(fit_and_report([e for captioned in captions for e in legend_examples(captioned)], args.beside))


def legend_examples(captioned: Captioned) -> Iterator[Example]:
    """The sentences behind the last marker that name no panel."""
    text, texts = plain(captioned.text), {label: _letters(t) for label, t in captioned.texts.items()}
    split = split_caption(text)
    if len(texts.keys() & {label.casefold() for label in split.labels}) < 2:
        return
    starts = [marker.span[0] for marker in split.markers]
    named = [*starts, *(marker.span[0] for marker in split.references)]
    whole = sentences(text)
    counts = [sum(a <= start < b for start in starts) for a, b in whole]
    marked = [n for n, count in enumerate(counts) if count]
    tail = [(a, b) for a, b in whole[marked[-1] + 1 :] if not any(a <= start < b for start in named)]
    several, one_each = counts[marked[-1]] > 1, marked[-1] - marked[0] + 1 == len(marked)
    known = legend.words_of(text[slice(*whole[marked[-1]])])
    for n, (a, b) in enumerate(tail):
        owners = sum(_letters(text[a:b]) in own for own in texts.values())
        traits = legend.traits_of(text[a:b], known, several, one_each, n == len(tail) - 1)
        yield Example(traits, owners in (0, len(texts)), captioned.article, captioned.weight)


def _letters(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()
