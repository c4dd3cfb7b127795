"""How sure it is that the text of a label is what a person would give it."""

import math
from collections.abc import Mapping

from pmc15m.weights import fitted, log_odds, probability

MOST = 0.995  # certainty of a label set from which more says no more


def certainties(doubts: Mapping[str, Mapping[str, float]], certainty: float) -> Mapping[str, float]:
    """The probability for each label, 0..1, from what the evidence says of its text and from the certainty of the
    label set (weights `certainty`: fitted to captions of articles that the network had not read)."""
    weights = fitted("certainty")
    return {label: probability(log_odds(weights, traits_of(doubt, certainty))) for label, doubt in doubts.items()}


def traits_of(doubt: Mapping[str, float], certainty: float) -> Mapping[str, float]:
    """The features of one label for the weights `certainty`."""
    likely = min(max(certainty, 1 - MOST), MOST)
    return {**doubt, "labels": math.log(likely / (1 - likely))}
