"""Captions whose sub-captions an annotator gave, and the fit of what is unsure about them.

Logistic regression (ridge 3) over the traits that `pmc15m.figures.captions` weighs, with how well it does on articles
left out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.captions.logistic import Floats, fit_logistic
from pmc15m.weights import log_odds

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


def fit(examples: Sequence[Example]) -> dict[str, float]:
    """The weights of the traits, and the bias."""
    traits = np.array([[float(value) for value in e.traits.values()] for e in examples])
    truth, weight = np.array([float(e.truth) for e in examples]), np.array([e.weight for e in examples])
    w = fit_logistic(traits, truth, RIDGE, weight)
    return {name: float(v) for name, v in zip(["bias", *examples[0].traits], w, strict=True)}


def left_out(examples: Sequence[Example]) -> Floats:
    """Log-odds of every example by the weights of the other articles."""
    articles = sorted({e.article for e in examples})
    others = {article: fit([e for e in examples if e.article != article]) for article in articles}
    return np.array([log_odds(others[e.article], e.traits) for e in examples])


def fit_and_report(examples: Sequence[Example], beside: Path | None) -> dict[str, float]:
    """The fit of all examples. Prints how it does on articles left out, and its weights beside those of a file."""
    odds, truth = left_out(examples), np.array([e.truth for e in examples])
    above = odds[truth][:, None] - odds[~truth]
    print(
        f"{len(examples)} of {len({e.article for e in examples})} articles, {truth.mean():.3f} true; left out "
        f"{np.mean((odds > 0) == truth):.3f} right, true above false {np.mean((above > 0) + 0.5 * (above == 0)):.3f}"
    )
    weights = fit(examples)
    other: dict[str, float] = json.loads(beside.read_text(encoding="utf-8")) if beside else {}
    if other:
        right = np.mean([(log_odds(other, e.traits) > 0) == e.truth for e in examples])
        print(f"  the weights of {beside}: {right:.3f} right")
    for name, value in weights.items():
        print(f"  {name:14} {value:6.2f}" + (f"  beside {other[name]:6.2f}" if other else ""))
    return weights
