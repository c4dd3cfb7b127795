"""Split a caption into the texts of its panels: markup first, then the grammar."""

from collections import Counter
from collections.abc import Sequence, Set

from pmc15m.figures.captions.certainty import certainties
from pmc15m.figures.captions.markers import find_candidates, is_label, plain
from pmc15m.figures.captions.model import CaptionSplit, Style
from pmc15m.figures.captions.positions import find_positions
from pmc15m.figures.captions.readings import Reading, log_odds, read
from pmc15m.figures.captions.segments import Placed, cut
from pmc15m.figures.captions.series import Choice, choose
from pmc15m.figures.captions.spans import merge
from pmc15m.weights import fitted, probability
from pmc15m.weights import log_odds as weigh

POSITIONS = 0.5  # places name panels, or parts of one
# Probability that a caption in which no labels are found names none, where its figure prints some: of 18 such captions
# of zou458 in which nothing looks like a marker 16, of 5 others none.
NO_LABELS, TRACES = 0.9, 0.2
TRACE = -4.0  # log-odds from which a reading is a trace of labels
MEAN, WEAKEST, FOLLOWING, AHEAD = 6.0, 4.0, 2.0, 10.0  # log-odds of labels from which more says no more of their set


def split_caption(text: str, markup: Sequence[tuple[int, int, str]] = ()) -> CaptionSplit:
    """Which labels a caption names, and which text belongs to each. Pure and deterministic.

    `markup` are the spans `(start, end, kind)` that the publisher set apart; of these kinds are heeded: `label` and
    `generated` (a label by the structure of the XML), `bold`, `italic` where nothing is bold, `sup` and `sub` (no
    label stands there), `block` and `paragraph` (what opens one is likelier a label). A caption that names fewer
    than two panels comes back without labels, all of it shared.
    """
    folded = plain(text)
    stated, bold, italic, raised = (
        [(start, end) for start, end, kind in markup if kind in kinds]
        for kinds in (("label", "generated"), ("bold",), ("italic",), ("sup", "sub"))
    )
    italic = [span for span in italic if is_label(folded, *span)]  # not "A. niger"
    blocks = {start for start, _, kind in markup if kind in ("block", "paragraph")}
    candidates = [
        c
        for c in find_candidates(folded, [*stated, *(bold or italic)], blocks)
        if not any(start <= c.inner[0] < end for start, end in raised)
    ]
    readings = read(folded, candidates)
    weights = fitted("captions")
    choice = choose(readings, weights)
    if choice is None:
        placed = find_positions(folded)
        if not placed:
            traces = any(log_odds(reading, weights) > TRACE for reading in readings)
            return CaptionSplit(shared=((0, len(text)),) if text else (), certainty=TRACES if traces else NO_LABELS)
        labels = tuple(dict.fromkeys(label for marker in placed for label in marker.labels))
        return _assemble(folded, placed, labels, POSITIONS)
    placed, pointing = (_placed(readings, set(choice.labels)) for readings in (choice.readings, choice.passed_over))
    return _assemble(folded, placed, choice.labels, _certainty(choice), pointing)


def _placed(readings: Sequence[Reading], known: Set[str]) -> list[Placed]:
    """The readings as markers of the labels that are known, those of none left out."""
    placed = [
        Placed(
            (r.candidate.start, r.candidate.end), tuple(x.text for x in r.labels if x.text in known), r.candidate.style
        )
        for r in readings
    ]
    return [marker for marker in placed if marker.labels]


def _assemble(
    text: str, placed: Sequence[Placed], labels: tuple[str, ...], certainty: float, pointing: Sequence[Placed] = ()
) -> CaptionSplit:
    cuts = cut(text, placed, labels, pointing)
    style = Counter(marker.style for marker in placed).most_common(1)[0][0]
    return CaptionSplit(
        labels=labels,
        segments={label: merge(spans) for label, spans in cuts.segments.items()},
        stems={label: merge(spans) for label, spans in cuts.stems.items()},
        markers=tuple(cuts.markers),
        shared=merge(cuts.shared),
        references=tuple(cuts.references),
        positional=style is Style.POSITION,
        style=style,
        certainty=certainty,
        certainties=certainties(text, cuts),
    )


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
