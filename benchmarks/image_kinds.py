"""Error of the image kinds on real figures and panels, against the marks of a reader.

    python -m benchmarks.image_kinds ARTICLES_DIR --panels PANELS.json

`image_kinds.jsonl` beside this file holds marks: one line a picture {"image": its place below ARTICLES_DIR, "half":
looked at (its errors were, between rounds of training) or kept (marked before the network was asked, looked at by
none), "figure": the kinds that are accepted, the first one first, "panels": the same of each box that PANELS.json gives
it}. The certainty is asked by folds as well: whether a temperature fitted on other articles would change it.
Intervals: bootstrap over articles.
"""

import argparse
import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pmc15m.pictures.decode import Decoded, decode
from pmc15m.pictures.hashes import working_picture
from pmc15m.pictures.kinds import ImageKind, Seen, family_of, judged, likelihoods

MARKS = Path(__file__).with_suffix(".jsonl")
TEMPERATURES = np.geomspace(0.5, 3, 60)
FOLDS = 5


@dataclass(frozen=True)
class Example:
    article: str
    accepted: tuple[ImageKind, ...]
    likely: NDArray[np.float32]

    @property
    def seen(self) -> Seen:
        return judged(self.likely)

    @property
    def is_right(self) -> bool:
        return self.seen.kind in self.accepted


def examples(articles: Path, panels: Path) -> dict[str, list[Example]]:
    """Figures and panels that were looked at, and figures that were kept, by those names."""
    boxes = {figure["image"]: figure["panels"] for figure in json.loads(panels.read_text(encoding="utf-8"))}
    found: dict[str, list[Example]] = {"figures": [], "panels": [], "kept": []}
    for line in map(json.loads, MARKS.read_text(encoding="utf-8").splitlines()):
        decoded = decode((articles / line["image"]).read_bytes())
        if not isinstance(decoded, Decoded):
            continue
        article = line["image"].split("/")[0]

        def example(
            accepted: list[str], box: list[int] | None, article: str = article, of: Decoded = decoded
        ) -> Example:
            likely = likelihoods(working_picture(of.image, tuple(box) if box else None))  # type: ignore[arg-type]
            return Example(article, tuple(map(ImageKind, accepted)), likely)

        found["kept" if line["half"] == "kept" else "figures"].append(example(line["figure"], None))
        for panel, accepted in zip(boxes.get(line["image"], ()), line["panels"], strict=False):
            found["panels"].append(example(accepted, panel["box"]))
    return found


def interval(right: list[bool], articles: list[str]) -> str:
    """Share and its 95 % interval: articles drawn with replacement, because figures of one article are alike."""
    names, random = sorted(set(articles)), np.random.default_rng(0)
    groups = [np.array([ok for ok, name in zip(right, articles, strict=True) if name == each]) for each in names]
    picks = random.integers(len(groups), size=(2000, len(groups)))
    low, high = np.quantile([np.concatenate([groups[i] for i in pick]).mean() for pick in picks], [0.025, 0.975])
    return f"{sum(right)}/{len(right)} = {np.mean(right):.3f} [{low:.2f}, {high:.2f}]"


def table(title: str, rows: list[Example]) -> None:
    """Shares that are right, then a row for each kind that comes first among the accepted, then the certainty."""
    articles = [row.article for row in rows]
    print(f"{title}: kind right {interval([row.is_right for row in rows], articles)}")
    print(f"  by the first mark {interval([row.seen.kind is row.accepted[0] for row in rows], articles)}")
    in_family = [row.seen.family in {family_of(kind) for kind in row.accepted} for row in rows]
    print(f"  family right {interval(in_family, articles)}")
    for truth in sorted({row.accepted[0] for row in rows}):
        seen = Counter(row.seen.kind for row in rows if row.accepted[0] is truth)
        print(f"  {truth:12} {seen.total():3}  " + ", ".join(f"{kind} {n}" for kind, n in seen.most_common()))
    for low, high in ((0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        chosen = [row for row in rows if low <= row.seen.kind_score < high]
        if chosen:
            mean = np.mean([row.seen.kind_score for row in chosen])
            right = np.mean([row.is_right for row in chosen])
            print(f"  score from {low:.1f}: mean {mean:.2f}, right {right:.2f} of {len(chosen)}")


def cooled(likely: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """The probabilities with the logits divided by a temperature."""
    powered = np.maximum(likely, 1e-9) ** (1 / temperature)
    shares: NDArray[np.float32] = powered / powered.sum()
    return shares


def temperature(rows: list[Example]) -> float:
    """That which makes the accepted kinds likeliest."""

    def surprise(value: float) -> float:
        return -sum(
            math.log(sum(cooled(row.likely, value)[list(ImageKind).index(kind)] for kind in row.accepted))
            for row in rows
        )

    return float(min(TEMPERATURES, key=surprise))


def by_folds(rows: list[Example]) -> None:
    """What a temperature that other articles gave would make of the certainty."""
    fold = {article: index % FOLDS for index, article in enumerate(sorted({row.article for row in rows}))}
    sure, fitted = [], []
    for each in range(FOLDS):
        fitted.append(temperature([row for row in rows if fold[row.article] != each]))
        for row in (row for row in rows if fold[row.article] == each):
            seen = judged(cooled(row.likely, fitted[-1]))
            sure.append((seen.kind_score, seen.kind in row.accepted))
    values = ", ".join(f"{value:.2f}" for value in (temperature(rows), *fitted))
    print(f"temperature on all, and with a fold of articles left out: {values}")
    right = [ok for score, ok in sure if score >= 0.9]
    print(f"  so changed, {sum(right)} of {len(right)} with 0.9 or more are right")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--panels", type=Path, required=True)
    args = parser.parse_args()
    found = examples(args.articles, args.panels)
    for title, rows in found.items():
        table(title, rows)
    by_folds([*found["figures"], *found["panels"]])


if __name__ == "__main__":
    main()
