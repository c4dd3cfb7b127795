"""Split a caption into the texts of its panels: labels by markup and grammar, words by the network of captions."""

from collections import Counter
from collections.abc import Sequence, Set
from typing import NamedTuple

from pmc15m.figures.captions.certainty import certainties
from pmc15m.figures.captions.markers import find_candidates, is_label, plain
from pmc15m.figures.captions.model import CaptionSplit, Style
from pmc15m.figures.captions.positions import find_positions
from pmc15m.figures.captions.readings import Reading, log_odds, read
from pmc15m.figures.captions.segments import cut
from pmc15m.figures.captions.series import Choice, choose
from pmc15m.figures.captions.spans import merge
from pmc15m.figures.captions.tokens import Placed
from pmc15m.weights import fitted, probability
from pmc15m.weights import log_odds as weigh

POSITIONS = 0.5  # places name panels, or parts of one
# Probability that a caption in which no labels are found names none, where its figure prints some: of 18 such captions
# of zou458 in which nothing looks like a marker 16, of 5 others none.
NO_LABELS, TRACES = 0.9, 0.2
TRACE = -4.0  # log-odds from which a reading is a trace of labels
MEAN, WEAKEST, FOLLOWING, AHEAD = 6.0, 4.0, 2.0, 10.0  # log-odds of labels from which more says no more of their set


class Named(NamedTuple):
    """The panels that a caption names: labels in order, the places that name them, how sure that is (of no labels:
    that there are none), and where paragraphs and list items begin."""

    labels: tuple[str, ...]
    placed: tuple[Placed, ...]
    certainty: float
    blocks: frozenset[int]


def split_caption(text: str, markup: Sequence[tuple[int, int, str]] = ()) -> CaptionSplit:
    """Which labels a caption names, and which text belongs to each. Pure and deterministic.

    `markup` are the spans `(start, end, kind)` that the publisher set apart; of these kinds are heeded: `label` and
    `generated` (a label by the structure of the XML), `bold`, `italic` where nothing is bold, `sup` and `sub` (no
    label stands there), `block` and `paragraph` (what opens one is likelier a label). A caption that names fewer
    than two panels comes back without labels, all of it shared.

    >>> from pmc15m.figures.captions import text_of
    >>> caption = "CT of the chest, axial (A) and coronal (B) view. Scale bar, 1 cm."
    >>> split = split_caption(caption)
    >>> {label: text_of(caption, spans) for label, spans in split.segments.items()}
    {'A': 'CT of the chest axial view.', 'B': 'CT of the chest coronal view.'}
    >>> text_of(caption, split.shared)
    'Scale bar, 1 cm.'
    """
    named = name_panels(text, markup)
    if not named.placed:
        return CaptionSplit(shared=((0, len(text)),) if text else (), certainty=named.certainty)
    cuts = cut(plain(text), named.placed, named.labels, named.blocks)
    style = Counter(marker.style for marker in named.placed).most_common(1)[0][0]
    return CaptionSplit(
        labels=named.labels,
        segments={label: merge(spans) for label, spans in cuts.segments.items()},
        stems={label: merge(spans) for label, spans in cuts.stems.items()},
        markers=tuple(cuts.markers),
        shared=merge(cuts.shared),
        references=tuple(cuts.references),
        positional=style is Style.POSITION,
        style=style,
        certainty=named.certainty,
        certainties=certainties(cuts.doubts, named.certainty),
    )


def name_panels(text: str, markup: Sequence[tuple[int, int, str]] = ()) -> Named:
    """The panels that a caption names; see `split_caption`."""
    folded = plain(text)
    stated, bold, italic, raised = (
        [(start, end) for start, end, kind in markup if kind in kinds]
        for kinds in (("label", "generated"), ("bold",), ("italic",), ("sup", "sub"))
    )
    italic = [span for span in italic if is_label(folded, *span)]  # not "A. niger"
    blocks = frozenset(start for start, _, kind in markup if kind in ("block", "paragraph"))
    candidates = [
        c
        for c in find_candidates(folded, [*stated, *(bold or italic)], blocks)
        if not any(start <= c.inner[0] < end for start, end in raised)
    ]
    readings = read(folded, candidates)
    weights = fitted("captions")
    choice = choose(readings, weights)
    if choice is not None:
        placed = _placed(choice.readings, set(choice.labels))
        return Named(choice.labels, tuple(placed), _certainty(choice), blocks)
    if placed := find_positions(folded):
        labels = tuple(dict.fromkeys(label for marker in placed for label in marker.labels))
        return Named(labels, tuple(placed), POSITIONS, blocks)
    traces = any(log_odds(reading, weights) > TRACE for reading in readings)
    return Named((), (), TRACES if traces else NO_LABELS, blocks)


def _placed(readings: Sequence[Reading], known: Set[str]) -> list[Placed]:
    """The readings as places that name labels which are known, in the order of the text."""
    placed: list[Placed] = []
    for reading in sorted(readings, key=lambda reading: (reading.candidate.start, reading.candidate.end)):
        labels = tuple(label.text for label in reading.labels if label.text in known)
        span = reading.candidate.start, reading.candidate.end
        if labels and (not placed or span[0] >= placed[-1].span[1]):
            placed.append(Placed(span, labels, reading.candidate.style))
    return placed


def _certainty(choice: Choice) -> float:
    """Probability that these are the labels of the figure, by logistic regression on silver (articles left out of the
    training of the weights `captions`), zou458 and panels-dev; within .05 of the truth above .8."""
    n = len(choice.labels)
    traits = {
        "mean": min(choice.total / n, MEAN),
        "weakest": max(-WEAKEST, min(choice.weakest, WEAKEST)),
        "following": min(choice.next_label, FOLLOWING),
        "ahead": min(choice.total - choice.rival, AHEAD),  # of the best other series
        "two": n == 2,
    }
    return probability(weigh(fitted("label_sets"), traits))
