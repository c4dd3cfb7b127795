"""Scores: equal to scikit-learn and to a plain bootstrap that copies the examples."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from train.evaluation.statistics import SEED, auroc, bootstrap, difference, median, percentage


def plain(metric, n: int, resamples: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(SEED)
    return np.array([metric(rng.integers(0, n, n)) for _ in range(resamples)])


@pytest.fixture
def examples() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores with ties, labels, hits of 60 examples."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 9, 60) / 4, rng.random(60) < 0.4, rng.random(60) < 0.7


def test_values_and_intervals_equal_a_plain_bootstrap(examples: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    scores, labels, hits = examples
    metrics = {
        "accuracy": (percentage(hits), lambda rows: 100 * hits[rows].mean()),
        "recall": (percentage(hits, labels), lambda rows: 100 * hits[rows][labels[rows]].mean()),
        "median": (median(scores), lambda rows: np.median(scores[rows])),
        "auroc": (auroc(scores, labels), lambda rows: 100 * roc_auc_score(labels[rows], scores[rows])),
    }
    made = bootstrap({name: statistic for name, (statistic, _) in metrics.items()}, 60, resamples=200)
    for name, (_, metric) in metrics.items():
        resampled = plain(metric, 60, 200)
        assert made[name].value == pytest.approx(metric(np.arange(60)), abs=1e-9)
        assert made[name].resampled == pytest.approx(resampled, abs=1e-9)
        assert (made[name].low, made[name].high) == pytest.approx(np.percentile(resampled, (2.5, 97.5)), abs=1e-9)


def test_the_paired_bootstrap_resamples_both_models_alike(examples: tuple[np.ndarray, ...]) -> None:
    _, _, hits = examples
    better = hits.copy()
    better[np.flatnonzero(~hits)[:5]] = True
    first, second = (bootstrap({"accuracy": percentage(h)}, 60)["accuracy"] for h in (better, hits))
    change = difference(first, second)
    assert change.value == pytest.approx(100 * 5 / 60)
    assert change.low > 0  # 5 examples won, none lost: sure, though the two intervals overlap by far
    assert first.low < second.high
    resampled = plain(lambda rows: 100 * (better[rows].mean() - hits[rows].mean()), 60, 1000)
    assert change.resampled == pytest.approx(resampled, abs=1e-9)


def test_a_resample_without_a_class_is_left_out_of_the_interval() -> None:
    labels = np.array([True, False, False, False])
    made = bootstrap({"auroc": auroc(np.array([1.0, 0.0, 2.0, 0.5]), labels)}, 4)["auroc"]
    assert made.value == pytest.approx(100 * 2 / 3)
    assert np.isnan(made.resampled).any()
    assert 0 <= made.low <= made.high <= 100
