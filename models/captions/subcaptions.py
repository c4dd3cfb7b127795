"""How sure it is that a text was cut as a person would cut it (`subcaptions.json`).

    python -m models subcaptions PANELS.json --out FILE [--beside pmc15m/weights/subcaptions.json]

From the sub-captions of PANELS.json, right where they are like the annotator's (1 - edit distance / longer length
>= 0.7). Printed: how well the fit does on articles left out, and its weights, beside those of another file.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.captions.annotated import Captioned, Example, fit_and_report, read_panels
from models.captions.logistic import as_json
from pmc15m.figures.captions import certainty, split_caption, text_of
from pmc15m.figures.captions.segments import Segments


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("panels", type=Path)
    parser.add_argument("--beside", type=Path)


def train(args: argparse.Namespace) -> bytes:
    return as_json(fit_and_report([e for c in read_panels(args.panels) for e in cut_examples(c)], args.beside))


def cut_examples(captioned: Captioned) -> Iterator[Example]:
    """The texts of the labels that an annotator gave a text."""
    split = split_caption(captioned.text)
    found = Segments(
        {label: list(spans) for label, spans in split.segments.items()},
        {label: list(spans) for label, spans in split.stems.items()},
        list(split.shared),
        list(split.markers),
        list(split.references),
    )
    for label, traits in certainty.traits_of(captioned.text, found).items():
        gold = captioned.texts.get(label.casefold())
        if gold:
            alike = likeness(gold, text_of(captioned.text, split.segments[label])) >= certainty.ALIKE
            yield Example(traits, alike, captioned.article, 1.0)


def likeness(a: str, b: str) -> float:
    """1 - edit distance / length of the longer text, white space folded."""
    a, b = " ".join(a.split()), " ".join(b.split())
    column = np.arange(len(b) + 1)
    letters, places = np.array(list(b)), np.arange(len(b) + 1)
    for row, letter in enumerate(a, 1):
        best = np.minimum(column[1:] + 1, column[:-1] + (letters != letter))
        column = np.minimum.accumulate(np.concatenate(([row], best)) - places) + places
    return 1 - int(column[-1]) / max(len(a), len(b), 1)
