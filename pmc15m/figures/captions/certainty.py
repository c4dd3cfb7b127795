"""How sure it is that the text of a label is, at least for the most part, what a person would give it.

Every text could have been cut otherwise: after its first sentence, with or without the legend behind it, with the
words that it shares with other labels. Such a doubt only counts where it is about a large part of the text.
"""

from collections.abc import Iterable, Mapping

from pmc15m.figures.captions.segments import Segments, marker_leads
from pmc15m.figures.captions.sentences import sentences
from pmc15m.figures.model import Span
from pmc15m.weights import fitted, log_odds, probability

ALIKE = 0.7  # of the longer text: what two texts share that say the same


def certainties(text: str, cuts: Segments) -> Mapping[str, float]:
    """The probability for each label that has a text, 0..1."""
    weights = fitted("subcaptions")
    return {label: probability(log_odds(weights, traits)) for label, traits in traits_of(text, cuts).items()}


def traits_of(text: str, cuts: Segments) -> Mapping[str, Mapping[str, bool]]:
    """The features of the text of each label that has one, for the weights `subcaptions`.

    They were fitted to the 199 sub-captions of panels-dev; `python -m models subcaptions` gives others today
    (models/README.md says how they differ).
    """
    ends = [marker.span for marker in cuts.markers]
    legend = _length(span for span in cuts.shared if ends and span[0] >= max(ends)[1])
    openings = [span for span in cuts.shared if ends and span[1] <= min(ends)[0]]
    texts = list(cuts.segments.values())
    out = {}
    for index, (label, spans) in enumerate(cuts.segments.items()):
        if not spans:
            continue
        markers = [marker for marker in cuts.markers if label in marker.labels]
        whole = [(a + start, a + end) for a, b in spans for start, end in sentences(text[a:b])]
        length, leads = _length(spans), any(marker_leads(text, marker.span) for marker in markers[:1])
        marked = [span for span in whole if any(_near(marker.span, span) for marker in markers)]
        main = max(end - start for start, end in marked or whole[:1])
        long = _matters(main, length - main)
        last = any(marker.span == max(ends) for marker in markers)
        out[label] = {
            "leads": leads,  # its marker stands in front of it
            "long": long,  # sentences without its marker are a large part of it
            "together": texts.count(spans) > 1 and (long or len(markers[0].labels) == 1),  # several labels have it
            "legend": last and (long or _matters(length, legend)),
            "stem": _matters(length, _length(cuts.stems[label])),  # words that labels of its sentence share
            "opening": index == 0 and not leads and _matters(length, _length(openings[-1:])),
            "referred": any(label in marker.labels for marker in cuts.references),  # another sentence comes back to it
        }
    return out


def _near(marker: Span, sentence: Span) -> bool:
    """Whether a sentence holds a marker, or follows it at once."""
    return marker[0] < sentence[1] and sentence[0] <= marker[1] + 3


def _matters(length: int, doubted: int) -> bool:
    """Whether a text with and without what is doubted differs in more than it shares."""
    return doubted > 0 and length < ALIKE * (length + doubted)


def _length(spans: Iterable[Span]) -> int:
    return sum(end - start for start, end in spans)
