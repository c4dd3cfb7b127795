"""Logistic regression for the small models of the toolkit: L2, Newton's method, the bias not shrunk."""

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_ROUNDS = 30
_SETTLED = 1e-8


def fit_logistic(traits: NDArray[np.floating], truth: Floats, ridge: float, weight: Floats | None = None) -> Floats:
    """float64 (1 + columns,): bias and weights that tell `truth` (rows,) of 0 and 1 from `traits` (rows, columns).

    `weight` (rows,) counts a row more than once.
    """
    x = np.column_stack([np.ones(len(traits), traits.dtype), traits])
    count = np.ones(len(x)) if weight is None else weight
    shrink = np.full(x.shape[1], ridge)
    shrink[0] = 1e-6
    w = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-(x @ w)))
        hessian = x.T @ (x * (count * p * (1 - p))[:, None]) + np.diag(shrink)
        step = np.linalg.solve(hessian, x.T @ (count * (truth - p)) - shrink * w)
        w += step
        if np.abs(step).max() < _SETTLED:
            break
    return w


def as_json(weights: Mapping[str, float]) -> bytes:
    """The form of `pmc15m.weights.fitted`: a feature's name to natural log-odds, `bias` among them; one a line."""
    rounded = {name: round(value, 3) for name, value in weights.items()}
    return (json.dumps(rounded, indent=0, ensure_ascii=False) + "\n").encode()
