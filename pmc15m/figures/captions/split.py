"""Split a caption into the texts of its panels: markup first, then the grammar."""

from collections import Counter
from collections.abc import Sequence
from math import exp

from pmc15m.figures.captions.evidence import read
from pmc15m.figures.captions.markers import find_candidates, plain
from pmc15m.figures.captions.model import CaptionSplit, Style
from pmc15m.figures.captions.render import merge
from pmc15m.figures.captions.segments import Placed, cut
from pmc15m.figures.captions.series import Choice, choose


def split_caption(text: str, markup: Sequence[tuple[int, int, str]] = ()) -> CaptionSplit:
    """Which labels a caption names, and which text belongs to each. Pure and deterministic.

    `markup` are the spans `(start, end, kind)` that the publisher set apart. A caption that names fewer than two
    panels comes back without labels, all of it shared.
    """
    folded = plain(text)
    bold = [(start, end) for start, end, kind in markup if kind in ("bold", "italic")]
    choice = choose(read(folded, find_candidates(folded, bold)))
    if choice is None:
        return CaptionSplit(shared=((0, len(text)),) if text else ())
    known = set(choice.labels)
    placed = [
        Placed(
            (r.candidate.start, r.candidate.end), tuple(x.text for x in r.labels if x.text in known), r.candidate.style
        )
        for r in choice.readings
    ]
    found = cut(folded, [p for p in placed if p.labels], choice.labels)
    return CaptionSplit(
        labels=choice.labels,
        segments={label: merge(spans) for label, spans in found.segments.items()},
        stems={label: merge(spans) for label, spans in found.stems.items()},
        markers=tuple(found.markers),
        shared=merge(found.shared),
        references=tuple(found.references),
        style=Style(Counter(p.style for p in placed).most_common(1)[0][0]),
        confidence=_confidence(choice),
    )


def _confidence(choice: Choice) -> float:
    return 1 / (1 + exp(-min(choice.weakest, -choice.next_label, (choice.total - choice.rival) / 4)))
