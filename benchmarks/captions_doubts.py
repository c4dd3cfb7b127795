"""Fit what is unsure about sub-captions: where the legend begins, and whether a text was cut as a person would cut it.

    python -m benchmarks.captions_doubts PANELS.json ZOU458.json

Two logistic regressions (ridge 3) over the traits that `pmc15m.figures.captions` weighs, printed with today's weights
and with how well they do on articles left out. Legend: the sentences behind the last marker, of both files, those of
PANELS.json three times, cut as `segments` cuts them but for pointers and titles without a stop; they belong to the
legend where no panel has them, or all have. Cuts: the sub-captions of PANELS.json, right where they are like the
annotator's (1 - edit distance / longer length >= 0.7).
"""

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.logistic import Floats, fit_logistic
from pmc15m.figures.captions import certainty, legend, split_caption, text_of
from pmc15m.figures.captions.markers import plain
from pmc15m.figures.captions.segments import Segments
from pmc15m.figures.captions.sentences import sentences
from pmc15m.weights import fitted, log_odds

RIDGE = 3.0
EMPHASIS = 3.0  # of panels-dev among the legend's sentences: its annotator read, zou458's cut by rule


class Captioned(NamedTuple):
    """A caption, its article, and the sub-captions that an annotator gave, by label in lower case."""

    text: str
    article: str
    texts: dict[str, str]
    weight: float


class Example(NamedTuple):
    """The traits of a sentence or of a text, the truth, and where it is from."""

    traits: Mapping[str, float]
    truth: bool
    article: str
    weight: float


def read_panels(path: Path) -> Iterator[Captioned]:
    """The captions of PANELS.json that fit their figure."""
    for figure in json.loads(path.read_text(encoding="utf-8")):
        if figure["caption"] and not figure.get("caption_mismatch"):
            panels = [p for p in figure["panels"] if p["label"] and p.get("subcaption")]
            texts = {p["label"].casefold(): p["subcaption"] for p in panels}
            yield Captioned(figure["caption"], figure["folder"], texts, EMPHASIS)


def read_zou(path: Path) -> Iterator[Captioned]:
    """The captions of zou458.json."""
    for name, figure in json.loads(path.read_text(encoding="utf-8")).items():
        panels: list[Any] = [p for p in figure["gt_subfigures"] if p.get("label") and p.get("caption")]
        texts = {p["label"]["text"].casefold(): p["caption"] for p in panels}
        yield Captioned(figure["caption"], name.split("_")[0], texts, 1.0)


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


def fit(examples: Sequence[Example]) -> Floats:
    """float64 (1 + traits,): bias and weights."""
    traits = np.array([[float(value) for value in e.traits.values()] for e in examples])
    truth, weight = (np.array([float(e[at]) for e in examples]) for at in (1, 3))
    return fit_logistic(traits, truth, RIDGE, weight)


def left_out(examples: Sequence[Example]) -> Floats:
    """Log-odds of every example by the weights of the other articles."""
    odds = np.zeros(len(examples))
    for article in sorted({e.article for e in examples}):
        w = fit([e for e in examples if e.article != article])
        for n, e in enumerate(examples):
            if e.article == article:
                odds[n] = w[0] + sum(w[1:] * np.array([float(v) for v in e.traits.values()]))
    return odds


def report(title: str, examples: Sequence[Example], weights: Mapping[str, float]) -> None:
    """Print the fitted weights beside those in use, and how the fit does on articles left out."""
    odds, truth = left_out(examples), np.array([e.truth for e in examples])
    above = odds[truth][:, None] - odds[~truth]
    print(
        f"{title}: {len(examples)} of {len({e.article for e in examples})} articles, {truth.mean():.3f} true; left out "
        f"{np.mean((odds > 0) == truth):.3f} right, true above false {np.mean((above > 0) + 0.5 * (above == 0)):.3f}"
    )
    used = [weights[name] for name in ("bias", *examples[0].traits)]
    in_use = [log_odds(weights, e.traits) > 0 for e in examples]
    print(f"  the weights in use: {np.mean(np.array(in_use) == truth):.3f} right")
    for name, new, now in zip(["bias", *examples[0].traits], fit(examples), used, strict=True):
        print(f"  {name:14} {new:6.2f}  in use {now:6.2f}")


def main() -> None:
    """Read both files, fit, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("panels", type=Path)
    parser.add_argument("zou", type=Path)
    arguments = parser.parse_args()
    panels = list(read_panels(arguments.panels))
    tails = [e for captioned in (*panels, *read_zou(arguments.zou)) for e in legend_examples(captioned)]
    report("legend", tails, fitted("legend"))
    report("cuts", [e for captioned in panels for e in cut_examples(captioned)], fitted("subcaptions"))


def _letters(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()


if __name__ == "__main__":
    main()
