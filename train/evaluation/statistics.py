"""Scores with 95 % intervals: the bootstrap over examples (Efron 1979), percentiles of 1,000 resamples.

A statistic is a function of how often each example was drawn, so that a resample costs no copy of the examples. The
draws are a function of the number of examples alone: two models are resampled alike, and the difference of their
resampled scores is the paired bootstrap.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

RESAMPLES = 1000
SEED = 0

Values = np.ndarray[Any, np.dtype[np.float64]]
Draws = np.ndarray[Any, np.dtype[np.int64]]  # (n,) how often each example was drawn
Statistic = Callable[[Draws], float]


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """A number, its 95 % interval, and what the resamples gave."""

    value: float
    low: float
    high: float
    resampled: Values  # (RESAMPLES,)

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}–{self.high:.2f}]"

    def as_dict(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}


def bootstrap(statistics: Mapping[str, Statistic], n: int, resamples: int = RESAMPLES) -> dict[str, Score]:
    """Each statistic of `n` examples. A resample in which it is not defined (NaN) is left out of the interval."""
    rng = np.random.default_rng(SEED)
    made = {name: np.empty(resamples) for name in statistics}
    for turn in range(resamples if n else 0):
        draws = np.bincount(rng.integers(0, n, n), minlength=n)
        for name, statistic in statistics.items():
            made[name][turn] = statistic(draws)
    whole = np.ones(n, dtype=np.int64)
    return {name: _score(statistic(whole) if n else np.nan, made[name]) for name, statistic in statistics.items()}


def difference(first: Score, second: Score) -> Score:
    """`first` − `second`, both of the same examples: the paired bootstrap."""
    return _score(first.value - second.value, first.resampled - second.resampled)


def _score(value: float, resampled: Values) -> Score:
    defined = resampled[np.isfinite(resampled)]
    low, high = np.percentile(defined, (2.5, 97.5)) if len(defined) else (np.nan, np.nan)
    return Score(float(value), float(low), float(high), resampled)


def percentage(values: Any, among: Any = 1) -> Statistic:
    """100 × the mean of (n,) values in 0…1 over the examples that `among` marks or weighs; NaN if none is drawn."""
    weights = np.ones(len(values)) * among
    inside = weights * values

    def statistic(draws: Draws) -> float:
        drawn = float(draws @ weights)
        return 100 * float(draws @ inside) / drawn if drawn else np.nan

    return statistic


def median(values: Any) -> Statistic:
    """The median of (n,) numbers; of an even count the mean of the middle two."""
    numbers = np.asarray(values, dtype=np.float64)
    return lambda draws: float(np.median(np.repeat(numbers, draws)))


def auroc(scores: Any, positive: Any) -> Statistic:
    """100 × the area under the ROC curve (scikit-learn's); NaN where one class was not drawn."""
    from sklearn.metrics import roc_auc_score

    marked = np.asarray(positive, dtype=bool)

    def statistic(draws: Draws) -> float:
        is_defined = 0 < draws @ marked < draws.sum()
        return 100 * float(roc_auc_score(marked, scores, sample_weight=draws)) if is_defined else np.nan

    return statistic
